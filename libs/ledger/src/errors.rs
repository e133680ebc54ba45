use case::Refusal;
use case::event::DecodeError;
use event_store::{Position, ReadError, StreamName, Version};

/// Why the log cannot be read, or not further. Kept short on purpose: nothing of what is stored is quoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A position this ledger has not reached: a cursor of another ledger, or of a lost tail.
    #[error("position {after} is in the future; the ledger ends at {head}")]
    Future {
        /// What was asked.
        after: Position,
        /// Where the ledger ends.
        head: Position,
    },
    /// The same for one stream.
    #[error("version {version} of {stream} is in the future; it ends at {head}")]
    FutureVersion {
        /// Which stream.
        stream: String,
        /// What was asked.
        version: u64,
        /// Where it ends.
        head: u64,
    },
    /// A later program wrote what this one does not know. The role must stop; a newer program must take over.
    #[error("position {position} holds {event_type} of schema {schema_version}, written by a newer program")]
    NewerLog {
        /// Where.
        position: Position,
        /// The stored name.
        event_type: String,
        /// Its schema version.
        schema_version: u16,
    },
    /// Stored bytes are not what was committed, or not what this program writes.
    #[error("the log is damaged at position {position}: {detail}")]
    Damaged {
        /// Where.
        position: Position,
        /// What is wrong.
        detail: String,
    },
    /// A published registry does not come together: parts are missing, or this program's linter refuses it.
    #[error("registry version {version} cannot be used: {detail}")]
    Registry {
        /// Which publication.
        version: u64,
        /// What is wrong.
        detail: String,
    },
    /// The storage engine failed.
    #[error("the log's storage failed: {0}")]
    Storage(String),
    /// The ledger was closed or has failed; everything durable was delivered.
    #[error("the ledger has stopped")]
    Stopped,
    /// The process that has the log is not reached. Asking again is harmless and may help.
    #[error("the ledger is not reached")]
    Away,
    /// Another ledger, epoch or chain answers under this one's name. Nothing of it is taken; an operator must look.
    #[error("another log answers under this ledger's name: {0}")]
    Alien(String),
    /// The other side is of another program. While it is the ledger and older, it may be replaced yet.
    #[error(
        "the other side speaks version {theirs}, this program version {ours}; run the same program everywhere"
    )]
    OtherVersion {
        /// What its messages begin with.
        theirs: u8,
        /// What ours begin with.
        ours: u8,
    },
    /// The process that has the log does not understand this one, or the other way round.
    #[error("the ledger is not understood: {0}")]
    Protocol(String),
}

impl LedgerError {
    /// Whether the same question may have an answer later, without anybody mending anything here.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away)
    }

    /// Whether reading another stream would fare no better. What is wrong with one stream alone is not.
    #[must_use]
    pub fn is_about_all(&self) -> bool {
        match self {
            Self::Away
            | Self::Stopped
            | Self::Alien(_)
            | Self::Protocol(_)
            | Self::OtherVersion { .. }
            | Self::Registry { .. } => true,
            Self::Future { .. }
            | Self::FutureVersion { .. }
            | Self::NewerLog { .. }
            | Self::Damaged { .. }
            | Self::Storage(_) => false,
        }
    }

    /// What a stored event that cannot be decoded means.
    pub(crate) fn decode(position: Position, error: DecodeError) -> Self {
        match error {
            DecodeError::Newer { event_type, schema_version } => {
                Self::NewerLog { position, event_type, schema_version }
            }
            // The parser's own words may quote the payload.
            DecodeError::Payload { event_type, source } => Self::Damaged {
                position,
                detail: format!(
                    "the payload of {event_type} does not fit its type at column {}",
                    source.column()
                ),
            },
        }
    }
}

impl From<ReadError> for LedgerError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Future { after, head } => Self::Future { after, head },
            ReadError::FutureVersion { stream, after, head } => {
                Self::FutureVersion { stream: stream.to_string(), version: after.get(), head: head.get() }
            }
            ReadError::Damaged { at, detail } => Self::Damaged { position: at, detail },
            ReadError::Engine(detail) => Self::Storage(detail),
            ReadError::Stopped => Self::Stopped,
        }
    }
}

