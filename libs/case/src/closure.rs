//! What closure decides: disposing, checking, calling back, closing, reopening. Closed is not solved.

use jiff::SignedDuration;
use registry::catalogue;
use registry::ids::{ReasonCode, Role};

use crate::actor::Actor;
use crate::clocks;
use crate::event::Event;
use crate::event::closure::{
    CallBackExempted, CalledBack, CaseClosed, CaseDisposed, CaseReopened, CheckFailed, CheckPassed,
    CostBearer, ReopenCause,
};
use crate::event::parts::{Evidence, NewObligation, Origin, Outcome, Part, Profile, Reporter, Satisfaction};
use crate::flow::Status;
use crate::ids::KeyId;
use crate::intake::is_neutral;
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{Rules, evidence as check_evidence, forbids, in_sight, reason as check_reason};
use crate::sealed::Sealed;
use crate::state::{Case, MeasureState, Obligation};
use crate::time::At;

/// The lead's word that it is handled, with the four things a reply must say (办结).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispose {
    /// When it was taken up (受理时间).
    pub taken_up_at: At,
    /// Who was spoken to (与谁沟通).
    pub spoken_to: Sealed,
    /// What was done (解决措施).
    pub measures: Sealed,
    /// By when it is or will be solved (解决时限).
    pub solved_by_at: At,
    /// What may be published (公开答复内容).
    pub public_reply: Sealed,
    /// Who bears the cost.
    pub cost_bearer: Option<CostBearer>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// One call back (回访).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBack {
    /// Whom.
    pub reporter: KeyId,
    /// Whether they were reached.
    pub contacted: bool,
    /// Whether it is solved, they say; asked of whoever was reached.
    pub solved: Option<bool>,
    /// How content they are; asked of whoever was reached.
    pub satisfied: Option<Satisfaction>,
    /// What they said.
    pub words: Option<Sealed>,
}

/// A command of closure on a case that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Disposes (办结).
    Dispose(Dispose),
    /// Checks (核查).
    Check {
        /// Whether it is done.
        passed: bool,
        /// What was found; required when it is not done.
        words: Option<Sealed>,
        /// What shows it.
        evidence: Vec<Evidence>,
    },
    /// Calls back (回访).
    CallBack(CallBack),
    /// Says that no call-back is owed (免回访).
    ExemptCallBack {
        /// A code of the catalogue `callback-exemption`.
        reason: ReasonCode,
    },
    /// Closes (结案).
    Close {
        /// How it ended.
        outcome: Outcome,
        /// What the reporter is told.
        reply: Option<Sealed>,
    },
    /// Reopens (重新办理).
    Reopen {
        /// What reopened it.
        cause: ReopenCause,
        /// Why.
        words: Option<Sealed>,
    },
}

type Decision = Result<Vec<Event>, Refusal>;

/// Decides a command of closure.
///
/// # Errors
/// [`Refusal`], with nothing changed.
pub fn decide(case: &Case, command: &Command, actor: &Actor, rules: &Rules<'_>, now: At) -> Decision {
    in_sight(case, actor, rules)?;
    let events = match command {
        Command::Dispose(disposal) => dispose(case, disposal, actor, rules),
        Command::Check { passed, words, evidence } => {
            check(case, *passed, words.as_ref(), evidence, actor, rules)
        }
        Command::CallBack(call) => call_back(case, call, actor, rules, now),
        Command::ExemptCallBack { reason } => exempt(case, reason, actor, rules),
        Command::Close { outcome, reply } => close(case, *outcome, reply.as_ref(), actor, rules),
        Command::Reopen { cause, words } => reopen(case, *cause, words.as_ref(), actor, rules, now),
    }?;
    Ok(clocks::with_clocks(case, events, rules, now))
}

fn dispose(case: &Case, disposal: &Dispose, actor: &Actor, rules: &Rules<'_>) -> Decision {
    let by = actor.sign(&[
        Role::Handler,
        Role::OrgDispatcher,
        Role::SubdistrictOfficer,
        Role::SubdistrictLeader,
        Role::CommunityOfficer,
        Role::DistrictCentre,
        Role::SourceSystem,
    ])?;
    case.may_go(Status::Disposed)?;
    let lead = case.lead().ok_or_else(|| forbids("lead of the case", StateReason::Ended))?;
    if !actor.acts_for(&lead.org, rules.registry) {
        return Err(forbids(format!("obligation {}", lead.no), StateReason::NotTheHolder));
    }
    ready(case, lead)?;
    check_evidence(&disposal.evidence, "evidence", rules)?;
    Ok(vec![
        CaseDisposed {
            by,
            obligation: lead.no,
            taken_up_at: disposal.taken_up_at,
            spoken_to: disposal.spoken_to.clone(),
            measures: disposal.measures.clone(),
            solved_by_at: disposal.solved_by_at,
            public_reply: disposal.public_reply.clone(),
            cost_bearer: disposal.cost_bearer,
            evidence: disposal.evidence.clone(),
        }
        .into(),
    ])
}

