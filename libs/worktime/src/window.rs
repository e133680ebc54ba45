//! Days of the week and the windows of a working day.

use std::fmt;

use jiff::civil::Weekday;
use serde::{Deserialize, Serialize};

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A half-open span of one local day, written `09:00-12:00`; the end may be `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    from: u16,
    to: u16,
}

/// Why a text is not a window.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not of the form `HH:MM-HH:MM`.
    #[error("a window is written like 09:00-12:00, not {0:?}")]
    Form(String),
    /// The end is not after the start, or lies past 24:00.
    #[error("window {0:?} ends before it starts, or after 24:00")]
    Order(String),
}

impl Window {
    /// First minute after midnight that is inside.
    #[must_use]
    pub fn from_minute(self) -> u16 {
        self.from
    }

    /// First minute after midnight that is no longer inside; 1440 is the end of the day.
    #[must_use]
    pub fn to_minute(self) -> u16 {
        self.to
    }
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    (minute < 60).then_some(hour * 60 + minute)
}

impl TryFrom<String> for Window {
    type Error = WindowError;

    fn try_from(text: String) -> Result<Self, WindowError> {
        let ends = text.split_once('-').and_then(|(a, b)| Some((minute_of_day(a)?, minute_of_day(b)?)));
        match ends {
            None => Err(WindowError::Form(text)),
            Some((from, to)) if from >= to || to > 24 * 60 => Err(WindowError::Order(text)),
            Some((from, to)) => Ok(Self { from, to }),
        }
    }
}

impl From<Window> for String {
    fn from(window: Window) -> Self {
        window.to_string()
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}
