use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use case::Refusal;
use case::event::district::EpochOpened;
use tokio::runtime::Handle;

use super::kit::{Kit, in_every_way};
use super::support::{append, at, case, command, note, notes, raise_or_note, raised, step};
use crate::{
    Append, CommandContext, CommitError, ExecuteError, Expected, Ledger, Position, Stream, registry_stream,
};

in_every_way!(
    a_decision_is_committed_at_the_version_read,
    a_repeat_gets_the_first_success_and_the_cases_as_they_were,
    a_repeat_that_names_another_case_gets_the_one_that_was_made,
    a_repeat_is_not_refused_for_what_the_first_time_made_true,
    a_reused_command_id_is_told_whatever_would_be_decided,
    a_stale_expected_version_is_told_with_the_actual_one,
    a_decision_without_events_commits_nothing,
    a_decision_on_two_cases_happens_whole,
    a_case_that_gets_no_event_stands_where_it_was_decided_on,
    a_conflict_is_decided_again_four_times,
    a_conflict_with_oneself_ends_in_the_first_success,
    writers_of_two_handles_lose_nothing,
    a_caller_that_leaves_does_not_leave_a_stale_case,
    malformed_commits_are_refused_before_the_log,
);

async fn a_decision_is_committed_at_the_version_read(kit: Kit) {
    let ledger = kit.ledger().await;
    let context = CommandContext {
        on_behalf_of: Some("p-deputy".to_owned()),
        occurred_at: Some(at(-60)),
        ..command(1)
    };
    let done = ledger.execute(&context, at(0), &[case(1)], |cases| Ok(raise_or_note(cases))).await.unwrap();

    let commit = done.commit.unwrap();
    assert_eq!((done.repeated, done.position, commit.last), (false, Position(1), Position(1)));
    assert_eq!((done.cases[0].version, done.cases[0].raised_position), (1, 1));
    assert_eq!((commit.principal.as_str(), commit.on_behalf_of.as_deref()), ("p-test", Some("p-deputy")));
    assert_eq!(commit.correlation, context.command_id);
    assert_eq!(commit.entries[0].recorded.occurred_at.instant(), at(-60));
    assert_eq!(commit.recorded_at.instant(), at(0));
    assert_eq!(ledger.read_case(case(1)).await.unwrap(), done.cases[0]);
}

async fn a_repeat_gets_the_first_success_and_the_cases_as_they_were(kit: Kit) {
    let ledger = kit.ledger().await;
    let first = step(&ledger, 1, case(1)).await;
    ledger.execute(&command(2), at(1), &[case(1)], |cases| Ok(raise_or_note(cases))).await.unwrap();

    let again =
        ledger.execute(&command(1), at(9), &[case(1)], |cases| Ok(raise_or_note(cases))).await.unwrap();
    assert!(again.repeated);
    assert_eq!((&again.commit, &again.cases, again.position), (&first.commit, &first.cases, first.position));
    assert_eq!(kit.store.head().position, Position(2));
}

async fn a_repeat_that_names_another_case_gets_the_one_that_was_made(kit: Kit) {
    let ledger = kit.ledger().await;
    let raising = CommandContext { makes_cases: true, ..command(1) };
    let raise = async |number: u128| {
        ledger.execute(&raising, at(0), &[case(number)], |cases| Ok(raise_or_note(cases))).await.unwrap()
    };
    let first = raise(1).await;
    // As after an upgrade that derives the ids of new cases in another way.
    let again = raise(2).await;
    assert!(again.repeated);
    assert_eq!((again.commit, again.cases), (first.commit, first.cases));
}

async fn a_repeat_is_not_refused_for_what_the_first_time_made_true(kit: Kit) {
    let ledger = kit.ledger().await;
    let only_once = |cases: &[std::sync::Arc<case::state::Case>]| {
        if cases[0].exists() { Err(Refusal::NotFound) } else { Ok(vec![vec![raised()]]) }
    };
    let context = CommandContext { expected_version: Some(0), ..command(1) };
    let first = ledger.execute(&context, at(0), &[case(1)], only_once).await.unwrap();
    for decide_nothing in [false, true] {
        let stale = CommandContext { expected_version: (!decide_nothing).then_some(0), ..command(1) };
        let again = ledger
            .execute(&stale, at(1), &[case(1)], |cases| {
                if decide_nothing { Ok(vec![Vec::new()]) } else { only_once(cases) }
            })
            .await
            .unwrap();
        assert_eq!((again.repeated, &again.cases), (true, &first.cases));
    }
    let refused = ledger.execute(&command(2), at(1), &[case(1)], only_once).await;
    assert_eq!(refused.unwrap_err(), ExecuteError::Refused(Refusal::NotFound));
}

