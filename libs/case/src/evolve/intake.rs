use super::Standing;
use crate::event::Intake;
use crate::event::intake::CaseRaised;
use crate::event::parts::Outcome;
use crate::flow::Status;
use crate::ids::RequestNo;
use crate::state::{Case, RequestKind};
use crate::time::At;

impl Case {
    #[expect(clippy::too_many_lines, reason = "one arm an event: total at a glance")]
    pub(super) fn evolve_intake(&mut self, event: &Intake, standing: Standing) {
        let at = standing.recorded_at;
        match event {
            Intake::CaseRaised(raised) => self.raise(raised, standing),
            Intake::CaseTriaged(triaged) => {
                self.matter.clone_from(&triaged.classification.matter);
                self.grade = triaged.classification.grade;
                self.place = triaged.place.clone();
                self.defects.clone_from(&triaged.remaining);
                if self.defects.is_empty() {
                    self.go(Status::Raised, at);
                }
            }
            Intake::VerificationRequested(asked) => {
                self.inspector = Some(asked.inspector.clone());
                self.genuine = None;
                self.go(Status::Verifying, at);
            }
            Intake::CaseVerified(verified) => {
                self.genuine = Some(verified.genuine);
                self.verified_at = Some(at);
            }
            Intake::CaseAccepted(_) | Intake::RejectionAppealed(_) => {
                self.outcome = None;
                self.go(Status::Accepted, at);
            }
            Intake::CaseRejected(_) => self.end(Status::Rejected, None, at),
            Intake::CaseAnswered(_) => self.end(Status::Closed, Some(Outcome::Answered), at),
            Intake::SelfHandled(_) => self.go(Status::SelfHandled, at),
            Intake::SelfHandlingAudited(audited) => {
                if audited.passed {
                    self.end(Status::Closed, Some(Outcome::SelfHandled), at);
                } else {
                    self.go(Status::Accepted, at);
                }
            }
            Intake::CaseFiled(filed) => {
                self.matter = Some(filed.matter.clone());
                self.grade = Some(filed.grade);
                self.place = filed.place.clone();
                self.filed_at = Some(at);
                self.go(Status::Filed, at);
            }
            Intake::Reclassified(changed) => {
                self.matter.clone_from(&changed.to.matter);
                self.grade = changed.to.grade;
            }
            Intake::PlaceMoved(moved) => self.place = moved.to.clone(),
            Intake::SourceRevised(revised) => {
                self.revisions.insert(revised.ticket.revision);
                let highest = self.ticket.as_ref().map_or(0, |ticket| ticket.revision);
                if revised.ticket.revision > highest {
                    self.ticket = Some(revised.ticket.clone());
                    if revised.text.is_some() {
                        self.text.clone_from(&revised.text);
                    }
                }
            }
            Intake::ExternalDueSet(set) => self.external_due_at = Some(set.due_at),
            Intake::EvidenceAttached(attached) => self.count_evidence(attached.evidence.len()),
            Intake::NoteAdded(_) | Intake::SourceNoteRecorded(_) => self.notes = self.notes.saturating_add(1),
            Intake::CaseMerged(merged) => {
                self.merged_into = Some(merged.into);
                self.status_before = Some(self.status);
                self.end(Status::Merged, None, at);
            }
            Intake::ReporterLinked(linked) => {
                self.followers.push(linked.from);
                self.linked_tickets.extend(linked.tickets.iter().cloned());
            }
            Intake::CaseUnmerged(_) => {
                self.merged_into = None;
                let back = self.status_before.take().unwrap_or(Status::Raised);
                self.go(back, at);
            }
            Intake::ReporterUnlinked(unlinked) => self.followers.retain(|case| *case != unlinked.from),
            Intake::CaseSplit(split) => {
                self.children.clone_from(&split.children);
                self.end(Status::Split, None, at);
            }
            Intake::CaseWithdrawn(_) => self.end(Status::Withdrawn, None, at),
            Intake::VoidRequested(asked) => self.ask(asked.request, RequestKind::Void, &asked.by, at),
            Intake::TerminationRequested(asked) => {
                self.ask(asked.request, RequestKind::Termination, &asked.by, at)
            }
            Intake::ForceCloseRequested(asked) => {
                self.ask(asked.request, RequestKind::ForceClose, &asked.by, at)
            }
            Intake::ExclusionRequested(asked) => {
                self.ask(asked.request, RequestKind::Exclusion, &asked.by, at)
            }
            Intake::CaseVoided(done) => self.leave(done.request, Status::Voided, at),
            Intake::CaseTerminated(done) => self.leave(done.request, Status::Terminated, at),
            Intake::CaseForceClosed(done) => self.leave(done.request, Status::ForceClosed, at),
            Intake::CaseExcluded(done) => {
                self.decide_request(done.request, true, at);
                self.excluded = true;
            }
            Intake::VoidRefused(refused) => self.decide_request(refused.request, false, at),
            Intake::TerminationRefused(refused) => self.decide_request(refused.request, false, at),
            Intake::ForceCloseRefused(refused) => self.decide_request(refused.request, false, at),
            Intake::ExclusionRefused(refused) => self.decide_request(refused.request, false, at),
            Intake::ConfidentialityMarked(marked) => {
                self.confidential = true;
                self.about.clone_from(&marked.about);
                self.about_persons.clone_from(&marked.about_persons);
            }
            Intake::ConfidentialityLifted(_) => self.confidential = false,
            Intake::BreakGlassRequested(asked) => {
                self.ask(asked.request, RequestKind::BreakGlass(asked.key_id.clone()), &asked.by, at);
            }
            Intake::BreakGlassApproved(approved) => {
                self.decide_request(approved.request, true, at);
                if let Some(request) = self.requests.iter_mut().find(|request| request.no == approved.request)
                {
                    request.valid_until = Some(approved.valid_until);
                }
            }
            Intake::BreakGlassRefused(refused) => self.decide_request(refused.request, false, at),
            Intake::ContactRevealed(_) => {}
            Intake::ErasureRequested(asked) => {
                self.ask(asked.request, RequestKind::Erasure(asked.key_id.clone()), &asked.by, at);
            }
            Intake::ErasureRefused(refused) => self.decide_request(refused.request, false, at),
            Intake::KeyDestroyed(destroyed) => {
                self.destroyed_keys.insert(destroyed.key_id.clone());
                if let Some(request) = destroyed.request {
                    self.decide_request(request, true, at);
                }
            }
        }
    }

