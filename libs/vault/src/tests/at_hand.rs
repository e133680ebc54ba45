//! What is kept in memory is what the database has, and never what was destroyed.

use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{LEDGER, at, case, reporter};
use crate::at_hand::SUBJECTS_MAX;
use crate::files;
use crate::rows::{Ensured, KeyRow, NewRow, Subject};
use crate::store::Store;

/// A machine that stands must not fail a test.
const LONG: Duration = Duration::from_secs(30);

fn store() -> (Store, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (Store::open_or_make(dir.path(), LEDGER).unwrap(), dir)
}

fn subject(number: u128) -> Subject {
    (case(number), reporter())
}

fn row(number: u128, candidate: &[u8], hours: i64) -> NewRow {
    let (case, key_id) = subject(number);
    NewRow { case, key_id, candidate: candidate.to_vec(), contact: None, at: at(hours).as_microsecond() }
}

fn live(wrapped: &[u8], named: bool, hours: i64) -> KeyRow {
    KeyRow::Live { wrapped: wrapped.to_vec(), named, touched_at: at(hours).as_microsecond() }
}

fn at_hand(store: &Store, number: u128) -> Option<KeyRow> {
    store.at_hand(&[subject(number)]).pop().unwrap()
}

fn in_database(store: &Store, number: u128) -> KeyRow {
    store.keys_beside(&[subject(number)], vec![None]).unwrap().pop().unwrap()
}

