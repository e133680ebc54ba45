//! What operators see of the clocks.

use std::time::Duration;

use case::time::At;
use metrics::gauge;
use projection::View;
use service_kit::clock::Clock;
use tokio::time::Instant;

use crate::rows;

/// Between two counts, at least. A count walks over the open clocks once: a million of them took 0.23 s on the machine of the
/// figures in the README.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// And at least so many times as long as the count took, so that many clocks do not keep a reader busy.
const REST: u32 = 50;

/// Keeps the gauges.
pub(crate) async fn keep(clock: Clock, view: View) {
    loop {
        let (began, now) = (Instant::now(), At::new(clock.now()));
        match view.read(move |db| rows::running(db, now)).await {
            Ok((armed, overdue)) => {
                gauge!("whistle_clocks_armed").set(number(armed));
                gauge!("whistle_clocks_overdue").set(number(overdue));
            }
            // The timers say so too, and louder.
            Err(error) => tracing::debug!(%error, "clocks could not be counted"),
        }
        tokio::time::sleep(COUNT_EVERY.max(began.elapsed().saturating_mul(REST))).await;
    }
}

/// Exact up to 2^53, which no count of clocks comes near.
fn number(count: u64) -> f64 {
    count as f64
}
