//! Dispatching: by the matrix, or to whom the dispatcher names; and what an organisation does with its duty inside.

use registry::ids::{AreaLevel, MatterId, OrgId, PersonId, Role};
use registry::{MatrixQuery, OrgKind, Step};

use super::{Decision, Desk};
use crate::clocks;
use crate::event::Event;
use crate::event::dispatch::{CaseDispatched, ObligationAssigned, ObligationsAdded};
use crate::event::parts::{Basis, By, NewObligation, Origin, Part, Party, Profile};
use crate::flow::Status;
use crate::ids::ObligationNo;
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{Rules, active_org, forbids};
use crate::sealed::Sealed;
use crate::state::Case;
use crate::time::At;

/// What a dispatched duty goes through. Whoever has nobody to contact skips the contact.
fn dispatched_steps(case: &Case) -> Vec<Step> {
    let mut steps = vec![Step::SignFor];
    if case.reporters.iter().any(|reporter| reporter.contactable) {
        steps.push(Step::Contact);
    }
    steps.push(Step::Complete);
    steps
}

/// A community is given as lead only what its list of duties admits (工作准入).
fn admitted(rules: &Rules<'_>, org: &OrgId, matter: Option<&MatterId>) -> Result<(), Refusal> {
    let is_community = rules.registry.org(org).is_some_and(|org| org.kind == OrgKind::Community);
    let admitted = matter.is_some_and(|matter| rules.registry.community_admits(matter));
    if is_community && !admitted {
        return Err(forbids(format!("admission list of {org}"), StateReason::ProfileForbids));
    }
    Ok(())
}

fn limit_obligations(case: &Case, more: usize, rules: &Rules<'_>) -> Result<(), Refusal> {
    let limit = rules.registry.limits().obligations_max;
    if case.obligations.len().saturating_add(more) > limit as usize {
        return Err(Refusal::Limit { name: "obligations_max", limit });
    }
    Ok(())
}

fn dispatched(
    case: &Case,
    by: By,
    lead: &OrgId,
    co: &[OrgId],
    task: Option<&Sealed>,
    basis: Basis,
    rules: &Rules<'_>,
) -> Decision {
    limit_obligations(case, co.len().saturating_add(1), rules)?;
    let mut no = case.next_obligation();
    let mut obligations = Vec::with_capacity(co.len().saturating_add(1));
    for (org, part) in std::iter::once((lead, Part::Lead)).chain(co.iter().map(|org| (org, Part::Co))) {
        obligations.push(NewObligation {
            no,
            org: org.clone(),
            person: None,
            part,
            origin: Origin::Dispatch,
            parent: None,
            after: Vec::new(),
            mandatory: true,
            steps: dispatched_steps(case),
            whistle: None,
            task: task.cloned(),
        });
        no = no.next();
    }
    Ok(vec![CaseDispatched { by, obligations, basis, registry_version: rules.registry.version() }.into()])
}

/// Dispatches a filed case by the responsibility matrix, without anybody asking.
///
/// # Errors
/// [`Refusal`] when the case is not filed, or is one that its street whistles for itself.
pub fn dispatch_automatically(case: &Case, rules: &Rules<'_>, now: At) -> Result<Vec<Event>, Refusal> {
    case.stands_in(&[Status::Filed])?;
    if case.profile == Profile::WhistleOnly {
        return Err(forbids("case", StateReason::ProfileForbids));
    }
    if case.returns > 0 {
        // Upheld returns mean the matrix was wrong here: a person decides.
        return Err(forbids("case", StateReason::AlreadyDone));
    }
    let (lead, co, basis) = by_matrix(case, rules);
    // Where the matrix is wrong a person decides.
    active_org(rules, &lead, now)?;
    admitted(rules, &lead, case.matter.as_ref())?;
    let by = By::Automatic { rule: basis.rule.clone() };
    let events = dispatched(case, by, &lead, &co, None, basis, rules)?;
    Ok(clocks::with_clocks(case, events, rules, now))
}

fn by_matrix(case: &Case, rules: &Rules<'_>) -> (OrgId, Vec<OrgId>, Basis) {
    let query = MatrixQuery {
        matter: case.matter.as_ref(),
        area: case.area(),
        compound: case.compound(),
        ownership: None,
        mode: rules.mode,
    };
    let answer = rules.registry.responsible(&query);
    (answer.lead, answer.co, Basis { rule: Some(answer.basis), fallback: answer.fallback })
}

