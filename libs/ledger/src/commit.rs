use std::fmt;

use case::event::{Event, Recorded};
use case::ids::CaseId;
use case::time::At;
use event_store::{ChainHash, EventIds, Position, StoredCommit, StoredEvent, StreamName};
use uuid::Uuid;

use crate::errors::LedgerError;

/// All events of one command, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Which ledger.
    pub ledger: String,
    /// Which epoch of it.
    pub epoch: u32,
    /// Position of the first event.
    pub first: Position,
    /// Position of the last event.
    pub last: Position,
    /// The chain after it.
    pub chain: ChainHash,
    /// Who commanded.
    pub principal: String,
    /// For whom.
    pub on_behalf_of: Option<String>,
    /// Under which id.
    pub command_id: Uuid,
    /// The event that led to it.
    pub causation: Option<Uuid>,
    /// What it belongs together with.
    pub correlation: Uuid,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// When it was written down.
    pub recorded_at: At,
    /// The events in order of position, at least one.
    pub entries: Vec<Entry>,
    /// What it takes in the log, in bytes; for bounding what is held.
    pub stored_bytes: usize,
}

/// One event of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// On which stream.
    pub stream: Stream,
    /// What happened, and where it stands.
    pub recorded: Recorded,
}

/// A stream as the domain sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// A case's own.
    Case(CaseId),
    /// Any other, by name: `registry`, `ledger`, `inspection/…`.
    Other(StreamName),
}

impl Stream {
    /// What a stored name stands for. Only the one spelling of a case's stream stands for the case.
    #[must_use]
    pub fn of(name: &StreamName) -> Self {
        CaseId::from_stream(name.as_str()).map_or_else(|| Self::Other(name.clone()), Self::Case)
    }

    /// The name in the log.
    #[must_use]
    pub fn name(&self) -> StreamName {
        match self {
            Self::Case(case) => case_stream(*case),
            Self::Other(name) => name.clone(),
        }
    }

    /// The case, if it is one's.
    #[must_use]
    pub fn case(&self) -> Option<CaseId> {
        match self {
            Self::Case(case) => Some(*case),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Case(case) => f.write_str(&case.stream()),
            Self::Other(name) => name.fmt(f),
        }
    }
}

pub(crate) fn case_stream(case: CaseId) -> StreamName {
    #[expect(
        clippy::expect_used,
        reason = "`case/` and a hyphenated UUID are 41 bytes of the allowed alphabet"
    )]
    StreamName::new(case.stream()).expect("a case's id names a stream")
}

/// What a commit says about each of its events, for timelines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Which epoch.
    pub epoch: u32,
    /// Who commanded.
    pub principal: String,
    /// For whom.
    pub on_behalf_of: Option<String>,
    /// Under which id.
    pub command_id: Uuid,
    /// The event that led to it.
    pub causation: Option<Uuid>,
    /// What it belongs together with.
    pub correlation: Uuid,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl Envelope {
    pub(crate) fn of(stored: &StoredCommit) -> Self {
        Self {
            epoch: stored.epoch,
            principal: stored.principal.clone(),
            on_behalf_of: stored.on_behalf_of.clone(),
            command_id: stored.command_id,
            causation: stored.causation,
            correlation: stored.correlation,
            traceparent: stored.traceparent.clone(),
        }
    }
}

impl Commit {
    /// From stored bytes.
    pub(crate) fn decode(stored: &StoredCommit) -> Result<Self, LedgerError> {
        let decode = |event: &StoredEvent| {
            Ok(Entry { stream: Stream::of(&event.stream), recorded: decode_event(event, stored)? })
        };
        let entries = stored.events.iter().map(decode).collect::<Result<_, LedgerError>>()?;
        Ok(Self::with_entries(stored, entries))
    }

    /// From the events that were just stored, in their order, without reading them back.
    pub(crate) fn just_stored(
        stored: &StoredCommit,
        events: impl IntoIterator<Item = (Stream, Event)>,
    ) -> Self {
        let place = |(stored_event, (stream, event)): (&StoredEvent, (Stream, Event))| Entry {
            stream,
            recorded: recorded(stored_event, stored, event),
        };
        let commit = Self::with_entries(stored, stored.events.iter().zip(events).map(place).collect());
        debug_assert_eq!(Self::decode(stored).as_ref(), Ok(&commit), "what is held is what was stored");
        commit
    }

    fn with_entries(stored: &StoredCommit, entries: Vec<Entry>) -> Self {
        Self {
            ledger: stored.ledger.clone(),
            epoch: stored.epoch,
            first: stored.first,
            last: stored.last(),
            chain: stored.chain_hash,
            principal: stored.principal.clone(),
            on_behalf_of: stored.on_behalf_of.clone(),
            command_id: stored.command_id,
            causation: stored.causation,
            correlation: stored.correlation,
            traceparent: stored.traceparent.clone(),
            recorded_at: At::new(stored.recorded_at),
            entries,
            stored_bytes: stored.raw().len(),
        }
    }

    /// The id of its event at a position: what causation refers to.
    #[must_use]
    pub fn event_id(&self, position: u64) -> Uuid {
        let Self { ledger, epoch, principal, command_id, first, .. } = self;
        EventIds { ledger, epoch: *epoch, principal, command_id: *command_id, first: *first }
            .at(Position(position))
    }

    /// The events of one case, in order.
    pub fn of_case(&self, case: CaseId) -> impl Iterator<Item = &Recorded> {
        let on_it = move |entry: &&Entry| entry.stream == Stream::Case(case);
        self.entries.iter().filter(on_it).map(|entry| &entry.recorded)
    }

    /// The cases it touches, each once, in the order of their first event.
    #[must_use]
    pub fn cases(&self) -> Vec<CaseId> {
        let mut cases = Vec::new();
        for case in self.entries.iter().filter_map(|entry| entry.stream.case()) {
            if !cases.contains(&case) {
                cases.push(case);
            }
        }
        cases
    }
}

pub(crate) fn decode_event(event: &StoredEvent, stored: &StoredCommit) -> Result<Recorded, LedgerError> {
    let decoded = Event::decode(&event.event_type, event.schema_version, &event.payload);
    let decoded = decoded.map_err(|error| LedgerError::decode(event.position, error))?;
    Ok(recorded(event, stored, decoded))
}

fn recorded(event: &StoredEvent, stored: &StoredCommit, decoded: Event) -> Recorded {
    Recorded {
        position: event.position.get(),
        version: event.version.get(),
        recorded_at: At::new(stored.recorded_at),
        occurred_at: At::new(event.occurred_at),
        event: decoded,
    }
}
