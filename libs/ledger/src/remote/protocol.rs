//! What travels between a ledger and those who use it: one byte of version, then postcard. Commits travel as they are stored.

use std::sync::Arc;

use bytes::Bytes;
use event_store::{
    Assigned, ChainHash, FrameError, Head, NewCommit, Position, ReadError, StoredCommit, StreamName, Version,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::context::Rider;
use crate::errors::LedgerError;

/// The form of everything here. Both sides refuse another one, so that a rolling upgrade shows instead of misreading.
const VERSION: u8 = 3;

/// Who publishes a log. Two processes that open the same directory one after the other are two origins of one ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The ledger's id.
    pub ledger: String,
    /// Its epoch.
    pub epoch: u32,
    /// Chosen at random when the process began.
    pub instance: Uuid,
    /// When that was, in microseconds since 1970.
    pub since: i64,
}

/// Several commits in one message.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) asks: Vec<Ask>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) commit: NewCommit,
    pub(crate) rider: Option<Rider>,
}

impl Ask {
    /// An upper bound of what it takes in a request, and of what it takes in an answer once it is stored.
    pub(crate) fn size_max(&self) -> usize {
        let rider = self.rider.as_ref().map_or(0, |rider| rider.0.len());
        let rests_on = self.commit.unchanged.iter().map(|read| 12 + read.stream.as_str().len());
        let rests_on: usize = rests_on.sum();
        self.commit.encoded_len() + rests_on + rider + 32 * (1 + self.commit.appends.len())
    }
}

/// One for each commit of a batch, in its order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Outcome<'a> {
    /// What the log added; whoever asked has the rest.
    Stored {
        assigned: Assigned,
        /// The chain after it, so that both sides know that they mean the same bytes.
        chain: ChainHash,
    },
    /// The first success, whole: what was asked first may have been decided otherwise.
    Repeated {
        #[serde(borrow)]
        raw: &'a serde_bytes::Bytes,
    },
    Conflict {
        stream: StreamName,
        actual: Version,
    },
    CommandIdReused,
    Invalid(String),
    Busy,
    /// The ledger is ending, or the answer has no room left: whether it happened is for the caller to ask again.
    Unknown,
    RiderRefused,
    /// Recorded later than the ledger believes it can be by now; nothing happened.
    TooEarly,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadStream {
    pub(crate) stream: StreamName,
    pub(crate) after: Version,
    pub(crate) bytes_max: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadLog {
    pub(crate) after: Position,
    pub(crate) bytes_max: usize,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Find {
    pub(crate) principal: String,
    pub(crate) command_id: Uuid,
}

/// The answer to every read of commits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Page<'a> {
    Commits {
        #[serde(borrow)]
        commits: Vec<&'a serde_bytes::Bytes>,
        /// The version of the stream or the position of the log when it was read.
        head: u64,
        more: bool,
    },
    Failed(ReadError),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) origin: Origin,
    /// The district's code.
    pub(crate) code: String,
    pub(crate) head: Head,
}

/// What is published.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Told<'a> {
    Commits {
        origin: Origin,
        first: Position,
        last: Position,
        /// The chain before the first.
        previous: ChainHash,
        #[serde(borrow)]
        commits: Vec<&'a serde_bytes::Bytes>,
    },
    /// Nothing new, still here.
    Beat { origin: Origin, head: Head },
    /// About to serve the log; says nothing of it. Of two the earlier one may.
    Claim { origin: Origin },
}

impl Told<'_> {
    pub(crate) fn origin(&self) -> &Origin {
        match self {
            Self::Commits { origin, .. } | Self::Beat { origin, .. } | Self::Claim { origin } => origin,
        }
    }

    /// Whether it is of one that does not serve yet.
    pub(crate) fn is_claim(&self) -> bool {
        matches!(self, Self::Claim { .. })
    }
}

pub(crate) fn encode<T: Serialize>(message: &T) -> Result<Bytes, LedgerError> {
    let bytes = postcard::to_stdvec(&(VERSION, message));
    bytes.map(Bytes::from).map_err(|error| LedgerError::Protocol(error.to_string()))
}

pub(crate) fn decode<'a, T: Deserialize<'a>>(message: &'a [u8]) -> Result<T, LedgerError> {
    match message.split_first() {
        Some((&VERSION, body)) => {
            postcard::from_bytes(body).map_err(|error| LedgerError::Protocol(error.to_string()))
        }
        Some((&theirs, _)) => Err(LedgerError::OtherVersion { theirs, ours: VERSION }),
        None => Err(LedgerError::Protocol("an empty message".to_owned())),
    }
}

/// A page of commits, checked to be such.
pub(crate) struct Pages {
    pub(crate) commits: Vec<Arc<StoredCommit>>,
    pub(crate) head: u64,
    pub(crate) more: bool,
}

pub(crate) fn pages(message: &Bytes) -> Result<Pages, LedgerError> {
    match decode::<Page<'_>>(message)? {
        Page::Commits { commits, head, more } => {
            let commits = commits.into_iter().map(|raw| stored(message, raw)).collect::<Result<_, _>>()?;
            Ok(Pages { commits, head, more })
        }
        Page::Failed(error) => Err(error.into()),
    }
}

/// A commit out of a message, sharing its memory.
pub(crate) fn stored(message: &Bytes, raw: &[u8]) -> Result<Arc<StoredCommit>, LedgerError> {
    StoredCommit::decode(message.slice_ref(raw)).map(Arc::new).map_err(|error| {
        if let FrameError::NewerFormat(format) = error {
            let event_type = "a commit".to_owned();
            return LedgerError::NewerLog {
                position: Position::ZERO,
                event_type,
                schema_version: format.into(),
            };
        }
        LedgerError::Protocol(error.to_string())
    })
}
