//! The rows' side, which has no key.

use std::future::ready;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::{
    FIELD, LEDGER, Sample, WORDS, at, case, contact, holds, open, raw_bytes, reporter, sample, text,
};
use crate::crypt::Crypt;
use crate::rows::{ContactRow, Ensured, KeyRow, NewRow};
use crate::store::Store;
use crate::{Error, Host, Swept, Vault, key_file, new_key_file};

fn open_host(dir: &Path, ledger: &str) -> Result<Host, Error> {
    Host::open(dir, ledger, Arc::new(|| at(0)))
}

fn row(candidate: &[u8], name: Option<&[u8]>) -> NewRow {
    let contact = name.map(|name| ContactRow { name: Some(name.to_vec()), phone: None });
    let candidate = candidate.to_vec();
    NewRow { case: case(1), key_id: reporter(), candidate, contact, at: at(0).as_microsecond() }
}

#[tokio::test]
async fn the_first_candidate_counts_and_keeps_what_was_sealed_under_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_or_make(dir.path(), LEDGER).unwrap();
    let ensured = store.ensure(vec![row(b"first", Some(b"a")), row(b"second", Some(b"b"))]).await.unwrap();
    assert_eq!(ensured, [Ensured::Mine, Ensured::Theirs(b"first".to_vec())]);
    let kept = || store.contact(case(1), &reporter()).unwrap().1.name;
    assert_eq!(kept(), Some(b"a".to_vec()), "what was sealed under another key is not kept");

    assert_eq!(store.ensure(vec![row(b"first", Some(b"c"))]).await.unwrap(), [Ensured::Mine]);
    assert_eq!(kept(), Some(b"c".to_vec()));
    assert_eq!(store.ensure(vec![row(b"first", None)]).await.unwrap(), [Ensured::Mine]);
    assert_eq!(kept(), Some(b"c".to_vec()), "nothing new is told, nothing is taken away");

    store.destroy(case(1), reporter(), at(0)).await.unwrap();
    assert_eq!(store.ensure(vec![row(b"first", Some(b"d"))]).await.unwrap(), [Ensured::Destroyed]);
    let (key, row) = store.contact(case(1), &reporter()).unwrap();
    assert_eq!((key, row), (KeyRow::Destroyed, ContactRow::default()));
}

#[tokio::test]
async fn two_who_seal_at_once_agree_on_one_key_also_for_the_contact() {
    let vault = sample().vault;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..20 {
        let vault = vault.clone();
        calls.spawn(async move {
            let phone = Some(format!("1380000{number:04}"));
            let contact = crate::Contact { name: None, phone };
            vault.put_contact(case(1), &reporter(), &contact).await.unwrap();
            vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap()
        });
    }
    for sealed in calls.join_all().await {
        assert_eq!(vault.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    }
    let kept = vault.contact(case(1), &reporter()).await.unwrap().unwrap();
    assert!(kept.phone.unwrap().starts_with("1380000"));
}

#[tokio::test]
async fn a_host_keeps_what_it_cannot_read_and_never_looks_for_the_key() {
    let Sample { vault, dir, clock } = sample();
    vault.put_contact(case(1), &reporter(), &contact()).await.unwrap();
    let sealed = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    drop(vault);
    let key = std::fs::read(dir.path().join("vault.key")).unwrap();
    // Whoever reads it now reads nonsense.
    std::fs::write(dir.path().join("vault.key"), [0; 32]).unwrap();
    let host = open_host(dir.path(), LEDGER).unwrap();
    assert!(matches!(open_host(dir.path(), LEDGER), Err(Error::Locked(_))));
    assert_eq!(
        host.sweep(at(25), 0, |_, _| ready(Ok::<_, Error>(Some(true)))).await.unwrap(),
        Swept { named: 1, removed: 0, unknown: 0, more: false },
        "it is of use"
    );
    let copy = dir.path().join("copy.sqlite");
    host.backup_to(&copy).await.unwrap();
    assert!(!holds(&std::fs::read(&copy).unwrap(), &key));
    drop(host);

    std::fs::write(dir.path().join("vault.key"), &key).unwrap();
    assert!(raw_bytes(dir.path()).windows(32).filter(|part| part == &key.as_slice()).count() == 1);
    let vault = open(dir.path(), &clock).unwrap();
    assert_eq!(vault.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    assert_eq!(vault.contact(case(1), &reporter()).await.unwrap(), Some(contact()));
}

#[tokio::test]
async fn rows_that_were_made_by_a_host_and_are_lost_are_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_host(dir.path(), LEDGER).unwrap());
    assert!(matches!(open_host(dir.path(), "wendeng"), Err(Error::OtherLedger { .. })));
    let database = dir.path().join("vault.sqlite");
    let mode = std::fs::metadata(&database).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(open_host(dir.path(), LEDGER).unwrap());
    let now = Arc::new(|| at(0));
    assert!(matches!(Vault::open(dir.path(), LEDGER, now.clone()), Err(Error::KeyMissing(_))));
    std::fs::remove_file(&database).unwrap();
    assert!(matches!(open_host(dir.path(), LEDGER), Err(Error::DatabaseMissing(_))));
    assert!(matches!(Vault::open(dir.path(), LEDGER, now), Err(Error::DatabaseMissing(_))));
}

