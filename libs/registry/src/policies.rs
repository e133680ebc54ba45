//! Deadlines, whistle kinds, the ladder, colours, limits and reasons: what a city sets by its own order, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use worktime::{Budget, CalendarId};

use crate::ids::{ReasonCode, Role, RuleId, TierKey, WhistleKind};
use crate::matters::{Grade, Mode};

mod limits;

pub use limits::Limits;

/// Names of the reason catalogues every registry must have.
pub mod catalogue {
    /// Why a case is not taken (不予受理).
    pub const REJECT: &str = "reject";
    /// Why a case is void (作废).
    pub const VOID: &str = "void";
    /// Why a case is withdrawn (撤单).
    pub const WITHDRAW: &str = "withdraw";
    /// Why handling ends without a result (终止办理).
    pub const TERMINATE: &str = "terminate";
    /// Why a case is closed by force (强制结案).
    pub const FORCE_CLOSE: &str = "force-close";
    /// Why an organisation sends a case back (退单).
    pub const RETURN: &str = "return";
    /// Why more time is asked for (延期).
    pub const EXTENSION: &str = "extension";
    /// Why the clocks stop (挂账).
    pub const SUSPENSION: &str = "suspension";
    /// How a case ended (结案结果).
    pub const CLOSE: &str = "close";
    /// Why a party says it is not its duty (异议).
    pub const OBJECTION: &str = "objection";
    /// Why a whistle counts as invalid (无效哨).
    pub const INVALID_WHISTLE: &str = "invalid-whistle";
    /// What a reporter's contact details are wanted for.
    pub const REVEAL: &str = "reveal";
    /// Why a case is left out of the rates (剔除).
    pub const EXCLUDE: &str = "exclude";
    /// Why a closed case is opened again.
    pub const REOPEN: &str = "reopen";

    /// All of them.
    pub const ALL: [&str; 14] = [
        REJECT,
        VOID,
        WITHDRAW,
        TERMINATE,
        FORCE_CLOSE,
        RETURN,
        EXTENSION,
        SUSPENSION,
        CLOSE,
        OBJECTION,
        INVALID_WHISTLE,
        REVEAL,
        EXCLUDE,
        REOPEN,
    ];
}

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

/// A step of a duty that its kind may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Step {
    /// 签收
    SignFor,
    /// 联系
    Contact,
    /// 报到
    ReportIn,
    /// 办结反馈
    Complete,
    /// 验收
    Confirm,
}

impl Step {
    /// The clock that runs for the step.
    #[must_use]
    pub fn clock(self) -> ClockKind {
        match self {
            Self::SignFor => ClockKind::SignFor,
            Self::Contact => ClockKind::Contact,
            Self::ReportIn => ClockKind::ReportIn,
            Self::Complete => ClockKind::Complete,
            Self::Confirm => ClockKind::Confirm,
        }
    }
}

/// When a whistle's duties count as settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SettledBy {
    /// Everyone called has settled.
    All,
    /// The lead and whoever was called as mandatory.
    LeadPlusMandatory,
    /// Anyone.
    Any,
    /// That many.
    Quorum(u32),
}

/// A deadline tier (时限档): a name that matters point to and clock rules give time to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its key.
    pub key: TierKey,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// Where it comes from.
    pub source: String,
}

/// How one kind of whistle (哨种) goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhistlePolicy {
    /// Its key.
    pub key: WhistleKind,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// Who may blow it.
    pub may_blow: Vec<Role>,
    /// Who approves it (审哨); empty when nobody has to.
    #[serde(default)]
    pub approve: Vec<Role>,
    /// The blowers whose whistle waits for approval; others' is active at once.
    #[serde(default)]
    pub needs_approval_from: Vec<Role>,
    /// Whether the centre settles lead and co-handlers before it is active (分哨).
    #[serde(default)]
    pub triage: bool,
    /// What each party has to do, in order.
    pub steps: Vec<Step>,
    /// When it counts as settled.
    pub settled_by: SettledBy,
    /// Whether it counts in the rates; a drill never does.
    #[serde(default = "crate::orgs::yes")]
    pub in_rates: bool,
    /// Whether it acts first and is confirmed or struck afterwards.
    #[serde(default)]
    pub confirmed_afterwards: bool,
    /// Where it comes from.
    pub source: String,
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

/// When a step of the ladder is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum LadderWhen {
    /// Once that share of the budget is spent, in thousandths, at most 1000.
    Spent {
        /// The share.
        permille: u16,
    },
    /// When the time is up.
    Breach,
    /// So long after the time is up, counted over the step's calendar.
    AfterBreach {
        /// How long.
        budget: Budget,
    },
}

/// What a step of the ladder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LadderEffect {
    /// 催办: a warning before the time is up.
    Warn,
    /// 催办通知: a written notice.
    Notice,
    /// 督办: a supervision order that must be answered.
    Supervise,
    /// 通报: named before the district's leadership and in the public list.
    Publish,
    /// 高位协调: handed to the city.
    CityCoordination,
}

/// Among whom a recipient is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// The organisation that holds the duty.
    Holder,
    /// The organisation above it.
    Above,
    /// The subdistrict of the place.
    Subdistrict,
    /// The district centre and the district's own posts.
    District,
}

/// Who hears of a step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// As what.
    pub role: Role,
    /// Of which organisation.
    pub of: Scope,
}

/// One step of the escalation ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderStep {
    /// Its key, named in the event.
    pub key: RuleId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// When it is taken.
    pub when: LadderWhen,
    /// The calendar for what comes after the breach and for the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarId>,
    /// Taken as well once a case was reopened that many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopenings: Option<u32>,
    /// Whether a case that nobody holds begins here, at once.
    #[serde(default)]
    pub first_for_unowned: bool,
    /// Who hears of it.
    pub to: Vec<Recipient>,
    /// What it does.
    pub effect: LadderEffect,
    /// How long the answer to a supervision order may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Budget>,
    /// Where it comes from.
    pub source: String,
}

/// From which share of its budget on a clock has a colour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColourCut {
    /// The colour's stored name, such as `GREEN`.
    pub name: String,
    /// The colour in Chinese.
    pub name_zh: String,
    /// First share it holds for, in thousandths.
    pub from_permille: u16,
    /// Where the cut comes from.
    pub source: String,
}

/// A catalogue of reasons (理由目录).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Its name, one of [`catalogue::ALL`] or a city's own.
    pub key: String,
    /// Where it comes from.
    pub source: String,
    /// The reasons.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Its code.
    pub code: ReasonCode,
    /// What it says.
    pub name: String,
    /// The same in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
}

/// Everything a city sets by its own order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// Deadline tiers.
    pub tiers: Vec<Tier>,
    /// Whistle kinds.
    pub whistles: Vec<WhistlePolicy>,
    /// Clock rules.
    pub clocks: Vec<ClockRule>,
    /// The ladder, first step first.
    pub ladder: Vec<LadderStep>,
    /// Colours, ascending.
    pub colours: Vec<ColourCut>,
    /// Limits.
    pub limits: Limits,
    /// Where each limit comes from, by its name.
    pub limit_sources: BTreeMap<String, String>,
    /// Reason catalogues.
    pub catalogues: Vec<Catalogue>,
}
