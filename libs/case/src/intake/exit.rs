//! Ways out beside the ordinary end: withdrawal, and the exits that two persons must want.

use registry::catalogue;
use registry::ids::Role;

use crate::actor::Actor;
use crate::event::Event;
use crate::event::intake::{
    CaseExcluded, CaseForceClosed, CaseTerminated, CaseVoided, CaseWithdrawn, ExclusionRefused,
    ExclusionRequested, ForceCloseRefused, ForceCloseRequested, TerminationRefused, TerminationRequested,
    VoidRefused, VoidRequested,
};
use crate::event::parts::{By, Ground};
use crate::flow::Status;
use crate::ids::RequestNo;
use crate::refusal::{Refusal, StateReason};
use crate::rules::{Rules, forbids, ground as check_ground};
use crate::sealed::Sealed;
use crate::state::{Case, RequestKind};

type Decision = Result<Vec<Event>, Refusal>;

/// An exit that one person asks for and another grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// 作废
    Void,
    /// 终止办理
    Terminate,
    /// 强制结案
    ForceClose,
    /// 剔除: not an end, but out of the rates.
    Exclude,
}

impl Exit {
    fn catalogue(self) -> &'static str {
        match self {
            Self::Void => catalogue::VOID,
            Self::Terminate => catalogue::TERMINATE,
            Self::ForceClose => catalogue::FORCE_CLOSE,
            Self::Exclude => catalogue::EXCLUDE,
        }
    }

    fn status(self) -> Option<Status> {
        match self {
            Self::Void => Some(Status::Voided),
            Self::Terminate => Some(Status::Terminated),
            Self::ForceClose => Some(Status::ForceClosed),
            Self::Exclude => None,
        }
    }

    fn of(kind: &RequestKind) -> Option<Self> {
        match kind {
            RequestKind::Void => Some(Self::Void),
            RequestKind::Termination => Some(Self::Terminate),
            RequestKind::ForceClose => Some(Self::ForceClose),
            RequestKind::Exclusion => Some(Self::Exclude),
            RequestKind::Return(_)
            | RequestKind::Objection(_)
            | RequestKind::Extension(..)
            | RequestKind::Suspension
            | RequestKind::BreakGlass(_)
            | RequestKind::Erasure(_)
            | RequestKind::RatingAppeal(_)
            | RequestKind::Whistle(_)
            | RequestKind::Supervision(..) => None,
        }
    }
}

/// Before anybody worked on it, the reporter may take it back; afterwards only its source.
const UNWORKED: [Status; 4] = [Status::Untriaged, Status::Raised, Status::Verifying, Status::Accepted];

pub(super) fn withdraw(case: &Case, words: Option<&Sealed>, actor: &Actor) -> Decision {
    let by = actor.sign(&[
        Role::SourceSystem,
        Role::CallTaker,
        Role::Resident,
        Role::LaneSteward,
        Role::GridWorker,
        Role::CommunityOfficer,
        Role::SubdistrictOfficer,
    ])?;
    case.may_go(Status::Withdrawn)?;
    let from_source = matches!(&by, By::System { source, .. }
        if case.ticket.as_ref().is_some_and(|ticket| ticket.source == *source));
    if !from_source {
        let own = by.person().is_some()
            && (case.raised_by.person() == by.person()
                || case.reporters.iter().any(|reporter| reporter.person.as_ref() == by.person()));
        if !own && !actor.is_any(&[Role::CallTaker]) {
            return Err(forbids("case", StateReason::NotTheHolder));
        }
        case.stands_in(&UNWORKED)?;
    }
    Ok(vec![CaseWithdrawn { by, words: words.cloned() }.into()])
}

pub(super) fn request(
    case: &Case,
    exit: Exit,
    ground: &Ground,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::Receptionist, Role::Dispatcher, Role::DutyLeader, Role::DistrictCentre])?;
    if let Some(status) = exit.status() {
        case.may_go(status)?;
    }
    if exit == Exit::Exclude && case.excluded {
        return Err(forbids("case", StateReason::AlreadyDone));
    }
    check_ground(rules, exit.catalogue(), ground)?;
    let pending = case.requests.iter().any(|r| r.is_open() && Exit::of(&r.kind) == Some(exit));
    if pending {
        return Err(forbids("request", StateReason::StillOpen));
    }
    let (request, ground) = (case.next_request(), ground.clone());
    Ok(vec![match exit {
        Exit::Void => VoidRequested { by, request, ground }.into(),
        Exit::Terminate => TerminationRequested { by, request, ground }.into(),
        Exit::ForceClose => ForceCloseRequested { by, request, ground }.into(),
        Exit::Exclude => ExclusionRequested { by, request, ground }.into(),
    }])
}

pub(super) fn decide(
    case: &Case,
    request: RequestNo,
    grant: bool,
    words: Option<&Sealed>,
    actor: &Actor,
) -> Decision {
    let by = actor.sign(&[Role::DutyLeader, Role::DistrictCentre, Role::Supervisor])?;
    let found = case.decidable(request, &by, |request| Exit::of(&request.kind).is_some())?;
    let Some(exit) = Exit::of(&found.kind) else {
        return Err(Refusal::NoSuchPart { part: format!("request {request}") });
    };
    if grant && let Some(status) = exit.status() {
        case.may_go(status)?;
    }
    let words = words.cloned();
    Ok(vec![match (exit, grant) {
        (Exit::Void, true) => CaseVoided { by, request }.into(),
        (Exit::Void, false) => VoidRefused { by, request, words }.into(),
        (Exit::Terminate, true) => CaseTerminated { by, request }.into(),
        (Exit::Terminate, false) => TerminationRefused { by, request, words }.into(),
        (Exit::ForceClose, true) => CaseForceClosed { by, request }.into(),
        (Exit::ForceClose, false) => ForceCloseRefused { by, request, words }.into(),
        (Exit::Exclude, true) => CaseExcluded { by, request }.into(),
        (Exit::Exclude, false) => ExclusionRefused { by, request, words }.into(),
    }])
}
