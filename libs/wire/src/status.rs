//! Failures as statuses: one code each, and details that a program and a person can act on.

use std::collections::HashMap;
use std::time::Duration;

use case::Refusal;
use case::refusal::Violation;
use tonic::{Code, Status};
use tonic_types::{
    BadRequest, ErrorDetail, ErrorInfo, FieldViolation, LocalizedMessage, PreconditionFailure,
    PreconditionViolation, RetryInfo, StatusExt as _,
};

use crate::enums::Wire as _;
use crate::failure::{Failure, Token};
use crate::pb::whistle::intake::v1 as intake;
use crate::pb::whistle::intake::v1::RaiseError;
use crate::texts::text;

/// Domain of every reason.
pub const ERROR_DOMAIN: &str = "whistle";

/// Details travel in one header as base64, and the strictest client libraries take 8 KiB of headers: so many bytes of violations are
/// told, the rest is counted.
const VIOLATIONS_BYTES_MAX: usize = 4500;
/// What a violation takes beside its words: tags and lengths.
const VIOLATION_BYTES: usize = 10;
/// Longest path of a field, in characters.
const FIELD_CHARS_MAX: usize = 80;
/// Longest expectation of a violation, in characters.
const DESCRIPTION_CHARS_MAX: usize = 120;
/// Longest detail of a decoder, in characters.
const DETAIL_CHARS_MAX: usize = 200;
/// When to come again after a full queue: a batch is through by then.
const BUSY_RETRY: Duration = Duration::from_millis(200);
/// When to come again to what is away: a restart takes seconds.
const AWAY_RETRY: Duration = Duration::from_secs(2);

/// What a failure is made of, before it is put together.
struct Parts {
    code: Code,
    reason: &'static str,
    /// What exactly, in English; never personal.
    detail: String,
    metadata: Vec<(&'static str, String)>,
    more: Vec<ErrorDetail>,
}

impl Parts {
    fn new(code: Code, reason: &'static str) -> Self {
        Self { code, reason, detail: String::new(), metadata: Vec::new(), more: Vec::new() }
    }

    fn detail(mut self, detail: impl ToString) -> Self {
        self.detail = detail.to_string();
        self
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.metadata.push((name, value.to_string()));
        self
    }

    fn retry(mut self, after: Duration) -> Self {
        self.more.push(RetryInfo::new(Some(after)).into());
        self
    }

    fn precondition(mut self, subject: &str) -> Self {
        let violation = PreconditionViolation::new(self.reason, subject, self.detail.clone());
        self.more.push(PreconditionFailure::new(vec![violation]).into());
        self
    }

    fn violations(mut self, violations: &[Violation]) -> Self {
        let mut room = VIOLATIONS_BYTES_MAX;
        let mut fits = |told: &FieldViolation| {
            let bytes = told.field.len() + told.description.len() + told.reason.len() + VIOLATION_BYTES;
            let left = room.checked_sub(bytes);
            room = left.unwrap_or(0);
            left.is_some()
        };
        let mut told: Vec<_> = violations.iter().map(field_violation).take_while(|told| fits(told)).collect();
        let untold = violations.len().saturating_sub(told.len());
        if untold > 0 {
            let mut more = FieldViolation::new("request", format!("{untold} more violations"));
            "MORE".clone_into(&mut more.reason);
            told.push(more);
        }
        self.detail = format!("{} violations", violations.len());
        self.more.push(BadRequest::new(told).into());
        self
    }

