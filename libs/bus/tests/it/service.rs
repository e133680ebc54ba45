//! The micro service's manners.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bus::{Bus, Endpoint, RequestError, ServeError, Settings};
use futures_util::{FutureExt, StreamExt};
use nats_child::NatsChild;
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};

use crate::world::{PATIENCE, bus, bytes, echo, serve_echo, service, soon, subject};

/// The answer to a question of the micro protocol, asked as an operator would.
async fn asked(operator: &async_nats::Client, subject: &str) -> Value {
    let answer = soon(operator.request(subject.to_owned(), "".into())).await.unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

#[tokio::test]
async fn it_answers_ping_info_and_stats_under_its_name_also_after_a_restart() {
    let mut server = NatsChild::start().unwrap();
    let bus = bus(&server, "whistle-intake").await;
    let status = subject(&["whistle", "j1", "intake", "status"]);
    let endpoint = Endpoint::new("status", status.clone(), 4, echo);
    let serving = bus.serve(service("whistle-intake", vec![endpoint])).await.unwrap();
    assert_eq!(bus.request(&status, bytes("?"), None, PATIENCE).await, Ok(bytes("|?")));
    assert!(bus.request(&status, bytes("refuse"), None, PATIENCE).await.is_err());
    server.kill();
    server.restart().unwrap();
    soon(async {
        while bus.request(&status, bytes("?"), None, PATIENCE).await.is_err() {
            bus.state().changed().await.unwrap();
        }
    })
    .await;

    let brief = async_nats::ConnectOptions::new().request_timeout(Some(Duration::from_millis(50)));
    let hasty = brief.connect(server.url()).await.unwrap();
    let operator = async_nats::connect(server.url()).await.unwrap();
    for subject in ["$SRV.PING", "$SRV.PING.whistle-intake"] {
        let ping = asked(&operator, subject).await;
        assert_eq!((&ping["name"], &ping["version"]), (&"whistle-intake".into(), &"1.2.3".into()));
    }
    let info = asked(&operator, "$SRV.INFO").await;
    assert_eq!(info["description"], "repeats");
    assert_eq!(info["endpoints"][0]["subject"], "whistle.j1.intake.status");
    assert_eq!(info["endpoints"][0]["queue_group"], "whistle-intake");
    let stats = asked(&operator, "$SRV.STATS.whistle-intake").await;
    assert_eq!(stats["endpoints"][0]["name"], "status");
    assert_eq!(stats["endpoints"][0]["num_requests"], 3);
    assert_eq!(stats["endpoints"][0]["num_errors"], 1);

    soon(serving.stop()).await;
    soon(async {
        let nobody = async_nats::RequestErrorKind::NoResponders;
        while hasty.request("$SRV.PING", "".into()).await.err().map(|error| error.kind()) != Some(nobody) {}
    })
    .await;
}

#[tokio::test]
async fn it_ends_when_dropped_and_lets_what_is_under_way_finish() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let to = subject(&["test", "slow"]);
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (begun, go_on) = (begun.clone(), go_on.clone());
        move |_| {
            let (begun, go_on) = (begun.clone(), go_on.clone());
            async move {
                begun.notify_one();
                go_on.notified().await;
                Ok(bytes("done"))
            }
        }
    };
    let serving =
        bus.serve(service("whistle-slow", vec![Endpoint::new("slow", to.clone(), 1, slow)])).await.unwrap();
    let asking = bus.request(&to, bytes("?"), None, PATIENCE);
    let ending = async {
        soon(begun.notified()).await;
        drop(serving);
        // Nobody takes the next one any more.
        soon(async {
            let brief = Duration::from_millis(50);
            while bus.request(&to, bytes("?"), None, brief).await != Err(RequestError::NobodyListens) {}
        })
        .await;
        go_on.notify_one();
    };
    let (answer, ()) = tokio::join!(asking, ending);
    assert_eq!(answer, Ok(bytes("done")));
}

