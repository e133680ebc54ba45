//! Applies batches of commits: folds the cases, lets the projection write, moves the checkpoint, all in one transaction.

use std::num::NonZeroUsize;
use std::sync::Arc;

use case::event::{Event, Intake, Recorded};
use case::ids::CaseId;
use case::state::Case;
use ledger::registry_stream::{self, RegistryFold};
use ledger::{Commit, Ledger, LedgerError, Position, Stream};
use lru::LruCache;
use rusqlite::{Connection, TransactionBehavior};
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
    /// A batch was given up on the way: what is in memory may be ahead of the rows.
    stale: bool,
}

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
        Ok(Self { db, checkpoint, projection, cases, registry, registry_stream, ledger, stale: false })
    }

    pub(crate) fn position(&self) -> Position {
        self.checkpoint.position
    }

    /// Applies commits that follow on each other, all of them or none. Blocks; needs a runtime's handle for the cases that
    /// are not at hand. After a failure the same batch may be applied again, and nothing else.
    pub(crate) fn apply(&mut self, batch: &[Arc<Commit>], runtime: &Handle) -> Result<Position, Failure> {
        self.refresh(runtime)?;
        self.stale = true;
        let prepared = self.projection.prepare(batch).map_err(|error| {
            let at = batch.first().map_or(self.checkpoint.position, |commit| commit.first);
            Failure::Prepare { at, error }
        });
        let applied = prepared.and_then(|()| self.write(batch, runtime));
        self.projection.release();
        self.checkpoint = applied?;
        self.stale = false;
        if batch.iter().any(|commit| destroys_a_key(commit)) {
            self.truncate_journal();
        }
        Ok(self.checkpoint.position)
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
    fn write(&mut self, batch: &[Arc<Commit>], runtime: &Handle) -> Result<Checkpoint, Failure> {
        let Self { db, projection, cases, registry, registry_stream, .. } = self;
        let mut checkpoint = self.checkpoint.clone();
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found = checkpoint::position(&tx)?;
        if found != checkpoint.position {
            return Err(Failure::OtherWriter { found, expected: checkpoint.position });
        }
        for commit in batch {
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
    known: LruCache<CaseId, Arc<Case>>,
    ledger: Ledger,
}

impl Cases {
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
            self.known.put(id, Arc::clone(&after));
            changes.push(CaseChange { before, after, events });
        }
        Ok(changes)
    }

    /// Folded once for all projections of the process when the command was one of this process too.
    fn after(&self, before: &Case, events: &[&Recorded]) -> Arc<Case> {
        let version = events.last().map_or(before.version, |last| last.version);
        self.ledger.case_at_hand(before.id, version).unwrap_or_else(|| {
            let mut after = before.clone();
            for recorded in events {
                after.evolve(recorded);
            }
            Arc::new(after)
        })
    }

    fn at(&mut self, id: CaseId, version: u64, runtime: &Handle) -> Result<Arc<Case>, LedgerError> {
        if version == 0 {
            return Ok(Arc::new(Case::new(id)));
        }
        if let Some(case) = self.known.get(&id).filter(|case| case.version == version) {
            return Ok(Arc::clone(case));
        }
        Ok(Arc::new(runtime.block_on(self.ledger.read_case_at(id, version))?))
    }
}
