use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::chain::ChainHash;
use crate::frame::FrameError;
use crate::ids::{Expected, Position, StreamName, Version};

/// Why a store does not open. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, has the store.
    #[error("{dir} is in use by another process; stop it first (its id is in the file `lock`: {holder})")]
    Locked {
        /// The store's directory.
        dir: PathBuf,
        /// What the holder wrote into the lock file, or "unknown".
        holder: String,
    },
    /// A later build wrote it.
    #[error("{dir} has format {found}, this build reads up to {known}; start a newer build")]
    NewerFormat {
        /// The store's directory.
        dir: PathBuf,
        /// The format found.
        found: u32,
        /// The newest format this build reads.
        known: u32,
    },
    /// The directory is another ledger's.
    #[error("{dir} is the log of ledger {found:?}, not of {asked:?}; point to the right directory")]
    OtherLedger {
        /// The store's directory.
        dir: PathBuf,
        /// The ledger it belongs to.
        found: String,
        /// The ledger asked for.
        asked: String,
    },
    /// Acknowledged events are missing at the end of the log.
    #[error(
        "the log ends at position {log}, its watermark at {watermark}: events {} to {watermark} were acknowledged and \
         are gone; do not serve from this copy, restore a backup or repair under a new epoch", log.next()
    )]
    BehindWatermark {
        /// The last position the log has.
        log: Position,
        /// The last position that was acknowledged.
        watermark: Position,
    },
    /// The end of the log does not continue the chain.
    #[error("the chain is broken at position {at}: {detail}; run verify on a copy, restore a backup")]
    BrokenChain {
        /// First position of the first commit that does not fit.
        at: Position,
        /// What does not fit.
        detail: String,
    },
    /// A file is missing or unreadable in a way no crash explains.
    #[error("{dir} is damaged: {detail}; run verify on a copy, restore a backup")]
    Damaged {
        /// The store's directory.
        dir: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The storage engine failed or panicked while it opened its files.
    #[error("the storage engine cannot open its files: {0}; run verify on a copy, restore a backup")]
    Engine(String),
    /// The options are out of bounds.
    #[error("option {what}: {detail}")]
    BadOption {
        /// Its name.
        what: &'static str,
        /// What it must be.
        detail: &'static str,
    },
    /// The file system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Why a commit did not happen. Only [`CommitError::Stopped`] leaves the outcome unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A stream has another version than expected. Read on and decide again.
    #[error("stream {stream} is at version {actual}, expected was {expected:?}")]
    Conflict {
        /// Which stream.
        stream: StreamName,
        /// What the commit expected.
        expected: Expected,
        /// What it has, other commits of the same group included.
        actual: Version,
    },
    /// This principal used the command id for another request.
    #[error("the command id was used for another request")]
    CommandIdReused,
    /// Over a limit of [`crate::limits`].
    #[error("{what} is {actual}, the limit {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its limit.
        limit: usize,
        /// What it was.
        actual: usize,
    },
    /// Malformed.
    #[error(transparent)]
    Invalid(#[from] InvalidCommit),
    /// The queue is full; nothing was taken. Come back later.
    #[error("the commit queue is full")]
    Busy,
    /// The store is closing or has failed: whether the commit happened is not known. Ask again with the same
    /// command id once the store is back.
    #[error("the store has stopped; the outcome is unknown")]
    Stopped,
}

/// What is malformed in a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCommit {
    /// No append, or an append without events.
    #[error("a commit needs at least one event in every append")]
    NoEvents,
    /// Two appends name the same stream.
    #[error("stream {0} is named twice in one commit")]
    StreamTwice(StreamName),
    /// Empty or with control characters.
    #[error("{0} is empty or has control characters")]
    Text(&'static str),
    /// Not an identifier.
    #[error("event type {0:?} is not an ASCII identifier")]
    EventType(String),
    /// Only the store itself writes it.
    #[error("event type {0} is reserved for the store")]
    Reserved(&'static str),
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ReadError {
    /// Asked to go on after a position this ledger has not reached: a cursor of another ledger or of a lost tail.
    #[error("position {after} is in the future; the ledger ends at {head}")]
    Future {
        /// What was asked.
        after: Position,
        /// Where the ledger ends.
        head: Position,
    },
    /// The same for a stream.
    #[error("version {after} of stream {stream} is in the future; it ends at {head}")]
    FutureVersion {
        /// Which stream.
        stream: StreamName,
        /// What was asked.
        after: Version,
        /// Where it ends.
        head: Version,
    },
    /// Stored bytes are not what was committed.
    #[error("the log is damaged at position {at}: {detail}")]
    Damaged {
        /// First position of the commit concerned.
        at: Position,
        /// What is wrong.
        detail: String,
    },
    /// The storage engine failed.
    #[error("the storage engine failed: {0}")]
    Engine(String),
    /// The store was closed or has failed; everything durable was delivered.
    #[error("the store has stopped")]
    Stopped,
}

impl ReadError {
    pub(crate) fn engine(error: &sled::Error) -> ReadError {
        ReadError::Engine(error.to_string())
    }

    pub(crate) fn frame(at: Position, error: &FrameError) -> ReadError {
        ReadError::Damaged { at, detail: error.to_string() }
    }

    pub(crate) fn damaged(at: Position, detail: impl Into<String>) -> ReadError {
        ReadError::Damaged { at, detail: detail.into() }
    }
}

/// How a commit may fail to continue the one before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("it names {named} as previous chain hash, the chain is at {actual}")]
    Previous { named: ChainHash, actual: ChainHash },
    #[error("it begins at {found}, expected was {expected}")]
    Position { found: Position, expected: Position },
    #[error("epoch {found} follows epoch {before} without opening it")]
    Epoch { found: u32, before: u32 },
    #[error("it was recorded before the commit it follows")]
    Time,
}
