//! What the callbacks of the connection, the monitor and the handles share.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::state::{Refusals, State};

/// A refusal is logged at most this often, with the number that was left out.
const REFUSAL_LOG_EVERY: Duration = Duration::from_secs(10);

/// What a server or the operating system said is cut to this many characters.
const REASON_CHARS_MAX: usize = 300;

/// First pause after a loss. Short: most losses are a server that restarts.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// Longest pause between attempts, also for refused credentials.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A loss counts as one more failed attempt when it follows the one before within this time, measured between the first
/// attempts after each: the attempts and pauses that the connection took to come about are in it, besides its life.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) state: watch::Sender<State>,
    pub(crate) refusals: watch::Sender<Refusals>,
    /// Something happened that the monitor should look at.
    pub(crate) wake: Notify,
    /// Messages that the connection itself dropped, of whichever subscription.
    pub(crate) slow_drops: AtomicU64,
    /// Why the server is away.
    reason: Mutex<String>,
    refusal_log: Mutex<RefusalLog>,
    backoff: Mutex<Backoff>,
}

#[derive(Default)]
struct RefusalLog {
    logged_at: Option<Instant>,
    left_out: u64,
}

#[derive(Default)]
struct Backoff {
    /// When the first attempt after the latest loss was made.
    first_attempt_at: Option<Instant>,
    /// Connections in a row that did not settle.
    flaps: usize,
}

impl Shared {
    pub(crate) fn new(name: &str) -> Shared {
        Shared {
            name: name.to_owned(),
            state: watch::Sender::new(State::Connecting),
            refusals: watch::Sender::new(Refusals::default()),
            wake: Notify::new(),
            slow_drops: AtomicU64::new(0),
            reason: Mutex::default(),
            refusal_log: Mutex::default(),
            backoff: Mutex::default(),
        }
    }

    pub(crate) fn close(&self) {
        self.state.send_replace(State::Closed);
        metrics::gauge!("whistle_nats_connected").set(0.0);
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.state.borrow() == State::Closed
    }

    pub(crate) fn reason(&self) -> String {
        lock(&self.reason).clone()
    }

    pub(crate) fn set_reason(&self, reason: &str) {
        *lock(&self.reason) = reason.chars().take(REASON_CHARS_MAX).collect();
    }

    /// Counts what the server refused, and logs it now and then.
    pub(crate) fn refused(&self, text: &str) {
        let text: String = text.chars().take(REASON_CHARS_MAX).collect();
        metrics::counter!("whistle_nats_refusals_total").increment(1);
        self.refusals.send_modify(|refusals| {
            refusals.count = refusals.count.saturating_add(1);
            refusals.last.clone_from(&text);
        });
        let mut log = lock(&self.refusal_log);
        let now = Instant::now();
        if log.logged_at.is_some_and(|at| now.duration_since(at) < REFUSAL_LOG_EVERY) {
            log.left_out = log.left_out.saturating_add(1);
            return;
        }
        tracing::warn!(name = self.name, left_out = log.left_out, "nats refused: {text}");
        *log = RefusalLog { logged_at: Some(now), left_out: 0 };
    }

    pub(crate) fn dropped(&self, what: &'static str) {
        metrics::counter!("whistle_nats_slow_drops_total", "at" => what).increment(1);
    }

    pub(crate) fn dropped_by_connection(&self) {
        self.slow_drops.fetch_add(1, Ordering::Relaxed);
        self.dropped("connection");
    }

    /// How long to wait before the attempt of this number, counted from 1 since the last connection.
    pub(crate) fn pause(&self, attempt: usize) -> Duration {
        if self.is_closed() {
            // Nobody waits for this connection any more, and it cannot be told so while it is away.
            return Duration::from_secs(24 * 3600);
        }
        let flaps = lock(&self.backoff).flaps_at(attempt, Instant::now());
        let Some(flaps) = flaps else { return Duration::ZERO };
        jittered(growing(attempt.saturating_add(flaps)))
    }
}

impl Backoff {
    /// Connections that did not settle; none before the very first attempt, which needs no pause.
    fn flaps_at(&mut self, attempt: usize, now: Instant) -> Option<usize> {
        if attempt > 1 {
            return Some(self.flaps);
        }
        let previous = self.first_attempt_at.replace(now)?;
        let settled = now.duration_since(previous) >= SETTLED_AFTER;
        self.flaps = if settled { 0 } else { self.flaps.saturating_add(1) };
        Some(self.flaps)
    }
}

/// Doubles from [`PAUSE_MIN`] to [`PAUSE_MAX`].
pub(crate) fn growing(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    PAUSE_MIN.saturating_mul(factor.max(1)).min(PAUSE_MAX)
}

/// Between half and the whole of it, so that processes which lost their server together do not come back together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    // The hasher's random keys are the only randomness the standard library offers, and enough for this.
    let thousandths = RandomState::new().build_hasher().finish() % 500;
    let thousandths = u32::try_from(thousandths).unwrap_or(0);
    (pause.saturating_mul(1_000 - thousandths)) / 1_000
}

/// Nothing that holds these locks can leave half-done data behind, so a panic elsewhere is no reason to stop.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
