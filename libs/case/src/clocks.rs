//! Which clocks a case should have, and the events that make it so. The one place that arms, settles, cancels, pauses and resumes.
//!
//! Level-triggered: the wanted clocks follow from the state alone, so any decision, replayed under any policy, gets its clocks by
//! the same comparison, and a forgotten case is found again.

mod arm;
mod left;
mod reached;
mod wanted;

use registry::ClockKind;

use self::arm::arm;
use self::reached::finish;
use self::wanted::wanted;
use crate::event::Event;
use crate::event::clock::{ClockPaused, ClockRebased, RebaseCause};
use crate::flow::Status;
use crate::ids::ClockNo;
use crate::rules::Rules;
use crate::state::{Case, ClockPhase, ClockState};
use crate::time::At;

/// Adds to a decision the clock events that follow from it.
#[must_use]
pub fn with_clocks(case: &Case, mut events: Vec<Event>, rules: &Rules<'_>, now: At) -> Vec<Event> {
    if events.is_empty() {
        return events;
    }
    let after = case.after(&events, now);
    let clocks = derive(&after, rules, now);
    events.reserve_exact(clocks.len());
    events.extend(clocks);
    events
}

/// The clock events that bring the clocks of a case in line with its state.
#[must_use]
pub fn derive(case: &Case, rules: &Rules<'_>, now: At) -> Vec<Event> {
    let wanted = wanted(case, rules);
    let mut events: Vec<Event> = Vec::with_capacity(wanted.len());
    let mut kept: Vec<&ClockState> = Vec::new();
    for clock in case.clocks.iter().filter(|clock| clock.is_open()) {
        if wanted.iter().any(|want| want.goes_on_in(clock)) {
            events.extend(keep(case, clock, rules, now));
            kept.push(clock);
        } else {
            events.push(finish(case, clock));
        }
    }
    let mut next = case.clocks.last().map_or(ClockNo(1), |last| last.no.next());
    let limit = rules.registry.limits().clocks_max;
    for want in wanted.iter().filter(|want| !kept.iter().any(|clock| want.goes_on_in(clock))) {
        if next.0 > limit {
            break;
        }
        if let Some(armed) = arm(case, want, next, rules) {
            let (clock, generation) = (armed.clock, armed.generation);
            events.push(armed.into());
            if stands_still(case, want.kind) {
                events.push(ClockPaused { clock, generation }.into());
            }
            next = next.next();
        }
    }
    events
}

/// Whether a kind of clock stands still as the case stands. A suspension is ours: the source's own deadline does not wait for it.
fn stands_still(case: &Case, kind: ClockKind) -> bool {
    case.status == Status::Suspended && !matches!(kind, ClockKind::SuspensionReview | ClockKind::ExternalDue)
}

/// Pauses while the case is suspended, resumes with what was left afterwards, follows the source's own deadline.
fn keep(case: &Case, clock: &ClockState, rules: &Rules<'_>, now: At) -> Option<Event> {
    if let (ClockKind::ExternalDue, Some(due_at)) = (clock.kind, case.external_due_at)
        && due_at != clock.due_at
    {
        return Some(moved_by_source(clock, due_at, rules).into());
    }
    match (clock.phase, stands_still(case, clock.kind)) {
        (ClockPhase::Running, true) => {
            Some(ClockPaused { clock: clock.no, generation: clock.generation }.into())
        }
        (ClockPhase::Paused, false) => Some(left::resume(case, clock, rules, now).into()),
        (ClockPhase::Running | ClockPhase::Paused | ClockPhase::Settled | ClockPhase::Cancelled, _) => None,
    }
}

fn moved_by_source(clock: &ClockState, due_at: At, rules: &Rules<'_>) -> ClockRebased {
    ClockRebased {
        clock: clock.no,
        generation: clock.generation.saturating_add(1),
        cause: RebaseCause::SourceMoved,
        rule: None,
        registry_version: rules.registry.version(),
        warn_at: Vec::new(),
        due_at,
        provisional: false,
    }
}
