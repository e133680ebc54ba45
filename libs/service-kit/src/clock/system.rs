//! The machine's clocks behind a [`Fence`].

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::watch;

use super::fence::Fence;

/// Longest nap before looking again: the runtime's timer stands still while the machine is suspended.
const NAP_MAX: Duration = Duration::from_secs(1);
/// Shortest nap, so that rounding never makes a busy loop.
const NAP_MIN: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct SystemClock {
    fence: Mutex<Fence>,
    alarm: watch::Sender<bool>,
}

fn wall() -> Timestamp {
    let time = clock_gettime(ClockId::Realtime);
    // Nanoseconds are below 10⁹ by the kernel's contract; a second outside jiff's range (year 9999) is taken as the end.
    let nanoseconds = i32::try_from(time.tv_nsec).unwrap_or(0);
    Timestamp::new(time.tv_sec, nanoseconds).unwrap_or(Timestamp::MAX)
}

fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

impl SystemClock {
    pub(super) fn new(leap_max: Duration) -> Self {
        let fence = Fence::new(wall(), since_boot(), leap_max);
        Self { fence: Mutex::new(fence), alarm: watch::Sender::new(false) }
    }

    pub(super) fn now(&self) -> Timestamp {
        let reading = {
            let mut fence = self.fence.lock().unwrap_or_else(PoisonError::into_inner);
            // Both clocks are read under the lock, so that no reader brings an older pair after a newer one.
            fence.read(wall(), since_boot())
        };
        let changed =
            self.alarm.send_if_modified(|alarm| std::mem::replace(alarm, reading.leapt) != reading.leapt);
        if changed && reading.leapt {
            tracing::error!(now = %reading.now, "wall clock leapt and is not believed");
        } else if changed {
            tracing::info!(now = %reading.now, "wall clock is believed again");
        }
        reading.now
    }

    pub(super) async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.duration_since(self.now());
            if left <= jiff::SignedDuration::ZERO {
                return;
            }
            tokio::time::sleep(left.unsigned_abs().clamp(NAP_MIN, NAP_MAX)).await;
        }
    }

    pub(super) fn alarm(&self) -> watch::Receiver<bool> {
        self.alarm.subscribe()
    }

    pub(super) fn has_leapt(&self) -> bool {
        self.now();
        *self.alarm.borrow()
    }

    pub(super) fn trust_wall(&self) {
        self.fence.lock().unwrap_or_else(PoisonError::into_inner).trust(wall(), since_boot());
        self.now();
    }
}
