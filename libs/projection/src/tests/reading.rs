use std::sync::mpsc;
use std::time::Duration;

use ledger::Position;
use ledger::registry_stream::publish;
use registry::sample;
use rusqlite::{Connection, Transaction};

use super::support::{LONG, Notes, at, by, command, count, fill, ledger, run, step};
use crate::{Behind, Change, FoldError, Projection, position};

#[tokio::test]
async fn reads_wait_for_their_position() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let running = run(dir.path(), Notes::new(), &ledger).await;
    for version in 1..=20_i64 {
        let written = step(&ledger, version.unsigned_abs().into(), &[1]).await;
        running.view.wait_for(written, LONG).await.unwrap();
        assert!(count(&running.view, "SELECT version FROM cases").await >= version);
    }
    let late = running.view.wait_for(Position(21), Duration::ZERO).await.unwrap_err();
    assert_eq!(late, Behind::Late { name: "notes", at: Position(20), wanted: Position(21) });
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_read_sees_one_snapshot_and_its_position() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let running = run(dir.path(), Notes::new(), &ledger).await;
    let before = fill(&ledger, 1, 5).await;
    running.view.wait_for(before, LONG).await.unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let reading = running.view.read(move |db| {
        let first = position(db)?;
        begun.send(()).unwrap();
        may_go_on.recv().unwrap();
        let events: i64 = db.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
        Ok((first, events, position(db)?))
    });
    let writing = async {
        has_begun.await.unwrap();
        let after = fill(&ledger, 6, 5).await;
        running.view.wait_for(after, LONG).await.unwrap();
        go_on.send(()).unwrap();
    };
    let (read, ()) = tokio::join!(reading, writing);
    assert_eq!(read.unwrap(), (before, before.get() as i64, before));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn readers_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let running = run(dir.path(), Notes::new(), &ledger).await;
    let written = running.view.read(|db| db.execute("DELETE FROM sums", [])).await;
    assert!(written.is_err());
    assert_eq!(count(&running.view, "SELECT count(*) FROM sums").await, 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn changes_are_told_to_whoever_waits() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let running = run(dir.path(), Notes::new(), &ledger).await;
    let (changed, written) =
        tokio::join!(running.view.changed_since(Position::ZERO), step(&ledger, 1, &[1, 2]));
    assert_eq!(changed.unwrap(), written);
    let view = running.view.clone();
    running.stop().await.unwrap();
    assert_eq!(view.changed_since(written).await, Err(Behind::Stopped { name: "notes" }));
}

/// The registry's version as of every commit.
struct Versions;

impl Projection for Versions {
    fn name(&self) -> &'static str {
        "versions"
    }

    fn version(&self) -> u32 {
        1
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE versions (position INTEGER PRIMARY KEY, version INTEGER, published INTEGER)",
        )
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        let version = change.registry.map(|registry| registry.version().0 as i64);
        let row = (change.commit.last.get() as i64, version, change.published);
        tx.execute("INSERT INTO versions VALUES (?1, ?2, ?3)", row)?;
        Ok(())
    }
}

#[tokio::test]
async fn every_commit_comes_with_the_registry_in_force_then_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let mut changed = sample::content();
    changed.jurisdiction.note = Some("changed".to_owned());

    step(&ledger, 1, &[1]).await;
    publish(&ledger, &command(2), &by(), at(0), sample::content(), None).await.unwrap();
    let position = step(&ledger, 3, &[1]).await;
    let running = run(dir.path(), Versions, &ledger).await;
    running.view.wait_for(position, LONG).await.unwrap();
    running.stop().await.unwrap();

    step(&ledger, 4, &[1]).await;
    publish(&ledger, &command(5), &by(), at(0), changed, None).await.unwrap();
    let position = step(&ledger, 6, &[1]).await;
    let running = run(dir.path(), Versions, &ledger).await;
    running.view.wait_for(position, LONG).await.unwrap();
    let rows = running.view.read(|db| {
        let mut rows = db.prepare("SELECT version, published FROM versions ORDER BY position")?;
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<Vec<_>, _>>()
    });
    let expected: [(Option<i64>, bool); 6] = [
        (None, false),
        (Some(1), true),
        (Some(1), false),
        (Some(1), false),
        (Some(2), true),
        (Some(2), false),
    ];
    assert_eq!(rows.await.unwrap(), expected);
    running.stop().await.unwrap();
}
