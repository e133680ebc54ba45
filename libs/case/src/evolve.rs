//! The one way a case changes: by an event. Total: every event has an arm, none fails, none looks at anything but case and event.

mod clock;
mod closure;
mod dispatch;
mod intake;
mod whistle;

use registry::ids::RegistryVersion;

use crate::event::parts::{NewObligation, Outcome, Part};
use crate::event::{Event, Recorded};
use crate::flow::Status;
use crate::ids::{ObligationNo, RequestNo};
use crate::state::{Case, Obligation, ObligationState, Request, RequestKind, WhistlePhase};
use crate::time::At;

/// Where in the log and when, apart from what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) position: u64,
    pub(crate) version: u64,
    pub(crate) recorded_at: At,
    pub(crate) occurred_at: At,
}

impl Case {
    /// Applies what happened next.
    pub fn evolve(&mut self, recorded: &Recorded) {
        let Recorded { position, version, recorded_at, occurred_at, ref event } = *recorded;
        self.evolve_by(event, Standing { position, version, recorded_at, occurred_at });
    }

    pub(crate) fn evolve_by(&mut self, event: &Event, standing: Standing) {
        self.version = standing.version;
        self.changed_at = standing.recorded_at;
        let at = standing.recorded_at;
        match event {
            Event::Intake(event) => self.evolve_intake(event, standing),
            Event::Dispatch(event) => self.evolve_dispatch(event, at),
            Event::Whistle(event) => self.evolve_whistle(event, at),
            Event::Clock(event) => self.evolve_clock(event, at),
            Event::Closure(event) => self.evolve_closure(event, at),
            // Never on a case's stream; the ledger keeps those streams apart.
            Event::District(_) => {}
        }
    }

