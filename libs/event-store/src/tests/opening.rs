use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::support::{PAGE, at, commit_ok, copy_open, note, options, positions};
use crate::chain::ChainHash;
use crate::keys;
use crate::log::Log;
use crate::store::Head;
use crate::watermark::Watermark;
use crate::{NewCommit, OpenError, Options, Position, Store};

/// A closed store with `count` commits of one event.
async fn filled(count: u64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    for id in 0..count {
        commit_ok(&store, note(id.into(), "case/a")).await;
    }
    store.close().await;
    dir
}

fn refusal(dir: &Path) -> OpenError {
    Store::open(dir, &options()).err().expect("it must not open")
}

fn engine(dir: &Path) -> Log {
    crate::open::open_engine(dir, 1 << 20).unwrap()
}

fn mark(dir: &Path, head: &Head) {
    let (mut watermark, _) = Watermark::open(&dir.join("watermark")).unwrap();
    watermark.write(head).unwrap();
}

#[tokio::test]
async fn reopened_store_goes_on() {
    let dir = filled(3).await;
    let store = Store::open(dir.path(), &options()).unwrap();
    let late = NewCommit { recorded_at: at(-1000), ..note(3, "case/a") };
    let committed = commit_ok(&store, late).await;
    assert_eq!(committed.commit.recorded_at, at(1));
    assert_eq!(positions(&store, PAGE), [1, 2, 3, 4]);
    assert!(commit_ok(&store, note(0, "case/a")).await.repeated);
}

#[tokio::test]
async fn store_in_use_is_refused_with_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    let _store = Store::open(dir.path(), &options()).unwrap();
    let error = refusal(dir.path());
    let own = std::process::id().to_string();
    assert!(matches!(&error, OpenError::Locked { holder, .. } if *holder == own), "{error}");
}

#[tokio::test]
async fn newer_format_is_refused_and_left_alone() {
    let dir = filled(1).await;
    let newer = "whistle event store\nformat 2\nledger test\nsomething new\n";
    fs::write(dir.path().join("format"), newer).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::NewerFormat { found: 2, known: 1, .. }));
    assert_eq!(fs::read_to_string(dir.path().join("format")).unwrap(), newer);
}

#[tokio::test]
async fn other_ledger_is_refused() {
    let dir = filled(1).await;
    let other = Options { ledger: "other".to_owned(), ..options() };
    let error = Store::open(dir.path(), &other).err().unwrap();
    assert!(matches!(error, OpenError::OtherLedger { found, .. } if found == "test"));
}

#[tokio::test]
async fn options_out_of_bounds_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for bad in [
        Options { ledger: String::new(), ..options() },
        Options { ledger: "a/b".to_owned(), ..options() },
        Options { cache_bytes: 0, ..options() },
        Options { queue_max: 0, ..options() },
    ] {
        assert!(matches!(Store::open(dir.path(), &bad), Err(OpenError::BadOption { .. })));
    }
}

#[tokio::test]
async fn log_behind_its_watermark_is_refused_with_the_range() {
    let dir = filled(3).await;
    mark(dir.path(), &Head { position: Position(5), ..Head::EMPTY });
    let error = refusal(dir.path());
    assert!(
        matches!(error, OpenError::BehindWatermark { log: Position(3), watermark: Position(5) }),
        "{error}"
    );
    assert!(error.to_string().contains("events 4 to 5"), "{error}");
}

#[tokio::test]
async fn older_copy_under_a_newer_watermark_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let old = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    commit_ok(&store, note(1, "case/a")).await;
    copy_open(dir.path(), old.path());
    commit_ok(&store, note(2, "case/a")).await;
    store.close().await;
    fs::copy(dir.path().join("watermark"), old.path().join("watermark")).unwrap();
    let error = refusal(old.path());
    assert!(matches!(error, OpenError::BehindWatermark { log: Position(1), .. }), "{error}");
}

