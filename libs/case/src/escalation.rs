//! What time decides: warnings, breaches, the ladder. A timer fires as a fenced command (clock, generation), never by itself.

use registry::ids::{OrgId, RuleId};
use registry::{ClockKind, LadderEffect, LadderStep, LadderWhen, OrgKind, Scope};

use crate::clocks;
use crate::event::Event;
use crate::event::clock::{ClockBreached, ClockWarned, EscalationStepTaken, EscalationUnanswered, Recipient};
use crate::event::dispatch::{SignedFor, SupervisionOrdered};
use crate::event::parts::{By, Subject};
use crate::ids::{ClockNo, ObligationNo};
use crate::refusal::{Refusal, StateReason};
use crate::rules::{Rules, forbids};
use crate::state::{Case, ClockPhase, ClockState};
use crate::time::At;

/// What a timer does when it fires.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fire {
    /// Gives the warning of that number, from 0.
    Warn(u32),
    /// Says that the due instant passed.
    Breach,
    /// Takes that step of the ladder.
    Step(RuleId),
}

/// Something that will happen to a case at an instant unless something else happens first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// When.
    pub at: At,
    /// Of which clock.
    pub clock: ClockNo,
    /// Of which generation of it.
    pub generation: u32,
    /// What.
    pub fire: Fire,
}

impl Timer {
    /// A stable name for the command that fires it; with the case id, the same for every copy and every run.
    #[must_use]
    pub fn key(&self) -> String {
        let what = match &self.fire {
            Fire::Warn(warning) => format!("warn-{warning}"),
            Fire::Breach => "breach".to_owned(),
            Fire::Step(step) => format!("step-{step}"),
        };
        format!("{}/{}/{what}", self.clock, self.generation)
    }
}

/// The timers of a case that have not fired, soonest first. A case that ended has none.
#[must_use]
pub fn timers(case: &Case, rules: &Rules<'_>) -> Vec<Timer> {
    let mut timers: Vec<Timer> = case
        .clocks
        .iter()
        .filter(|clock| clock.phase == ClockPhase::Running)
        .flat_map(|clock| of_clock(clock, rules))
        .collect();
    timers.sort_unstable();
    timers
}

fn of_clock(clock: &ClockState, rules: &Rules<'_>) -> Vec<Timer> {
    let timer = |at, fire| Timer { at, clock: clock.no, generation: clock.generation, fire };
    let mut timers = Vec::new();
    if !clock.breached {
        let warnings = clock.warn_at.iter().zip(0_u32..).filter(|(_, number)| *number >= clock.warned);
        timers.extend(warnings.map(|(at, number)| timer(*at, Fire::Warn(number))));
        timers.push(timer(clock.due_at, Fire::Breach));
    }
    let untaken = rules.registry.ladder().iter().filter(|step| !clock.steps_taken.contains(&step.key));
    timers.extend(
        untaken.filter_map(|step| Some(timer(step_at(clock, step, rules)?, Fire::Step(step.key.clone())))),
    );
    timers
}

/// When a step of the ladder is to be taken for a clock; none when it is not.
///
/// What is to be told while the time still runs is not told afterwards: the breach says more.
fn step_at(clock: &ClockState, step: &LadderStep, rules: &Rules<'_>) -> Option<At> {
    match step.when {
        LadderWhen::Spent { permille } => {
            let calendar = rules.registry.calendar(clock.calendar.as_ref()?)?;
            let at = calendar.warn_at(clock.start_at.instant(), clock.budget.as_ref()?, permille).ok()?;
            (!clock.breached && At::new(at) < clock.due_at).then_some(At::new(at))
        }
        LadderWhen::Breach => Some(clock.due_at),
        LadderWhen::AfterBreach { budget } => {
            let calendar = rules.registry.calendar(step.calendar.as_ref()?)?;
            calendar.due(clock.due_at.instant(), &budget).ok().map(|due| At::new(due.at))
        }
    }
}

/// Fires a timer.
///
/// # Errors
/// [`Refusal`] when the clock has ended or moved on since, when it was fired before, or when it is not due yet.
pub fn fire(case: &Case, timer: &Timer, rules: &Rules<'_>, now: At) -> Result<Vec<Event>, Refusal> {
    let part = || format!("clock {}", timer.clock);
    let clock = case.clock(timer.clock).ok_or_else(|| Refusal::NoSuchPart { part: part() })?;
    if clock.phase != ClockPhase::Running || clock.generation != timer.generation {
        return Err(forbids(part(), StateReason::StaleClock));
    }
    let current = of_clock(clock, rules).into_iter().find(|own| own.fire == timer.fire);
    let current = current.ok_or_else(|| forbids(part(), StateReason::AlreadyDone))?;
    if now < current.at {
        return Err(forbids(part(), StateReason::NotDue));
    }
    let events = match &timer.fire {
        Fire::Warn(warning) => {
            let (clock, generation) = (timer.clock, timer.generation);
            vec![ClockWarned { clock, generation, warning: *warning, at: current.at }.into()]
        }
        Fire::Breach => breach(case, clock, rules, now),
        Fire::Step(key) => take_step(case, clock, key, current.at, rules, now),
    };
    Ok(clocks::with_clocks(case, events, rules, now))
}