/// Begins what is asked, and goes no further with it than it goes by itself.
fn begin<F: Future>(asked: &mut Pin<&mut F>) {
    assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

#[tokio::test]
async fn a_row_made_or_touched_is_at_hand_as_the_database_has_it() {
    let (store, dir) = store();
    let told =
        store.ensure(vec![row(1, b"first", 3), row(2, b"key", 0), row(1, b"second", 5)]).await.unwrap();
    assert_eq!(told, [Ensured::Mine, Ensured::Mine, Ensured::Theirs(b"first".to_vec())]);
    assert_eq!(at_hand(&store, 1), Some(live(b"first", false, 5)), "the first key, the last touch");
    store.ensure(vec![row(1, b"first", 4)]).await.unwrap();
    assert_eq!(at_hand(&store, 1), Some(live(b"first", false, 5)), "an older touch changes nothing");
    for number in 1..=2 {
        assert_eq!(at_hand(&store, number), Some(in_database(&store, number)));
    }
    store.sweep(at(100), 0, |_, _| ready(Ok::<_, crate::Error>(Some(true)))).await.unwrap();
    assert_eq!(in_database(&store, 1), live(b"first", true, 5));
    store.ensure(vec![row(1, b"third", 6)]).await.unwrap();
    assert_eq!(at_hand(&store, 1), Some(live(b"first", true, 6)), "named stays named");

    drop(store);
    let store = Store::open_or_make(dir.path(), LEDGER).unwrap();
    assert_eq!(at_hand(&store, 1), None, "nothing is at hand of what was written by another");
    let all = [subject(2), subject(3), subject(1)];
    let expected = [live(b"key", true, 0), KeyRow::Missing, live(b"first", true, 6)];
    assert_eq!(store.keys(&all).unwrap(), expected);
    store.ensure(vec![row(1, b"first", 6)]).await.unwrap();
    assert_eq!(store.keys(&all).unwrap(), expected, "the same, one of them from memory");
}

#[tokio::test]
async fn what_is_swept_is_not_at_hand() {
    let (store, _dir) = store();
    store.ensure(vec![row(1, b"named", 0), row(2, b"forgotten", 0), row(3, b"late", 99)]).await.unwrap();
    store.sweep(at(100), 0, |id, _| ready(Ok::<_, crate::Error>(Some(id == case(1))))).await.unwrap();
    let found = store.keys(&[subject(1), subject(2), subject(3)]).unwrap();
    assert_eq!(found, [live(b"named", true, 0), KeyRow::Missing, live(b"late", false, 99)]);
}

#[tokio::test]
async fn no_more_than_so_many_are_at_hand_and_all_are_answered() {
    let (store, _dir) = store();
    let all = u128::try_from(SUBJECTS_MAX.get()).unwrap() + 100;
    store.ensure((0..all).map(|number| row(number, b"key", 0)).collect()).await.unwrap();
    let subjects: Vec<Subject> = (0..all).map(subject).collect();
    let rows = store.at_hand(&subjects);
    assert!(rows[..100].iter().all(Option::is_none), "the oldest went");
    assert!(rows[100..].iter().all(Option::is_some));
    assert!(store.keys(&subjects).unwrap().iter().all(|row| *row == live(b"key", false, 0)));
}

#[tokio::test]
async fn a_destroyed_key_has_left_memory_before_anybody_can_know() {
    let (store, dir) = store();
    store.ensure(vec![row(1, b"key", 0)]).await.unwrap();
    let mut destroyed = pin!(store.destroy(case(1), reporter(), at(1)));
    {
        // With the reader in our hands the writer comes as far as the commit, and not to the answer.
        let _reading = store.reading();
        begin(&mut destroyed);
        let database = Connection::open(dir.path().join(files::DATABASE)).unwrap();
        let select = "SELECT wrapped_key IS NULL FROM subjects";
        let since = Instant::now();
        while !database.query_row(select, [], |row| row.get::<_, bool>(0)).unwrap() {
            assert!(since.elapsed() < LONG, "the key was not destroyed");
            std::thread::yield_now();
        }
        assert_eq!(at_hand(&store, 1), None);
        begin(&mut destroyed);
    }
    assert!(destroyed.await.unwrap());
    assert_eq!(store.keys(&[subject(1)]).unwrap(), [KeyRow::Destroyed]);
}

#[tokio::test]
async fn made_and_destroyed_in_one_transaction_is_destroyed() {
    let (store, _dir) = store();
    let mut before = pin!(store.destroy(case(9), reporter(), at(0)));
    let mut made = pin!(store.ensure(vec![row(1, b"key", 0), row(2, b"key", 0)]));
    let mut destroyed = pin!(store.destroy(case(1), reporter(), at(0)));
    {
        // The writer stands at the end of the first, so that the others wait together.
        let _reading = store.reading();
        begin(&mut before);
        begin(&mut made);
        begin(&mut destroyed);
    }
    assert!(!before.await.unwrap());
    assert_eq!(made.await.unwrap(), [Ensured::Mine, Ensured::Mine], "it was, for a moment");
    assert!(destroyed.await.unwrap());
    let found = store.keys(&[subject(1), subject(2)]).unwrap();
    assert_eq!(found, [KeyRow::Destroyed, live(b"key", false, 0)]);
    assert_eq!(store.ensure(vec![row(1, b"key", 0)]).await.unwrap(), [Ensured::Destroyed]);
    assert_eq!(at_hand(&store, 1), None);
}

/// Looks again and again. Once it was destroyed it stays so, and it is destroyed when that was answered.
async fn watch(store: Arc<Store>, number: u128, answered: Arc<AtomicBool>) {
    let mut seen = false;
    loop {
        let was_answered = answered.load(Ordering::SeqCst);
        match store.keys(&[subject(number)]).unwrap().as_slice() {
            [KeyRow::Destroyed] => seen = true,
            row => assert!(!seen && !was_answered, "case {number} came back: {row:?}"),
        }
        if was_answered {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Uses the key until it is destroyed, so that it comes to hand anew all the time.
async fn touch(store: Arc<Store>, number: u128) {
    let mut hours = 0;
    while store.ensure(vec![row(number, b"key", hours)]).await.unwrap() == [Ensured::Mine] {
        hours += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_looks_while_others_seal_and_one_erases_never_sees_a_key_come_back() {
    let (store, _dir) = store();
    let store = Arc::new(store);
    for number in 0..30 {
        store.ensure(vec![row(number, b"key", 0)]).await.unwrap();
        let answered = Arc::new(AtomicBool::new(false));
        let mut others = JoinSet::new();
        for _ in 0..2 {
            others.spawn(watch(Arc::clone(&store), number, Arc::clone(&answered)));
            others.spawn(touch(Arc::clone(&store), number));
        }
        assert!(store.destroy(case(number), reporter(), at(0)).await.unwrap());
        answered.store(true, Ordering::SeqCst);
        while let Some(ended) = others.join_next().await {
            ended.unwrap();
        }
    }
}
