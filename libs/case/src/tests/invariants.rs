//! What holds after every accepted command, whatever it was.

use std::collections::BTreeSet;

use registry::ClockKind;

use super::edges::in_table;
use crate::clocks::derive;
use crate::escalation::timers;
use crate::event::parts::Subject;
use crate::event::{Event, Recorded};
use crate::flow::Status;
use crate::hands::in_hands;
use crate::ids::ObligationNo;
use crate::rules::Rules;
use crate::state::{Case, ClockPhase, Obligation};
use crate::time::At;

/// `before` is the case before the last `new` events of the log were recorded.
pub(super) fn check(before: Case, case: &Case, log: &[Recorded], new: usize, rules: &Rules<'_>, now: At) {
    assert_eq!(Case::replay(case.id, log), *case, "replay differs from live");
    assert_eq!(log.len() as u64, case.version);
    ordinals(case);
    duties(case);
    clocks(case, rules);
    edges(before, &log[log.len() - new..]);
    let again = derive(case, rules, now);
    assert!(again.is_empty(), "the clocks do not fit the state: {again:?}");
}

fn ordinals(case: &Case) {
    fn gapless(what: &str, numbers: impl Iterator<Item = u32>) {
        for (at, no) in numbers.enumerate() {
            assert_eq!(no as usize, at + 1, "{what} are not gapless");
        }
    }
    gapless("obligations", case.obligations.iter().map(|o| o.no.0));
    gapless("whistles", case.whistles.iter().map(|w| w.no.0));
    gapless("measures", case.measures.iter().map(|m| m.no.0));
    gapless("requests", case.requests.iter().map(|r| r.no.0));
    gapless("clocks", case.clocks.iter().map(|c| c.no.0));
}

fn duties(case: &Case) {
    if let Some(lead) = case.lead {
        let lead = case.obligation(lead).expect("the lead is a duty of the case");
        let held = !matches!(case.status, Status::Filed) && !case.status.is_ended();
        assert!(!held || !lead.state.is_gone(), "a duty that is gone leads");
    }
    if matches!(case.status, Status::Dispatched | Status::InProgress | Status::Disposed | Status::Checked) {
        assert!(case.lead.is_some(), "{:?} without a lead", case.status);
    }
    if case.status == Status::Dispatched {
        assert!(case.lead().unwrap().signed_at.is_none(), "a lead that signed is at work");
    }
    for duty in &case.obligations {
        assert!(duty.parent.is_none_or(|parent| parent < duty.no), "a child before its parent");
        assert!(duty.after.iter().all(|before| *before < duty.no), "a duty after a later one");
        let parent = duty.parent.and_then(|no| case.obligation(no));
        let orphaned = duty.is_open() && parent.is_some_and(|parent| parent.state.is_gone());
        assert!(!orphaned, "obligation {} goes on though what it was assigned from is gone", duty.no);
    }
    if case.status.is_ended() {
        assert!(!case.obligations.iter().any(Obligation::is_open), "an open duty on an ended case");
        assert!(!case.whistles.iter().any(|w| w.phase.is_open()), "an open whistle on an ended case");
    }
}

fn clocks(case: &Case, rules: &Rules<'_>) {
    let open = || case.clocks.iter().filter(|clock| clock.is_open());
    let distinct: BTreeSet<(ClockKind, Subject)> = open().map(|clock| (clock.kind, clock.subject)).collect();
    assert_eq!(open().count(), distinct.len(), "two open clocks of a kind on a subject");
    let hands = in_hands(case, rules.registry);
    if case.status.is_ended() {
        assert_eq!(open().count(), 0, "an open clock on an ended case");
        assert!(timers(case, rules).is_empty(), "a timer on an ended case");
        assert!(hands.is_empty(), "an ended case in somebody's hands");
    } else {
        assert!(!hands.is_empty(), "{:?} in nobody's hands", case.status);
    }
    for clock in open() {
        let waits = matches!(clock.kind, ClockKind::SuspensionReview | ClockKind::ExternalDue);
        let stands_still = case.status == Status::Suspended && !waits;
        assert_eq!(clock.phase == ClockPhase::Paused, stands_still, "{:?}", clock.kind);
        assert!(clock.warn_at.windows(2).all(|pair| pair[0] <= pair[1]), "warnings out of order");
        assert!(clock.warn_at.iter().all(|at| *at <= clock.due_at), "a warning after it is due");
        let Subject::Obligation(no) = clock.subject else { continue };
        let same_of = |parent: ObligationNo| {
            open().find(|other| other.kind == clock.kind && other.subject == Subject::Obligation(parent))
        };
        if let Some(parent) = case.obligation(no).unwrap().parent.and_then(same_of) {
            assert!(clock.due_at <= parent.due_at, "due after what it was assigned from");
        }
    }
    let fired: Vec<At> = timers(case, rules).into_iter().map(|timer| timer.at).collect();
    assert!(fired.is_sorted(), "timers out of order");
}

/// Every change of status is an edge of the table. A lead who already signed takes a case two edges on at once.
fn edges(mut case: Case, log: &[Recorded]) {
    for recorded in log {
        let (from, raised) = (case.status, case.exists());
        case.evolve(recorded);
        let to = case.status;
        if from == to || !raised {
            continue;
        }
        let named_lead =
            matches!(&recorded.event, Event::Whistle(crate::event::Whistle::WhistleLeadChanged(_)));
        let by_way_of = |via: Status| in_table(case.profile, from, via) && in_table(case.profile, via, to);
        assert!(
            in_table(case.profile, from, to) || (named_lead && by_way_of(Status::Dispatched)),
            "{} took {from:?} -> {to:?}",
            recorded.event.event_type()
        );
    }
}
