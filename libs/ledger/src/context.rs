use std::fmt;
use std::sync::Arc;

use case::event::Event;
use case::state::Case;
use event_store::{Expected, Position};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::commit::{Commit, Stream};

/// Who commands, under which id, and why: what every commit says about itself besides its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandContext {
    /// Opaque id of whoever was authenticated, at most 128 bytes.
    pub principal: String,
    /// For whom they act, when a system or a deputy acts.
    pub on_behalf_of: Option<String>,
    /// With the principal the key under which the command happens once.
    pub command_id: Uuid,
    /// Keyed digest of the request's canonical form: tells another request under the same id.
    pub request_mac: [u8; 32],
    /// The event that led to this command.
    pub causation: Option<Uuid>,
    /// What belongs together across commands; none means the command's own id.
    pub correlation: Option<Uuid>,
    /// W3C trace context, at most 64 bytes.
    pub traceparent: Option<String>,
    /// The version the caller saw of the first case; none means whatever it is.
    pub expected_version: Option<u64>,
    /// When it happened in the world; none means now.
    pub occurred_at: Option<Timestamp>,
    /// Whether the command most likely makes its cases, so that the log is not asked for them first.
    pub makes_cases: bool,
    /// What must be durable beside a distant log before this commit is.
    pub rider: Option<Rider>,
}

/// What the process that has the log makes durable before the commit that brings it: opaque here, and only taken where somebody
/// at the log's host knows what to do with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rider(#[serde(with = "serde_bytes")] pub Vec<u8>);

impl fmt::Debug for Rider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rider({} bytes)", self.0.len())
    }
}

impl CommandContext {
    /// The least a command needs; the rest is none.
    #[must_use]
    pub fn new(principal: impl Into<String>, command_id: Uuid, request_mac: [u8; 32]) -> Self {
        Self {
            principal: principal.into(),
            on_behalf_of: None,
            command_id,
            request_mac,
            causation: None,
            correlation: None,
            traceparent: None,
            expected_version: None,
            occurred_at: None,
            makes_cases: false,
            rider: None,
        }
    }
}

/// Events for one stream, for [`Ledger::commit`](crate::Ledger::commit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Which stream. Case events go on cases' streams, district events on others, never crosswise.
    pub stream: Stream,
    /// The version it must have.
    pub expected: Expected,
    /// At least one.
    pub events: Vec<Event>,
}

/// The answer to [`Ledger::commit`](crate::Ledger::commit).
#[derive(Debug, Clone)]
pub struct Committed {
    /// As stored; the first one when repeated.
    pub commit: Arc<Commit>,
    /// The command had happened before; nothing was written now.
    pub repeated: bool,
}

/// The answer to [`Ledger::execute`](crate::Ledger::execute): a pure function of the commit, the same for every repeat.
#[derive(Debug, Clone)]
pub struct Done {
    /// What was committed; none when the decision was that nothing happens.
    pub commit: Option<Arc<Commit>>,
    /// The command had happened before; nothing was written now.
    pub repeated: bool,
    /// The cases in the order asked for, as of that commit, also on a repeat.
    pub cases: Vec<Arc<Case>>,
    /// A read that is at least this far sees what was answered.
    pub position: Position,
}
