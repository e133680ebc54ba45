//! Applies batches of commits: folds the cases, lets the projection write, moves the checkpoint, all in one transaction.

use std::num::NonZeroUsize;
use std::sync::Arc;

use case::event::{Event, Intake, Recorded};
use case::ids::CaseId;
use case::state::Case;
use ledger::registry_stream::{self, RegistryFold};
use ledger::{Commit, Ledger, LedgerError, NewCases, Position, Step, Stream};
use lru::LruCache;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::runtime::Handle;

use crate::change::{CaseChange, Change, FoldError, Projection};
use crate::checkpoint::{self, Checkpoint};
use crate::file::Opened;

pub(crate) struct Folder<P> {
    db: Connection,
    checkpoint: Checkpoint,
    projection: P,
    cases: Cases,
    registry: RegistryFold,
    registry_stream: Stream,
    ledger: Ledger,
    /// Where the file says it is; behind `checkpoint` while nothing came that concerns the rows.
    written: Position,
    /// A batch was given up on the way: what is in memory may be ahead of the rows.
    stale: bool,
}

/// Steps that concern no row may be read again after a crash, up to so many events.
const UNWRITTEN_MAX: u64 = if cfg!(test) { 8 } else { 16_384 };

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the commit at {at} cannot be applied: {error}")]
    Fold { at: Position, error: FoldError },
    #[error("the commits from {at} on cannot be prepared: {error}")]
    Prepare { at: Position, error: FoldError },
    #[error("another process writes this file: it is at {found}, not at {expected}")]
    OtherWriter { found: Position, expected: Position },
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Failure {
    /// Whether the same batch may be applied later without anybody mending anything.
    pub(crate) fn is_away(&self) -> bool {
        match self {
            Self::Fold { error, .. } | Self::Prepare { error, .. } => matches!(error, FoldError::Away(_)),
            Self::Ledger(error) => error.is_away(),
            Self::OtherWriter { .. } | Self::Sql(_) => false,
        }
    }
}

impl<P: Projection> Folder<P> {
    pub(crate) async fn new(
        opened: Opened,
        projection: P,
        ledger: &Ledger,
        cases_max: NonZeroUsize,
    ) -> Result<Self, LedgerError> {
        let Opened { db, checkpoint } = opened;
        let registry = RegistryFold::load(ledger, Some(checkpoint.position)).await?;
        let cases = Cases { known: LruCache::new(cases_max), ledger: ledger.clone() };
        let (registry_stream, ledger) = (registry_stream::stream(), ledger.clone());
        let written = checkpoint.position;
        Ok(Self {
            db,
            checkpoint,
            projection,
            cases,
            registry,
            registry_stream,
            ledger,
            written,
            stale: false,
        })
    }

    pub(crate) fn ignores_new_cases(&self) -> bool {
        self.projection.ignores_new_cases()
    }

    pub(crate) fn position(&self) -> Position {
        self.checkpoint.position
    }

    /// Applies steps that follow on each other, all of them or none. Blocks; needs a runtime's handle for the cases that
    /// are not at hand. After a failure the same batch may be applied again, and nothing else.
    pub(crate) fn apply(&mut self, batch: &[Step], runtime: &Handle) -> Result<Position, Failure> {
        self.refresh(runtime)?;
        let commits: Vec<&Commit> = batch.iter().filter_map(Step::commit).map(AsRef::as_ref).collect();
        let Some(first) = commits.first() else { return self.pass(batch) };
        self.stale = true;
        let at = first.first;
        let prepared = self.projection.prepare(&commits).map_err(|error| Failure::Prepare { at, error });
        let applied = prepared.and_then(|()| self.write(batch, runtime));
        self.projection.release();
        self.checkpoint = applied?;
        self.written = self.checkpoint.position;
        self.stale = false;
        if commits.iter().any(|commit| destroys_a_key(commit)) {
            self.truncate_journal();
        }
        Ok(self.checkpoint.position)
    }

    /// Nothing of the batch concerns the rows: only where they are changes, and that is written down now and then.
    fn pass(&mut self, batch: &[Step]) -> Result<Position, Failure> {
        for step in batch {
            if let Step::NewCases(new) = step {
                self.cases.note(new);
            }
        }
        if let Some(last) = batch.last() {
            self.checkpoint.advance(last);
        }
        if self.checkpoint.position.get().saturating_sub(self.written.get()) > UNWRITTEN_MAX {
            self.write_checkpoint()?;
        }
        Ok(self.checkpoint.position)
    }

    /// Writes down where the rows are, as nothing more is applied.
    pub(crate) fn leave(mut self) -> Result<(), Failure> {
        if self.written == self.checkpoint.position { Ok(()) } else { self.write_checkpoint() }
    }

