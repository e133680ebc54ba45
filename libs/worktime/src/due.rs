//! From a start and a budget to the instant something is due, with the reasons.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::budget::Budget;
use crate::calendar::{Calendar, CalendarId};
use crate::window::Window;

/// Days searched for enough working time: three years. A budget that needs more is a mistake in the policy.
pub const SEARCH_DAYS_MAX: u32 = 1_096;
/// Most intervals and most days off an [`Explanation`] lists; the rest is only counted.
pub const EXPLAINED_MAX: usize = 32;
/// Days over which working time between two instants is summed; later ones count nothing.
const SUMMED_DAYS_MAX: u32 = 36_525;

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The instant; what happens at it is still in time.
    pub at: Timestamp,
    /// Whether it lies beyond what the calendar covers and may move once that year is announced.
    pub provisional: bool,
    /// Why.
    pub explanation: Explanation,
}

/// What was counted on the way to a due instant, and what was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The budget that was spent.
    pub budget: Budget,
    /// The calendar it was spent over.
    pub calendar: CalendarId,
    /// What counted, earliest first, at most [`EXPLAINED_MAX`].
    pub intervals: Vec<Interval>,
    /// Intervals that counted and are not listed.
    pub intervals_omitted: u32,
    /// Dated days off passed over, at most [`EXPLAINED_MAX`].
    pub days_off: Vec<DayOff>,
}

/// A span that counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// A dated day off that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayOff {
    /// The date in the calendar's zone.
    pub date: Date,
    /// What it is called.
    pub name: String,
}

/// Why no due instant can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The calendar has too little working time within [`SEARCH_DAYS_MAX`] days: mend the budget or the calendar.
    #[error("calendar {calendar} does not reach {budget:?} within {SEARCH_DAYS_MAX} days")]
    Unreachable {
        /// The calendar.
        calendar: CalendarId,
        /// The budget.
        budget: Budget,
    },
    /// The instant lies outside the years that can be written.
    #[error("the due instant lies outside the range of time")]
    OutOfRange,
}

impl Calendar {
    /// Tells when a budget that starts running at `start` is spent, and why then.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::OutOfRange`]: the policy has to change, the caller cannot mend it.
    pub fn due(&self, start: Timestamp, budget: &Budget) -> Result<Due, Error> {
        let mut seen = Explanation::empty(self.id(), budget);
        let at = match budget {
            Budget::Natural { minutes } => {
                let end = plus(start, whole_minutes(*minutes))?;
                seen.count(start, end);
                end
            }
            _ if budget.is_zero() => start,
            Budget::WorkingMinutes { minutes } => {
                self.advance(start, whole_minutes(*minutes), budget, &mut seen)?
            }
            Budget::WorkingDays { days } => self.end_of_day(start, *days, budget, &mut seen)?,
        };
        let natural = matches!(budget, Budget::Natural { .. });
        let provisional = !natural && !self.covers(self.date_of(at));
        Ok(Due { at, provisional, explanation: seen })
    }

    /// Tells when a share of the budget is spent: 800 is four fifths of it, 1500 half as much again.
    ///
    /// Working days are shared out by the working time between start and due.
    ///
    /// # Errors
    /// As [`Calendar::due`].
    pub fn warn_at(&self, start: Timestamp, budget: &Budget, permille: u16) -> Result<Timestamp, Error> {
        if budget.is_zero() {
            return Ok(start);
        }
        let total = self.length(start, budget)?;
        let part = share(total, permille)?;
        match budget {
            Budget::Natural { .. } => plus(start, part),
            Budget::WorkingMinutes { .. } | Budget::WorkingDays { .. } if part.is_zero() => Ok(start),
            Budget::WorkingMinutes { .. } | Budget::WorkingDays { .. } => {
                let mut unread = Explanation::empty(self.id(), budget);
                self.advance(start, part, budget, &mut unread)
            }
        }
    }

    /// Tells which share of the budget was spent by `now`, in thousandths; 0 before the start, above 1000 once overdue.
    ///
    /// # Errors
    /// As [`Calendar::due`].
    pub fn spent_permille(&self, start: Timestamp, budget: &Budget, now: Timestamp) -> Result<u32, Error> {
        if now <= start {
            return Ok(0);
        }
        let total = self.length(start, budget)?.as_nanos();
        let spent = match budget {
            Budget::Natural { .. } => now.duration_since(start),
            Budget::WorkingMinutes { .. } | Budget::WorkingDays { .. } => self.working_between(start, now),
        };
        if total <= 0 {
            return Ok(u32::MAX);
        }
        Ok(u32::try_from(spent.as_nanos() * 1_000 / total).unwrap_or(u32::MAX))
    }

    /// Counts the whole working minutes from `a` to `b`; 0 when `b` is not after `a`, and no further than a century.
    #[must_use]
    pub fn working_minutes_between(&self, a: Timestamp, b: Timestamp) -> u64 {
        u64::try_from(self.working_between(a, b).as_mins()).unwrap_or(0)
    }

