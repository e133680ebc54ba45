use std::path::Path;

use super::support::{append, at, command, commit_ok, event, note, options, stream};
use crate::frame::{Assigned, encode};
use crate::keys;
use crate::log::Log;
use crate::{
    Append, EPOCH_OPENED, Expected, FindingKind, Head, OpenError, Position, Report, Store, Version,
    copy_for_verify, verify_copy_in_place,
};

/// A closed store: ten notes on two streams and one commit of several chunks, positions 1 to 12.
async fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    for id in 0..10 {
        commit_ok(&store, note(id, if id % 2 == 0 { "case/a" } else { "case/b" })).await;
    }
    let long = Append {
        stream: stream("case/a"),
        expected: Expected::Any,
        events: vec![event("Noted", vec![7; 20_000])],
    };
    commit_ok(&store, command(10, vec![long, append("case/b", Expected::Any, &["x"])])).await;
    store.close().await;
    dir
}

/// What is found after the tree was changed behind the store's back.
fn found(dir: &Path, change: impl FnOnce(&Log)) -> Report {
    let log = crate::open::open_engine(dir, 1 << 20).unwrap();
    change(&log);
    log.db.flush().unwrap();
    drop(log);
    verify_copy_in_place(dir)
}

fn kinds(report: &Report) -> Vec<(FindingKind, Option<u64>)> {
    report.findings.iter().map(|finding| (finding.kind, finding.position)).collect()
}

fn edit(log: &Log, key: &[u8], change: impl FnOnce(&mut Vec<u8>)) {
    let mut value = log.db.get(key).unwrap().unwrap().to_vec();
    change(&mut value);
    log.db.insert(key, value).unwrap();
}

#[tokio::test]
async fn whole_log_is_found_whole() {
    let dir = filled().await;
    let copy = tempfile::tempdir().unwrap();
    copy_for_verify(dir.path(), copy.path()).unwrap();
    let report = verify_copy_in_place(copy.path());
    assert!(report.ok, "{:?}", report.findings);
    assert_eq!((report.commits, report.events, report.head.position), (11, 12, 12));
    let store = Store::open(dir.path(), &options()).unwrap();
    assert_eq!(report.head.chain, store.head().chain.to_string());
}

#[tokio::test]
async fn empty_log_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path(), &options()).unwrap().close().await;
    let report = verify_copy_in_place(dir.path());
    assert!(report.ok && report.events == 0, "{:?}", report.findings);
}

#[tokio::test]
async fn open_store_is_not_copied() {
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::open(dir.path(), &options()).unwrap();
    let copy = tempfile::tempdir().unwrap();
    assert!(matches!(copy_for_verify(dir.path(), copy.path()), Err(OpenError::Locked { .. })));
}

