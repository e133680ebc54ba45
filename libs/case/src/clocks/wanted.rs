//! Which clocks the state of a case asks for.

use jiff::civil::Date;
use registry::ids::WhistleKind;
use registry::{ClockKind, Step};

use crate::closure::call_back_owed;
use crate::event::parts::{Profile, Subject};
use crate::flow::Status;
use crate::rules::Rules;
use crate::state::{Case, ClockState, Obligation, ObligationState, RequestKind, WhistlePhase};
use crate::time::At;

/// A clock the state asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) kind: ClockKind,
    pub(super) subject: Subject,
    pub(super) start_at: At,
    pub(super) whistle_kind: Option<WhistleKind>,
    /// The due instant itself, when the source named it.
    pub(super) external_due_at: Option<At>,
    /// The due day itself, when a suspension named it.
    pub(super) review_on: Option<Date>,
}

impl Wanted {
    fn about(subject: Subject, kind: ClockKind, start_at: At) -> Self {
        Self { kind, subject, start_at, whistle_kind: None, external_due_at: None, review_on: None }
    }

    fn of_case(kind: ClockKind, start_at: At) -> Self {
        Self::about(Subject::Case, kind, start_at)
    }

    /// Whether an open clock is this one. A review begins anew each time: the last one is settled by it.
    pub(super) fn goes_on_in(&self, clock: &ClockState) -> bool {
        let same = self.kind == clock.kind && self.subject == clock.subject;
        same && (self.kind != ClockKind::SuspensionReview || self.start_at == clock.start_at)
    }
}

/// Every clock the case should have. History from elsewhere has none, nor has what ended.
pub(super) fn wanted(case: &Case, rules: &Rules<'_>) -> Vec<Wanted> {
    if case.profile == Profile::Imported || case.status.is_ended() {
        return Vec::new();
    }
    let mut wanted = Vec::new();
    wanted.extend(stage(case, rules));
    if let (Status::Suspended, Some(reviewed_at)) = (case.status, case.reviewed_at) {
        let review = Wanted::of_case(ClockKind::SuspensionReview, reviewed_at);
        wanted.push(Wanted { review_on: case.review_on, ..review });
    }
    if let Some(filed_at) = case.filed_at {
        // Reopened, the whole of it is owed again.
        let start_at = case.reopened_at.map_or(filed_at, |at| at.max(filed_at));
        wanted.push(Wanted::of_case(ClockKind::Whole, start_at));
    }
    if let Some(due) = case.external_due_at {
        let start = Wanted::of_case(ClockKind::ExternalDue, case.raised_at);
        wanted.push(Wanted { external_due_at: Some(due), ..start });
    }
    for obligation in case.obligations.iter().filter(|obligation| case.may_begin(obligation)) {
        wanted.extend(of_obligation(case, obligation));
    }
    wanted.extend(of_whistles(case));
    wanted.extend(of_requests(case));
    wanted
}

/// The clock of the step the case as a whole is at.
fn stage(case: &Case, rules: &Rules<'_>) -> Option<Wanted> {
    let since = case.status_since;
    let of_case = |kind, at| Some(Wanted::of_case(kind, at));
    match case.status {
        Status::Untriaged => of_case(ClockKind::Triage, since),
        Status::Raised => of_case(ClockKind::Accept, since),
        Status::Verifying => match (case.genuine, case.verified_at) {
            // Looked at: the receptionist decides what follows.
            (Some(_), Some(verified_at)) => of_case(ClockKind::Accept, verified_at.max(since)),
            _ => of_case(ClockKind::Verify, since),
        },
        Status::Accepted | Status::SelfHandled => of_case(ClockKind::File, since),
        Status::Filed => of_case(ClockKind::Dispatch, since),
        // The step before stands still, if its clock ran.
        Status::Suspended if case.status_before == Some(Status::Filed) => {
            let is_open = |clock: &ClockState| clock.is_open() && clock.kind == ClockKind::Dispatch;
            let clock = case.clocks.iter().find(|clock| is_open(clock))?;
            of_case(ClockKind::Dispatch, clock.start_at)
        }
        Status::Disposed => of_case(ClockKind::Check, since),
        Status::Checked if call_back_owed(case, rules).is_some() => of_case(ClockKind::CallBack, since),
        Status::Checked => {
            let called = case.callbacks.iter().map(|call| call.at).chain(case.callback_exempt_at).max();
            of_case(ClockKind::Close, called.map_or(since, |at| at.max(since)))
        }
        Status::Suspended
        | Status::Dispatched
        | Status::InProgress
        | Status::Closed
        | Status::Rejected
        | Status::Merged
        | Status::Split
        | Status::Withdrawn
        | Status::Voided
        | Status::Terminated
        | Status::ForceClosed => None,
    }
}