    fn status(self) -> Status {
        let metadata: HashMap<String, String> =
            self.metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let mut details: Vec<ErrorDetail> = vec![ErrorInfo::new(self.reason, ERROR_DOMAIN, metadata).into()];
        let mut message = self.reason.to_owned();
        if let Some(text) = text(self.reason) {
            message = if self.detail.is_empty() {
                text.en.to_owned()
            } else {
                format!("{} ({})", text.en, self.detail)
            };
            details.push(LocalizedMessage::new("zh-CN", text.zh).into());
            details.push(LocalizedMessage::new("en", text.en).into());
        }
        details.extend(self.more);
        Status::with_error_details_vec(self.code, message, details)
    }
}

fn field_violation(violation: &Violation) -> FieldViolation {
    let cut = |text: &str, chars: usize| text.chars().take(chars).collect::<String>();
    let mut told = FieldViolation::new(
        cut(&violation.field, FIELD_CHARS_MAX),
        cut(&violation.description, DESCRIPTION_CHARS_MAX),
    );
    violation.code.clone_into(&mut told.reason);
    told
}

/// The status of a refusal.
#[must_use]
pub fn status(refusal: &Refusal) -> Status {
    refused(refusal).status()
}

fn refused(refusal: &Refusal) -> Parts {
    let forbidden = |reason| Parts::new(Code::FailedPrecondition, reason).detail(refusal);
    match refusal {
        Refusal::NotFound => Parts::new(Code::NotFound, "CASE_NOT_FOUND"),
        Refusal::RoleMissing { needed } => {
            let names: Vec<String> = needed.iter().filter_map(role_name).collect();
            Parts::new(Code::PermissionDenied, "ROLE_MISSING").with("needed_roles", names.join(","))
        }
        Refusal::StatusForbids { status, allowed } => {
            let names: Vec<&str> = allowed.iter().map(|status| status.to_pb().as_str_name()).collect();
            forbidden("STATUS_FORBIDS")
                .with("status", status.to_pb().as_str_name())
                .with("allowed_statuses", names.join(","))
                .precondition("case")
        }
        Refusal::StateForbids { part, why } => forbidden(why.name()).with("part", part).precondition(part),
        Refusal::NoSuchPart { part } => forbidden("NO_SUCH_PART").with("part", part).precondition(part),
        Refusal::Limit { name, limit } => {
            forbidden("LIMIT_REACHED").with("limit_name", name).with("limit", limit).precondition(name)
        }
        Refusal::Invalid(violations) => invalid(violations),
        Refusal::Unregistered { what, code } => {
            forbidden("UNREGISTERED").with("what", what).with("code", code).precondition(what)
        }
    }
}

fn invalid(violations: &[Violation]) -> Parts {
    Parts::new(Code::InvalidArgument, "INVALID_REQUEST").violations(violations)
}

/// The stored name of a role.
fn role_name(role: &registry::ids::Role) -> Option<String> {
    serde_json::to_value(role).ok()?.as_str().map(ToOwned::to_owned)
}

fn failed(failure: &Failure) -> Parts {
    match failure {
        Failure::Refused(refusal) => refused(refusal),
        Failure::Invalid(violations) => invalid(violations),
        Failure::Undecodable { detail } => {
            let detail: String = detail.chars().take(DETAIL_CHARS_MAX).collect();
            Parts::new(Code::InvalidArgument, "UNDECODABLE").detail(detail)
        }
        Failure::Unauthenticated(token) => Parts::new(
            Code::Unauthenticated,
            match token {
                Token::Missing => "TOKEN_MISSING",
                Token::Malformed => "TOKEN_MALFORMED",
                Token::Unknown => "TOKEN_UNKNOWN",
            },
        ),
        Failure::CommandIdReused => Parts::new(Code::AlreadyExists, "COMMAND_ID_REUSED"),
        Failure::Conflict { current } => {
            Parts::new(Code::Aborted, "VERSION_CONFLICT").with("current_version", current)
        }
        Failure::StaleVersion { expected, actual } => Parts::new(Code::Aborted, "STALE_VERSION")
            .with("expected_version", expected)
            .with("current_version", actual),
        Failure::TooLarge { what, limit, actual } => {
            let told = Parts::new(Code::ResourceExhausted, "TOO_LARGE")
                .with("what", what)
                .with("limit_bytes", limit);
            if *actual > 0 { told.with("actual_bytes", actual) } else { told }
        }
        Failure::Busy => Parts::new(Code::ResourceExhausted, "BUSY").retry(BUSY_RETRY),
        Failure::Unavailable => Parts::new(Code::Unavailable, "UNAVAILABLE").retry(AWAY_RETRY),
        Failure::FutureToken { oldest } => {
            Parts::new(Code::OutOfRange, "POSITION_OUT_OF_RANGE").with("oldest", oldest)
        }
        Failure::MalformedToken => {
            Parts::new(Code::InvalidArgument, "POSITION_MALFORMED").violations(&[Violation::new(
                "position_token",
                "MALFORMED",
                "a token that an answer of this API gave",
            )])
        }
        Failure::NoRegistry => Parts::new(Code::FailedPrecondition, "NO_REGISTRY").precondition("registry"),
        Failure::EvidenceNotFound => Parts::new(Code::NotFound, "EVIDENCE_NOT_FOUND"),
        Failure::DataLoss => Parts::new(Code::DataLoss, "DATA_LOSS"),
        Failure::NotSupportedYet => Parts::new(Code::Unimplemented, "NOT_SUPPORTED_YET"),
        Failure::Internal => Parts::new(Code::Internal, "INTERNAL"),
    }
}

impl From<&Failure> for Status {
    fn from(failure: &Failure) -> Self {
        failed(failure).status()
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        Self::from(&failure)
    }
}

/// What a status says, as one item of a batch says it.
#[must_use]
pub fn raise_error(status: &Status) -> RaiseError {
    let mut error = RaiseError {
        code: status.code().into(),
        message: status.message().to_owned(),
        ..RaiseError::default()
    };
    for detail in status.get_error_details_vec() {
        if let ErrorDetail::ErrorInfo(info) = detail {
            error.reason = info.reason;
        } else if let ErrorDetail::LocalizedMessage(message) = detail {
            if message.locale == "zh-CN" {
                error.message_zh = message.message;
            }
        } else if let ErrorDetail::BadRequest(wrong) = detail {
            let told = wrong.field_violations.into_iter();
            error.violations = told
                .map(|FieldViolation { field, reason, description, .. }| intake::FieldViolation {
                    field,
                    reason,
                    description,
                })
                .collect();
        }
    }
    error
}
