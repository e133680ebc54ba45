//! What a projection tells operators about itself, while it is run.

use std::convert::Infallible;
use std::time::Duration;

use metrics::{Gauge, gauge};

use crate::view::{Status, View};

/// A scrape is some seconds apart; a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps the gauges of one projection. By the clock and not by its commits: what stands still must be seen to fall behind.
pub(crate) async fn keep(view: View) -> Infallible {
    loop {
        tell(&view.status());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The last look, so that nothing stale is left when it is run no more.
pub(crate) fn tell(status: &Status) {
    let of = |family: &'static str| -> Gauge { gauge!(family, "projection" => status.name) };
    of("whistle_follower_position").set(number(status.position.get()));
    of("whistle_follower_lag_events").set(number(status.lag));
    of("whistle_projection_parked").set(if status.parked.is_some() { 1.0 } else { 0.0 });
}

/// Exact up to 2^53, which no ledger comes near.
fn number(count: u64) -> f64 {
    count as f64
}