#[tokio::test]
async fn torn_watermark_slot_leaves_the_other() {
    let dir = filled(3).await;
    let file = OpenOptions::new().write(true).open(dir.path().join("watermark")).unwrap();
    // Sequence 4 (one for creating, three commits) lies in slot 0.
    file.write_all_at(&[0xff; 16], 20).unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    assert_eq!(store.head().position, Position(3));
    store.close().await;
    // Opening advanced the mark into the torn slot.
    file.write_all_at(&[0xff; 16], 512 + 20).unwrap();
    assert_eq!(Store::open(dir.path(), &options()).unwrap().head().position, Position(3));
}

#[tokio::test]
async fn watermark_without_a_valid_slot_is_refused() {
    let dir = filled(1).await;
    fs::write(dir.path().join("watermark"), [0; 1024]).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Damaged { .. }));
    fs::remove_file(dir.path().join("watermark")).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn another_history_at_the_watermark_is_refused() {
    let dir = filled(3).await;
    mark(dir.path(), &Head { position: Position(3), chain: ChainHash([9; 32]), ..Head::EMPTY });
    assert!(matches!(refusal(dir.path()), OpenError::BrokenChain { at: Position(3), .. }));
}

#[tokio::test]
async fn changed_commit_near_the_end_is_refused() {
    let dir = filled(3).await;
    let log = engine(dir.path());
    let key = keys::chunk(Position(2), 0);
    let mut value = log.db.get(key).unwrap().unwrap().to_vec();
    let at = value.len() - 10;
    value[at] ^= 1;
    log.db.insert(key, value).unwrap();
    log.db.flush().unwrap();
    drop(log);
    assert!(matches!(refusal(dir.path()), OpenError::BrokenChain { at: Position(2), .. }));
}

#[tokio::test]
async fn missing_commit_near_the_end_is_refused() {
    let dir = filled(3).await;
    let log = engine(dir.path());
    log.db.remove(keys::chunk(Position(2), 0)).unwrap();
    log.db.flush().unwrap();
    drop(log);
    assert!(matches!(refusal(dir.path()), OpenError::BrokenChain { at: Position(3), .. }));
}

#[tokio::test]
async fn truncated_data_is_refused() {
    let whole = filled(20).await;
    let length = fs::metadata(whole.path().join("sled/db")).unwrap().len();
    for keep in [0, 20, length / 2, length - 1] {
        let dir = tempfile::tempdir().unwrap();
        copy_open(whole.path(), dir.path());
        let db = OpenOptions::new().write(true).open(dir.path().join("sled/db")).unwrap();
        db.set_len(keep).unwrap();
        let intact = Store::open(dir.path(), &options());
        // sled writes whole segments ahead: cutting off what is empty yet loses nothing.
        let lost_nothing = intact.as_ref().is_ok_and(|store| positions(store, PAGE).len() == 20);
        assert!(intact.is_err() || (keep == length - 1 && lost_nothing), "cut to {keep} of {length}");
    }
}

#[tokio::test]
async fn data_without_its_configuration_is_refused() {
    let dir = filled(1).await;
    fs::remove_file(dir.path().join("sled/conf")).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Damaged { .. }));
    assert!(!dir.path().join("sled/conf").exists());
}

#[tokio::test]
async fn data_without_a_format_is_refused() {
    let dir = filled(1).await;
    fs::remove_file(dir.path().join("format")).unwrap();
    assert!(matches!(refusal(dir.path()), OpenError::Damaged { .. }));
}

#[tokio::test]
async fn half_written_snapshot_is_removed() {
    let dir = filled(1).await;
    let half = dir.path().join("sled/snap.0000000000000007.generating");
    fs::write(&half, b"half").unwrap();
    Store::open(dir.path(), &options()).unwrap();
    assert!(!half.exists());
}

#[tokio::test]
async fn creation_cut_short_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("creating"), b"").unwrap();
    fs::create_dir_all(dir.path().join("sled")).unwrap();
    fs::write(dir.path().join("sled/db"), [1; 1000]).unwrap();
    let store = Store::open(dir.path(), &options()).unwrap();
    commit_ok(&store, note(1, "case/a")).await;
    store.close().await;
    assert!(!dir.path().join("creating").exists());
    let store = Store::open(dir.path(), &options()).unwrap();
    assert_eq!(positions(&store, PAGE), [1]);
}
