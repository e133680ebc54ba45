//! Which clocks a case should have, and the events that make it so. The one place that arms, settles, cancels, pauses and resumes.
//!
//! Level-triggered: the wanted clocks follow from the state alone, so any decision, replayed under any policy, gets its clocks by
//! the same comparison, and a forgotten case is found again.

use registry::ids::{RegistryVersion, TierKey, WhistleKind};
use registry::{ClockKind, ClockQuery, Step};
use worktime::{Budget, Calendar};

use crate::event::Event;
use crate::event::clock::{
    CancelCause, ClockArmed, ClockCancelled, ClockPaused, ClockRebased, ClockResumed, ClockSettled, Family,
    RebaseCause,
};
use crate::event::parts::{Profile, Subject};
use crate::flow::Status;
use crate::ids::ClockNo;
use crate::rules::Rules;
use crate::state::{Case, ClockPhase, ClockState, Obligation, ObligationState, RequestKind, WhistlePhase};
use crate::time::At;

/// A clock the state asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    kind: ClockKind,
    subject: Subject,
    start_at: At,
    whistle_kind: Option<WhistleKind>,
    external_due_at: Option<At>,
}

impl Wanted {
    fn of_case(kind: ClockKind, start_at: At) -> Self {
        Self { kind, subject: Subject::Case, start_at, whistle_kind: None, external_due_at: None }
    }
}

/// Adds to a decision the clock events that follow from it.
#[must_use]
pub fn with_clocks(case: &Case, mut events: Vec<Event>, rules: &Rules<'_>, now: At) -> Vec<Event> {
    if events.is_empty() {
        return events;
    }
    let after = case.after(&events, now);
    events.extend(derive(&after, rules, now));
    events
}

/// The clock events that bring the clocks of a case in line with its state.
#[must_use]
pub fn derive(case: &Case, rules: &Rules<'_>, now: At) -> Vec<Event> {
    let wanted = wanted(case);
    let mut events: Vec<Event> = Vec::new();
    for clock in case.clocks.iter().filter(|clock| clock.is_open()) {
        let still = wanted.iter().any(|want| want.kind == clock.kind && want.subject == clock.subject);
        if still {
            events.extend(keep(case, clock, rules, now));
        } else {
            events.push(finish(case, clock));
        }
    }
    let mut next = case.clocks.last().map_or(ClockNo(1), |last| last.no.next());
    let limit = rules.registry.limits().clocks_max as usize;
    for want in wanted {
        let has = case.clocks.iter().any(|c| c.is_open() && c.kind == want.kind && c.subject == want.subject);
        if has || case.clocks.len().saturating_add(events.len()) >= limit {
            continue;
        }
        if let Some(armed) = arm(case, want, next, rules) {
            events.push(armed.into());
            next = next.next();
        }
    }
    events
}

