//! The connection to NATS: subjects, request and reply, publish, subscribe, micro services.
//!
//! Here: what core NATS gives, made honest about what happened to a message, and bounded in memory and time. Not here:
//! what the messages mean (`ledger`, `vault`), JetStream, retries of a request (whoever asks knows whether that is safe).
//!
//! Invariants: no other crate names `async-nats`; no subject comes from text that was not checked; nothing is asked or
//! published while the server is away, so nothing asked for in vain is sent later on purpose (the answers of services do
//! wait for the server, for whoever still waits for them); no request is waited for beyond its deadline; no queue without
//! a bound, ours in messages and bytes, the connection's own in messages alone; no drop that nobody is told of; no
//! credential in a log line, an error or a metric.
//!
//! What NATS does not promise is not promised here: a published message may be lost without anyone being told, and a
//! request whose answer did not come may still be worked on, even after the server has come back.

mod connect;
mod events;
mod inbox;
mod message;
mod monitor;
mod publish;
mod request;
mod service;
mod settings;
mod shared;
mod state;
mod subject;
mod subscription;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use connect::ConnectError;
pub use message::{Message, TRACE_BYTES_MAX};
pub use publish::PublishError;
pub use request::RequestError;
pub use service::{Asked, Endpoint, Refused, ServeError, Service, Serving};
pub use settings::Settings;
pub use state::{Refusals, State};
pub use subject::{BadSubject, Subject};
pub use subscription::{SubscribeError, Subscription};

use shared::Shared;

/// How long [`Bus::close`] waits for what is under way.
const CLOSE_GRACE: Duration = Duration::from_secs(5);

/// A connection to NATS; clones share it. It ends when the last clone, subscription and service is gone.
#[derive(Clone)]
pub struct Bus {
    inner: Arc<Inner>,
}

struct Inner {
    client: async_nats::Client,
    shared: Arc<Shared>,
    inbox: inbox::Inbox,
    /// For what has no deadline of its own: handing a message to the connection.
    handover: Duration,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Ends the tasks with the last handle.
    _stop_with_us: DropGuard,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bus").field("state", &*self.inner.shared.state.borrow()).finish_non_exhaustive()
    }
}

impl Bus {
    /// Connects under `name`, which the server shows to its operators. Comes back also while the server is away or
    /// refuses the credentials, and goes on trying for ever with a growing, jittered pause.
    ///
    /// # Errors
    /// Only for what an operator must mend: faulty settings, a file that cannot be read or holds something else.
    pub async fn connect(settings: &Settings, name: &str) -> Result<Bus, ConnectError> {
        connect::connect(settings, name).await
    }

    /// How the connection is, as it changes. Short absences may be seen only as a second `Connected`.
    pub fn state(&self) -> watch::Receiver<State> {
        self.inner.shared.state.subscribe()
    }

    /// Whether a request would be sent now. The server may be gone without the connection having noticed.
    pub fn is_connected(&self) -> bool {
        !self.inner.stop.is_cancelled()
            && self.inner.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Waits until the server is there, or until the bus is closed.
    pub async fn connected(&self) {
        let mut state = self.state();
        // The sender lives in `self`, so the wait ends by the state alone.
        state.wait_for(|state| matches!(state, State::Connected { .. } | State::Closed)).await.ok();
    }

    /// Most bytes of one payload: what the server takes for one message, less the share kept for headers.
    pub fn payload_max(&self) -> usize {
        state::payload_max(self.inner.client.max_payload())
    }

    /// What the server refused of this connection: credentials, and subjects it may not use.
    pub fn refusals(&self) -> watch::Receiver<Refusals> {
        self.inner.shared.refusals.subscribe()
    }

    /// Ends the connection: what was published is handed to the server, subscriptions and services end. Bounded.
    pub async fn close(&self) {
        let inner = &self.inner;
        if inner.stop.is_cancelled() {
            return;
        }
        let was_connected = self.is_connected();
        inner.shared.close();
        inner.stop.cancel();
        inner.tasks.close();
        let finish = async {
            inner.tasks.wait().await;
            // Draining alone does not wait until everything is written. The last question is dropped by the connection's end.
            if was_connected && inner.client.flush().await.is_ok() && inner.client.drain().await.is_ok() {
                inner.client.flush().await.ok();
            }
        };
        if tokio::time::timeout(CLOSE_GRACE, finish).await.is_err() {
            tracing::warn!("the connection to NATS was not closed in time");
        }
    }

    /// Refuses what cannot be sent now, so that it is not sent at some later time.
    fn refuse_unsendable(&self, payload_bytes: usize) -> Result<(), Unsendable> {
        let limit = self.payload_max();
        if payload_bytes > limit {
            return Err(Unsendable::TooLarge { limit, actual: payload_bytes });
        }
        if self.is_connected() { Ok(()) } else { Err(Unsendable::Away) }
    }
}

/// Why a message was not even handed to the connection.
enum Unsendable {
    Away,
    TooLarge { limit: usize, actual: usize },
}
