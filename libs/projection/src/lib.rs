//! Runs folds over the ledger into SQLite with their checkpoint.
//!
//! Belongs here: one file per projection, its transactions, its place in the ledger, reading it while it is written,
//! rebuilding it, comparing two of it. Does not belong: what any table holds, what a service does with it.
//!
//! A projection says how one commit changes its rows ([`Projection::apply`]); nearly always that is "replace the rows of
//! each changed case by what the case is now". The runner does the rest: it follows the ledger, folds the cases, and
//! writes rows and checkpoint in one transaction, so that every commit is applied exactly once whatever is killed when.
//!
//! Invariants, as absences:
//! - no commit is applied twice, skipped or out of order; one that cannot be applied parks the projection with its reason, one
//!   for which something is away waits until it is there;
//! - no row without the position it is as of: both are read in one snapshot ([`position`]);
//! - no file outlives what it was made from: another ledger, epoch, chain or version of the projection rebuilds it;
//! - nothing is only in a file here: delete it, and it comes again, equal row for row ([`checksum`]).

mod change;
mod checkpoint;
mod checksum;
mod file;
mod folder;
mod run;
mod seen;
mod start;
#[cfg(test)]
mod tests;
mod view;

pub use change::{CaseChange, Change, FoldError, Projection};
pub use checkpoint::position;
pub use checksum::checksum;
pub use file::OpenError;
pub use run::RunError;
pub use start::{Options, Progress, RebuildError, rebuild, start};
pub use view::{Behind, NotReady, ReadError, Status, View};