    fn working_between(&self, a: Timestamp, b: Timestamp) -> SignedDuration {
        let mut total = SignedDuration::ZERO;
        let mut date = self.date_of(a);
        let last = self.date_of(b);
        for _ in 0..SUMMED_DAYS_MAX {
            if a >= b || date > last {
                break;
            }
            for (from, to) in self.spans(date) {
                let (from, to) = (from.max(a), to.min(b));
                if from < to {
                    total = total.saturating_add(to.duration_since(from));
                }
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        total
    }

    /// The whole length of a budget that runs from `start`, in the time that counts for it.
    fn length(&self, start: Timestamp, budget: &Budget) -> Result<SignedDuration, Error> {
        match budget {
            Budget::Natural { minutes } | Budget::WorkingMinutes { minutes } => Ok(whole_minutes(*minutes)),
            Budget::WorkingDays { .. } => Ok(self.working_between(start, self.due(start, budget)?.at)),
        }
    }

    fn advance(
        &self,
        start: Timestamp,
        want: SignedDuration,
        budget: &Budget,
        seen: &mut Explanation,
    ) -> Result<Timestamp, Error> {
        let mut left = want;
        let mut date = self.date_of(start);
        for _ in 0..SEARCH_DAYS_MAX {
            seen.pass_over(self, date);
            for (from, to) in self.spans(date) {
                let from = from.max(start);
                if from >= to {
                    continue;
                }
                let length = to.duration_since(from);
                if left <= length {
                    let end = plus(from, left)?;
                    seen.count(from, end);
                    return Ok(end);
                }
                seen.count(from, to);
                left = left.saturating_sub(length);
            }
            date = date.tomorrow().map_err(|_end| Error::OutOfRange)?;
        }
        Err(Error::Unreachable { calendar: self.id().clone(), budget: *budget })
    }

    fn end_of_day(
        &self,
        start: Timestamp,
        days: u32,
        budget: &Budget,
        seen: &mut Explanation,
    ) -> Result<Timestamp, Error> {
        let mut left = days;
        let mut date = self.date_of(start);
        for _ in 0..SEARCH_DAYS_MAX {
            date = date.tomorrow().map_err(|_end| Error::OutOfRange)?;
            seen.pass_over(self, date);
            let mut end = None;
            for (from, to) in self.spans(date) {
                seen.count(from, to);
                end = Some(to);
            }
            if let Some(end) = end {
                left = left.saturating_sub(1);
                if left == 0 {
                    return Ok(end);
                }
            }
        }
        Err(Error::Unreachable { calendar: self.id().clone(), budget: *budget })
    }

    fn date_of(&self, at: Timestamp) -> Date {
        self.zone().to_datetime(at).date()
    }

    /// The windows of one local date as instants, earliest first. A window that a change of the zone's offset swallows
    /// is left out.
    fn spans(&self, date: Date) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        self.windows_on(date).iter().filter_map(move |window: &Window| {
            let from = self.instant(date, window.from_minute())?;
            let to = self.instant(date, window.to_minute())?;
            (from < to).then_some((from, to))
        })
    }

    fn instant(&self, date: Date, minute: u16) -> Option<Timestamp> {
        let (date, minute) = if minute >= 24 * 60 { (date.tomorrow().ok()?, 0) } else { (date, minute) };
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        self.zone().to_timestamp(date.at(hour, minute, 0, 0)).ok()
    }
}

impl Explanation {
    fn empty(calendar: &CalendarId, budget: &Budget) -> Self {
        Self {
            budget: *budget,
            calendar: calendar.clone(),
            intervals: Vec::new(),
            intervals_omitted: 0,
            days_off: Vec::new(),
        }
    }

    fn count(&mut self, from: Timestamp, to: Timestamp) {
        if self.intervals.len() < EXPLAINED_MAX {
            self.intervals.push(Interval { from, to });
        } else {
            self.intervals_omitted = self.intervals_omitted.saturating_add(1);
        }
    }

    fn pass_over(&mut self, calendar: &Calendar, date: Date) {
        if let Some(name) = calendar.day_off(date)
            && self.days_off.len() < EXPLAINED_MAX
        {
            self.days_off.push(DayOff { date, name: name.to_owned() });
        }
    }
}

fn whole_minutes(minutes: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(minutes) * 60)
}

fn plus(at: Timestamp, duration: SignedDuration) -> Result<Timestamp, Error> {
    at.checked_add(duration).map_err(|_overflow| Error::OutOfRange)
}

fn share(total: SignedDuration, permille: u16) -> Result<SignedDuration, Error> {
    let nanos = total.as_nanos() * i128::from(permille) / 1_000;
    let seconds = i64::try_from(nanos / 1_000_000_000).map_err(|_large| Error::OutOfRange)?;
    let rest = i32::try_from(nanos % 1_000_000_000).map_err(|_large| Error::OutOfRange)?;
    Ok(SignedDuration::new(seconds, rest))
}
