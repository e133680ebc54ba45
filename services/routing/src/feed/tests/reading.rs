//! Tokens, snapshots, slow readers, acknowledgements, ends.

use std::collections::BTreeSet;
use std::time::Duration;

use service_kit::principals::Principals;
use tokio_stream::StreamExt as _;
use tonic::Code;
use wire::pb::whistle::routing::v1::feed_message::Message;
use wire::pb::whistle::routing::v1::feed_service_server::FeedService as _;
use wire::pb::whistle::routing::v1::subscribe_request::Start;
use wire::pb::whistle::routing::v1::{
    AcknowledgeRequest, FeedMessage, GetFeedPositionRequest, SubscribeRequest,
};

use super::support::{District, ENFORCEMENT, HOUSING, TRAFFIC, all_told, as_person, next, snapshot, told};
use crate::feed::Feed;
use crate::feed::index::Index;

fn resume(token: &str) -> SubscribeRequest {
    SubscribeRequest { start: Some(Start::ResumeToken(token.to_owned())), ..SubscribeRequest::default() }
}

fn event_id(message: &FeedMessage) -> String {
    message.event.as_ref().unwrap().event_id.clone()
}

#[tokio::test]
async fn a_token_gives_exactly_what_follows_it() {
    let district = District::start().await;
    for number in 1..=3 {
        let case = district.dispatched(number).await;
        district.sign(TRAFFIC, case, 1).await;
        district.sign(ENFORCEMENT, case, 2).await;
    }
    let all = district.read(TRAFFIC, None).await;
    // Enforcement's signing is told to the lead, who waits for it.
    assert_eq!(all_told(&all[..3]), ["assigned CaseDispatched", "changed SignedFor", "changed SignedFor"]);
    assert_eq!(all.len(), 9);
    for (index, message) in all.iter().enumerate() {
        let rest = district.read(TRAFFIC, Some(&message.position_token)).await;
        assert_eq!(rest, all[index + 1..], "after message {index}");
    }
    assert_eq!(all.iter().map(event_id).collect::<BTreeSet<_>>().len(), 9);
}

#[tokio::test]
async fn a_token_of_a_receipt_is_taken_and_waited_for() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    let head = district.world.desk.ledger.head().position;
    let token = desk::token::encode(&district.world.desk.ledger, head);
    let mut stream = district.subscribe(TRAFFIC, resume(&token)).await.unwrap();
    assert_eq!(told(&next(&mut stream).await), "caught up");
    district.sign(TRAFFIC, case, 1).await;
    assert_eq!(told(&next(&mut stream).await), "changed SignedFor");
}

#[tokio::test]
async fn a_snapshot_goes_over_into_live_without_a_gap() {
    let district = District::start().await;
    for number in 1..=20 {
        district.dispatched(number).await;
    }
    let writing = async {
        for number in 21..=40 {
            district.dispatched(number).await;
        }
    };
    let reading = async {
        let mut stream = district.subscribe(TRAFFIC, snapshot()).await.unwrap();
        let (mut cases, mut live, mut ended) = (BTreeSet::new(), Vec::new(), false);
        while cases.len() < 40 {
            let message = next(&mut stream).await;
            match told(&message).as_str() {
                "entry" => {
                    assert!(!ended && message.position_token.is_empty());
                    assert_eq!(message.duties.len(), 1);
                }
                "snapshot end" => ended = true,
                "assigned CaseDispatched" => {
                    assert!(ended);
                    live.push(event_id(&message));
                }
                _ => {}
            }
            cases.extend(message.case.map(|case| case.case_id));
        }
        live
    };
    let ((), live) = tokio::join!(writing, reading);
    assert_eq!(live.iter().collect::<BTreeSet<_>>().len(), live.len(), "nothing twice");
}

#[tokio::test]
async fn a_snapshot_shows_what_is_left_and_nothing_that_went() {
    let district = District::start().await;
    let case = district.filed(1, &[]).await;
    district.whistle(case).await;
    district.stand_down(case).await;
    district.dispatched(2).await;
    let entries = district.read_as(HOUSING, snapshot()).await;
    assert_eq!(all_told(&entries), ["snapshot end"]);
    let entries = district.read_as(TRAFFIC, snapshot()).await;
    assert_eq!(all_told(&entries), ["entry", "snapshot end"]);
    let shown = entries[0].case.as_ref().unwrap();
    assert_eq!(shown.text, super::support::WORDS);
    assert_eq!(shown.matter_name, "车位被占");
    assert_eq!(shown.area_name, "甲一社区第一网格");
    assert_eq!(entries[0].duties[0].task, "清理占用的车位");
    assert!(!entries[0].duties[0].due_times.is_empty());
}

