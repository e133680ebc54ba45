use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ledger::Position;
use proptest::prelude::*;
use tokio::time::Instant;

use super::support::{LONG, Notes, checksum, count, fill, ledger, run, run_with, step};
use crate::{Behind, NotReady, Options, Progress, ReadError, RunError, rebuild};

const COMMITS: &str = "SELECT commits FROM sums";

fn options(batch_commits: usize, cases_max: usize) -> Options {
    Options { batch_commits, cases_max: NonZeroUsize::new(cases_max).unwrap(), ..Options::DEFAULT }
}

#[tokio::test]
async fn commits_before_and_after_the_start_are_folded_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    fill(&ledger, 1, 20).await;
    let running = run(dir.path(), Notes::new(), &ledger).await;
    let position = fill(&ledger, 21, 20).await;
    running.view.wait_for(position, LONG).await.unwrap();
    assert_eq!(count(&running.view, COMMITS).await, 40);
    assert_eq!(count(&running.view, "SELECT count(*) FROM events").await, position.get() as i64);
    assert_eq!(count(&running.view, "SELECT sum(version) FROM cases").await, position.get() as i64);
    let notes = "SELECT count(*) FROM words WHERE words MATCH 'NoteAdded'";
    assert_eq!(count(&running.view, notes).await, count(&running.view, "SELECT sum(notes) FROM cases").await);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn after_many_at_once_a_batch_waits_for_the_pause_and_no_longer() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let many = fill(&ledger, 1, 20).await;
    let pause = Duration::from_millis(200);
    let began = Instant::now();
    let running = run_with(dir.path(), Notes::new(), &ledger, Options { pause, ..Options::DEFAULT }).await;
    running.view.wait_for(many, LONG).await.unwrap();
    let one = step(&ledger, 21, &[1]).await;
    running.view.wait_for(one, LONG).await.unwrap();
    assert!(began.elapsed() >= pause);
    // What comes one at a time does not wait.
    let pause = LONG;
    running.stop().await.unwrap();
    let running = run_with(dir.path(), Notes::new(), &ledger, Options { pause, ..Options::DEFAULT }).await;
    for id in 22..26 {
        let one = step(&ledger, id, &[1]).await;
        running.view.wait_for(one, LONG / 2).await.unwrap();
    }
    running.stop().await.unwrap();
}

fn ignoring() -> Notes {
    Notes { ignores_new: true, ..Notes::new() }
}

#[tokio::test]
async fn a_case_that_was_ignored_while_new_is_whole_in_its_first_change() {
    // The second time the case is forgotten again before it changes, and read from the ledger.
    for cases_max in [8, 1] {
        let dir = tempfile::tempdir().unwrap();
        let ledger = ledger(dir.path());
        let running = run_with(dir.path(), ignoring(), &ledger, options(512, cases_max)).await;
        for case in 1..4 {
            step(&ledger, case, &[case]).await;
        }
        let both = step(&ledger, 4, &[1, 4]).await;
        running.view.wait_for(both, LONG).await.unwrap();
        // Of one commit the noted case and the new one beside it; nothing of the others.
        assert_eq!(count(&running.view, COMMITS).await, 1);
        assert_eq!(count(&running.view, "SELECT count(*) FROM cases").await, 2);
        assert_eq!(count(&running.view, "SELECT sum(version) FROM cases").await, 3);
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn what_concerns_no_row_is_written_down_when_the_projection_ends_and_read_again_when_it_could_not() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let written =
        || crate::position(&rusqlite::Connection::open(dir.path().join("notes.sqlite")).unwrap()).unwrap();
    let mut last = Position::ZERO;
    for ends in ["killed", "stopped", "stopped again"] {
        let running = run(dir.path(), ignoring(), &ledger).await;
        let from = written();
        last = step(&ledger, u128::from(last.get()), &[u128::from(last.get())]).await;
        running.view.wait_for(last, LONG).await.unwrap();
        let ((), as_of) = running.view.read_as_of(|_db| Ok(())).await.unwrap();
        assert_eq!((as_of, written()), (last, from), "{ends}: read as of the last, nothing written");
        if ends == "killed" {
            running.ended.abort();
            assert!(running.ended.await.unwrap_err().is_cancelled());
            assert_eq!(written(), Position::ZERO);
        } else {
            running.stop().await.unwrap();
            assert_eq!(written(), last);
        }
    }
}

#[tokio::test]
async fn where_a_projection_is_that_nothing_concerns_is_written_down_now_and_then() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let running = run(dir.path(), ignoring(), &ledger).await;
    for case in 1..13 {
        let position = step(&ledger, case, &[case]).await;
        running.view.wait_for(position, LONG).await.unwrap();
    }
    let file = rusqlite::Connection::open(dir.path().join("notes.sqlite")).unwrap();
    assert_eq!(crate::position(&file).unwrap(), Position(9), "one more than may be read again");
    running.stop().await.unwrap();
    assert_eq!(crate::position(&file).unwrap(), Position(12));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Stopped and started again at random points, with small batches and a cache that forgets, the rows are those of a
    /// rebuild, and no commit was folded twice.
    #[test]
    fn restarts_at_random_points_change_nothing(
        pieces in prop::collection::vec((1..12_u128, 0..20_u64), 1..6),
        batch in 1..5_usize,
        cases in 1..8_usize,
        ignores_new in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let ledger = ledger(dir.path());
            let mut next = 1;
            let applied = Notes::new().applied;
            for (commits, wait) in &pieces {
                let notes = Notes { applied: Arc::clone(&applied), ignores_new, ..Notes::new() };
                let running = run_with(dir.path(), notes, &ledger, options(batch, cases)).await;
                let position = fill(&ledger, next, *commits).await;
                next += commits;
                let until = Position(position.get().saturating_sub(*wait));
                running.view.wait_for(until, LONG).await.unwrap();
                running.stop().await.unwrap();
            }
            let notes = Notes { applied: Arc::clone(&applied), ignores_new, ..Notes::new() };
            let running = run(dir.path(), notes, &ledger).await;
            running.view.wait_for(ledger.head().position, LONG).await.unwrap();
            assert_eq!(i64::try_from(applied.load(Ordering::Relaxed)), Ok(count(&running.view, COMMITS).await));
            if !ignores_new {
                assert_eq!(u128::from(applied.load(Ordering::Relaxed)), next - 1);
            }
            let live = checksum(&running.view).await;
            running.stop().await.unwrap();

            let other = tempfile::tempdir().unwrap();
            let notes = Notes { ignores_new, ..Notes::new() };
            rebuild(other.path(), notes, ledger.clone(), Options::DEFAULT, |_| {}).await.unwrap();
            let running = run(other.path(), Notes { ignores_new, ..Notes::new() }, &ledger).await;
            assert_eq!(checksum(&running.view).await, live);
            running.stop().await.unwrap();
        });
    }
}

