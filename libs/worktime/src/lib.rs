//! Working-time calendars and budgets to due instants, and why; pure.
//!
//! Belongs here: natural time, 工作时 and 工作日 over a calendar with its zone, windows, days off and days worked. Does not
//! belong: which budget a case gets (a policy of the registry), timers, and the time of day.

mod budget;
mod calendar;
mod due;
mod window;

pub use crate::budget::Budget;
pub use crate::calendar::{
    Calendar, CalendarData, CalendarError, CalendarId, DATED_DAYS_MAX, DatedDays, WINDOWS_PER_DAY_MAX,
    WeeklyWindows,
};
pub use crate::due::{DayOff, Due, EXPLAINED_MAX, Error, Explanation, Interval, SEARCH_DAYS_MAX};
pub use crate::window::{Day, Window, WindowError};

#[cfg(test)]
mod tests;
