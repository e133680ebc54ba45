use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::serde::timestamp::microsecond::required as micros;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chain::ChainHash;
use crate::errors::{CommitError, InvalidCommit, LinkError};
use crate::ids::{Expected, Position, StreamName, Version};
use crate::limits::{
    COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, COMMIT_STREAMS_MAX, EVENT_BYTES_MAX, EVENT_TYPE_BYTES_MAX,
    NAME_BYTES_MAX, TRACEPARENT_BYTES_MAX,
};

/// Type of the event that begins a new epoch (restore, repair): payload {previous epoch, position, chain hash,
/// reason}. Reserved: callers may not commit it. Opening an epoch is not implemented yet; readers and `verify`
/// already accept one.
pub const EPOCH_OPENED: &str = "EpochOpened";

/// All events of one command. Happens whole or not at all.
///
/// Times are kept to the microsecond; what is finer is cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewCommit {
    /// Who gave the command: an opaque id, at most 128 bytes.
    pub principal: String,
    /// For whom, when a system or a deputy acts.
    pub on_behalf_of: Option<String>,
    /// The command's id; with the principal the key that makes it happen once.
    pub command_id: Uuid,
    /// Tells one request body from another under the same command id.
    pub request_mac: [u8; 32],
    /// The event that led to this command.
    pub causation: Option<Uuid>,
    /// What belongs together across commands.
    pub correlation: Uuid,
    /// W3C trace context, at most 64 bytes.
    pub traceparent: Option<String>,
    /// The fenced clock's now. The store keeps the later of this and the last commit's.
    #[serde(with = "micros")]
    pub recorded_at: Timestamp,
    /// What to append to which streams, 1 to 64, each stream once.
    pub appends: Vec<Append>,
    /// Streams that get nothing and that the decision rests on, at most 64. Not stored: either they all stand where they were
    /// read when this happens, or it does not happen.
    pub unchanged: Vec<Unchanged>,
}

/// A stream as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchanged {
    /// Which stream.
    pub stream: StreamName,
    /// The version it must have.
    pub version: Version,
}

/// Events for one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Append {
    /// Which stream.
    pub stream: StreamName,
    /// The version it must have.
    pub expected: Expected,
    /// At least one.
    pub events: Vec<NewEvent>,
}

/// One event to append.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEvent {
    /// Flat name, an ASCII identifier of at most 64 bytes, like `CaseRaised`.
    pub event_type: String,
    /// Version of the payload's form.
    pub schema_version: u16,
    /// When it happened in the world.
    #[serde(with = "micros")]
    pub occurred_at: Timestamp,
    /// At most 64 KiB; opaque here.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// The answer to a commit.
#[derive(Debug, Clone)]
pub struct Committed {
    /// As stored; the first one when `repeated`.
    pub commit: Arc<StoredCommit>,
    /// The command had been committed before; nothing was written now.
    pub repeated: bool,
}

/// A commit as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCommit {
    /// Which ledger.
    pub ledger: String,
    /// Which epoch of it; 1 until a restore or repair opens another.
    pub epoch: u32,
    /// Position of its first event.
    pub first: Position,
    /// The chain before it.
    pub previous: ChainHash,
    /// When it was recorded; never before the commit in front of it.
    pub recorded_at: Timestamp,
    /// See [`NewCommit::principal`].
    pub principal: String,
    /// See [`NewCommit::on_behalf_of`].
    pub on_behalf_of: Option<String>,
    /// See [`NewCommit::command_id`].
    pub command_id: Uuid,
    /// See [`NewCommit::request_mac`].
    pub request_mac: [u8; 32],
    /// See [`NewCommit::causation`].
    pub causation: Option<Uuid>,
    /// See [`NewCommit::correlation`].
    pub correlation: Uuid,
    /// See [`NewCommit::traceparent`].
    pub traceparent: Option<String>,
    /// At least one, at ascending positions without gap.
    pub events: Vec<StoredEvent>,
    /// The chain after it.
    pub chain_hash: ChainHash,
    pub(crate) raw: Bytes,
}

/// An event as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Place in the ledger.
    pub position: Position,
    /// Which stream.
    pub stream: StreamName,
    /// Place in the stream.
    pub version: Version,
    /// See [`NewEvent::event_type`].
    pub event_type: String,
    /// See [`NewEvent::schema_version`].
    pub schema_version: u16,
    /// See [`NewEvent::occurred_at`].
    pub occurred_at: Timestamp,
    /// See [`NewEvent::payload`]; shares the commit's memory.
    pub payload: Bytes,
}

