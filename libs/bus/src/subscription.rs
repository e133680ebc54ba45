//! Subscriptions.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_nats::Subscriber;
use futures_util::StreamExt;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::shared::{Shared, lock};
use crate::{Bus, Message, Subject, message};

/// Messages one subscription holds for a slow reader.
const MESSAGES_MAX: usize = 4_096;

/// Bytes one subscription holds for a slow reader; a single message beyond it still gets through.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// Why there is no subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The bus is closed.
    #[error("the connection to nats is closed")]
    Closed,
    /// The connection took nothing within the request timeout, since the server reads nothing.
    #[error("the connection to nats takes nothing")]
    Stuck,
}

/// Messages on one subject, from when the server learns of it. Survives reconnections; what is published meanwhile is lost.
#[derive(Debug)]
pub struct Subscription {
    queue: Arc<Queue>,
    shared: Drops,
    /// Keeps the connection; the guard goes first and ends the task that fills the queue.
    _stop_with_us: DropGuard,
    _bus: Bus,
}

/// Drops by the connection itself, which does not say whose message it was.
#[derive(Clone)]
struct Drops {
    shared: Arc<Shared>,
    at_start: u64,
}

impl std::fmt::Debug for Drops {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Drops").field(&self.count()).finish()
    }
}

impl Drops {
    fn count(&self) -> u64 {
        self.shared.slow_drops.load(Ordering::Relaxed).saturating_sub(self.at_start)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    held: Mutex<Held>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    messages: VecDeque<Message>,
    bytes: usize,
    dropped: u64,
    ended: bool,
}

impl Bus {
    /// Subscribes. While the server is away the subscription waits for it. Requests made on this bus afterwards reach the
    /// server after the subscription.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub async fn subscribe(&self, subject: &Subject) -> Result<Subscription, SubscribeError> {
        let inner = &self.inner;
        if inner.stop.is_cancelled() {
            return Err(SubscribeError::Closed);
        }
        let subscribing = inner.client.subscribe(subject.as_str().to_owned());
        let subscriber = match tokio::time::timeout(inner.handover, subscribing).await {
            Ok(Ok(subscriber)) => subscriber,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the connection refused a subscription");
                return Err(SubscribeError::Closed);
            }
            Err(_) => return Err(SubscribeError::Stuck),
        };
        let queue = Arc::new(Queue::default());
        let at_start = inner.shared.slow_drops.load(Ordering::Relaxed);
        let stop = inner.stop.child_token();
        inner.tasks.spawn(fill(subscriber, queue.clone(), inner.shared.clone(), stop.clone()));
        Ok(Subscription {
            queue,
            shared: Drops { shared: inner.shared.clone(), at_start },
            _stop_with_us: stop.drop_guard(),
            _bus: self.clone(),
        })
    }
}

impl Subscription {
    /// The next message; none once the bus is closed. Losing the future loses no message.
    pub async fn next(&mut self) -> Option<Message> {
        self.queue.take().await
    }

    /// Messages dropped so far because they were not taken fast enough, and whatever the connection dropped of others
    /// meanwhile, since it does not say whose they were. A burst of its own drops may be counted short; messages lost while
    /// the server was away are not in it. So this tells that something is missing, and not how much.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped().saturating_add(self.shared.count())
    }
}

impl Queue {
    /// Takes the message in, or counts it as dropped.
    pub(crate) fn put(&self, message: Message) -> bool {
        let mut held = lock(&self.held);
        let bytes = held.bytes.saturating_add(message.payload.len());
        let is_full = held.messages.len() >= MESSAGES_MAX || (bytes > BYTES_MAX && !held.messages.is_empty());
        if is_full {
            held.dropped = held.dropped.saturating_add(1);
        } else {
            held.bytes = bytes;
            held.messages.push_back(message);
        }
        drop(held);
        self.changed.notify_one();
        !is_full
    }

    pub(crate) fn end(&self) {
        lock(&self.held).ended = true;
        self.changed.notify_one();
    }

    /// One reader at a time.
    pub(crate) async fn take(&self) -> Option<Message> {
        loop {
            {
                let mut held = lock(&self.held);
                if let Some(message) = held.messages.pop_front() {
                    held.bytes = held.bytes.saturating_sub(message.payload.len());
                    return Some(message);
                }
                if held.ended {
                    return None;
                }
            }
            self.changed.notified().await;
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        lock(&self.held).dropped
    }
}

/// Empties the connection's queue as fast as it fills, so that drops happen where they are counted.
async fn fill(mut subscriber: Subscriber, queue: Arc<Queue>, shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => break,
            message = subscriber.next() => message,
        };
        let Some(message) = message else { break };
        let trace = message::trace(message.headers.as_ref());
        if !queue.put(Message { payload: message.payload, trace }) {
            shared.dropped("subscription");
        }
    }
    queue.end();
}
