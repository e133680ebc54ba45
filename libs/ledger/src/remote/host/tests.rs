//! Who serves a log, of several that could.

use std::sync::Arc;

use bus::{Endpoint, Service, Serving, Subject};
use nats_child::NatsChild;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::protocol::{self, Origin, Told};
use super::HostError;
use crate::tests::kit::{DEADLINE, Kit, connect, over, serve};
use crate::tests::support::{case, step, store};
use crate::{Options, Position};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_ledger_on_the_same_subjects_is_refused() {
    let kit = Kit::nats().await;
    let ledger = kit.ledger().await;
    let dir = tempfile::tempdir().unwrap();
    let second = serve(&store(dir.path()), kit.nats_child(), &CancellationToken::new()).await.await;
    assert!(matches!(second, Err(HostError::Rival { .. })), "{second:?}");
    step(&ledger, 1, case(1)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_ledgers_that_begin_together_one_serves_and_the_other_takes_nothing() {
    let (nats, stop) = (NatsChild::start().unwrap(), CancellationToken::new());
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [one, other] = [store(dirs[0].path()), store(dirs[1].path())];
    let mut first = Handle::current().spawn(serve(&one, &nats, &stop).await);
    let mut second = Handle::current().spawn(serve(&other, &nats, &stop).await);
    step(&over(&nats, Options::DEFAULT).await.unwrap(), 1, case(1)).await;
    let (ended, stays, goes) = tokio::select! {
        ended = &mut first => (ended, other, one),
        ended = &mut second => (ended, one, other),
    };
    assert!(matches!(ended.unwrap(), Err(HostError::Rival { .. })));
    assert_eq!((stays.head().position, goes.head().position), (Position(1), Position::ZERO));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_that_serves_does_not_give_way_to_one_that_wants_to() {
    let kit = Kit::nats().await;
    let ledger = kit.ledger().await;
    let bus = connect(kit.nats_child()).await;
    let subject = Subject::new(["whistle", "sample", "log"]).unwrap();
    let mut heard = bus.subscribe(&subject).await.unwrap();
    // It began earlier by its clock.
    let (epoch, instance, since) = (1, Uuid::from_u128(7), 0);
    let claim = Told::Claim { origin: Origin { ledger: "sample".to_owned(), epoch, instance, since } };
    bus.publish(&subject, protocol::encode(&claim).unwrap(), None).await.unwrap();
    let mut claimed = false;
    loop {
        let message = tokio::time::timeout(DEADLINE, heard.next()).await.unwrap().unwrap();
        match protocol::decode::<Told<'_>>(&message.payload).unwrap() {
            Told::Claim { .. } => claimed = true,
            Told::Beat { .. } if claimed => break,
            Told::Beat { .. } | Told::Commits { .. } => {}
        }
    }
    step(&ledger, 1, case(1)).await;
    assert_eq!(kit.store.head().position, Position(1));
}

/// Somebody who is there for what ledgers are asked, and does not answer.
async fn mute(nats: &NatsChild) -> (Serving, Arc<Notify>) {
    let asked = Arc::new(Notify::new());
    let tell = Arc::clone(&asked);
    let subject = Subject::new(["whistle", "sample", "ledger", "status"]).unwrap();
    let status = Endpoint::new("status", subject, 16, move |_| {
        tell.notify_one();
        std::future::pending()
    });
    let (name, version, description) = ("whistle-ledger".into(), "0.0.1".into(), "stands still".into());
    let service = Service { name, version, description, endpoints: vec![status] };
    (connect(nats).await.serve(service).await.unwrap(), asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_ledger_that_stands_still_no_other_serves_before_it_is_gone() {
    let (nats, stop) = (NatsChild::start().unwrap(), CancellationToken::new());
    let (first, asked) = mute(&nats).await;
    let dir = tempfile::tempdir().unwrap();
    let mut second = Handle::current().spawn(serve(&store(dir.path()), &nats, &stop).await);
    for _ in 0..2 {
        tokio::select! {
            () = asked.notified() => {}
            ended = &mut second => panic!("{ended:?}"),
        }
    }
    drop(first);
    step(&over(&nats, Options::DEFAULT).await.unwrap(), 1, case(1)).await;
    stop.cancel();
    second.await.unwrap().unwrap();
}
