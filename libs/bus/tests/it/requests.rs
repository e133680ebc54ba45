//! Request and reply, publish and subscribe, while the server is there.

use std::time::Duration;

use bus::{Endpoint, Message, PublishError, RequestError};
use bytes::Bytes;
use nats_child::NatsChild;

use crate::world::{Files, PATIENCE, bus, bytes, echo, serve_echo, service, soon, subject};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn a_request_is_answered_and_carries_its_trace() {
    let server = NatsChild::start().unwrap();
    let (here, there) = (bus(&server, "here").await, bus(&server, "there").await);
    let _serving = serve_echo(&there).await;
    let echo = subject(&["test", "echo"]);
    soon(there.request(&echo, bytes("ready"), None, PATIENCE)).await.unwrap();

    let ask = |text, trace| here.request(&echo, bytes(text), trace, PATIENCE);
    assert_eq!(ask("good morning", Some(TRACE)).await, Ok(bytes(&format!("{TRACE}|good morning"))));
    assert_eq!(ask("", None).await, Ok(bytes("|")));
    assert_eq!(ask("broken trace", Some("a\r\nb: c")).await, Ok(bytes("|broken trace")));
    assert_eq!(ask("long trace", Some(&"a".repeat(200))).await, Ok(bytes("|long trace")));
}

#[tokio::test]
async fn many_requests_at_once_get_each_its_own_answer() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let _serving = serve_echo(&bus).await;
    let echo = subject(&["test", "echo"]);
    let asking = (0..200).map(|number| {
        let (bus, echo) = (&bus, &echo);
        async move {
            let text = format!("number {number}");
            let answer = bus.request(echo, bytes(&text), None, PATIENCE).await;
            assert_eq!(answer, Ok(bytes(&format!("|{text}"))));
        }
    });
    futures_util::future::join_all(asking).await;
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_wait_unsent() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let silent = subject(&["test", "silent"]);
    let mut listens = bus.subscribe(&silent).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let under_way = futures_util::future::join_all((0..4_096).map(|_| {
        let (bus, silent, stop) = (&bus, &silent, stop.clone());
        stop.run_until_cancelled_owned(bus.request(silent, bytes("?"), None, Duration::MAX))
    }));
    let one_more = async {
        for _ in 0..4_096 {
            soon(listens.next()).await.unwrap();
        }
        let refused = bus.request(&silent, bytes("?"), None, Duration::from_millis(50)).await;
        assert_eq!(refused, Err(RequestError::Away));
        stop.cancel();
    };
    let (given_up, ()) = tokio::join!(under_way, one_more);
    assert!(given_up.iter().all(Option::is_none));
    // Whoever gave up has left a place.
    let serving = serve_echo(&bus).await;
    assert_eq!(bus.request(&subject(&["test", "echo"]), bytes("!"), None, PATIENCE).await, Ok(bytes("|!")));
    serving.stop().await;
}

#[tokio::test]
async fn the_services_own_error_is_told_apart_from_a_breakdown() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let _serving = serve_echo(&bus).await;
    let echo = subject(&["test", "echo"]);
    let refused = bus.request(&echo, bytes("refuse"), None, PATIENCE).await;
    assert_eq!(refused, Err(RequestError::Refused { code: 409, reason: "not  this one".to_owned() }));
    // A handler that panicked may have done half of it; the endpoint goes on.
    for _ in 0..10 {
        assert_eq!(bus.request(&echo, bytes("panic"), None, PATIENCE).await, Err(RequestError::Unknown));
    }
    assert_eq!(bus.request(&echo, bytes("still there"), None, PATIENCE).await, Ok(bytes("|still there")));
}

#[tokio::test]
async fn nobody_listening_is_told_at_once_and_no_answer_in_time_is_unknown() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let nobody = subject(&["test", "nobody"]);
    let asked = bus.request(&nobody, bytes("?"), None, Duration::MAX);
    assert_eq!(soon(asked).await, Err(RequestError::NobodyListens));

    let silent = subject(&["test", "silent"]);
    let _listens = bus.subscribe(&silent).await.unwrap();
    let asked = bus.request(&silent, bytes("?"), None, Duration::from_millis(50));
    assert_eq!(soon(asked).await, Err(RequestError::Unknown));
}

