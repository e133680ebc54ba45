use crate::event::Dispatch;
use crate::event::dispatch::{CaseArbitrated, ReportedIn};
use crate::event::parts::{NewObligation, Part};
use crate::flow::Status;
use crate::ids::ObligationNo;
use crate::state::{Case, ObligationState, RequestKind};
use crate::time::At;

impl Case {
    #[expect(clippy::too_many_lines, reason = "one arm an event: total at a glance")]
    pub(super) fn evolve_dispatch(&mut self, event: &Dispatch, at: At) {
        match event {
            Dispatch::CaseDispatched(dispatched) => self.dispatch(&dispatched.obligations, at),
            Dispatch::ObligationsAdded(added) => {
                for obligation in &added.obligations {
                    self.add_obligation(obligation, at);
                }
            }
            Dispatch::ObligationAssigned(assigned) => self.add_obligation(&assigned.obligation, at),
            Dispatch::ObligationReassigned(moved) => self.with_obligation(moved.obligation, |obligation| {
                obligation.org = moved.org.clone();
                obligation.person.clone_from(&moved.person);
            }),
            Dispatch::SignedFor(signed) => self.sign(signed.obligation, signed.automatic, at),
            Dispatch::ReporterContacted(contacted) => {
                self.with_obligation(contacted.obligation, |obligation| {
                    // The first time counts: later ones are more than was owed.
                    obligation.contacted_at.get_or_insert(contacted.contacted_at);
                    if obligation.state == ObligationState::SignedFor {
                        obligation.state = ObligationState::Contacted;
                    }
                })
            }
            Dispatch::ExternalRefSet(set) => self.with_obligation(set.obligation, |obligation| {
                obligation.external_ref = Some(set.external_ref.clone());
            }),
            Dispatch::ReturnRequested(asked) => {
                self.ask(asked.request, RequestKind::Return(asked.obligation), &asked.by, at);
            }
            Dispatch::ReturnUpheld(upheld) => {
                self.decide_request(upheld.request, true, at);
                self.returns = self.returns.saturating_add(1);
                self.end_obligation(upheld.obligation, ObligationState::Returned, at);
            }
            Dispatch::ReturnRefused(refused) => self.decide_request(refused.request, false, at),
            Dispatch::CaseArbitrated(arbitrated) => self.arbitrate(arbitrated, at),
            Dispatch::ObligationWithdrawn(withdrawn) => {
                self.end_obligation(withdrawn.obligation, ObligationState::Withdrawn, at);
            }
            Dispatch::PresenceCodeIssued(issued) => self.with_whistle(issued.whistle, |whistle| {
                whistle.presence_code = Some((issued.code_mac.clone(), issued.valid_until));
            }),
            Dispatch::ReportedIn(reported) => self.report_in(reported, at),
            Dispatch::ObjectionRaised(asked) => {
                self.ask(asked.request, RequestKind::Objection(asked.obligation), &asked.by, at);
            }
            Dispatch::ObjectionUpheld(upheld) => {
                self.decide_request(upheld.request, true, at);
                self.end_obligation(upheld.obligation, ObligationState::Released, at);
            }
            Dispatch::ObjectionOverruled(overruled) => self.decide_request(overruled.request, false, at),
            Dispatch::MeasureStruckOff(struck) => {
                if let Some(measure) = self.measures.iter_mut().find(|measure| measure.no == struck.measure) {
                    measure.struck_at = Some(at);
                }
            }
            Dispatch::ObligationCompleted(completed) => self.complete(completed.obligation, at),
            Dispatch::ObligationConfirmed(confirmed) => {
                self.with_obligation(confirmed.obligation, |obligation| {
                    obligation.state = ObligationState::Confirmed;
                    obligation.confirmed_at = Some(at);
                })
            }
            Dispatch::CompletionRefused(refused) => self.with_obligation(refused.obligation, |obligation| {
                obligation.refusals = obligation.refusals.saturating_add(1);
                obligation.refused_at = Some(at);
                obligation.state = obligation.furthest();
                obligation.completed_at = None;
                obligation.ended_at = None;
            }),
            Dispatch::ResponseRated(rated) => self.with_obligation(rated.obligation, |obligation| {
                obligation.score = Some(rated.score);
            }),
            Dispatch::RatingAppealed(asked) => {
                self.ask(asked.request, RequestKind::RatingAppeal(asked.obligation), &asked.by, at);
            }
            Dispatch::RatingAppealDecided(decided) => {
                self.decide_request(decided.request, true, at);
                self.with_obligation(decided.obligation, |obligation| obligation.score = decided.score);
            }
            Dispatch::ExtensionRequested(asked) => {
                self.ask(asked.request, RequestKind::Extension(asked.clock, asked.due_at), &asked.by, at);
            }
            Dispatch::ExtensionGranted(granted) => self.decide_request(granted.request, true, at),
            Dispatch::ExtensionRefused(refused) => self.decide_request(refused.request, false, at),
            Dispatch::SuspensionRequested(asked) => {
                self.ask(asked.request, RequestKind::Suspension, &asked.by, at);
            }
            Dispatch::CaseSuspended(suspended) => {
                self.decide_request(suspended.request, true, at);
                if self.status != Status::Suspended {
                    self.status_before = Some(self.status);
                }
                self.go(Status::Suspended, at);
                self.review_on = Some(suspended.review_on);
                self.reviewed_at = Some(at);
            }
            Dispatch::SuspensionRefused(refused) => self.decide_request(refused.request, false, at),
            Dispatch::SuspensionReviewed(reviewed) => {
                self.review_on = Some(reviewed.review_on);
                self.reviewed_at = Some(at);
            }
            Dispatch::CaseResumed(_) => {
                let back = self.status_before.take().unwrap_or(Status::InProgress);
                self.go(back, at);
            }
            Dispatch::SupervisionOrdered(ordered) => {
                let kind = RequestKind::Supervision(ordered.obligation, ordered.reply_due_at);
                self.ask(ordered.request, kind, &ordered.by, at);
            }
            Dispatch::SupervisionReplied(replied) => self.decide_request(replied.request, true, at),
            Dispatch::Reminded(reminded) => {
                if let Some(no) = reminded.obligation {
                    self.with_obligation(no, |obligation| obligation.reminded_at = Some(at));
                }
            }
        }
    }

