//! Streams that end in the middle of something.

use tokio_stream::StreamExt as _;
use tonic::Code;
use wire::pb::whistle::routing::v1::feed_service_server::FeedService as _;

use super::support::{District, TRAFFIC, as_person, full, next, snapshot, told};

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
