use std::path::Path;

use ledger::{Ledger, Position};
use rusqlite::Connection;

use super::support::{LONG, Notes, checksum, count, fill, ledger, run};
use crate::{NotReady, OpenError, Options, Projection, Status, start};

/// Folds what the ledger has, and marks the file.
async fn folded(dir: &Path, ledger: &Ledger) {
    let running = run(dir, Notes::new(), ledger).await;
    running.view.wait_for(ledger.head().position, LONG).await.unwrap();
    running.stop().await.unwrap();
    let db = Connection::open(dir.join("notes.sqlite")).unwrap();
    db.execute_batch("INSERT INTO sums VALUES (2, 0)").unwrap();
}

/// Starts over what is there; tells whether the marked file was continued, and sees that the rows are the ledger's.
async fn is_continued(dir: &Path, notes: Notes, ledger: &Ledger) -> bool {
    let running = run(dir, notes, ledger).await;
    running.view.wait_for(ledger.head().position, LONG).await.unwrap();
    let marked = count(&running.view, "SELECT count(*) FROM sums WHERE only = 2").await == 1;
    let events = count(&running.view, "SELECT count(*) FROM events").await;
    assert_eq!(events, ledger.head().position.get() as i64);
    running.stop().await.unwrap();
    marked
}

#[tokio::test]
async fn a_file_of_the_same_ledger_and_version_is_continued() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    fill(&ledger, 1, 5).await;
    folded(dir.path(), &ledger).await;
    fill(&ledger, 6, 5).await;
    assert!(is_continued(dir.path(), Notes::new(), &ledger).await);
}

#[tokio::test]
async fn another_version_of_the_projection_rebuilds() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    fill(&ledger, 1, 5).await;
    folded(dir.path(), &ledger).await;
    assert!(!is_continued(dir.path(), Notes { version: 2, ..Notes::new() }, &ledger).await);
}

#[tokio::test]
async fn a_ledger_behind_the_checkpoint_rebuilds() {
    let dir = tempfile::tempdir().unwrap();
    fill(&ledger(dir.path()), 1, 5).await;
    let long = tempfile::tempdir().unwrap();
    let longer = ledger(long.path());
    fill(&longer, 1, 9).await;
    folded(dir.path(), &longer).await;
    assert!(!is_continued(dir.path(), Notes::new(), &ledger(dir.path())).await);
}

#[tokio::test]
async fn a_ledger_begun_anew_under_the_same_name_rebuilds() {
    let dir = tempfile::tempdir().unwrap();
    let old = ledger(dir.path());
    fill(&old, 1, 5).await;
    folded(dir.path(), &old).await;
    let anew = tempfile::tempdir().unwrap();
    let new = ledger(anew.path());
    fill(&new, 101, 9).await;
    assert!(new.head().position > old.head().position);
    assert!(!is_continued(dir.path(), Notes::new(), &new).await);
}

#[tokio::test]
async fn another_ledger_or_epoch_rebuilds() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    fill(&ledger, 1, 5).await;
    for change in ["ledger = 'other'", "epoch = 2", "chain = 'other'", "position = 1", "name = 'other'"] {
        folded(dir.path(), &ledger).await;
        let db = Connection::open(dir.path().join("notes.sqlite")).unwrap();
        db.execute_batch(&format!("UPDATE projection_checkpoint SET {change}")).unwrap();
        drop(db);
        assert!(!is_continued(dir.path(), Notes::new(), &ledger).await, "{change}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    fill(&ledger, 1, 5).await;
    for rubbish in
        ["", "not a database, but long enough to be read as a header of one, one might think so, no?"]
    {
        std::fs::write(dir.path().join("notes.sqlite"), rubbish).unwrap();
        assert!(!is_continued(dir.path(), Notes::new(), &ledger).await);
    }
}

#[tokio::test]
async fn a_missing_directory_is_made_and_a_rebuild_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let position = fill(&ledger, 1, 5).await;
    let deep = dir.path().join("a/b");
    let stop = tokio_util::sync::CancellationToken::new();
    let (view, run) = start(&deep, Notes::new(), ledger, Options::DEFAULT, stop.clone()).await.unwrap();
    let status = view.status();
    assert_eq!((status.position, status.head, status.lag), (Position::ZERO, position, position.get()));
    let rebuilding = NotReady::Rebuilding { at: Position::ZERO, until: position };
    assert_eq!(status.ready(u64::MAX), Err(rebuilding));
    assert_eq!((status.rebuilding_until, status.parked), (Some(position), None));
    let reading = async {
        view.wait_for(position, LONG).await.unwrap();
        let status = view.status();
        assert_eq!((status.lag, status.rebuilding_until), (0, None));
        assert_eq!(status.ready(0), Ok(()));
        let behind = Status { lag: 11, ..status };
        assert_eq!(behind.ready(10), Err(NotReady::Behind { lag: 11, lag_max: 10 }));
        assert_eq!(behind.ready(11), Ok(()));
        assert_eq!(checksum(&view).await.len(), 64);
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(run, reading);
    ended.unwrap();
}

/// A name that would leave the directory.
struct Misnamed;

impl Projection for Misnamed {
    fn name(&self) -> &'static str {
        "../notes"
    }

    fn version(&self) -> u32 {
        1
    }

    fn create(&self, _db: &Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    fn apply(
        &mut self,
        _tx: &rusqlite::Transaction<'_>,
        _change: &crate::Change<'_>,
    ) -> Result<(), crate::FoldError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_name_that_is_a_path_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let stop = tokio_util::sync::CancellationToken::new();
    let refused = start(dir.path(), Misnamed, ledger, Options::DEFAULT, stop).await;
    assert!(matches!(refused.map(|_| ()), Err(OpenError::Name("../notes"))));
}
