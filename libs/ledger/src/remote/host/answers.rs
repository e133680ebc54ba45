//! What a ledger answers and publishes, whatever carries it.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use event_store::{Head, ReadError, Store, StoredCommit};
use futures_util::FutureExt as _;

use super::super::link::{Link, Op};
use super::super::protocol::{
    self, Ask, Batch, Find, Origin, Outcome, Page, ReadLog, ReadStream, Status, Told,
};
use super::{BEAT, HostError, MARGIN, RiderFault, Riders, Times};
use crate::context::Rider;
use crate::errors::LedgerError;
use crate::handle::Ledger;

/// Bytes of commits in one frame, give or take one commit.
const FRAME_BYTES: usize = 256 * 1024;

/// Answers requests; knows no network.
pub(crate) struct Core {
    pub(super) ledger: Ledger,
    pub(super) store: Store,
    pub(super) riders: Arc<dyn Riders>,
    pub(super) times: Times,
    pub(super) origin: Origin,
    /// The most bytes of one message.
    pub(super) message_max: AtomicUsize,
    /// Whether requests arrive.
    pub(super) is_served: AtomicBool,
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
        self.message_max.load(Ordering::Relaxed).saturating_sub(MARGIN)
    }

    async fn commit(&self, batch: Batch) -> Result<Bytes, LedgerError> {
        let done = self.commit_all(batch.asks).await;
        let mut room = self.room().saturating_sub(done.iter().map(Done::assigned_bytes_max).sum());
        let outcomes: Vec<Outcome<'_>> = done
            .iter()
            .map(|done| match done {
                Done::Stored { commit, repeated: false } => {
                    Outcome::Stored { assigned: commit.assigned(), chain: commit.chain_hash }
                }
                Done::Stored { commit, repeated: true } => {
                    let raw = commit.raw();
                    // It may have been larger the first time; alone in a message there is room for it.
                    if raw.len() + 8 > room {
                        return Outcome::Unknown;
                    }
                    room -= raw.len() + 8;
                    Outcome::Repeated { raw: serde_bytes::Bytes::new(raw) }
                }
                Done::Failed(error) => of_commit_error(error),
                Done::RiderRefused => Outcome::RiderRefused,
                Done::TooEarly => Outcome::TooEarly,
            })
            .collect();
        protocol::encode(&outcomes)
    }

    /// One outcome for each, in their order. What came together is kept and committed together: two syncs, however many.
    async fn commit_all(&self, asks: Vec<Ask>) -> Vec<Done> {
        let refused = self.refused(&asks).await;
        let (mut done, mut commits) = (Vec::with_capacity(asks.len()), Vec::with_capacity(asks.len()));
        for (ask, refused) in asks.into_iter().zip(refused) {
            if refused.is_none() {
                commits.push(ask.commit);
            }
            done.push(refused);
        }
        let mut committed = self.store.commit_all(commits).await.into_iter().map(Done::from);
        let stopped = || Done::Failed(event_store::CommitError::Stopped);
        done.into_iter().map(|refused| refused.or_else(|| committed.next()).unwrap_or_else(stopped)).collect()
    }

    /// Keeps what comes along with commits; says of each commit why it may not happen, if it may not.
    async fn refused(&self, asks: &[Ask]) -> Vec<Option<Done>> {
        // Judged once: time goes on while riders are kept, and each rider's outcome must meet its own commit.
        let are_early: Vec<bool> =
            asks.iter().map(|ask| self.times.are_past(ask.commit.recorded_at)).collect();
        let in_time = asks.iter().zip(&are_early).filter(|(_, is_early)| !**is_early);
        let riders: Vec<&Rider> = in_time.filter_map(|(ask, _)| ask.rider.as_ref()).collect();
        let kept = if riders.is_empty() { Vec::new() } else { self.riders.keep(riders).await };
        let mut kept = kept.into_iter();
        let mut refused = Vec::with_capacity(asks.len());
        for (ask, is_early) in asks.iter().zip(are_early) {
            if is_early {
                tracing::error!(
                    principal = ask.commit.principal,
                    recorded_at = %ask.commit.recorded_at,
                    "a commit from a machine whose clock is ahead is refused"
                );
                metrics::counter!("whistle_commits_ahead_of_time_total").increment(1);
                refused.push(Some(Done::TooEarly));
                continue;
            }
            let kept = match &ask.rider {
                Some(_) => kept.next().unwrap_or(Err(RiderFault::Failed)),
                None => Ok(()),
            };
            refused.push(match kept {
                Ok(()) => None,
                Err(RiderFault::Refused) if self.happened(ask).await => None,
                Err(RiderFault::Refused) => Some(Done::RiderRefused),
                Err(RiderFault::Failed) => Some(Done::Failed(event_store::CommitError::Stopped)),
            });
        }
        refused
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

    pub(crate) async fn tell_commits(&self, link: &Link, commits: &[Arc<StoredCommit>]) -> Option<Head> {
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

    pub(super) async fn tell(&self, link: &Link, told: &Told<'_>) {
        // An operator may have changed it while nats-server was restarted.
        self.message_max.store(link.message_max(), Ordering::Relaxed);
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
    TooEarly,
}

impl Done {
    /// What the log added, as an answer tells it: the numbers at their longest, and two hashes.
    fn assigned_bytes_max(&self) -> usize {
        match self {
            Self::Stored { commit, repeated: false } => 128 + 10 * commit.events.len(),
            Self::Stored { .. } | Self::Failed(_) | Self::RiderRefused | Self::TooEarly => 0,
        }
    }
}

impl From<Result<event_store::Committed, event_store::CommitError>> for Done {
    fn from(outcome: Result<event_store::Committed, event_store::CommitError>) -> Self {
        match outcome {
            Ok(committed) => {
                trace(&committed);
                Self::Stored { commit: committed.commit, repeated: committed.repeated }
            }
            Err(error) => Self::Failed(error),
        }
    }
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
