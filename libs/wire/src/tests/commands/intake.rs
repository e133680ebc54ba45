use case::event::parts::{Defect, GeoPoint};
use case::ids::{CaseId, KeyId, ObligationNo, RequestNo};
use case::import;
use case::intake::{Command, Exit};
use case::rules::PlaceGiven;
use registry::{Datum, Grade};
use uuid::Uuid;

use super::{NOON, becomes, ground, ground_of_it, lacks, of_file, pb, photo, photo_of_it, violates};
use crate::pb::whistle::intake::v1::import_history_request::Piece;
use crate::pb::whistle::intake::v1::*;
use crate::{CommandRequest as _, parse_envelope};

fn place() -> pb::Place {
    pb::Place {
        area_code: "371002001001001".to_owned(),
        compound_id: "c-1".to_owned(),
        building_id: "b-8".to_owned(),
        point: Some(pb::Point {
            latitude: 37.513_021_4,
            longitude: 122.120_42,
            datum: pb::Datum::Gcj02.into(),
            accuracy_m: Some(15),
        }),
        note: "8号楼东侧".to_owned(),
    }
}

fn place_of_it() -> PlaceGiven {
    let point = GeoPoint {
        lat_microdeg: 37_513_021,
        lon_microdeg: 122_120_420,
        datum: Datum::Gcj02,
        accuracy_m: Some(15),
    };
    PlaceGiven {
        area: Some("371002001001001".to_owned()),
        compound: Some("c-1".to_owned()),
        building: Some("b-8".to_owned()),
        point: Some(point),
        note: Some(of_file("note", "8号楼东侧")),
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn sorting_requests_become_their_commands() {
    becomes(
        TriageCaseRequest {
            matter_id: text("parking"),
            place: Some(place()),
            dismissed: vec![pb::Defect::TextMissing.into()],
            ..Default::default()
        },
        Command::Triage {
            matter: Some("parking".parse().unwrap()),
            place: Some(place_of_it()),
            dismissed: vec![Defect::TextMissing],
        },
    );
    becomes(
        FileCaseRequest { grade: pb::Grade::Urgent.into(), ..Default::default() },
        Command::File { matter: None, grade: Some(Grade::Urgent), place: None },
    );
    becomes(
        RequestVerificationRequest {
            inspector_person_id: text("p-7"),
            note: text("看停车"),
            ..Default::default()
        },
        Command::RequestVerification {
            inspector: "p-7".parse().unwrap(),
            note: Some(of_file("note", "看停车")),
        },
    );
    becomes(
        VerifyCaseRequest {
            genuine: Some(true),
            finding: text("属实"),
            evidence: vec![photo()],
            ..Default::default()
        },
        Command::Verify {
            genuine: true,
            finding: Some(of_file("finding", "属实")),
            evidence: vec![photo_of_it()],
        },
    );
    becomes(AcceptCaseRequest::default(), Command::Accept);
    becomes(
        RejectCaseRequest {
            reason: text("not-ours"), reply: text("请向法院起诉"), ..Default::default()
        },
        Command::Reject {
            reason: "not-ours".parse().unwrap(), reply: of_file("reply", "请向法院起诉")
        },
    );
    becomes(AppealRejectionRequest::default(), Command::AppealRejection { words: None });
    becomes(
        AnswerDirectlyRequest { reply: text("周一至周五"), ..Default::default() },
        Command::AnswerDirectly { reply: of_file("reply", "周一至周五") },
    );
    becomes(
        SelfHandleRequest { evidence: vec![photo()], note: text("已清理"), ..Default::default() },
        Command::SelfHandle { evidence: vec![photo_of_it()], note: Some(of_file("note", "已清理")) },
    );
    becomes(
        AuditSelfHandledRequest { passed: Some(false), ..Default::default() },
        Command::AuditSelfHandled { passed: false, note: None },
    );
}

#[test]
fn requests_for_ways_out_become_their_commands() {
    becomes(
        WithdrawCaseRequest { words: text("已好"), ..Default::default() },
        Command::Withdraw { words: Some(of_file("words", "已好")) },
    );
    becomes(
        RequestExitRequest {
            exit: pb::Exit::ForceClose.into(),
            ground: Some(ground()),
            ..Default::default()
        },
        Command::RequestExit { exit: Exit::ForceClose, ground: ground_of_it() },
    );
    becomes(
        DecideExitRequest { request_no: 3, grant: Some(true), ..Default::default() },
        Command::DecideExit { request: RequestNo(3), grant: true, words: None },
    );
    let into = Uuid::from_u128(7);
    becomes(MergeCaseRequest { into_case_id: into.to_string(), ..Default::default() }, CaseId(into));
}

#[test]
fn requests_about_the_file_and_its_reporters_become_their_commands() {
    becomes(
        AddNoteRequest { text: text("已电话\r\n联系"), public: true, ..Default::default() },
        Command::AddNote { text: of_file("text", "已电话\r\n联系"), public: true },
    );
    becomes(
        AttachEvidenceRequest { evidence: vec![photo()], ..Default::default() },
        Command::AttachEvidence { evidence: vec![photo_of_it()] },
    );
    let (key_id, purpose) = (KeyId::reporter(2), "call-back".parse().unwrap());
    let (whose, why) = (text("reporter-2"), text("call-back"));
    becomes(
        RevealContactRequest { reporter_key_id: whose.clone(), purpose: why.clone(), ..Default::default() },
        Command::RevealContact { key_id: key_id.clone(), purpose },
    );
    let purpose = "call-back".parse().unwrap();
    becomes(
        RequestBreakGlassRequest { reporter_key_id: whose, purpose: why, ..Default::default() },
        Command::RequestBreakGlass { key_id, purpose },
    );
    becomes(
        DecideBreakGlassRequest { request_no: 1, grant: Some(false), ..Default::default() },
        Command::DecideBreakGlass { request: RequestNo(1), grant: false },
    );
}

#[test]
fn history_becomes_commands_with_the_time_it_happened() {
    let piece = |piece| ImportHistoryRequest {
        command_id: Uuid::from_u128(1).to_string(),
        case_id: Uuid::from_u128(2).to_string(),
        occurred_time: Some(NOON),
        piece: Some(piece),
        ..Default::default()
    };
    let note = ImportedNote { label: text("comment"), text: text("来过"), finding: text("no time of day") };
    let request = piece(Piece::Note(note));
    assert_eq!(parse_envelope(&request).unwrap().occurred_at, Some(super::noon()));
    becomes(
        request,
        import::Command::Note {
            label: text("comment"),
            text: Some(of_file("text", "来过")),
            finding: Some(text("no time of day")),
        },
    );
    let duty = ImportedObligation { org_id: text("sewer"), external_ref: text("W-1"), task: text("疏通") };
    becomes(
        piece(Piece::Obligation(duty)),
        import::Command::Obligation {
            org: "sewer".parse().unwrap(),
            external_ref: Some(text("W-1")),
            task: Some(of_file("task", "疏通")),
        },
    );
    becomes(
        piece(Piece::Completed(ImportedCompletion { obligation_no: 2, result: text("已疏通") })),
        import::Command::Completed { obligation: ObligationNo(2), result: of_file("result", "已疏通") },
    );
    becomes(piece(Piece::Closed(ImportedClosing {})), import::Command::ClosedAtSource);
    lacks::<ImportHistoryRequest>(&["occurred_time", "piece"]);
}

#[test]
fn empty_requests_name_everything_they_lack() {
    lacks::<TriageCaseRequest>(&[]);
    lacks::<RequestVerificationRequest>(&["inspector_person_id"]);
    lacks::<VerifyCaseRequest>(&["genuine"]);
    lacks::<RejectCaseRequest>(&["reason", "reply"]);
    lacks::<AnswerDirectlyRequest>(&["reply"]);
    lacks::<AuditSelfHandledRequest>(&["passed"]);
    lacks::<RequestExitRequest>(&["exit", "ground"]);
    lacks::<DecideExitRequest>(&["request_no", "grant"]);
    lacks::<AddNoteRequest>(&["text"]);
    lacks::<RevealContactRequest>(&["reporter_key_id", "purpose"]);
    lacks::<RequestBreakGlassRequest>(&["reporter_key_id", "purpose"]);
    lacks::<DecideBreakGlassRequest>(&["request_no", "grant"]);
    lacks::<MergeCaseRequest>(&["into_case_id"]);
    violates(&SplitCaseRequest::default(), &[("children", "TOO_FEW")]);
}

#[test]
fn all_violations_of_a_request_are_told_at_once() {
    let request = RequestExitRequest {
        exit: 99,
        ground: Some(pb::Ground {
            code: text("Not A Code"),
            words: "字".repeat(4001),
            evidence: vec![pb::Evidence::default(), photo()],
        }),
        ..Default::default()
    };
    violates(
        &request,
        &[
            ("exit", "UNKNOWN"),
            ("ground.code", "MALFORMED"),
            ("ground.words", "TOO_LONG"),
            ("ground.evidence[0].sha256", "MALFORMED"),
            ("ground.evidence[0].media_type", "MALFORMED"),
            ("ground.evidence[0].size_bytes", "REQUIRED"),
            ("ground.evidence[0].shows", "REQUIRED"),
        ],
    );
    let envelope = RequestExitRequest { case_id: text("7"), ..request };
    let wrong = parse_envelope(&envelope).unwrap_err();
    assert_eq!(super::told(&wrong), [("command_id", "REQUIRED"), ("case_id", "MALFORMED")]);
}

#[test]
fn text_is_bounded_in_characters_and_has_no_control_characters() {
    let note = |text: String| AddNoteRequest { text, ..Default::default() };
    assert!(note("字".repeat(4000)).command(&mut super::Readable).is_ok());
    violates(&note("字".repeat(4001)), &[("text", "TOO_LONG")]);
    assert!(note(text("一行\n\t二行\r\n")).command(&mut super::Readable).is_ok());
    for bad in ["\u{0}", "一\r二", "\u{1b}[31m", "\u{85}"] {
        violates(&note(text(bad)), &[("text", "MALFORMED")]);
    }
}

#[test]
fn children_of_a_split_are_looked_at_before_the_case_is() {
    let child = pb::NewCase {
        profile: pb::Profile::Hotline.into(),
        channel: pb::Channel::Hotline.into(),
        ..Default::default()
    };
    let split = |children| SplitCaseRequest { children, ..Default::default() };
    becomes(split(vec![child.clone(), child.clone()]), ());
    let ticket = Some(pb::Ticket { number: text("T1"), revision: 1 });
    let wrong = pb::NewCase { profile: 0, ticket, ..child.clone() };
    violates(
        &split(vec![child, wrong]),
        &[("children[1].profile", "REQUIRED"), ("children[1].ticket", "NOT_A_SOURCE")],
    );
}

#[test]
fn lists_are_bounded_before_they_are_looked_at() {
    let request = AttachEvidenceRequest { evidence: vec![photo(); 101], ..Default::default() };
    violates(&request, &[("evidence", "TOO_MANY")]);
}