/// A breach, and what the rule of the clock says follows: a duty nobody signed for is signed for (自动签收).
fn breach(case: &Case, clock: &ClockState, rules: &Rules<'_>, now: At) -> Vec<Event> {
    let mut events: Vec<Event> =
        vec![ClockBreached { clock: clock.no, generation: clock.generation, at: clock.due_at }.into()];
    // Whoever is to hear of the breach hears of it with the breach: signing automatically settles the clock, and a settled clock
    // takes no steps.
    let at_once =
        |step: &&LadderStep| step.when == LadderWhen::Breach && !clock.steps_taken.contains(&step.key);
    for step in rules.registry.ladder().iter().filter(at_once) {
        events.extend(take_step(case, clock, &step.key, clock.due_at, rules, now));
    }
    let rule = clock
        .rule
        .as_ref()
        .and_then(|id| rules.registry.content().policies.clocks.iter().find(|rule| rule.id == *id));
    if let (Some(rule), ClockKind::SignFor, Subject::Obligation(obligation)) =
        (rule, clock.kind, clock.subject)
        && rule.auto_settle
    {
        let by = By::Automatic { rule: Some(rule.id.clone()) };
        events.push(SignedFor { by, obligation, automatic: true }.into());
    }
    events
}

fn take_step(
    case: &Case,
    clock: &ClockState,
    key: &RuleId,
    at: At,
    rules: &Rules<'_>,
    now: At,
) -> Vec<Event> {
    let Some(step) = rules.registry.ladder().iter().find(|step| step.key == *key) else { return Vec::new() };
    let registry_version = rules.registry.version();
    let recipients = recipients(case, clock, step, rules);
    if recipients.is_empty() {
        return vec![
            EscalationUnanswered { clock: clock.no, step: key.clone(), at, registry_version }.into(),
        ];
    }
    let taken = EscalationStepTaken { clock: clock.no, step: key.clone(), at, recipients, registry_version };
    let mut events: Vec<Event> = vec![taken.into()];
    if step.effect == LadderEffect::Supervise
        && let Some(reply_due_at) = reply_due(step, rules, now)
    {
        let obligation = match clock.subject {
            Subject::Obligation(no) => Some(no),
            Subject::Case | Subject::Whistle(_) | Subject::Request(_) => case.lead,
        };
        let by = By::Automatic { rule: Some(key.clone()) };
        let request = case.next_request();
        events.push(SupervisionOrdered { by, request, obligation, reply_due_at, words: None }.into());
    }
    events
}

fn reply_due(step: &LadderStep, rules: &Rules<'_>, now: At) -> Option<At> {
    let calendar = rules.registry.calendar(step.calendar.as_ref()?)?;
    calendar.due(now.instant(), step.reply.as_ref()?).ok().map(|due| At::new(due.at))
}

/// Who holds what the clock times: the duty's organisation, the whistle's caller, and for a step of the case itself the centre.
fn holder<'a>(case: &'a Case, clock: &ClockState, rules: &'a Rules<'_>) -> &'a OrgId {
    let of = |no: ObligationNo| case.obligation(no).map(|obligation| &obligation.org);
    let held = match clock.subject {
        Subject::Obligation(no) => of(no),
        Subject::Whistle(no) => case.whistle(no).map(|whistle| &whistle.caller),
        Subject::Case if clock.kind == ClockKind::Whole => case.lead.and_then(of),
        Subject::Case | Subject::Request(_) => None,
    };
    held.unwrap_or_else(|| rules.registry.district_centre())
}

fn recipients(case: &Case, clock: &ClockState, step: &LadderStep, rules: &Rules<'_>) -> Vec<Recipient> {
    let registry = rules.registry;
    let holder = holder(case, clock, rules);
    let mut found: Vec<Recipient> = Vec::new();
    for to in &step.to {
        let orgs: Vec<&OrgId> = match to.of {
            Scope::Holder => vec![holder],
            Scope::Above => registry.org(holder).and_then(|org| org.parent.as_ref()).into_iter().collect(),
            Scope::Subdistrict => {
                case.area().and_then(|area| registry.subdistrict_of(area)).into_iter().collect()
            }
            Scope::District => of_the_district(rules),
        };
        for org in orgs {
            for post in registry.posts_with_role(org, to.role) {
                let recipient = Recipient { org: org.clone(), post: Some(post.id.clone()) };
                if !found.contains(&recipient) {
                    found.push(recipient);
                }
            }
        }
    }
    found
}

fn of_the_district<'a>(rules: &'a Rules<'_>) -> Vec<&'a OrgId> {
    let own = |kind: OrgKind| matches!(kind, OrgKind::District | OrgKind::Centre | OrgKind::Committee);
    rules
        .registry
        .content()
        .orgs
        .iter()
        .filter(|org| own(org.kind) && org.active)
        .map(|org| &org.id)
        .collect()
}
