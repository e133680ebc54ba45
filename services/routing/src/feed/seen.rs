//! What operators see of the feeds.

use std::time::Duration;

use case::time::At;
use desk::Desk;
use jiff::Timestamp;
use metrics::{counter, gauge, histogram};

use super::seats::Seats;

/// A scrape is some seconds apart; a look is one walk over the open feeds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps the gauges. By the clock, so that a feed that stands still is seen to fall behind.
pub(super) async fn keep(desk: Desk, seats: Seats) {
    loop {
        let (open, slowest) = seats.look();
        let head = desk.ledger.head().position.get();
        let lag = slowest.map_or(0, |position| head.saturating_sub(position));
        gauge!("whistle_feeds_open").set(open as f64);
        gauge!("whistle_feed_lag_events").set(lag as f64);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A message was handed to a reader.
pub(super) fn sent() {
    counter!("whistle_feed_messages_total").increment(1);
}

/// An event was handed to a reader who had everything before it.
pub(super) fn delivered(recorded_at: At, now: Timestamp) {
    // An event is never recorded before the one before it, so its time may be a little ahead of a clock that was set back.
    let took = now.duration_since(recorded_at.instant()).max(jiff::SignedDuration::ZERO);
    histogram!("whistle_feed_delivery_seconds").record(took.as_secs_f64());
}
