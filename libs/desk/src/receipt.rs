#[cfg(test)]
mod tests;

use case::event::{Closure, Dispatch, Event, Intake, Whistle};
use case::ids::{CaseId, RequestNo};
use case::state::Case;
use ledger::Commit;
use ledger::{Done, Ledger, LedgerError};
use wire::pb::whistle::case::v1::{CommandReceipt, Made};

use crate::token;

/// The receipt for a command: a pure function of its commit, so that a repeat gets the same but for `repeated`.
///
/// # Errors
/// [`LedgerError`] when the log cannot be read.
pub async fn receipt(ledger: &Ledger, case: &Case, done: &Done) -> Result<CommandReceipt, LedgerError> {
    Ok(CommandReceipt {
        case_id: case.id.to_string(),
        case_number: ledger.number(case).await?.unwrap_or_default(),
        version: case.version,
        position_token: token::encode(ledger, done.position),
        status: wire::status_of(case.status).into(),
        repeated: done.repeated,
        defects: wire::defects_of(&case.defects),
        recorded_time: done.commit.as_ref().map(|commit| wire::timestamp(commit.recorded_at)),
        made: done.commit.as_ref().map(|commit| made(commit, case.id)),
    })
}

/// The numbers of the parts a commit made in a case: how the next command names them.
fn made(commit: &Commit, case: CaseId) -> Made {
    let mut made = Made::default();
    for recorded in commit.of_case(case) {
        note(&recorded.event, &mut made);
    }
    made
}

fn note(event: &Event, made: &mut Made) {
    let Made { obligation_nos, whistle_nos, measure_nos, request_nos } = made;
    request_nos.extend(opened(event).map(|request| request.0));
    if let Event::Dispatch(Dispatch::CaseDispatched(event)) = event {
        obligation_nos.extend(event.obligations.iter().map(|new| new.no.0));
    } else if let Event::Dispatch(Dispatch::ObligationsAdded(event)) = event {
        obligation_nos.extend(event.obligations.iter().map(|new| new.no.0));
    } else if let Event::Dispatch(Dispatch::ObligationAssigned(event)) = event {
        obligation_nos.push(event.obligation.no.0);
    } else if let Event::Dispatch(Dispatch::CaseArbitrated(event)) = event {
        obligation_nos.extend(event.obligations.iter().map(|new| new.no.0));
    } else if let Event::Whistle(Whistle::WhistleBlown(event)) = event {
        whistle_nos.push(event.whistle.0);
    } else if let Event::Whistle(Whistle::WhistleActivated(event)) = event {
        obligation_nos.extend(event.obligations.iter().map(|new| new.no.0));
    } else if let Event::Whistle(Whistle::WhistlePartyAdded(event)) = event {
        obligation_nos.push(event.obligation.no.0);
    } else if let Event::Whistle(Whistle::JointPlanAgreed(event)) = event {
        measure_nos.extend(event.measures.iter().map(|measure| measure.no.0));
    } else if let Event::Closure(Closure::CaseReopened(event)) = event {
        obligation_nos.extend(event.obligation.iter().map(|new| new.no.0));
    }
}

/// The request an event opens; one that is decided on was opened before.
fn opened(event: &Event) -> Option<RequestNo> {
    match event {
        Event::Intake(Intake::VoidRequested(asked)) => Some(asked.request),
        Event::Intake(Intake::TerminationRequested(asked)) => Some(asked.request),
        Event::Intake(Intake::ForceCloseRequested(asked)) => Some(asked.request),
        Event::Intake(Intake::ExclusionRequested(asked)) => Some(asked.request),
        Event::Intake(Intake::BreakGlassRequested(asked)) => Some(asked.request),
        Event::Intake(Intake::ErasureRequested(asked)) => Some(asked.request),
        Event::Dispatch(Dispatch::ReturnRequested(asked)) => Some(asked.request),
        Event::Dispatch(Dispatch::ObjectionRaised(asked)) => Some(asked.request),
        Event::Dispatch(Dispatch::RatingAppealed(asked)) => Some(asked.request),
        Event::Dispatch(Dispatch::ExtensionRequested(asked)) => Some(asked.request),
        Event::Dispatch(Dispatch::SuspensionRequested(asked)) => Some(asked.request),
        Event::Dispatch(Dispatch::SupervisionOrdered(ordered)) => Some(ordered.request),
        Event::Whistle(Whistle::WhistleRequested(asked)) => Some(asked.request),
        Event::Intake(_)
        | Event::Dispatch(_)
        | Event::Whistle(_)
        | Event::Clock(_)
        | Event::Closure(_)
        | Event::District(_) => None,
    }
}
