//! Whether a process may take up its timers by itself.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long the process stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Never ran before, or a normal stop: timers fire.
    Normal,
    /// Too long, or into the past: serve, fire nothing, wait for an operator. Either the machine was away or its clock is
    /// wrong, and firing every deadline at once would escalate all of them.
    Gap {
        /// From the last tick to now; negative when the wall clock is behind the last tick.
        since_last_tick: SignedDuration,
    },
}

/// Judges the time since the last tick that was written down.
#[must_use]
pub fn start_gap(last_tick: Option<Timestamp>, wall: Timestamp, gap_max: Duration) -> Start {
    let since = last_tick.map_or(SignedDuration::ZERO, |tick| wall.duration_since(tick));
    if since.unsigned_abs() > gap_max { Start::Gap { since_last_tick: since } } else { Start::Normal }
}