#[tokio::test]
async fn a_host_that_was_interrupted_when_it_began_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let in_dir = |name: &str| dir.path().join(name);
    std::fs::write(in_dir("vault.sqlite.new"), b"torn").unwrap();
    drop(open_host(dir.path(), LEDGER).unwrap());
    assert!(!in_dir("vault.sqlite.new").exists());
    // The database has its name, and the lock file does not say so yet.
    std::fs::write(in_dir("vault.lock"), b"").unwrap();
    drop(open_host(dir.path(), LEDGER).unwrap());
    assert!(!std::fs::read(in_dir("vault.lock")).unwrap().is_empty());
}

#[tokio::test]
async fn rows_of_a_host_open_with_the_key_file_that_comes_to_them() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_host(dir.path(), LEDGER).unwrap());
    new_key_file(&dir.path().join("vault.key")).unwrap();
    let now = Arc::new(|| at(0));
    let mac = |vault: &Vault| vault.secrets().unwrap().request_mac(b"body");
    let vault = Vault::open(dir.path(), LEDGER, now.clone()).unwrap();
    let first = mac(&vault);
    drop(vault);
    assert_eq!(mac(&Vault::open(dir.path(), LEDGER, now).unwrap()), first, "the first proposal counts");
}

#[test]
fn a_new_key_file_is_its_owners_alone_and_never_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whistle.key");
    new_key_file(&path).unwrap();
    let made = std::fs::read(&path).unwrap();
    assert_eq!(made.len(), 32);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(new_key_file(&path), Err(Error::Io { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), made);
    let other = dir.path().join("other.key");
    new_key_file(&other).unwrap();
    assert_ne!(std::fs::read(&other).unwrap(), made);
    let (wrapped, _) =
        Crypt::new(LEDGER, key_file::read(&path).unwrap()).new_key(case(1), &reporter()).unwrap();
    let unwrapped =
        Crypt::new(LEDGER, key_file::read(&other).unwrap()).unwrap(case(1), &reporter(), &wrapped);
    assert!(matches!(unwrapped, Err(Error::Damaged)));
}

#[tokio::test]
async fn a_role_without_the_key_does_nothing_with_it() {
    let vault = Vault::none();
    assert!(matches!(vault.secrets(), Err(Error::NoKey)));
    assert!(matches!(vault.seal(case(1), &reporter(), FIELD, WORDS).await, Err(Error::NoKey)));
    assert!(matches!(vault.contact(case(1), &reporter()).await, Err(Error::NoKey)));
    assert!(matches!(vault.destroy_key(case(1), &reporter()).await, Err(Error::NoKey)));
    assert!(matches!(vault.keyring([]).await, Err(Error::NoKey)));
}

#[tokio::test]
async fn a_keyring_opens_what_it_was_asked_for_and_nothing_else() {
    let vault = sample().vault;
    let one = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    let other = vault.seal(case(2), &reporter(), FIELD, WORDS).await.unwrap();
    let keyring = vault.keyring([(case(1), reporter()), (case(3), reporter())]).await.unwrap();
    assert_eq!(keyring.open_text(case(1), FIELD, &one).unwrap(), text(WORDS));
    assert!(matches!(keyring.open_text(case(2), FIELD, &other), Err(Error::NotFetched)));
    assert_eq!(keyring.open_text(case(3), FIELD, &other).unwrap(), crate::Opened::Lost);
    assert!(keyring.covers(case(3), &reporter()) && !keyring.covers(case(2), &reporter()));
}

/// Whoever reads while the first proposal is being written sees all of it or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn roles_that_begin_at_once_agree_on_the_secrets() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(crate::store::Store::open_or_make(dir.path(), "sample").unwrap());
        let propose =
            |role: u8| crate::rows::WrappedSecrets([vec![role; 60], vec![role; 60], vec![role; 60]]);
        let mut asked = tokio::task::JoinSet::new();
        for role in 0..8 {
            let (store, proposal) = (Arc::clone(&store), propose(role));
            asked.spawn(async move { store.secrets_or(proposal).await.unwrap().0 });
        }
        let mut told = asked.join_all().await;
        told.dedup();
        assert_eq!(told.len(), 1);
    }
}
