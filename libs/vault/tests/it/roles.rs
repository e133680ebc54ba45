use std::future::ready;
use std::sync::Arc;

use bus::{RequestError, Subject};
use bytes::Bytes;
use tokio::task::JoinSet;
use vault::{Contact, Error, NewContact, Opened, SealRequest, Vault, new_key_file};

use crate::listener::{Listener, count, holds};
use crate::served::{
    FIELD, JURISDICTION, LONG, NAME, PHONE, Served, WORDS, at, case, connect, contact, reporter, text,
};

#[tokio::test]
async fn what_one_role_seals_another_opens_and_a_third_destroys() {
    let served = Served::start().await;
    let (one, other, third) = (served.role().await, served.role().await, served.role().await);
    let (key_id, person) = (reporter(), contact());
    let seal = SealRequest { case: case(1), key_id: &key_id, field: FIELD, plaintext: WORDS };
    let kept = NewContact { case: case(1), key_id: &key_id, contact: &person };
    let sealed = one.seal_all(&[seal], &[kept]).await.unwrap().remove(0);

    assert_eq!(other.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    assert_eq!(other.contact(case(1), &reporter()).await.unwrap(), Some(contact()));
    let changed = Contact { name: None, phone: Some("0631-5200000".to_owned()) };
    other.put_contact(case(1), &reporter(), &changed).await.unwrap();
    assert_eq!(one.contact(case(1), &reporter()).await.unwrap(), Some(changed), "under the key there was");
    assert_eq!(one.open_text(case(2), FIELD, &sealed).await.unwrap(), Opened::Lost);

    assert!(third.destroy_key(case(1), &reporter()).await.unwrap());
    assert!(!third.destroy_key(case(1), &reporter()).await.unwrap());
    assert_eq!(one.open_text(case(1), FIELD, &sealed).await.unwrap(), Opened::Erased);
    assert_eq!(other.contact(case(1), &reporter()).await.unwrap(), None);
    let refused = other.seal(case(1), &reporter(), FIELD, WORDS).await;
    assert!(matches!(refused, Err(Error::KeyDestroyed { .. })), "{refused:?}");
}

#[tokio::test]
async fn the_secrets_of_a_ledger_are_those_of_its_first_role_for_all() {
    let served = Served::start().await;
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let (bus, key_file) = (connect(&served.nats).await, served.key_file.clone());
        starting.spawn(async move {
            Vault::remote(&bus, JURISDICTION, &key_file, LONG, Arc::new(|| at(0))).await.unwrap()
        });
    }
    let roles = starting.join_all().await;
    let source = "hotline-12345".parse().unwrap();
    let of = |role: &Vault| {
        let secrets = role.secrets().unwrap();
        let ticket = secrets.case_id_for_ticket(&source, "20261121-7");
        (secrets.request_mac(b"body"), ticket, secrets.search_token("井盖"))
    };
    assert!(roles.iter().all(|role| of(role) == of(&roles[0])));
}

#[tokio::test]
async fn a_key_file_that_is_not_this_vaults_is_told_of() {
    let served = Served::start().await;
    let _first = served.role().await;
    let other = served.dir.path().join("other.key");
    assert!(matches!(served.role_with(&other).await, Err(Error::KeyMissing(path)) if path == other));
    new_key_file(&other).unwrap();
    assert!(matches!(served.role_with(&other).await, Err(Error::WrongKey)));
    std::fs::write(&other, b"short").unwrap();
    assert!(matches!(served.role_with(&other).await, Err(Error::WrongKey)));
}

