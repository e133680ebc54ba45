use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::support::{
    Gate, PAGE, append, command, commit_err, commit_ok, copy_open, note, options, positions, recording_seams,
    stream,
};
use crate::{CommitError, Expected, Options, Position, ReadError, Seams, Store, SyncPoint, Version};

#[tokio::test]
async fn nothing_is_visible_before_it_is_durable() {
    for point in [SyncPoint::Data, SyncPoint::WatermarkWrite, SyncPoint::WatermarkSync, SyncPoint::Durable] {
        let dir = tempfile::tempdir().unwrap();
        let (seams, gate) = Gate::at(point);
        let store = Store::open_with(dir.path(), &options(), seams).unwrap();
        let mut follower = store.follow(Position::ZERO).unwrap();

        let mut commit = Box::pin(store.commit(note(1, "case/a")));
        assert!(poll_once(commit.as_mut()).await.is_none());
        gate.wait();
        assert_eq!(store.head().position, Position::ZERO);
        assert_eq!(store.read_log(Position::ZERO, PAGE).unwrap().commits, []);
        assert_eq!(store.read_stream(&stream("case/a"), Version::NONE, PAGE).unwrap().head, Version::NONE);
        assert_eq!(store.find_command("p-1", note(1, "case/a").command_id).unwrap(), None);
        assert!(poll_once(Box::pin(follower.next()).as_mut()).await.is_none());
        assert!(poll_once(commit.as_mut()).await.is_none());

        gate.open();
        let committed = commit.await.unwrap();
        assert_eq!(follower.next().await.unwrap(), committed.commit);
        assert_eq!(store.read_stream(&stream("case/a"), Version::NONE, PAGE).unwrap().head, Version(1));
    }
}

#[tokio::test]
async fn refusal_resting_on_a_group_waits_for_that_group() {
    let dir = tempfile::tempdir().unwrap();
    let (seams, gate) = Gate::at(SyncPoint::Data);
    let store = Store::open_with(dir.path(), &options(), seams).unwrap();
    let mut first = Box::pin(store.commit(note(1, "case/a")));
    assert!(poll_once(first.as_mut()).await.is_none());
    gate.wait();
    // Both wait for the next group, in which the repeat meets the commit it repeats.
    let mut second = Box::pin(store.commit(note(2, "case/a")));
    let mut repeat = Box::pin(store.commit(note(2, "case/a")));
    assert!(poll_once(second.as_mut()).await.is_none());
    assert!(poll_once(repeat.as_mut()).await.is_none());
    gate.open();
    first.await.unwrap();
    gate.wait();
    assert!(poll_once(repeat.as_mut()).await.is_none());
    gate.open();
    let (second, repeat) = (second.await.unwrap(), repeat.await.unwrap());
    assert!(!second.repeated && repeat.repeated);
    assert_eq!(second.commit, repeat.commit);
}

#[tokio::test]
async fn what_comes_together_shares_its_syncs_and_is_judged_each_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let syncs = Arc::new(AtomicUsize::new(0));
    let (mut seams, _) = recording_seams();
    let counter = Arc::clone(&syncs);
    seams.before_sync = Some(Arc::new(move |here| {
        counter.fetch_add(usize::from(here == SyncPoint::Data), Ordering::SeqCst);
        Ok(())
    }));
    let store = Store::open_with(dir.path(), &options(), seams).unwrap();
    let conflicting = command(4, vec![append("case/a", Expected::NoStream, &["x"])]);
    let nothing = command(5, Vec::new());
    let together = vec![
        note(1, "case/a"),
        note(2, "case/b"),
        note(1, "case/a"),
        conflicting,
        nothing,
        note(6, "case/a"),
    ];
    let outcomes = store.commit_all(together).await;
    let kinds: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(committed) => Ok((committed.commit.first.get(), committed.repeated)),
            Err(error) => Err(error.clone()),
        })
        .collect();
    let [Ok((1, false)), Ok((2, false)), Ok((1, true)), Err(conflict), Err(invalid), Ok((3, false))] =
        kinds.as_slice()
    else {
        panic!("{kinds:?}")
    };
    assert!(matches!(conflict, CommitError::Conflict { .. }), "{conflict}");
    assert!(matches!(invalid, CommitError::Invalid(_)), "{invalid}");
    assert_eq!(syncs.load(Ordering::SeqCst), 1);
    assert!(store.commit_all(Vec::new()).await.is_empty());
}