#[tokio::test]
async fn too_large_is_refused_before_it_is_sent() {
    let files = Files::new();
    let server = files.server("max_payload: 65536");
    let bus = bus(&server, "here").await;
    assert_eq!(bus.payload_max(), 65_536 - 8_192);
    let to = subject(&["test", "log"]);
    let mut subscription = bus.subscribe(&to).await.unwrap();
    let (fits, too_large) = (vec![b'x'; bus.payload_max()], vec![b'x'; bus.payload_max() + 1]);
    let (limit, actual) = (fits.len(), too_large.len());

    let refused = bus.request(&to, too_large.clone().into(), Some(TRACE), PATIENCE).await;
    assert_eq!(refused, Err(RequestError::TooLarge { limit, actual }));
    let refused = bus.publish(&to, too_large.into(), Some(TRACE)).await;
    assert_eq!(refused, Err(PublishError::TooLarge { limit, actual }));

    bus.publish(&to, fits.clone().into(), Some(TRACE)).await.unwrap();
    let first = soon(subscription.next()).await.unwrap();
    assert_eq!(first, Message { payload: fits.into(), trace: Some(TRACE.to_owned()) });
    assert!(bus.is_connected());
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_an_error_and_not_silence() {
    let files = Files::new();
    let server = files.server("max_payload: 65536");
    let bus = bus(&server, "here").await;
    let to = subject(&["test", "large"]);
    let large = |_| async { Ok(Bytes::from(vec![b'x'; 70_000])) };
    let _serving = bus
        .serve(service("whistle-large", vec![Endpoint::new("large", to.clone(), 1, large)]))
        .await
        .unwrap();
    let answer = soon(bus.request(&to, bytes("?"), None, Duration::MAX)).await;
    assert!(matches!(answer, Err(RequestError::Refused { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_published_message_reaches_every_subscription() {
    let server = NatsChild::start().unwrap();
    let (here, there) = (bus(&server, "here").await, bus(&server, "there").await);
    let log = subject(&["test", "log"]);
    let mut first = there.subscribe(&log).await.unwrap();
    let mut second = there.subscribe(&log).await.unwrap();
    // An answer on the same connection says that the server knows of the subscriptions.
    let nobody = there.request(&subject(&["test", "nobody"]), bytes("?"), None, PATIENCE).await;
    assert_eq!(nobody, Err(RequestError::NobodyListens));

    here.publish(&log, bytes("one"), Some(TRACE)).await.unwrap();
    here.publish(&log, bytes("two"), None).await.unwrap();
    for subscription in [&mut first, &mut second] {
        let one = Message { payload: bytes("one"), trace: Some(TRACE.to_owned()) };
        assert_eq!(soon(subscription.next()).await, Some(one));
        assert_eq!(soon(subscription.next()).await, Some(Message { payload: bytes("two"), trace: None }));
        assert_eq!(subscription.dropped(), 0);
    }
}

#[tokio::test]
async fn a_closed_bus_sends_nothing_and_ends_its_subscriptions() {
    let server = NatsChild::start().unwrap();
    let (here, there) = (bus(&server, "here").await, bus(&server, "there").await);
    let log = subject(&["test", "log"]);
    let mut subscription = here.subscribe(&log).await.unwrap();
    let mut other = there.subscribe(&log).await.unwrap();
    let endpoint = Endpoint::new("echo", subject(&["test", "echo"]), 1, echo);
    let nobody = there.request(&subject(&["test", "nobody"]), bytes("?"), None, PATIENCE).await;
    assert_eq!(nobody, Err(RequestError::NobodyListens));

    here.publish(&log, bytes("last words"), None).await.unwrap();
    soon(here.close()).await;
    soon(here.connected()).await;
    assert_eq!(soon(other.next()).await.unwrap().payload, bytes("last words"));
    assert!(!here.is_connected());
    assert_eq!(*here.state().borrow(), bus::State::Closed);
    assert_eq!(here.publish(&log, bytes("too late"), None).await, Err(PublishError::Away));
    assert_eq!(here.request(&log, bytes("too late"), None, PATIENCE).await, Err(RequestError::Away));
    assert!(here.subscribe(&log).await.is_err());
    assert!(here.serve(service("whistle-late", vec![endpoint])).await.is_err());
    // What had come in before may still be read.
    soon(async { while subscription.next().await.is_some() {} }).await;
}