/// Whether everything the lead must wait for is settled: its own steps, measures, required duties, whistles.
fn ready(case: &Case, lead: &Obligation) -> Result<(), Refusal> {
    let part = format!("obligation {}", lead.no);
    if lead.is_open() {
        if lead.has(registry::Step::SignFor) && lead.signed_at.is_none() {
            return Err(forbids(part, StateReason::NotSignedFor));
        }
        if lead.has(registry::Step::ReportIn) && lead.reported_in_at.is_none() {
            return Err(forbids(part, StateReason::NotReportedIn));
        }
        if lead.has(registry::Step::Confirm) {
            return Err(forbids(part, StateReason::NotCompleted));
        }
    } else if !lead.is_settled() {
        return Err(forbids(part, StateReason::NotCompleted));
    }
    // A measure lapses with the duty it belonged to: whoever was called off strikes nothing off.
    let owed = |measure: &MeasureState| {
        measure.mandatory
            && measure.struck_at.is_none()
            && case.obligation(measure.responsible).is_some_and(|duty| !duty.state.is_gone())
    };
    if case.measures.iter().any(owed) {
        return Err(forbids("measures of the plan", StateReason::MeasuresOpen));
    }
    if let Some(open) = case.obligations.iter().find(|o| o.no != lead.no && o.mandatory && !o.is_settled()) {
        return Err(forbids(format!("obligation {}", open.no), StateReason::DutiesOpen));
    }
    if let Some(whistle) = case.whistles.iter().find(|whistle| whistle.phase.is_open()) {
        return Err(forbids(format!("whistle {}", whistle.no), StateReason::StillOpen));
    }
    Ok(())
}

fn check(
    case: &Case,
    passed: bool,
    words: Option<&Sealed>,
    evidence: &[Evidence],
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::Inspector, Role::GridWorker])?;
    case.stands_in(&[Status::Disposed])?;
    let disposed_it = case.disposal.as_ref().is_some_and(|disposal| {
        actor.org.as_ref().is_some_and(|own| {
            rules.registry.is_same_or_above(&disposal.org, own)
                || rules.registry.is_same_or_above(own, &disposal.org)
        })
    });
    if disposed_it {
        return Err(forbids("check", StateReason::NotNeutral));
    }
    check_evidence(evidence, "evidence", rules)?;
    let evidence = evidence.to_vec();
    match (passed, words) {
        (true, note) => Ok(vec![CheckPassed { by, evidence, note: note.cloned() }.into()]),
        (false, Some(words)) => Ok(vec![CheckFailed { by, words: words.clone(), evidence }.into()]),
        (false, None) => Err(Refusal::Invalid(vec![Violation::new(
            "words",
            "REQUIRED",
            "what is missing, so that it can be mended",
        )])),
    }
}

fn call_back(case: &Case, call: &CallBack, actor: &Actor, rules: &Rules<'_>, now: At) -> Decision {
    let by = actor.sign(&[Role::CallerBack, Role::SourceSystem])?;
    case.stands_in(&[Status::Checked])?;
    if !is_neutral(case, actor, rules) {
        return Err(forbids("call-back", StateReason::NotNeutral));
    }
    let known = case.reporters.iter().any(|reporter| reporter.key_id == call.reporter);
    if !known {
        return Err(Refusal::NoSuchPart { part: format!("reporter {}", call.reporter) });
    }
    if call.contacted != call.solved.is_some() || call.contacted != call.satisfied.is_some() {
        let expected = "solved and satisfied are asked of whoever was reached, and of nobody else";
        return Err(Refusal::Invalid(vec![Violation::new("contacted", "INCONSISTENT", expected)]));
    }
    let limits = rules.registry.limits();
    let mut earlier = case.callbacks.iter().filter(|earlier| earlier.reporter == call.reporter);
    let gap = SignedDuration::from_mins(i64::from(limits.callback_gap_minutes));
    let too_soon = |last: At| now.instant().duration_since(last.instant()) < gap;
    if earlier.clone().any(|earlier| earlier.contacted) {
        return Err(forbids(format!("call-back of {}", call.reporter), StateReason::AlreadyDone));
    }
    if !call.contacted && earlier.clone().next_back().is_some_and(|last| too_soon(last.at)) {
        return Err(forbids(format!("call-back of {}", call.reporter), StateReason::NotDue));
    }
    if earlier.by_ref().count() >= limits.callback_attempts_max as usize {
        return Err(Refusal::Limit { name: "callback_attempts_max", limit: limits.callback_attempts_max });
    }
    Ok(vec![
        CalledBack {
            by,
            reporter: call.reporter.clone(),
            contacted: call.contacted,
            solved: call.solved,
            satisfied: call.satisfied,
            words: call.words.clone(),
            rework: call.solved == Some(false),
        }
        .into(),
    ])
}

