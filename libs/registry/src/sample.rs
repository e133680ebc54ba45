//! A tiny complete registry for tests.
