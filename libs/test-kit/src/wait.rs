//! Waiting for a condition rather than for time to pass.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

/// Long enough for a loaded machine with two cores; a test that passes never waits so long.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Between two looks: short beside what is waited for, long beside a look.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Returns once the condition holds. Level-triggered: what was true only between two looks is not seen.
///
/// # Panics
/// When it does not hold by the deadline; `what` says what was waited for.
pub async fn wait_until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    let mut ticks = ticks();
    let looking = async {
        while !condition() {
            ticks.tick().await;
        }
    };
    done(what, timeout(deadline, looking).await);
}

/// Returns the first value that is there.
///
/// # Panics
/// When there is none by the deadline, or a look takes so long.
pub async fn wait_for<T>(what: &str, deadline: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let mut ticks = ticks();
    let looking = async {
        loop {
            ticks.tick().await;
            if let Some(value) = look().await {
                return value;
            }
        }
    };
    done(what, timeout(deadline, looking).await)
}

fn ticks() -> Interval {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The value, or a panic that says what was tried.
pub(crate) fn done<T, E: Debug>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error:?}"),
    }
}
