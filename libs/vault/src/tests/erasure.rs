use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::path::Path;

use case::ids::{CaseId, KeyId};
use rusqlite::Connection;

use super::{FIELD, Sample, WORDS, at, case, contact, holds, open, raw_bytes, reporter, sample, text};
use crate::{Error, Opened, Swept, files};

/// What the tables hold of a subject: wrapped key, sealed name, sealed phone.
fn stored_secrets(dir: &Path, case: CaseId) -> [Vec<u8>; 3] {
    let connection = Connection::open(dir.join(files::DATABASE)).unwrap();
    let select = "SELECT wrapped_key, name, phone FROM subjects WHERE case_id = ?1";
    let read = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?, row.get(2)?]);
    connection.query_row(select, [case.0.as_bytes().as_slice()], read).unwrap()
}

#[tokio::test]
async fn a_destroyed_key_leaves_no_byte_in_any_file() {
    let Sample { vault, dir, .. } = sample();
    for number in 1..=20 {
        vault.put_contact(case(number), &reporter(), &contact()).await.unwrap();
    }
    let sealed = vault.seal(case(7), &reporter(), FIELD, WORDS).await.unwrap();
    let secrets = stored_secrets(dir.path(), case(7));
    let other = stored_secrets(dir.path(), case(8));
    let before = raw_bytes(dir.path());
    assert!(
        secrets.iter().chain(&other).all(|secret| holds(&before, secret)),
        "the search finds what is there"
    );

    assert!(vault.destroy_key(case(7), &reporter()).await.unwrap());

    let after = raw_bytes(dir.path());
    assert!(secrets.iter().all(|secret| !holds(&after, &secret[..16])));
    assert!(other.iter().all(|secret| holds(&after, secret)), "others stay");
    assert_eq!(vault.open_text(case(7), FIELD, &sealed).await.unwrap(), Opened::Erased);
    assert_eq!(vault.contact(case(7), &reporter()).await.unwrap(), None);
    assert_eq!(vault.contact(case(8), &reporter()).await.unwrap(), Some(contact()));
}

#[tokio::test]
async fn plain_words_are_in_no_file_at_any_time() {
    let Sample { vault, dir, .. } = sample();
    vault.put_contact(case(1), &reporter(), &contact()).await.unwrap();
    vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    let bytes = raw_bytes(dir.path());
    for secret in [WORDS, "刘女士", "13800006310"] {
        assert!(!holds(&bytes, secret.as_bytes()), "{secret}");
    }
    assert!(holds(&bytes, b"reporter-1"), "the search finds what is there");
}

#[tokio::test]
async fn an_erased_subject_stays_erased() {
    let Sample { vault, dir, clock } = sample();
    let sealed = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    assert!(vault.destroy_key(case(1), &reporter()).await.unwrap());
    assert!(!vault.destroy_key(case(1), &reporter()).await.unwrap(), "repeating is harmless");
    let refused = |result| matches!(result, Err(Error::KeyDestroyed { .. }));
    assert!(refused(vault.seal(case(1), &reporter(), FIELD, WORDS).await.map(|_| ())));
    assert!(refused(vault.put_contact(case(1), &reporter(), &contact()).await));
    clock.send_replace(at(1000));
    assert_eq!(
        vault.sweep(at(1000), 0, |_, _| ready(Ok::<_, Error>(Some(false)))).await.unwrap(),
        Swept::default()
    );
    drop(vault);
    let vault = open(dir.path(), &clock).unwrap();
    assert_eq!(vault.open_text(case(1), FIELD, &sealed).await.unwrap(), Opened::Erased);
    assert!(
        vault.seal(case(1), &KeyId::case_file(), FIELD, WORDS).await.is_ok(),
        "the case file has its own key"
    );
}

#[tokio::test]
async fn erasing_who_was_never_there_keeps_them_from_coming() {
    let vault = sample().vault;
    assert!(!vault.destroy_key(case(1), &reporter()).await.unwrap());
    assert!(vault.seal(case(1), &reporter(), FIELD, WORDS).await.is_err());
}

#[tokio::test]
async fn a_text_without_its_key_is_lost_and_not_erased() {
    let sealed = sample().vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    assert_eq!(sample().vault.open_text(case(1), FIELD, &sealed).await.unwrap(), Opened::Lost);
}

#[tokio::test]
async fn a_foreign_reader_of_the_database_is_told_of() {
    let Sample { vault, dir, .. } = sample();
    let sealed = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    let mut foreign = Connection::open(dir.path().join(files::DATABASE)).unwrap();
    let reading = foreign.transaction().unwrap();
    let _count: i64 = reading.query_row("SELECT count(*) FROM subjects", [], |row| row.get(0)).unwrap();
    assert!(matches!(vault.destroy_key(case(1), &reporter()).await, Err(Error::WalHeld)));
    assert_eq!(vault.open_text(case(1), FIELD, &sealed).await.unwrap(), Opened::Erased);
    drop(reading);
    assert!(!vault.destroy_key(case(1), &reporter()).await.unwrap());
}

