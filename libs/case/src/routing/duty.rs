//! What the holder of a duty does, and what its caller says to it.

use registry::Step;
use registry::ids::Role;

use super::{Decision, Desk};
use crate::actor::ACT_FOR_ORG;
use crate::event::Event;
use crate::event::dispatch::{
    CompletionRefused, ExternalRefSet, MeasureStruckOff, ObjectionOverruled, ObjectionRaised,
    ObjectionUpheld, ObligationCompleted, ObligationConfirmed, PresenceCodeIssued, ReportedIn,
    ReporterContacted, SignedFor,
};
use crate::event::parts::{By, Evidence, GeoPoint, Ground, Presence};
use crate::ids::{MeasureNo, ObligationNo, RequestNo, WhistleNo};
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{evidence as check_evidence, forbids, ground as check_ground};
use crate::sealed::Sealed;
use crate::state::{Obligation, ObligationState, RequestKind, WhistlePhase};
use crate::time::At;

fn part(no: ObligationNo) -> String {
    format!("obligation {no}")
}

impl Desk<'_> {
    /// The duty, when the actor acts for its holder.
    pub(super) fn held(&self, no: ObligationNo) -> Result<&Obligation, Refusal> {
        let duty = self.case.find_obligation(no)?;
        if self.actor.acts_for(&duty.org, self.rules.registry) {
            return Ok(duty);
        }
        Err(forbids(part(no), StateReason::NotTheHolder))
    }

    /// The duty, when the actor holds it, it is open, and it is its turn.
    pub(super) fn open_duty(&self, no: ObligationNo) -> Result<(By, &Obligation), Refusal> {
        let by = self.actor.sign(&ACT_FOR_ORG)?;
        let duty = self.held(no)?;
        if !duty.is_open() {
            let done = matches!(duty.state, ObligationState::Completed | ObligationState::Confirmed);
            return Err(forbids(part(no), if done { StateReason::AlreadyDone } else { StateReason::Ended }));
        }
        if !self.case.may_begin(duty) {
            return Err(forbids(part(no), StateReason::NotItsTurn));
        }
        Ok((by, duty))
    }

    pub(super) fn sign_for(&self, no: ObligationNo) -> Decision {
        let (by, duty) = self.open_duty(no)?;
        if duty.signed_at.is_some() {
            return Err(forbids(part(no), StateReason::AlreadyDone));
        }
        Ok(vec![SignedFor { by, obligation: no, automatic: false }.into()])
    }

    pub(super) fn record_contact(
        &self,
        no: ObligationNo,
        contacted_at: At,
        who_and_how: &Sealed,
    ) -> Decision {
        let (by, duty) = self.open_duty(no)?;
        if duty.signed_at.is_none() {
            return Err(forbids(part(no), StateReason::NotSignedFor));
        }
        if contacted_at > self.now {
            let violation = Violation::new("contacted_at", "IN_FUTURE", "not later than now");
            return Err(Refusal::Invalid(vec![violation]));
        }
        if contacted_at < duty.assigned_at {
            let expected = "not before the duty was given";
            let violation = Violation::new("contacted_at", "OUT_OF_RANGE", expected);
            return Err(Refusal::Invalid(vec![violation]));
        }
        let who_and_how = who_and_how.clone();
        Ok(vec![ReporterContacted { by, obligation: no, contacted_at, who_and_how }.into()])
    }

    pub(super) fn set_external_ref(&self, no: ObligationNo, external_ref: &str) -> Decision {
        let by = self.actor.sign(&ACT_FOR_ORG)?;
        let duty = self.held(no)?;
        if duty.state.is_gone() {
            return Err(forbids(part(no), StateReason::Ended));
        }
        let printable = !external_ref.chars().any(char::is_control);
        if external_ref.is_empty() || external_ref.len() > 64 || !printable {
            let violation = Violation::new("external_ref", "OUT_OF_RANGE", "1 to 64 printable bytes");
            return Err(Refusal::Invalid(vec![violation]));
        }
        if duty.external_ref.as_deref() == Some(external_ref) {
            return Ok(Vec::new());
        }
        Ok(vec![ExternalRefSet { by, obligation: no, external_ref: external_ref.to_owned() }.into()])
    }

    pub(super) fn issue_presence_code(&self, no: WhistleNo, code_mac: &str) -> Decision {
        let by = self.convenor()?;
        let whistle = self.case.find_whistle(no)?;
        if whistle.phase != WhistlePhase::Active {
            return Err(forbids(format!("whistle {no}"), StateReason::NotActive));
        }
        self.calls(whistle)?;
        let minutes = i64::from(self.rules.registry.limits().presence_code_minutes);
        let until = self.now.instant().checked_add(jiff::SignedDuration::from_mins(minutes));
        let valid_until = At::new(until.unwrap_or(self.now.instant()));
        let code_mac = code_mac.to_owned();
        Ok(vec![PresenceCodeIssued { by, whistle: no, code_mac, valid_until }.into()])
    }

    pub(super) fn report_in(
        &self,
        no: ObligationNo,
        reported_at: At,
        code_mac: Option<&str>,
        point: Option<GeoPoint>,
    ) -> Decision {
        let (by, duty) = self.open_duty(no)?;
        if !duty.has(Step::ReportIn) {
            return Err(forbids(part(no), StateReason::NoSuchStep));
        }
        if duty.reported_in_at.is_some() {
            return Err(forbids(part(no), StateReason::AlreadyDone));
        }
        if reported_at > self.now {
            let violation = Violation::new("reported_at", "IN_FUTURE", "not later than now");
            return Err(Refusal::Invalid(vec![violation]));
        }
        let presence = match code_mac {
            Some(code) => {
                let shown = duty.whistle.and_then(|no| self.case.whistle(no)?.presence_code.as_ref());
                let good = shown.is_some_and(|(digest, until)| digest == code && self.now <= *until);
                if !good {
                    return Err(forbids(part(no), StateReason::BadPresenceCode));
                }
                Presence::Code
            }
            None if point.is_some() => Presence::Position,
            None => Presence::Unproved,
        };
        Ok(vec![ReportedIn { by, obligation: no, reported_at, presence, point }.into()])
    }

    pub(super) fn raise_objection(&self, no: ObligationNo, ground: &Ground) -> Decision {
        let (by, duty) = self.open_duty(no)?;
        if duty.whistle.is_none() || duty.reported_in_at.is_some() {
            return Err(forbids(part(no), StateReason::WindowPassed));
        }
        check_ground(self.rules, registry::catalogue::OBJECTION, ground)?;
        let same = |kind: &RequestKind| *kind == RequestKind::Objection(no);
        if self.case.requests.iter().any(|request| same(&request.kind)) {
            return Err(forbids(part(no), StateReason::AlreadyDone));
        }
        let request = self.case.next_request();
        Ok(vec![ObjectionRaised { by, request, obligation: no, ground: ground.clone() }.into()])
    }

    pub(super) fn decide_objection(
        &self,
        request: RequestNo,
        uphold: bool,
        words: Option<&Sealed>,
    ) -> Decision {
        let by = self.actor.sign(&[Role::DistrictCentre])?;
        let found =
            self.case.decidable(request, &by, |request| matches!(request.kind, RequestKind::Objection(_)))?;
        let RequestKind::Objection(obligation) = found.kind else {
            return Err(Refusal::NoSuchPart { part: format!("request {request}") });
        };
        if uphold && !self.case.find_obligation(obligation)?.is_open() {
            return Err(forbids(part(obligation), StateReason::Ended));
        }
        Ok(vec![if uphold {
            ObjectionUpheld { by, request, obligation }.into()
        } else {
            ObjectionOverruled { by, request, obligation, words: words.cloned() }.into()
        }])
    }

    pub(super) fn strike_off(&self, no: MeasureNo, evidence: &[Evidence], note: Option<&Sealed>) -> Decision {
        let by = self.actor.sign(&ACT_FOR_ORG)?;
        let measure = self.case.measures.iter().find(|measure| measure.no == no);
        let measure = measure.ok_or_else(|| Refusal::NoSuchPart { part: format!("measure {no}") })?;
        let duty = self.held(measure.responsible)?;
        if measure.struck_at.is_some() {
            return Err(forbids(format!("measure {no}"), StateReason::AlreadyDone));
        }
        if !duty.is_open() {
            return Err(forbids(part(duty.no), StateReason::Ended));
        }
        if evidence.is_empty() {
            let violation = Violation::new("evidence", "REQUIRED", "at least one piece that shows it");
            return Err(Refusal::Invalid(vec![violation]));
        }
        check_evidence(evidence, "evidence", self.rules)?;
        Ok(vec![
            MeasureStruckOff { by, measure: no, evidence: evidence.to_vec(), note: note.cloned() }.into(),
        ])
    }

    pub(super) fn complete(&self, no: ObligationNo, result: &Sealed, evidence: &[Evidence]) -> Decision {
        let (by, duty) = self.open_duty(no)?;
        self.completable(duty)?;
        check_evidence(evidence, "evidence", self.rules)?;
        let (result, evidence) = (result.clone(), evidence.to_vec());
        Ok(vec![ObligationCompleted { by, obligation: no, result, evidence }.into()])
    }

    /// Whether a duty may be reported done: its steps taken, its mandatory measures struck off, what it assigned inward settled.
    fn completable(&self, duty: &Obligation) -> Result<(), Refusal> {
        if duty.has(Step::SignFor) && duty.signed_at.is_none() {
            return Err(forbids(part(duty.no), StateReason::NotSignedFor));
        }
        if duty.has(Step::ReportIn) && duty.reported_in_at.is_none() {
            return Err(forbids(part(duty.no), StateReason::NotReportedIn));
        }
        if self.case.measures_of(duty.no).any(|measure| measure.mandatory && measure.struck_at.is_none()) {
            return Err(forbids(part(duty.no), StateReason::MeasuresOpen));
        }
        let children = self.case.obligations.iter().filter(|child| child.parent == Some(duty.no));
        if children.into_iter().any(|child| child.mandatory && !child.is_settled()) {
            return Err(forbids(part(duty.no), StateReason::DutiesOpen));
        }
        Ok(())
    }

    /// Who judges a part done: whoever whistled, or whoever assigned it.
    fn judges(&self, duty: &Obligation) -> Result<By, Refusal> {
        let by = self.actor.sign(&[
            Role::SubdistrictOfficer,
            Role::SubdistrictLeader,
            Role::CommunityOfficer,
            Role::OrgDispatcher,
            Role::DistrictCentre,
            Role::Dispatcher,
        ])?;
        match (duty.whistle.and_then(|no| self.case.whistle(no)), duty.parent) {
            (_, Some(parent)) => self.held(parent).map(|_| ())?,
            (Some(whistle), None) => self.calls(whistle)?,
            (None, None) => {
                if !self.actor.is_any(&[Role::DistrictCentre, Role::Dispatcher]) {
                    return Err(forbids(part(duty.no), StateReason::NotTheHolder));
                }
            }
        }
        Ok(by)
    }

    fn judged(&self, no: ObligationNo) -> Result<(By, &Obligation), Refusal> {
        let duty = self.case.find_obligation(no)?;
        let by = self.judges(duty)?;
        self.case.is_still_open()?;
        if !duty.has(Step::Confirm) {
            return Err(forbids(part(no), StateReason::NoSuchStep));
        }
        match duty.state {
            ObligationState::Completed => Ok((by, duty)),
            ObligationState::Confirmed => Err(forbids(part(no), StateReason::AlreadyDone)),
            ObligationState::Assigned
            | ObligationState::SignedFor
            | ObligationState::Contacted
            | ObligationState::ReportedIn
            | ObligationState::Returned
            | ObligationState::Released
            | ObligationState::Withdrawn => Err(forbids(part(no), StateReason::NotCompleted)),
        }
    }

    pub(super) fn confirm(&self, no: ObligationNo) -> Decision {
        let (by, _) = self.judged(no)?;
        Ok(vec![Event::from(ObligationConfirmed { by, obligation: no })])
    }

    pub(super) fn refuse_completion(&self, no: ObligationNo, words: &Sealed) -> Decision {
        let (by, _) = self.judged(no)?;
        Ok(vec![CompletionRefused { by, obligation: no, words: words.clone() }.into()])
    }
}
