use std::collections::BTreeSet;

use case::ids::KeyId;
use case::time::At;
use proptest::prelude::*;
use prost::Message as _;
use prost_types::{FileDescriptorSet, Timestamp};
use uuid::Uuid;

use super::told;
use crate::pb::whistle::closure::v1 as closure;
use crate::pb::whistle::intake::v1 as intake;
use crate::pb::whistle::routing::v1 as routing;
use crate::{
    CollectingSeal, ReplayingSeal, Request, Seal as _, SealingAtOnce, canonical, parse_command_id,
    parse_envelope,
};

macro_rules! rpcs {
    ($($package:ident: $($request:ident)*;)*) => {
        [$($(<$package::$request as Request>::RPC,)*)*]
    };
}

/// Every RPC that changes something, by the trait it is dispatched through.
const COMMANDS: &[&str] = &rpcs! {
    intake: RaiseCaseRequest TriageCaseRequest RequestVerificationRequest VerifyCaseRequest AcceptCaseRequest RejectCaseRequest
        AppealRejectionRequest AnswerDirectlyRequest SelfHandleRequest AuditSelfHandledRequest FileCaseRequest MergeCaseRequest
        SplitCaseRequest WithdrawCaseRequest RequestExitRequest DecideExitRequest AddNoteRequest AttachEvidenceRequest
        RevealContactRequest RequestBreakGlassRequest DecideBreakGlassRequest ImportHistoryRequest;
    routing: DispatchCaseRequest CallCoHandlersRequest AssignObligationRequest SignForRequest RecordContactRequest
        SetExternalRefRequest BlowWhistleRequest RaiseAndBlowRequest ApproveWhistleRequest TriageWhistleRequest HandBackWhistleRequest
        WithdrawWhistleRequest AddPartyRequest ChangeLeadRequest StandDownWhistleRequest ConfirmWhistleRequest RateWhistleRequest
        IssuePresenceCodeRequest ReportInRequest RaiseObjectionRequest DecideObjectionRequest RecordJointPlanRequest
        RecordDeliberationRequest StrikeOffRequest CompleteRequest ConfirmRequest RefuseCompletionRequest RateResponseRequest;
    closure: DisposeCaseRequest CheckCaseRequest CallBackRequest ExemptCallBackRequest CloseCaseRequest ReopenCaseRequest;
};

#[test]
fn every_rpc_of_the_deciding_services_is_a_command_under_its_own_name() {
    let set = FileDescriptorSet::decode(crate::DESCRIPTOR).unwrap();
    let mut served = BTreeSet::new();
    for file in &set.file {
        for service in &file.service {
            if ["IntakeService", "RoutingService", "ClosureService"].contains(&service.name()) {
                let name = |rpc: &str| format!("{}.{}/{rpc}", file.package(), service.name());
                served.extend(service.method.iter().map(|method| name(method.name())));
            }
        }
    }
    let not_commands = ["RaiseCases", "PutEvidence", "GetEvidence"];
    served.retain(|rpc| !not_commands.iter().any(|other| rpc.ends_with(&format!("/{other}"))));
    assert_eq!(served, COMMANDS.iter().map(|rpc| (*rpc).to_owned()).collect());
    assert_eq!(served.len(), COMMANDS.len(), "each name once");
}

#[test]
fn what_a_caller_uploads_is_told_from_what_flows_back() {
    assert_eq!(crate::uploads(), ["/whistle.intake.v1.IntakeService/PutEvidence"]);
}

fn note(version: Option<u64>) -> intake::AddNoteRequest {
    intake::AddNoteRequest {
        command_id: Uuid::from_u128(1).to_string(),
        case_id: Uuid::from_u128(2).to_string(),
        expected_version: version,
        text: "x".to_owned(),
        public: true,
    }
}

#[test]
fn envelope_is_read_from_its_four_fields() {
    let envelope = parse_envelope(&note(Some(4))).unwrap();
    assert_eq!((envelope.command_id, envelope.case_id.0), (Uuid::from_u128(1), Uuid::from_u128(2)));
    assert_eq!((envelope.expected_version, envelope.occurred_at), (Some(4), None));
}

