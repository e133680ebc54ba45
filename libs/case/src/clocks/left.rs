//! What was left of a clock when it was stopped, and when that is spent.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use worktime::{Budget, Calendar, SEARCH_DAYS_MAX};

use super::arm::parents_clock;
use crate::event::clock::ClockResumed;
use crate::rules::Rules;
use crate::state::{Case, ClockPhase, ClockState};
use crate::time::At;

/// Runs a clock again with exactly what was left of it, counted the way its budget was: in working time, or by the clock on the wall.
pub(super) fn resume(case: &Case, clock: &ClockState, rules: &Rules<'_>, now: At) -> ClockResumed {
    let calendar = counts_in(clock, rules);
    let shift = |at: At| shifted(at, clock.paused_at.unwrap_or(now), calendar, now);
    let due_at = due_again(case, clock, rules, now);
    let provisional = clock.provisional
        || calendar.is_some_and(|calendar| !calendar.covers(date_of(calendar, due_at.instant())));
    ClockResumed {
        clock: clock.no,
        generation: clock.generation.saturating_add(1),
        warn_at: clock.warn_at.iter().map(|at| shift(*at).min(due_at)).collect(),
        due_at,
        provisional,
    }
}

/// Due afterwards; never later than the duty it was assigned from, which is resumed in the same decision.
fn due_again(case: &Case, clock: &ClockState, rules: &Rules<'_>, now: At) -> At {
    let own = shifted(clock.due_at, clock.paused_at.unwrap_or(now), counts_in(clock, rules), now);
    match parents_clock(case, clock.kind, clock.subject) {
        Some(parent) if parent.phase == ClockPhase::Paused => own.min(due_again(case, parent, rules, now)),
        Some(parent) => own.min(parent.due_at),
        None => own,
    }
}

/// The calendar whose working time the clock counts; none when it counts every minute.
fn counts_in<'a>(clock: &ClockState, rules: &Rules<'a>) -> Option<&'a Calendar> {
    let natural = matches!(clock.budget, Some(Budget::Natural { .. }) | None);
    clock.calendar.as_ref().filter(|_| !natural).and_then(|id| rules.registry.calendar(id))
}

/// An instant that lay ahead when the clock stopped, as far ahead of now. What had passed by then stays passed.
fn shifted(at: At, paused_at: At, calendar: Option<&Calendar>, now: At) -> At {
    if at <= paused_at {
        return at;
    }
    let (from, to, now) = (paused_at.instant(), at.instant(), now.instant());
    let moved = match calendar {
        Some(calendar) => advance(calendar, now, between(calendar, from, to)),
        None => now.checked_add(to.duration_since(from)).ok(),
    };
    moved.map_or(at, At::new)
}

fn date_of(calendar: &Calendar, at: Timestamp) -> Date {
    calendar.zone().to_datetime(at).date()
}

/// The working windows from an instant on, day by day, as far as a due instant is ever looked for.
fn windows(calendar: &Calendar, from: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
    let first = date_of(calendar, from);
    let days = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(SEARCH_DAYS_MAX as usize);
    days.flat_map(move |date| {
        let instant = move |minute: u16| {
            let midnight = date.at(0, 0, 0, 0);
            let local = midnight.checked_add(SignedDuration::from_mins(i64::from(minute))).ok()?;
            calendar.zone().to_timestamp(local).ok()
        };
        calendar.windows_on(date).iter().filter_map(move |window| {
            Some((instant(window.from_minute())?.max(from), instant(window.to_minute())?))
        })
    })
    .filter(|(start, end)| start < end)
}

/// Working time between two instants.
fn between(calendar: &Calendar, from: Timestamp, to: Timestamp) -> SignedDuration {
    let counted = windows(calendar, from).take_while(|(start, _)| *start < to);
    counted
        .fold(SignedDuration::ZERO, |sum, (start, end)| sum.saturating_add(end.min(to).duration_since(start)))
}

/// When so much working time from an instant on is spent.
fn advance(calendar: &Calendar, from: Timestamp, mut left: SignedDuration) -> Option<Timestamp> {
    for (start, end) in windows(calendar, from) {
        let length = end.duration_since(start);
        if left <= length {
            return start.checked_add(left).ok();
        }
        left = left.saturating_sub(length);
    }
    None
}
