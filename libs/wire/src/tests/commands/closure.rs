use case::closure::{CallBack, Command, Dispose};
use case::event::closure::{CostBearer, ReopenCause};
use case::event::parts::{Outcome, Satisfaction};
use case::ids::KeyId;

use super::{NOON, becomes, lacks, noon, of_file, pb, photo, photo_of_it, readable, violates};
use crate::pb::whistle::closure::v1::*;

#[test]
fn closing_requests_become_their_commands() {
    becomes(
        DisposeCaseRequest {
            taken_up_time: Some(NOON),
            spoken_to: "张某".to_owned(),
            measures: "划线".to_owned(),
            solved_by_time: Some(prost_types::Timestamp { seconds: NOON.seconds + 60, nanos: 0 }),
            public_reply: "已划线".to_owned(),
            cost_bearer: pb::CostBearer::Property.into(),
            evidence: vec![photo()],
            ..Default::default()
        },
        Command::Dispose(Dispose {
            taken_up_at: noon(),
            spoken_to: of_file("spoken_to", "张某"),
            measures: of_file("measures", "划线"),
            solved_by_at: (noon().instant() + jiff::SignedDuration::from_secs(60)).into(),
            public_reply: of_file("public_reply", "已划线"),
            cost_bearer: Some(CostBearer::Property),
            evidence: vec![photo_of_it()],
        }),
    );
    becomes(
        ExemptCallBackRequest { reason: "anonymous".to_owned(), ..Default::default() },
        Command::ExemptCallBack { reason: "anonymous".parse().unwrap() },
    );
    becomes(
        CloseCaseRequest {
            outcome: pb::Outcome::ExplainedNotSolved.into(),
            reply: "已解释".to_owned(),
            ..Default::default()
        },
        Command::Close { outcome: Outcome::ExplainedNotSolved, reply: Some(of_file("reply", "已解释")) },
    );
    becomes(
        ReopenCaseRequest { cause: pb::ReopenCause::FalseReply.into(), ..Default::default() },
        Command::Reopen { cause: ReopenCause::FalseReply, words: None },
    );
}

#[test]
fn words_of_a_check_are_sealed_for_the_event_they_go_into() {
    let check = |passed| CheckCaseRequest {
        passed: Some(passed),
        words: "线已划".to_owned(),
        evidence: vec![photo()],
        ..Default::default()
    };
    for (passed, field) in [(true, "note"), (false, "words")] {
        let (words, evidence) = (Some(of_file(field, "线已划")), vec![photo_of_it()]);
        becomes(check(passed), Command::Check { passed, words, evidence });
    }
    let failed = CheckCaseRequest { passed: Some(false), ..Default::default() };
    violates(&failed, &[("words", "REQUIRED")]);
}

#[test]
fn words_of_a_call_back_are_sealed_under_the_reporters_own_key() {
    becomes(
        CallBackRequest {
            reporter_key_id: "reporter-1".to_owned(),
            contacted: true,
            solved: Some(true),
            satisfied: pb::Satisfaction::Basically.into(),
            words: "还行".to_owned(),
            ..Default::default()
        },
        Command::CallBack(CallBack {
            reporter: KeyId::reporter(1),
            contacted: true,
            solved: Some(true),
            satisfied: Some(Satisfaction::Basically),
            words: Some(readable(&KeyId::reporter(1), "words", "还行")),
        }),
    );
}

#[test]
fn empty_requests_name_everything_they_lack() {
    let reply = ["taken_up_time", "spoken_to", "measures", "solved_by_time", "public_reply"];
    lacks::<DisposeCaseRequest>(&reply);
    lacks::<CheckCaseRequest>(&["passed"]);
    lacks::<CallBackRequest>(&["reporter_key_id"]);
    lacks::<ExemptCallBackRequest>(&["reason"]);
    lacks::<CloseCaseRequest>(&["outcome"]);
    lacks::<ReopenCaseRequest>(&["cause"]);
}
