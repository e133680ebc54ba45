use case::event::intake::{CaseRaised, NoteAdded};
use case::event::parts::{By, Channel, Place, Profile};
use case::event::{Event, Intake};
use case::ids::{CaseId, KeyId};
use case::sealed::{SealAlgorithm, Sealed};
use case::state::Case;
use event_store::Store;
use jiff::Timestamp;
use registry::ids::{AreaCode, JurisdictionId, RegistryVersion};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

use crate::{Append, CommandContext, Done, Expected, Ledger, LedgerInfo, Options, Stream, Times, Version};

pub(crate) fn options() -> event_store::Options {
    event_store::Options { ledger: "sample".to_owned(), cache_bytes: 1 << 23, queue_max: 1024 }
}

pub(crate) fn store(dir: &Path) -> Store {
    Store::open(dir, &options()).unwrap()
}

pub(crate) fn info() -> LedgerInfo {
    let code = AreaCode::new("371002").unwrap();
    LedgerInfo { jurisdiction: JurisdictionId::new("sample").unwrap(), code }
}

pub(crate) fn ledger(dir: &Path) -> Ledger {
    Ledger::open(dir, info(), Options::DEFAULT).unwrap()
}

pub(crate) fn case(number: u128) -> CaseId {
    CaseId(Uuid::from_u128(number))
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// How far commits may be ahead of the host's time.
pub(crate) const AHEAD_MAX: i64 = 120;

/// A host's time that stands still.
pub(crate) fn times(second: i64) -> Times {
    Times::new(move || at(second), Duration::from_secs(AHEAD_MAX.unsigned_abs()))
}

pub(crate) fn command(number: u128) -> CommandContext {
    CommandContext::new("p-test", Uuid::from_u128(number), [7; 32])
}

fn by() -> By {
    By::Automatic { rule: None }
}

pub(crate) fn raised() -> Event {
    CaseRaised {
        by: by(),
        profile: Profile::Public,
        channel: Channel::Office,
        reporters: Vec::new(),
        text: None,
        place: Place::default(),
        matter: None,
        demand: None,
        demand_class: None,
        ticket: None,
        external_due_at: None,
        source_fields: None,
        about: Vec::new(),
        about_persons: Vec::new(),
        evidence: Vec::new(),
        defects: Vec::new(),
        confidential: false,
        split_from: None,
        follows: None,
        registry_version: RegistryVersion(1),
    }
    .into()
}

pub(crate) fn note(length: usize) -> Event {
    let text = Sealed {
        alg: SealAlgorithm::Chacha20Poly1305,
        key_id: KeyId::case_file(),
        nonce: vec![0; 12],
        ciphertext: vec![1; length],
    };
    NoteAdded { by: by(), text, public: false }.into()
}

pub(crate) fn append(case: CaseId, version: u64, events: Vec<Event>) -> Append {
    Append { stream: Stream::Case(case), expected: Expected::Exactly(Version(version)), events }
}

/// Raises a case, or adds a note to it.
pub(crate) fn raise_or_note(cases: &[Arc<Case>]) -> Vec<Vec<Event>> {
    cases.iter().map(|case| vec![if case.exists() { note(10) } else { raised() }]).collect()
}

pub(crate) async fn notes(ledger: &Ledger, case: CaseId) -> usize {
    let history = ledger.history(case, 0, 1000).await.unwrap();
    let is_note = |event: &Event| matches!(event, Event::Intake(Intake::NoteAdded(_)));
    history.iter().filter(|(recorded, _)| is_note(&recorded.event)).count()
}

/// One command: raises a case, or adds a note to it.
pub(crate) async fn step(ledger: &Ledger, id: u128, case: CaseId) -> Done {
    let decided = ledger.execute(&command(id), at(0), &[case], |cases| Ok(raise_or_note(cases))).await;
    decided.unwrap()
}
