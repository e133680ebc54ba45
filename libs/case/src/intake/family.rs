//! Cases that belong together: merging into one, splitting into several. Decided on all of them at once, committed at once.

use registry::ids::{AreaLevel, Role};

use super::raise::{Raise, raised};
use crate::actor::Actor;
use crate::clocks;
use crate::event::Event;
use crate::event::closure::CaseClosed;
use crate::event::intake::{CaseMerged, CaseSplit, ReporterLinked};
use crate::event::parts::{By, Outcome};
use crate::flow::Status;
use crate::ids::CaseId;
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{Rules, forbids, in_sight};
use crate::state::Case;
use crate::time::At;

/// Decides that a case follows another (合并办理). Gives the events of the child, then those of the parent.
///
/// # Errors
/// [`Refusal`] when the parent has ended or follows another itself, the child has followers, or the two are of different matters or
/// communities.
pub fn merge(
    child: &Case,
    parent: &Case,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<(Vec<Event>, Vec<Event>), Refusal> {
    in_sight(child, actor, rules)?;
    in_sight(parent, actor, rules)?;
    let by = actor.sign(&[Role::Receptionist, Role::Dispatcher])?;
    if child.id == parent.id {
        return Err(Refusal::Invalid(vec![Violation::new("into", "SAME", "another case")]));
    }
    child.may_go(Status::Merged)?;
    parent.is_still_open()?;
    if !child.followers.is_empty() {
        return Err(forbids("followers of the case", StateReason::StillOpen));
    }
    let different = |a: Option<&str>, b: Option<&str>| matches!((a, b), (Some(a), Some(b)) if a != b);
    let matter = |case: &Case| case.matter.as_ref().map(|id| id.as_str().to_owned());
    let community = |case: &Case| {
        case.area().and_then(|area| area.at(AreaLevel::Community)).map(|code| code.as_str().to_owned())
    };
    let mut violations = Vec::new();
    if different(matter(child).as_deref(), matter(parent).as_deref()) {
        violations.push(Violation::new("into", "OTHER_MATTER", "a case of the same matter"));
    }
    if different(community(child).as_deref(), community(parent).as_deref()) {
        violations.push(Violation::new("into", "OTHER_PLACE", "a case of the same community"));
    }
    if !violations.is_empty() {
        return Err(Refusal::Invalid(violations));
    }
    let limit = rules.registry.limits().merged_max;
    if parent.followers.len() >= limit as usize {
        return Err(Refusal::Limit { name: "merged_max", limit });
    }
    let merged = CaseMerged { by: by.clone(), into: parent.id };
    let linked = ReporterLinked {
        by,
        from: child.id,
        reporters: u32::try_from(child.reporters.len()).unwrap_or(u32::MAX),
        tickets: child.ticket.iter().cloned().collect(),
    };
    Ok((
        clocks::with_clocks(child, vec![merged.into()], rules, now),
        clocks::with_clocks(parent, vec![linked.into()], rules, now),
    ))
}

/// Decides that one case becomes several (拆分). Gives the events of the parent, then those of each child.
///
/// # Errors
/// [`Refusal`] with fewer than two children, more than the policies allow, or from a status that is past filing.
pub fn split(
    parent: &Case,
    children: &[(CaseId, Raise)],
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<(Vec<Event>, Vec<Vec<Event>>), Refusal> {
    in_sight(parent, actor, rules)?;
    let by = actor.sign(&[Role::Receptionist, Role::Dispatcher])?;
    parent.may_go(Status::Split)?;
    if children.len() < 2 {
        return Err(Refusal::Invalid(vec![Violation::new("children", "TOO_FEW", "at least two")]));
    }
    let limit = rules.registry.limits().split_children_max;
    if children.len() > limit as usize {
        return Err(Refusal::Limit { name: "split_children_max", limit });
    }
    let mut ids: Vec<CaseId> = children.iter().map(|(id, _)| *id).chain([parent.id]).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair.first() == pair.last()) {
        let violation = Violation::new("children", "DUPLICATE", "each child a case of its own");
        return Err(Refusal::Invalid(vec![violation]));
    }
    let mut born = Vec::with_capacity(children.len());
    for (id, child) in children {
        // Whoever may split may raise the children, whatever the parent's profile asks of those who raise.
        let raise = inherited(parent, child);
        let child = Case::new(*id);
        let mut events =
            raised(&child, &raise, &Actor { roles: raising_roles(), ..actor.clone() }, rules, now)?;
        for event in &mut events {
            if let Event::Intake(crate::event::Intake::CaseRaised(raised)) = event {
                raised.by = by.clone();
            }
        }
        born.push(clocks::with_clocks(&child, events, rules, now));
    }
    let split = CaseSplit { by, children: children.iter().map(|(id, _)| *id).collect() };
    Ok((clocks::with_clocks(parent, vec![split.into()], rules, now), born))
}

/// What a child takes from its parent: its way, and who must not see the reporter.
fn inherited(parent: &Case, child: &Raise) -> Raise {
    let mut raise = child.clone();
    raise.split_from = Some(parent.id);
    raise.profile = parent.profile;
    raise.confidential |= parent.confidential;
    for org in &parent.about {
        if !raise.about.contains(org) {
            raise.about.push(org.clone());
        }
    }
    for person in &parent.about_persons {
        if !raise.about_persons.contains(person) {
            raise.about_persons.push(person.clone());
        }
    }
    raise
}

fn raising_roles() -> Vec<Role> {
    Role::ALL.to_vec()
}

/// Decides that a split case ends, once every child has: the ticket gets one combined reply.
///
/// # Errors
/// [`Refusal`] while a child is open, or the case is not split.
pub fn close_split(
    parent: &Case,
    children: &[&Case],
    rules: &Rules<'_>,
    now: At,
) -> Result<Vec<Event>, Refusal> {
    parent.stands_in(&[Status::Split])?;
    // A child that was split itself is over when its own children are.
    let over = |child: &Case| child.status.is_ended() && child.status != Status::Split;
    let ended = |id: &CaseId| children.iter().any(|child| child.id == *id && over(child));
    if !parent.children.iter().all(ended) {
        return Err(forbids("children of the case", StateReason::StillOpen));
    }
    let by = By::Automatic { rule: None };
    let closed = CaseClosed { by, outcome: Outcome::ChildrenEnded, reply: None };
    Ok(clocks::with_clocks(parent, vec![closed.into()], rules, now))
}