#[tokio::test]
async fn a_rebuild_tells_how_far_it_is_and_equals_the_live_file() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let running = run(dir.path(), Notes::new(), &ledger).await;
    let position = fill(&ledger, 1, 30).await;
    running.view.wait_for(position, LONG).await.unwrap();
    let live = checksum(&running.view).await;
    running.stop().await.unwrap();

    let mut told: Vec<Progress> = Vec::new();
    let rebuilt = rebuild(dir.path(), Notes::new(), ledger.clone(), options(4, 3), |progress| {
        told.push(progress);
    });
    assert_eq!(rebuilt.await.unwrap(), position);
    assert!(told.is_sorted_by_key(|progress| progress.position));
    assert_eq!(told.first(), Some(&Progress { position: Position::ZERO, until: position }));
    assert_eq!(told.last(), Some(&Progress { position, until: position }));
    let running = run(dir.path(), Notes::new(), &ledger).await;
    assert_eq!((running.view.position(), checksum(&running.view).await), (position, live));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_different_row_has_a_different_checksum() {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE rows (a, b); CREATE VIRTUAL TABLE words USING fts5(word)").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for change in [
        "SELECT 1",
        "INSERT INTO rows VALUES (1, '1')",
        "INSERT INTO rows VALUES (1, '1')",
        "UPDATE rows SET a = '1'",
        "UPDATE rows SET a = 1.0",
        "UPDATE rows SET b = x'31'",
        "UPDATE rows SET b = NULL",
        "INSERT INTO words VALUES ('word')",
        "CREATE TABLE more (a)",
    ] {
        db.execute_batch(change).unwrap();
        assert!(seen.insert(crate::checksum(&db).unwrap()), "{change}");
    }
    let ordered = crate::checksum(&db).unwrap();
    db.execute_batch("INSERT INTO rows VALUES (9, 9); DELETE FROM rows WHERE a <> 9 AND rowid = 1; DELETE FROM rows WHERE a = 9; INSERT INTO rows VALUES (1.0, NULL)").unwrap();
    assert_eq!(crate::checksum(&db).unwrap(), ordered, "the order of rows does not count");
}

#[tokio::test]
async fn a_failing_fold_parks_and_never_skips() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    for panics in [false, true] {
        let running =
            run_with(dir.path(), Notes { panics, ..Notes::failing_at(3) }, &ledger, options(1, 8)).await;
        let position = fill(&ledger, 1, 5).await;
        let parked = running.view.wait_for(position, LONG).await.unwrap_err();
        assert!(matches!(parked, Behind::Parked { .. }), "{parked}");
        let read = running.view.read(|db| db.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))).await;
        assert!(matches!(read.unwrap_err(), ReadError::Parked { .. }));
        let status = running.view.status();
        assert!(status.parked.is_some());
        assert!(matches!(status.ready(u64::MAX), Err(NotReady::Parked { .. })), "{status:?}");
        assert!(status.position < Position(3), "{status:?}");
        assert!(!running.ended.is_finished(), "it stands still until it is told to stop");
        let ended = running.stop().await.unwrap_err();
        assert!(matches!(ended, RunError::Parked { .. }));
    }
    let mended = run(dir.path(), Notes::new(), &ledger).await;
    mended.view.wait_for(ledger.head().position, LONG).await.unwrap();
    assert_eq!(count(&mended.view, COMMITS).await, 5);
    mended.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_writer_of_the_same_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let first = run(dir.path(), Notes::new(), &ledger).await;
    let second = run(dir.path(), Notes::new(), &ledger).await;
    let position = step(&ledger, 1, &[1]).await;
    let outcomes = [first.view.wait_for(position, LONG).await, second.view.wait_for(position, LONG).await];
    let parked = outcomes.iter().filter(|outcome| matches!(outcome, Err(Behind::Parked { .. }))).count();
    assert_eq!(parked, 1, "{outcomes:?}");
    let good = if outcomes[0].is_ok() { &first.view } else { &second.view };
    assert_eq!(count(good, COMMITS).await, 1);
}

#[tokio::test]
async fn a_ledger_that_stops_ends_the_run_after_what_came_before() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let running = run_with(dir.path(), Notes::new(), &ledger, options(2, 8)).await;
    let position = fill(&ledger, 1, 10).await;
    ledger.close().await;
    let error = running.ended.await.unwrap().unwrap_err();
    assert!(matches!(error, RunError::Ledger { source: ledger::LedgerError::Stopped, .. }), "{error}");
    assert_eq!(running.view.position(), position);
    let late = running.view.wait_for(position.next(), LONG).await.unwrap_err();
    assert_eq!(late, Behind::Stopped { name: "notes" });
}
