use std::sync::Arc;

use proptest::prelude::*;

use super::support::{
    PAGE, append, at, command, commit_err, commit_ok, event, note, options, positions, stream, stream_events,
};
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, EVENT_BYTES_MAX};
use crate::{
    Append, CommitError, Expected, InvalidCommit, NewCommit, NewEvent, Position, ReadError, Store,
    StreamName, Unchanged, Version,
};

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    (dir, store)
}

#[tokio::test]
async fn commit_numbers_events_in_ledger_and_streams() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/a")).await;
    let two = vec![
        append("case/a", Expected::Exactly(Version(1)), &["y", "z"]),
        append("case/b", Expected::NoStream, &["w"]),
    ];
    let committed = commit_ok(&store, command(2, two)).await;

    let places: Vec<_> =
        committed.commit.events.iter().map(|e| (e.position.0, e.stream.as_str(), e.version.0)).collect();
    assert_eq!(places, [(2, "case/a", 2), (3, "case/a", 3), (4, "case/b", 1)]);
    assert_eq!((committed.commit.first, committed.commit.last()), (Position(2), Position(4)));
    assert_eq!(store.head().position, Position(4));
    assert_eq!(store.head().chain, committed.commit.chain_hash);
}

#[tokio::test]
async fn losing_writer_learns_the_version() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/a")).await;
    for expected in
        [Expected::NoStream, Expected::Exactly(Version::NONE), Expected::Exactly(Version(u64::MAX))]
    {
        let error = commit_err(&store, command(2, vec![append("case/a", expected, &["y"])])).await;
        assert_eq!(error, CommitError::Conflict { stream: stream("case/a"), expected, actual: Version(1) });
    }
    assert_eq!(store.head().position, Position(1));
}

#[tokio::test]
async fn conflict_on_one_stream_leaves_the_other_alone() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/a")).await;
    let both =
        vec![append("case/b", Expected::NoStream, &["y"]), append("case/a", Expected::NoStream, &["y"])];
    commit_err(&store, command(2, both)).await;
    assert_eq!(stream_events(&store, "case/b", PAGE), []);
}

#[tokio::test]
async fn repeated_command_gets_the_first_commit_before_versions_are_looked_at() {
    let (_dir, store) = open();
    let new = command(1, vec![append("case/a", Expected::NoStream, &["y"])]);
    let first = commit_ok(&store, new.clone()).await;
    let again = commit_ok(&store, new).await;
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.commit, again.commit);
    assert_eq!(store.head().position, Position(1));
}

#[tokio::test]
async fn command_id_with_another_request_is_refused() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/a")).await;
    let other = NewCommit { request_mac: [2; 32], ..note(1, "case/a") };
    assert_eq!(commit_err(&store, other).await, CommitError::CommandIdReused);
}

#[tokio::test]
async fn command_ids_of_two_principals_do_not_meet() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/a")).await;
    let other = NewCommit { principal: "p-2".to_owned(), request_mac: [2; 32], ..note(1, "case/a") };
    assert!(!commit_ok(&store, other).await.repeated);
    let found = store.find_command("p-2", note(1, "case/a").command_id).unwrap().unwrap();
    assert_eq!(found.first, Position(2));
    assert_eq!(store.find_command("p-3", found.command_id).unwrap(), None);
}

#[tokio::test]
async fn time_never_runs_backwards() {
    let (_dir, store) = open();
    commit_ok(&store, NewCommit { recorded_at: at(100), ..note(1, "case/a") }).await;
    let earlier = commit_ok(&store, NewCommit { recorded_at: at(50), ..note(2, "case/a") }).await;
    assert_eq!(earlier.commit.recorded_at, at(100));
}

#[tokio::test]
async fn largest_commit_goes_in_chunks_and_comes_back_whole() {
    let (_dir, store) = open();
    let payload = vec![7; EVENT_BYTES_MAX];
    let events: Vec<NewEvent> = (0..7).map(|_| event("Noted", payload.clone())).collect();
    let append = Append { stream: stream("case/a"), expected: Expected::Any, events };
    let committed = commit_ok(&store, command(1, vec![append])).await;
    let page = store.read_log(Position::ZERO, 1).unwrap();
    assert_eq!(page.commits, [committed.commit]);
    assert_eq!(stream_events(&store, "case/a", 1).len(), 7);
}

