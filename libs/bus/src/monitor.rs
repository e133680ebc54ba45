//! Turns what the connection shows into [`State`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State as Connection;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::inbox::Waiting;
use crate::shared::Shared;
use crate::state::{State, payload_max};

/// The connection offers no way to wait for its state, and its events may be lost or come before the state they tell of.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const LOST: &str = "connection lost";

pub(crate) struct Monitor {
    client: Client,
    shared: Arc<Shared>,
    waiting: Arc<Waiting>,
    /// Number of the connection that was last seen alive; none while away.
    seen: Option<u64>,
    /// Connections counted so far.
    counted: u64,
}

impl Monitor {
    pub(crate) fn new(client: Client, shared: Arc<Shared>, waiting: Arc<Waiting>) -> Monitor {
        Monitor { client, shared, waiting, seen: None, counted: 0 }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // Whoever never connects is seen to be away.
        metrics::gauge!("whistle_nats_connected").set(0.0);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.shared.wake.notified() => {}
                _ = look.tick() => {}
            }
            self.look();
        }
        self.shared.close();
        self.waiting.lose_all_but(None);
    }

    fn look(&mut self) {
        let number = self.client.statistics().connects.load(Ordering::Acquire);
        let now = (self.client.connection_state() == Connection::Connected).then_some(number);
        if self.seen.is_some() && self.seen != now {
            self.lost(now);
        }
        match now {
            Some(number) => self.alive(number),
            None => self.away(),
        }
    }

    fn lost(&mut self, now: Option<u64>) {
        self.seen = None;
        self.waiting.lose_all_but(now);
        if self.shared.reason().is_empty() {
            self.shared.set_reason(LOST);
        }
        let reason = self.shared.reason();
        tracing::warn!(name = self.shared.name, "nats is away: {reason}");
        self.change(State::Away { since: Instant::now(), reason });
        metrics::gauge!("whistle_nats_connected").set(0.0);
    }

    fn alive(&mut self, number: u64) {
        // Absent for a moment after the first connection.
        let Some(info) = self.client.try_server_info() else { return };
        let payload_max = payload_max(self.client.max_payload());
        if self.seen.is_none() {
            self.seen = Some(number);
            self.shared.set_reason("");
            tracing::info!(name = self.shared.name, version = info.version, "connected to nats");
            metrics::gauge!("whistle_nats_connected").set(1.0);
            // The first is no reconnection, and some may have come and gone unseen.
            let anew = number.saturating_sub(self.counted.max(1));
            metrics::counter!("whistle_nats_reconnects_total").increment(anew);
            self.counted = number;
        }
        self.change(State::Connected { server: info.version, payload_max });
    }

    /// Keeps the reason current; the first one ends [`State::Connecting`].
    fn away(&self) {
        let reason = self.shared.reason();
        let since = match &*self.shared.state.borrow() {
            State::Away { since, reason: old } if *old != reason => *since,
            State::Connecting if !reason.is_empty() => Instant::now(),
            State::Away { .. } | State::Connecting | State::Connected { .. } | State::Closed => return,
        };
        tracing::warn!(name = self.shared.name, "nats is away: {reason}");
        self.change(State::Away { since, reason });
    }

    fn change(&self, new: State) {
        self.shared.state.send_if_modified(|state| {
            // Closing happens elsewhere and is for good.
            let changes = *state != State::Closed && *state != new;
            if changes {
                *state = new;
            }
            changes
        });
    }
}