/// Pauses while the case is suspended, resumes with what was left afterwards.
fn keep(case: &Case, clock: &ClockState, rules: &Rules<'_>, now: At) -> Option<Event> {
    if let (ClockKind::ExternalDue, Some(due_at)) = (clock.kind, case.external_due_at)
        && due_at != clock.due_at
    {
        return Some(moved_by_source(clock, due_at, rules).into());
    }
    let stands_still = case.status == Status::Suspended && clock.kind != ClockKind::SuspensionReview;
    match (clock.phase, stands_still) {
        (ClockPhase::Running, true) => {
            Some(ClockPaused { clock: clock.no, generation: clock.generation }.into())
        }
        (ClockPhase::Paused, false) => Some(resume(clock, rules, now).into()),
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

fn resume(clock: &ClockState, rules: &Rules<'_>, now: At) -> ClockResumed {
    let paused_at = clock.paused_at.unwrap_or(now);
    let calendar = clock.calendar.as_ref().and_then(|id| rules.registry.calendar(id));
    // What was left is counted the way the budget was: in working minutes, or by the clock on the wall.
    let shift = |at: At| {
        if at <= paused_at {
            return (at, false);
        }
        let natural = matches!(clock.budget, Some(Budget::Natural { .. }) | None);
        let Some(calendar) = calendar.filter(|_| !natural) else {
            let left = at.instant().duration_since(paused_at.instant());
            return (At::new(now.instant().checked_add(left).unwrap_or(at.instant())), false);
        };
        let left = calendar.working_minutes_between(paused_at.instant(), at.instant());
        let budget = Budget::WorkingMinutes { minutes: u32::try_from(left).unwrap_or(u32::MAX) };
        let due = calendar.due(now.instant(), &budget);
        due.map_or((at, true), |due| (At::new(due.at), due.provisional))
    };
    let (due_at, provisional) = shift(clock.due_at);
    ClockResumed {
        clock: clock.no,
        generation: clock.generation.saturating_add(1),
        warn_at: clock.warn_at.iter().map(|at| shift(*at).0).collect(),
        due_at,
        provisional,
    }
}

/// Settled when what the clock waited for came; cancelled when the case went another way.
fn finish(case: &Case, clock: &ClockState) -> Event {
    let (clock_no, generation) = (clock.no, clock.generation);
    match reached(case, clock) {
        Some(at) => ClockSettled { clock: clock_no, generation, at, late: at > clock.due_at }.into(),
        None => {
            let cause = if case.status.is_ended() {
                CancelCause::CaseEnded
            } else if clock.subject == Subject::Case {
                CancelCause::Overtaken
            } else {
                CancelCause::SubjectEnded
            };
            ClockCancelled { clock: clock_no, generation, cause }.into()
        }
    }
}

/// When the thing a clock waits for came about, if it did.
fn reached(case: &Case, clock: &ClockState) -> Option<At> {
    match clock.subject {
        Subject::Case => {
            let abnormal = matches!(
                case.status,
                Status::Withdrawn
                    | Status::Voided
                    | Status::Terminated
                    | Status::ForceClosed
                    | Status::Merged
                    | Status::Split
            );
            (!abnormal).then_some(case.status_since)
        }
        Subject::Obligation(no) => {
            let obligation = case.obligation(no)?;
            match clock.kind {
                ClockKind::SignFor => obligation.signed_at,
                ClockKind::Contact => obligation.contacted_at,
                ClockKind::ReportIn => obligation.reported_in_at,
                ClockKind::Complete => obligation.completed_at,
                ClockKind::Confirm => obligation.confirmed_at.or_else(|| {
                    // Refused: the confirmer did answer in time; the holder's clock runs again.
                    (obligation.refusals > 0 && obligation.is_open()).then_some(case.changed_at)
                }),
                ClockKind::Triage
                | ClockKind::Accept
                | ClockKind::Verify
                | ClockKind::File
                | ClockKind::Dispatch
                | ClockKind::Whole
                | ClockKind::Check
                | ClockKind::CallBack
                | ClockKind::Close
                | ClockKind::WhistleApproval
                | ClockKind::WhistleTriage
                | ClockKind::SuspensionReview
                | ClockKind::ReturnDecision
                | ClockKind::ObjectionDecision
                | ClockKind::ExtensionDecision
                | ClockKind::ExternalDue => None,
            }
        }
        Subject::Whistle(no) => {
            let whistle = case.whistle(no)?;
            let answered = matches!(
                whistle.phase,
                WhistlePhase::Approved
                    | WhistlePhase::Triaged
                    | WhistlePhase::Active
                    | WhistlePhase::HandedBack
            );
            answered.then_some(whistle.phase_since)
        }
        Subject::Request(no) => case.request(no).and_then(|request| request.decided_at),
    }
}

fn wanted(case: &Case) -> Vec<Wanted> {
    if case.profile == Profile::Imported || case.status.is_ended() {
        return Vec::new();
    }
    let mut wanted = Vec::new();
    let stage = match case.status {
        Status::Untriaged => Some(ClockKind::Triage),
        Status::Raised => Some(ClockKind::Accept),
        Status::Verifying => Some(ClockKind::Verify),
        Status::Accepted | Status::SelfHandled => Some(ClockKind::File),
        Status::Filed => Some(ClockKind::Dispatch),
        Status::Suspended => Some(ClockKind::SuspensionReview),
        Status::Disposed => Some(ClockKind::Check),
        Status::Checked => Some(ClockKind::CallBack),
        Status::Dispatched
        | Status::InProgress
        | Status::Closed
        | Status::Rejected
        | Status::Merged
        | Status::Split
        | Status::Withdrawn
        | Status::Voided
        | Status::Terminated
        | Status::ForceClosed => None,
    };
    wanted.extend(stage.map(|kind| Wanted::of_case(kind, case.status_since)));
    if let Some(filed_at) = case.filed_at {
        wanted.push(Wanted::of_case(ClockKind::Whole, filed_at));
    }
    if let Some(due) = case.external_due_at {
        let start = Wanted::of_case(ClockKind::ExternalDue, case.raised_at);
        wanted.push(Wanted { external_due_at: Some(due), ..start });
    }
    for obligation in case.obligations.iter().filter(|obligation| case.may_begin(obligation)) {
        wanted.extend(of_obligation(case, obligation));
    }
    for whistle in &case.whistles {
        let kind = match whistle.phase {
            WhistlePhase::Drafted if whistle.needs_approval => ClockKind::WhistleApproval,
            WhistlePhase::Drafted | WhistlePhase::Approved if whistle.needs_triage => {
                ClockKind::WhistleTriage
            }
            WhistlePhase::Drafted
            | WhistlePhase::Approved
            | WhistlePhase::Triaged
            | WhistlePhase::Active
            | WhistlePhase::StoodDown
            | WhistlePhase::Withdrawn
            | WhistlePhase::HandedBack
            | WhistlePhase::Invalid => continue,
        };
        wanted.push(Wanted {
            kind,
            subject: Subject::Whistle(whistle.no),
            start_at: whistle.phase_since,
            whistle_kind: Some(whistle.kind.clone()),
            external_due_at: None,
        });
    }
    wanted.extend(of_requests(case));
    wanted
}

fn of_obligation(case: &Case, obligation: &Obligation) -> Vec<Wanted> {
    let before = obligation.after.iter().filter_map(|no| case.obligation(*no)?.ended_at).max();
    let start_at = before.map_or(obligation.assigned_at, |at| at.max(obligation.assigned_at));
    let whistle_kind = obligation.whistle.and_then(|no| case.whistle(no)).map(|whistle| whistle.kind.clone());
    let want = |kind, start_at| Wanted {
        kind,
        subject: Subject::Obligation(obligation.no),
        start_at,
        whistle_kind: whistle_kind.clone(),
        external_due_at: None,
    };
    let mut wanted = Vec::new();
    if obligation.is_open() {
        if obligation.has(Step::SignFor) && obligation.signed_at.is_none() {
            wanted.push(want(ClockKind::SignFor, start_at));
        }
        if let (true, Some(signed_at), None) =
            (obligation.has(Step::Contact), obligation.signed_at, obligation.contacted_at)
        {
            wanted.push(want(ClockKind::Contact, signed_at));
        }
        if obligation.has(Step::ReportIn) && obligation.reported_in_at.is_none() {
            wanted.push(want(ClockKind::ReportIn, start_at));
        }
        if obligation.has(Step::Complete) && obligation.completed_at.is_none() {
            wanted.push(want(ClockKind::Complete, start_at.max(obligation.begun_at)));
        }
    }
    if let (ObligationState::Completed, true, Some(at)) =
        (obligation.state, obligation.has(Step::Confirm), obligation.completed_at)
    {
        wanted.push(want(ClockKind::Confirm, at));
    }
    wanted
}

fn of_requests(case: &Case) -> impl Iterator<Item = Wanted> {
    case.requests.iter().filter(|request| request.decided_at.is_none()).filter_map(|request| {
        let kind = match request.kind {
            RequestKind::Return(_) => ClockKind::ReturnDecision,
            RequestKind::Objection(_) => ClockKind::ObjectionDecision,
            RequestKind::Extension(..) | RequestKind::Suspension => ClockKind::ExtensionDecision,
            RequestKind::Void
            | RequestKind::Termination
            | RequestKind::ForceClose
            | RequestKind::Exclusion
            | RequestKind::BreakGlass(_)
            | RequestKind::Erasure(_)
            | RequestKind::RatingAppeal(_)
            | RequestKind::Whistle(_)
            | RequestKind::Supervision(..) => return None,
        };
        Some(Wanted { subject: Subject::Request(request.no), ..Wanted::of_case(kind, request.asked_at) })
    })
}

/// Arms a clock by the published rule; none when the policies give this step no time.
fn arm(case: &Case, want: Wanted, clock: ClockNo, rules: &Rules<'_>) -> Option<ClockArmed> {
    let whole = matches!(want.kind, ClockKind::Whole | ClockKind::ExternalDue);
    let family = if whole { Family::Whole } else { Family::Stage };
    let registry_version: RegistryVersion = rules.registry.version();
    let armed = ClockArmed {
        clock,
        generation: 1,
        kind: want.kind,
        family,
        subject: want.subject,
        whistle_kind: want.whistle_kind.clone(),
        start_at: want.start_at,
        budget: None,
        calendar: None,
        rule: None,
        registry_version,
        warn_at: Vec::new(),
        due_at: want.start_at,
        provisional: false,
    };
    if let Some(due_at) = want.external_due_at {
        return Some(ClockArmed { due_at, ..armed });
    }
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
    let calendar: &Calendar = rules.registry.calendar(&rule.calendar)?;
    let start = want.start_at.instant();
    let due = calendar.due(start, &rule.budget).ok()?;
    let due_at = parents_due(case, &want).map_or(At::new(due.at), |parent| parent.min(At::new(due.at)));
    let mut warn_at: Vec<At> = Vec::new();
    for permille in &rule.warn_permille {
        warn_at.extend(calendar.warn_at(start, &rule.budget, *permille).ok().map(At::new));
    }
    Some(ClockArmed {
        budget: Some(rule.budget),
        calendar: Some(rule.calendar.clone()),
        rule: Some(rule.id.clone()),
        warn_at,
        due_at,
        provisional: due.provisional,
        ..armed
    })
}

/// What is assigned inward is due no later than the duty it was assigned from.
fn parents_due(case: &Case, want: &Wanted) -> Option<At> {
    let Subject::Obligation(no) = want.subject else { return None };
    let parent = case.obligation(no)?.parent?;
    let mut clocks = case.clocks.iter().rev();
    let of_parent = clocks.find(|clock| {
        clock.is_open() && clock.kind == want.kind && clock.subject == Subject::Obligation(parent)
    });
    of_parent.map(|clock| clock.due_at)
}