    fn write_checkpoint(&mut self) -> Result<(), Failure> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_writer(&tx, self.written)?;
        self.checkpoint.write(&tx)?;
        tx.commit()?;
        self.written = self.checkpoint.position;
        Ok(())
    }

    /// What is in memory as of the rows again, after a batch was given up.
    fn refresh(&mut self, runtime: &Handle) -> Result<(), Failure> {
        if self.stale {
            let until = Some(self.checkpoint.position);
            self.registry = runtime.block_on(RegistryFold::load(&self.ledger, until))?;
            self.cases.known.clear();
        }
        Ok(())
    }

    /// Writes a batch in one transaction; gives back where the rows are then.
    fn write(&mut self, batch: &[Step], runtime: &Handle) -> Result<Checkpoint, Failure> {
        let Self { db, projection, cases, registry, registry_stream, .. } = self;
        let mut checkpoint = self.checkpoint.clone();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        check_writer(&tx, self.written)?;
        for step in batch {
            let commit = match step {
                Step::Commit(commit) => commit,
                Step::NewCases(new) => {
                    cases.note(new);
                    continue;
                }
            };
            let published = fold_registry(registry, commit, registry_stream)?;
            let change = Change {
                commit,
                cases: cases.change(commit, runtime)?,
                registry: registry.current(),
                published,
                modes: registry.modes(),
            };
            let applied = projection.apply(&tx, &change);
            applied.map_err(|error| Failure::Fold { at: commit.first, error })?;
        }
        if let Some(last) = batch.last() {
            checkpoint.advance(last);
        }
        checkpoint.write(&tx)?;
        tx.commit()?;
        Ok(checkpoint)
    }

    /// What was sealed under a destroyed key must not live on in the journal.
    fn truncate_journal(&self) {
        let truncated = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        if truncated != Ok(0) {
            // A reader held it up for the whole timeout; the next checkpoint overwrites it.
            tracing::warn!(
                projection = self.checkpoint.name,
                "the journal was not truncated after a key was destroyed"
            );
        }
    }
}

fn check_writer(tx: &Transaction<'_>, expected: Position) -> Result<(), Failure> {
    let found = checkpoint::position(tx)?;
    if found == expected { Ok(()) } else { Err(Failure::OtherWriter { found, expected }) }
}

fn fold_registry(registry: &mut RegistryFold, commit: &Commit, stream: &Stream) -> Result<bool, LedgerError> {
    for entry in commit.entries.iter().filter(|entry| entry.stream == *stream) {
        registry.apply(&entry.recorded);
    }
    registry.settle()
}

fn destroys_a_key(commit: &Commit) -> bool {
    let destroys = |recorded: &Recorded| matches!(recorded.event, Event::Intake(Intake::KeyDestroyed(_)));
    commit.entries.iter().any(|entry| destroys(&entry.recorded))
}

/// Cases as of the commit applied last.
struct Cases {
    known: LruCache<CaseId, Known>,
    ledger: Ledger,
}

enum Known {
    Case(Arc<Case>),
    /// Not folded before somebody asks for it.
    New(NewCases),
}

impl Cases {
    /// Keeps what was not applied, for the change that comes after it.
    fn note(&mut self, new: &NewCases) {
        for id in new.cases() {
            self.known.put(id, Known::New(new.clone()));
        }
    }

    fn change<'a>(
        &mut self,
        commit: &'a Commit,
        runtime: &Handle,
    ) -> Result<Vec<CaseChange<'a>>, LedgerError> {
        let mut changes = Vec::new();
        for id in commit.cases() {
            let events: Vec<&Recorded> = commit.of_case(id).collect();
            let version = events.first().map_or(0, |first| first.version.saturating_sub(1));
            let before = self.at(id, version, runtime)?;
            let after = self.after(&before, &events);
            self.known.put(id, Known::Case(Arc::clone(&after)));
            changes.push(CaseChange { before, after, events });
        }
        Ok(changes)
    }

    /// Folded once for all projections of the process when the command was one of this process too.
    fn after(&self, before: &Case, events: &[&Recorded]) -> Arc<Case> {
        let version = events.last().map_or(before.version, |last| last.version);
        let at_hand = self.ledger.case_at_hand(before.id, version);
        at_hand.unwrap_or_else(|| Arc::new(folded(before.clone(), events.iter().copied())))
    }

    fn at(&mut self, id: CaseId, version: u64, runtime: &Handle) -> Result<Arc<Case>, LedgerError> {
        if version == 0 {
            return Ok(Arc::new(Case::new(id)));
        }
        let known = match self.known.get(&id) {
            Some(Known::Case(case)) => Some(Arc::clone(case)),
            Some(Known::New(new)) => Some(Arc::new(folded(Case::new(id), &new.of_case(id)?))),
            None => None,
        };
        match known.filter(|case| case.version == version) {
            Some(case) => Ok(case),
            None => Ok(Arc::new(runtime.block_on(self.ledger.read_case_at(id, version))?)),
        }
    }
}

fn folded<'a>(mut case: Case, events: impl IntoIterator<Item = &'a Recorded>) -> Case {
    for recorded in events {
        case.evolve(recorded);
    }
    case
}
