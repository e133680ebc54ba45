//! When the domain says no. A refusal is an answer, never an event and never a failure of the machine.

use registry::ids::Role;

use crate::flow::Status;

/// Why a command was refused. `reason` is stable and public; texts for people live beside the transport.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such case, or it lies outside the caller's sight: the two are not to be told apart.
    #[error("no such case")]
    NotFound,
    /// None of the caller's roles gives the right.
    #[error("none of the caller's roles may do this")]
    RoleMissing {
        /// Roles that may.
        needed: Vec<Role>,
    },
    /// The main status does not allow it.
    #[error("a case in {} does not allow this", status.name())]
    StatusForbids {
        /// Where the case stands.
        status: Status,
        /// Where it may go from there.
        allowed: Vec<Status>,
    },
    /// A part of the case does not allow it: a duty, whistle, measure, request or clock.
    #[error("{part} does not allow this: {why}")]
    StateForbids {
        /// Which part, such as `obligation 3`.
        part: String,
        /// Why.
        why: StateReason,
    },
    /// The case has no such part.
    #[error("the case has no {part}")]
    NoSuchPart {
        /// Which part, such as `obligation 3`.
        part: String,
    },
    /// A bound of the published policies is reached.
    #[error("limit {name} of {limit} is reached")]
    Limit {
        /// The limit's name in the policies.
        name: &'static str,
        /// Its value.
        limit: u32,
    },
    /// The command itself is wrong; every violation at once.
    #[error("the command has {} violations", .0.len())]
    Invalid(Vec<Violation>),
    /// Something the district has not laid down: an unknown code, an organisation that is not active, a missing rule.
    #[error("{what} {code} is not in the published registry, or not active")]
    Unregistered {
        /// What kind of thing.
        what: &'static str,
        /// The code given.
        code: String,
    },
}

/// One thing wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field.
    pub field: String,
    /// A stable code, such as `REQUIRED`, `TOO_LONG`, `UNKNOWN`, `OUT_OF_RANGE`, `IN_FUTURE`, `DUPLICATE`.
    pub code: &'static str,
    /// What is expected instead, in plain English.
    pub description: String,
}

impl Violation {
    /// Names what is wrong with a field.
    #[must_use]
    pub fn new(field: impl Into<String>, code: &'static str, description: impl Into<String>) -> Self {
        Self { field: field.into(), code, description: description.into() }
    }
}

/// Why a part of a case does not allow a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum StateReason {
    /// It ended, one way or another.
    #[error("it has ended")]
    Ended,
    /// It was done before.
    #[error("it was done before")]
    AlreadyDone,
    /// It must be signed for first.
    #[error("it must be signed for first")]
    NotSignedFor,
    /// Its holder must report in first.
    #[error("its holder must report in first")]
    NotReportedIn,
    /// Mandatory measures are not struck off.
    #[error("mandatory measures are not struck off")]
    MeasuresOpen,
    /// Required duties are not settled.
    #[error("required duties are not settled")]
    DutiesOpen,
    /// It is not completed.
    #[error("it is not completed")]
    NotCompleted,
    /// A duty before it in the series is not settled.
    #[error("a duty before it is not settled")]
    NotItsTurn,
    /// It is held by another organisation.
    #[error("another organisation holds it")]
    NotTheHolder,
    /// Its kind does not have this step.
    #[error("its kind does not have this step")]
    NoSuchStep,
    /// It waits for approval.
    #[error("it waits for approval")]
    NotApproved,
    /// It is not active.
    #[error("it is not active")]
    NotActive,
    /// It is still open.
    #[error("it is still open")]
    StillOpen,
    /// The same person asked for it: a second one must decide.
    #[error("whoever asked may not decide")]
    SamePerson,
    /// Whoever disposed may not check, whoever has a duty may not call back.
    #[error("whoever is concerned may not judge")]
    NotNeutral,
    /// The presence code is wrong or no longer counts.
    #[error("the presence code is wrong or has expired")]
    BadPresenceCode,
    /// No call-back was made, or not enough.
    #[error("the call-back is owed")]
    CallBackOwed,
    /// The window for it has passed.
    #[error("its window has passed")]
    WindowPassed,
    /// The clock moved on since.
    #[error("the clock has moved on")]
    StaleClock,
    /// It is not due yet.
    #[error("it is not due yet")]
    NotDue,
    /// The accused, and those above, never see the reporter.
    #[error("whoever is complained of never sees the reporter")]
    Accused,
    /// Confidential: a second person must allow it first.
    #[error("a second person must allow it first")]
    Confidential,
    /// The key was destroyed.
    #[error("the key was destroyed")]
    Erased,
    /// The case is excluded from this by its profile.
    #[error("this kind of case does not have it")]
    ProfileForbids,
}

impl StateReason {
    /// The stable public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ended => "ENDED",
            Self::AlreadyDone => "ALREADY_DONE",
            Self::NotSignedFor => "NOT_SIGNED_FOR",
            Self::NotReportedIn => "NOT_REPORTED_IN",
            Self::MeasuresOpen => "MEASURES_OPEN",
            Self::DutiesOpen => "DUTIES_OPEN",
            Self::NotCompleted => "NOT_COMPLETED",
            Self::NotItsTurn => "NOT_ITS_TURN",
            Self::NotTheHolder => "NOT_THE_HOLDER",
            Self::NoSuchStep => "NO_SUCH_STEP",
            Self::NotApproved => "NOT_APPROVED",
            Self::NotActive => "NOT_ACTIVE",
            Self::StillOpen => "STILL_OPEN",
            Self::SamePerson => "SAME_PERSON",
            Self::NotNeutral => "NOT_NEUTRAL",
            Self::BadPresenceCode => "BAD_PRESENCE_CODE",
            Self::CallBackOwed => "CALL_BACK_OWED",
            Self::WindowPassed => "WINDOW_PASSED",
            Self::StaleClock => "STALE_CLOCK",
            Self::NotDue => "NOT_DUE",
            Self::Accused => "ACCUSED",
            Self::Confidential => "CONFIDENTIAL",
            Self::Erased => "ERASED",
            Self::ProfileForbids => "PROFILE_FORBIDS",
        }
    }
}
