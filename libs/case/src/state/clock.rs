//! A clock as its events have made it.

use registry::ClockKind;
use registry::ids::{RegistryVersion, RuleId, WhistleKind};
use worktime::{Budget, CalendarId};

use crate::event::clock::Family;
use crate::event::parts::Subject;
use crate::ids::ClockNo;
use crate::time::At;

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClockPhase {
    /// 计时中
    Running,
    /// 停表
    Paused,
    /// 已办结
    Settled,
    /// 已撤
    Cancelled,
}

/// A clock of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockState {
    /// Its number.
    pub no: ClockNo,
    /// Goes up whenever the due instant moves.
    pub generation: u32,
    /// What is timed.
    pub kind: ClockKind,
    /// Whole case or one step.
    pub family: Family,
    /// About what.
    pub subject: Subject,
    /// The kind of whistle, for a duty of one.
    pub whistle_kind: Option<WhistleKind>,
    /// From when.
    pub start_at: At,
    /// How much.
    pub budget: Option<Budget>,
    /// In which calendar.
    pub calendar: Option<CalendarId>,
    /// By which rule.
    pub rule: Option<RuleId>,
    /// Of which registry.
    pub registry_version: RegistryVersion,
    /// When holders are warned.
    pub warn_at: Vec<At>,
    /// How many warnings were given.
    pub warned: u32,
    /// Due.
    pub due_at: At,
    /// The due instant it was armed with.
    pub first_due_at: At,
    /// Whether the calendar ends before it.
    pub provisional: bool,
    /// How it stands.
    pub phase: ClockPhase,
    /// Paused since.
    pub paused_at: Option<At>,
    /// Whether the due instant passed.
    pub breached: bool,
    /// When it ended.
    pub ended_at: Option<At>,
    /// Ladder steps taken for this due instant, by it or by the clock it goes on from.
    pub steps_taken: Vec<RuleId>,
}

impl ClockState {
    /// Whether it still runs or stands still.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.phase, ClockPhase::Running | ClockPhase::Paused)
    }
}
