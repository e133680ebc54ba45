//! Streams that do not go as they should.

use std::time::Duration;

use case::event::intake::NoteAdded;
use case::event::parts::By;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::Code;
use tonic::metadata::MetadataMap;
use tonic_types::StatusExt as _;
use wire::pb::whistle::intake::v1::from_source::Message as Said;
use wire::pb::whistle::intake::v1::to_source::Message as Answer;
use wire::pb::whistle::intake::v1::{FromSource, ReceiptResult, SourceHello};

use super::raw::{raw, raw_line, raw_ticket};
use super::support::{District, good, is, json_ticket, ticket};
use crate::hotline::MESSAGE_BYTES_MAX;
use crate::hotline::server::Heard;

/// More than are worked on at one time.
const MANY: u32 = 300;

fn metadata() -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("authorization", test_kit::bearer("hotline"));
    metadata
}

#[tokio::test]
async fn a_source_that_does_not_read_keeps_nobody_from_its_cases() {
    let district = District::start().await;
    let (tx, mut unread) = mpsc::channel(1);
    let exchange = district.hotline.seated(&metadata(), tx).unwrap();
    // Revisions of a few tickets: those of one wait for each other.
    let said = |seq: u32| {
        let ticket = json_ticket(&format!("T-{}", seq % 8), 1 + seq / 8, &good("一"));
        Ok(Heard::Said(FromSource { seq: u64::from(seq) + 1, ack: 0, message: Some(Said::Ticket(ticket)) }))
    };
    let pushed = stream::iter((0..MANY).map(said)).chain(stream::pending());
    district.shutdown.spawn("hotline", exchange.run(pushed));
    test_kit::wait_until("a receipt nobody reads", test_kit::DEADLINE, || unread.len() == 1).await;

    let mut line = district.line("hotline").await.unwrap();
    for number in 0..8 {
        let push = line.push(json_ticket(&format!("T-{number}"), 1000, &good("二")));
        let receipt = timeout(test_kit::DEADLINE, push).await.expect("nobody holds its turn");
        is(&receipt, ReceiptResult::Revised);
        let id = district.case(&receipt).await.id;
        let accept = |state: &case::Case, actor: &case::Actor, rules: &case::Rules<'_>, now| {
            case::intake::decide(state, &case::intake::Command::Accept, actor, rules, now)
        };
        let accepted = district.world.decide("p-receptionist", id, accept);
        timeout(test_kit::DEADLINE, accepted).await.expect("nobody holds the case").unwrap();
    }
    // Read after all, the receipts are there in the order of what they answer.
    for seq in 1..=u64::from(MANY) {
        let receipt = loop {
            let item = timeout(test_kit::DEADLINE, unread.recv()).await.expect("another comes");
            if let Answer::Receipt(receipt) = item.unwrap().unwrap() {
                break receipt;
            }
        };
        assert_eq!(receipt.seq, seq);
    }
}

#[tokio::test]
async fn a_message_above_the_limit_ends_the_stream_as_too_large() {
    let district = District::start().await;
    for before in [0, 1] {
        let mut line = district.line("hotline").await.unwrap();
        for _ in 0..before {
            line.push(json_ticket("T-1", 1, &good("一"))).await;
        }
        line.say(Said::Ticket(ticket("T-2", 1, vec![b' '; MESSAGE_BYTES_MAX]))).await;
        let end = line.next().await.unwrap_err();
        assert_eq!(end.code(), Code::ResourceExhausted, "not as a token that cannot be resumed at: {end:?}");
        let told = end.get_details_error_info().unwrap();
        assert_eq!(told.reason, "TOO_LARGE");
        assert_eq!(told.metadata.get("limit_bytes"), Some(&MESSAGE_BYTES_MAX.to_string()));
    }
}

#[tokio::test]
async fn a_bookmark_comes_while_all_else_changes() {
    let mut district = District::start().await;
    let receipt = district.line("hotline").await.unwrap().push(json_ticket("T-1", 1, &good("一"))).await;
    let id = district.case(&receipt).await.id;
    district.hotline.timing.bookmark_every = Duration::from_millis(200);
    let (tx, mut rx) = mpsc::channel(1);
    let exchange = district.hotline.seated(&metadata(), tx).unwrap();
    let hello = FromSource { seq: 1, ack: 0, message: Some(Said::Hello(SourceHello::default())) };
    let said = stream::iter([Ok(Heard::Said(hello))]).chain(stream::pending());
    district.shutdown.spawn("hotline", exchange.run(said));
    let text = district.sealed(id, "text", "不改变状态").await;
    let changing = async {
        loop {
            let by = By::Automatic { rule: None };
            district.commit(id, vec![NoteAdded { by, text: text.clone(), public: false }.into()]).await;
        }
    };
    let told = tokio::select! {
        told = timeout(test_kit::DEADLINE, rx.recv()) => told.expect("it is told where it stands"),
        () = changing => unreachable!(),
    };
    assert!(matches!(told, Some(Ok(Answer::Bookmark(_)))), "{told:?}");
}

#[tokio::test]
async fn a_message_that_does_not_decode_gets_a_receipt_and_the_stream_goes_on() {
    let district = District::start().await;
    let gbk = encoding_rs::GBK.encode("工单一").0.into_owned();
    let said = vec![
        raw_ticket(1, &gbk, b"application/json"),
        raw_ticket(2, b"T-2", &gbk),
        vec![0xff; 9],
        raw_ticket(4, b"T-4", b"application/json"),
    ];
    let mut receipts = raw_line(&district, said).await.unwrap();
    for seq in [1, 2, 0] {
        let receipt = receipts.next().await.unwrap().unwrap();
        let Some(Answer::Receipt(receipt)) = receipt.message else { panic!("{receipt:?}") };
        is(&receipt, ReceiptResult::Refused);
        assert_eq!((receipt.seq, receipt.reason.as_str()), (seq, "UNDECODABLE"));
    }
    let receipt = receipts.next().await.unwrap().unwrap();
    let Some(Answer::Receipt(receipt)) = receipt.message else { panic!("{receipt:?}") };
    is(&receipt, ReceiptResult::Accepted);
    assert_eq!(receipt.seq, 4);
    // A token that does not decode is none that can be resumed at.
    let hello = raw(3, &raw(1, &gbk));
    let end = raw_line(&district, vec![hello]).await.unwrap().next().await.unwrap().unwrap_err();
    assert_eq!(end.code(), Code::InvalidArgument);
}
