//! Answers on their way back.
//!
//! One subscription for all of them, kept here and not in `async-nats`, which never forgets a request whose answer did not
//! come, and does not tell when the connection that was to bring it is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_nats::{Client, Message, Subscriber};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use crate::shared::lock;

/// Requests that may be under way; further ones wait unsent.
pub(crate) const WAITING_MAX: usize = 4_096;

/// Where the answers of one process come in.
pub(crate) struct Inbox {
    /// Subject without the last token, which tells the requests apart.
    subject: String,
    next: AtomicU64,
    places: Arc<Semaphore>,
    pub(crate) waiting: Arc<Waiting>,
}

/// Who waits for which answer.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<HashMap<u64, Entry>>);

struct Entry {
    /// Number of the connection it was sent on.
    connection: u64,
    answer: oneshot::Sender<Message>,
}

/// One awaited answer; dropping it forgets the request.
pub(crate) struct Ticket {
    pub(crate) reply: String,
    id: u64,
    answer: oneshot::Receiver<Message>,
    waiting: Arc<Waiting>,
    _place: OwnedSemaphorePermit,
}

impl Inbox {
    /// Subscribes; takes effect once connected, and again after every reconnection.
    pub(crate) async fn open(client: &Client) -> Result<(Inbox, Subscriber), async_nats::SubscribeError> {
        let subject = client.new_inbox();
        let subscriber = client.subscribe(format!("{subject}.*")).await?;
        let places = Arc::new(Semaphore::new(WAITING_MAX));
        Ok((Inbox { subject, next: AtomicU64::new(0), places, waiting: Arc::default() }, subscriber))
    }

    /// Waits for a place among the requests under way.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().acquire_owned().await.ok()
    }

    pub(crate) fn ticket(&self, connection: u64, place: OwnedSemaphorePermit) -> Ticket {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting.0).insert(id, Entry { connection, answer: sender });
        let reply = format!("{}.{id}", self.subject);
        Ticket { reply, id, answer, waiting: self.waiting.clone(), _place: place }
    }
}

impl Waiting {
    fn take(&self, subject: &str) -> Option<oneshot::Sender<Message>> {
        let id = subject.rsplit('.').next()?.parse().ok()?;
        lock(&self.0).remove(&id).map(|entry| entry.answer)
    }

    /// Ends the waiting of all that were not sent on this connection.
    pub(crate) fn lose_all_but(&self, connection: Option<u64>) {
        lock(&self.0).retain(|_, entry| Some(entry.connection) == connection);
    }
}

impl Ticket {
    /// The answer; none once the connection is lost.
    pub(crate) async fn answer(&mut self) -> Option<Message> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.waiting.0).remove(&self.id);
    }
}

/// Hands answers to those who wait; what nobody waits for any more is dropped.
pub(crate) async fn run(mut subscriber: Subscriber, waiting: Arc<Waiting>, stop: CancellationToken) {
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return,
            message = subscriber.next() => message,
        };
        let Some(message) = message else { return };
        if let Some(answer) = waiting.take(&message.subject) {
            // Fails if the one who asked has given up this moment.
            answer.send(message).ok();
        }
    }
}
