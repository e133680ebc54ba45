//! The life of a whistle, from the one who blows it to the one who stands it down.

use registry::ids::{MatterId, OrgId, Role};
use registry::{Grade, WhistlePolicy};

use super::{Blow, Decision, Desk};
use crate::actor::Actor;
use crate::clocks;
use crate::event::Event;
use crate::event::parts::{By, Part, Party, Profile};
use crate::event::whistle::{
    WhistleActivated, WhistleApproved, WhistleBlown, WhistleConfirmed, WhistleHandedBack, WhistleInvalidated,
    WhistleLeadChanged, WhistlePartyAdded, WhistleStoodDown, WhistleTriaged, WhistleWithdrawn,
};
use crate::flow::Status;
use crate::ids::{ObligationNo, WhistleNo};
use crate::intake::{Raise, filed, raised};
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{Rules, forbids};
use crate::sealed::Sealed;
use crate::state::{Case, RequestKind, WhistlePhase, WhistleState};
use crate::time::At;

/// Where a whistle may be blown.
const BLOWABLE: [Status; 3] = [Status::Filed, Status::Dispatched, Status::InProgress];

/// A street's or community's own matter: raised, filed and blown in one (自吹哨).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMatter {
    /// What is raised; its profile must be whistle-only.
    pub raise: Raise,
    /// What is handled.
    pub matter: MatterId,
    /// How urgent; the matter's own when none is given.
    pub grade: Option<Grade>,
    /// The whistle.
    pub blow: Blow,
}