    fn count_evidence(&mut self, more: usize) {
        self.evidence = self.evidence.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
    }

    fn leave(&mut self, request: RequestNo, to: Status, at: At) {
        self.decide_request(request, true, at);
        self.end(to, None, at);
    }

    fn raise(&mut self, raised: &CaseRaised, standing: Standing) {
        let at = standing.recorded_at;
        self.raised_position = standing.position;
        self.raised_at = at;
        self.occurred_at = standing.occurred_at;
        self.raised_by = raised.by.clone();
        self.profile = raised.profile;
        self.channel = raised.channel;
        self.reporters.clone_from(&raised.reporters);
        self.text.clone_from(&raised.text);
        self.place = raised.place.clone();
        self.matter.clone_from(&raised.matter);
        self.demand = raised.demand;
        self.ticket.clone_from(&raised.ticket);
        self.revisions.extend(raised.ticket.iter().map(|ticket| ticket.revision));
        self.external_due_at = raised.external_due_at;
        self.about.clone_from(&raised.about);
        self.about_persons.clone_from(&raised.about_persons);
        self.confidential = raised.confidential;
        self.defects.clone_from(&raised.defects);
        self.count_evidence(raised.evidence.len());
        self.split_from = raised.split_from;
        self.follows = raised.follows;
        self.go(if raised.defects.is_empty() { Status::Raised } else { Status::Untriaged }, at);
    }
}
