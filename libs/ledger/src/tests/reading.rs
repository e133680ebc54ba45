use std::num::NonZeroUsize;

use event_store::{NewCommit, NewEvent};
use uuid::Uuid;

use super::kit::{Kit, in_every_way};
use super::support::{append, at, case, command, info, ledger, note, raise_or_note, raised, step};
use crate::{ExecuteError, Expected, LedgerError, Options, Position, Stream, number};

in_every_way!(
    a_case_larger_than_a_page_is_read_whole,
    a_case_is_read_as_of_any_version,
    a_cache_of_one_case_changes_no_answer,
    following_gives_history_then_live_in_order,
    a_stream_is_followed_past_the_others,
    what_a_newer_program_wrote_is_never_skipped,
    a_damaged_payload_is_told_without_its_words,
    a_case_has_the_number_its_raising_gives,
);

#[tokio::test]
async fn a_restart_reads_the_same_case() {
    let dir = tempfile::tempdir().unwrap();
    let before = {
        let ledger = ledger(dir.path());
        for id in 1..=30 {
            step(&ledger, id, case(1)).await;
        }
        let before = ledger.read_case(case(1)).await.unwrap();
        ledger.close().await;
        let late = ledger.execute(&command(31), at(0), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
        assert_eq!(late.unwrap_err(), ExecuteError::Unavailable);
        before
    };
    let ledger = ledger(dir.path());
    assert_eq!(ledger.read_case(case(1)).await.unwrap(), before);
    assert_eq!(before.version, 30);
    let again = ledger.execute(&command(30), at(0), &[case(1)], |_| Ok(vec![Vec::new()])).await.unwrap();
    assert_eq!((again.repeated, &again.cases[0]), (true, &before));
}

async fn a_case_larger_than_a_page_is_read_whole(kit: Kit) {
    let ledger = kit.ledger().await;
    ledger.commit(&command(1), at(0), vec![append(case(1), 0, vec![raised()])]).await.unwrap();
    for n in 1..=16_u64 {
        let appends = vec![append(case(1), n, vec![note(30_000)])];
        ledger.commit(&command(1 + u128::from(n)), at(0), appends).await.unwrap();
    }
    assert_eq!(ledger.read_case(case(1)).await.unwrap().version, 17);
    assert_eq!(ledger.history(case(1), 0, usize::MAX).await.unwrap().len(), 17);
    let some = ledger.history(case(1), 3, 10).await.unwrap();
    let versions: Vec<_> = some.iter().map(|(recorded, _)| recorded.version).collect();
    assert_eq!(versions, (4..=13).collect::<Vec<_>>());
    assert_eq!(some[0].1.command_id, Uuid::from_u128(4));
}

async fn a_case_is_read_as_of_any_version(kit: Kit) {
    let ledger = kit.ledger().await;
    let mut states = vec![ledger.read_case(case(1)).await.unwrap()];
    for id in 1..=5 {
        let decided = step(&ledger, id, case(1)).await;
        states.push(decided.cases[0].clone());
    }
    for (version, state) in (0..).zip(&states) {
        assert_eq!(ledger.read_case_at(case(1), version).await.unwrap(), **state);
    }
    let future = ledger.read_case_at(case(1), 6).await.unwrap_err();
    assert_eq!(future, LedgerError::FutureVersion { stream: case(1).stream(), version: 6, head: 5 });
}

async fn a_cache_of_one_case_changes_no_answer(kit: Kit) {
    let options = Options { cases_max: NonZeroUsize::MIN, ..Options::DEFAULT };
    let ledger = kit.with(options).await;
    for id in 1..=20 {
        let number = id % 3;
        let decided = step(&ledger, id, case(number)).await;
        assert_eq!(decided.cases[0], ledger.read_case(case(number)).await.unwrap());
    }
    assert_eq!(ledger.read_case(case(1)).await.unwrap().version, 7);
}

async fn following_gives_history_then_live_in_order(kit: Kit) {
    let ledger = kit.ledger().await;
    for id in 1..=3 {
        step(&ledger, id, case(id)).await;
    }
    let mut follow = ledger.follow(Position(1)).unwrap();
    assert_eq!(follow.next().await.unwrap().first, Position(2));
    assert_eq!(follow.next().await.unwrap().first, Position(3));
    assert!(!follow.is_behind());
    let other = ledger.clone();
    let live = tokio::join!(follow.next(), async move { step(&other, 4, case(1)).await });
    assert_eq!(Some(live.0.unwrap()), live.1.commit);
    let all = ledger.read_log(Position::ZERO, 1 << 20).await.unwrap();
    assert_eq!(all.iter().map(|commit| commit.last.get()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let future = match ledger.follow(Position(5)) {
        Ok(mut follow) => follow.next().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(future, LedgerError::Future { .. }));
}

async fn a_stream_is_followed_past_the_others(kit: Kit) {
    let ledger = kit.ledger().await;
    for id in 1..=4 {
        step(&ledger, id, case(id % 2)).await;
    }
    let mut follow = ledger.follow(Position::ZERO).unwrap();
    let stream = Stream::Case(case(0));
    assert_eq!(follow.next_on(&stream).await.unwrap().first, Position(2));
    assert_eq!(follow.next_on(&stream).await.unwrap().first, Position(4));
}

async fn store_raw(store: &event_store::Store, event_type: &str, payload: &str) {
    let event = NewEvent {
        event_type: event_type.to_owned(),
        schema_version: 1,
        occurred_at: at(0),
        payload: payload.as_bytes().to_vec(),
    };
    let stream = Stream::Case(case(1)).name();
    let commit = NewCommit {
        principal: "p-later".to_owned(),
        on_behalf_of: None,
        command_id: Uuid::from_u128(1),
        request_mac: [0; 32],
        causation: None,
        correlation: Uuid::from_u128(1),
        traceparent: None,
        recorded_at: at(0),
        appends: vec![event_store::Append { stream, expected: Expected::NoStream, events: vec![event] }],
        unchanged: Vec::new(),
    };
    store.commit(commit).await.unwrap();
}

async fn what_a_newer_program_wrote_is_never_skipped(kit: Kit) {
    store_raw(&kit.store, "CaseTeleported", "{}").await;
    let ledger = kit.ledger().await;
    step(&ledger, 2, case(2)).await;

    let newer = LedgerError::NewerLog {
        position: Position(1),
        event_type: "CaseTeleported".to_owned(),
        schema_version: 1,
    };
    let mut follow = ledger.follow(Position::ZERO).unwrap();
    assert_eq!(follow.next().await.unwrap_err(), newer);
    assert_eq!(follow.next().await.unwrap_err(), newer);
    assert_eq!(ledger.read_case(case(1)).await.unwrap_err(), newer);
    assert_eq!(ledger.history(case(1), 0, 1).await.unwrap_err(), newer);
}

async fn a_damaged_payload_is_told_without_its_words(kit: Kit) {
    store_raw(&kit.store, "NoteAdded", r#"{"by":{"kind":"AUTOMATIC"},"text":"Wang Wu","public":"Wang Wu"}"#)
        .await;
    let ledger = kit.ledger().await;
    let error = ledger.read_case(case(1)).await.unwrap_err();
    assert!(matches!(error, LedgerError::Damaged { position: Position(1), .. }));
    assert!(!format!("{error} {error:?}").contains("Wang"));
}

async fn a_case_has_the_number_its_raising_gives(kit: Kit) {
    let ledger = kit.ledger().await;
    assert_eq!(ledger.number(&ledger.read_case(case(1)).await.unwrap()).await.unwrap(), None);
    for id in 1..=2 {
        step(&ledger, id, case(id)).await;
    }
    let second = ledger.read_case(case(2)).await.unwrap();
    let shown = ledger.number(&second).await.unwrap().unwrap();
    let parsed = number::parse(&shown).unwrap();
    assert_eq!((parsed.position, parsed.epoch, parsed.code), (Position(2), 1, info().code));
    assert_eq!(parsed.date, number::date(at(0)));
}
