//! The one thread that writes: whatever waits goes into one transaction, made durable by one sync.

mod work;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::at_hand::AtHand;
use crate::error::Error;
use crate::fail_stop::Seams;
use crate::reader::Reader;
use crate::rows::{Ensured, NewRow, Subject, WrappedSecrets};

/// Jobs waiting; callers wait for a place beyond it.
const QUEUE_JOBS_MAX: usize = 1024;
/// Jobs of one transaction: at some 10 µs each, twice what a sync takes, and no more to lose by waiting.
const BATCH_JOBS_MAX: usize = 256;

/// What became of the rows of one step of a sweep.
pub(crate) struct Settled {
    pub(crate) named: usize,
    pub(crate) removed: usize,
}

type Reply<T> = oneshot::Sender<Result<T, Error>>;

enum Job {
    Ensure { rows: Vec<NewRow>, reply: Reply<Vec<Ensured>> },
    Secrets { proposal: WrappedSecrets, reply: Reply<WrappedSecrets> },
    Destroy { case: CaseId, key_id: KeyId, at: Timestamp, reply: Reply<bool> },
    Settle { named: Vec<Subject>, unnamed: Vec<Subject>, cutoff: Timestamp, reply: Reply<Settled> },
    Backup { path: PathBuf, reply: Reply<()> },
}

impl Job {
    /// The keys that are destroyed, removed or marked by it.
    fn changes(&self) -> Vec<Subject> {
        match self {
            Self::Destroy { case, key_id, .. } => vec![(*case, key_id.clone())],
            Self::Settle { named, unnamed, .. } => named.iter().chain(unnamed).cloned().collect(),
            Self::Ensure { .. } | Self::Secrets { .. } | Self::Backup { .. } => Vec::new(),
        }
    }
}

/// The handle on the thread. Dropping it lets the thread finish what waits, and waits for it.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    is_poisoned: Arc<AtomicBool>,
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        reader: Arc<Reader>,
        at_hand: Arc<AtHand>,
        seams: Seams,
    ) -> Result<Self, Error> {
        let (sender, queue) = mpsc::channel(QUEUE_JOBS_MAX);
        let is_poisoned = Arc::new(AtomicBool::new(false));
        let mut thread = Thread { connection, reader, at_hand, seams, is_poisoned: Arc::clone(&is_poisoned) };
        let thread = std::thread::Builder::new()
            .name("vault-writer".to_owned())
            .spawn(move || thread.run(queue))
            .map_err(Error::io("starting the vault's writer"))?;
        Ok(Self { queue: Some(sender), thread: Some(thread), is_poisoned })
    }

    pub(crate) async fn ensure(&self, rows: Vec<NewRow>) -> Result<Vec<Ensured>, Error> {
        self.ask(|reply| Job::Ensure { rows, reply }).await
    }

    pub(crate) async fn secrets(&self, proposal: WrappedSecrets) -> Result<WrappedSecrets, Error> {
        self.ask(|reply| Job::Secrets { proposal, reply }).await
    }

    pub(crate) async fn destroy(&self, case: CaseId, key_id: KeyId, at: Timestamp) -> Result<bool, Error> {
        self.ask(|reply| Job::Destroy { case, key_id, at, reply }).await
    }

    pub(crate) async fn settle(
        &self,
        named: Vec<Subject>,
        unnamed: Vec<Subject>,
        cutoff: Timestamp,
    ) -> Result<Settled, Error> {
        self.ask(|reply| Job::Settle { named, unnamed, cutoff, reply }).await
    }

    pub(crate) async fn backup(&self, path: PathBuf) -> Result<(), Error> {
        self.ask(|reply| Job::Backup { path, reply }).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, Error> {
        if self.is_poisoned.load(Ordering::Acquire) {
            return Err(Error::Poisoned);
        }
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        queue.send(job(reply)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the vault's writer panicked");
        }
    }
}

struct Thread {
    connection: Connection,
    reader: Arc<Reader>,
    at_hand: Arc<AtHand>,
    seams: Seams,
    is_poisoned: Arc<AtomicBool>,
}

