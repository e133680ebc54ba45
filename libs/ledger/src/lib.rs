//! Typed case streams over the event store: execute, read, follow.
//!
//! Belongs here: turning commands' decisions into commits, stored bytes into events and cases, the registry's stream into
//! a registry, a position into a number people can say. Does not belong: what is decided (`case`), bytes on disk
//! (`event-store`), lists and searches (`projection`).
//!
//! [`Ledger`] is a cheap handle over an enum of ways to reach the log: open in this process, or in another one that serves it
//! over NATS ([`Host`]). One set of tests holds for both (`tests/`).
//!
//! Invariants, as absences:
//! - nothing is decided on a version that is not the one committed upon;
//! - no command of one principal happens twice under one command id, and a repeat gets the first success;
//! - no event this program does not know is skipped: the reader gets [`LedgerError::NewerLog`] and stays there;
//! - no stored text is quoted in an error.

mod backend;
mod cache;
mod commit;
mod context;
mod errors;
mod execute;
mod follow;
mod handle;
mod locks;
mod new_cases;
pub mod number;
pub mod registry_stream;
mod remote;
#[cfg(test)]
mod tests;

pub use commit::{Commit, Entry, Envelope, Stream};
pub use context::{Append, CommandContext, Committed, Done, Rider};
pub use errors::{CommitError, ExecuteError, LedgerError, TooLarge};
pub use event_store::{ChainHash, Expected, Head, OpenError, Position, StreamName, Version};
pub use execute::{CASES_MAX, CONFLICT_TRIES};
pub use follow::{Follow, Step};
pub use handle::{Ledger, LedgerInfo, Options};
pub use locks::Locked;
pub use new_cases::NewCases;
pub use remote::Origin;
pub use remote::host::{Host, HostError, Kept, NoRiders, RiderFault, Riders, Times};
