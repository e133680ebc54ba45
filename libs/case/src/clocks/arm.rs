//! Giving a clock its time.

use jiff::SignedDuration;
use jiff::civil::Date;
use registry::ids::TierKey;
use registry::{ClockKind, ClockQuery, ClockRule};
use worktime::Calendar;

use super::wanted::Wanted;
use crate::event::clock::{ClockArmed, Family};
use crate::event::parts::Subject;
use crate::ids::ClockNo;
use crate::rules::Rules;
use crate::state::{Case, ClockState};
use crate::time::At;

/// Arms a clock by the published rule; none when the policies give this step no time.
pub(super) fn arm(case: &Case, want: &Wanted, clock: ClockNo, rules: &Rules<'_>) -> Option<ClockArmed> {
    let whole = matches!(want.kind, ClockKind::Whole | ClockKind::ExternalDue);
    let armed = ClockArmed {
        clock,
        generation: 1,
        kind: want.kind,
        family: if whole { Family::Whole } else { Family::Stage },
        subject: want.subject,
        whistle_kind: want.whistle_kind.clone(),
        start_at: want.start_at,
        budget: None,
        calendar: None,
        rule: None,
        registry_version: rules.registry.version(),
        warn_at: Vec::new(),
        due_at: want.start_at,
        provisional: false,
    };
    if let Some(due_at) = want.external_due_at {
        return Some(ClockArmed { due_at, ..armed });
    }
    let armed = match earlier(case, want) {
        Some(earlier) => goes_on(armed, earlier),
        None => by_rule(case, want, armed, rules)?,
    };
    Some(match parents_clock(case, want.kind, want.subject) {
        Some(parent) => within(armed, parent),
        None => armed,
    })
}

fn by_rule(case: &Case, want: &Wanted, armed: ClockArmed, rules: &Rules<'_>) -> Option<ClockArmed> {
    let tier: Option<&TierKey> =
        case.matter.as_ref().and_then(|id| rules.registry.matter(id)).map(|m| &m.tier);
    let query = ClockQuery {
        kind: want.kind,
        grade: case.grade,
        tier,
        whistle: want.whistle_kind.as_ref(),
        mode: rules.mode,
    };
    let rule = rules.registry.clock_rule(&query)?;
    let calendar = rules.registry.calendar(&rule.calendar)?;
    if let Some(review_on) = want.review_on {
        return review(armed, review_on, rule, calendar);
    }
    let start = want.start_at.instant();
    let due = calendar.due(start, &rule.budget).ok()?;
    let mut warn_at: Vec<At> = Vec::new();
    for permille in &rule.warn_permille {
        warn_at.push(At::new(calendar.warn_at(start, &rule.budget, *permille).ok()?));
    }
    Some(ClockArmed {
        budget: Some(rule.budget),
        calendar: Some(rule.calendar.clone()),
        rule: Some(rule.id.clone()),
        warn_at,
        due_at: At::new(due.at),
        provisional: due.provisional,
        ..armed
    })
}

/// Due when the day that whoever suspended it named is over, in the calendar's zone. The rule only says how that is warned of.
fn review(armed: ClockArmed, review_on: Date, rule: &ClockRule, calendar: &Calendar) -> Option<ClockArmed> {
    let midnight = review_on.tomorrow().ok()?.at(0, 0, 0, 0);
    let due_at = At::new(calendar.zone().to_timestamp(midnight).ok()?);
    let length_ms = due_at.instant().duration_since(armed.start_at.instant()).as_millis().max(0);
    let share = |permille: u16| {
        let ms = i64::try_from(length_ms.saturating_mul(i128::from(permille)) / 1_000).ok()?;
        armed.start_at.instant().checked_add(SignedDuration::from_millis(ms)).ok().map(At::new)
    };
    let warn_at = rule.warn_permille.iter().filter_map(|permille| share(*permille)).collect();
    let (calendar, rule) = (Some(calendar.id().clone()), Some(rule.id.clone()));
    Some(ClockArmed { calendar, rule, warn_at, due_at, ..armed })
}

/// The ended clock this one goes on from: the same time for the same thing. A refused completion does not win its holder time, nor
/// lose it what an extension or a suspension gave.
fn earlier<'a>(case: &'a Case, want: &Wanted) -> Option<&'a ClockState> {
    case.clocks.iter().rev().find(|clock| {
        clock.kind == want.kind && clock.subject == want.subject && clock.start_at == want.start_at
    })
}

fn goes_on(armed: ClockArmed, earlier: &ClockState) -> ClockArmed {
    ClockArmed {
        budget: earlier.budget,
        calendar: earlier.calendar.clone(),
        rule: earlier.rule.clone(),
        registry_version: earlier.registry_version,
        warn_at: earlier.warn_at.clone(),
        due_at: earlier.due_at,
        provisional: earlier.provisional,
        ..armed
    }
}

/// What is assigned inward is due no later than the duty it was assigned from, and warned of with it.
fn within(armed: ClockArmed, parent: &ClockState) -> ClockArmed {
    if armed.due_at <= parent.due_at {
        return armed;
    }
    let warn_at = parent.warn_at.iter().map(|at| (*at).max(armed.start_at).min(parent.due_at)).collect();
    ClockArmed { warn_at, due_at: parent.due_at, provisional: parent.provisional, ..armed }
}

/// The open clock of the same kind of the duty that a duty was assigned from.
pub(super) fn parents_clock(case: &Case, kind: ClockKind, subject: Subject) -> Option<&ClockState> {
    let Subject::Obligation(no) = subject else { return None };
    let parent = case.obligation(no)?.parent.filter(|parent| *parent < no)?;
    let mut clocks = case.clocks.iter().rev();
    clocks.find(|clock| clock.is_open() && clock.kind == kind && clock.subject == Subject::Obligation(parent))
}
