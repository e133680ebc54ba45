//! The pure half of the system clock.

use std::time::Duration;

use jiff::Timestamp;

use super::cut;

/// What a [`Fence`] made of one look at the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The time to use.
    pub now: Timestamp,
    /// Whether the wall clock was not believed.
    pub leapt: bool,
}

/// Decides which time to believe, from the wall clock and the time since boot.
///
/// The wall clock is believed while it stays within `leap_max` of the last reading plus the time passed since boot; beyond,
/// the time goes on by what really passed. Readings never go back: a wall clock a little behind is waited for.
///
/// The limit is per reading: a wall clock that is pushed again and again by less than it is followed.
#[derive(Debug, Clone)]
pub struct Fence {
    last: Timestamp,
    last_boot: Duration,
    leap_max: Duration,
}

impl Fence {
    /// Begins with a wall clock that is believed.
    #[must_use]
    pub fn new(wall: Timestamp, boot: Duration, leap_max: Duration) -> Self {
        Self { last: cut(wall), last_boot: boot, leap_max }
    }

    /// The time, given what the wall clock says and how long ago the machine booted, suspends included.
    pub fn read(&mut self, wall: Timestamp, boot: Duration) -> Reading {
        let passed = boot.saturating_sub(self.last_boot);
        let expected = self.last.saturating_add(passed).unwrap_or(Timestamp::MAX);
        let leapt = wall.duration_since(expected).unsigned_abs() > self.leap_max;
        let now = if leapt { expected } else { cut(wall).max(self.last) };
        // Cutting would lose up to a microsecond a reading while the wall clock is not followed, so `last` is whole then.
        self.last = now;
        self.last_boot = self.last_boot.max(boot);
        Reading { now: cut(now), leapt }
    }

    /// Takes the wall clock as it is, unless it is behind.
    pub fn trust(&mut self, wall: Timestamp, boot: Duration) {
        let now = self.read(wall, boot).now;
        self.last = now.max(cut(wall));
    }
}