async fn a_reused_command_id_is_told_whatever_would_be_decided(kit: Kit) {
    let ledger = kit.ledger().await;
    step(&ledger, 1, case(1)).await;
    let other = CommandContext { request_mac: [8; 32], ..command(1) };

    let decided = ledger.execute(&other, at(1), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
    let refused = ledger.execute(&other, at(1), &[case(1)], |_| Err(Refusal::NotFound)).await;
    let nothing = ledger.execute(&other, at(1), &[case(1)], |_| Ok(vec![Vec::new()])).await;
    for outcome in [decided, refused, nothing] {
        assert_eq!(outcome.unwrap_err(), ExecuteError::CommandIdReused);
    }
    let somebody_else = CommandContext { principal: "p-other".to_owned(), ..other };
    let done = ledger.execute(&somebody_else, at(1), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
    assert!(!done.unwrap().repeated);
}

async fn a_stale_expected_version_is_told_with_the_actual_one(kit: Kit) {
    let ledger = kit.ledger().await;
    step(&ledger, 1, case(1)).await;
    for expected in [0, 2, u64::MAX] {
        let context = CommandContext { expected_version: Some(expected), ..command(2) };
        let stale = ledger.execute(&context, at(1), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
        assert_eq!(stale.unwrap_err(), ExecuteError::StaleExpectedVersion { expected, actual: 1 });
    }
    assert_eq!(kit.store.head().position, Position(1));
}

async fn a_decision_without_events_commits_nothing(kit: Kit) {
    let ledger = kit.ledger().await;
    let done = ledger.execute(&command(1), at(0), &[case(1)], |_| Ok(vec![Vec::new()])).await.unwrap();
    assert_eq!((done.commit, done.repeated, done.position), (None, false, Position::ZERO));
    assert!(!done.cases[0].exists());
    let done = ledger.execute(&command(1), at(0), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
    assert!(!done.unwrap().repeated, "the id was not used up");
}

async fn a_decision_on_two_cases_happens_whole(kit: Kit) {
    let ledger = kit.ledger().await;
    let both = [case(2), case(1)];
    let done = ledger
        .execute(&command(1), at(0), &both, |_| Ok(vec![vec![raised(), note(1)], vec![raised()]]))
        .await
        .unwrap();
    assert_eq!(done.cases.iter().map(|case| case.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(done.commit.unwrap().cases(), both);

    let late = vec![append(case(2), 2, vec![note(1)]), append(case(1), 0, vec![note(1)])];
    let conflict = ledger.commit(&command(2), at(1), late).await.unwrap_err();
    assert!(matches!(conflict, CommitError::Conflict { .. }));
    assert_eq!(ledger.read_case(case(2)).await.unwrap().version, 2);
    assert_eq!(kit.store.head().position, Position(3));
}

/// Two handles on one log, as two processes are: what one has read, another changes without its knowing.
async fn a_case_that_gets_no_event_stands_where_it_was_decided_on(kit: Kit) {
    let (ledger, other) = (kit.ledger().await, kit.ledger().await);
    step(&ledger, 1, case(1)).await;
    step(&ledger, 2, case(2)).await;
    step(&other, 3, case(2)).await;
    let seen = Mutex::new(Vec::new());
    let while_new = |cases: &[Arc<case::Case>]| {
        let [parent, child] = cases else { panic!("two were asked for") };
        seen.lock().unwrap().push(child.version);
        Ok(if child.version == 1 {
            vec![vec![if parent.exists() { note(10) } else { raised() }], Vec::new()]
        } else {
            vec![Vec::new(); 2]
        })
    };
    let done = ledger.execute(&command(4), at(0), &[case(1), case(2)], while_new).await.unwrap();
    assert_eq!(done.commit, None, "the child had gone on");
    assert_eq!(done.cases[1].version, 2);
    assert_eq!(seen.into_inner().unwrap().last(), Some(&2));
    assert_eq!(ledger.read_case(case(1)).await.unwrap().version, 1);
}

/// Commits a note through another handle, as a writer that takes no lock of ours.
fn interfere(other: &Ledger, runtime: &Handle, version: u64, id: u128) {
    std::thread::scope(|scope| {
        let commit = || {
            let appends = vec![append(case(1), version, vec![note(1)])];
            runtime.block_on(other.commit(&command(id), at(1), appends)).unwrap();
        };
        scope.spawn(commit).join().unwrap();
    });
}

async fn a_conflict_is_decided_again_four_times(kit: Kit) {
    let (ledger, other) = (kit.ledger().await, kit.ledger().await);
    step(&ledger, 1, case(1)).await;
    let runtime = Handle::current();
    for (fails, id) in [(4, 100), (5, 200)] {
        let tries = AtomicU32::new(0);
        let outcome = ledger
            .execute(&command(id), at(1), &[case(1)], |cases| {
                let attempt = tries.fetch_add(1, Ordering::Relaxed) + 1;
                if attempt <= fails {
                    interfere(&other, &runtime, cases[0].version, id + u128::from(attempt));
                }
                Ok(raise_or_note(cases))
            })
            .await;
        assert_eq!(tries.into_inner(), 5);
        let version = other.read_case(case(1)).await.unwrap().version;
        match fails {
            4 => assert_eq!(outcome.unwrap().cases[0].version, version),
            _ => assert_eq!(outcome.unwrap_err(), ExecuteError::Conflict { actual_version: version }),
        }
    }
}

async fn a_conflict_with_oneself_ends_in_the_first_success(kit: Kit) {
    let (ledger, other) = (kit.ledger().await, kit.ledger().await);
    let runtime = Handle::current();
    let done = ledger
        .execute(&command(9), at(0), &[case(1)], |cases| {
            std::thread::scope(|scope| {
                let raise = || runtime.block_on(step(&other, 9, case(1)));
                scope.spawn(raise).join().unwrap();
            });
            Ok(raise_or_note(cases))
        })
        .await
        .unwrap();
    assert_eq!((done.repeated, done.cases[0].version, kit.store.head().position), (true, 1, Position(1)));
}

async fn writers_of_two_handles_lose_nothing(kit: Kit) {
    const EACH: u128 = 40;
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..4_u128 {
        let ledger = kit.ledger().await;
        tasks.spawn(async move {
            for n in 0..EACH {
                let context = command(1000 * (writer + 1) + n);
                loop {
                    let cases = [case(1), case(2)];
                    let cases = if writer % 2 == 0 { cases } else { [cases[1], cases[0]] };
                    match ledger.execute(&context, at(0), &cases, |cases| Ok(raise_or_note(cases))).await {
                        Ok(done) => break assert!(!done.repeated),
                        Err(ExecuteError::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let ledger = kit.ledger().await;
    for number in [1, 2] {
        assert_eq!(notes(&ledger, case(number)).await, 4 * EACH as usize - 1);
    }
}

async fn a_caller_that_leaves_does_not_leave_a_stale_case(kit: Kit) {
    let ledger = kit.ledger().await;
    step(&ledger, 1, case(1)).await;
    let mut follow = ledger.follow(Position(1)).unwrap();
    {
        let context = command(2);
        let cases = [case(1)];
        let mut leaving = pin!(ledger.execute(&context, at(1), &cases, |cases| Ok(raise_or_note(cases))));
        let polled = leaving.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    // It happened or it did not; asked again it has, once.
    let again = ledger.execute(&command(2), at(1), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
    assert_eq!(again.unwrap().cases[0].version, 2);
    assert_eq!(follow.next().await.unwrap().command_id, command(2).command_id);
    assert_eq!(ledger.read_case(case(1)).await.unwrap().version, 2);
    let done = ledger.execute(&command(3), at(2), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
    assert_eq!(done.unwrap().cases[0].version, 3);
}

async fn malformed_commits_are_refused_before_the_log(kit: Kit) {
    let ledger = kit.ledger().await;
    let twice = ledger.execute(&command(1), at(0), &[case(1), case(1)], |_| Ok(Vec::new())).await;
    let none = ledger.execute(&command(1), at(0), &[], |_| Ok(Vec::new())).await;
    let too_few = ledger.execute(&command(1), at(0), &[case(1)], |_| Ok(Vec::new())).await;
    for outcome in [twice, none, too_few] {
        assert!(matches!(outcome.unwrap_err(), ExecuteError::Invalid(_)));
    }
    let many: Vec<_> = (0..65).map(case).collect();
    let many = ledger.execute(&command(1), at(0), &many, |_| Ok(Vec::new())).await;
    assert!(matches!(many.unwrap_err(), ExecuteError::TooLarge(_)));
    let large = ledger.execute(&command(1), at(0), &[case(1)], |_| Ok(vec![vec![note(70_000)]])).await;
    assert!(matches!(large.unwrap_err(), ExecuteError::TooLarge(_)));

    let opened = EpochOpened {
        previous_epoch: 1,
        position: 0,
        chain_sha256: "0".repeat(64),
        reason: "none".to_owned(),
    };
    let on_case = append(case(1), 0, vec![opened.into()]);
    let on_other =
        Append { stream: registry_stream::stream(), expected: Expected::Any, events: vec![raised()] };
    let empty = Append { stream: Stream::Case(case(1)), expected: Expected::Any, events: Vec::new() };
    for wrong in [on_case, on_other, empty] {
        let refused = ledger.commit(&command(1), at(0), vec![wrong]).await.unwrap_err();
        assert!(matches!(refused, CommitError::Invalid(_)));
    }
    assert_eq!(kit.store.head().position, Position::ZERO);
}