#[test]
fn command_id_is_a_uuid_in_its_usual_form_and_not_nil() {
    let good = "018f2f6e-7a3e-7bb1-8c1e-3f5d9a2b4c6d";
    assert!(parse_command_id(good).is_ok());
    assert_eq!(told(&parse_command_id("").unwrap_err()), [("command_id", "REQUIRED")]);
    let other_forms =
        [good.replace('-', ""), format!("urn:uuid:{good}"), Uuid::nil().to_string(), "7".to_owned()];
    for bad in other_forms {
        assert_eq!(told(&parse_command_id(&bad).unwrap_err()), [("command_id", "MALFORMED")]);
    }
}

/// Version 1 for ever: MACs of commands already committed were made over this.
#[test]
fn canonical_form_keeps_its_bytes() {
    let expected = concat!(
        "01",
        "00000027",
        "77686973746c652e696e74616b652e76312e496e74616b65536572766963652f4164644e6f7465",
        "0a24",
        "30303030303030302d303030302d303030302d303030302d303030303030303030303031",
        "1224",
        "30303030303030302d303030302d303030302d303030302d303030303030303030303032",
        "220178",
        "2801",
    );
    let bytes = canonical(intake::AddNoteRequest::RPC, &note(Some(9)));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}

#[test]
fn canonical_form_leaves_out_the_expected_version_and_nothing_else() {
    let form = |request: &intake::AddNoteRequest| canonical(intake::AddNoteRequest::RPC, request);
    assert_eq!(form(&note(None)), form(&note(Some(9))));
    assert_ne!(form(&note(None)), form(&intake::AddNoteRequest { public: false, ..note(None) }));
    assert_ne!(form(&note(None)), form(&intake::AddNoteRequest { case_id: String::new(), ..note(None) }));
    assert_ne!(form(&note(None)), canonical("whistle.intake.v1.IntakeService/Other", &note(None)));
}

#[test]
fn replaying_past_the_end_or_under_another_key_gives_nothing_to_open() {
    let mut collecting = CollectingSeal::default();
    collecting.seal(&KeyId::case_file(), "text", "停车");
    assert!(!format!("{collecting:?}").contains("停车"), "what was said is not for logs");
    let sealed = || vec![super::of_file("text", "x")];
    let mut replaying = ReplayingSeal::new(sealed());
    assert_eq!(replaying.seal(&KeyId::case_file(), "text", "x"), super::of_file("text", "x"));
    assert!(replaying.seal(&KeyId::case_file(), "text", "x").ciphertext.is_empty());
    let mut other = ReplayingSeal::new(sealed());
    assert!(other.seal(&KeyId::reporter(1), "text", "x").ciphertext.is_empty());
    assert_eq!(other.code_mac("123"), "");
}

#[test]
fn what_is_sealed_at_once_stands_as_sealed_or_is_told_of() {
    let file = KeyId::case_file();
    let mut sealing = SealingAtOnce::new(|key: &KeyId, field: &str, text: &str| {
        assert_eq!((key, field), (&KeyId::case_file(), "text"));
        if text == "x" { Ok(super::of_file("text", "x")) } else { Err(text.to_owned()) }
    });
    assert_eq!(sealing.seal(&file, "text", "x"), super::of_file("text", "x"));
    assert_eq!(sealing.code_mac("123"), "");
    for refused in ["停车", "堆物"] {
        assert!(sealing.seal(&file, "text", refused).ciphertext.is_empty());
    }
    assert!(!format!("{sealing:?}").contains("停车"), "what was said is not for logs");
    assert_eq!(sealing.done(), Err("停车".to_owned()), "the first");
}

#[test]
fn instants_before_1970_count_their_nanoseconds_up() {
    let at = At::new(jiff::Timestamp::new(-1, -500_000_000).unwrap());
    assert_eq!(crate::timestamp(at), Timestamp { seconds: -2, nanos: 500_000_000 });
}

proptest! {
    #[test]
    fn instants_survive_the_wire(micros in -62_135_596_800_000_000_i64..253_402_207_200_000_000_i64) {
        let at = At::new(jiff::Timestamp::from_microsecond(micros).unwrap());
        let sent = crate::timestamp(at);
        prop_assert!((0..1_000_000_000).contains(&sent.nanos));
        prop_assert_eq!(crate::instant::at(&sent), Some(at));
    }

    #[test]
    fn any_two_numbers_are_an_instant_or_none(seconds: i64, nanos: i32) {
        let read = crate::instant::at(&Timestamp { seconds, nanos });
        prop_assert!(read.is_none() || (0..1_000_000_000).contains(&nanos));
    }
}
