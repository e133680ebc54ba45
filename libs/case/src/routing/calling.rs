//! Making duties out of a whistle's parties.

use registry::ids::{OrgId, WhistleKind};
use registry::{Step, WhistlePolicy};

use super::Desk;
use crate::event::parts::{NewObligation, Origin, Part, Party};
use crate::ids::WhistleNo;
use crate::refusal::{Refusal, Violation};
use crate::rules::active_org;
use crate::state::WhistleState;

impl Desk<'_> {
    pub(super) fn policy(&self, kind: &WhistleKind) -> Result<&WhistlePolicy, Refusal> {
        let policy = self.rules.registry.whistle_kind(kind);
        policy.ok_or_else(|| Refusal::Unregistered { what: "whistle kind", code: kind.to_string() })
    }

    /// Checks those called: at least one, each once, at most one lead, all active, not too many. The caller itself may take part.
    pub(super) fn check_parties(&self, parties: &[Party]) -> Result<(), Refusal> {
        let limit = self.rules.registry.limits().parties_max;
        if parties.len() > limit as usize {
            return Err(Refusal::Limit { name: "parties_max", limit });
        }
        let mut violations = Vec::new();
        if parties.is_empty() {
            violations.push(Violation::new("parties", "REQUIRED", "at least one"));
        }
        if parties.iter().filter(|party| party.part == Part::Lead).count() > 1 {
            violations.push(Violation::new("parties", "DUPLICATE", "one lead"));
        }
        let mut seen: Vec<&OrgId> = Vec::new();
        for (at, party) in parties.iter().enumerate() {
            if seen.contains(&&party.org) {
                violations.push(Violation::new(format!("parties[{at}].org"), "DUPLICATE", "each once"));
            }
            seen.push(&party.org);
        }
        if !violations.is_empty() {
            return Err(Refusal::Invalid(violations));
        }
        for party in parties {
            active_org(self.rules, &party.org, self.now)?;
        }
        Ok(())
    }

    /// One duty a party. When nobody was named to lead, the first called does.
    pub(super) fn duties(
        &self,
        whistle: WhistleNo,
        kind: &WhistleKind,
        parties: &[Party],
    ) -> Result<Vec<NewObligation>, Refusal> {
        let limit = self.rules.registry.limits().obligations_max;
        if self.case.obligations.len().saturating_add(parties.len()) > limit as usize {
            return Err(Refusal::Limit { name: "obligations_max", limit });
        }
        let steps = self.steps(kind)?;
        let led = parties.iter().any(|party| party.part == Part::Lead);
        let mut no = self.case.next_obligation();
        let mut duties = Vec::with_capacity(parties.len());
        for (at, party) in parties.iter().enumerate() {
            let part = if !led && at == 0 { Part::Lead } else { party.part };
            duties.push(NewObligation {
                no,
                org: party.org.clone(),
                person: None,
                part,
                origin: Origin::Whistle,
                parent: None,
                after: Vec::new(),
                mandatory: party.mandatory || part == Part::Lead,
                steps: steps.clone(),
                whistle: Some(whistle),
                task: party.task.clone(),
            });
            no = no.next();
        }
        Ok(duties)
    }

    fn steps(&self, kind: &WhistleKind) -> Result<Vec<Step>, Refusal> {
        let contactable = self.case.reporters.iter().any(|reporter| reporter.contactable);
        let steps = self.policy(kind)?.steps.iter().copied();
        Ok(steps.filter(|step| *step != Step::Contact || contactable).collect())
    }

    /// Whether a whistle counts as done, by the way its kind settles.
    pub(super) fn is_settled(&self, whistle: &WhistleState) -> bool {
        let called = || {
            self.case
                .obligations
                .iter()
                .filter(|o| o.whistle == Some(whistle.no) && o.parent.is_none() && !o.state.is_gone())
        };
        let done = called().filter(|obligation| obligation.is_settled()).count();
        match whistle.settled_by {
            registry::SettledBy::All => called().all(crate::state::Obligation::is_settled),
            registry::SettledBy::LeadPlusMandatory => called()
                .filter(|obligation| obligation.mandatory || obligation.part == Part::Lead)
                .all(crate::state::Obligation::is_settled),
            // Fewer may be left than were asked for: whoever was released is not waited for.
            registry::SettledBy::Any => done >= called().count().min(1),
            registry::SettledBy::Quorum(needed) => done >= called().count().min(needed as usize),
        }
    }
}
