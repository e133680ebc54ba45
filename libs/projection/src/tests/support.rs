use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use case::event::intake::{CaseRaised, NoteAdded};
use case::event::parts::{By, Channel, Place, Profile};
use case::event::{Event, Intake};
use case::ids::{CaseId, KeyId};
use case::sealed::{SealAlgorithm, Sealed};
use case::state::Case;
use jiff::Timestamp;
use ledger::{CommandContext, Ledger, LedgerInfo, Position};
use registry::ids::{AreaCode, JurisdictionId, RegistryVersion};
use rusqlite::{Connection, Transaction, params};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Change, FoldError, Options, Projection, RunError, View, start};

pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn ledger(dir: &Path) -> Ledger {
    let jurisdiction = JurisdictionId::new("sample").unwrap();
    let info = LedgerInfo { jurisdiction, code: AreaCode::new("371002").unwrap() };
    Ledger::open(&dir.join("log"), info, ledger::Options::DEFAULT).unwrap()
}

pub(crate) fn case(number: u128) -> CaseId {
    CaseId(Uuid::from_u128(number))
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn command(number: u128) -> CommandContext {
    CommandContext::new("p-test", Uuid::from_u128(number), [7; 32])
}

pub(crate) fn by() -> By {
    By::Automatic { rule: None }
}

fn raised() -> Event {
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

fn note() -> Event {
    let text = Sealed {
        alg: SealAlgorithm::Chacha20Poly1305,
        key_id: KeyId::case_file(),
        nonce: vec![0; 12],
        ciphertext: vec![1; 40],
    };
    NoteAdded { by: by(), text, public: false }.into()
}

fn raise_or_note(cases: &[Arc<Case>]) -> Vec<Vec<Event>> {
    cases.iter().map(|case| vec![if case.exists() { note() } else { raised() }]).collect()
}

/// One command: raises these cases, or adds a note to each.
pub(crate) async fn step(ledger: &Ledger, id: u128, cases: &[u128]) -> Position {
    let cases: Vec<CaseId> = cases.iter().copied().map(case).collect();
    let done = ledger.execute(&command(id), at(0), &cases, |cases| Ok(raise_or_note(cases))).await;
    done.unwrap().position
}

/// Many commands on some cases, two at a time every third time.
pub(crate) async fn fill(ledger: &Ledger, from: u128, count: u128) -> Position {
    let mut position = ledger.head().position;
    for id in from..from + count {
        let one = [id % 7];
        let two = [id % 7, (id + 1) % 7];
        position = step(ledger, id, if id % 3 == 0 { &two } else { &one }).await;
    }
    position
}

/// Cases with their number of notes, every event once, and a running sum that a repeat or a gap would break.
pub(crate) struct Notes {
    pub version: u32,
    /// The fold fails at this position.
    pub fails_at: Option<u64>,
    pub panics: bool,
    /// Whether new cases are nothing to it; then it has no rows of them before something happens to them.
    pub ignores_new: bool,
    pub applied: Arc<AtomicU64>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { version: 1, fails_at: None, panics: false, ignores_new: false, applied: Arc::default() }
    }

    pub(crate) fn failing_at(position: u64) -> Self {
        Self { fails_at: Some(position), ..Self::new() }
    }
}

impl Projection for Notes {
    fn name(&self) -> &'static str {
        "notes"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE cases (id TEXT PRIMARY KEY, version INTEGER NOT NULL, notes INTEGER NOT NULL) STRICT;
             CREATE TABLE events (position INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL) STRICT;
             CREATE TABLE sums (only INTEGER PRIMARY KEY, commits INTEGER NOT NULL) STRICT;
             INSERT INTO sums VALUES (1, 0);
             CREATE VIRTUAL TABLE words USING fts5(kind);",
        )
    }

    fn ignores_new_cases(&self) -> bool {
        self.ignores_new
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        if self.fails_at.is_some_and(|at| change.commit.last.get() >= at) {
            assert!(!self.panics, "asked for");
            return Err(FoldError::Fact("asked for".to_owned()));
        }
        self.applied.fetch_add(1, Ordering::Relaxed);
        tx.prepare_cached("UPDATE sums SET commits = commits + 1")?.execute([])?;
        for case in &change.cases {
            assert_eq!(case.before.version + case.events.len() as u64, case.after.version);
            let id = case.after.id.to_string();
            let is_note = |event: &Event| matches!(event, Event::Intake(Intake::NoteAdded(_)));
            let notes = case.events.iter().filter(|recorded| is_note(&recorded.event)).count() as i64;
            tx.prepare_cached(
                "INSERT INTO cases VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET version = excluded.version, notes = notes + excluded.notes",
            )?
            .execute(params![id, case.after.version as i64, notes])?;
            for recorded in &case.events {
                let kind = recorded.event.event_type();
                let event = params![recorded.position as i64, id, kind];
                tx.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3)")?.execute(event)?;
                tx.prepare_cached("INSERT INTO words VALUES (?1)")?.execute([kind])?;
            }
        }
        Ok(())
    }
}

/// A projection that runs.
pub(crate) struct Running {
    pub view: View,
    pub stop: CancellationToken,
    pub ended: JoinHandle<Result<(), RunError>>,
}

impl Running {
    pub(crate) async fn stop(self) -> Result<(), RunError> {
        self.stop.cancel();
        self.ended.await.unwrap()
    }
}

pub(crate) async fn run(dir: &Path, projection: impl Projection, ledger: &Ledger) -> Running {
    run_with(dir, projection, ledger, Options::DEFAULT).await
}

#[expect(clippy::disallowed_methods, reason = "the test waits for it")]
pub(crate) async fn run_with(
    dir: &Path,
    projection: impl Projection,
    ledger: &Ledger,
    options: Options,
) -> Running {
    let stop = CancellationToken::new();
    let (view, run) = start(dir, projection, ledger.clone(), options, stop.clone()).await.unwrap();
    Running { view, stop, ended: tokio::spawn(run) }
}

pub(crate) async fn checksum(view: &View) -> String {
    view.read(crate::checksum).await.unwrap()
}

pub(crate) async fn count(view: &View, sql: &'static str) -> i64 {
    view.read(move |db| db.query_row(sql, [], |row| row.get(0))).await.unwrap()
}
