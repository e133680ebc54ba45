//! Clocks and the rules that give them time.

use serde::{Deserialize, Serialize};
use worktime::{Budget, CalendarId};

use crate::ids::{RuleId, TierKey, WhistleKind};
use crate::matters::{Grade, Mode};

/// What a clock measures. The names are stored, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClockKind {
    /// Settling the defects of what came in (待分类).
    Triage,
    /// 受理
    Accept,
    /// 核实
    Verify,
    /// 立案
    File,
    /// 派遣
    Dispatch,
    /// 签收
    SignFor,
    /// 联系
    Contact,
    /// 报到
    ReportIn,
    /// 办结反馈, of one duty.
    Complete,
    /// 验收
    Confirm,
    /// 整体时限, of the case.
    Whole,
    /// 核查
    Check,
    /// 回访
    CallBack,
    /// 结案
    Close,
    /// 审哨
    WhistleApproval,
    /// 分哨
    WhistleTriage,
    /// The review date of a suspension.
    SuspensionReview,
    /// Deciding a return (退单审批).
    ReturnDecision,
    /// Deciding an objection.
    ObjectionDecision,
    /// Deciding an extension (延期审批).
    ExtensionDecision,
    /// The city's own deadline, given from outside: no rule makes it.
    ExternalDue,
}

impl ClockKind {
    /// Every kind, in the order of the enum.
    pub const ALL: [Self; 21] = [
        Self::Triage,
        Self::Accept,
        Self::Verify,
        Self::File,
        Self::Dispatch,
        Self::SignFor,
        Self::Contact,
        Self::ReportIn,
        Self::Complete,
        Self::Confirm,
        Self::Whole,
        Self::Check,
        Self::CallBack,
        Self::Close,
        Self::WhistleApproval,
        Self::WhistleTriage,
        Self::SuspensionReview,
        Self::ReturnDecision,
        Self::ObjectionDecision,
        Self::ExtensionDecision,
        Self::ExternalDue,
    ];
}

/// How long one kind of clock runs under which conditions. An absent condition fits everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRule {
    /// Its id, named in every clock it arms.
    pub id: RuleId,
    /// The clock.
    pub kind: ClockKind,
    /// Only for cases of this grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// Only for matters of this tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierKey>,
    /// Only for duties of this kind of whistle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whistle: Option<WhistleKind>,
    /// Only in this mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// How long.
    pub budget: Budget,
    /// Counted over which calendar.
    pub calendar: CalendarId,
    /// Shares of the budget at which a warning goes out, ascending, in thousandths.
    #[serde(default)]
    pub warn_permille: Vec<u16>,
    /// Whether the step is taken as done when the time is up, on record as automatic (自动签收).
    #[serde(default)]
    pub auto_settle: bool,
    /// Where the figure comes from.
    pub source: String,
}

/// What a clock rule is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ClockQuery<'a> {
    /// The clock.
    pub kind: ClockKind,
    /// The case's grade, once it has one.
    pub grade: Option<Grade>,
    /// The matter's tier, once it has one.
    pub tier: Option<&'a TierKey>,
    /// The kind of whistle the duty comes from.
    pub whistle: Option<&'a WhistleKind>,
    /// The mode of the place.
    pub mode: Mode,
}

impl ClockRule {
    /// Whether the rule speaks of what is asked.
    #[must_use]
    pub fn fits(&self, query: &ClockQuery<'_>) -> bool {
        self.kind == query.kind
            && self.grade.is_none_or(|grade| query.grade == Some(grade))
            && self.tier.as_ref().is_none_or(|tier| query.tier == Some(tier))
            && self.whistle.as_ref().is_none_or(|whistle| query.whistle == Some(whistle))
            && self.mode.is_none_or(|mode| query.mode == mode)
    }

    /// How specific the rule is. A rule for the whistle beats one for the mode, that one for the tier, that one for the
    /// grade; so two rules that both fit are equally specific only when their conditions are the same.
    pub(crate) fn specificity(&self) -> [bool; 4] {
        [self.whistle.is_some(), self.mode.is_some(), self.tier.is_some(), self.grade.is_some()]
    }
}