impl Thread {
    /// Works until every sender is gone, or a panic ends it.
    fn run(&mut self, queue: mpsc::Receiver<Job>) {
        if catch_unwind(AssertUnwindSafe(|| self.work_off(queue))).is_err() {
            self.fail("the vault's writer panicked");
        }
    }

    fn work_off(&mut self, mut queue: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(BATCH_JOBS_MAX);
        // Takes whatever waits, up to the limit; zero means that every sender is gone.
        while queue.blocking_recv_many(&mut batch, BATCH_JOBS_MAX) > 0 {
            self.work(std::mem::take(&mut batch));
        }
    }

    fn work(&mut self, jobs: Vec<Job>) {
        let mut batch = Vec::with_capacity(jobs.len());
        for job in jobs {
            match job {
                // Copying cannot be part of a transaction; what came before it is in the copy.
                Job::Backup { path, reply } => {
                    self.commit(std::mem::take(&mut batch));
                    answer(reply, work::backup(&self.connection, &path));
                }
                Job::Ensure { .. } | Job::Secrets { .. } | Job::Destroy { .. } | Job::Settle { .. } => {
                    batch.push(job)
                }
            }
        }
        self.commit(batch);
    }

    /// All jobs in one transaction, their answers after it is durable.
    fn commit(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        if self.is_poisoned.load(Ordering::Acquire) {
            jobs.into_iter().for_each(|job| refuse(job, Error::Poisoned));
            return;
        }
        let changed: BTreeSet<Subject> = jobs.iter().flat_map(Job::changes).collect();
        self.at_hand.forget(&changed);
        let mut outcomes = Vec::with_capacity(jobs.len());
        match self.transact(&jobs, &mut outcomes) {
            Ok(()) => {
                let made = jobs.iter().zip(&outcomes).flat_map(|(job, outcome)| work::made(job, outcome));
                self.at_hand.keep(made, &changed);
                self.tell(jobs, outcomes);
            }
            Err(error) => {
                self.judge(&error);
                jobs.into_iter().for_each(|job| refuse(job, error.clone()));
            }
        }
    }

    fn transact(&mut self, jobs: &[Job], outcomes: &mut Vec<work::Outcome>) -> Result<(), Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for job in jobs {
            outcomes.push(work::run(&transaction, job)?);
        }
        self.seams.before_commit()?;
        Ok(transaction.commit()?)
    }

    fn tell(&mut self, jobs: Vec<Job>, outcomes: Vec<work::Outcome>) {
        let removes = outcomes.iter().any(work::Outcome::removes);
        // What was removed is overwritten in the database, and still whole in the write-ahead log.
        let emptied = if removes { work::empty_wal(&self.connection, &self.reader) } else { Ok(()) };
        if let Err(error) = &emptied {
            self.judge(error);
        }
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            let emptied = if outcome.removes() { emptied.clone() } else { Ok(()) };
            work::reply(job, outcome, emptied);
        }
    }

    /// After a failed sync nobody knows what is on the disk, and asking it again would lie: nothing more is written.
    fn judge(&self, error: &Error) {
        let Error::Storage(source) = error else { return };
        let code = source.sqlite_error_code();
        let is_fatal = matches!(
            code,
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        );
        tracing::error!(?code, is_fatal, "the vault could not write");
        if is_fatal {
            self.fail(&source.to_string());
        }
    }

    /// First nothing more is taken, then the process is told: no answer can slip between.
    fn fail(&self, reason: &str) {
        if !self.is_poisoned.swap(true, Ordering::AcqRel) {
            (self.seams.fail_stop)(reason);
        }
    }
}

fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    if reply.send(result).is_err() {
        tracing::debug!("who asked the vault has gone; what was done stays done");
    }
}

fn refuse(job: Job, error: Error) {
    match job {
        Job::Ensure { reply, .. } => answer(reply, Err(error)),
        Job::Secrets { reply, .. } => answer(reply, Err(error)),
        Job::Destroy { reply, .. } => answer(reply, Err(error)),
        Job::Settle { reply, .. } => answer(reply, Err(error)),
        Job::Backup { reply, .. } => answer(reply, Err(error)),
    }
}
