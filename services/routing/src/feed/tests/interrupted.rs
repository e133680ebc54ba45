//! Streams that end, or whose readers pause, in the middle of something.

use std::time::Duration;

use ledger::Position;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use wire::pb::whistle::routing::v1::SubscribeRequest;
use wire::pb::whistle::routing::v1::feed_service_server::FeedService as _;

use super::support::{District, TRAFFIC, as_person, full, next, snapshot, told};
use crate::feed::Timing;
use crate::feed::message::Messages;
use crate::feed::scope::Scope;
use crate::feed::stream::{Item, Stream};

#[tokio::test]
async fn a_snapshot_that_a_stop_breaks_off_gives_nowhere_to_resume() {
    let district = District::start().await;
    for number in 1..=40 {
        district.dispatched(number).await;
    }
    let answer = district.feed.subscribe(as_person(TRAFFIC, snapshot())).await.unwrap();
    let mut stream = answer.into_inner();
    full(&stream).await;
    district.shutdown.start();
    let end = loop {
        match stream.next().await.unwrap() {
            Ok(message) => {
                assert_eq!((told(&message).as_str(), message.position_token.as_str()), ("entry", ""))
            }
            Err(end) => break end,
        }
    };
    assert_eq!(end.code(), Code::Unavailable);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_snapshot_that_was_whole_is_followed_by_a_last_bookmark_at_a_stop() {
    let district = District::start().await;
    district.dispatched(1).await;
    let mut stream = district.subscribe(TRAFFIC, snapshot()).await.unwrap();
    for expected in ["entry", "snapshot end", "caught up"] {
        assert_eq!(told(&next(&mut stream).await), expected);
    }
    district.shutdown.start();
    let last = next(&mut stream).await;
    let here = desk::token::encode(&district.world.desk.ledger, district.world.desk.ledger.head().position);
    assert_eq!((told(&last), last.position_token), ("bookmark".to_owned(), here));
}

/// A quiet feed that says so all the time, to a reader for whom one message may wait.
async fn impatient(district: &District) -> ReceiverStream<Item> {
    let request = as_person(TRAFFIC, SubscribeRequest::default());
    let (metadata, _, request) = request.into_parts();
    let desk = district.world.desk.clone();
    let (caller, registry) = (desk.caller(&metadata).unwrap(), desk.published().unwrap());
    let scope = Scope::of(&request, &caller, &registry).unwrap();
    let scope = Scope { bookmark_every: Duration::from_millis(1), ..scope };
    let (tx, rx) = mpsc::channel(1);
    let stream = Stream {
        check_at: Instant::now() + test_kit::DEADLINE,
        bookmark_at: Instant::now(),
        messages: Messages { desk, caller, scope },
        metadata,
        request,
        judged_by: registry.version(),
        view: district.feed.view.clone(),
        latest: district.feed.latest.clone(),
        shutdown: district.shutdown.clone(),
        timing: Timing { slow_after: Duration::from_millis(1), check_every: test_kit::DEADLINE },
        tx,
        cursor: Position(0).get(),
        snapshot: false,
        holders: None,
        seat: district.feed.seats.take(TRAFFIC).unwrap(),
    };
    district.shutdown.spawn("feed", stream.run());
    ReceiverStream::new(rx)
}

#[tokio::test]
async fn whoever_fell_behind_while_it_was_quiet_is_told_to_have_caught_up_again() {
    let district = District::start().await;
    let mut stream = impatient(&district).await;
    let mut read = async || {
        // Full at several looks in a row, each longer than the patience of this feed: the next message has to wait.
        let mut full_looks = 0;
        test_kit::wait_until("the reader to be behind", test_kit::DEADLINE, || {
            full_looks = if stream.as_ref().is_empty() { 0 } else { full_looks + 1 };
            full_looks == 4
        })
        .await;
        told(&stream.next().await.unwrap().unwrap())
    };
    assert_eq!(read().await, "caught up");
    while read().await != "fell behind" {}
    let next = loop {
        let message = stream.next().await.unwrap().unwrap();
        if told(&message) != "fell behind" {
            break told(&message);
        }
    };
    assert_eq!(next, "caught up");
}
