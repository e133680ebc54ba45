use crate::event::Closure;
use crate::event::closure::{CaseDisposed, CaseReopened};
use crate::flow::Status;
use crate::state::{CallBackState, Case, Disposal};
use crate::time::At;

impl Case {
    pub(super) fn evolve_closure(&mut self, event: &Closure, at: At) {
        match event {
            Closure::CaseDisposed(disposed) => self.dispose(disposed, at),
            Closure::CheckPassed(_) => self.go(Status::Checked, at),
            Closure::CheckFailed(_) => self.rework(at),
            Closure::CalledBack(call) => {
                self.callbacks.push(CallBackState {
                    reporter: call.reporter.clone(),
                    at,
                    contacted: call.contacted,
                    solved: call.solved,
                    satisfied: call.satisfied,
                });
                if call.rework {
                    self.rework(at);
                }
            }
            Closure::CallBackExempted(_) => {
                self.callback_exempt = true;
                self.callback_exempt_at = Some(at);
            }
            Closure::CaseClosed(closed) => self.end(Status::Closed, Some(closed.outcome), at),
            Closure::CaseReopened(reopened) => self.reopen(reopened, at),
        }
    }

    fn dispose(&mut self, disposed: &CaseDisposed, at: At) {
        let org = self.obligation(disposed.obligation).map(|obligation| obligation.org.clone());
        if self.obligation(disposed.obligation).is_some_and(crate::state::Obligation::is_open) {
            self.complete(disposed.obligation, at);
        }
        if let Some(org) = org {
            let obligation = disposed.obligation;
            self.disposal =
                Some(Disposal { obligation, org, at, public_reply: disposed.public_reply.clone() });
        }
        self.callbacks.clear();
        self.callback_exempt = false;
        self.callback_exempt_at = None;
        self.status_before = None;
        self.go(Status::Disposed, at);
    }

    /// Back to the lead: its duty goes on where it was before it was completed.
    fn rework(&mut self, at: At) {
        self.reworks = self.reworks.saturating_add(1);
        if let Some(no) = self.disposal.as_ref().map(|disposal| disposal.obligation) {
            self.lead = Some(no);
            self.with_obligation(no, |obligation| {
                obligation.state = obligation.furthest();
                obligation.begun_at = at;
                obligation.completed_at = None;
                obligation.confirmed_at = None;
                obligation.ended_at = None;
            });
        }
        self.go(Status::InProgress, at);
    }

    fn reopen(&mut self, reopened: &CaseReopened, at: At) {
        self.reopenings = self.reopenings.saturating_add(1);
        self.reopened_at = Some(at);
        self.outcome = None;
        self.disposal = None;
        self.callbacks.clear();
        self.callback_exempt = false;
        self.callback_exempt_at = None;
        match &reopened.obligation {
            Some(obligation) => {
                self.add_obligation(obligation, at);
                self.lead = Some(obligation.no);
                self.go(Status::InProgress, at);
            }
            None => self.go(Status::Accepted, at),
        }
    }
}