#[tokio::test]
async fn a_slow_reader_is_told_and_loses_nothing() {
    let mut district = District::start().await;
    district.feed.timing.slow_after = Duration::from_millis(1);
    let mut cases = Vec::new();
    for number in 1..=60 {
        cases.push(district.dispatched(number).await);
    }
    for case in cases {
        district.sign(TRAFFIC, case, 1).await;
    }
    let head = district.world.desk.ledger.head().position;
    district.feed.view().wait_for(head, test_kit::DEADLINE).await.unwrap();
    let answer = district.feed.subscribe(as_person(TRAFFIC, SubscribeRequest::default())).await.unwrap();
    let mut stream = answer.into_inner();
    // Full at several looks in a row, each longer than the patience of the feed: by then the reader is behind.
    let mut full_looks = 0;
    test_kit::wait_until("the reader to be behind", test_kit::DEADLINE, || {
        full_looks = if stream.as_ref().len() == 32 { full_looks + 1 } else { 0 };
        full_looks == 4
    })
    .await;
    let (mut events, mut fell_behind) = (Vec::new(), 0);
    loop {
        let message = stream.next().await.unwrap().unwrap();
        if let Some(Message::FellBehind(told)) = &message.message {
            assert!(told.behind > 0);
            fell_behind += 1;
        } else if told(&message) == "caught up" {
            break;
        } else {
            events.push(message);
        }
    }
    assert!(fell_behind > 0);
    assert_eq!(events, district.read(TRAFFIC, None).await);
    assert_eq!(events.len(), 120);
}

#[tokio::test]
async fn a_quiet_feed_says_so_and_its_bookmark_can_be_resumed_at() {
    let district = District::start().await;
    district.dispatched(1).await;
    let bookmark_interval = Some(wire::view::duration(jiff::SignedDuration::from_secs(1)));
    let request = SubscribeRequest { bookmark_interval, ..SubscribeRequest::default() };
    let mut stream = district.subscribe(HOUSING, request).await.unwrap();
    assert_eq!(told(&next(&mut stream).await), "caught up");
    let bookmark = next(&mut stream).await;
    assert_eq!(told(&bookmark), "bookmark");
    let case = district.filed(2, &[]).await;
    district.dispatch(case, "housing", &[]).await;
    let rest = district.read(HOUSING, Some(&bookmark.position_token)).await;
    assert_eq!(all_told(&rest), ["assigned CaseDispatched"]);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_restart_and_never_goes_back() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    district.sign(TRAFFIC, case, 1).await;
    let all = district.read(TRAFFIC, None).await;
    let mut client = district.client().await;
    let mut acknowledge = async |token: &str| {
        let (feed_name, position_token) = ("orders".to_owned(), token.to_owned());
        let request = as_person(TRAFFIC, AcknowledgeRequest { feed_name, position_token });
        client.acknowledge(request).await.unwrap().into_inner().position_token
    };
    let (first, second) = (&all[0].position_token, &all[1].position_token);
    assert_eq!(acknowledge(second).await, *second);
    assert_eq!(acknowledge(first).await, *second, "an earlier one changes nothing");
    drop(client);
    let District { world, server, feed, .. } = district;
    drop(feed);
    server.stop().await;

    let district = District::over(world).await;
    district.sign(ENFORCEMENT, case, 2).await;
    let start = Some(Start::FromAcknowledged(true));
    let request = |feed: &str| SubscribeRequest {
        start: start.clone(),
        feed_name: feed.to_owned(),
        ..SubscribeRequest::default()
    };
    let rest = district.read_as(TRAFFIC, request("orders")).await;
    assert_eq!(all_told(&rest), ["changed SignedFor"]);
    assert_eq!(district.read_as(TRAFFIC, request("other")).await.len(), 3, "nothing acknowledged there");
    let asked = GetFeedPositionRequest { feed_name: "orders".to_owned() };
    let stands = district.client().await.get_feed_position(as_person(TRAFFIC, asked)).await.unwrap();
    let stands = stands.into_inner();
    assert_eq!(stands.acknowledged_token, *second);
    assert!(stands.acknowledged_time.is_some());
    assert_ne!(stands.head_token, stands.oldest_token);
}

#[tokio::test]
async fn an_acknowledgement_stays_with_the_process_told_and_a_token_holds_with_every_one() {
    let district = District::start().await;
    district.dispatched(1).await;
    let token = district.read(TRAFFIC, None).await[0].position_token.clone();
    let told_one = AcknowledgeRequest { feed_name: String::new(), position_token: token.clone() };
    district.feed.acknowledge(as_person(TRAFFIC, told_one)).await.unwrap();
    let (desk, dir) = (district.world.desk.clone(), district.world.dir("second"));
    let second = Feed::start(desk, &dir, &district.shutdown).await.unwrap();
    let head = district.world.desk.ledger.head().position;
    second.view().wait_for(head, test_kit::DEADLINE).await.unwrap();
    let begins = async |feed: &Feed, start: Start| {
        let request = SubscribeRequest { start: Some(start), ..SubscribeRequest::default() };
        let mut stream = feed.subscribe(as_person(TRAFFIC, request)).await.unwrap().into_inner();
        told(&stream.next().await.unwrap().unwrap())
    };
    assert_eq!(begins(&district.feed, Start::FromAcknowledged(true)).await, "caught up");
    assert_eq!(begins(&second, Start::FromAcknowledged(true)).await, "assigned CaseDispatched");
    assert_eq!(begins(&second, Start::ResumeToken(token)).await, "caught up");
}