    fn dispatch(&mut self, obligations: &[NewObligation], at: At) {
        for obligation in obligations {
            self.add_obligation(obligation, at);
            if obligation.part == Part::Lead {
                self.take_lead(obligation.no, at);
            }
        }
    }

    fn arbitrate(&mut self, arbitrated: &CaseArbitrated, at: At) {
        for no in &arbitrated.released {
            self.end_obligation(*no, ObligationState::Released, at);
        }
        self.dispatch(&arbitrated.obligations, at);
    }

    fn sign(&mut self, no: ObligationNo, automatic: bool, at: At) {
        self.with_obligation(no, |obligation| {
            obligation.signed_at = Some(at);
            obligation.signed_automatically = automatic;
            obligation.state = ObligationState::SignedFor;
        });
        if self.lead == Some(no) {
            self.advance(Status::Dispatched, Status::InProgress, at);
        }
    }

    fn report_in(&mut self, reported: &ReportedIn, at: At) {
        if self.obligation(reported.obligation).is_some_and(|obligation| obligation.signed_at.is_none()) {
            self.sign(reported.obligation, false, at);
        }
        self.with_obligation(reported.obligation, |obligation| {
            obligation.reported_in_at = Some(at);
            obligation.presence = Some(reported.presence);
            obligation.state = ObligationState::ReportedIn;
        });
    }

    pub(super) fn complete(&mut self, no: ObligationNo, at: At) {
        if self.obligation(no).is_some_and(|obligation| obligation.signed_at.is_none()) {
            self.sign(no, false, at);
        }
        self.with_obligation(no, |obligation| {
            obligation.state = ObligationState::Completed;
            obligation.completed_at = Some(at);
            obligation.ended_at = Some(at);
        });
    }
}
