//! The side that has the log: answers what is asked and publishes what becomes durable.

mod answers;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::{Asked, Bus, Endpoint, Refused, RequestError, Service};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(crate) use self::answers::Core;
use super::link::{Link, NOT_UNDERSTOOD, Op, log_subject, subject};
use super::protocol::{self, Origin, Status, Told};
use crate::backend::Backend;
use crate::context::Rider;
use crate::errors::LedgerError;
use crate::handle::Ledger;

/// Between two beats.
const BEAT: Duration = if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(1) };
/// Left free in a message for what surrounds commits.
const MARGIN: usize = 16 * 1024;
/// The least a message must be able to carry: the largest commit, and what surrounds it.
pub(crate) const MESSAGE_MIN: usize = event_store::limits::COMMIT_BYTES_MAX + 2 * MARGIN;
/// Requests worked on at a time, each of up to 256 commits.
const COMMITS_AT_ONCE: usize = 64;
/// Reads worked on at a time.
const READS_AT_ONCE: usize = 32;
/// How long others that begin at the same time are listened for: many times what a message takes.
const CLAIM: Duration = Duration::from_millis(250);
/// How long another ledger on the same subjects has to speak up before this one serves.
const RIVAL_WITHIN: Duration = if cfg!(test) { Duration::from_millis(500) } else { Duration::from_secs(2) };

/// Why what came with a commit was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiderFault {
    /// It does not fit what is kept already; the sender prepares it anew.
    Refused,
    /// It could not be kept now; whether the commit may happen is open.
    Failed,
}

/// The answer of [`Riders::keep`].
pub type Kept<'a> = Pin<Box<dyn Future<Output = Vec<Result<(), RiderFault>>> + Send + 'a>>;

/// The time by which the host of a log judges when commits say they were recorded. One that is ahead would stamp all later ones.
#[derive(Clone)]
pub struct Times {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ahead_max: Duration,
}

impl Times {
    /// What time it is, and by how much another machine may be ahead of it.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static, ahead_max: Duration) -> Self {
        Self { now: Arc::new(now), ahead_max }
    }

    fn now(&self) -> Timestamp {
        (self.now)()
    }

    fn are_past(&self, recorded_at: Timestamp) -> bool {
        let ahead = recorded_at.duration_since((self.now)());
        Duration::try_from(ahead).is_ok_and(|ahead| ahead > self.ahead_max)
    }
}

/// Keeps what comes with commits, before them.
pub trait Riders: Send + Sync {
    /// Makes riders durable that came together, each by itself: one outcome for each, in their order. Repeating is harmless.
    fn keep<'a>(&'a self, riders: Vec<&'a Rider>) -> Kept<'a>;
}

/// For a ledger to which nothing comes but commits.
#[derive(Debug, Clone, Copy)]
pub struct NoRiders;

impl Riders for NoRiders {
    fn keep<'a>(&'a self, riders: Vec<&'a Rider>) -> Kept<'a> {
        Box::pin(std::future::ready(vec![Err(RiderFault::Failed); riders.len()]))
    }
}

/// Why a ledger is not served over NATS, or not any longer.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Only a log that is open in this process can be served.
    #[error("the log is not open in this process")]
    NotLocal,
    /// Somebody else serves it. Two would give the same positions to different events.
    #[error("another process serves ledger {ledger} here since {since} ({instance}); end one of them")]
    Rival {
        /// Which ledger.
        ledger: String,
        /// Since when.
        since: Timestamp,
        /// Its instance.
        instance: Uuid,
    },
    /// nats-server is set to carry less than a commit.
    #[error("nats-server carries {actual} bytes a message, commits need {needed}; raise its max_payload")]
    SmallMessages {
        /// What it carries.
        actual: usize,
        /// What is needed.
        needed: usize,
    },
    /// NATS refuses.
    #[error("the ledger cannot be served: {0}")]
    Bus(String),
    /// The log cannot be read any more, or a process of another program serves it already.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// A ledger as others reach it.
