use crate::event::Whistle;
use crate::event::parts::{NewObligation, Part};
use crate::event::whistle::{JointPlanAgreed, WhistleBlown, WhistleLeadChanged};
use crate::ids::WhistleNo;
use crate::state::{Case, MeasureState, ObligationState, RequestKind, WhistlePhase, WhistleState};
use crate::time::At;

impl Case {
    pub(super) fn evolve_whistle(&mut self, event: &Whistle, at: At) {
        match event {
            Whistle::WhistleRequested(asked) => {
                self.ask(asked.request, RequestKind::Whistle(asked.obligation), &asked.by, at);
            }
            Whistle::WhistleRequestDeclined(declined) => self.decide_request(declined.request, false, at),
            Whistle::WhistleBlown(blown) => self.blow(blown, at),
            Whistle::WhistleApproved(approved) => {
                self.whistle_to(approved.whistle, WhistlePhase::Approved, at)
            }
            Whistle::WhistleTriaged(triaged) => {
                self.whistle_to(triaged.whistle, WhistlePhase::Triaged, at);
                self.with_whistle(triaged.whistle, |whistle| whistle.parties.clone_from(&triaged.parties));
            }
            Whistle::WhistleActivated(activated) => {
                self.whistle_to(activated.whistle, WhistlePhase::Active, at);
                self.call(&activated.obligations, at);
            }
            Whistle::WhistlePartyAdded(added) => self.call(std::slice::from_ref(&added.obligation), at),
            Whistle::WhistleLeadChanged(changed) => self.change_lead(changed, at),
            Whistle::WhistleHandedBack(back) => self.end_whistle(back.whistle, WhistlePhase::HandedBack, at),
            Whistle::WhistleWithdrawn(withdrawn) => {
                self.end_whistle(withdrawn.whistle, WhistlePhase::Withdrawn, at)
            }
            Whistle::WhistleStoodDown(down) => self.end_whistle(down.whistle, WhistlePhase::StoodDown, at),
            Whistle::WhistleInvalidated(invalid) => {
                self.end_whistle(invalid.whistle, WhistlePhase::Invalid, at)
            }
            Whistle::WhistleConfirmed(confirmed) => {
                self.with_whistle(confirmed.whistle, |whistle| {
                    whistle.confirmed = true;
                    whistle.confirmed_at = Some(at);
                });
            }
            Whistle::WhistleRated(rated) => {
                self.with_whistle(rated.whistle, |whistle| whistle.score = Some(rated.score));
            }
            Whistle::JointPlanAgreed(plan) => self.agree(plan),
            Whistle::DeliberationRoundHeld(round) => self.rounds = round.round,
        }
    }

    fn blow(&mut self, blown: &WhistleBlown, at: At) {
        if let Some(request) = blown.request {
            self.decide_request(request, true, at);
        }
        self.whistles.push(WhistleState {
            no: blown.whistle,
            kind: blown.kind.clone(),
            caller: blown.caller.clone(),
            blown_by: blown.by.clone(),
            blown_at: at,
            phase: WhistlePhase::Drafted,
            phase_since: at,
            purpose: blown.purpose.clone(),
            meeting: blown.meeting.clone(),
            parties: blown.parties.clone(),
            settled_by: blown.settled_by,
            needs_approval: blown.needs_approval,
            needs_triage: blown.needs_triage,
            confirmed_afterwards: blown.confirmed_afterwards,
            confirmed: false,
            confirmed_at: None,
            presence_code: None,
            score: None,
        });
    }

    fn call(&mut self, obligations: &[NewObligation], at: At) {
        for obligation in obligations {
            self.add_obligation(obligation, at);
            if obligation.part == Part::Lead && self.lead.is_none() {
                self.take_lead(obligation.no, at);
            }
        }
    }

    fn change_lead(&mut self, changed: &WhistleLeadChanged, at: At) {
        if let Some(from) = changed.from {
            self.with_obligation(from, |obligation| obligation.part = Part::Co);
        }
        self.with_obligation(changed.to, |obligation| obligation.part = Part::Lead);
        if self.lead.is_none() || self.lead == changed.from {
            self.take_lead(changed.to, at);
        }
    }

    fn agree(&mut self, plan: &JointPlanAgreed) {
        self.measures.extend(plan.measures.iter().map(|measure| MeasureState {
            no: measure.no,
            text: measure.text.clone(),
            responsible: measure.responsible,
            mandatory: measure.mandatory,
            due_at: measure.due_at,
            struck_at: None,
        }));
    }

    fn whistle_to(&mut self, no: WhistleNo, phase: WhistlePhase, at: At) {
        self.with_whistle(no, |whistle| {
            whistle.phase = phase;
            whistle.phase_since = at;
        });
    }

    /// Ends a whistle: whoever it called and is not done may go.
    fn end_whistle(&mut self, no: WhistleNo, phase: WhistlePhase, at: At) {
        self.whistle_to(no, phase, at);
        let called = self
            .obligations
            .iter()
            .filter(|obligation| obligation.whistle == Some(no) && obligation.is_open());
        let open: Vec<_> = called.map(|obligation| obligation.no).collect();
        for obligation in open {
            self.end_obligation(obligation, ObligationState::Withdrawn, at);
        }
    }

    pub(super) fn with_whistle(&mut self, no: WhistleNo, change: impl FnOnce(&mut WhistleState)) {
        if let Some(whistle) = self.whistles.iter_mut().find(|whistle| whistle.no == no) {
            change(whistle);
        }
    }
}
