//! What those who met agreed: plans with measures, and rounds of deliberation.

use registry::ids::{OrgId, Role};

use super::{Decision, Desk, PlannedMeasure};
use crate::event::parts::Measure;
use crate::event::whistle::{DeliberationForm, DeliberationRoundHeld, JointPlanAgreed};
use crate::flow::Status;
use crate::ids::{MeasureNo, WhistleNo};
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::forbids;
use crate::sealed::Sealed;
use crate::state::WhistlePhase;
use crate::time::At;

const CONVENORS: [Role; 6] = [
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
    Role::CommunityOfficer,
    Role::DistrictCentre,
    Role::Dispatcher,
    Role::OrgDispatcher,
];

impl Desk<'_> {
    pub(super) fn record_joint_plan(
        &self,
        whistle: Option<WhistleNo>,
        attendees: &[OrgId],
        measures: &[PlannedMeasure],
        words: Option<&Sealed>,
    ) -> Decision {
        let by = self.actor.sign(&CONVENORS)?;
        self.case.stands_in(&[Status::Dispatched, Status::InProgress])?;
        if let Some(no) = whistle {
            let found = self.case.find_whistle(no)?;
            if found.phase != WhistlePhase::Active {
                return Err(forbids(format!("whistle {no}"), StateReason::NotActive));
            }
            self.calls(found)?;
        }
        self.bounded(attendees)?;
        let limit = self.rules.registry.limits().measures_max;
        if self.case.measures.len().saturating_add(measures.len()) > limit as usize {
            return Err(Refusal::Limit { name: "measures_max", limit });
        }
        let mut violations = Vec::new();
        if measures.is_empty() {
            violations.push(Violation::new("measures", "REQUIRED", "at least one"));
        }
        for (at, measure) in measures.iter().enumerate() {
            let open =
                self.case.obligation(measure.responsible).is_some_and(crate::state::Obligation::is_open);
            if !open {
                violations.push(Violation::new(
                    format!("measures[{at}].responsible"),
                    "UNKNOWN",
                    "an open duty of this case",
                ));
            }
        }
        if !violations.is_empty() {
            return Err(Refusal::Invalid(violations));
        }
        let mut no = self.case.measures.last().map_or(MeasureNo(1), |last| last.no.next());
        let mut agreed = Vec::with_capacity(measures.len());
        for measure in measures {
            agreed.push(Measure {
                no,
                text: measure.text.clone(),
                responsible: measure.responsible,
                mandatory: measure.mandatory,
                due_at: measure.due_at,
            });
            no = no.next();
        }
        let (attendees, words) = (attendees.to_vec(), words.cloned());
        Ok(vec![JointPlanAgreed { by, whistle, attendees, measures: agreed, words }.into()])
    }

    pub(super) fn record_deliberation(
        &self,
        form: DeliberationForm,
        attendees: &[OrgId],
        others: u32,
        result: &Sealed,
        agreed: bool,
        next_at: Option<At>,
    ) -> Decision {
        let by = self.actor.sign(&CONVENORS)?;
        self.case.stands_in(&[Status::Filed, Status::Dispatched, Status::InProgress, Status::Suspended])?;
        self.bounded(attendees)?;
        let round = self.case.rounds.saturating_add(1);
        let limit = self.rules.registry.limits().deliberation_rounds_max;
        if round > limit {
            return Err(Refusal::Limit { name: "deliberation_rounds_max", limit });
        }
        let (attendees, result) = (attendees.to_vec(), result.clone());
        Ok(vec![DeliberationRoundHeld { by, round, form, attendees, others, result, agreed, next_at }.into()])
    }

    fn bounded(&self, attendees: &[OrgId]) -> Result<(), Refusal> {
        let limit = self.rules.registry.limits().attendees_max;
        if attendees.len() > limit as usize {
            return Err(Refusal::Limit { name: "attendees_max", limit });
        }
        for org in attendees {
            if self.rules.registry.org(org).is_none() {
                return Err(Refusal::Unregistered { what: "organisation", code: org.to_string() });
            }
        }
        Ok(())
    }
}
