//! Rating the answer to a whistle, and the whistle itself: two things, never one number.

use registry::ids::Role;

use super::{Decision, Desk};
use crate::event::dispatch::ResponseRated;
use crate::event::parts::Subject;
use crate::event::whistle::WhistleRated;
use crate::ids::{ObligationNo, WhistleNo};
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::forbids;
use crate::sealed::Sealed;

fn in_range(score: u8) -> Result<(), Refusal> {
    if (1..=5).contains(&score) {
        return Ok(());
    }
    Err(Refusal::Invalid(vec![Violation::new("score", "OUT_OF_RANGE", "1 to 5")]))
}

impl Desk<'_> {
    /// Once, after the duty was completed or its time ran out.
    pub(super) fn rate_response(&self, no: ObligationNo, score: u8, words: Option<&Sealed>) -> Decision {
        let by = self.convenor()?;
        let duty = self.case.find_obligation(no)?;
        let part = || format!("obligation {no}");
        let Some(whistle) = duty.whistle.and_then(|no| self.case.whistle(no)) else {
            return Err(forbids(part(), StateReason::NoSuchStep));
        };
        self.calls(whistle)?;
        in_range(score)?;
        if duty.score.is_some() {
            return Err(forbids(part(), StateReason::AlreadyDone));
        }
        let breached = self.case.clocks.iter().any(|c| c.subject == Subject::Obligation(no) && c.breached);
        if duty.completed_at.is_none() && !breached {
            return Err(forbids(part(), StateReason::NotCompleted));
        }
        Ok(vec![ResponseRated { by, obligation: no, score, words: words.cloned() }.into()])
    }

    pub(super) fn rate_whistle(&self, no: WhistleNo, score: u8, words: Option<&Sealed>) -> Decision {
        let by = self.actor.sign(&[Role::DistrictCentre, Role::Supervisor])?;
        let whistle = self.case.find_whistle(no)?;
        let part = || format!("whistle {no}");
        in_range(score)?;
        if whistle.score.is_some() {
            return Err(forbids(part(), StateReason::AlreadyDone));
        }
        if whistle.phase.is_open() {
            return Err(forbids(part(), StateReason::StillOpen));
        }
        Ok(vec![WhistleRated { by, whistle: no, score, words: words.cloned() }.into()])
    }
}