/// sled does not sync the files it would move large leaves into.
#[tokio::test]
async fn nothing_stored_becomes_a_file_of_its_own() {
    let (dir, store) = open();
    for id in 0..12 {
        let long_name = format!("case/{}", "n".repeat(120));
        let events: Vec<NewEvent> = (0..7).map(|_| event("Noted", vec![7; EVENT_BYTES_MAX])).collect();
        let large = Append { stream: stream(&long_name), expected: Expected::Any, events };
        commit_ok(&store, command(id, vec![large, append("case/b", Expected::Any, &["x"])])).await;
    }
    let files = std::fs::read_dir(dir.path().join("sled/blobs")).unwrap();
    assert_eq!(files.count(), 0);
}

#[tokio::test]
async fn pages_of_any_size_give_every_event_once() {
    let (_dir, store) = open();
    for id in 0..20 {
        commit_ok(&store, note(id, if id % 3 == 0 { "case/a" } else { "case/b" })).await;
    }
    for bytes in [0, 1, 500, 1000, PAGE] {
        assert_eq!(positions(&store, bytes.max(1)), (1..=20).collect::<Vec<_>>());
        let versions: Vec<_> = stream_events(&store, "case/a", bytes).into_iter().map(|(v, _)| v).collect();
        assert_eq!(versions, (1..=7).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn position_within_a_commit_gives_that_commit() {
    let (_dir, store) = open();
    commit_ok(&store, command(1, vec![append("case/a", Expected::Any, &["x", "y", "z"])])).await;
    let page = store.read_log(Position(1), PAGE).unwrap();
    assert_eq!(page.commits.iter().map(|c| c.first).collect::<Vec<_>>(), [Position(1)]);
    assert_eq!(store.read_log(Position(3), PAGE).unwrap().commits, []);
}

#[tokio::test]
async fn cursors_from_the_future_are_refused() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/a")).await;
    let future = ReadError::Future { after: Position(2), head: Position(1) };
    assert_eq!(store.read_log(Position(2), PAGE).unwrap_err(), future);
    assert_eq!(store.follow(Position(2)).err(), Some(future));
    let read = store.read_stream(&stream("case/a"), Version(2), PAGE).unwrap_err();
    let head = Version(1);
    assert_eq!(read, ReadError::FutureVersion { stream: stream("case/a"), after: Version(2), head });
}

fn too_large(commit: &CommitError) -> bool {
    matches!(commit, CommitError::TooLarge { .. })
}

#[tokio::test]
async fn oversize_is_refused_and_changes_nothing() {
    let (_dir, store) = open();
    let with = |events: Vec<NewEvent>| {
        command(1, vec![Append { stream: stream("case/a"), expected: Expected::Any, events }])
    };
    let block = event("Noted", vec![0; EVENT_BYTES_MAX]);
    let oversize = [
        with(vec![event("Noted", vec![0; EVENT_BYTES_MAX + 1])]),
        with(vec![block; COMMIT_BYTES_MAX / EVENT_BYTES_MAX]),
        with(vec![event("Noted", "x"); COMMIT_EVENTS_MAX + 1]),
        with(vec![event(&"N".repeat(65), "x")]),
        NewCommit { principal: "p".repeat(129), ..note(1, "case/a") },
        NewCommit { traceparent: Some("0".repeat(65)), ..note(1, "case/a") },
        command(1, (0..65).map(|n| append(&format!("case/{n}"), Expected::Any, &["x"])).collect()),
    ];
    for commit in oversize {
        let error = commit_err(&store, commit).await;
        assert!(too_large(&error), "{error}");
    }
    assert_eq!(store.head().position, Position::ZERO);
}

#[tokio::test]
async fn malformed_is_refused_and_changes_nothing() {
    let (_dir, store) = open();
    let with = |event_type: &str| {
        let events = vec![event(event_type, "x")];
        command(1, vec![Append { stream: stream("case/a"), expected: Expected::Any, events }])
    };
    let malformed = [
        (command(1, vec![]), InvalidCommit::NoEvents),
        (command(1, vec![append("case/a", Expected::Any, &[])]), InvalidCommit::NoEvents),
        (
            command(
                1,
                vec![append("case/a", Expected::Any, &["x"]), append("case/a", Expected::Any, &["x"])],
            ),
            InvalidCommit::StreamTwice(stream("case/a")),
        ),
        (NewCommit { principal: String::new(), ..note(1, "case/a") }, InvalidCommit::Text("principal")),
        (
            NewCommit { on_behalf_of: Some("a\nb".to_owned()), ..note(1, "case/a") },
            InvalidCommit::Text("on_behalf_of"),
        ),
        (with("Case Raised"), InvalidCommit::EventType("Case Raised".to_owned())),
        (with(""), InvalidCommit::EventType(String::new())),
        (with("EpochOpened"), InvalidCommit::Reserved("EpochOpened")),
    ];
    for (commit, expected) in malformed {
        assert_eq!(commit_err(&store, commit).await, CommitError::Invalid(expected));
    }
    assert_eq!(store.head().position, Position::ZERO);
}

#[tokio::test]
async fn dropped_future_does_not_half_commit() {
    let (_dir, store) = open();
    let mut commit = Box::pin(store.commit(note(1, "case/a")));
    let polled = std::future::poll_fn(|context| {
        // Queued by the first poll; whatever it says, the answer is never taken.
        std::task::Poll::Ready(commit.as_mut().poll(context).is_ready())
    })
    .await;
    drop(commit);
    assert!(!polled || store.head().position == Position(1));
    // The next one waits its turn behind the first.
    assert_eq!(commit_ok(&store, note(2, "case/a")).await.commit.first, Position(2));
    assert!(commit_ok(&store, note(1, "case/a")).await.repeated);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_writers_wins_each_version() {
    let (_dir, store) = open();
    let store = Arc::new(store);
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8_u128 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut wins = Vec::new();
            for version in 0..20_u64 {
                let expected = Expected::Exactly(Version(version));
                let id = writer * 1000 + u128::from(version);
                if store.commit(command(id, vec![append("case/a", expected, &["x"])])).await.is_ok() {
                    wins.push(version);
                }
            }
            wins
        });
    }
    let mut wins: Vec<u64> = writers.join_all().await.into_iter().flatten().collect();
    wins.sort_unstable();
    let count = store.head().position.0;
    assert_eq!(wins, (0..count).collect::<Vec<_>>());
    assert!(count > 0);
}

