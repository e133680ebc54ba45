//! Who sees a reporter, and the record that they did.

use jiff::SignedDuration;
use registry::catalogue;
use registry::ids::{ReasonCode, Role};

use crate::actor::{Actor, is_accused};
use crate::event::Event;
use crate::event::intake::{BreakGlassApproved, BreakGlassRefused, BreakGlassRequested, ContactRevealed};
use crate::event::parts::By;
use crate::flow::Status;
use crate::ids::{KeyId, RequestNo};
use crate::refusal::{Refusal, StateReason};
use crate::rules::{Rules, forbids, reason};
use crate::state::{Case, RequestKind};
use crate::time::At;

type Decision = Result<Vec<Event>, Refusal>;

/// Whoever handles it, and whoever calls back, once that is their turn.
fn in_charge(case: &Case, actor: &Actor, rules: &Rules<'_>) -> Result<By, Refusal> {
    let by = actor.sign(&[Role::Handler, Role::OrgDispatcher, Role::CallerBack])?;
    let holds = |role| {
        actor.roles.contains(&role)
            && case.obligations.iter().any(|o| o.is_open() && actor.acts_for(&o.org, rules.registry))
    };
    let handles = holds(Role::Handler) || holds(Role::OrgDispatcher);
    let calls_back = actor.roles.contains(&Role::CallerBack)
        && matches!(case.status, Status::Disposed | Status::Checked)
        && is_neutral(case, actor, rules);
    if handles || calls_back { Ok(by) } else { Err(forbids("contact", StateReason::NotTheHolder)) }
}

/// Whether somebody belongs to no organisation that ever had a duty on the case.
pub(crate) fn is_neutral(case: &Case, actor: &Actor, rules: &Rules<'_>) -> bool {
    !case.obligations.iter().any(|obligation| {
        actor.org.as_ref().is_some_and(|own| {
            rules.registry.is_same_or_above(&obligation.org, own) || own == &obligation.org
        })
    })
}

fn shown(case: &Case, key_id: &KeyId, actor: &Actor, rules: &Rules<'_>) -> Result<(), Refusal> {
    if is_accused(actor, case, rules.registry) {
        return Err(forbids("contact", StateReason::Accused));
    }
    if case.destroyed_keys.contains(key_id) {
        return Err(forbids("contact", StateReason::Erased));
    }
    if !case.reporters.iter().any(|reporter| reporter.key_id == *key_id && reporter.contactable) {
        return Err(Refusal::NoSuchPart { part: format!("contact of {key_id}") });
    }
    Ok(())
}

pub(super) fn reveal(
    case: &Case,
    key_id: &KeyId,
    purpose: &ReasonCode,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Decision {
    let by = in_charge(case, actor, rules)?;
    shown(case, key_id, actor, rules)?;
    reason(rules, catalogue::REVEAL, purpose)?;
    let mut request = None;
    if case.confidential {
        let allowed = case.requests.iter().rev().find(|request| {
            request.kind == RequestKind::BreakGlass(key_id.clone())
                && request.granted
                && (request.by == by || (by.person().is_some() && request.by.person() == by.person()))
                && request.valid_until.is_some_and(|until| now <= until)
        });
        request = Some(allowed.ok_or_else(|| forbids("contact", StateReason::Confidential))?.no);
    }
    Ok(vec![ContactRevealed { by, key_id: key_id.clone(), purpose: purpose.clone(), request }.into()])
}

pub(super) fn request_break_glass(
    case: &Case,
    key_id: &KeyId,
    purpose: &ReasonCode,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = in_charge(case, actor, rules)?;
    shown(case, key_id, actor, rules)?;
    reason(rules, catalogue::REVEAL, purpose)?;
    let request = case.next_request();
    Ok(vec![BreakGlassRequested { by, request, key_id: key_id.clone(), purpose: purpose.clone() }.into()])
}

pub(super) fn decide_break_glass(
    case: &Case,
    request: RequestNo,
    grant: bool,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Decision {
    let by = actor.sign(&[Role::DutyLeader, Role::DistrictCentre, Role::Supervisor])?;
    if is_accused(actor, case, rules.registry) {
        return Err(forbids("contact", StateReason::Accused));
    }
    case.decidable(request, &by, |request| matches!(request.kind, RequestKind::BreakGlass(_)))?;
    if !grant {
        return Ok(vec![BreakGlassRefused { by, request }.into()]);
    }
    let minutes = i64::from(rules.registry.limits().break_glass_minutes);
    let valid = now.instant().checked_add(SignedDuration::from_mins(minutes)).unwrap_or(now.instant());
    Ok(vec![BreakGlassApproved { by, request, valid_until: At::new(valid) }.into()])
}
