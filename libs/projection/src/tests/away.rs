//! What a fold needs from elsewhere is away for a while.

use ledger::Commit;
use ledger::registry_stream::publish;
use registry::sample;
use rusqlite::{Connection, Transaction};
use tokio::sync::watch;

use super::support::{LONG, at, by, checksum, command, fill, ledger, run, step};
use crate::{Change, FoldError, Options, Projection, View, rebuild};

/// What the fold saw of the world, from outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    prepared: u64,
    released: u64,
    refused: u64,
}

/// One row a commit; needs something from position `needs_from` on, which is there or away.
struct Needy {
    needs_from: u64,
    is_away: watch::Receiver<bool>,
    /// Whether it notices only in the middle of a batch.
    in_the_middle: bool,
    seen: watch::Sender<Seen>,
}

impl Needy {
    fn need(&self) -> Result<(), FoldError> {
        if *self.is_away.borrow() {
            self.seen.send_modify(|seen| seen.refused += 1);
            return Err(FoldError::Away("what it needs"));
        }
        Ok(())
    }
}

impl Projection for Needy {
    fn name(&self) -> &'static str {
        "needy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE commits (position INTEGER PRIMARY KEY, registry INTEGER, version INTEGER)",
        )
    }

    fn prepare(&mut self, batch: &[&Commit]) -> Result<(), FoldError> {
        self.seen.send_modify(|seen| seen.prepared += 1);
        let needs = batch.iter().any(|commit| commit.last.get() >= self.needs_from);
        if needs && !self.in_the_middle { self.need() } else { Ok(()) }
    }

    fn release(&mut self) {
        self.seen.send_modify(|seen| seen.released += 1);
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        if self.in_the_middle && change.commit.last.get() >= self.needs_from {
            self.need()?;
        }
        let registry = change.registry.map(|registry| registry.version().0 as i64);
        let version = change.cases.first().map(|case| case.after.version as i64);
        let row = (change.commit.last.get() as i64, registry, version);
        tx.execute("INSERT INTO commits VALUES (?1, ?2, ?3)", row)?;
        Ok(())
    }
}

fn needy(needs_from: u64, in_the_middle: bool) -> (Needy, watch::Sender<bool>, watch::Receiver<Seen>) {
    let (away, is_away) = watch::channel(true);
    let (seen, seer) = watch::channel(Seen::default());
    (Needy { needs_from, is_away, in_the_middle, seen }, away, seer)
}

async fn registries(view: &View) -> Vec<Option<i64>> {
    let read = view.read(|db| {
        let mut rows = db.prepare("SELECT registry FROM commits ORDER BY position")?;
        rows.query_map([], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()
    });
    read.await.unwrap()
}

#[tokio::test]
async fn a_fold_that_lacks_something_waits_for_it_and_then_goes_on_as_if_it_had_not() {
    for in_the_middle in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = ledger(dir.path());
        step(&ledger, 1, &[1]).await;
        publish(&ledger, &command(2), &by(), at(0), sample::content(), None).await.unwrap();
        let last = fill(&ledger, 3, 5).await;
        let (fold, away, mut seen) = needy(last.get(), in_the_middle);

        let running = run(dir.path(), fold, &ledger).await;
        seen.wait_for(|seen| seen.refused >= 3).await.unwrap();
        let status = running.view.status();
        assert_eq!((status.parked, status.position.get()), (None, 0), "all of the batch or nothing");
        assert!(!running.ended.is_finished());
        away.send_replace(false);
        running.view.wait_for(last, LONG).await.unwrap();

        let mut expected = vec![Some(1); 7];
        expected[0] = None;
        assert_eq!(registries(&running.view).await, expected, "each commit with the registry of its time");
        let counts = *seen.borrow();
        assert_eq!((counts.prepared, counts.released), (counts.refused + 1, counts.refused + 1));
        let live = checksum(&running.view).await;
        running.stop().await.unwrap();

        let other = tempfile::tempdir().unwrap();
        let (fold, away, _seen) = needy(u64::MAX, false);
        rebuild(other.path(), fold, ledger.clone(), Options::DEFAULT, |_| {}).await.unwrap();
        drop(away);
        let rebuilt = Connection::open(other.path().join("needy.sqlite")).unwrap();
        assert_eq!(crate::checksum(&rebuilt).unwrap(), live);
    }
}

#[tokio::test]
async fn what_waits_is_stopped_without_a_complaint_and_goes_on_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let last = fill(&ledger, 1, 4).await;
    let (fold, _away, mut seen) = needy(1, true);
    let running = run(dir.path(), fold, &ledger).await;
    seen.wait_for(|seen| seen.refused >= 2).await.unwrap();
    running.stop().await.unwrap();

    let (fold, away, _seen) = needy(1, true);
    away.send_replace(false);
    let running = run(dir.path(), fold, &ledger).await;
    running.view.wait_for(last, LONG).await.unwrap();
    assert_eq!(registries(&running.view).await, [None; 4]);
    running.stop().await.unwrap();
}
