//! A whistle and the measures agreed, as their events have made them.

use registry::SettledBy;
use registry::ids::{OrgId, WhistleKind};

use crate::event::parts::{By, Meeting, Party};
use crate::ids::{MeasureNo, ObligationNo, WhistleNo};
use crate::sealed::Sealed;
use crate::time::At;

/// Where a whistle stands (哨声状态).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhistlePhase {
    /// 待审哨, or waiting for whatever comes next before it is active.
    Drafted,
    /// 已审哨
    Approved,
    /// 已分哨
    Triaged,
    /// 生效
    Active,
    /// 已销哨
    StoodDown,
    /// 已撤哨
    Withdrawn,
    /// 已退哨
    HandedBack,
    /// 无效哨
    Invalid,
}

impl WhistlePhase {
    /// The public name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Drafted => "DRAFTED",
            Self::Approved => "APPROVED",
            Self::Triaged => "TRIAGED",
            Self::Active => "ACTIVE",
            Self::StoodDown => "STOOD_DOWN",
            Self::Withdrawn => "WITHDRAWN",
            Self::HandedBack => "HANDED_BACK",
            Self::Invalid => "INVALID",
        }
    }

    /// Whether it still waits for something.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Drafted | Self::Approved | Self::Triaged | Self::Active)
    }
}

/// A whistle of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhistleState {
    /// Its number.
    pub no: WhistleNo,
    /// Its kind.
    pub kind: WhistleKind,
    /// Who calls.
    pub caller: OrgId,
    /// Who blew it.
    pub blown_by: By,
    /// When.
    pub blown_at: At,
    /// Where it stands.
    pub phase: WhistlePhase,
    /// Since when.
    pub phase_since: At,
    /// What for.
    pub purpose: Sealed,
    /// When and where to meet.
    pub meeting: Option<Meeting>,
    /// Those called, as last settled.
    pub parties: Vec<Party>,
    /// When it counts as done.
    pub settled_by: SettledBy,
    /// Whether it waits for approval.
    pub needs_approval: bool,
    /// Whether it waits for triage.
    pub needs_triage: bool,
    /// Whether it is to be confirmed afterwards.
    pub confirmed_afterwards: bool,
    /// Whether that was done.
    pub confirmed: bool,
    /// When.
    pub confirmed_at: Option<At>,
    /// The code that proves presence, and until when.
    pub presence_code: Option<(String, At)>,
    /// The rating it got.
    pub score: Option<u8>,
}

/// A measure of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureState {
    /// Its number.
    pub no: MeasureNo,
    /// What.
    pub text: Sealed,
    /// Whose.
    pub responsible: ObligationNo,
    /// Whether completing waits for it.
    pub mandatory: bool,
    /// By when.
    pub due_at: Option<At>,
    /// Struck off.
    pub struck_at: Option<At>,
}
