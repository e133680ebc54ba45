use case::event::parts::{GeoPoint, Meeting, Part, Place};
use case::event::whistle::DeliberationForm;
use case::ids::{MeasureNo, ObligationNo, RequestNo, WhistleNo};
use case::routing::{Blow, Command, PlannedMeasure};
use registry::Datum;

use super::{
    NOON, becomes, ground, ground_of_it, lacks, noon, of_file, party, party_of_it, pb, photo, photo_of_it,
    violates,
};
use crate::pb::whistle::routing::v1::*;

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn dispatching_requests_become_their_commands() {
    becomes(
        DispatchCaseRequest {
            lead_org_id: text("city-management"),
            co_org_ids: vec![text("traffic-police")],
            task: text("划线"),
            ..Default::default()
        },
        Command::Dispatch {
            lead: Some("city-management".parse().unwrap()),
            co: vec!["traffic-police".parse().unwrap()],
            task: Some(of_file("task", "划线")),
        },
    );
    becomes(
        CallCoHandlersRequest {
            parties: vec![party()],
            after_obligation_nos: vec![1, 2],
            words: text("先停工"),
            ..Default::default()
        },
        Command::CallCoHandlers {
            parties: vec![party_of_it()],
            after: vec![ObligationNo(1), ObligationNo(2)],
            words: Some(of_file("words", "先停工")),
        },
    );
    becomes(
        AssignObligationRequest {
            obligation_no: 4,
            org_id: text("section-1"),
            person_id: text("p-9"),
            task: text("去看"),
            ..Default::default()
        },
        Command::Assign {
            obligation: ObligationNo(4),
            org: "section-1".parse().unwrap(),
            person: Some("p-9".parse().unwrap()),
            task: Some(of_file("task", "去看")),
        },
    );
}

#[test]
fn whistle_requests_become_their_commands() {
    let place = pb::Place { area_code: text("371002001001"), note: text("门口"), ..Default::default() };
    let met = Place {
        area: Some("371002001001".parse().unwrap()),
        note: Some(of_file("note", "门口")),
        ..Place::default()
    };
    becomes(
        BlowWhistleRequest {
            kind: text("ROUTINE"),
            purpose: text("停车"),
            tried: text("劝过"),
            meeting: Some(pb::Meeting { time: Some(NOON), place: Some(place) }),
            parties: vec![party()],
            request_no: 2,
            ..Default::default()
        },
        Command::Blow(Blow {
            kind: "ROUTINE".parse().unwrap(),
            purpose: of_file("purpose", "停车"),
            tried: Some(of_file("tried", "劝过")),
            meeting: Some(Meeting { at: noon(), place: met }),
            parties: vec![party_of_it()],
            request: Some(RequestNo(2)),
        }),
    );
    let whistle = WhistleNo(3);
    becomes(
        ApproveWhistleRequest { whistle_no: 3, ..Default::default() },
        Command::ApproveWhistle { whistle },
    );
    becomes(
        TriageWhistleRequest { whistle_no: 3, parties: vec![party()], ..Default::default() },
        Command::TriageWhistle { whistle, parties: vec![party_of_it()] },
    );
    becomes(
        HandBackWhistleRequest { whistle_no: 3, advice: text("自行协调"), ..Default::default() },
        Command::HandBackWhistle { whistle, advice: of_file("advice", "自行协调") },
    );
    becomes(
        WithdrawWhistleRequest { whistle_no: 3, ..Default::default() },
        Command::WithdrawWhistle { whistle, words: None },
    );
    becomes(
        AddPartyRequest { whistle_no: 3, party: Some(party()), ..Default::default() },
        Command::AddParty { whistle, party: party_of_it(), words: None },
    );
    becomes(
        ChangeLeadRequest { whistle_no: 3, to_obligation_no: 5, ..Default::default() },
        Command::ChangeLead { whistle, to: ObligationNo(5), words: None },
    );
    becomes(
        StandDownWhistleRequest { whistle_no: 3, words: text("已办"), ..Default::default() },
        Command::StandDownWhistle { whistle, words: Some(of_file("words", "已办")) },
    );
    becomes(
        ConfirmWhistleRequest { whistle_no: 3, confirmed: Some(false), ..Default::default() },
        Command::ConfirmWhistle { whistle, confirmed: false, words: None },
    );
    becomes(
        RateWhistleRequest { whistle_no: 3, score: 5, ..Default::default() },
        Command::RateWhistle { whistle, score: 5, words: None },
    );
}

