use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::chain::ChainHash;
use crate::commit::{Committed, NewCommit, StoredCommit};
use crate::committer::Committer;
use crate::errors::{CommitError, OpenError, ReadError};
use crate::follow::Follower;
use crate::ids::{Position, StreamName, Version};
use crate::log::Log;
use crate::open::{Opened, open_dir};
use crate::options::{Options, Seams};
use crate::queue::{Job, Queue};
use crate::reads::{LogPage, StreamPage};
use crate::recent::Recent;

/// An open event store. Clones share it; dropping the last one waits for what is queued and stops the committer
/// ([`Store::close`] does so without blocking).
///
/// Reads go as far as the durable head, never further. They block on storage: call them off the async threads.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    worker: Arc<Worker>,
}

/// How far the log is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The epoch being written; 1 in an empty log.
    pub epoch: u32,
    /// The last durable event; zero in an empty log.
    pub position: Position,
    /// The chain there.
    pub chain: ChainHash,
    /// When the last commit was recorded; 1970 in an empty log.
    #[serde(with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub recorded_at: Timestamp,
}

impl Head {
    /// Before the first commit.
    pub(crate) const EMPTY: Head = Head {
        epoch: 1,
        position: Position::ZERO,
        chain: ChainHash::GENESIS,
        recorded_at: Timestamp::UNIX_EPOCH,
    };

    /// After a commit.
    #[must_use]
    pub fn of(commit: &StoredCommit) -> Head {
        Head {
            epoch: commit.epoch,
            position: commit.last(),
            chain: commit.chain_hash,
            recorded_at: commit.recorded_at,
        }
    }
}

pub(crate) struct Shared {
    pub log: Log,
    pub queue: Queue,
    pub ledger: String,
    pub state: watch::Sender<State>,
    recent: Mutex<Recent>,
    /// Held as long as anything can touch the files.
    _lock: File,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    pub head: Head,
    pub stopped: bool,
}

struct Worker {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the log in `dir`, creating it when there is none. Blocks: recovery reads the files.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is served from a log that cannot be trusted.
    pub fn open(dir: &Path, options: &Options) -> Result<Store, OpenError> {
        Store::open_with(dir, options, Seams::none())
    }

