//! The next step of a duty.

use case::Case;
use case::event::parts::Subject;
use case::ids::ObligationNo;
use case::state::{Obligation, ObligationState};
use registry::ids::Role;
use registry::{ClockKind, Registry, Step};

use super::{CALLERS, Command, HOLDERS, Task, anywhere, clock, person_key, within};

/// What is next about a duty, if it is anybody's turn.
pub(super) fn of_obligation(case: &Case, duty: &Obligation, registry: &Registry) -> Option<Task> {
    if duty.state == ObligationState::Completed && duty.has(Step::Confirm) {
        return Some(confirm(case, duty));
    }
    let (command, kind) = next(case, duty)?;
    let subject = if kind == ClockKind::Whole { Subject::Case } else { Subject::Obligation(duty.no) };
    Some(Task {
        obligation: Some(duty.no),
        whistle: duty.whistle,
        clock: clock(case, subject, kind),
        reminded_at: duty.reminded_at.filter(|_| duty.is_open()),
        ..Task::new(command, holders(duty, registry))
    })
}

/// The holder's next step, with the clock that times it.
fn next(case: &Case, duty: &Obligation) -> Option<(Command, ClockKind)> {
    if !duty.is_open() {
        let done = matches!(duty.state, ObligationState::Completed | ObligationState::Confirmed);
        return (done && disposes(case, duty)).then_some((Command::DisposeCase, ClockKind::Whole));
    }
    if !case.may_begin(duty) {
        return None;
    }
    if duty.has(Step::SignFor) && duty.signed_at.is_none() {
        return Some((Command::SignFor, ClockKind::SignFor));
    }
    if duty.has(Step::Contact) && duty.contacted_at.is_none() {
        return Some((Command::RecordContact, ClockKind::Contact));
    }
    if duty.has(Step::ReportIn) && duty.reported_in_at.is_none() {
        return Some((Command::ReportIn, ClockKind::ReportIn));
    }
    if measures_open(case, duty.no) {
        return Some((Command::StrikeOff, ClockKind::Complete));
    }
    // A lead whose part nobody has to confirm says it all at once, when nobody else is still at work.
    if case.lead == Some(duty.no) && !duty.has(Step::Confirm) {
        return disposes(case, duty).then_some((Command::DisposeCase, ClockKind::Complete));
    }
    Some((Command::Complete, ClockKind::Complete))
}

/// The person named; else everyone who acts for the organisation.
fn holders(duty: &Obligation, registry: &Registry) -> Vec<String> {
    match &duty.person {
        // Whoever leaves the registry leaves the duty to the organisation.
        Some(person) if registry.person(person).is_some() => {
            let mut keys = within(&duty.org, &[Role::OrgDispatcher]);
            keys.push(person_key(person));
            keys
        }
        _ => vec![format!("o:{}", duty.org)],
    }
}

fn confirm(case: &Case, duty: &Obligation) -> Task {
    let parent = duty.parent.and_then(|no| case.obligation(no)).map(|parent| within(&parent.org, &HOLDERS));
    let caller =
        duty.whistle.and_then(|no| case.whistle(no)).map(|whistle| within(&whistle.caller, &CALLERS));
    let keys = parent.or(caller).unwrap_or_else(|| anywhere(&[Role::Dispatcher, Role::DistrictCentre]));
    Task {
        obligation: Some(duty.no),
        whistle: duty.whistle,
        clock: clock(case, Subject::Obligation(duty.no), ClockKind::Confirm),
        ..Task::new(Command::Confirm, keys)
    }
}

fn measures_open(case: &Case, no: ObligationNo) -> bool {
    case.measures_of(no).any(|measure| measure.mandatory && measure.struck_at.is_none())
}

/// Whether this is the lead's duty and nothing is left but to dispose.
fn disposes(case: &Case, duty: &Obligation) -> bool {
    let others = case.obligations.iter().filter(|other| other.no != duty.no && other.mandatory);
    case.lead == Some(duty.no)
        && case.status == case::flow::Status::InProgress
        && others.into_iter().all(Obligation::is_settled)
        && !case.measures.iter().any(|measure| measure.mandatory && measure.struck_at.is_none())
        && !case.whistles.iter().any(|whistle| whistle.phase.is_open())
}
