//! A disk that fails.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};

use rusqlite::ffi;

use super::{LEDGER, at, case, reporter};
use crate::Error;
use crate::fail_stop::Seams;
use crate::rows::{Ensured, KeyRow, NewRow};
use crate::store::Store;

/// Tells this program that it is the child, and where.
const CHILD_DIR: &str = "VAULT_CHILD_DIR";

fn row(number: u128) -> NewRow {
    let (candidate, at) = (b"wrapped".to_vec(), at(0).as_microsecond());
    NewRow { case: case(number), key_id: reporter(), candidate, contact: None, at }
}

async fn ensure(store: &Store, number: u128) -> Result<Vec<Ensured>, Error> {
    store.ensure(vec![row(number)]).await
}

fn is_there(store: &Store, number: u128) -> bool {
    matches!(store.keys(&[(case(number), reporter())]).unwrap()[..], [KeyRow::Live { .. }])
}

/// Commits of which the second gets this code, and all others are real.
fn second_fails(code: i32) -> Seams {
    let commits = Mutex::new(0);
    let before_commit = move || {
        let mut commits = commits.lock().unwrap();
        *commits += 1;
        let failed = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        if *commits == 2 { Err(failed) } else { Ok(()) }
    };
    Seams { before_commit: Some(Arc::new(before_commit)), ..Seams::none() }
}

/// A store that says why it would end the process, instead of ending it.
fn open(dir: &Path, seams: Seams) -> (Store, mpsc::Receiver<String>) {
    let (tell, reasons) = mpsc::channel();
    let fail_stop = Arc::new(move |reason: &str| tell.send(reason.to_owned()).unwrap());
    (Store::open_or_make_with(dir, LEDGER, Seams { fail_stop, ..seams }).unwrap(), reasons)
}

#[tokio::test]
async fn after_a_failed_sync_the_process_is_told_once_and_nothing_is_written() {
    for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB] {
        let dir = tempfile::tempdir().unwrap();
        let (store, reasons) = open(dir.path(), second_fails(code));
        ensure(&store, 1).await.unwrap();
        assert!(reasons.try_recv().is_err(), "nothing has failed yet");
        assert!(matches!(ensure(&store, 2).await, Err(Error::Storage(_))));
        assert!(reasons.try_recv().is_ok(), "told before anybody was answered");
        assert!(matches!(ensure(&store, 3).await, Err(Error::Poisoned)));
        assert!(reasons.try_recv().is_err(), "told once");
        drop(store);
        let store = Store::open_or_make(dir.path(), LEDGER).unwrap();
        assert_eq!([1, 2, 3].map(|number| is_there(&store, number)), [true, false, false]);
    }
}

#[tokio::test]
async fn a_full_disk_is_no_reason_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let (store, reasons) = open(dir.path(), second_fails(ffi::SQLITE_FULL));
    ensure(&store, 1).await.unwrap();
    assert!(matches!(ensure(&store, 2).await, Err(Error::Storage(_))));
    assert_eq!(ensure(&store, 2).await.unwrap(), [Ensured::Mine]);
    assert!(reasons.try_recv().is_err());
}

#[tokio::test]
async fn a_writer_that_panics_is_told_of_like_a_disk() {
    let dir = tempfile::tempdir().unwrap();
    let before_commit = Some(Arc::new(|| -> rusqlite::Result<()> { panic!("a fault of ours") }) as _);
    let (store, reasons) = open(dir.path(), Seams { before_commit, ..Seams::none() });
    assert!(matches!(ensure(&store, 1).await, Err(Error::Closed)));
    assert_eq!(reasons.recv().unwrap(), "the vault's writer panicked");
    assert!(matches!(ensure(&store, 2).await, Err(Error::Poisoned)));
}

/// The child's part: something that is kept, and a failure that nobody gets an answer to.
async fn end_by_a_failed_disk(dir: &Path) {
    let seams = second_fails(ffi::SQLITE_IOERR_FSYNC);
    let store = Store::open_or_make_with(dir, LEDGER, seams).unwrap();
    ensure(&store, 1).await.unwrap();
    let answered = ensure(&store, 2).await;
    panic!("it went on, and answered {answered:?}");
}

#[tokio::test]
async fn a_failed_disk_ends_the_process_with_code_70() {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        return end_by_a_failed_disk(Path::new(&dir)).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::failing::a_failed_disk_ends_the_process_with_code_70"])
        .env(CHILD_DIR, dir.path())
        .output()
        .unwrap();
    assert_eq!(child.status.code(), Some(70), "{}", String::from_utf8_lossy(&child.stdout));
    let store = Store::open_or_make(dir.path(), LEDGER).unwrap();
    assert!(is_there(&store, 1), "what was answered is kept");
}
