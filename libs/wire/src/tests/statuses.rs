use case::Refusal;
use case::flow::Status as CaseStatus;
use case::refusal::{StateReason, Violation};
use registry::ids::Role;
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, StatusExt as _};

use crate::texts::{REASONS, text};
use crate::{Failure, Token};

const EVERY_STATE_REASON: [StateReason; 24] = [
    StateReason::Ended,
    StateReason::AlreadyDone,
    StateReason::NotSignedFor,
    StateReason::NotReportedIn,
    StateReason::MeasuresOpen,
    StateReason::DutiesOpen,
    StateReason::NotCompleted,
    StateReason::NotItsTurn,
    StateReason::NotTheHolder,
    StateReason::NoSuchStep,
    StateReason::NotApproved,
    StateReason::NotActive,
    StateReason::StillOpen,
    StateReason::SamePerson,
    StateReason::NotNeutral,
    StateReason::BadPresenceCode,
    StateReason::CallBackOwed,
    StateReason::WindowPassed,
    StateReason::StaleClock,
    StateReason::NotDue,
    StateReason::Accused,
    StateReason::Confidential,
    StateReason::Erased,
    StateReason::ProfileForbids,
];

fn refused(refusal: Refusal) -> Failure {
    Failure::Refused(refusal)
}

/// Every failure there is, with the code and reason that the API promises for it, and whether it says when to come again.
fn table() -> Vec<(Failure, Code, &'static str, bool)> {
    let wrong = || vec![Violation::new("text", "TOO_LONG", "at most 4000 characters")];
    let forbids =
        Refusal::StatusForbids { status: CaseStatus::Closed, allowed: vec![CaseStatus::InProgress] };
    let unregistered = Refusal::Unregistered { what: "matter", code: "no-such".to_owned() };
    let limit = Refusal::Limit { name: "parties_max", limit: 12 };
    let no_part = Refusal::NoSuchPart { part: "obligation 9".to_owned() };
    let missing = Refusal::RoleMissing { needed: vec![Role::DutyLeader, Role::DistrictCentre] };
    let refusals = vec![
        (Refusal::NotFound, Code::NotFound, "CASE_NOT_FOUND"),
        (missing, Code::PermissionDenied, "ROLE_MISSING"),
        (forbids, Code::FailedPrecondition, "STATUS_FORBIDS"),
        (no_part, Code::FailedPrecondition, "NO_SUCH_PART"),
        (limit, Code::FailedPrecondition, "LIMIT_REACHED"),
        (Refusal::Invalid(wrong()), Code::InvalidArgument, "INVALID_REQUEST"),
        (unregistered, Code::FailedPrecondition, "UNREGISTERED"),
    ];
    let states = EVERY_STATE_REASON.map(|why| {
        let refusal = Refusal::StateForbids { part: "obligation 3".to_owned(), why };
        (refused(refusal), Code::FailedPrecondition, why.name(), false)
    });
    let mut table: Vec<_> =
        refusals.into_iter().map(|(refusal, code, reason)| (refused(refusal), code, reason, false)).collect();
    table.extend(states);
    table.extend([
        (Failure::Invalid(wrong()), Code::InvalidArgument, "INVALID_REQUEST", false),
        (Failure::Undecodable { detail: String::new() }, Code::InvalidArgument, "UNDECODABLE", false),
        (Failure::Unauthenticated(Token::Missing), Code::Unauthenticated, "TOKEN_MISSING", false),
        (Failure::Unauthenticated(Token::Malformed), Code::Unauthenticated, "TOKEN_MALFORMED", false),
        (Failure::Unauthenticated(Token::Unknown), Code::Unauthenticated, "TOKEN_UNKNOWN", false),
        (Failure::CommandIdReused, Code::AlreadyExists, "COMMAND_ID_REUSED", false),
        (Failure::Conflict { current: 7 }, Code::Aborted, "VERSION_CONFLICT", false),
        (Failure::StaleVersion { expected: 6, actual: 7 }, Code::Aborted, "STALE_VERSION", false),
        (
            Failure::TooLarge { what: "event", limit: 65_536, actual: 70_000 },
            Code::ResourceExhausted,
            "TOO_LARGE",
            false,
        ),
        (Failure::Busy, Code::ResourceExhausted, "BUSY", true),
        (Failure::Unavailable, Code::Unavailable, "UNAVAILABLE", true),
        (
            Failure::FutureToken { oldest: "w1.1".to_owned() },
            Code::OutOfRange,
            "POSITION_OUT_OF_RANGE",
            false,
        ),
        (Failure::MalformedToken, Code::InvalidArgument, "POSITION_MALFORMED", false),
        (Failure::NoRegistry, Code::FailedPrecondition, "NO_REGISTRY", false),
        (Failure::EvidenceNotFound, Code::NotFound, "EVIDENCE_NOT_FOUND", false),
        (Failure::DataLoss, Code::DataLoss, "DATA_LOSS", false),
        (Failure::NotSupportedYet, Code::Unimplemented, "NOT_SUPPORTED_YET", false),
        (Failure::Internal, Code::Internal, "INTERNAL", false),
    ]);
    table
}

