//! Deadlines, whistle kinds, the ladder, colours, limits and reasons: what a city sets by its own order, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ReasonCode, Role, TierKey, WhistleKind};

mod clocks;
mod ladder;
mod limits;

pub use clocks::{ClockKind, ClockQuery, ClockRule};
pub use ladder::{LadderEffect, LadderStep, LadderWhen, Recipient, Scope};
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
    /// Why no call-back is owed (免回访).
    pub const CALLBACK_EXEMPTION: &str = "callback-exemption";
    /// Why personal words are erased, or not yet (删除个人信息).
    pub const ERASURE: &str = "erasure";

    /// All of them.
    pub const ALL: [&str; 16] = [
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
        CALLBACK_EXEMPTION,
        ERASURE,
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
