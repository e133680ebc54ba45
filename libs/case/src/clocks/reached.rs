//! What became of a clock that is no longer wanted.

use registry::ClockKind;

use crate::event::Event;
use crate::event::clock::{CancelCause, ClockCancelled, ClockSettled};
use crate::event::parts::Subject;
use crate::flow::Status;
use crate::ids::{ObligationNo, WhistleNo};
use crate::state::{Case, ClockState, Obligation, WhistlePhase};
use crate::time::At;

/// Settled when what the clock waited for came; cancelled when the case went another way.
pub(super) fn finish(case: &Case, clock: &ClockState) -> Event {
    let (clock_no, generation) = (clock.no, clock.generation);
    if let Some(at) = reached(case, clock) {
        return ClockSettled { clock: clock_no, generation, at, late: at > clock.due_at }.into();
    }
    let waits = |no| case.obligation(no).is_some_and(Obligation::is_open);
    let cause = match clock.subject {
        _ if case.status.is_ended() => CancelCause::CaseEnded,
        Subject::Case => CancelCause::Overtaken,
        // Its turn was taken back, as a duty before it is not done after all.
        Subject::Obligation(no) if waits(no) => CancelCause::Overtaken,
        Subject::Obligation(_) | Subject::Whistle(_) | Subject::Request(_) => CancelCause::SubjectEnded,
    };
    ClockCancelled { clock: clock_no, generation, cause }.into()
}

/// When the thing a clock waits for came about, if it did.
fn reached(case: &Case, clock: &ClockState) -> Option<At> {
    match clock.subject {
        Subject::Case => by_case(case, clock),
        Subject::Obligation(no) => by_obligation(case, clock, no),
        Subject::Whistle(no) => by_whistle(case, no),
        Subject::Request(no) => case.request(no).and_then(|request| request.decided_at),
    }
}

fn by_case(case: &Case, clock: &ClockState) -> Option<At> {
    let left_unfinished = matches!(
        case.status,
        Status::Withdrawn
            | Status::Voided
            | Status::Terminated
            | Status::ForceClosed
            | Status::Merged
            | Status::Split
    );
    if left_unfinished {
        return None;
    }
    let since = match (clock.kind, case.status) {
        // What these waited for came without the case moving on.
        (ClockKind::Verify, Status::Verifying) => case.verified_at,
        (ClockKind::SuspensionReview, Status::Suspended) => case.reviewed_at,
        (ClockKind::Dispatch, Status::Suspended) => case.lead().map(|lead| lead.assigned_at),
        (ClockKind::CallBack, Status::Checked) => {
            case.callbacks.iter().map(|call| call.at).chain(case.callback_exempt_at).max()
        }
        _ => Some(case.status_since),
    };
    Some(since.unwrap_or(case.status_since).max(clock.start_at))
}

fn by_obligation(case: &Case, clock: &ClockState, no: ObligationNo) -> Option<At> {
    let obligation = case.obligation(no)?;
    match clock.kind {
        ClockKind::SignFor => obligation.signed_at,
        ClockKind::Contact => obligation.contacted_at,
        ClockKind::ReportIn => obligation.reported_in_at,
        ClockKind::Complete => obligation.completed_at,
        // Refused: the one who confirms did answer in time; the holder's clock runs again.
        ClockKind::Confirm => {
            let refused = obligation.refused_at.filter(|at| *at >= clock.start_at);
            obligation.confirmed_at.or(refused)
        }
        ClockKind::Triage
        | ClockKind::Accept
        | ClockKind::Verify
        | ClockKind::File
        | ClockKind::Dispatch
        | ClockKind::Whole
        | ClockKind::Check
        | ClockKind::CallBack
        | ClockKind::Close
        | ClockKind::WhistleApproval
        | ClockKind::WhistleTriage
        | ClockKind::SuspensionReview
        | ClockKind::ReturnDecision
        | ClockKind::ObjectionDecision
        | ClockKind::ExtensionDecision
        | ClockKind::ExternalDue => None,
    }
}

/// Approved, triaged or handed back, and for what acts first confirmed or struck: each is an answer.
fn by_whistle(case: &Case, no: WhistleNo) -> Option<At> {
    let whistle = case.whistle(no)?;
    if whistle.confirmed_at.is_some() {
        return whistle.confirmed_at;
    }
    let answered = matches!(
        whistle.phase,
        WhistlePhase::Approved
            | WhistlePhase::Triaged
            | WhistlePhase::Active
            | WhistlePhase::HandedBack
            | WhistlePhase::Invalid
    );
    answered.then_some(whistle.phase_since)
}