#[tokio::test]
async fn full_queue_is_busy_and_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (seams, gate) = Gate::at(SyncPoint::Data);
    let options = Options { queue_max: 2, ..options() };
    let store = Store::open_with(dir.path(), &options, seams).unwrap();
    let mut first = Box::pin(store.commit(note(1, "case/a")));
    assert!(poll_once(first.as_mut()).await.is_none());
    gate.wait();
    let mut waiting: Vec<_> = (2..4).map(|id| Box::pin(store.commit(note(id, "case/a")))).collect();
    for commit in &mut waiting {
        assert!(poll_once(commit.as_mut()).await.is_none());
    }
    assert_eq!(commit_err(&store, note(4, "case/a")).await, CommitError::Busy);
    gate.open();
    first.await.unwrap();
    gate.wait();
    gate.open();
    for commit in waiting {
        commit.await.unwrap();
    }
    assert_eq!(positions(&store, PAGE), [1, 2, 3]);
    assert_eq!(store.find_command("p-1", note(4, "case/a").command_id).unwrap(), None);
}

/// A store whose sync fails at `point` once `broken` is set.
fn failing_at(point: SyncPoint) -> (Seams, Arc<AtomicBool>, Arc<std::sync::Mutex<Vec<String>>>) {
    let broken = Arc::new(AtomicBool::new(false));
    let (mut seams, reasons) = recording_seams();
    let fails = Arc::clone(&broken);
    seams.before_sync = Some(Arc::new(move |here| {
        if here == point && fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("no medium"));
        }
        Ok(())
    }));
    (seams, broken, reasons)
}

#[tokio::test]
async fn failed_sync_stops_for_good_without_an_answer() {
    for point in [SyncPoint::Data, SyncPoint::WatermarkWrite, SyncPoint::WatermarkSync] {
        let dir = tempfile::tempdir().unwrap();
        let (seams, broken, reasons) = failing_at(point);
        let store = Store::open_with(dir.path(), &options(), seams).unwrap();
        let mut follower = store.follow(Position::ZERO).unwrap();
        commit_ok(&store, note(1, "case/a")).await;
        broken.store(true, Ordering::SeqCst);
        assert_eq!(commit_err(&store, note(2, "case/a")).await, CommitError::Stopped);
        broken.store(false, Ordering::SeqCst);
        assert_eq!(commit_err(&store, note(3, "case/a")).await, CommitError::Stopped);

        assert_eq!(store.head().position, Position(1));
        assert_eq!(positions(&store, PAGE), [1]);
        assert_eq!(follower.next().await.unwrap().last(), Position(1));
        assert_eq!(follower.next().await.unwrap_err(), ReadError::Stopped);
        store.close().await;
        assert_eq!(reasons.lock().unwrap().as_slice(), ["syncing a commit failed: no medium"]);
    }
}

#[tokio::test]
async fn command_of_unknown_outcome_happens_once_when_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let (seams, broken, _) = failing_at(SyncPoint::WatermarkSync);
    let store = Store::open_with(dir.path(), &options(), seams).unwrap();
    broken.store(true, Ordering::SeqCst);
    assert_eq!(commit_err(&store, note(1, "case/a")).await, CommitError::Stopped);
    store.close().await;

    let store = Store::open(dir.path(), &options()).unwrap();
    commit_ok(&store, note(1, "case/a")).await;
    assert_eq!(positions(&store, PAGE), [1]);
}

#[tokio::test]
async fn panic_of_the_committer_stops_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let (mut seams, reasons) = recording_seams();
    seams.before_sync = Some(Arc::new(|_| panic!("on purpose")));
    let store = Store::open_with(dir.path(), &options(), seams).unwrap();
    assert_eq!(commit_err(&store, note(1, "case/a")).await, CommitError::Stopped);
    store.close().await;
    assert_eq!(reasons.lock().unwrap().as_slice(), ["the committer panicked"]);
}

#[tokio::test]
async fn closing_works_off_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let (seams, gate) = Gate::at(SyncPoint::Data);
    let store = Store::open_with(dir.path(), &options(), seams).unwrap();
    let other = store.clone();
    let mut first = Box::pin(other.commit(note(1, "case/a")));
    assert!(poll_once(first.as_mut()).await.is_none());
    gate.wait();
    let mut second = Box::pin(other.commit(note(2, "case/a")));
    assert!(poll_once(second.as_mut()).await.is_none());
    let mut closing = Box::pin(store.close());
    assert!(poll_once(closing.as_mut()).await.is_none());
    gate.open();
    first.await.unwrap();
    gate.open();
    second.await.unwrap();
    closing.await;
    assert_eq!(commit_err(&other, note(3, "case/a")).await, CommitError::Stopped);
    assert_eq!(positions(&other, PAGE), [1, 2]);
}

#[tokio::test]
async fn files_of_an_idle_store_hold_everything_answered() {
    let dir = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    for id in 1..=5_u128 {
        commit_ok(&store, note(id, "case/a")).await;
        let copy = copies.path().join(id.to_string());
        copy_open(dir.path(), &copy);
        let copied = Store::open(&copy, &options()).unwrap();
        assert_eq!(copied.head(), store.head());
    }
}

async fn poll_once<F: Future + ?Sized>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
