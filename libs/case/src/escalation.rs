//! What time decides: warnings, breaches, the ladder. A timer fires as a fenced command (clock, generation), never by itself.

use registry::ids::{OrgId, RuleId};
use registry::{ClockKind, ClockRule, LadderEffect, LadderStep, LadderWhen, Registry};

use crate::clocks;
use crate::event::Event;
use crate::event::clock::{ClockBreached, ClockWarned, EscalationStepTaken, EscalationUnanswered, Recipient};
use crate::event::dispatch::{SignedFor, SupervisionOrdered};
use crate::event::parts::{By, Subject};
use crate::ids::{ClockNo, ObligationNo};
use crate::refusal::{Refusal, StateReason};
use crate::rules::{Rules, forbids};
use crate::state::{Case, ClockPhase, ClockState, Request, RequestKind};
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
        .flat_map(|clock| of_clock(case, clock, rules))
        .collect();
    timers.sort_unstable();
    timers
}

fn of_clock(case: &Case, clock: &ClockState, rules: &Rules<'_>) -> Vec<Timer> {
    let timer = |at, fire| Timer { at, clock: clock.no, generation: clock.generation, fire };
    let mut timers = Vec::new();
    if !clock.breached {
        let warnings = clock.warn_at.iter().zip(0_u32..).filter(|(_, number)| *number >= clock.warned);
        timers.extend(warnings.map(|(at, number)| timer(*at, Fire::Warn(number))));
        timers.push(timer(clock.due_at, Fire::Breach));
    }
    let untaken = rules.registry.ladder().iter().filter(|step| !clock.steps_taken.contains(&step.key));
    timers
        .extend(untaken.filter_map(|step| {
            Some(timer(step_at(case, clock, step, rules)?, Fire::Step(step.key.clone())))
        }));
    timers
}

/// When a step of the ladder is to be taken for a clock; none when it is not, or not yet.
///
/// What is to be told while the time still runs is not told afterwards: the breach says more. What follows a breach waits for it to
/// be said: the steps of the breach itself are taken with it.
fn step_at(case: &Case, clock: &ClockState, step: &LadderStep, rules: &Rules<'_>) -> Option<At> {
    if at_once(case, clock, step) {
        return Some(clock.start_at);
    }
    match step.when {
        LadderWhen::Spent { permille } if !clock.breached => {
            spent_at(clock, permille, rules).filter(|at| *at < clock.due_at)
        }
        LadderWhen::Breach if clock.breached => Some(clock.due_at),
        LadderWhen::AfterBreach { budget } if clock.breached => {
            let calendar = rules.registry.calendar(step.calendar.as_ref()?)?;
            calendar.due(clock.due_at.instant(), &budget).ok().map(|due| At::new(due.at))
        }
        LadderWhen::Spent { .. } | LadderWhen::Breach | LadderWhen::AfterBreach { .. } => None,
    }
}

/// Whether a step is taken as soon as the clock runs: where the ladder begins for a case that everybody it was given to gave back,
/// and where it goes on for one that was reopened too often.
fn at_once(case: &Case, clock: &ClockState, step: &LadderStep) -> bool {
    let unowned = clock.kind == ClockKind::Dispatch && case.lead.is_none() && !case.obligations.is_empty();
    let reopened = clock.kind == ClockKind::Whole
        && step.reopenings.is_some_and(|times| times > 0 && case.reopenings >= times);
    (step.first_for_unowned && unowned) || reopened
}

/// When a share of a clock's budget is spent. A clock that was stopped or moved keeps what its events say of its warnings; for a share
/// it does not warn of there is no telling.
fn spent_at(clock: &ClockState, permille: u16, rules: &Rules<'_>) -> Option<At> {
    let rule = rule_of(clock, rules);
    let warned_of = rule.and_then(|rule| rule.warn_permille.iter().position(|own| *own == permille));
    if let Some(at) = warned_of.and_then(|index| clock.warn_at.get(index)) {
        return Some(*at);
    }
    if clock.generation > 1 {
        return None;
    }
    let calendar = rules.registry.calendar(clock.calendar.as_ref()?)?;
    calendar.warn_at(clock.start_at.instant(), clock.budget.as_ref()?, permille).ok().map(At::new)
}

fn rule_of<'a>(clock: &ClockState, rules: &Rules<'a>) -> Option<&'a ClockRule> {
    let id = clock.rule.as_ref()?;
    rules.registry.content().policies.clocks.iter().find(|rule| rule.id == *id)
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
    let current = of_clock(case, clock, rules).into_iter().find(|own| own.fire == timer.fire);
    let current = current.ok_or_else(|| forbids(part(), not_listed(clock, &timer.fire, rules)))?;
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