#[tokio::test]
async fn what_no_event_names_is_swept_after_a_day() {
    let Sample { vault, dir, clock } = sample();
    let mut sealed = Vec::new();
    for number in 1..=4 {
        vault.put_contact(case(number), &reporter(), &contact()).await.unwrap();
        sealed.push(vault.seal(case(number), &reporter(), FIELD, WORDS).await.unwrap());
    }
    let secrets = stored_secrets(dir.path(), case(2));
    let in_log: BTreeSet<CaseId> = [case(1)].into();
    let named = |case, _| ready(Ok::<_, Error>(Some(in_log.contains(&case))));
    assert_eq!(vault.sweep(at(24), 0, named).await.unwrap(), Swept::default(), "not before a day is over");

    clock.send_replace(at(23));
    vault.seal(case(4), &reporter(), FIELD, WORDS).await.unwrap();
    assert_eq!(
        vault.sweep(at(25), 0, named).await.unwrap(),
        Swept { named: 1, removed: 2, unknown: 0, more: false }
    );

    let texts: Vec<_> = (1..).map(case).zip(&sealed).map(|(case, sealed)| (case, FIELD, sealed)).collect();
    let opened: Vec<Opened> = vault.open_texts(&texts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(opened, [text(WORDS), Opened::Lost, Opened::Lost, text(WORDS)]);
    let after = raw_bytes(dir.path());
    assert!(secrets.iter().all(|secret| !holds(&after, &secret[..16])));
    let nobody = |_, _| -> Ready<Result<Option<bool>, Error>> { panic!("nothing is left to ask") };
    assert_eq!(vault.sweep(at(25), 0, nobody).await.unwrap(), Swept::default());
}

#[tokio::test]
async fn a_sweep_takes_more_than_one_step() {
    let vault = sample().vault;
    let (key_id, count) = (reporter(), 1024 + 7);
    for half in [0..512_u128, 512..count] {
        let cases: Vec<_> = half.map(case).collect();
        let request =
            |case: &CaseId| crate::SealRequest { case: *case, key_id: &key_id, field: FIELD, plaintext: "" };
        vault.seal_many(&cases.iter().map(request).collect::<Vec<_>>()).await.unwrap();
    }
    let even = |case: CaseId, _| ready(Ok::<_, Error>(Some(case.0.as_u128().is_multiple_of(2))));
    let mut steps = Vec::new();
    while steps.last().is_none_or(|last: &Swept| last.more) {
        steps.push(vault.sweep(at(25), 0, even).await.unwrap());
    }
    let whole = Swept { named: 250, removed: 250, unknown: 0, more: true };
    assert_eq!(steps, [whole, whole, Swept { named: 16, removed: 15, unknown: 0, more: false }]);
}

#[tokio::test]
async fn nothing_is_swept_while_the_log_cannot_be_asked() {
    let vault = sample().vault;
    vault.put_contact(case(1), &reporter(), &contact()).await.unwrap();
    let away = |_, _| ready(Err::<Option<bool>, _>(Error::Away));
    assert!(matches!(vault.sweep(at(25), 0, away).await, Err(Error::Away)));
    assert_eq!(vault.contact(case(1), &reporter()).await.unwrap(), Some(contact()));
}

#[tokio::test]
async fn cases_that_cannot_be_read_keep_their_rows_and_the_sweep_goes_past_them() {
    let vault = sample().vault;
    let (key_id, count) = (reporter(), 503);
    let cases: Vec<_> = (1..=count).map(case).collect();
    let request =
        |case: &CaseId| crate::SealRequest { case: *case, key_id: &key_id, field: FIELD, plaintext: "" };
    let sealed = vault.seal_many(&cases.iter().map(request).collect::<Vec<_>>()).await.unwrap();
    let unread = |case: CaseId, _| ready(Ok::<_, Error>((case.0.as_u128() > 501).then_some(false)));
    let first = vault.sweep(at(25), 0, unread).await.unwrap();
    assert_eq!(first, Swept { named: 0, removed: 0, unknown: 500, more: true });
    let second = vault.sweep(at(25), first.unknown, unread).await.unwrap();
    assert_eq!(second, Swept { named: 0, removed: 2, unknown: 1, more: false });
    assert_eq!(vault.open_text(case(501), FIELD, &sealed[500]).await.unwrap(), text(""));
    assert_eq!(vault.open_text(case(502), FIELD, &sealed[501]).await.unwrap(), Opened::Lost);
}
