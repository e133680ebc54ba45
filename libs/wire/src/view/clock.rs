//! Clocks, with how much of their time is spent.

use case::event::clock::Family;
use case::event::parts::Subject;
use case::state::{ClockPhase, ClockState};
use jiff::Timestamp;
use registry::{ColourCut, Registry};
use worktime::Budget;

use super::{clock_kind, duration};
use crate::pb::whistle::escalation::v1 as pb;
use crate::timestamp;

/// A clock as of `now`.
#[must_use]
pub fn clock(clock: &ClockState, registry: &Registry, now: Timestamp) -> pb::Clock {
    let kind = clock_kind(clock.kind);
    let colour = colour(clock, registry, now);
    let (obligation_no, whistle_no, request_no) = match clock.subject {
        Subject::Case => (0, 0, 0),
        Subject::Obligation(no) => (no.0, 0, 0),
        Subject::Whistle(no) => (0, no.0, 0),
        Subject::Request(no) => (0, 0, no.0),
    };
    let until_due = || clock.due_at.instant().duration_since(as_of(clock, now));
    pb::Clock {
        clock_no: clock.no.0,
        kind: kind.id,
        kind_name: kind.name,
        kind_name_en: kind.name_en,
        family: match clock.family {
            Family::Whole => pb::ClockFamily::Whole,
            Family::Stage => pb::ClockFamily::Stage,
        }
        .into(),
        obligation_no,
        whistle_no,
        request_no,
        start_time: Some(timestamp(clock.start_at)),
        due_time: Some(timestamp(clock.due_at)),
        first_due_time: Some(timestamp(clock.first_due_at)),
        provisional: clock.provisional,
        phase: match clock.phase {
            ClockPhase::Running => pb::ClockPhase::Running,
            ClockPhase::Paused => pb::ClockPhase::Paused,
            ClockPhase::Settled => pb::ClockPhase::Settled,
            ClockPhase::Cancelled => pb::ClockPhase::Cancelled,
        }
        .into(),
        breached: clock.breached,
        ended_time: clock.ended_at.map(timestamp),
        colour: colour.map(|cut| cut.name.clone()).unwrap_or_default(),
        colour_name: colour.map(|cut| cut.name_zh.clone()).unwrap_or_default(),
        spent_permille: spent_permille(clock, registry, now),
        remaining: clock.is_open().then(|| duration(until_due())),
        warnings: clock.warned,
        rule_id: clock.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        calendar_id: clock.calendar.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        steps_taken: clock.steps_taken.iter().map(ToString::to_string).collect(),
    }
}

/// Whether a running clock is past its due instant.
#[must_use]
pub fn is_overdue(clock: &ClockState, now: Timestamp) -> bool {
    clock.phase == ClockPhase::Running && clock.due_at.instant() < now
}

/// The worst colour any open clock has; none when none is open.
#[must_use]
pub fn worst_colour<'a>(
    clocks: &[ClockState],
    registry: &'a Registry,
    now: Timestamp,
) -> Option<&'a ColourCut> {
    let open = clocks.iter().filter(|clock| clock.is_open());
    open.filter_map(|clock| colour(clock, registry, now)).max_by_key(|cut| cut.from_permille)
}

fn colour<'a>(clock: &ClockState, registry: &'a Registry, now: Timestamp) -> Option<&'a ColourCut> {
    let ended_in_time = !clock.is_open() && !clock.breached;
    if ended_in_time { None } else { registry.colour(spent_permille(clock, registry, now)) }
}

/// The instant a clock is judged at: where it stood still or ended, else now.
fn as_of(clock: &ClockState, now: Timestamp) -> Timestamp {
    match clock.phase {
        ClockPhase::Running => now,
        ClockPhase::Paused => clock.paused_at.map_or(now, |at| at.instant()),
        ClockPhase::Settled | ClockPhase::Cancelled => clock.ended_at.map_or(now, |at| at.instant()),
    }
}

/// The share of its time a clock has spent, in thousandths; above 1000 once it is late.
///
/// Told from what is left, not from what has passed: a pause and an extension then leave the share as lawful as the due instant
/// itself, and the published colours turn when the warnings are given.
#[must_use]
pub fn spent_permille(clock: &ClockState, registry: &Registry, now: Timestamp) -> u32 {
    let at = as_of(clock, now);
    let due = clock.due_at.instant();
    let total = between(clock, registry, clock.start_at.instant(), clock.first_due_at.instant()).max(1);
    let permille = |part: u64| u32::try_from(part.saturating_mul(1_000) / total).unwrap_or(u32::MAX);
    if at > due {
        return permille(between(clock, registry, due, at)).saturating_add(1_000).max(1_001);
    }
    1_000_u32.saturating_sub(permille(between(clock, registry, at, due)))
}

/// Seconds from one instant to a later one, in the time the clock's budget counts in.
fn between(clock: &ClockState, registry: &Registry, from: Timestamp, to: Timestamp) -> u64 {
    let working = matches!(clock.budget, Some(Budget::WorkingMinutes { .. } | Budget::WorkingDays { .. }));
    let calendar = clock.calendar.as_ref().and_then(|id| registry.calendar(id)).filter(|_| working);
    match calendar {
        Some(calendar) => calendar.working_minutes_between(from, to).saturating_mul(60),
        None => u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0),
    }
}
