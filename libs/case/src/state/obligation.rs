//! A duty as its events have made it.

use registry::Step;
use registry::ids::{OrgId, PersonId};

use crate::event::parts::{Origin, Part, Presence};
use crate::ids::{ObligationNo, WhistleNo};
use crate::sealed::Sealed;
use crate::time::At;

/// Where a duty stands (任务状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObligationState {
    /// 待签收
    Assigned,
    /// 已签收
    SignedFor,
    /// 已联系
    Contacted,
    /// 已报到
    ReportedIn,
    /// 已办结反馈
    Completed,
    /// 已验收
    Confirmed,
    /// 退单
    Returned,
    /// 解除
    Released,
    /// 撤回
    Withdrawn,
}

impl ObligationState {
    /// The public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Assigned => "ASSIGNED",
            Self::SignedFor => "SIGNED_FOR",
            Self::Contacted => "CONTACTED",
            Self::ReportedIn => "REPORTED_IN",
            Self::Completed => "COMPLETED",
            Self::Confirmed => "CONFIRMED",
            Self::Returned => "RETURNED",
            Self::Released => "RELEASED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    /// Whether the duty left its holder without being done.
    #[must_use]
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Returned | Self::Released | Self::Withdrawn)
    }
}

/// A duty (任务).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// Its number.
    pub no: ObligationNo,
    /// Who holds it.
    pub org: OrgId,
    /// The person inside.
    pub person: Option<PersonId>,
    /// Leading or joining.
    pub part: Part,
    /// What made it.
    pub origin: Origin,
    /// The duty it was assigned from.
    pub parent: Option<ObligationNo>,
    /// What must be settled first.
    pub after: Vec<ObligationNo>,
    /// Whether disposing waits for it.
    pub mandatory: bool,
    /// Its steps.
    pub steps: Vec<Step>,
    /// The whistle that made it.
    pub whistle: Option<WhistleNo>,
    /// What exactly is asked.
    pub task: Option<Sealed>,
    /// Where it stands.
    pub state: ObligationState,
    /// Made.
    pub assigned_at: At,
    /// From when its completion counts: made, or sent back as rework. A refused completion does not move it, so that nobody wins
    /// time by reporting done what is not.
    pub begun_at: At,
    /// Signed for.
    pub signed_at: Option<At>,
    /// Whether the clock signed.
    pub signed_automatically: bool,
    /// Contacted the reporter.
    pub contacted_at: Option<At>,
    /// Reported in.
    pub reported_in_at: Option<At>,
    /// How presence was shown.
    pub presence: Option<Presence>,
    /// Completed, last.
    pub completed_at: Option<At>,
    /// Confirmed.
    pub confirmed_at: Option<At>,
    /// Left its holder, done or not.
    pub ended_at: Option<At>,
    /// When its completion was refused, last.
    pub refused_at: Option<At>,
    /// How often its completion was refused.
    pub refusals: u32,
    /// The rating it got.
    pub score: Option<u8>,
    /// The organisation's own number for it.
    pub external_ref: Option<String>,
    /// When somebody last reminded.
    pub reminded_at: Option<At>,
}

impl Obligation {
    /// Whether this duty goes through a step.
    #[must_use]
    pub fn has(&self, step: Step) -> bool {
        self.steps.contains(&step)
    }

    /// Whether nothing is left for anybody to do about it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self.state {
            ObligationState::Confirmed => true,
            ObligationState::Completed => !self.has(Step::Confirm),
            ObligationState::Returned | ObligationState::Released | ObligationState::Withdrawn => true,
            ObligationState::Assigned
            | ObligationState::SignedFor
            | ObligationState::Contacted
            | ObligationState::ReportedIn => false,
        }
    }

    /// Where it stands while it is worked on: as far as its holder has come.
    #[must_use]
    pub(crate) fn furthest(&self) -> ObligationState {
        if self.reported_in_at.is_some() {
            ObligationState::ReportedIn
        } else if self.contacted_at.is_some() {
            ObligationState::Contacted
        } else if self.signed_at.is_some() {
            ObligationState::SignedFor
        } else {
            ObligationState::Assigned
        }
    }

    /// Whether its holder still has to act.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(
            self.state,
            ObligationState::Assigned
                | ObligationState::SignedFor
                | ObligationState::Contacted
                | ObligationState::ReportedIn
        )
    }
}
