//! Deadlines: what was promised by when, whether it was kept, and who was told when it was not.

use registry::ClockKind;
use registry::ids::{OrgId, PostId, RegistryVersion, RuleId, WhistleKind};
use serde::{Deserialize, Serialize};
use worktime::{Budget, CalendarId};

use super::parts::Subject;
use crate::ids::ClockNo;
use crate::time::At;

/// Whether a clock times the whole case or one step (整体时限、环节时限).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Family {
    /// 整体
    Whole,
    /// 环节
    Stage,
}

/// A deadline was set (起算). Absolute from here on: a later policy or calendar moves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockArmed {
    /// Its number in the case.
    pub clock: ClockNo,
    /// 1; goes up whenever the due instant moves, so that an old timer fires nothing.
    pub generation: u32,
    /// What is timed.
    pub kind: ClockKind,
    /// Whole case or one step.
    pub family: Family,
    /// What it is about.
    pub subject: Subject,
    /// The kind of whistle, when the subject is a duty of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whistle_kind: Option<WhistleKind>,
    /// From when it counts.
    pub start_at: At,
    /// How much time; none when the source named the instant itself.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "stored_budget")]
    pub budget: Option<Budget>,
    /// In which calendar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarId>,
    /// By which rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The registry the rule and the calendar are of.
    pub registry_version: RegistryVersion,
    /// When holders are warned, ascending.
    pub warn_at: Vec<At>,
    /// Due.
    pub due_at: At,
    /// Whether it reaches into a time the calendar does not cover yet.
    pub provisional: bool,
}

/// A budget as it is stored. The type of the policies refuses fields it does not know; a stored event must not.
mod stored_budget {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use worktime::Budget;

    #[derive(Serialize, Deserialize)]
    #[serde(tag = "unit", rename_all = "SCREAMING_SNAKE_CASE")]
    enum Stored {
        Natural { minutes: u32 },
        WorkingMinutes { minutes: u32 },
        WorkingDays { days: u32 },
    }

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        budget: &Option<Budget>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let stored = budget.map(|budget| match budget {
            Budget::Natural { minutes } => Stored::Natural { minutes },
            Budget::WorkingMinutes { minutes } => Stored::WorkingMinutes { minutes },
            Budget::WorkingDays { days } => Stored::WorkingDays { days },
        });
        stored.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Budget>, D::Error> {
        let stored = Option::<Stored>::deserialize(deserializer)?;
        Ok(stored.map(|stored| match stored {
            Stored::Natural { minutes } => Budget::Natural { minutes },
            Stored::WorkingMinutes { minutes } => Budget::WorkingMinutes { minutes },
            Stored::WorkingDays { days } => Budget::WorkingDays { days },
        }))
    }
}

/// The clock stands still (停表), as the case was suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockPaused {
    /// Which clock.
    pub clock: ClockNo,
    /// Of which generation.
    pub generation: u32,
}

/// The clock runs again with what was left of it (续表).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockResumed {
    /// Which clock.
    pub clock: ClockNo,
    /// The generation from here on.
    pub generation: u32,
    /// When holders are warned.
    pub warn_at: Vec<At>,
    /// Due afterwards.
    pub due_at: At,
    /// Whether it reaches into a time the calendar does not cover yet.
    pub provisional: bool,
}

/// Why a due instant moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RebaseCause {
    /// 延期
    Extended,
    /// 改分类
    Reclassified,
    /// 日历更新
    CalendarPublished,
    /// 来源改时限
    SourceMoved,
    /// 模式切换
    ModeSwitched,
}

/// The due instant moved, lawfully (改期).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockRebased {
    /// Which clock.
    pub clock: ClockNo,
    /// The generation from here on.
    pub generation: u32,
    /// Why.
    pub cause: RebaseCause,
    /// The rule it counts by from here on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The registry of that rule.
    pub registry_version: RegistryVersion,
    /// When holders are warned.
    pub warn_at: Vec<At>,
    /// Due afterwards.
    pub due_at: At,
    /// Whether it reaches into a time the calendar does not cover yet.
    pub provisional: bool,
}

/// The holder was warned before the due instant (预警).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockWarned {
    /// Which clock.
    pub clock: ClockNo,
    /// Of which generation.
    pub generation: u32,
    /// Which of its warnings, from 0.
    pub warning: u32,
    /// When it was to be given, not when it was.
    pub at: At,
}

/// The due instant passed (超时). A flag: what is done late is still done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockBreached {
    /// Which clock.
    pub clock: ClockNo,
    /// Of which generation.
    pub generation: u32,
    /// The due instant, not when this was written.
    pub at: At,
}

/// What the clock waited for came (办结时点).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockSettled {
    /// Which clock.
    pub clock: ClockNo,
    /// Of which generation.
    pub generation: u32,
    /// When it came.
    pub at: At,
    /// Whether that was after the due instant.
    pub late: bool,
}

/// Why a clock no longer matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CancelCause {
    /// The case ended another way.
    CaseEnded,
    /// The duty, whistle or request ended another way.
    SubjectEnded,
    /// The case took another path.
    Overtaken,
}

/// The clock no longer matters (撤表).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockCancelled {
    /// Which clock.
    pub clock: ClockNo,
    /// Of which generation.
    pub generation: u32,
    /// Why.
    pub cause: CancelCause,
}

/// Somebody a ladder step tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// The organisation.
    pub org: OrgId,
    /// The post inside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post: Option<PostId>,
}

/// A step of the ladder was taken (升级): these were told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationStepTaken {
    /// The clock that ran over.
    pub clock: ClockNo,
    /// The step of the published ladder.
    pub step: RuleId,
    /// When it was due, not when this was written.
    pub at: At,
    /// Those told.
    pub recipients: Vec<Recipient>,
    /// The registry the ladder is of.
    pub registry_version: RegistryVersion,
}

/// A step of the ladder found nobody to tell (升级无人): an error to be mended, never silence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscalationUnanswered {
    /// The clock that ran over.
    pub clock: ClockNo,
    /// The step of the published ladder.
    pub step: RuleId,
    /// When it was due, not when this was written.
    pub at: At,
    /// The registry the ladder is of.
    pub registry_version: RegistryVersion,
}
