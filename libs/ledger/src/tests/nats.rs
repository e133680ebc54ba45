//! What only a real nats-server shows.

use std::sync::Arc;

use bus::{Endpoint, Service, Serving, Subject};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use nats_child::{NatsChild, Options as NatsOptions};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::kit::{DEADLINE, Kit, connect, over, serve};
use super::support::{AHEAD_MAX, append, at, case, command, note, raise_or_note, raised, step, store};
use crate::{
    CommandContext, CommitError, ExecuteError, HostError, Ledger, LedgerError, Options, Position, Rider,
    TooLarge,
};

/// Asks again until there is an answer, as callers do.
async fn insist(ledger: &Ledger, id: u128, number: u128) {
    loop {
        match ledger.execute(&command(id), at(0), &[case(number)], |cases| Ok(raise_or_note(cases))).await {
            Ok(_) => return,
            Err(ExecuteError::Away | ExecuteError::Unavailable | ExecuteError::Ledger(LedgerError::Away)) => {
                tokio::task::yield_now().await
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Counts the requests of one kind by listening beside the ledger.
async fn count(nats: &NatsChild, op: &str) -> impl AsyncFnMut() -> usize {
    let bus = connect(nats).await;
    let subject = Subject::new(["whistle", "sample", "ledger", op]).unwrap();
    let mut heard = bus.subscribe(&subject).await.unwrap();
    // The subscription stands once the server has answered something sent after it.
    let probe = Subject::new(["whistle", "sample", "nobody"]).unwrap();
    drop(bus.request(&probe, bytes::Bytes::new(), None, super::kit::DEADLINE).await);
    async move || {
        drop(bus.request(&probe, bytes::Bytes::new(), None, super::kit::DEADLINE).await);
        let mut count = 0;
        while let Some(Some(_)) = heard.next().now_or_never() {
            count += 1;
        }
        count
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raising_is_one_round_trip() {
    let kit = Kit::nats().await;
    let ledger = kit.ledger().await;
    let mut asked = Vec::new();
    for op in ["commit", "stream", "log", "find", "status"] {
        asked.push((op, count(kit.nats_child(), op).await));
    }
    let context = CommandContext { makes_cases: true, ..command(1) };
    ledger.execute(&context, at(0), &[case(1)], |cases| Ok(raise_or_note(cases))).await.unwrap();
    // So is the next command on a case that is known here.
    step(&ledger, 2, case(1)).await;
    for (op, count) in &mut asked {
        assert_eq!(count().await, if *op == "commit" { 2 } else { 0 }, "{op}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_case_presumed_new_is_read_when_it_is_not() {
    let kit = Kit::nats().await;
    step(&kit.ledger().await, 1, case(1)).await;
    let ledger = kit.ledger().await;
    let context = CommandContext { makes_cases: true, ..command(2) };
    let done = ledger.execute(&context, at(0), &[case(1)], |cases| Ok(raise_or_note(cases))).await.unwrap();
    assert_eq!(done.cases[0].version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_one_message_carries_many_commits() {
    const COMMANDS: u128 = 400;
    let kit = Kit::nats().await;
    let ledger = kit.ledger().await;
    let mut messages = count(kit.nats_child(), "commit").await;
    join_all((0..COMMANDS).map(|id| {
        let ledger = ledger.clone();
        async move { step(&ledger, id, case(id)).await }
    }))
    .await;
    assert_eq!(kit.store.head().position.get(), u64::try_from(COMMANDS).unwrap());
    let messages = messages().await;
    assert!(messages <= 100, "{messages} messages for {COMMANDS} commits");
}

/// Somebody who introduces himself as a ledger of the program whose messages begin with this version.
async fn of_version(nats: &NatsChild, version: u8) -> (Serving, Arc<Notify>) {
    let asked = Arc::new(Notify::new());
    let tell = Arc::clone(&asked);
    let subject = Subject::new(["whistle", "sample", "ledger", "status"]).unwrap();
    let status = Endpoint::new("status", subject, 1, move |_| {
        tell.notify_one();
        async move { Ok(bytes::Bytes::copy_from_slice(&[version, 6])) }
    });
    let (name, version, description) = ("whistle-ledger".into(), "0.0.1".into(), "another".into());
    let service = Service { name, version, description, endpoints: vec![status] };
    (connect(nats).await.serve(service).await.unwrap(), asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_of_an_older_program_is_waited_for_until_it_is_replaced() {
    let nats = NatsChild::start().unwrap();
    let (older, asked) = of_version(&nats, 1).await;
    let connecting = {
        let bus = connect(&nats).await;
        async move { Ledger::remote(&bus, &super::support::info().jurisdiction, DEADLINE, Options::DEFAULT).await }
    };
    let mut connecting = Handle::current().spawn(connecting);
    // It asks again after it heard the answer.
    for _ in 0..2 {
        tokio::select! {
            () = asked.notified() => {}
            ended = &mut connecting => panic!("{:?}", ended.unwrap().err()),
        }
    }
    older.stop().await;
    let dir = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let serving = Handle::current().spawn(serve(&store(dir.path()), &nats, &stop).await);
    step(&connecting.await.unwrap().unwrap(), 1, case(1)).await;
    stop.cancel();
    serving.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_ledger_of_a_newer_program_nobody_starts() {
    let nats = NatsChild::start().unwrap();
    let (_newer, _asked) = of_version(&nats, 200).await;
    let refused = over(&nats, Options::DEFAULT).await.err().unwrap();
    assert!(matches!(refused, LedgerError::OtherVersion { theirs: 200, .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_ledger_is_refused_beside_one_of_another_program() {
    let nats = NatsChild::start().unwrap();
    let (_other, _asked) = of_version(&nats, 1).await;
    let dir = tempfile::tempdir().unwrap();
    let second = serve(&store(dir.path()), &nats, &CancellationToken::new()).await;
    let refused = tokio::time::timeout(DEADLINE, second).await.expect("it serves").unwrap_err();
    assert!(matches!(refused, HostError::Ledger(LedgerError::OtherVersion { theirs: 1, .. })), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_whose_clock_is_ahead_stamps_nothing() {
    let kit = Kit::nats().await;
    let ledger = kit.ledger().await;
    let raise = async |id: u128, second: i64| {
        let context = CommandContext { makes_cases: true, ..command(id) };
        ledger.execute(&context, at(second), &[case(id)], |cases| Ok(raise_or_note(cases))).await
    };
    assert_eq!(raise(1, AHEAD_MAX + 1).await.unwrap_err(), ExecuteError::Away);
    assert_eq!(kit.store.head().position, Position::ZERO);
    let done = raise(1, AHEAD_MAX).await.unwrap();
    assert_eq!(done.commit.unwrap().recorded_at.instant(), at(AHEAD_MAX));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_carries_less_than_a_commit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("nats.conf");
    std::fs::write(&config, "max_payload: 65536\n").unwrap();
    let nats = NatsChild::start_with(NatsOptions { config: Some(config), ..NatsOptions::default() }).unwrap();
    let host = crate::Host::new(
        &Ledger::local(store(&dir.path().join("log")), super::support::info()),
        Arc::new(crate::NoRiders),
        super::support::times(0),
    );
    let served = host.unwrap().serve(&connect(&nats).await, Vec::new(), &CancellationToken::new()).await;
    assert!(matches!(served, Err(HostError::SmallMessages { .. })), "{served:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_before_it_is_sent() {
    let kit = Kit::nats().await;
    let ledger = kit.ledger().await;
    let mut messages = count(kit.nats_child(), "commit").await;
    let many = (0..12).map(|_| note(60_000 / 5)).collect::<Vec<_>>();
    let rider = Rider(vec![7; 1024 * 1024]);
    let context = CommandContext { rider: Some(rider), ..command(1) };
    let refused = ledger.commit(&context, at(0), vec![append(case(1), 0, many)]).await.unwrap_err();
    assert!(matches!(refused, CommitError::TooLarge(TooLarge { .. })), "{refused}");
    assert_eq!(messages().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rider_nobody_keeps_leaves_nothing() {
    let kit = Kit::nats().await;
    let context = CommandContext { rider: Some(Rider(vec![1, 2, 3])), ..command(1) };
    let raise = vec![append(case(1), 0, vec![raised()])];
    let refused = kit.ledger().await.commit(&context, at(0), raise).await.unwrap_err();
    assert_eq!(refused, CommitError::Unavailable);
    assert_eq!(kit.store.head().position, Position::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_goes_on_while_nats_is_killed_and_stands_still() {
    const EACH: u128 = 30;
    let mut kit = Kit::nats().await;
    let (ledger, reader) = (kit.quick_ledger().await, kit.quick_ledger().await);
    let mut follow = reader.follow(Position::ZERO).unwrap();
    for turn in 0..3_u128 {
        for n in 0..EACH {
            insist(&ledger, 1000 * turn + n, n % 3).await;
        }
        match turn {
            0 => {
                kit.nats_child_mut().kill();
                let away = ledger.execute(&command(1), at(0), &[case(9)], |_| Ok(vec![Vec::new()])).await;
                assert!(away.is_err(), "there is nobody to ask");
                kit.nats_child_mut().restart().unwrap();
            }
            1 => {
                kit.nats_child_mut().pause().unwrap();
                let appends = vec![append(case(7), 0, vec![raised()])];
                let slow = ledger.commit(&command(2), at(0), appends).await;
                assert_eq!(slow.unwrap_err(), CommitError::Unavailable, "it may have happened");
                kit.nats_child_mut().resume().unwrap();
            }
            _ => {}
        }
    }
    let stored = kit.store.read_log(Position::ZERO, usize::MAX).unwrap().commits;
    let mut ids: Vec<_> = stored.iter().map(|commit| commit.command_id).collect();
    for commit in &stored {
        assert_eq!(follow.next().await.unwrap().chain, commit.chain_hash);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), stored.len(), "no command happened twice");
    assert!(stored.len() >= usize::try_from(3 * EACH).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn following_goes_on_in_a_ledger_that_was_restarted() {
    let dir = tempfile::tempdir().unwrap();
    let nats = NatsChild::start().unwrap();
    let mut opened = store(dir.path());
    let mut stop = CancellationToken::new();
    let mut serving = Handle::current().spawn(serve(&opened, &nats, &stop).await);
    let ledger = over(&nats, Options::DEFAULT).await.unwrap();
    let mut follow = ledger.follow(Position::ZERO).unwrap();
    for turn in 0..3 {
        insist(&ledger, turn, 1).await;
        assert_eq!(follow.next().await.unwrap().command_id, command(turn).command_id);
        stop.cancel();
        serving.await.unwrap().unwrap();
        opened.close().await;
        opened = loop {
            // The last handle of the one before goes with its tasks.
            match event_store::Store::open(dir.path(), &super::support::options()) {
                Ok(opened) => break opened,
                Err(event_store::OpenError::Locked { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        };
        stop = CancellationToken::new();
        serving = Handle::current().spawn(serve(&opened, &nats, &stop).await);
    }
    stop.cancel();
}
