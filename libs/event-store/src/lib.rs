//! Append-only streams of bytes over sled: commit, read, follow, verify; knows no cases.
//!
//! What belongs here: the bytes on disk, their order, their durability and their proof. What does not: what an event
//! means, who may write it, how it travels. This is the only crate that names sled.
//!
//! One **commit** is all events of one command, on one or several streams, as one value under its first position, with
//! its stream index and its command key in the same sled batch ([`StoredCommit`], layout in `frame.rs`, keys in
//! `keys.rs`). One thread commits: it judges a group, applies one batch, flushes sled, syncs the data file through a
//! descriptor of its own, writes and syncs the watermark, and only then shows and answers. sled's `flush` alone is no
//! fsync on Linux.
//!
//! Invariants, as absences:
//! - nothing is read, followed or answered before it is durable, refusals that rest on it included;
//! - no commit is half there, none is there twice under one command id of one principal;
//! - no answer follows a failed sync: the process ends;
//! - no log behind its watermark, no broken tail, no newer format, no directory in other hands is opened;
//! - no value above 4 KiB reaches sled, which would keep it in a file it does not sync;
//! - stored bytes are never rewritten or hashed in another form than they have on disk.
//!
//! Not there yet: opening a new epoch after a restore or repair (its event type [`EPOCH_OPENED`] is reserved, the header
//! carries the epoch, readers and [`verify_copy_in_place`] accept one), backup and restore.

mod chain;
mod commit;
mod committer;
mod dir;
mod errors;
mod follow;
mod frame;
mod ids;
mod keys;
pub mod limits;
mod log;
mod open;
mod options;
mod queue;
mod reads;
mod recent;
mod store;
#[cfg(test)]
mod tests;
mod verify;
mod watermark;

pub use chain::{ChainHash, EventIds};
pub use commit::{
    Append, Committed, EPOCH_OPENED, NewCommit, NewEvent, StoredCommit, StoredEvent, Unchanged,
};
pub use dir::is_store;
pub use errors::{CommitError, InvalidCommit, OpenError, ReadError};
pub use follow::Follower;
pub use frame::{Assigned, FrameError};
pub use ids::{BadStreamName, Expected, Position, StreamName, Version};
pub use options::{BeforeSync, FailStop, Options, Seams, SyncPoint};
pub use reads::{LogPage, StreamEvent, StreamPage};
pub use recent::Recent;
pub use store::{Head, Store};
pub use verify::{Finding, FindingKind, Report, ReportHead, copy_for_verify, verify_copy_in_place};