    /// [`Store::open`] with a hold for tests.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(dir: &Path, options: &Options, seams: Seams) -> Result<Store, OpenError> {
        let Opened { log, lock, data, watermark, head } = open_dir(dir, options)?;
        let (state, _) = watch::channel(State { head, stopped: false });
        let shared = Arc::new(Shared {
            log,
            queue: Queue::new(options.queue_max),
            ledger: options.ledger.clone(),
            state,
            recent: Mutex::default(),
            _lock: lock,
        });
        let committer = Committer { shared: Arc::clone(&shared), seams, data, watermark, head };
        let thread = std::thread::Builder::new()
            .name("event-store".to_owned())
            .spawn(move || committer.run())
            .map_err(|source| OpenError::Io {
                action: "start the committer of",
                path: dir.to_owned(),
                source,
            })?;
        let worker = Arc::new(Worker { shared: Arc::clone(&shared), thread: Mutex::new(Some(thread)) });
        Ok(Store { shared, worker })
    }

    /// Commits; resolves once the commit is durable and visible. When the future is dropped the commit happens whole or
    /// not at all.
    ///
    /// # Errors
    /// [`CommitError`]. The command id is looked up before expected versions are, so a repeat of what happened never
    /// conflicts.
    pub async fn commit(&self, commit: NewCommit) -> Result<Committed, CommitError> {
        self.commit_all(vec![commit]).await.pop().unwrap_or(Err(CommitError::Stopped))
    }

    /// [`Store::commit`] for several that came together: as if each were committed by itself one after the other, with as few
    /// syncs as may be. One answer for each, in their order.
    ///
    /// # Errors
    /// As [`Store::commit`], for each by itself.
    pub async fn commit_all(&self, commits: Vec<NewCommit>) -> Vec<Result<Committed, CommitError>> {
        let (mut jobs, mut answers) = (Vec::with_capacity(commits.len()), Vec::with_capacity(commits.len()));
        for commit in commits {
            let (reply, answer) = oneshot::channel();
            match commit.check() {
                Ok(()) => jobs.push(Job { commit, reply }),
                Err(error) => drop(reply.send(Err(error))),
            }
            answers.push(answer);
        }
        self.shared.queue.push_all(jobs);
        let mut outcomes = Vec::with_capacity(answers.len());
        for answer in answers {
            outcomes.push(answer.await.unwrap_or(Err(CommitError::Stopped)));
        }
        outcomes
    }

    /// Events of a stream after a version, about `bytes_max` bytes of commits as stored (at most 4 MiB, at least one
    /// event).
    ///
    /// # Errors
    /// [`ReadError::FutureVersion`], or damage.
    pub fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        bytes_max: usize,
    ) -> Result<StreamPage, ReadError> {
        self.shared.read_stream(stream, after, bytes_max)
    }

    /// Whole commits that end after a position, about `bytes_max` bytes as stored (at most 4 MiB, at least one commit).
    /// A position within a commit gives that commit too.
    ///
    /// # Errors
    /// [`ReadError::Future`], or damage.
    pub fn read_log(&self, after: Position, bytes_max: usize) -> Result<LogPage, ReadError> {
        self.shared.read_log(after, bytes_max)
    }

    /// The commit a command made, if it made one.
    ///
    /// # Errors
    /// [`ReadError`] on damage.
    pub fn find_command(
        &self,
        principal: &str,
        command_id: Uuid,
    ) -> Result<Option<Arc<StoredCommit>>, ReadError> {
        self.shared.find_command(principal, command_id)
    }

    /// Id of the ledger.
    #[must_use]
    pub fn ledger(&self) -> &str {
        &self.shared.ledger
    }

    /// How far the log is durable, now.
    #[must_use]
    pub fn head(&self) -> Head {
        self.shared.head()
    }

    /// Follows the ledger after a position: history, then live, every commit once and in order. A position within a
    /// commit begins with that commit.
    ///
    /// # Errors
    /// [`ReadError::Future`] when the ledger is not that far.
    pub fn follow(&self, after: Position) -> Result<Follower, ReadError> {
        self.shared.check_not_future(after)?;
        Ok(Follower::new(Arc::clone(&self.shared), after))
    }

    /// Takes no more commits, works off what is queued and stops the committer. Other clones answer `Stopped`;
    /// followers deliver what is durable and then say so.
    pub async fn close(self) {
        let worker = Arc::clone(&self.worker);
        // Joining fails only when the runtime is going down, and then dropping the worker stops it as well.
        drop(tokio::task::spawn_blocking(move || worker.stop()).await);
    }
}

impl Worker {
    fn stop(&self) {
        self.shared.queue.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic of the committer was caught inside it.
        drop(thread.map(JoinHandle::join));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    pub(crate) fn head(&self) -> Head {
        self.state.borrow().head
    }

    pub(crate) fn check_not_future(&self, after: Position) -> Result<Head, ReadError> {
        let head = self.head();
        if after > head.position {
            return Err(ReadError::Future { after, head: head.position });
        }
        Ok(head)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows commits that have become durable.
    pub(crate) fn publish(&self, head: Head, commits: &[Arc<StoredCommit>]) {
        self.recent().push(commits);
        self.state.send_modify(|state| state.head = head);
    }

    /// Tells followers that nothing more will come.
    pub(crate) fn stop(&self) {
        self.state.send_modify(|state| state.stopped = true);
    }

    /// Commits after a position from memory; `None` when they are not all there.
    pub(crate) fn recent_after(
        &self,
        after: Position,
        bytes_max: usize,
    ) -> Option<VecDeque<Arc<StoredCommit>>> {
        self.recent().after(after, bytes_max)
    }
}