#[test]
fn duty_requests_become_their_commands() {
    let obligation = ObligationNo(1);
    becomes(SignForRequest { obligation_no: 1, ..Default::default() }, Command::SignFor { obligation });
    becomes(
        RecordContactRequest {
            obligation_no: 1,
            contacted_time: Some(NOON),
            who_and_how: text("李某,电话"),
            ..Default::default()
        },
        Command::RecordContact {
            obligation,
            contacted_at: noon(),
            who_and_how: of_file("who_and_how", "李某,电话"),
        },
    );
    becomes(
        SetExternalRefRequest { obligation_no: 1, external_ref: text("GD-7"), ..Default::default() },
        Command::SetExternalRef { obligation, external_ref: text("GD-7") },
    );
    becomes(
        RaiseObjectionRequest { obligation_no: 1, ground: Some(ground()), ..Default::default() },
        Command::RaiseObjection { obligation, ground: ground_of_it() },
    );
    becomes(
        DecideObjectionRequest { request_no: 6, uphold: Some(true), ..Default::default() },
        Command::DecideObjection { request: RequestNo(6), uphold: true, words: None },
    );
    becomes(
        StrikeOffRequest {
            measure_no: 2, evidence: vec![photo()], note: text("已装"), ..Default::default()
        },
        Command::StrikeOff {
            measure: MeasureNo(2),
            evidence: vec![photo_of_it()],
            note: Some(of_file("note", "已装")),
        },
    );
    becomes(
        CompleteRequest {
            obligation_no: 1,
            result: text("完成"),
            evidence: vec![photo()],
            ..Default::default()
        },
        Command::Complete { obligation, result: of_file("result", "完成"), evidence: vec![photo_of_it()] },
    );
    becomes(ConfirmRequest { obligation_no: 1, ..Default::default() }, Command::Confirm { obligation });
    becomes(
        RefuseCompletionRequest { obligation_no: 1, words: text("缺一处"), ..Default::default() },
        Command::RefuseCompletion { obligation, words: of_file("words", "缺一处") },
    );
    becomes(
        RateResponseRequest { obligation_no: 1, score: 1, words: text("晚到"), ..Default::default() },
        Command::RateResponse { obligation, score: 1, words: Some(of_file("words", "晚到")) },
    );
}

#[test]
fn requests_of_those_who_meet_become_their_commands() {
    let measure = PlannedMeasure {
        text: of_file("text", "装摄像头"),
        responsible: ObligationNo(2),
        mandatory: true,
        due_at: Some(noon()),
    };
    becomes(
        RecordJointPlanRequest {
            whistle_no: 1,
            attendee_org_ids: vec![text("street-1")],
            measures: vec![crate::pb::whistle::routing::v1::PlannedMeasure {
                text: text("装摄像头"),
                responsible_obligation_no: 2,
                mandatory: true,
                due_time: Some(NOON),
            }],
            words: text("方案"),
            ..Default::default()
        },
        Command::RecordJointPlan {
            whistle: Some(WhistleNo(1)),
            attendees: vec!["street-1".parse().unwrap()],
            measures: vec![measure],
            words: Some(of_file("words", "方案")),
        },
    );
    becomes(
        RecordDeliberationRequest {
            form: pb::DeliberationForm::Hearing.into(),
            attendee_org_ids: vec![text("street-1")],
            others: 14,
            result: text("同意"),
            agreed: true,
            next_time: Some(NOON),
            ..Default::default()
        },
        Command::RecordDeliberation {
            form: DeliberationForm::Hearing,
            attendees: vec!["street-1".parse().unwrap()],
            others: 14,
            result: of_file("result", "同意"),
            agreed: true,
            next_at: Some(noon()),
        },
    );
}