impl StoredCommit {
    /// Position of its last event.
    #[must_use]
    pub fn last(&self) -> Position {
        self.events.last().map_or(self.first, |event| event.position)
    }

    /// The exact bytes stored and covered by the chain.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Checks that it continues a chain whose last commit was `before` (`None`: nothing before).
    pub(crate) fn check_follows(&self, before: Option<&StoredCommit>) -> Result<(), LinkError> {
        let tip = before.map_or(ChainHash::GENESIS, |commit| commit.chain_hash);
        if self.previous != tip {
            return Err(LinkError::Previous { named: self.previous, actual: tip });
        }
        let opens = self.events.first().is_some_and(|event| event.event_type == EPOCH_OPENED);
        let (epoch, expected) =
            before.map_or((1, Position(1)), |commit| (commit.epoch, commit.last().next()));
        let may_jump = opens && self.epoch > epoch && self.first >= expected;
        if self.epoch != epoch && !may_jump {
            return Err(LinkError::Epoch { found: self.epoch, before: epoch });
        }
        if self.first != expected && !may_jump {
            return Err(LinkError::Position { found: self.first, expected });
        }
        match before {
            Some(commit) if self.recorded_at < commit.recorded_at => Err(LinkError::Time),
            Some(_) | None => Ok(()),
        }
    }
}

impl NewCommit {
    /// Checks everything that needs no knowledge of the log.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`] and [`CommitError::Invalid`].
    pub fn check(&self) -> Result<(), CommitError> {
        check_text("principal", &self.principal, NAME_BYTES_MAX)?;
        if let Some(on_behalf_of) = &self.on_behalf_of {
            check_text("on_behalf_of", on_behalf_of, NAME_BYTES_MAX)?;
        }
        if let Some(traceparent) = &self.traceparent {
            check_text("traceparent", traceparent, TRACEPARENT_BYTES_MAX)?;
        }
        check_size("streams of a commit", self.appends.len(), COMMIT_STREAMS_MAX)?;
        check_size("streams a commit rests on", self.unchanged.len(), COMMIT_STREAMS_MAX)?;
        let events = self.appends.iter().map(|append| append.events.len()).sum();
        check_size("events of a commit", events, COMMIT_EVENTS_MAX)?;
        if events == 0 || self.appends.iter().any(|append| append.events.is_empty()) {
            return Err(InvalidCommit::NoEvents.into());
        }
        let mut streams = HashSet::new();
        for append in &self.appends {
            if !streams.insert(&append.stream) {
                return Err(InvalidCommit::StreamTwice(append.stream.clone()).into());
            }
            append.events.iter().try_for_each(NewEvent::check)?;
        }
        check_size("bytes of a commit", self.encoded_len(), COMMIT_BYTES_MAX)
    }

    /// An upper bound of the bytes it takes in the log: variable parts plus the longest fixed part.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let texts = self.principal.len()
            + self.on_behalf_of.as_deref().map_or(0, str::len)
            + self.traceparent.as_deref().map_or(0, str::len);
        let appends = self.appends.iter().map(|append| {
            let events = append.events.iter().map(|event| 16 + event.event_type.len() + event.payload.len());
            12 + append.stream.as_str().len() + events.sum::<usize>()
        });
        // 160 fixed bytes, three length bytes and the longest ledger id.
        texts + 163 + NAME_BYTES_MAX + appends.sum::<usize>()
    }
}

impl NewEvent {
    fn check(&self) -> Result<(), CommitError> {
        check_size("bytes of an event", self.payload.len(), EVENT_BYTES_MAX)?;
        check_size("bytes of an event type", self.event_type.len(), EVENT_TYPE_BYTES_MAX)?;
        let mut bytes = self.event_type.bytes();
        let starts_well = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
        if !starts_well || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(InvalidCommit::EventType(self.event_type.clone()).into());
        }
        if self.event_type == EPOCH_OPENED {
            return Err(InvalidCommit::Reserved(EPOCH_OPENED).into());
        }
        Ok(())
    }
}

fn check_text(what: &'static str, text: &str, limit: usize) -> Result<(), CommitError> {
    check_size(what, text.len(), limit)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(InvalidCommit::Text(what).into());
    }
    Ok(())
}

fn check_size(what: &'static str, actual: usize, limit: usize) -> Result<(), CommitError> {
    if actual > limit { Err(CommitError::TooLarge { what, limit, actual }) } else { Ok(()) }
}