proptest! {
    #[test]
    fn stream_names_hold_what_they_took(name in ".{0,140}") {
        let plain = !name.is_empty()
            && name.len() <= 128
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:".contains(c));
        prop_assert_eq!(StreamName::new(&name).is_ok(), plain);
    }
}

#[tokio::test]
async fn a_commit_that_rests_on_another_stream_happens_only_while_that_stands_where_it_was_read() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/child")).await;
    let rests_on = |name: &str, version| Unchanged { stream: stream(name), version: Version(version) };
    let closing = |id, unchanged| NewCommit { unchanged, ..note(id, "case/parent") };
    commit_ok(&store, note(2, "case/child")).await;
    let stale = commit_err(&store, closing(3, vec![rests_on("case/child", 1)])).await;
    let (expected, actual) = (Expected::Exactly(Version(1)), Version(2));
    assert_eq!(stale, CommitError::Conflict { stream: stream("case/child"), expected, actual });

    let both = vec![rests_on("case/child", 2), rests_on("case/nobody", 0)];
    let happened = commit_ok(&store, closing(4, both.clone())).await.commit;
    assert_eq!(happened.events.len(), 1, "what it rests on is no part of it");
    commit_ok(&store, note(5, "case/child")).await;
    assert!(commit_ok(&store, closing(4, both)).await.repeated, "a repeat rests on nothing any more");
}

#[tokio::test]
async fn commits_of_one_group_rest_on_each_other() {
    let (_dir, store) = open();
    let unchanged = vec![Unchanged { stream: stream("case/child"), version: Version::NONE }];
    let closing = NewCommit { unchanged, ..note(2, "case/parent") };
    let outcomes = store.commit_all(vec![note(1, "case/child"), closing]).await;
    assert!(matches!(outcomes.as_slice(), [Ok(_), Err(CommitError::Conflict { .. })]), "{outcomes:?}");
}

#[tokio::test]
async fn a_page_without_room_has_one_commit() {
    let (_dir, store) = open();
    commit_ok(&store, note(1, "case/a")).await;
    commit_ok(&store, note(2, "case/a")).await;
    let page = store.read_log(Position::ZERO, 0).unwrap();
    assert_eq!((page.commits.len(), page.more), (1, true));
}