/// A commit over one of the log's limits; nothing was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {actual}, the limit {limit}")]
pub struct TooLarge {
    /// What is too large.
    pub what: &'static str,
    /// Its limit.
    pub limit: usize,
    /// What it was.
    pub actual: usize,
}

/// Why a commit was not made. Only [`CommitError::Unavailable`] leaves that open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A stream has another version than expected.
    #[error("stream {stream} is at version {actual}")]
    Conflict {
        /// Which stream.
        stream: StreamName,
        /// What it has.
        actual: Version,
    },
    /// This principal used the command id for another request.
    #[error("the command id was used for another request")]
    CommandIdReused,
    /// Over a limit.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The caller's own mistake: an empty append, a stream twice, an event on the wrong kind of stream.
    #[error("malformed commit: {0}")]
    Invalid(String),
    /// The queue is full; nothing was taken. Come back later.
    #[error("the ledger is busy")]
    Busy,
    /// The outcome is unknown. Ask again with the same command id.
    #[error("the ledger is not available; whether it happened is not known")]
    Unavailable,
    /// The process that has the log is not reached; nothing was sent.
    #[error("the ledger is not reached")]
    Away,
    /// What came along cannot be kept as it is; nothing happened. Prepare it anew and ask again.
    #[error("what came with the commit was refused")]
    RiderRefused,
    /// The log cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<event_store::CommitError> for CommitError {
    fn from(error: event_store::CommitError) -> Self {
        use event_store::CommitError as Store;
        match error {
            Store::Conflict { stream, actual, .. } => Self::Conflict { stream, actual },
            Store::CommandIdReused => Self::CommandIdReused,
            Store::TooLarge { what, limit, actual } => Self::TooLarge(TooLarge { what, limit, actual }),
            Store::Invalid(invalid) => Self::Invalid(invalid.to_string()),
            Store::Busy => Self::Busy,
            Store::Stopped => Self::Unavailable,
        }
    }
}

/// Why a command has no success to show. Only [`ExecuteError::Unavailable`] leaves open whether it happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// The domain says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others were faster, [`CONFLICT_TRIES`](crate::CONFLICT_TRIES) times in a row. Reread and ask again.
    #[error("the case is at version {actual_version} by now")]
    Conflict {
        /// The version of the case that was changed under the command.
        actual_version: u64,
    },
    /// This principal used the command id for another request.
    #[error("the command id was used for another request")]
    CommandIdReused,
    /// The caller decided on an older version than the case has. Reread and ask again.
    #[error("the case is at version {actual}, expected was {expected}")]
    StaleExpectedVersion {
        /// What the caller saw.
        expected: u64,
        /// What the first case has.
        actual: u64,
    },
    /// Over a limit; nothing happened.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The calling program's mistake; nothing happened.
    #[error("malformed commit: {0}")]
    Invalid(String),
    /// The queue is full; nothing happened. Come back later.
    #[error("the ledger is busy")]
    Busy,
    /// The outcome is unknown. Ask again with the same command id.
    #[error("the ledger is not available; whether it happened is not known")]
    Unavailable,
    /// The process that has the log is not reached; nothing was sent.
    #[error("the ledger is not reached")]
    Away,
    /// What came along cannot be kept as it is; nothing happened. Prepare it anew and ask again.
    #[error("what came with the command was refused")]
    RiderRefused,
    /// The log cannot be read; nothing happened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<CommitError> for ExecuteError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { actual, .. } => Self::Conflict { actual_version: actual.get() },
            CommitError::CommandIdReused => Self::CommandIdReused,
            CommitError::TooLarge(too_large) => Self::TooLarge(too_large),
            CommitError::Invalid(detail) => Self::Invalid(detail),
            CommitError::Busy => Self::Busy,
            CommitError::Unavailable => Self::Unavailable,
            CommitError::Away => Self::Away,
            CommitError::RiderRefused => Self::RiderRefused,
            CommitError::Ledger(error) => Self::Ledger(error),
        }
    }
}
