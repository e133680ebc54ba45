use super::support::{Gate, commit_ok, note, options};
use crate::limits::RECENT_COMMITS_MAX;
use crate::{Follower, Position, ReadError, Recent, Store, SyncPoint};

async fn take(follower: &mut Follower, count: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    while positions.len() < count {
        positions.extend(follower.next().await.unwrap().events.iter().map(|event| event.position.0));
    }
    positions
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_get_everything_once_while_others_commit() {
    const WRITERS: u128 = 4;
    const EACH: u128 = 100;
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for n in 0..EACH {
                commit_ok(&store, note(writer * EACH + n, &format!("case/{writer}"))).await;
            }
        });
    }
    let total = usize::try_from(WRITERS * EACH).unwrap();
    let mut readers = tokio::task::JoinSet::new();
    for start in [0, 1, 37] {
        let store = store.clone();
        readers.spawn(async move {
            // Begins as soon as the ledger is that far, in the middle of the writing.
            let mut first = store.follow(Position::ZERO).unwrap();
            take(&mut first, start).await;
            let mut follower = store.follow(Position(start as u64)).unwrap();
            (start as u64, take(&mut follower, total - start).await)
        });
    }
    for (start, positions) in readers.join_all().await {
        assert_eq!(positions, (start + 1..=total as u64).collect::<Vec<_>>());
    }
    writers.join_all().await;
}

#[tokio::test]
async fn history_beyond_memory_comes_from_storage() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    let mut slow = store.follow(Position::ZERO).unwrap();
    let total = RECENT_COMMITS_MAX + 50;
    let mut id = 0;
    while id < total {
        let group = (id..(id + 50).min(total)).map(|id| store.commit(note(id as u128, "case/a")));
        let mut group: Vec<_> = group.map(Box::pin).collect();
        // Queue them all before waiting for any, so that they share syncs.
        for commit in &mut group {
            std::future::poll_fn(|context| {
                assert!(commit.as_mut().poll(context).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
        }
        id += group.len();
        for commit in group {
            commit.await.unwrap();
        }
    }
    assert_eq!(take(&mut slow, total).await, (1..=total as u64).collect::<Vec<_>>());
    assert_eq!(slow.position(), Position(total as u64));
}

#[tokio::test]
async fn follower_after_a_restart_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    for id in 0..10 {
        commit_ok(&store, note(id, "case/a")).await;
    }
    let mut follower = store.follow(Position(4)).unwrap();
    assert_eq!(take(&mut follower, 2).await, [5, 6]);
    let reached = follower.position();
    drop(follower);
    store.close().await;

    let store = Store::open(dir.path(), &options()).unwrap();
    let mut follower = store.follow(reached).unwrap();
    commit_ok(&store, note(10, "case/a")).await;
    assert_eq!(take(&mut follower, 5).await, [7, 8, 9, 10, 11]);
}

#[tokio::test]
async fn follower_hears_that_the_store_closed_after_the_last_commit() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    let mut follower = store.follow(Position::ZERO).unwrap();
    commit_ok(&store, note(1, "case/a")).await;
    store.close().await;
    assert_eq!(follower.next().await.unwrap().last(), Position(1));
    assert_eq!(follower.next().await.unwrap_err(), ReadError::Stopped);
}

#[tokio::test]
async fn abandoned_wait_loses_no_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (seams, gate) = Gate::at(SyncPoint::Data);
    let store = Store::open_with(dir.path(), &options(), seams).unwrap();
    let mut follower = store.follow(Position::ZERO).unwrap();
    tokio::select! {
        biased;
        _ = follower.next() => panic!("nothing was committed"),
        () = std::future::ready(()) => {}
    }
    gate.open();
    commit_ok(&store, note(1, "case/a")).await;
    assert_eq!(take(&mut follower, 1).await, [1]);
}

#[tokio::test]
async fn what_is_kept_for_followers_has_no_gap() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    let mut commits = Vec::new();
    for id in 0..6 {
        commits.push(commit_ok(&store, note(id, "case/1")).await.commit);
    }
    let mut recent = Recent::default();
    recent.push(&commits[..2]);
    // The third was lost on its way.
    recent.push(&commits[3..]);
    for (after, expected) in [(0, None), (1, None), (2, None), (3, Some(3)), (4, Some(2)), (6, None)] {
        let found = recent.after(Position(after), usize::MAX).map(|found| found.len());
        assert_eq!(found, expected, "after {after}");
    }
}