/// Decides to raise, file and blow at once.
///
/// # Errors
/// [`Refusal`] when any of the three is refused; nothing is half done.
pub fn raise_and_blow(
    case: &Case,
    own: &OwnMatter,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<Vec<Event>, Refusal> {
    if own.raise.profile != Profile::WhistleOnly {
        let violation = Violation::new("raise.profile", "OUT_OF_RANGE", "WHISTLE_ONLY");
        return Err(Refusal::Invalid(vec![violation]));
    }
    let mut events = raised(case, &own.raise, actor, rules, now)?;
    let raised = case.after(&events, now);
    if !raised.defects.is_empty() {
        let wrong =
            raised.defects.iter().map(|defect| Violation::new("raise", "DEFECT", format!("{defect:?}")));
        return Err(Refusal::Invalid(wrong.collect()));
    }
    let by = raised.raised_by.clone();
    events.extend(filed(&raised, Some(&own.matter), own.grade, None, by, rules)?);
    let filed = case.after(&events, now);
    events.extend(Desk { case: &filed, actor, rules, now }.blow(&own.blow)?);
    Ok(clocks::with_clocks(case, events, rules, now))
}

impl Desk<'_> {
    pub(super) fn blow(&self, blow: &Blow) -> Decision {
        self.case.stands_in(&BLOWABLE)?;
        let policy = self.policy(&blow.kind)?;
        let by = self.actor.sign(&policy.may_blow)?;
        let role = |by: &By| match by {
            By::Person { role, .. } => Some(*role),
            By::System { .. } | By::Automatic { .. } => None,
        };
        let needs_approval = role(&by).is_some_and(|role| policy.needs_approval_from.contains(&role));
        let Some(caller) = by.org().cloned() else {
            let violation = Violation::new("caller", "REQUIRED", "whoever blows acts for an organisation");
            return Err(Refusal::Invalid(vec![violation]));
        };
        self.check_parties(&blow.parties)?;
        let limit = self.rules.registry.limits().whistles_max;
        if self.case.whistles.len() >= limit as usize {
            return Err(Refusal::Limit { name: "whistles_max", limit });
        }
        if let Some(request) = blow.request {
            self.case.decidable(request, &by, |request| matches!(request.kind, RequestKind::Whistle(_)))?;
        }
        let whistle = self.case.whistles.last().map_or(WhistleNo(1), |last| last.no.next());
        let mut events: Vec<Event> =
            vec![self.blown(blow, policy, by.clone(), whistle, caller, needs_approval).into()];
        if !needs_approval && !policy.triage {
            let obligations = self.duties(whistle, &blow.kind, &blow.parties)?;
            events.push(WhistleActivated { by, whistle, obligations }.into());
        }
        Ok(events)
    }

    fn blown(
        &self,
        blow: &Blow,
        policy: &WhistlePolicy,
        by: By,
        whistle: WhistleNo,
        caller: OrgId,
        needs_approval: bool,
    ) -> WhistleBlown {
        WhistleBlown {
            by,
            whistle,
            kind: blow.kind.clone(),
            caller,
            purpose: blow.purpose.clone(),
            tried: blow.tried.clone(),
            meeting: blow.meeting.clone(),
            parties: blow.parties.clone(),
            settled_by: policy.settled_by,
            needs_approval,
            needs_triage: policy.triage,
            confirmed_afterwards: policy.confirmed_afterwards,
            request: blow.request,
            registry_version: self.rules.registry.version(),
        }
    }

    /// The whistle, in one of these phases.
    fn whistle_in(
        &self,
        no: WhistleNo,
        phases: &[WhistlePhase],
        why: StateReason,
    ) -> Result<&WhistleState, Refusal> {
        let whistle = self.case.find_whistle(no)?;
        if !whistle.phase.is_open() {
            return Err(forbids(format!("whistle {no}"), StateReason::Ended));
        }
        if phases.contains(&whistle.phase) { Ok(whistle) } else { Err(forbids(format!("whistle {no}"), why)) }
    }

    pub(super) fn approve(&self, no: WhistleNo) -> Decision {
        let whistle = self.whistle_in(no, &[WhistlePhase::Drafted], StateReason::AlreadyDone)?;
        if !whistle.needs_approval {
            return Err(forbids(format!("whistle {no}"), StateReason::NoSuchStep));
        }
        let by = self.actor.sign(&self.policy(&whistle.kind)?.approve)?;
        self.of_the_street(whistle)?;
        if whistle.blown_by.person().is_some() && whistle.blown_by.person() == by.person() {
            return Err(forbids(format!("whistle {no}"), StateReason::SamePerson));
        }
        let mut events: Vec<Event> = vec![WhistleApproved { by: by.clone(), whistle: no }.into()];
        if !whistle.needs_triage {
            let obligations = self.duties(no, &whistle.kind, &whistle.parties)?;
            events.push(WhistleActivated { by, whistle: no, obligations }.into());
        }
        Ok(events)
    }

    /// A community's whistle is approved by its own subdistrict, or by the district.
    fn of_the_street(&self, whistle: &WhistleState) -> Result<(), Refusal> {
        let registry = self.rules.registry;
        let area = registry.org(&whistle.caller).and_then(|org| org.area.as_ref());
        let street = area.and_then(|area| registry.subdistrict_of(area));
        let own = street.is_some_and(|street| self.actor.acts_for(street, registry));
        if own
            || self.actor.acts_for(&whistle.caller, registry)
            || self.actor.roles.contains(&Role::DistrictCentre)
        {
            return Ok(());
        }
        Err(forbids(format!("whistle {}", whistle.no), StateReason::NotTheHolder))
    }

    pub(super) fn triage(&self, no: WhistleNo, parties: &[Party]) -> Decision {
        let by = self.actor.sign(&[Role::DistrictCentre, Role::Dispatcher])?;
        let phases = [WhistlePhase::Drafted, WhistlePhase::Approved];
        let whistle = self.whistle_in(no, &phases, StateReason::AlreadyDone)?;
        if !whistle.needs_triage {
            return Err(forbids(format!("whistle {no}"), StateReason::NoSuchStep));
        }
        if whistle.needs_approval && whistle.phase == WhistlePhase::Drafted {
            return Err(forbids(format!("whistle {no}"), StateReason::NotApproved));
        }
        let parties = if parties.is_empty() { &whistle.parties } else { parties };
        self.check_parties(parties)?;
        let obligations = self.duties(no, &whistle.kind, parties)?;
        Ok(vec![
            WhistleTriaged { by: by.clone(), whistle: no, parties: parties.to_vec() }.into(),
            WhistleActivated { by, whistle: no, obligations }.into(),
        ])
    }

    pub(super) fn hand_back(&self, no: WhistleNo, advice: &Sealed) -> Decision {
        let by = self.actor.sign(&[
            Role::SubdistrictLeader,
            Role::SubdistrictOfficer,
            Role::DistrictCentre,
            Role::Dispatcher,
        ])?;
        let phases = [WhistlePhase::Drafted, WhistlePhase::Approved];
        let whistle = self.whistle_in(no, &phases, StateReason::AlreadyDone)?;
        if !self.actor.is_any(&[Role::DistrictCentre, Role::Dispatcher]) {
            self.of_the_street(whistle)?;
        }
        Ok(vec![WhistleHandedBack { by, whistle: no, advice: advice.clone() }.into()])
    }

    pub(super) fn withdraw(&self, no: WhistleNo, words: Option<&Sealed>) -> Decision {
        let phases = [WhistlePhase::Drafted, WhistlePhase::Approved, WhistlePhase::Triaged];
        let whistle = self.whistle_in(no, &phases, StateReason::AlreadyDone)?;
        let by = self.actor.sign(&self.policy(&whistle.kind)?.may_blow)?;
        self.calls(whistle)?;
        Ok(vec![WhistleWithdrawn { by, whistle: no, words: words.cloned() }.into()])
    }

    pub(super) fn add_party(&self, no: WhistleNo, party: &Party, words: Option<&Sealed>) -> Decision {
        let by = self.convenor()?;
        let whistle = self.whistle_in(no, &[WhistlePhase::Active], StateReason::NotActive)?;
        self.calls(whistle)?;
        self.check_parties(std::slice::from_ref(party))?;
        let limit = self.rules.registry.limits().parties_max;
        let called =
            self.case.obligations.iter().filter(|o| o.whistle == Some(no) && o.parent.is_none()).count();
        if called >= limit as usize {
            return Err(Refusal::Limit { name: "parties_max", limit });
        }
        if party.part == Part::Lead {
            let violation = Violation::new("party.part", "OUT_OF_RANGE", "CO; change the lead afterwards");
            return Err(Refusal::Invalid(vec![violation]));
        }
        let mut duties = self.duties(no, &whistle.kind, std::slice::from_ref(party))?;
        let Some(mut obligation) = duties.pop() else { return Ok(Vec::new()) };
        (obligation.part, obligation.mandatory) = (Part::Co, party.mandatory);
        Ok(vec![WhistlePartyAdded { by, whistle: no, obligation, words: words.cloned() }.into()])
    }

    pub(super) fn change_lead(&self, no: WhistleNo, to: ObligationNo, words: Option<&Sealed>) -> Decision {
        let by = self.convenor()?;
        let whistle = self.whistle_in(no, &[WhistlePhase::Active], StateReason::NotActive)?;
        self.calls(whistle)?;
        let duty = self.case.find_obligation(to)?;
        if duty.whistle != Some(no) || duty.parent.is_some() || duty.state.is_gone() {
            return Err(forbids(format!("obligation {to}"), StateReason::Ended));
        }
        let mut leads = self
            .case
            .obligations
            .iter()
            .filter(|o| o.whistle == Some(no) && o.part == Part::Lead && !o.state.is_gone());
        let from = leads.next().map(|obligation| obligation.no);
        if from == Some(to) {
            return Err(forbids(format!("obligation {to}"), StateReason::AlreadyDone));
        }
        Ok(vec![WhistleLeadChanged { by, whistle: no, from, to, words: words.cloned() }.into()])
    }

    pub(super) fn stand_down(&self, no: WhistleNo, words: Option<&Sealed>) -> Decision {
        let by = self.convenor()?;
        let whistle = self.whistle_in(no, &[WhistlePhase::Active], StateReason::NotActive)?;
        self.calls(whistle)?;
        if !self.is_settled(whistle) {
            return Err(forbids(format!("whistle {no}"), StateReason::DutiesOpen));
        }
        Ok(vec![WhistleStoodDown { by, whistle: no, words: words.cloned() }.into()])
    }

    pub(super) fn confirm_whistle(&self, no: WhistleNo, confirmed: bool, words: Option<&Sealed>) -> Decision {
        let by = self.actor.sign(&[Role::SubdistrictLeader, Role::DutyLeader, Role::DistrictCentre])?;
        // Those called may have gone before anybody got round to it.
        let whistle = match self.case.find_whistle(no)? {
            down if down.phase == WhistlePhase::StoodDown => {
                self.case.is_still_open()?;
                down
            }
            _ => self.whistle_in(no, &[WhistlePhase::Active], StateReason::NotActive)?,
        };
        if !whistle.confirmed_afterwards {
            return Err(forbids(format!("whistle {no}"), StateReason::NoSuchStep));
        }
        if whistle.confirmed {
            return Err(forbids(format!("whistle {no}"), StateReason::AlreadyDone));
        }
        if whistle.blown_by.person().is_some() && whistle.blown_by.person() == by.person() {
            return Err(forbids(format!("whistle {no}"), StateReason::SamePerson));
        }
        Ok(vec![if confirmed {
            WhistleConfirmed { by, whistle: no }.into()
        } else {
            WhistleInvalidated { by, whistle: no, words: words.cloned() }.into()
        }])
    }

    /// Signs for whoever convenes: community, street or centre.
    pub(super) fn convenor(&self) -> Result<By, Refusal> {
        self.actor.sign(&[
            Role::SubdistrictOfficer,
            Role::SubdistrictLeader,
            Role::CommunityOfficer,
            Role::DistrictCentre,
            Role::Dispatcher,
        ])
    }

    /// Refuses whoever did not call: the caller, its street, or the district may.
    pub(super) fn calls(&self, whistle: &WhistleState) -> Result<(), Refusal> {
        self.of_the_street(whistle)
    }
}