fn of_obligation(case: &Case, obligation: &Obligation) -> Vec<Wanted> {
    let before = obligation.after.iter().filter_map(|no| case.obligation(*no)?.ended_at).max();
    let start_at = before.map_or(obligation.assigned_at, |at| at.max(obligation.assigned_at));
    let whistle_kind = obligation.whistle.and_then(|no| case.whistle(no)).map(|whistle| whistle.kind.clone());
    let want = |kind, start_at| Wanted {
        whistle_kind: whistle_kind.clone(),
        ..Wanted::about(Subject::Obligation(obligation.no), kind, start_at)
    };
    let mut wanted = Vec::new();
    if obligation.is_open() {
        if obligation.has(Step::SignFor) && obligation.signed_at.is_none() {
            wanted.push(want(ClockKind::SignFor, start_at));
        }
        if let (true, Some(signed_at), None) =
            (obligation.has(Step::Contact), obligation.signed_at, obligation.contacted_at)
        {
            wanted.push(want(ClockKind::Contact, signed_at));
        }
        if obligation.has(Step::ReportIn) && obligation.reported_in_at.is_none() {
            wanted.push(want(ClockKind::ReportIn, start_at));
        }
        if obligation.has(Step::Complete) && obligation.completed_at.is_none() {
            wanted.push(want(ClockKind::Complete, start_at.max(obligation.begun_at)));
        }
    }
    if let (ObligationState::Completed, true, Some(at)) =
        (obligation.state, obligation.has(Step::Confirm), obligation.completed_at)
    {
        wanted.push(want(ClockKind::Confirm, at));
    }
    wanted
}

/// Approval before it is active, triage, and for what acts first the approval afterwards, stood down or not.
fn of_whistles(case: &Case) -> impl Iterator<Item = Wanted> {
    case.whistles.iter().filter_map(|whistle| {
        let unconfirmed = whistle.confirmed_afterwards && !whistle.confirmed;
        let (kind, start_at) = match whistle.phase {
            WhistlePhase::Drafted if whistle.needs_approval => {
                (ClockKind::WhistleApproval, whistle.phase_since)
            }
            WhistlePhase::Drafted | WhistlePhase::Approved if whistle.needs_triage => {
                (ClockKind::WhistleTriage, whistle.phase_since)
            }
            WhistlePhase::Active | WhistlePhase::StoodDown if unconfirmed => {
                (ClockKind::WhistleApproval, whistle.blown_at)
            }
            WhistlePhase::Drafted
            | WhistlePhase::Approved
            | WhistlePhase::Triaged
            | WhistlePhase::Active
            | WhistlePhase::StoodDown
            | WhistlePhase::Withdrawn
            | WhistlePhase::HandedBack
            | WhistlePhase::Invalid => return None,
        };
        let whistle_kind = Some(whistle.kind.clone());
        Some(Wanted { whistle_kind, ..Wanted::about(Subject::Whistle(whistle.no), kind, start_at) })
    })
}

fn of_requests(case: &Case) -> impl Iterator<Item = Wanted> {
    case.requests.iter().filter(|request| case.is_pending(request)).filter_map(|request| {
        let kind = match request.kind {
            RequestKind::Return(_) => ClockKind::ReturnDecision,
            RequestKind::Objection(_) => ClockKind::ObjectionDecision,
            RequestKind::Extension(..) | RequestKind::Suspension => ClockKind::ExtensionDecision,
            RequestKind::Void
            | RequestKind::Termination
            | RequestKind::ForceClose
            | RequestKind::Exclusion
            | RequestKind::BreakGlass(_)
            | RequestKind::Erasure(_)
            | RequestKind::RatingAppeal(_)
            | RequestKind::Whistle(_)
            | RequestKind::Supervision(..) => return None,
        };
        Some(Wanted::about(Subject::Request(request.no), kind, request.asked_at))
    })
}
