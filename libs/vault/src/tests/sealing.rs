use case::ids::KeyId;
use proptest::prelude::*;

use super::{FIELD, WORDS, case, contact, open, reporter, sample, text};
use crate::{Contact, Error, NewContact, Opened, SealRequest, TEXT_BYTES_MAX};

#[tokio::test]
async fn what_was_sealed_opens_again() {
    let vault = sample().vault;
    let sealed = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    assert_eq!(vault.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    assert_eq!(sealed.key_id, reporter());
    assert!(!super::holds(&sealed.ciphertext, WORDS.as_bytes()));
}

#[tokio::test]
async fn a_text_moved_or_changed_does_not_open() {
    let vault = sample().vault;
    let sealed = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    let _other = vault.seal(case(2), &reporter(), FIELD, WORDS).await.unwrap();
    let _file = vault.seal(case(1), &KeyId::case_file(), FIELD, WORDS).await.unwrap();
    let is_damaged = |opened| matches!(opened, Err(Error::Damaged));
    assert!(is_damaged(vault.open_text(case(2), FIELD, &sealed).await), "another case");
    assert!(is_damaged(vault.open_text(case(1), "NoteAdded.text", &sealed).await), "another field");
    let mut other_key = sealed.clone();
    other_key.key_id = KeyId::case_file();
    assert!(is_damaged(vault.open_text(case(1), FIELD, &other_key).await), "another key");
    for index in 0..sealed.ciphertext.len() {
        let mut flipped = sealed.clone();
        flipped.ciphertext[index] ^= 1;
        assert!(is_damaged(vault.open_text(case(1), FIELD, &flipped).await), "byte {index}");
    }
    let mut short = sealed.clone();
    short.nonce.pop();
    assert!(is_damaged(vault.open_text(case(1), FIELD, &short).await), "a short nonce");
    short.ciphertext.clear();
    assert!(is_damaged(vault.open_text(case(1), FIELD, &short).await), "nothing");
}

#[tokio::test]
async fn the_same_words_are_sealed_differently_each_time() {
    let vault = sample().vault;
    let one = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    let other = vault.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    assert_ne!(one.nonce, other.nonce);
    assert_ne!(one.ciphertext, other.ciphertext);
}

#[tokio::test]
async fn one_call_seals_for_many_subjects_in_order() {
    let vault = sample().vault;
    let (file, reporter) = (KeyId::case_file(), reporter());
    let request = |case, key_id, plaintext| SealRequest { case, key_id, field: FIELD, plaintext };
    let requests = [
        request(case(1), &file, "一"),
        request(case(1), &reporter, "二"),
        request(case(2), &file, "三"),
        request(case(1), &file, ""),
    ];
    let sealed = vault.seal_many(&requests).await.unwrap();
    let texts: Vec<_> =
        requests.iter().zip(&sealed).map(|(request, sealed)| (request.case, FIELD, sealed)).collect();
    let opened: Vec<Opened> = vault.open_texts(&texts).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(opened, [text("一"), text("二"), text("三"), text("")]);
    assert_eq!(vault.seal_many(&[]).await.unwrap(), vec![]);
}

#[tokio::test]
async fn contacts_are_kept_and_replaced() {
    let vault = sample().vault;
    assert_eq!(vault.contact(case(1), &reporter()).await.unwrap(), None);
    let new = contact();
    let (reporter, text) =
        (reporter(), SealRequest { case: case(1), key_id: &reporter(), field: FIELD, plaintext: WORDS });
    let contacts = [NewContact { case: case(1), key_id: &reporter, contact: &new }];
    vault.seal_all(&[text], &contacts).await.unwrap();
    assert_eq!(vault.contact(case(1), &reporter).await.unwrap(), Some(contact()));
    let changed = Contact { name: None, phone: Some("0631-5200000".to_owned()) };
    vault.put_contact(case(1), &reporter, &changed).await.unwrap();
    assert_eq!(vault.contact(case(1), &reporter).await.unwrap(), Some(changed));
    assert_eq!(vault.contact(case(2), &reporter).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_above_a_limit_is_refused_before_anything_is_done() {
    let vault = sample().vault;
    let fits = "x".repeat(TEXT_BYTES_MAX);
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    assert!(vault.seal(case(1), &reporter(), FIELD, &fits).await.is_ok());
    assert!(matches!(vault.seal(case(2), &reporter(), FIELD, &long).await, Err(Error::TooLong)));
    let name = Contact { name: Some("x".repeat(257)), phone: None };
    assert!(matches!(vault.put_contact(case(2), &reporter(), &name).await, Err(Error::TooLong)));
    let key_id = reporter();
    let request = SealRequest { case: case(2), key_id: &key_id, field: FIELD, plaintext: "x" };
    assert!(matches!(vault.seal_many(&vec![request; 1025]).await, Err(Error::TooMany)));
}

#[tokio::test]
async fn calls_at_the_same_time_agree_on_one_key() {
    let vault = sample().vault;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let vault = vault.clone();
        calls.spawn(async move { vault.seal(case(1), &KeyId::reporter(1), FIELD, WORDS).await.unwrap() });
    }
    for sealed in calls.join_all().await {
        assert_eq!(vault.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    }
}

#[tokio::test]
async fn constants_of_a_ledger_survive_reopening_and_differ_between_vaults() {
    let sample = sample();
    let other = super::sample().vault;
    let source = "hotline-12345".parse().unwrap();
    let constants = |vault: &crate::Vault| {
        let secrets = vault.secrets().unwrap();
        (
            secrets.request_mac(b"body"),
            secrets.case_id_for_ticket(&source, "20261121-7"),
            secrets.search_token("井盖"),
        )
    };
    let before = constants(&sample.vault);
    drop(sample.vault);
    let reopened = open(sample.dir.path(), &sample.clock).unwrap();
    assert_eq!(constants(&reopened), before);
    let others = constants(&other);
    assert_ne!(others.0, before.0);
    assert_ne!(others.1, before.1);
    assert_ne!(others.2, before.2);
}

#[tokio::test]
async fn derived_values_tell_their_inputs_apart() {
    let vault = sample().vault;
    let secrets = vault.secrets().unwrap();
    let (one, other) = ("hotline-1".parse().unwrap(), "hotline-12".parse().unwrap());
    assert_ne!(secrets.case_id_for_ticket(&one, "23"), secrets.case_id_for_ticket(&other, "3"));
    assert_eq!(secrets.case_id_for_ticket(&one, "23").0.get_version_num(), 8);
    assert_ne!(secrets.request_mac(b"a"), secrets.request_mac(b"b"));
    let token = secrets.search_token("井盖");
    assert_eq!(token.len(), 10);
    assert!(token.chars().all(|c| matches!(c, 'a'..='z' | '2'..='7')), "{token}");
    assert_ne!(token, secrets.search_token("盖井"));
}

#[tokio::test]
async fn nothing_personal_is_in_debug_texts_or_errors() {
    let vault = sample().vault;
    let person = contact();
    let key_id = reporter();
    let request = SealRequest { case: case(1), key_id: &key_id, field: FIELD, plaintext: WORDS };
    let new = NewContact { case: case(1), key_id: &key_id, contact: &person };
    let mut shown = format!("{vault:?} {person:?} {request:?} {new:?} {:?}", text(WORDS));
    vault.destroy_key(case(1), &key_id).await.unwrap();
    shown += &vault.seal_all(&[request], &[new]).await.unwrap_err().to_string();
    for secret in [WORDS, "刘女士", "13800006310"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_text_comes_back_whole(words in "\\PC{0,400}", field in "[a-zA-Z.]{1,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let vault = sample().vault;
        let sealed = runtime.block_on(vault.seal(case(1), &reporter(), &field, &words)).unwrap();
        let opened = runtime.block_on(vault.open_text(case(1), &field, &sealed)).unwrap();
        prop_assert_eq!(opened, text(&words));
    }
}
