//! The server goes away and comes back.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bus::{Bus, PublishError, RequestError, Settings, State};
use metrics::{Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use nats_child::NatsChild;

use crate::world::{PATIENCE, bus, bytes, is_away, is_connected, serve_echo, soon, subject, until};

/// Far above what a refusal takes, far below every deadline used here.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Remembers what `whistle_nats_connected` was last set to, on this thread.
#[derive(Default)]
struct Connected(Arc<Last>);

#[derive(Default)]
struct Last(Mutex<Option<f64>>);

impl Connected {
    fn gauge(&self) -> Option<f64> {
        *self.0.0.lock().unwrap()
    }
}

impl GaugeFn for Last {
    fn increment(&self, by: f64) {
        panic!("set, never moved by {by}");
    }

    fn decrement(&self, by: f64) {
        panic!("set, never moved by {by}");
    }

    fn set(&self, value: f64) {
        *self.0.lock().unwrap() = Some(value);
    }
}

impl Recorder for Connected {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        match key.name() {
            "whistle_nats_connected" => Gauge::from_arc(Arc::clone(&self.0)),
            _ => Gauge::noop(),
        }
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn started() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a stopwatch for one test")]
    Instant::now()
}

#[tokio::test]
async fn subscription_and_service_work_again_after_a_restart() {
    let mut server = NatsChild::start().unwrap();
    let (here, there) = (bus(&server, "here").await, bus(&server, "there").await);
    let (echo, log) = (subject(&["test", "echo"]), subject(&["test", "log"]));
    let _serving = serve_echo(&there).await;
    let mut subscription = there.subscribe(&log).await.unwrap();
    for round in 0..3 {
        for bus in [&here, &there] {
            let state = until(bus, is_connected).await;
            let State::Connected { server, payload_max } = state else { panic!("{state:?}") };
            assert!(server.starts_with('2'), "{server}");
            assert_eq!(payload_max, 1024 * 1024 - 8 * 1024);
        }
        // Its own request follows its subscriptions on the same connection.
        let asked = there.request(&echo, bytes("there"), None, PATIENCE).await;
        assert_eq!(asked, Ok(bytes("|there")), "round {round}");
        assert_eq!(here.request(&echo, bytes("here"), None, PATIENCE).await, Ok(bytes("|here")));
        here.publish(&log, bytes("news"), None).await.unwrap();
        assert_eq!(soon(subscription.next()).await.unwrap().payload, bytes("news"));

        server.kill();
        until(&here, is_away).await;
        until(&there, is_away).await;
        server.restart().unwrap();
    }
    assert_eq!(subscription.dropped(), 0);
}

#[tokio::test]
async fn while_the_server_is_away_nothing_is_sent_and_nothing_waited_for() {
    let mut server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let log = subject(&["test", "log"]);
    let mut subscription = bus.subscribe(&log).await.unwrap();
    server.kill();
    let since = started();
    let State::Away { reason, .. } = until(&bus, is_away).await else { panic!("not away") };
    assert!(!reason.is_empty());
    assert_eq!(bus.request(&log, bytes("vain"), None, PATIENCE).await, Err(RequestError::Away));
    assert_eq!(bus.publish(&log, bytes("vain"), None).await, Err(PublishError::Away));
    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());

    server.restart().unwrap();
    soon(bus.connected()).await;
    bus.publish(&log, bytes("anew"), None).await.unwrap();
    // Nothing of what was refused turns up later.
    assert_eq!(soon(subscription.next()).await.unwrap().payload, bytes("anew"));
}

#[tokio::test]
async fn a_request_under_way_is_unknown_as_soon_as_the_server_goes() {
    let mut server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let silent = subject(&["test", "silent"]);
    let mut listens = bus.subscribe(&silent).await.unwrap();
    let asking = {
        let (bus, silent) = (bus.clone(), silent.clone());
        async move { bus.request(&silent, bytes("?"), None, Duration::MAX).await }
    };
    let ending = async {
        soon(listens.next()).await.unwrap();
        server.kill();
    };
    let (answer, ()) = soon(async { tokio::join!(asking, ending) }).await;
    assert_eq!(answer, Err(RequestError::Unknown));
}

#[tokio::test]
async fn a_server_that_hangs_leaves_requests_unknown_and_answers_once_it_goes_on() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let _serving = serve_echo(&bus).await;
    let echo = subject(&["test", "echo"]);
    assert_eq!(bus.request(&echo, bytes("1"), None, PATIENCE).await, Ok(bytes("|1")));
    server.pause().unwrap();
    let hanging = bus.request(&echo, bytes("2"), None, Duration::from_millis(100)).await;
    assert_eq!(hanging, Err(RequestError::Unknown));
    server.resume().unwrap();
    assert_eq!(bus.request(&echo, bytes("3"), None, PATIENCE).await, Ok(bytes("|3")));
}

#[tokio::test]
async fn connecting_comes_back_without_a_server_and_connects_once_it_starts() {
    let mut server = NatsChild::start().unwrap();
    server.kill();
    let bus = soon(Bus::connect(&Settings::local(server.url()), "early")).await.unwrap();
    assert!(!bus.is_connected());
    assert_eq!(bus.payload_max(), 1024 * 1024 - 8 * 1024);
    // Both wait for the server.
    let _serving = serve_echo(&bus).await;
    let log = subject(&["test", "log"]);
    let mut subscription = bus.subscribe(&log).await.unwrap();
    let State::Away { reason, .. } = until(&bus, is_away).await else { panic!("not away") };
    assert!(reason.contains("127.0.0.1"), "{reason}");

    server.restart().unwrap();
    soon(bus.connected()).await;
    let echo = subject(&["test", "echo"]);
    assert_eq!(bus.request(&echo, bytes("at last"), None, PATIENCE).await, Ok(bytes("|at last")));
    bus.publish(&log, bytes("news"), None).await.unwrap();
    assert_eq!(soon(subscription.next()).await.unwrap().payload, bytes("news"));
}

#[tokio::test]
async fn what_operators_see_is_away_from_the_beginning() {
    let connected = Connected::default();
    let _here = metrics::set_default_local_recorder(&connected);
    let mut server = NatsChild::start().unwrap();
    server.kill();
    let bus = soon(Bus::connect(&Settings::local(server.url()), "early")).await.unwrap();
    until(&bus, is_away).await;
    assert_eq!(connected.gauge(), Some(0.0));
    server.restart().unwrap();
    until(&bus, is_connected).await;
    assert_eq!(connected.gauge(), Some(1.0));
}

#[tokio::test]
async fn a_bus_can_be_closed_while_the_server_is_away() {
    let mut server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let mut subscription = bus.subscribe(&subject(&["test", "log"])).await.unwrap();
    server.kill();
    until(&bus, is_away).await;
    soon(bus.close()).await;
    assert_eq!(soon(subscription.next()).await, None);
    server.restart().unwrap();
    soon(bus.connected()).await;
    assert!(!bus.is_connected());
    assert_eq!(*bus.state().borrow(), State::Closed);
}
