//! The side that has the log: answers what is asked and publishes what becomes durable.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bus::{Asked, Bus, Endpoint, Refused, Service};
use bytes::Bytes;
use event_store::{Head, ReadError, Store, StoredCommit};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::link::{Link, Op, log_subject, subject};
use super::protocol::{self, Ask, Batch, Find, Origin, Outcome, Page, ReadLog, ReadStream, Status, Told};
use crate::backend::Backend;
use crate::context::Rider;
use crate::errors::LedgerError;
use crate::handle::Ledger;

/// Between two beats.
const BEAT: Duration = if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(1) };
/// Bytes of commits in one frame, give or take one commit.
const FRAME_BYTES: usize = 256 * 1024;
/// Left free in a message for what surrounds commits.
const MARGIN: usize = 16 * 1024;
/// The least a message must be able to carry: the largest commit, and what surrounds it.
pub(crate) const MESSAGE_MIN: usize = event_store::limits::COMMIT_BYTES_MAX + 2 * MARGIN;
/// Requests worked on at a time, each of up to 256 commits.
const COMMITS_AT_ONCE: usize = 64;
/// Reads worked on at a time.
const READS_AT_ONCE: usize = 32;
/// How long another ledger on the same subjects has to speak up before this one serves.
const RIVAL_WITHIN: Duration = Duration::from_secs(2);

/// Why what came with a commit was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RiderFault {
    /// It does not fit what is kept already; the sender prepares it anew.
    Refused,
    /// It could not be kept now; whether the commit may happen is open.
    Failed,
}

/// The answer of [`Riders::keep`].
pub type Kept<'a> = Pin<Box<dyn Future<Output = Result<(), RiderFault>> + Send + 'a>>;

/// Keeps what comes with commits, before them.
pub trait Riders: Send + Sync {
    /// Makes a rider durable. Repeating is harmless.
    fn keep<'a>(&'a self, rider: &'a Rider) -> Kept<'a>;
}

/// For a ledger to which nothing comes but commits.
#[derive(Debug, Clone, Copy)]
pub struct NoRiders;

impl Riders for NoRiders {
    fn keep<'a>(&'a self, _rider: &'a Rider) -> Kept<'a> {
        Box::pin(std::future::ready(Err(RiderFault::Failed)))
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
    /// The log cannot be read any more.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// A ledger as others reach it.
#[derive(Clone)]
pub struct Host(Arc<Core>);

/// Answers requests; knows no network.
pub(crate) struct Core {
    ledger: Ledger,
    store: Store,
    riders: Arc<dyn Riders>,
    origin: Origin,
    message_max: std::sync::atomic::AtomicUsize,
}

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
    pub fn new(ledger: &Ledger, riders: Arc<dyn Riders>, now: Timestamp) -> Result<Self, HostError> {
        let Backend::Local { store, .. } = &ledger.inner.backend else { return Err(HostError::NotLocal) };
        let origin = Origin {
            ledger: ledger.id().to_owned(),
            epoch: store.head().epoch,
            instance: random_instance()?,
            since: now.as_microsecond(),
        };
        let message_max = MESSAGE_MIN.into();
        let (ledger, store) = (ledger.clone(), store.clone());
        Ok(Self(Arc::new(Core { ledger, store, riders, origin, message_max })))
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
        self.0.message_max.store(actual, std::sync::atomic::Ordering::Relaxed);
        let jurisdiction = self.0.origin.ledger.clone();
        let link = Arc::new(Link::Nats { bus: bus.clone(), jurisdiction, deadline: RIVAL_WITHIN });
        self.refuse_rival(&link).await?;
        let mut endpoints = self.endpoints()?;
        endpoints.extend(beside);
        let service = Service {
            name: "whistle-ledger".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: "the log of one jurisdiction and the rows of its vault".to_owned(),
            endpoints,
        };
        let serving = bus.serve(service).await.map_err(|error| HostError::Bus(error.to_string()))?;
        tracing::info!(ledger = self.0.origin.ledger, "the ledger is served over NATS");
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            outcome = self.0.publish(&link) => outcome,
            rival = self.watch_for_rival(bus) => Err(rival),
        };
        drop(serving);
        outcome
    }

    async fn refuse_rival(&self, link: &Link) -> Result<(), HostError> {
        match super::ask_status(link).await {
            Ok(status) => Err(rival(&status.origin)),
            Err(_nobody) => Ok(()),
        }
    }

