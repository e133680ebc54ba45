use case::event::{Closure, Dispatch, Event, Whistle};
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
        made: done.commit.as_ref().map(|commit| made(commit, case)),
    })
}

/// The numbers of the parts a commit made in a case: how the next command names them.
fn made(commit: &Commit, case: &Case) -> Made {
    let mut made = Made::default();
    for recorded in commit.of_case(case.id) {
        note(&recorded.event, &mut made);
    }
    // Requests are numbered through one list, so those this commit opened are the ones asked for at its instant and after.
    let opened = case.requests.iter().filter(|request| request.asked_at == commit.recorded_at);
    made.request_nos = opened.map(|request| request.no.0).collect();
    made
}

fn note(event: &Event, made: &mut Made) {
    let Made { obligation_nos, whistle_nos, measure_nos, .. } = made;
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
