use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::{FIELD, Sample, WORDS, at, case, contact, open, reporter, sample, text};
use crate::{Error, Vault, files};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[tokio::test]
async fn what_was_answered_is_in_the_files_already() {
    let Sample { vault, dir, clock } = sample();
    let elsewhere = tempfile::tempdir().unwrap();
    for number in 1..=20 {
        let sealed = vault.seal(case(number), &reporter(), FIELD, WORDS).await.unwrap();
        vault.put_contact(case(number), &reporter(), &contact()).await.unwrap();
        // As after a kill: the files as they are, of a vault that was never closed.
        let killed = elsewhere.path().join(number.to_string());
        copy(dir.path(), &killed);
        let found = open(&killed, &clock).unwrap();
        assert_eq!(found.open_text(case(number), FIELD, &sealed).await.unwrap(), text(WORDS));
        assert_eq!(found.contact(case(number), &reporter()).await.unwrap(), Some(contact()));
    }
}

#[tokio::test]
async fn a_directory_has_one_owner_at_a_time() {
    let Sample { vault, dir, clock } = sample();
    let copy = vault.clone();
    assert!(matches!(open(dir.path(), &clock), Err(Error::Locked(_))));
    drop(vault);
    assert!(matches!(open(dir.path(), &clock), Err(Error::Locked(_))));
    drop(copy);
    assert!(open(dir.path(), &clock).is_ok());
}

#[tokio::test]
async fn a_lost_key_or_database_is_never_replaced() {
    let Sample { vault, dir, clock } = sample();
    drop(vault);
    let (key, database) = (dir.path().join("vault.key"), dir.path().join("vault.sqlite"));
    let aside = dir.path().join("aside");
    std::fs::rename(&key, &aside).unwrap();
    assert!(matches!(open(dir.path(), &clock), Err(Error::KeyMissing(_))));
    std::fs::rename(&aside, &key).unwrap();
    std::fs::rename(&database, &aside).unwrap();
    assert!(matches!(open(dir.path(), &clock), Err(Error::DatabaseMissing(_))));
    std::fs::rename(&aside, &database).unwrap();
    assert!(open(dir.path(), &clock).is_ok());
}

#[tokio::test]
async fn files_that_do_not_belong_together_are_refused() {
    let (one, other) = (sample(), sample());
    drop((one.vault, other.vault));
    std::fs::copy(other.dir.path().join("vault.key"), one.dir.path().join("vault.key")).unwrap();
    assert!(matches!(open(one.dir.path(), &one.clock), Err(Error::WrongKey)));
    let as_other = Vault::open(other.dir.path(), "wendeng", Arc::new(|| at(0)));
    assert!(matches!(as_other, Err(Error::OtherLedger { .. })));
    std::fs::write(other.dir.path().join("vault.key"), b"short").unwrap();
    assert!(matches!(open(other.dir.path(), &other.clock), Err(Error::WrongKey)));
}

#[tokio::test]
async fn a_newer_form_is_refused() {
    let Sample { vault, dir, clock } = sample();
    drop(vault);
    let connection = Connection::open(dir.path().join(files::DATABASE)).unwrap();
    connection.execute("UPDATE meta SET value = x'00000002' WHERE name = 'format'", []).unwrap();
    assert!(matches!(open(dir.path(), &clock), Err(Error::NewerFormat { found: 2, known: 1 })));
}

#[tokio::test]
async fn an_interrupted_first_start_begins_anew() {
    let Sample { vault, dir, clock } = sample();
    drop(vault);
    let in_dir = |name: &str| dir.path().join(name);
    // Killed after the database was made, before the key took its name.
    std::fs::rename(in_dir("vault.key"), in_dir("vault.key.new")).unwrap();
    drop(open(dir.path(), &clock).unwrap());
    // Killed before there was a database.
    std::fs::rename(in_dir("vault.key"), in_dir("vault.key.new")).unwrap();
    std::fs::remove_file(in_dir("vault.sqlite")).unwrap();
    std::fs::write(in_dir("vault.key.new"), b"torn").unwrap();
    let vault = open(dir.path(), &clock).unwrap();
    let sealed = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    drop(vault);
    let vault = open(dir.path(), &clock).unwrap();
    assert_eq!(vault.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    assert!(!in_dir("vault.key.new").exists());
}

#[tokio::test]
async fn the_files_are_the_owners_alone() {
    let Sample { vault, dir, .. } = sample();
    vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    vault.backup_to(&dir.path().join("copy.sqlite")).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 6);
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
    assert_eq!(std::fs::metadata(dir.path().join("vault.key")).unwrap().len(), 32);
}

#[tokio::test]
async fn a_backup_and_its_key_file_open_as_the_vault_did() {
    let Sample { vault, dir, clock } = sample();
    let sealed = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    let erased = vault.seal(case(2), &reporter(), FIELD, WORDS).await.unwrap();
    vault.destroy_key(case(2), &reporter()).await.unwrap();
    let restored = tempfile::tempdir().unwrap();
    let database = restored.path().join("vault.sqlite");
    vault.backup_to(&database).await.unwrap();
    assert!(matches!(vault.backup_to(&database).await, Err(Error::Io { .. })), "never over another file");
    std::fs::copy(dir.path().join("vault.key"), restored.path().join("vault.key")).unwrap();

    let from_backup = open(restored.path(), &clock).unwrap();
    assert_eq!(from_backup.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    assert_eq!(from_backup.open_text(case(2), FIELD, &erased).await.unwrap(), crate::Opened::Erased);
    assert_eq!(
        from_backup.secrets().unwrap().request_mac(b"body"),
        vault.secrets().unwrap().request_mac(b"body")
    );
}

#[tokio::test]
async fn the_database_is_set_to_forget_and_to_sync() {
    let Sample { vault, dir, .. } = sample();
    drop(vault);
    let connection = crate::database::open(&dir.path().join(files::DATABASE)).unwrap();
    let pragma =
        |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((pragma("secure_delete"), pragma("synchronous")), (1, 2));
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