/// Why a timer of a running clock is not among those still to fire: it was fired, overtaken, or its breach was not said yet.
fn not_listed(clock: &ClockState, fire: &Fire, rules: &Rules<'_>) -> StateReason {
    let follows_breach = |key: &RuleId| {
        let step = rules.registry.ladder().iter().find(|step| step.key == *key);
        step.is_some_and(|step| !matches!(step.when, LadderWhen::Spent { .. }))
    };
    match fire {
        Fire::Step(key) if !clock.breached && !clock.steps_taken.contains(key) && follows_breach(key) => {
            StateReason::NotDue
        }
        Fire::Warn(_) | Fire::Breach | Fire::Step(_) => StateReason::AlreadyDone,
    }
}

/// A breach, and what the rule of the clock says follows: a duty nobody signed for is signed for (自动签收).
fn breach(case: &Case, clock: &ClockState, rules: &Rules<'_>, now: At) -> Vec<Event> {
    let mut events: Vec<Event> =
        vec![ClockBreached { clock: clock.no, generation: clock.generation, at: clock.due_at }.into()];
    // Whoever is to hear of the breach hears of it with the breach: signing automatically settles the clock, and a settled clock
    // takes no steps.
    let told = |step: &&LadderStep| step.when == LadderWhen::Breach && !clock.steps_taken.contains(&step.key);
    for step in rules.registry.ladder().iter().filter(told) {
        let so_far = case.after(&events, now);
        events.extend(take_step(&so_far, clock, &step.key, clock.due_at, rules, now));
    }
    let rule = rule_of(clock, rules);
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
    let recipients = recipients(case, clock, step, rules.registry);
    if recipients.is_empty() {
        return vec![
            EscalationUnanswered { clock: clock.no, step: key.clone(), at, registry_version }.into(),
        ];
    }
    let taken = EscalationStepTaken { clock: clock.no, step: key.clone(), at, recipients, registry_version };
    let mut events: Vec<Event> = vec![taken.into()];
    let ordered = |request: &&Request| matches!(request.kind, RequestKind::Supervision(..));
    let orders = case.requests.iter().filter(ordered).count();
    if step.effect == LadderEffect::Supervise
        && orders < rules.registry.limits().supervisions_max as usize
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

/// Whose move a clock times: the duty's organisation, or whoever confirms it; whoever approves a whistle; the lead for the case as a
/// whole; and for a step of the case itself, and for a request, the centre.
#[must_use]
pub fn holder<'a>(case: &'a Case, clock: &ClockState, registry: &'a Registry) -> &'a OrgId {
    let of = |no: ObligationNo| case.obligation(no).map(|obligation| &obligation.org);
    let held = match (clock.subject, clock.kind) {
        (Subject::Obligation(no), ClockKind::Confirm) => confirmer(case, no),
        (Subject::Obligation(no), _) => of(no),
        (Subject::Whistle(no), ClockKind::WhistleApproval) => {
            let caller = case.whistle(no).and_then(|whistle| registry.org(&whistle.caller));
            caller.and_then(|org| org.area.as_ref()).and_then(|area| registry.subdistrict_of(area))
        }
        (Subject::Case, ClockKind::Whole | ClockKind::ExternalDue) => case.lead.and_then(of),
        (Subject::Whistle(_) | Subject::Case | Subject::Request(_), _) => None,
    };
    held.unwrap_or_else(|| registry.district_centre())
}

/// Who says whether a duty is done: whoever assigned it inward, or whoever whistled.
fn confirmer(case: &Case, no: ObligationNo) -> Option<&OrgId> {
    let duty = case.obligation(no)?;
    match (duty.parent, duty.whistle) {
        (Some(parent), _) => case.obligation(parent).map(|parent| &parent.org),
        (None, Some(whistle)) => case.whistle(whistle).map(|whistle| &whistle.caller),
        (None, None) => None,
    }
}

fn recipients(case: &Case, clock: &ClockState, step: &LadderStep, registry: &Registry) -> Vec<Recipient> {
    let holder = holder(case, clock, registry);
    let mut found: Vec<Recipient> = Vec::new();
    for post in step.to.iter().flat_map(|to| registry.recipients(to, Some(holder), case.area())) {
        let recipient = Recipient { org: post.org.clone(), post: Some(post.id.clone()) };
        if !found.contains(&recipient) {
            found.push(recipient);
        }
    }
    found
}