fn info(status: &Status) -> tonic_types::ErrorInfo {
    status.get_details_error_info().unwrap()
}

#[test]
fn every_failure_has_its_code_reason_and_words() {
    for (failure, code, reason, retries) in table() {
        let status = Status::from(&failure);
        assert_eq!(status.code(), code, "{failure:?}");
        assert_eq!((info(&status).reason.as_str(), info(&status).domain.as_str()), (reason, "whistle"));
        assert_eq!(status.get_details_retry_info().is_some(), retries, "{failure:?}");
        let mut locales = Vec::new();
        for detail in status.get_error_details_vec() {
            if let ErrorDetail::LocalizedMessage(message) = detail {
                assert!(!message.message.is_empty());
                locales.push(message.locale);
            }
        }
        assert_eq!(locales, ["zh-CN", "en"], "{failure:?}");
        if code == Code::InvalidArgument && reason != "UNDECODABLE" {
            assert!(!status.get_details_bad_request().unwrap().field_violations.is_empty());
        }
        assert_eq!(status.get_details_precondition_failure().is_some(), code == Code::FailedPrecondition);
    }
}

#[test]
fn every_reason_of_the_table_of_texts_is_one_that_is_told() {
    let table = table();
    for (at, (reason, zh, en)) in REASONS.iter().enumerate() {
        assert!(table.iter().any(|(_, _, told, _)| told == reason), "{reason} is never told");
        assert!(REASONS.iter().skip(at + 1).all(|(other, _, _)| other != reason), "{reason} stands twice");
        assert!(zh.ends_with('。') && en.ends_with('.'), "{reason} has no sentence");
        assert_eq!(text(reason).map(|text| (text.zh, text.en)), Some((*zh, *en)));
    }
    assert_eq!(text("NO_SUCH_REASON"), None);
}

#[test]
fn refused_status_names_where_the_case_may_go() {
    let refusal = Refusal::StatusForbids {
        status: CaseStatus::Checked,
        allowed: vec![CaseStatus::Closed, CaseStatus::InProgress],
    };
    let status = crate::status(&refusal);
    let metadata = info(&status).metadata;
    assert_eq!(metadata.get("status").unwrap(), "CASE_STATUS_CHECKED");
    assert_eq!(metadata.get("allowed_statuses").unwrap(), "CASE_STATUS_CLOSED,CASE_STATUS_IN_PROGRESS");
}

#[test]
fn missing_role_is_told_with_the_roles_that_may() {
    let status = crate::status(&Refusal::RoleMissing { needed: vec![Role::DutyLeader, Role::CallerBack] });
    assert_eq!(info(&status).metadata.get("needed_roles").unwrap(), "duty_leader,caller_back");
}

#[test]
fn violations_are_all_told_until_the_header_is_full() {
    let many = |count: usize, length: usize| -> Vec<Violation> {
        (0..count)
            .map(|at| Violation::new(format!("evidence[{at}].sha256"), "MALFORMED", "x".repeat(length)))
            .collect()
    };
    let told = |count, length| {
        let status = Status::from(Failure::Invalid(many(count, length)));
        // As base64 with its message, within 8 KiB.
        assert!(status.details().len() / 3 * 4 + status.message().len() < 7168, "{}", status.details().len());
        status.get_details_bad_request().unwrap().field_violations
    };
    assert_eq!(told(60, 30).len(), 60);
    let cut = told(100, 5000);
    let last = cut.last().unwrap();
    assert_eq!(last.reason, "MORE");
    assert_eq!(last.description, format!("{} more violations", 100 - (cut.len() - 1)));
    assert!(cut.len() > 25);
}

#[test]
fn item_of_a_batch_says_what_its_status_says() {
    let wrong = vec![Violation::new("new_case.text", "TOO_LONG", "at most 4000 characters")];
    let error = crate::raise_error(&Failure::Invalid(wrong).into());
    assert_eq!((error.code, error.reason.as_str()), (3, "INVALID_REQUEST"));
    assert_eq!(error.message_zh, text("INVALID_REQUEST").unwrap().zh);
    let told: Vec<_> = error.violations.iter().map(|v| (v.field.as_str(), v.reason.as_str())).collect();
    assert_eq!(told, [("new_case.text", "TOO_LONG")]);
    assert_eq!(error.violations[0].description, "at most 4000 characters");
}