#[test]
fn presence_code_goes_on_as_its_mac_alone() {
    let report = |presence_code: &str| ReportInRequest {
        obligation_no: 1,
        reported_time: Some(NOON),
        presence_code: presence_code.to_owned(),
        point: Some(pb::Point {
            latitude: 37.5,
            longitude: 122.1,
            datum: pb::Datum::Wgs84.into(),
            accuracy_m: None,
        }),
        ..Default::default()
    };
    let reported = |code_mac| Command::ReportIn {
        obligation: ObligationNo(1),
        reported_at: noon(),
        code_mac,
        point: Some(GeoPoint {
            lat_microdeg: 37_500_000,
            lon_microdeg: 122_100_000,
            datum: Datum::Wgs84,
            accuracy_m: None,
        }),
    };
    becomes(report(" 123 456\n"), reported(Some(text("mac of 123456"))));
    becomes(report(""), reported(None));
    violates(&report(&"9".repeat(33)), &[("presence_code", "TOO_LONG")]);
    becomes(
        IssuePresenceCodeRequest { whistle_no: 1, ..Default::default() },
        Command::IssuePresenceCode { whistle: WhistleNo(1), code_mac: String::new() },
    );
}

#[test]
fn empty_requests_name_everything_they_lack() {
    lacks::<DispatchCaseRequest>(&[]);
    lacks::<AssignObligationRequest>(&["obligation_no", "org_id"]);
    lacks::<SignForRequest>(&["obligation_no"]);
    lacks::<RecordContactRequest>(&["obligation_no", "contacted_time", "who_and_how"]);
    lacks::<SetExternalRefRequest>(&["obligation_no", "external_ref"]);
    lacks::<BlowWhistleRequest>(&["kind", "purpose"]);
    lacks::<ApproveWhistleRequest>(&["whistle_no"]);
    lacks::<TriageWhistleRequest>(&["whistle_no"]);
    lacks::<HandBackWhistleRequest>(&["whistle_no", "advice"]);
    lacks::<WithdrawWhistleRequest>(&["whistle_no"]);
    lacks::<AddPartyRequest>(&["whistle_no", "party"]);
    lacks::<ChangeLeadRequest>(&["whistle_no", "to_obligation_no"]);
    lacks::<StandDownWhistleRequest>(&["whistle_no"]);
    lacks::<ConfirmWhistleRequest>(&["whistle_no", "confirmed"]);
    lacks::<IssuePresenceCodeRequest>(&["whistle_no"]);
    lacks::<ReportInRequest>(&["obligation_no", "reported_time"]);
    lacks::<RaiseObjectionRequest>(&["obligation_no", "ground"]);
    lacks::<DecideObjectionRequest>(&["request_no", "uphold"]);
    lacks::<RecordDeliberationRequest>(&["form", "result"]);
    lacks::<StrikeOffRequest>(&["measure_no"]);
    lacks::<CompleteRequest>(&["obligation_no", "result"]);
    lacks::<ConfirmRequest>(&["obligation_no"]);
    lacks::<RefuseCompletionRequest>(&["obligation_no", "words"]);
    violates(&RateResponseRequest::default(), &[("obligation_no", "REQUIRED"), ("score", "OUT_OF_RANGE")]);
    violates(&RateWhistleRequest::default(), &[("whistle_no", "REQUIRED"), ("score", "OUT_OF_RANGE")]);
}

#[test]
fn malformed_parts_are_named_with_their_place_in_the_list() {
    let bad = pb::Party { org_id: text("a"), part: Part::Co as i32 + 9, ..Default::default() };
    let nowhere = pb::Point { latitude: 91.0, datum: pb::Datum::Wgs84.into(), ..Default::default() };
    let place = pb::Place { area_code: text("12"), point: Some(nowhere), ..Default::default() };
    let request = BlowWhistleRequest {
        kind: text("ROUTINE"),
        purpose: text("x"),
        meeting: Some(pb::Meeting { time: None, place: Some(place) }),
        parties: vec![party(), bad],
        ..Default::default()
    };
    violates(
        &request,
        &[
            ("meeting.time", "REQUIRED"),
            ("meeting.place.area_code", "MALFORMED"),
            ("meeting.place.point", "OUT_OF_RANGE"),
            ("parties[1].part", "UNKNOWN"),
        ],
    );
    let twice = DispatchCaseRequest { co_org_ids: vec![text("a"), text("a")], ..Default::default() };
    violates(&twice, &[("co_org_ids[1]", "DUPLICATE"), ("lead_org_id", "REQUIRED")]);
}
