//! How much time a duty is given.

use serde::{Deserialize, Serialize};

/// An amount of time in one of the three ways rules count it.
///
/// A budget of zero is due at once, whatever the calendar says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "unit", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum Budget {
    /// Time as the clock on the wall counts it (自然时).
    Natural {
        /// Minutes.
        minutes: u32,
    },
    /// 工作时: minutes counted inside the working windows only.
    WorkingMinutes {
        /// Minutes.
        minutes: u32,
    },
    /// 工作日: whole working days counted from the next working day; due when the last one's last window ends.
    WorkingDays {
        /// Days.
        days: u32,
    },
}

impl Budget {
    /// Whether nothing is given at all.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Natural { minutes } | Self::WorkingMinutes { minutes } => *minutes == 0,
            Self::WorkingDays { days } => *days == 0,
        }
    }
}