#[derive(Clone)]
pub struct Host(Arc<Core>);

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("origin", &self.0.origin).finish_non_exhaustive()
    }
}

impl Host {
    /// A host of a log that is open in this process.
    ///
    /// # Errors
    /// [`HostError::NotLocal`]
    pub fn new(ledger: &Ledger, riders: Arc<dyn Riders>, times: Times) -> Result<Self, HostError> {
        let Backend::Local { store, .. } = &ledger.inner.backend else { return Err(HostError::NotLocal) };
        let origin = Origin {
            ledger: ledger.id().to_owned(),
            epoch: store.head().epoch,
            instance: random_instance()?,
            since: times.now().as_microsecond(),
        };
        let message_max = MESSAGE_MIN.into();
        let (ledger, store) = (ledger.clone(), store.clone());
        let is_served = false.into();
        Ok(Self(Arc::new(Core { ledger, store, riders, times, origin, message_max, is_served })))
    }

    /// Serves the ledger, with `beside` in the same NATS service, until told to stop. Waits for NATS first, however long that
    /// takes, and goes on when it comes back.
    ///
    /// # Errors
    /// [`HostError`]; a rival found later ends the one that began later.
    pub async fn serve(
        &self,
        bus: &Bus,
        beside: Vec<Endpoint>,
        stop: &CancellationToken,
    ) -> Result<(), HostError> {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = bus.connected() => {}
        }
        let (actual, needed) = (bus.payload_max(), MESSAGE_MIN);
        if actual < needed {
            return Err(HostError::SmallMessages { actual, needed });
        }
        self.0.message_max.store(actual, Ordering::Relaxed);
        let jurisdiction = self.0.origin.ledger.clone();
        let link = Arc::new(Link::Nats { bus: bus.clone(), jurisdiction, deadline: RIVAL_WITHIN });
        let claimed = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            claimed = self.claim(bus, &link) => claimed,
        };
        claimed?;
        let mut endpoints = self.endpoints()?;
        endpoints.extend(beside);
        let service = Service {
            name: "whistle-ledger".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: "the log of one jurisdiction and the rows of its vault".to_owned(),
            endpoints,
        };
        let serving = bus.serve(service).await.map_err(|error| refused(&error))?;
        self.0.is_served.store(true, Ordering::Release);
        tracing::info!(ledger = self.0.origin.ledger, "the ledger is served over NATS");
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            outcome = self.0.publish(&link) => outcome,
            rival = self.watch_for_rival(bus, &link) => Err(rival),
        };
        self.0.is_served.store(false, Ordering::Release);
        drop(serving);
        outcome
    }

    /// Whether requests are taken: NATS was reached, and nobody else serves this ledger.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.0.is_served.load(Ordering::Acquire)
    }

    /// Ends where another one answers. One that is there and does not answer is asked until it does or is gone.
    async fn refuse_rival(&self, bus: &Bus) -> Result<(), HostError> {
        let subject = subject(&self.0.origin.ledger, Op::Status)?;
        loop {
            bus.connected().await;
            match bus.request(&subject, protocol::encode(&())?, None, RIVAL_WITHIN).await {
                Ok(answer) => return Err(rival(&protocol::decode::<Status>(&answer)?.origin)),
                Err(RequestError::NobodyListens) => return Ok(()),
                Err(error @ (RequestError::Away | RequestError::Unknown)) => {
                    tracing::warn!(%error, "whether another process serves this ledger is not known; asking again");
                    tokio::time::sleep(BEAT).await;
                }
                Err(error @ (RequestError::TooLarge { .. } | RequestError::Refused { .. })) => {
                    return Err(refused(&error));
                }
            }
        }
    }

    /// Ends where another one serves already; of several that begin together lets the earlier serve, before any of them answers a
    /// request. Each listens first and then speaks, and whoever hears a later one speaks again: of two at least one hears the other.
    async fn claim(&self, bus: &Bus, link: &Link) -> Result<(), HostError> {
        self.refuse_rival(bus).await?;
        let subject = log_subject(&self.0.origin.ledger)?;
        let mut heard = bus.subscribe(&subject).await.map_err(|error| refused(&error))?;
        let until = Instant::now() + CLAIM;
        let claim = Told::Claim { origin: self.0.origin.clone() };
        self.0.tell(link, &claim).await;
        while let Ok(Some(message)) = timeout_at(until, heard.next()).await {
            let Ok(told) = protocol::decode::<Told<'_>>(&message.payload) else { continue };
            let other = told.origin();
            if other.instance == self.0.origin.instance {
                continue;
            }
            if !told.is_claim() || self.is_later_than(other) {
                return Err(rival(other));
            }
            self.0.tell(link, &claim).await;
        }
        Ok(())
    }

    fn is_later_than(&self, other: &Origin) -> bool {
        (other.since, other.instance) < (self.0.origin.since, self.0.origin.instance)
    }

    /// Ends with a rival that serves and began before this one. One that merely wants to is told at once that it is too late.
    async fn watch_for_rival(&self, bus: &Bus, link: &Link) -> HostError {
        let Ok(subject) = log_subject(&self.0.origin.ledger) else { return std::future::pending().await };
        loop {
            if let Ok(mut subscription) = bus.subscribe(&subject).await {
                while let Some(message) = subscription.next().await {
                    let Ok(told) = protocol::decode::<Told<'_>>(&message.payload) else { continue };
                    let other = told.origin();
                    if other.instance == self.0.origin.instance {
                        continue;
                    }
                    if told.is_claim() {
                        tracing::warn!(instance = %other.instance, "another process wants to serve this ledger");
                        let (origin, head) = (self.0.origin.clone(), self.0.store.head());
                        self.0.tell(link, &Told::Beat { origin, head }).await;
                        continue;
                    }
                    tracing::error!(instance = %other.instance, "another process publishes this ledger's log");
                    metrics::counter!("whistle_log_alien_total").increment(1);
                    if self.is_later_than(other) {
                        return rival(other);
                    }
                }
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    fn endpoints(&self) -> Result<Vec<Endpoint>, LedgerError> {
        let endpoint = |op: Op| {
            let core = Arc::clone(&self.0);
            let at_once = if op == Op::Commit { COMMITS_AT_ONCE } else { READS_AT_ONCE };
            let answer = move |asked: Asked| {
                let core = Arc::clone(&core);
                async move {
                    let answered = core.answer(op, &asked.payload).await;
                    answered.map_err(|error| Refused { code: NOT_UNDERSTOOD, reason: error.to_string() })
                }
            };
            Ok(Endpoint::new(op.name(), subject(&self.0.origin.ledger, op)?, at_once, answer))
        };
        Op::ALL.into_iter().map(endpoint).collect()
    }

    #[cfg(test)]
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0
    }

    /// The same log, told of as one of another epoch.
    #[cfg(test)]
    pub(crate) fn as_epoch(&self, epoch: u32) -> Self {
        let Core { ledger, store, riders, times, origin, .. } = self.0.as_ref();
        let (ledger, store, riders) = (ledger.clone(), store.clone(), Arc::clone(riders));
        let (origin, times) = (Origin { epoch, ..origin.clone() }, times.clone());
        let (message_max, is_served) = (MESSAGE_MIN.into(), false.into());
        Self(Arc::new(Core { ledger, store, riders, times, origin, message_max, is_served }))
    }
}

fn random_instance() -> Result<Uuid, HostError> {
    let random: [u8; 16] = ring::rand::generate(&ring::rand::SystemRandom::new())
        .map_err(|_unspecified| HostError::Bus("the system gives no randomness".to_owned()))?
        .expose();
    Ok(uuid::Builder::from_random_bytes(random).into_uuid())
}

fn refused(error: &dyn std::fmt::Display) -> HostError {
    HostError::Bus(error.to_string())
}

fn rival(other: &Origin) -> HostError {
    HostError::Rival {
        ledger: other.ledger.clone(),
        since: Timestamp::from_microsecond(other.since).unwrap_or_default(),
        instance: other.instance,
    }
}