#[tokio::test]
async fn a_token_that_cannot_be_resumed_at_says_where_to_begin() {
    let district = District::start().await;
    district.dispatched(1).await;
    let ledger = &district.world.desk.ledger;
    let here = desk::token::encode(ledger, ledger.head().position);
    let future = desk::token::encode(ledger, ledger::Position(ledger.head().position.get() + 1));
    let other_epoch = here.replace("example.1.", "example.2.");
    for token in [future, other_epoch] {
        let status = district.subscribe(TRAFFIC, resume(&token)).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange, "{token}");
        let oldest = desk::token::encode(ledger, ledger::Position(0));
        assert!(String::from_utf8_lossy(status.details()).contains(&oldest));
    }
    let status = district.subscribe(TRAFFIC, resume("nobody's")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_token_taken_back_ends_the_stream() {
    let mut district = District::start().await;
    district.feed.timing.check_every = Duration::from_millis(5);
    let answer = district.feed.subscribe(as_person(TRAFFIC, SubscribeRequest::default())).await.unwrap();
    let mut stream = answer.into_inner();
    assert_eq!(told(&stream.next().await.unwrap().unwrap()), "caught up");
    district.world.desk.principals.replace(&Principals::nobody());
    let end = stream.next().await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unauthenticated);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stop_ends_the_stream_with_a_last_bookmark() {
    let district = District::start().await;
    district.dispatched(1).await;
    let all = district.read(TRAFFIC, None).await;
    let mut stream = district.subscribe(TRAFFIC, resume(&all[0].position_token)).await.unwrap();
    assert_eq!(told(&next(&mut stream).await), "caught up");
    district.shutdown.start();
    let last = next(&mut stream).await;
    assert_eq!(told(&last), "bookmark");
    let end = stream.next().await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::Unavailable);
    drop(stream);
    let District { world, server, feed, .. } = district;
    drop(feed);
    server.stop().await;
    let district = District::over(world).await;
    assert!(district.read(TRAFFIC, Some(&last.position_token)).await.is_empty());
}

#[tokio::test]
async fn too_many_streams_of_one_caller_are_refused_and_freed() {
    let district = District::start().await;
    let open = async || {
        let request = as_person(TRAFFIC, SubscribeRequest::default());
        district.feed.subscribe(request).await
    };
    let mut streams = Vec::new();
    let refused = loop {
        match open().await {
            Ok(stream) => streams.push(stream.into_inner()),
            Err(status) => break status,
        }
    };
    assert_eq!((streams.len(), refused.code()), (32, Code::ResourceExhausted));
    assert!(district.feed.subscribe(as_person(HOUSING, SubscribeRequest::default())).await.is_ok());
    drop(streams);
    test_kit::wait_for("a seat", test_kit::DEADLINE, async || open().await.ok()).await;
}

#[tokio::test]
async fn an_index_made_anew_is_equal_row_for_row() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    district.sign(TRAFFIC, case, 1).await;
    let second = district.filed(2, &[]).await;
    district.whistle(second).await;
    let ledger = district.world.desk.ledger.clone();
    let live = district.feed.view().clone();
    live.wait_for(ledger.head().position, test_kit::DEADLINE).await.unwrap();
    let dir = district.world.dir("again");
    let options = projection::Options::DEFAULT;
    projection::rebuild(&dir, Index::default(), ledger.clone(), options, |_| ()).await.unwrap();
    let again: Feed = Feed::start(district.world.desk.clone(), &dir, &district.shutdown).await.unwrap();
    let sums = (
        live.read(projection::checksum).await.unwrap(),
        again.view().read(projection::checksum).await.unwrap(),
    );
    assert_eq!(sums.0, sums.1);
}

#[tokio::test]
async fn feeds_are_counted_and_the_slowest_is_known() {
    let ops = service_kit::ops::Ops::install("test").unwrap();
    let district = District::start().await;
    assert_eq!(district.feed.seats.look(), (0, None));
    let mut stream = district.subscribe(TRAFFIC, SubscribeRequest::default()).await.unwrap();
    assert_eq!(told(&next(&mut stream).await), "caught up");
    let case = district.dispatched(1).await;
    assert_eq!(told(&next(&mut stream).await), "assigned CaseDispatched");
    district.sign(TRAFFIC, case, 1).await;
    assert_eq!(told(&next(&mut stream).await), "changed SignedFor");
    let head = district.world.desk.ledger.head().position.get();
    let at_head = || district.feed.seats.look() == (1, Some(head));
    test_kit::wait_until("the feed to be where the ledger is", test_kit::DEADLINE, at_head).await;
    for family in
        ["whistle_feed_messages_total ", "whistle_feed_delivery_seconds_count ", "whistle_feeds_open "]
    {
        let counted = || ops.metrics().contains(family);
        test_kit::wait_until(family, test_kit::DEADLINE, counted).await;
    }
    drop(stream);
    let none_open = || district.feed.seats.look() == (0, None);
    test_kit::wait_until("the seat to be free", test_kit::DEADLINE, none_open).await;
}