    /// Ends with a rival that began before this one.
    async fn watch_for_rival(&self, bus: &Bus) -> HostError {
        let Ok(subject) = log_subject(&self.0.origin.ledger) else { return std::future::pending().await };
        loop {
            if let Ok(mut subscription) = bus.subscribe(&subject).await {
                while let Some(message) = subscription.next().await {
                    let Ok(told) = protocol::decode::<Told<'_>>(&message.payload) else { continue };
                    let other = told.origin();
                    if other.instance == self.0.origin.instance {
                        continue;
                    }
                    tracing::error!(instance = %other.instance, "another process publishes this ledger's log");
                    metrics::counter!("whistle_log_alien_total").increment(1);
                    if (other.since, other.instance) < (self.0.origin.since, self.0.origin.instance) {
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
                    answered.map_err(|error| Refused { code: 400, reason: error.to_string() })
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
}

fn random_instance() -> Result<Uuid, HostError> {
    let random: [u8; 16] = ring::rand::generate(&ring::rand::SystemRandom::new())
        .map_err(|_unspecified| HostError::Bus("the system gives no randomness".to_owned()))?
        .expose();
    Ok(uuid::Builder::from_random_bytes(random).into_uuid())
}

fn rival(other: &Origin) -> HostError {
    HostError::Rival {
        ledger: other.ledger.clone(),
        since: Timestamp::from_microsecond(other.since).unwrap_or_default(),
        instance: other.instance,
    }
}

impl Core {
    /// What a request comes to. Nothing is done for one that is not understood.
    pub(crate) async fn answer(&self, op: Op, payload: &Bytes) -> Result<Bytes, LedgerError> {
        match op {
            Op::Commit => self.commit(protocol::decode(payload)?).await,
            Op::Stream => {
                let ReadStream { stream, after, bytes_max } = protocol::decode(payload)?;
                let page = self.read(move |store| {
                    let page = store.read_stream(&stream, after, bytes_max.min(FRAME_BYTES * 2))?;
                    let mut commits: Vec<Arc<StoredCommit>> = Vec::new();
                    for found in page.events {
                        if commits.last().is_none_or(|last| last.first != found.commit.first) {
                            commits.push(found.commit);
                        }
                    }
                    Ok((commits, page.head.get(), page.more))
                });
                self.page(page.await)
            }
            Op::Log => {
                let ReadLog { after, bytes_max } = protocol::decode(payload)?;
                let page = self.read(move |store| {
                    let page = store.read_log(after, bytes_max.min(FRAME_BYTES * 2))?;
                    Ok((page.commits, page.head.get(), page.more))
                });
                self.page(page.await)
            }
            Op::Find => {
                let Find { principal, command_id } = protocol::decode(payload)?;
                let found = self.read(move |store| {
                    let found = store.find_command(&principal, command_id)?;
                    Ok((found.into_iter().collect(), store.head().position.get(), false))
                });
                self.page(found.await)
            }
            Op::Status => {
                let code = self.ledger.info().code.as_str().to_owned();
                protocol::encode(&Status { origin: self.origin.clone(), code, head: self.store.head() })
            }
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.ledger.inner.backend.blocking(read).await
    }

    fn page(
        &self,
        read: Result<(Vec<Arc<StoredCommit>>, u64, bool), ReadError>,
    ) -> Result<Bytes, LedgerError> {
        let (commits, head, mut more) = match read {
            Ok(read) => read,
            Err(error) => return protocol::encode(&Page::Failed(error)),
        };
        let room = self.room();
        let mut bytes = 0;
        let mut raws = Vec::new();
        for commit in &commits {
            bytes += commit.raw().len() + 8;
            if bytes > room && !raws.is_empty() {
                more = true;
                break;
            }
            raws.push(serde_bytes::Bytes::new(commit.raw()));
        }
        protocol::encode(&Page::Commits { commits: raws, head, more })
    }

    fn room(&self) -> usize {
        self.message_max.load(std::sync::atomic::Ordering::Relaxed).saturating_sub(MARGIN)
    }

    async fn commit(&self, batch: Batch) -> Result<Bytes, LedgerError> {
        let done = join_all(batch.asks.into_iter().map(|ask| self.commit_one(ask))).await;
        let mut room = self.room();
        let outcomes: Vec<Outcome<'_>> = done
            .iter()
            .map(|done| match done {
                Done::Stored { commit, repeated } => {
                    let raw = commit.raw();
                    // A repeat may have been larger the first time; alone in a message there is room for it.
                    if raw.len() + 8 > room {
                        return Outcome::Unknown;
                    }
                    room -= raw.len() + 8;
                    Outcome::Stored { raw: serde_bytes::Bytes::new(raw), repeated: *repeated }
                }
                Done::Failed(error) => of_commit_error(error),
                Done::RiderRefused => Outcome::RiderRefused,
            })
            .collect();
        protocol::encode(&outcomes)
    }

    async fn commit_one(&self, ask: Ask) -> Done {
        if let Some(rider) = &ask.rider {
            match self.riders.keep(rider).await {
                Ok(()) => {}
                Err(RiderFault::Refused) if self.happened(&ask).await => {}
                Err(RiderFault::Refused) => return Done::RiderRefused,
                Err(RiderFault::Failed) => return Done::Failed(event_store::CommitError::Stopped),
            }
        }
        match self.store.commit(ask.commit).await {
            Ok(committed) => {
                trace(&committed);
                Done::Stored { commit: committed.commit, repeated: committed.repeated }
            }
            Err(error) => Done::Failed(error),
        }
    }

    /// Whether the command happened: then what comes along again is not needed.
    async fn happened(&self, ask: &Ask) -> bool {
        let (principal, command_id) = (ask.commit.principal.clone(), ask.commit.command_id);
        let found = self.read(move |store| store.find_command(&principal, command_id)).await;
        matches!(found, Ok(Some(_)))
    }

    /// Publishes what becomes durable from now on, and beats while nothing does.
    pub(crate) async fn publish(&self, link: &Link) -> Result<(), HostError> {
        let mut head = self.store.head();
        let mut follower = self.store.follow(head.position).map_err(LedgerError::from)?;
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let first = tokio::select! {
                commit = follower.next() => commit,
                _ = beat.tick() => {
                    self.tell(link, &Told::Beat { origin: self.origin.clone(), head }).await;
                    continue;
                }
            };
            let first = match first {
                Ok(first) => first,
                Err(ReadError::Stopped) => return Ok(()),
                Err(error) => return Err(LedgerError::from(error).into()),
            };
            let mut bytes = first.raw().len();
            let mut commits = vec![first];
            while bytes < FRAME_BYTES
                && let Some(Ok(next)) = follower.next().now_or_never()
            {
                bytes += next.raw().len();
                commits.push(next);
            }
            head = self.tell_commits(link, &commits).await.unwrap_or(head);
            beat.reset();
        }
    }

    async fn tell_commits(&self, link: &Link, commits: &[Arc<StoredCommit>]) -> Option<Head> {
        let (first, last) = (commits.first()?, commits.last()?);
        let told = Told::Commits {
            origin: self.origin.clone(),
            first: first.first,
            last: last.last(),
            previous: first.previous,
            commits: commits.iter().map(|commit| serde_bytes::Bytes::new(commit.raw())).collect(),
        };
        self.tell(link, &told).await;
        Some(Head::of(last))
    }

    async fn tell(&self, link: &Link, told: &Told<'_>) {
        match protocol::encode(told) {
            Ok(frame) => link.publish(frame).await,
            Err(error) => tracing::error!(%error, "a frame cannot be written"),
        }
    }
}

/// One line in the trace that the commit says it belongs to (W3C: version, trace, span, flags).
fn trace(committed: &event_store::Committed) {
    let commit = &committed.commit;
    if let Some(trace_id) = commit.traceparent.as_deref().and_then(|text| text.split('-').nth(1)) {
        let (position, repeated) = (commit.last().get(), committed.repeated);
        tracing::debug!(target: "whistle::trace", trace_id, position, repeated, "stored");
    }
}

enum Done {
    Stored { commit: Arc<StoredCommit>, repeated: bool },
    Failed(event_store::CommitError),
    RiderRefused,
}

fn of_commit_error(error: &event_store::CommitError) -> Outcome<'static> {
    use event_store::CommitError as Error;
    match error {
        Error::Conflict { stream, actual, .. } => {
            Outcome::Conflict { stream: stream.clone(), actual: *actual }
        }
        Error::CommandIdReused => Outcome::CommandIdReused,
        Error::TooLarge { .. } | Error::Invalid(_) => Outcome::Invalid(error.to_string()),
        Error::Busy => Outcome::Busy,
        Error::Stopped => Outcome::Unknown,
    }
}
