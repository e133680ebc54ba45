use std::sync::Arc;

use case::event::{Recorded, SCHEMA_VERSION};
use case::ids::CaseId;
use event_store::{ChainHash, Position, StoredCommit, StoredEvent, Version};

use crate::commit::{Stream, decode_event};
use crate::errors::LedgerError;

/// What makes a case.
const RAISED: &str = "CaseRaised";
/// What begins with it.
const ARMED: &str = "ClockArmed";

/// A commit that makes cases, each with the clocks that begin with it, and does nothing else. Not decoded, because most roles have
/// nothing to do with a case before something happens to it.
#[derive(Debug, Clone)]
pub struct NewCases(Arc<StoredCommit>);

impl NewCases {
    /// None when the commit says more, or is of a form that this program does not know.
    pub(crate) fn of(stored: &Arc<StoredCommit>) -> Option<Self> {
        let fits = |event: &StoredEvent| {
            let expected = if event.version == Version(1) { RAISED } else { ARMED };
            event.event_type == expected && event.schema_version == SCHEMA_VERSION
        };
        // A clock of a case that was there before is none that begins with it.
        let begins = |event: &StoredEvent| {
            stored.events.iter().any(|first| first.stream == event.stream && first.version == Version(1))
        };
        stored.events.iter().all(|event| fits(event) && begins(event)).then(|| Self(Arc::clone(stored)))
    }

    /// The epoch it is of.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.0.epoch
    }

    /// Position of its last event.
    #[must_use]
    pub fn last(&self) -> Position {
        self.0.last()
    }

    /// The chain after it.
    #[must_use]
    pub fn chain(&self) -> ChainHash {
        self.0.chain_hash
    }

    /// What it takes in the log, in bytes; for bounding what is held.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        self.0.raw().len()
    }

    /// The cases it makes, each once, in the order of their first event.
    pub fn cases(&self) -> impl Iterator<Item = CaseId> {
        let firsts = self.0.events.iter().filter(|event| event.version == Version(1));
        firsts.filter_map(|event| Stream::of(&event.stream).case())
    }

    /// What happened to one of them, decoded, in order.
    ///
    /// # Errors
    /// [`LedgerError::NewerLog`] and damage, as they are met.
    pub fn of_case(&self, case: CaseId) -> Result<Vec<Recorded>, LedgerError> {
        let stream = Stream::Case(case).name();
        let events = self.0.events.iter().filter(|event| event.stream == stream);
        events.map(|event| decode_event(event, &self.0)).collect()
    }
}
