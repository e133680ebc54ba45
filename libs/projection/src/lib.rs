//! Runs folds over the ledger into SQLite with their checkpoint.
