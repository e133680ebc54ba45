//! The calendar: weekly windows in a zone, with the dated exceptions of a year.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::window::{Day, Window};

/// Most dated days off and worked in one calendar: about thirty years of public holidays.
pub const DATED_DAYS_MAX: usize = 2_000;
/// Most windows in one day.
pub const WINDOWS_PER_DAY_MAX: usize = 16;
const ID_BYTES_MAX: usize = 64;

/// The name of a calendar inside a registry: a-z, 0-9, `-` and `_`, at most 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CalendarId(String);

/// Why a calendar is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The name of the calendar is empty, too long or has another character.
    #[error("calendar id {0:?} must be 1 to {ID_BYTES_MAX} of a-z, 0-9, '-' and '_'")]
    Id(String),
    /// The zone is not in the IANA database.
    #[error("unknown time zone {0:?}")]
    Zone(String),
    /// Two windows of one day overlap.
    #[error("windows overlap on {0:?}")]
    Overlap(Day),
    /// More than [`WINDOWS_PER_DAY_MAX`] windows on one day.
    #[error("more than {WINDOWS_PER_DAY_MAX} windows on {0:?}")]
    TooManyWindows(Day),
    /// A range of days ends before it starts.
    #[error("days from {0} to {1} run backwards")]
    Backwards(Date, Date),
    /// More than [`DATED_DAYS_MAX`] dated days.
    #[error("more than {DATED_DAYS_MAX} dated days")]
    TooManyDays,
    /// One date is named twice.
    #[error("{0} is named twice among the days off and the days worked")]
    Twice(Date),
}

impl CalendarId {
    /// Checks and wraps a name.
    ///
    /// # Errors
    /// [`CalendarError::Id`] when it is empty, too long or has another character.
    pub fn new(text: impl Into<String>) -> Result<Self, CalendarError> {
        let text = text.into();
        let fits = !text.is_empty() && text.len() <= ID_BYTES_MAX;
        let clean = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if fits && text.chars().all(clean) { Ok(Self(text)) } else { Err(CalendarError::Id(text)) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CalendarId {
    type Error = CalendarError;

    fn try_from(text: String) -> Result<Self, CalendarError> {
        Self::new(text)
    }
}

impl From<CalendarId> for String {
    fn from(id: CalendarId) -> Self {
        id.0
    }
}

impl fmt::Display for CalendarId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The windows that some days of the week share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeeklyWindows {
    /// The days.
    pub days: Vec<Day>,
    /// Their windows.
    pub windows: Vec<Window>,
}

/// One dated exception: a holiday, or a weekend day that is worked for one (调休).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatedDays {
    /// First day.
    pub from: Date,
    /// Last day, inclusive; the first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// What the days are called.
    pub name: String,
    /// Where it was announced.
    pub source: String,
    /// For days worked: the day of the week whose windows hold; Monday when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<Day>,
}

/// A calendar as people write it and as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarData {
    /// Its name in the registry.
    pub id: CalendarId,
    /// Its name for people.
    pub name: String,
    /// The same in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// IANA zone, such as `Asia/Shanghai`.
    pub zone: String,
    /// Windows by day of the week; a day named nowhere is not worked.
    pub weekly: Vec<WeeklyWindows>,
    /// Days off, whatever the week says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_off: Vec<DatedDays>,
    /// Days worked, whatever the week says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days_worked: Vec<DatedDays>,
    /// Last date whose exceptions are known; what falls due later is provisional. Absent when none can come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered_until: Option<Date>,
    /// Where the windows come from.
    pub source: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Dated {
    Off(String),
    WorkedLike(Day),
}

/// A checked calendar.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "CalendarData", into = "CalendarData")]
pub struct Calendar {
    data: CalendarData,
    zone: TimeZone,
    week: BTreeMap<Day, Vec<Window>>,
    dated: BTreeMap<Date, Dated>,
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl Eq for Calendar {}

impl TryFrom<CalendarData> for Calendar {
    type Error = CalendarError;

    fn try_from(data: CalendarData) -> Result<Self, CalendarError> {
        // The database compiled in, so that two machines never disagree about a zone.
        let zone = TimeZoneDatabase::bundled()
            .get(&data.zone)
            .map_err(|_unknown| CalendarError::Zone(data.zone.clone()))?;
        Ok(Self { week: week_of(&data.weekly)?, dated: dated_of(&data)?, zone, data })
    }
}

impl From<Calendar> for CalendarData {
    fn from(calendar: Calendar) -> Self {
        calendar.data
    }
}

fn week_of(weekly: &[WeeklyWindows]) -> Result<BTreeMap<Day, Vec<Window>>, CalendarError> {
    let mut week: BTreeMap<Day, Vec<Window>> = BTreeMap::new();
    for entry in weekly {
        for day in &entry.days {
            let windows = week.entry(*day).or_default();
            windows.extend(&entry.windows);
            if windows.len() > WINDOWS_PER_DAY_MAX {
                return Err(CalendarError::TooManyWindows(*day));
            }
        }
    }
    for (day, windows) in &mut week {
        windows.sort_unstable();
        let mut end = 0;
        for window in windows.iter() {
            if window.from_minute() < end {
                return Err(CalendarError::Overlap(*day));
            }
            end = window.to_minute();
        }
    }
    Ok(week)
}

fn dated_of(data: &CalendarData) -> Result<BTreeMap<Date, Dated>, CalendarError> {
    let mut dated = BTreeMap::new();
    let off = data.days_off.iter().map(|days| (days, Dated::Off(days.name.clone())));
    let worked = data.days_worked.iter().map(|days| (days, Dated::WorkedLike(days.like.unwrap_or(Day::Mon))));
    for (days, what) in off.chain(worked) {
        let last = days.to.unwrap_or(days.from);
        if last < days.from {
            return Err(CalendarError::Backwards(days.from, last));
        }
        let dates = days.from.series(jiff::Span::new().days(1)).take_while(|date| *date <= last);
        for date in dates.take(DATED_DAYS_MAX + 1) {
            if dated.insert(date, what.clone()).is_some() {
                return Err(CalendarError::Twice(date));
            }
            if dated.len() > DATED_DAYS_MAX {
                return Err(CalendarError::TooManyDays);
            }
        }
    }
    Ok(dated)
}

impl Calendar {
    /// Its name in the registry.
    #[must_use]
    pub fn id(&self) -> &CalendarId {
        &self.data.id
    }

    /// What it was made from.
    #[must_use]
    pub fn data(&self) -> &CalendarData {
        &self.data
    }

    /// The zone its windows are in.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether any day of the week is worked at all.
    #[must_use]
    pub fn has_working_time(&self) -> bool {
        self.week.values().any(|windows| !windows.is_empty())
    }

    /// The windows of one date, earliest first; empty when it is not worked.
    #[must_use]
    pub fn windows_on(&self, date: Date) -> &[Window] {
        let day = match self.dated.get(&date) {
            Some(Dated::Off(_)) => return &[],
            Some(Dated::WorkedLike(day)) => *day,
            None => date.weekday().into(),
        };
        self.week.get(&day).map_or(&[], Vec::as_slice)
    }

    /// The name of the dated day off this date is; none on any other day.
    #[must_use]
    pub fn day_off(&self, date: Date) -> Option<&str> {
        match self.dated.get(&date) {
            Some(Dated::Off(name)) => Some(name),
            Some(Dated::WorkedLike(_)) | None => None,
        }
    }

    /// Whether the exceptions of this date are known.
    #[must_use]
    pub fn covers(&self, date: Date) -> bool {
        self.data.covered_until.is_none_or(|last| date <= last)
    }
}
