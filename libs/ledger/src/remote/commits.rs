//! Sends commits: one at a time while it is quiet, many in one message under load.

use std::sync::Arc;

use event_store::{NewCommit, StoredCommit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::link::{AskError, Link, NOT_UNDERSTOOD, Op};
use super::protocol::{self, Ask, Batch, Outcome};
use crate::context::Rider;
use crate::errors::{CommitError, LedgerError, TooLarge};

/// Commits that may wait to be sent; one more is answered `Busy`.
const QUEUE_MAX: usize = 4096;
/// Bytes of commits that wait; one more is answered `Busy` too.
const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Messages under way at a time. What arrives meanwhile goes together into the next.
const UNDER_WAY_MAX: usize = 2;
/// Commits in one message.
const BATCH_MAX: usize = 256;
/// Left free in a message and its answer for what surrounds the commits.
const MARGIN: usize = 16 * 1024;

type Committed = Result<event_store::Committed, CommitError>;

struct Waiting {
    ask: Ask,
    size: usize,
    reply: oneshot::Sender<Committed>,
    _room: OwnedSemaphorePermit,
}

impl Waiting {
    /// Whether nobody waits for the answer any more. What was not sent then need not be: it did not happen.
    fn is_given_up(&self) -> bool {
        self.reply.is_closed()
    }
}

/// Where commits go.
struct Way {
    link: Arc<Link>,
    /// The ledger's id, a part of what is stored.
    ledger: String,
}

pub(crate) struct Commits {
    way: Arc<Way>,
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Commits {
    /// Needs a tokio runtime.
    pub(crate) fn start(link: Arc<Link>, ledger: &str, tasks: &TaskTracker) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let stop = CancellationToken::new();
        let way = Arc::new(Way { link, ledger: ledger.to_owned() });
        let sending = send_all(Arc::clone(&way), waiting, tasks.clone());
        let stopped = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = sending => {}
            }
        });
        Self { way, queue, room: Arc::new(Semaphore::new(QUEUE_BYTES_MAX)), stop }
    }

    pub(crate) fn close(&self) {
        self.stop.cancel();
    }

    pub(crate) async fn commit(&self, commit: NewCommit, rider: Option<Rider>) -> Committed {
        commit.check()?;
        if !self.way.link.is_up() {
            return Err(CommitError::Away);
        }
        let ask = Ask { commit, rider };
        let (size, limit) = (ask.size_max(), self.way.link.message_max().saturating_sub(MARGIN));
        if size > limit {
            return Err(TooLarge { what: "bytes of a commit on its way", limit, actual: size }.into());
        }
        let bytes = u32::try_from(size).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_full| CommitError::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.queue.try_send(Waiting { ask, size, reply, _room: room }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommitError::Away,
        })?;
        // Dropped unanswered only when the handle is closed in the middle of it.
        answer.await.unwrap_or(Err(CommitError::Unavailable))
    }
}

async fn send_all(way: Arc<Way>, mut queue: mpsc::Receiver<Waiting>, tasks: TaskTracker) {
    let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
    let mut held = None;
    loop {
        let Ok(permit) = Arc::clone(&under_way).acquire_owned().await else { return };
        let first = match held.take() {
            Some(first) => first,
            None => match queue.recv().await {
                Some(first) => first,
                None => return,
            },
        };
        if first.is_given_up() {
            continue;
        }
        let batch;
        (batch, held) = gather(first, &mut queue, way.link.message_max().saturating_sub(MARGIN));
        let way = Arc::clone(&way);
        tasks.spawn(async move {
            send(&way, batch).await;
            drop(permit);
        });
    }
}

/// What waits, as far as it fits into one message, and the one that did not fit any more.
fn gather(
    first: Waiting,
    queue: &mut mpsc::Receiver<Waiting>,
    limit: usize,
) -> (Vec<Waiting>, Option<Waiting>) {
    let mut size = first.size;
    let mut batch = vec![first];
    while batch.len() < BATCH_MAX
        && let Ok(next) = queue.try_recv()
    {
        if next.is_given_up() {
            continue;
        }
        size += next.size;
        if size > limit {
            return (batch, Some(next));
        }
        batch.push(next);
    }
    (batch, None)
}

async fn send(way: &Way, batch: Vec<Waiting>) {
    metrics::histogram!("whistle_ledger_commits_a_message").record(f64::from(small(batch.len())));
    let (asks, replies): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|waiting| (waiting.ask, waiting.reply)).unzip();
    let mut told = ask(way, &Batch { asks }).await.into_iter();
    for reply in replies {
        // Whoever stopped waiting asks again under the same id.
        drop(reply.send(told.next().unwrap_or(Err(CommitError::Unavailable))));
    }
}

fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

async fn ask(way: &Way, batch: &Batch) -> Vec<Committed> {
    let count = batch.asks.len();
    let all = |error: CommitError| vec![Err(error); count];
    let payload = match protocol::encode(batch) {
        Ok(payload) => payload,
        Err(error) => return all(error.into()),
    };
    let trace = batch.asks.iter().find_map(|ask| ask.commit.traceparent.as_deref());
    let answer = match way.link.send(Op::Commit, payload, trace).await {
        Ok(answer) => answer,
        Err(AskError::Away) => return all(CommitError::Away),
        Err(error @ (AskError::TooLarge { .. } | AskError::Refused { code: NOT_UNDERSTOOD, .. })) => {
            return all(LedgerError::from(error).into());
        }
        // An answer that could not be given comes after the work was done.
        Err(AskError::Unknown | AskError::Refused { .. }) => return all(CommitError::Unavailable),
    };
    match protocol::decode::<Vec<Outcome<'_>>>(&answer) {
        Ok(outcomes) if outcomes.len() == count => {
            let asked = batch.asks.iter().zip(outcomes);
            asked.map(|(ask, outcome)| way.committed(&ask.commit, &answer, outcome)).collect()
        }
        // It was heard, and may have happened.
        Ok(_) | Err(_) => all(CommitError::Unavailable),
    }
}

impl Way {
    fn committed(&self, asked: &NewCommit, answer: &bytes::Bytes, outcome: Outcome<'_>) -> Committed {
        match outcome {
            Outcome::Stored { assigned, chain } => {
                let commit = StoredCommit::assemble(asked, &self.ledger, &assigned);
                match commit {
                    Ok(commit) if commit.chain_hash == chain => {
                        Ok(event_store::Committed { commit: Arc::new(commit), repeated: false })
                    }
                    // It happened, but what is stored is not what is known here: the log has to be asked.
                    Ok(_) | Err(_) => Err(CommitError::Unavailable),
                }
            }
            Outcome::Repeated { raw } => {
                Ok(event_store::Committed { commit: protocol::stored(answer, raw)?, repeated: true })
            }
            Outcome::Conflict { stream, actual } => Err(CommitError::Conflict { stream, actual }),
            Outcome::CommandIdReused => Err(CommitError::CommandIdReused),
            Outcome::Invalid(detail) => Err(CommitError::Invalid(detail)),
            Outcome::Busy => Err(CommitError::Busy),
            Outcome::Unknown => Err(CommitError::Unavailable),
            Outcome::RiderRefused => Err(CommitError::RiderRefused),
            Outcome::TooEarly => {
                tracing::error!(recorded_at = %asked.recorded_at, "this machine's clock is ahead of the ledger's: nothing is committed");
                Err(CommitError::Away)
            }
        }
    }
}