#[tokio::test]
async fn it_works_on_no_more_at_once_than_it_was_told() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counting = {
        let (now, most) = (now.clone(), most.clone());
        move |_| {
            let (now, most) = (now.clone(), most.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(bytes(""))
            }
        }
    };
    let to = subject(&["test", "count"]);
    let endpoint = Endpoint::new("count", to.clone(), 3, counting);
    let _serving = bus.serve(service("whistle-count", vec![endpoint])).await.unwrap();
    let asking = (0..100).map(|_| bus.request(&to, bytes("?"), None, PATIENCE));
    assert!(futures_util::future::join_all(asking).await.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn it_turns_away_what_is_too_much_as_not_done() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let seats = Arc::new(Semaphore::new(0));
    let stuck = {
        let seats = seats.clone();
        move |_| {
            let seats = seats.clone();
            async move {
                seats.acquire().await.unwrap().forget();
                Ok(bytes("done"))
            }
        }
    };
    let to = subject(&["test", "stuck"]);
    let endpoint = Endpoint::new("stuck", to.clone(), 1, stuck);
    let _serving = bus.serve(service("whistle-stuck", vec![endpoint])).await.unwrap();
    let (worked_on, waiting, too_many) = (1, 1_024, 10);
    let all = worked_on + waiting + too_many;
    let mut asking: futures_util::stream::FuturesUnordered<_> =
        (0..all).map(|_| bus.request(&to, bytes("?"), None, PATIENCE)).collect();
    for _ in 0..too_many {
        assert_eq!(soon(asking.next()).await.unwrap(), Err(RequestError::NobodyListens));
    }
    seats.add_permits(all);
    while let Some(answer) = asking.next().await {
        assert_eq!(answer, Ok(bytes("done")));
    }
}

#[tokio::test]
async fn it_turns_nobody_away_whose_answer_goes_to_no_inbox() {
    let server = NatsChild::start().unwrap();
    let bus = bus(&server, "here").await;
    let stuck = |_| std::future::pending();
    let to = subject(&["test", "stuck"]);
    let _serving = bus
        .serve(service("whistle-stuck", vec![Endpoint::new("stuck", to.clone(), 1, stuck)]))
        .await
        .unwrap();
    let other = async_nats::connect(server.url()).await.unwrap();
    let mut elsewhere = other.subscribe("test.elsewhere").await.unwrap();
    let mut inbox = other.subscribe("_INBOX.other").await.unwrap();
    let ask = async |reply: &'static str| {
        other.publish_with_reply(to.as_str().to_owned(), reply, "?".into()).await.unwrap();
    };
    for _ in 0..1 + 1_024 {
        ask("_INBOX.nobody").await;
    }
    // Both are one too many. What is answered is answered in turn.
    ask("test.elsewhere").await;
    ask("_INBOX.other").await;
    let headers = soon(inbox.next()).await.unwrap().headers.unwrap();
    assert_eq!(headers.get("Nats-Service-Error-Code").unwrap().as_str(), "65001");
    assert!(elsewhere.next().now_or_never().is_none());
}

#[tokio::test]
async fn two_copies_share_the_work() {
    let server = NatsChild::start().unwrap();
    let (one, two) = (bus(&server, "one").await, bus(&server, "two").await);
    let _first = serve_echo(&one).await;
    let _second = serve_echo(&two).await;
    let echo = subject(&["test", "echo"]);
    for _ in 0..20 {
        assert_eq!(one.request(&echo, bytes("?"), None, PATIENCE).await, Ok(bytes("|?")));
    }
    let operator = async_nats::connect(server.url()).await.unwrap();
    let mut answers = operator.subscribe("here").await.unwrap();
    operator.publish_with_reply("$SRV.STATS.whistle-echo", "here", "".into()).await.unwrap();
    let mut requests = 0;
    for _ in 0..2 {
        let stats: Value = serde_json::from_slice(&soon(answers.next()).await.unwrap().payload).unwrap();
        requests += stats["endpoints"][0]["num_requests"].as_u64().unwrap();
    }
    assert_eq!(requests, 20);
}

#[tokio::test]
async fn faulty_names_are_refused() {
    let server = NatsChild::start().unwrap();
    let bus = Bus::connect(&Settings::local(server.url()), "here").await.unwrap();
    let endpoint = |name: &str| Endpoint::new(name, subject(&["test", "echo"]), 1, echo);
    let mut unversioned = service("whistle-echo", vec![]);
    unversioned.version = "newest".into();
    for faulty in [
        unversioned,
        service("whistle echo", vec![]),
        service("whistle-echo", vec![endpoint("a.b")]),
        service("whistle-echo", vec![endpoint("twice"), endpoint("twice")]),
    ] {
        let refused = bus.serve(faulty).await;
        assert!(matches!(refused, Err(ServeError::Malformed(_))), "{refused:?}");
    }
}