#[tokio::test]
async fn a_host_that_is_away_is_away_until_it_comes_back() {
    let mut served = Served::silent();
    let early = served.role_with(&served.key_file).await;
    assert!(matches!(early, Err(Error::Away)), "{early:?}");
    served.serve().await;
    let role = served.role().await;
    let sealed = role.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();

    served.stop_serving().await;
    assert!(matches!(role.open_text(case(1), FIELD, &sealed).await, Err(Error::Away)));
    assert!(matches!(role.seal(case(1), &reporter(), FIELD, WORDS).await, Err(Error::Away)));
    assert!(matches!(role.contact(case(1), &reporter()).await, Err(Error::Away)));
    assert!(matches!(role.destroy_key(case(1), &reporter()).await, Err(Error::Away)));
    let many = role.open_texts(&[(case(1), FIELD, &sealed), (case(2), FIELD, &sealed)]).await;
    assert!(many.iter().all(|opened| matches!(opened, Err(Error::Away))) && many.len() == 2);
    assert!(!role.secrets().unwrap().search_token("井盖").is_empty(), "needs nobody");

    served.serve().await;
    assert_eq!(role.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    served.nats.kill();
    assert!(matches!(role.open_text(case(1), FIELD, &sealed).await, Err(Error::Away)));
}

#[tokio::test]
async fn roles_that_seal_at_once_agree_on_one_key() {
    let served = Served::start().await;
    let roles = [served.role().await, served.role().await];
    let mut sealing = JoinSet::new();
    for number in 0..40_usize {
        let role = roles[number % 2].clone();
        sealing.spawn(async move {
            let phone = Contact { name: None, phone: Some(format!("138{number:08}")) };
            role.put_contact(case(1), &reporter(), &phone).await.unwrap();
            role.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap()
        });
    }
    let sealed = sealing.join_all().await;
    for role in &roles {
        let texts: Vec<_> = sealed.iter().map(|sealed| (case(1), FIELD, sealed)).collect();
        for opened in role.open_texts(&texts).await {
            assert_eq!(opened.unwrap(), text(WORDS));
        }
        let kept = role.contact(case(1), &reporter()).await.unwrap().unwrap();
        assert!(kept.phone.unwrap().starts_with("138"), "whoever came last, it opens");
    }
}

#[tokio::test]
async fn whoever_listens_to_everything_hears_no_word_and_no_phone() {
    let served = Served::start().await;
    let mut listener = Listener::start(&served.nats).await;
    let role = served.role().await;
    let (key_id, person) = (reporter(), contact());
    let seal = SealRequest { case: case(1), key_id: &key_id, field: FIELD, plaintext: WORDS };
    let kept = NewContact { case: case(1), key_id: &key_id, contact: &person };
    let sealed = role.seal_all(&[seal], &[kept]).await.unwrap().remove(0);
    let mut new = role.new_case(case(2)).unwrap().unwrap();
    new.seal(&key_id, FIELD, WORDS).unwrap();
    new.keep(&key_id, &person).unwrap();
    let rider = new.rider().unwrap().unwrap();
    let carried = Subject::new(["whistle", JURISDICTION, "ledger", "commit"]).unwrap();
    connect(&served.nats).await.publish(&carried, rider.clone(), None).await.unwrap();
    role.open_text(case(1), FIELD, &sealed).await.unwrap();
    role.contact(case(1), &reporter()).await.unwrap();
    role.destroy_key(case(1), &reporter()).await.unwrap();

    let key = std::fs::read(&served.key_file).unwrap();
    let heard = listener.all().await;
    for part in ["whistle.huancui.vault.ensure", "whistle.huancui.vault.contact", "reporter-1"] {
        assert!(holds(heard, part.as_bytes()), "it does listen: {part}");
    }
    assert!(holds(heard, &rider), "to riders too");
    for secret in [WORDS.as_bytes(), NAME.as_bytes(), PHONE.as_bytes(), &key] {
        assert!(!holds(heard, secret));
    }
}

#[tokio::test]
async fn the_keys_of_many_texts_are_fetched_with_one_question() {
    let served = Served::start().await;
    let role = served.role().await;
    let key_id = reporter();
    let request =
        |number| SealRequest { case: case(number), key_id: &key_id, field: FIELD, plaintext: WORDS };
    let sealed = role.seal_many(&(0..300).map(request).collect::<Vec<_>>()).await.unwrap();
    let mut listener = Listener::start(&served.nats).await;
    let texts: Vec<_> = (0..).map(case).zip(&sealed).map(|(case, sealed)| (case, FIELD, sealed)).collect();
    assert!(role.open_texts(&texts).await.into_iter().all(|opened| opened.unwrap() == text(WORDS)));
    let heard = listener.all().await;
    assert_eq!(count(heard, b"MSG whistle.huancui.vault."), 1);
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let served = Served::start().await;
    let bus = connect(&served.nats).await;
    let too_many = {
        let subjects: Vec<_> = (0..1025).map(|number| (case(number), reporter())).collect();
        let mut bytes = vec![1];
        bytes.extend(postcard::to_allocvec(&subjects).unwrap());
        bytes
    };
    for (op, bytes) in [
        ("ensure", b"".to_vec()),
        ("ensure", vec![2, 0]),
        ("ensure", vec![1, 255, 255, 255, 255, 15]),
        ("keys", vec![1, 0, 0]),
        ("keys", too_many),
        ("contact", vec![1, 9]),
        ("destroy", vec![1]),
        ("secrets", vec![1, 0, 0, 0]),
    ] {
        let subject = Subject::new(["whistle", JURISDICTION, "vault", op]).unwrap();
        let answer = bus.request(&subject, Bytes::from(bytes.clone()), None, LONG).await;
        assert!(matches!(answer, Err(RequestError::Refused { code: 400, .. })), "{op} {bytes:?} {answer:?}");
    }
    assert!(served.role().await.seal(case(1), &reporter(), FIELD, WORDS).await.is_ok(), "and nothing broke");
}

#[tokio::test]
async fn only_the_host_sweeps_and_copies() {
    let served = Served::start().await;
    let role = served.role().await;
    role.put_contact(case(1), &reporter(), &contact()).await.unwrap();
    let copy = served.dir.path().join("copy.sqlite");
    assert!(matches!(
        role.sweep(at(25), 0, |_, _| ready(Ok::<_, Error>(Some(false)))).await,
        Err(Error::RowsElsewhere)
    ));
    assert!(matches!(role.backup_to(&copy).await, Err(Error::RowsElsewhere)));
    assert_eq!(
        served.host.sweep(at(25), 0, |_, _| ready(Ok::<_, Error>(Some(false)))).await.unwrap().removed,
        1
    );
    assert_eq!(role.contact(case(1), &reporter()).await.unwrap(), None);
}

/// The roles' clocks stand at 0.
#[tokio::test]
async fn a_sweep_leaves_what_was_just_sealed_whatever_clock_the_role_has() {
    let served = Served::start().await;
    let role = served.role().await;
    let sweep = || async {
        served.host.sweep(*served.clock.borrow(), 0, |_, _| ready(Ok::<_, Error>(Some(false)))).await
    };
    served.clock.send_replace(at(72));
    let sealed = role.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    let mut new = role.new_case(case(2)).unwrap().unwrap();
    let brought = new.seal(&reporter(), FIELD, WORDS).unwrap();
    let rider = new.rider().unwrap().unwrap();
    served.host.ensure_riders(&[&rider]).await.pop().unwrap().unwrap();
    assert_eq!(sweep().await.unwrap().removed, 0);
    assert_eq!(role.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
    assert_eq!(role.open_text(case(2), FIELD, &brought).await.unwrap(), text(WORDS));

    served.clock.send_replace(at(72 + 23));
    role.seal(case(1), &reporter(), FIELD, WORDS).await.unwrap();
    served.clock.send_replace(at(72 + 25));
    assert_eq!(sweep().await.unwrap().removed, 1, "what was sealed under again was touched again");
    assert_eq!(role.open_text(case(1), FIELD, &sealed).await.unwrap(), text(WORDS));
}