#[tokio::test]
async fn store_that_cannot_be_written_to_is_copied_unless_somebody_has_it() {
    let dir = filled().await;
    // Nobody opens a directory for writing, root neither: it stands for a file on a read-only mount.
    let lock = dir.path().join("lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let holder = std::fs::File::open(&lock).unwrap();
    holder.try_lock().unwrap();
    assert!(matches!(copy_for_verify(dir.path(), copy.path()), Err(OpenError::Locked { .. })));
    drop(holder);
    copy_for_verify(dir.path(), copy.path()).unwrap();
    assert!(copy.path().join("watermark").exists());
}

#[tokio::test]
async fn flipped_byte_in_a_value_is_found() {
    let dir = filled().await;
    // A chunk in the middle of the long commit, far from every field.
    let report = found(dir.path(), |log| edit(log, &keys::chunk(Position(11), 2), |value| value[77] ^= 0x40));
    assert!(!report.ok);
    assert!(kinds(&report).contains(&(FindingKind::Commit, Some(11))), "{:?}", report.findings);
}

#[tokio::test]
async fn skilful_edit_breaks_the_chain() {
    let dir = filled().await;
    let report = found(dir.path(), |log| {
        edit(log, &keys::chunk(Position(3), 0), |value| {
            let end = value.len() - 4;
            value[end - 1] ^= 1;
            let check = crc32fast::hash(&value[..end]).to_be_bytes();
            value.splice(end.., check);
        });
    });
    assert_eq!(kinds(&report), [(FindingKind::Chain, Some(4))]);
}

#[tokio::test]
async fn removed_commit_is_found() {
    let dir = filled().await;
    let report = found(dir.path(), |log| drop(log.db.remove(keys::chunk(Position(4), 0)).unwrap()));
    assert!(kinds(&report).contains(&(FindingKind::Chain, Some(5))), "{:?}", report.findings);
}

#[tokio::test]
async fn removed_tail_is_found() {
    let dir = filled().await;
    let report = found(dir.path(), |log| {
        for pair in log.db.scan_prefix([keys::COMMIT]) {
            let (key, _) = pair.unwrap();
            if keys::parse_chunk(&key).unwrap().0 == Position(11) {
                log.db.remove(key).unwrap();
            }
        }
    });
    assert!(kinds(&report).contains(&(FindingKind::Watermark, Some(10))), "{:?}", report.findings);
}

#[tokio::test]
async fn damaged_index_is_found() {
    let lost = keys::stream(&stream("case/a"), Version(2));
    let dir = filled().await;
    let report = found(dir.path(), |log| drop(log.db.remove(&lost).unwrap()));
    assert!(kinds(&report).contains(&(FindingKind::Stream, Some(3))), "{:?}", report.findings);

    let dir = filled().await;
    let extra = keys::stream(&stream("case/z"), Version(1));
    let report =
        found(dir.path(), |log| drop(log.db.insert(&extra, &keys::event_value(Position(1), 0)).unwrap()));
    assert_eq!(kinds(&report), [(FindingKind::Stream, None)]);
}

#[tokio::test]
async fn damaged_command_key_is_found() {
    let key = keys::command("p-1", uuid::Uuid::from_u128(3));
    let dir = filled().await;
    let report = found(dir.path(), |log| drop(log.db.remove(&key).unwrap()));
    assert_eq!(kinds(&report), [(FindingKind::Command, Some(4)), (FindingKind::Command, None)]);
}

#[tokio::test]
async fn foreign_key_is_found() {
    let dir = filled().await;
    let report = found(dir.path(), |log| drop(log.db.insert(b"a", b"b").unwrap()));
    assert_eq!(kinds(&report), [(FindingKind::Files, None)]);
}

/// Writes a commit into the tree as a repair tool would: a new epoch, at a position above the end.
fn put_epoch(log: &Log, store_head: Head, first: Position, event_type: &str) {
    let new = command(
        900,
        vec![Append {
            stream: stream("ledger/epochs"),
            expected: Expected::NoStream,
            events: vec![event(event_type, "{}")],
        }],
    );
    let assigned = Assigned {
        epoch: 2,
        first,
        previous: store_head.chain,
        recorded_at: at(5),
        versions: vec![Version(1)],
    };
    let raw = encode(&new, "test", &assigned).unwrap();
    log.db.insert(keys::chunk(first, 0), raw.as_ref()).unwrap();
    let place = keys::event_value(first, 0);
    log.db.insert(keys::stream(&stream("ledger/epochs"), Version(1)), place.as_slice()).unwrap();
    let place = keys::first_value(first);
    log.db.insert(keys::command("p-1", new.command_id), place.as_slice()).unwrap();
    log.db.flush().unwrap();
}

#[tokio::test]
async fn opened_epoch_is_read_on_across_its_gap() {
    let dir = filled().await;
    let head = Store::open(dir.path(), &options()).unwrap().head();
    let report = found(dir.path(), |log| put_epoch(log, head, Position(50), EPOCH_OPENED));
    assert!(report.ok, "{:?}", report.findings);
    assert_eq!((report.head.epoch, report.head.position), (2, 50));

    let store = Store::open(dir.path(), &options()).unwrap();
    let committed = commit_ok(&store, note(901, "case/a")).await;
    assert_eq!((committed.commit.epoch, committed.commit.first), (2, Position(51)));
    let mut follower = store.follow(Position(11)).unwrap();
    for first in [11, 50, 51] {
        assert_eq!(follower.next().await.unwrap().first, Position(first));
    }
    assert_eq!(store.read_log(Position(30), 1 << 20).unwrap().commits.len(), 2);
}

#[tokio::test]
async fn gap_without_an_opened_epoch_is_found() {
    for (first, event_type) in [(Position(50), "Noted"), (Position(13), "Noted")] {
        let dir = filled().await;
        let head = Store::open(dir.path(), &options()).unwrap().head();
        let report = found(dir.path(), |log| put_epoch(log, head, first, event_type));
        assert_eq!(kinds(&report), [(FindingKind::Chain, Some(first.0))]);
        assert!(matches!(Store::open(dir.path(), &options()), Err(OpenError::BrokenChain { .. })));
    }
}

#[test]
fn what_is_no_store_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let report = verify_copy_in_place(dir.path());
    assert!(!report.ok && report.findings_total > 0);
}