fn exempt(case: &Case, code: &ReasonCode, actor: &Actor, rules: &Rules<'_>) -> Decision {
    let by = actor.sign(&[Role::DutyLeader, Role::CallerBack])?;
    case.stands_in(&[Status::Checked])?;
    check_reason(rules, catalogue::CALLBACK_EXEMPTION, code)?;
    if case.callback_exempt {
        return Err(forbids("call-back", StateReason::AlreadyDone));
    }
    Ok(vec![CallBackExempted { by, reason: code.clone() }.into()])
}

fn close(
    case: &Case,
    outcome: Outcome,
    reply: Option<&Sealed>,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let closers: &[Role] = if case.profile == Profile::Imported {
        &[Role::SourceSystem, Role::Operator, Role::Registrar]
    } else {
        &[Role::DutyLeader, Role::CallerBack, Role::SourceSystem]
    };
    let by = actor.sign(closers)?;
    case.may_go(Status::Closed)?;
    let (fits, expected) = if case.status == Status::Checked {
        called_back(case, rules)?;
        let ordinary = matches!(
            outcome,
            Outcome::Solved | Outcome::ExplainedNotSolved | Outcome::NotGenuine | Outcome::OutOfScope
        );
        (ordinary, "SOLVED, EXPLAINED_NOT_SOLVED, NOT_GENUINE or OUT_OF_SCOPE")
    } else if case.status == Status::Raised && case.profile == Profile::Imported {
        (outcome == Outcome::ClosedAtSource, "CLOSED_AT_SOURCE, as history says no more")
    } else {
        // Direct answers, self-handling and split cases end by their own commands.
        return Err(case.status_forbids());
    };
    if !fits {
        return Err(Refusal::Invalid(vec![Violation::new("outcome", "OUT_OF_RANGE", expected)]));
    }
    Ok(vec![CaseClosed { by, outcome, reply: reply.cloned() }.into()])
}

/// The first reporter still to be called: not reached, not tried often enough, and not exempted by the catalogue.
pub(crate) fn call_back_owed<'a>(case: &'a Case, rules: &Rules<'_>) -> Option<&'a Reporter> {
    if case.callback_exempt {
        return None;
    }
    let attempts = rules.registry.limits().callback_attempts_min as usize;
    case.reporters.iter().filter(|reporter| reporter.contactable).find(|reporter| {
        let mut calls = case.callbacks.iter().filter(|call| call.reporter == reporter.key_id);
        !calls.clone().any(|call| call.contacted) && calls.by_ref().count() < attempts
    })
}

fn called_back(case: &Case, rules: &Rules<'_>) -> Result<(), Refusal> {
    match call_back_owed(case, rules) {
        Some(reporter) => {
            Err(forbids(format!("call-back of {}", reporter.key_id), StateReason::CallBackOwed))
        }
        None => Ok(()),
    }
}

fn reopen(
    case: &Case,
    cause: ReopenCause,
    words: Option<&Sealed>,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Decision {
    let roles: &[Role] = match cause {
        ReopenCause::Reporter => &[Role::Resident, Role::LaneSteward, Role::CallTaker, Role::CallerBack],
        ReopenCause::CallBack => &[Role::CallerBack],
        ReopenCause::Inspection | ReopenCause::FalseReply => &[Role::Supervisor, Role::Inspector],
        ReopenCause::Source => &[Role::SourceSystem],
    };
    let by = actor.sign(roles)?;
    case.stands_in(&[Status::Closed])?;
    let limits = rules.registry.limits();
    if cause != ReopenCause::Source {
        let closed_at = case.ended_at.unwrap_or(now);
        let window = SignedDuration::from_hours(i64::from(limits.reopen_days).saturating_mul(24));
        if now.instant().duration_since(closed_at.instant()) > window {
            return Err(forbids("case", StateReason::WindowPassed));
        }
        if case.reopenings >= limits.reopenings_max {
            return Err(Refusal::Limit { name: "reopenings_max", limit: limits.reopenings_max });
        }
    }
    let lead = case.disposal.as_ref().and_then(|disposal| case.obligation(disposal.obligation));
    case.may_go(if lead.is_some() { Status::InProgress } else { Status::Accepted })?;
    if lead.is_some() && case.obligations.len() >= limits.obligations_max as usize {
        return Err(Refusal::Limit { name: "obligations_max", limit: limits.obligations_max });
    }
    let obligation = lead.map(|lead| again(case, lead));
    Ok(vec![CaseReopened { by, cause, obligation, words: words.cloned() }.into()])
}

/// The lead's duty made anew. Nobody meets again for it, so only what dispatching asks is asked.
fn again(case: &Case, lead: &Obligation) -> NewObligation {
    use registry::Step::{Complete, Contact, SignFor};
    NewObligation {
        no: case.next_obligation(),
        org: lead.org.clone(),
        person: None,
        part: Part::Lead,
        origin: Origin::Reopening,
        parent: None,
        after: Vec::new(),
        mandatory: true,
        steps: [SignFor, Contact, Complete]
            .into_iter()
            .filter(|step| *step != Contact || lead.has(Contact))
            .collect(),
        whistle: None,
        task: lead.task.clone(),
    }
}