    /// The case after a whole stream.
    pub fn replay<'a>(id: crate::ids::CaseId, events: impl IntoIterator<Item = &'a Recorded>) -> Self {
        let mut case = Self::new(id);
        for recorded in events {
            case.evolve(recorded);
        }
        case
    }

    fn go(&mut self, to: Status, at: At) {
        self.status = to;
        self.status_since = at;
        self.ended_at = to.is_ended().then_some(at);
        if to != Status::Suspended {
            self.review_on = None;
            self.reviewed_at = None;
        }
        if to.is_ended() {
            self.release_all(at);
        }
    }

    /// Takes an edge, or, while the case is suspended, sees that it is taken on resuming.
    fn advance(&mut self, from: Status, to: Status, at: At) {
        if self.status == from {
            self.go(to, at);
        } else if self.status == Status::Suspended && self.status_before == Some(from) {
            self.status_before = Some(to);
        }
    }

    /// Nobody is held by a case that ended: what was still open goes with it.
    fn release_all(&mut self, at: At) {
        for obligation in self.obligations.iter_mut().filter(|obligation| obligation.is_open()) {
            obligation.state = ObligationState::Withdrawn;
            obligation.ended_at = Some(at);
        }
        for whistle in self.whistles.iter_mut().filter(|whistle| whistle.phase.is_open()) {
            whistle.phase = if whistle.phase == WhistlePhase::Active {
                WhistlePhase::StoodDown
            } else {
                WhistlePhase::Withdrawn
            };
            whistle.phase_since = at;
        }
        let about_handling = |kind: &RequestKind| match kind {
            RequestKind::Return(_)
            | RequestKind::Objection(_)
            | RequestKind::Extension(..)
            | RequestKind::Suspension
            | RequestKind::Void
            | RequestKind::Termination
            | RequestKind::ForceClose
            | RequestKind::Whistle(_) => true,
            RequestKind::Exclusion
            | RequestKind::BreakGlass(_)
            | RequestKind::Erasure(_)
            | RequestKind::RatingAppeal(_)
            | RequestKind::Supervision(..) => false,
        };
        for request in self.requests.iter_mut().filter(|r| r.is_open() && about_handling(&r.kind)) {
            request.lapsed_at = Some(at);
        }
    }

    fn end(&mut self, to: Status, outcome: Option<Outcome>, at: At) {
        self.go(to, at);
        self.outcome = outcome;
    }

    fn add_obligation(&mut self, new: &NewObligation, at: At) {
        self.obligations.push(Obligation {
            no: new.no,
            org: new.org.clone(),
            person: new.person.clone(),
            part: new.part,
            origin: new.origin,
            parent: new.parent,
            after: new.after.clone(),
            mandatory: new.mandatory,
            steps: new.steps.clone(),
            whistle: new.whistle,
            task: new.task.clone(),
            state: ObligationState::Assigned,
            assigned_at: at,
            begun_at: at,
            signed_at: None,
            signed_automatically: false,
            contacted_at: None,
            reported_in_at: None,
            presence: None,
            completed_at: None,
            confirmed_at: None,
            ended_at: None,
            refused_at: None,
            refusals: 0,
            score: None,
            external_ref: None,
            reminded_at: None,
        });
    }

    fn with_obligation(&mut self, no: ObligationNo, change: impl FnOnce(&mut Obligation)) {
        if let Some(obligation) = self.obligations.iter_mut().find(|obligation| obligation.no == no) {
            change(obligation);
        }
    }

    fn end_obligation(&mut self, no: ObligationNo, state: ObligationState, at: At) {
        self.with_obligation(no, |obligation| {
            obligation.state = state;
            obligation.ended_at = Some(at);
        });
        // What was assigned inward from it goes with it.
        let children = self.obligations.iter().filter(|child| child.parent == Some(no) && child.is_open());
        for child in children.map(|child| child.no).collect::<Vec<_>>() {
            self.end_obligation(child, ObligationState::Withdrawn, at);
        }
        if self.lead == Some(no) {
            self.lead = None;
            let mut others = self.obligations.iter().rev();
            match others.find(|other| other.part == Part::Lead && other.is_open()).map(|other| other.no) {
                Some(next) => self.take_lead(next, at),
                None => self.undispatch(at),
            }
        }
    }

    /// Makes a duty the one that disposes of the case. The status follows from how far its holder has come.
    fn take_lead(&mut self, no: ObligationNo, at: At) {
        self.lead = Some(no);
        self.advance(Status::Filed, Status::Dispatched, at);
        if self.obligation(no).is_some_and(|lead| lead.signed_at.is_some()) {
            self.advance(Status::Dispatched, Status::InProgress, at);
        }
    }

    /// A case nobody leads any more is to be dispatched again.
    fn undispatch(&mut self, at: At) {
        self.advance(Status::InProgress, Status::Filed, at);
        self.advance(Status::Dispatched, Status::Filed, at);
    }

    fn ask(&mut self, no: RequestNo, kind: RequestKind, by: &crate::event::parts::By, at: At) {
        self.requests.push(Request {
            no,
            kind,
            by: by.clone(),
            asked_at: at,
            decided_at: None,
            lapsed_at: None,
            granted: false,
            valid_until: None,
        });
    }

    fn decide_request(&mut self, no: RequestNo, granted: bool, at: At) {
        if let Some(request) = self.requests.iter_mut().find(|request| request.no == no) {
            request.decided_at = Some(at);
            request.granted = granted;
        }
    }
}

/// The registry version an event was decided by, where it says one.
#[must_use]
pub fn registry_version(event: &Event) -> Option<RegistryVersion> {
    use crate::event::{Clock, Dispatch, Intake, Whistle};
    match event {
        Event::Intake(Intake::CaseRaised(event)) => Some(event.registry_version),
        Event::Intake(Intake::CaseTriaged(event)) => Some(event.registry_version),
        Event::Intake(Intake::CaseFiled(event)) => Some(event.registry_version),
        Event::Dispatch(Dispatch::CaseDispatched(event)) => Some(event.registry_version),
        Event::Whistle(Whistle::WhistleBlown(event)) => Some(event.registry_version),
        Event::Clock(Clock::ClockArmed(event)) => Some(event.registry_version),
        Event::Clock(Clock::ClockRebased(event)) => Some(event.registry_version),
        Event::Clock(Clock::EscalationStepTaken(event)) => Some(event.registry_version),
        Event::Clock(Clock::EscalationUnanswered(event)) => Some(event.registry_version),
        Event::Intake(_)
        | Event::Dispatch(_)
        | Event::Whistle(_)
        | Event::Clock(_)
        | Event::Closure(_)
        | Event::District(_) => None,
    }
}