impl Desk<'_> {
    pub(super) fn dispatch(&self, lead: Option<&OrgId>, co: &[OrgId], task: Option<&Sealed>) -> Decision {
        let by = self.actor.sign(&[Role::Dispatcher, Role::DutyLeader, Role::DistrictCentre])?;
        self.case.stands_in(&[Status::Filed])?;
        if lead.is_none() && !co.is_empty() {
            let violation = Violation::new("lead", "REQUIRED", "whoever names who joins names who leads");
            return Err(Refusal::Invalid(vec![violation]));
        }
        let (lead, co, basis) = match lead {
            Some(lead) => (lead.clone(), co.to_vec(), Basis { rule: None, fallback: false }),
            None => by_matrix(self.case, self.rules),
        };
        let mut seen = vec![&lead];
        for org in &co {
            if seen.contains(&org) {
                let violation = Violation::new("co", "DUPLICATE", format!("{org} named once"));
                return Err(Refusal::Invalid(vec![violation]));
            }
            seen.push(org);
        }
        for org in seen {
            active_org(self.rules, org, self.now)?;
        }
        admitted(self.rules, &lead, self.case.matter.as_ref())?;
        dispatched(self.case, by, &lead, &co, task, basis, self.rules)
    }

    pub(super) fn call_co_handlers(
        &self,
        parties: &[Party],
        after: &[ObligationNo],
        words: Option<&Sealed>,
    ) -> Decision {
        let by =
            self.actor.sign(&[Role::OrgDispatcher, Role::Handler, Role::Dispatcher, Role::DistrictCentre])?;
        self.case.stands_in(&[Status::Dispatched, Status::InProgress])?;
        let leads = self.case.lead().is_some_and(|lead| self.actor.acts_for(&lead.org, self.rules.registry));
        if !leads && !self.actor.is_any(&[Role::Dispatcher, Role::DistrictCentre]) {
            return Err(forbids("lead of the case", StateReason::NotTheHolder));
        }
        if parties.is_empty() {
            return Err(Refusal::Invalid(vec![Violation::new("parties", "REQUIRED", "at least one")]));
        }
        limit_obligations(self.case, parties.len(), self.rules)?;
        for no in after {
            self.case.find_obligation(*no)?;
        }
        let mut no = self.case.next_obligation();
        let mut obligations = Vec::with_capacity(parties.len());
        for party in parties {
            active_org(self.rules, &party.org, self.now)?;
            obligations.push(NewObligation {
                no,
                org: party.org.clone(),
                person: None,
                part: Part::Co,
                origin: Origin::CoCall,
                parent: None,
                after: after.to_vec(),
                mandatory: party.mandatory,
                steps: vec![Step::SignFor, Step::Complete],
                whistle: None,
                task: party.task.clone(),
            });
            no = no.next();
        }
        Ok(vec![ObligationsAdded { by, obligations, words: words.cloned() }.into()])
    }

    /// Assigns inward: to a section, community or person below the holder. The child is due no later than the duty itself, which the
    /// shared completion rule sees to.
    pub(super) fn assign(
        &self,
        no: ObligationNo,
        org: &OrgId,
        person: Option<&PersonId>,
        task: Option<&Sealed>,
    ) -> Decision {
        let by =
            self.actor.sign(&[Role::OrgDispatcher, Role::SubdistrictOfficer, Role::SubdistrictLeader])?;
        let (_, duty) = self.open_duty(no)?;
        active_org(self.rules, org, self.now)?;
        if !self.within(&duty.org, org) {
            return Err(forbids(format!("obligation {no}"), StateReason::NotTheHolder));
        }
        let belongs = |person: &PersonId| self.rules.registry.posts_of(person).any(|post| post.org == *org);
        if let Some(person) = person.filter(|person| !belongs(person)) {
            return Err(Refusal::Unregistered {
                what: "person of that organisation",
                code: person.to_string(),
            });
        }
        let limit = self.rules.registry.limits().nesting_max;
        if self.depth(no) >= limit {
            return Err(Refusal::Limit { name: "nesting_max", limit });
        }
        limit_obligations(self.case, 1, self.rules)?;
        let obligation = NewObligation {
            no: self.case.next_obligation(),
            org: org.clone(),
            person: person.cloned(),
            part: Part::Co,
            origin: Origin::Assignment,
            parent: Some(no),
            after: Vec::new(),
            mandatory: true,
            steps: vec![Step::SignFor, Step::Complete],
            whistle: duty.whistle,
            task: task.cloned(),
        };
        Ok(vec![Event::from(ObligationAssigned { by, obligation })])
    }

    /// Whether an organisation lies below the holder: in the tree, or, for a subdistrict, as a community of its area.
    fn within(&self, holder: &OrgId, org: &OrgId) -> bool {
        let registry = self.rules.registry;
        let area = |id: &OrgId| registry.org(id).and_then(|org| org.area.clone());
        let of_area = matches!((area(holder), area(org)), (Some(upper), Some(lower))
            if upper.level() >= AreaLevel::Subdistrict && upper.contains(&lower));
        registry.is_same_or_above(holder, org) || of_area
    }

    fn depth(&self, no: ObligationNo) -> u32 {
        let mut depth: u32 = 1;
        let mut at = self.case.obligation(no);
        while let Some(parent) = at.and_then(|obligation| obligation.parent) {
            depth = depth.saturating_add(1);
            if depth as usize > self.case.obligations.len() {
                break;
            }
            at = self.case.obligation(parent);
        }
        depth
    }
}
