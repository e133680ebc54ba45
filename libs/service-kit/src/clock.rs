//! The only source of time: fenced against leaps of the wall clock, steppable in tests and simulations.

mod fence;
mod start;
mod system;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::watch;

pub use fence::{Fence, Reading};
pub use start::{Start, start_gap};
use system::SystemClock;

/// Settings of the system clock; the units and bounds are in `config.default.toml`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Seconds the wall clock may leap.
    pub leap_max_seconds: u32,
    /// Hours of standing still after which an operator looks first.
    pub start_gap_max_hours: u32,
}

impl Settings {
    /// The largest believed leap.
    #[must_use]
    pub fn leap_max(&self) -> Duration {
        Duration::from_secs(self.leap_max_seconds.into())
    }

    /// The longest normal stop.
    #[must_use]
    pub fn start_gap_max(&self) -> Duration {
        Duration::from_secs(u64::from(self.start_gap_max_hours) * 3600)
    }

    /// What is outside its bounds, for [`crate::config::Faults`].
    #[must_use]
    pub fn faults(&self) -> Vec<crate::config::Fault> {
        crate::config::outside(&[
            ("clock.leap_max_seconds", self.leap_max_seconds.into(), 1..=3600),
            ("clock.start_gap_max_hours", self.start_gap_max_hours.into(), 1..=8760),
        ])
    }
}

/// A handle on the time; copies are cheap and tell the same time.
#[derive(Debug, Clone)]
pub struct Clock(Kind);

#[derive(Debug, Clone)]
enum Kind {
    System(Arc<SystemClock>),
    Manual(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// The machine's clock behind a fence.
    #[must_use]
    pub fn system(leap_max: Duration) -> Self {
        Self(Kind::System(Arc::new(SystemClock::new(leap_max))))
    }

    /// A clock that stands still until its [`Manual`] half moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> (Self, Manual) {
        let sender = Arc::new(watch::Sender::new(cut(start)));
        (Self(Kind::Manual(Arc::clone(&sender))), Manual(sender))
    }

    /// The time, in whole microseconds. The system clock never goes back.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System(clock) => clock.now(),
            Kind::Manual(sender) => *sender.borrow(),
        }
    }

    /// Returns once the time is at or after the instant; at once when it is already.
    ///
    /// Under the system clock an instant passed during a suspend is noticed within a second of waking. Dropping the future
    /// cancels the wait.
    pub async fn sleep_until(&self, at: Timestamp) {
        match &self.0 {
            Kind::System(clock) => clock.sleep_until(at).await,
            Kind::Manual(sender) => {
                let mut receiver = sender.subscribe();
                // The sender is held by this very handle, so the channel cannot close.
                if receiver.wait_for(|now| *now >= at).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Tells when the wall clock stops being believed (true) and when it is believed again. Never true for a manual clock.
    #[must_use]
    pub fn alarm(&self) -> watch::Receiver<bool> {
        match &self.0 {
            Kind::System(clock) => clock.alarm(),
            Kind::Manual(_) => watch::Sender::new(false).subscribe(),
        }
    }

    /// Whether the wall clock is not believed now: reads it first, as [`Clock::alarm`] only hears of what somebody read. Never
    /// true for a manual clock.
    #[must_use]
    pub fn has_leapt(&self) -> bool {
        match &self.0 {
            Kind::System(clock) => clock.has_leapt(),
            Kind::Manual(_) => false,
        }
    }

    /// Believes the wall clock from now on, on an operator's word. A wall clock that is behind is still waited for.
    pub fn trust_wall(&self) {
        if let Kind::System(clock) = &self.0 {
            clock.trust_wall();
        }
    }
}

/// Moves a manual [`Clock`] and wakes who sleeps on it.
#[derive(Debug, Clone)]
pub struct Manual(Arc<watch::Sender<Timestamp>>);

impl Manual {
    /// Puts the time, also back.
    pub fn set(&self, now: Timestamp) {
        self.0.send_replace(cut(now));
    }

    /// Puts the time forward to the instant; an instant in the past changes nothing.
    pub fn advance_to(&self, at: Timestamp) {
        let at = cut(at);
        self.0.send_if_modified(|now| {
            let later = at > *now;
            *now = at.max(*now);
            later
        });
    }

    /// Puts the time forward; beyond the end of time it stays there.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now = cut(now.saturating_add(by).unwrap_or(Timestamp::MAX)));
    }
}

/// Whole microseconds: what a stored instant holds, so that a time read back equals the time that was decided with.
fn cut(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
