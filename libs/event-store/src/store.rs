use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use crate::chain::ChainHash;
use crate::commit::{Committed, NewCommit, StoredCommit, StoredEvent};
use crate::committer::Committer;
use crate::errors::{CommitError, OpenError, ReadError};
use crate::follow::Follower;
use crate::ids::{Position, StreamName, Version};
use crate::keys;
use crate::limits::{PAGE_BYTES_MAX, RECENT_BYTES_MAX, RECENT_COMMITS_MAX};
use crate::log::{Log, malformed_key};
use crate::open::{Opened, open_dir};
use crate::options::{Options, Seams};
use crate::queue::{Job, Queue};

/// An open event store. Clones share it; the last one dropped stops the committer after what is queued.
///
/// Reads go as far as the durable head, never further. They block on storage: call them off the async threads.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    worker: Arc<Worker>,
}

/// How far the log is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The epoch being written; 1 in an empty log.
    pub epoch: u32,
    /// The last durable event; zero in an empty log.
    pub position: Position,
    /// The chain there.
    pub chain: ChainHash,
    /// When the last commit was recorded; 1970 in an empty log.
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

    pub(crate) fn of(commit: &StoredCommit) -> Head {
        Head {
            epoch: commit.epoch,
            position: commit.last(),
            chain: commit.chain_hash,
            recorded_at: commit.recorded_at,
        }
    }
}

/// Whole commits in order.
#[derive(Debug, Clone)]
pub struct LogPage {
    /// Those that end after the position asked for; empty only when there are none.
    pub commits: Vec<Arc<StoredCommit>>,
    /// The durable head when the page was read.
    pub head: Position,
    /// Whether the ledger goes on behind this page.
    pub more: bool,
}

/// Events of one stream in order.
#[derive(Debug, Clone)]
pub struct StreamPage {
    /// Those after the version asked for; empty only when there are none.
    pub events: Vec<StreamEvent>,
    /// The stream's durable version when the page was read; [`Version::NONE`] if it has no events.
    pub head: Version,
    /// Whether the stream goes on behind this page.
    pub more: bool,
}

/// One event together with the commit it came in.
#[derive(Debug, Clone)]
pub struct StreamEvent {
    /// Who, when and why.
    pub commit: Arc<StoredCommit>,
    /// What; shares the commit's memory.
    pub event: StoredEvent,
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

/// The newest commits, so that followers that are up to date need no storage.
#[derive(Default)]
struct Recent {
    commits: VecDeque<Arc<StoredCommit>>,
    bytes: usize,
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
        commit.check()?;
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(Job { commit, reply })?;
        answer.await.unwrap_or(Err(CommitError::Stopped))
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
        let head = self.head();
        let Some(first) = self.shared.log.command(&keys::command(principal, command_id))? else {
            return Ok(None);
        };
        if first > head.position {
            return Ok(None);
        }
        let commit = self.shared.log.commit_at(first)?;
        commit
            .map(Some)
            .ok_or_else(|| ReadError::damaged(first, "a command key names a commit that is missing"))
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

    pub(crate) fn read_log(&self, after: Position, bytes_max: usize) -> Result<LogPage, ReadError> {
        let head = self.check_not_future(after)?.position;
        let commits = if after == head {
            Vec::new()
        } else {
            self.log.commits(after, head, bytes_max.min(PAGE_BYTES_MAX))?
        };
        let end = commits.last().map_or(after, |commit| commit.last());
        if commits.is_empty() && after < head {
            return Err(ReadError::damaged(after.next(), "nothing is stored here"));
        }
        Ok(LogPage { commits, head, more: end < head })
    }

    fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        bytes_max: usize,
    ) -> Result<StreamPage, ReadError> {
        let durable = self.head().position;
        let head = self.durable_version(stream, durable)?;
        if after > head {
            return Err(ReadError::FutureVersion { stream: stream.clone(), after, head });
        }
        let bytes_max = bytes_max.min(PAGE_BYTES_MAX);
        let mut events: Vec<StreamEvent> = Vec::new();
        let mut bytes = 0;
        let mut version = after;
        while version < head {
            let (first, index) = self.locate(stream, version.next())?;
            let commit = match events.last() {
                Some(last) if last.commit.first == first => Arc::clone(&last.commit),
                Some(_) | None => {
                    let commit = self.log.commit_at(first)?;
                    let commit = commit.ok_or_else(|| ReadError::damaged(first, "the commit is missing"))?;
                    bytes += commit.raw().len();
                    commit
                }
            };
            if bytes > bytes_max && !events.is_empty() {
                break;
            }
            version = version.next();
            let found = commit.events.get(index);
            let Some(event) = found.filter(|event| event.version == version && event.stream == *stream)
            else {
                return Err(ReadError::damaged(first, format!("it lacks version {version} of {stream}")));
            };
            let event = event.clone();
            events.push(StreamEvent { commit, event });
        }
        Ok(StreamPage { events, head, more: version < head })
    }

    fn locate(&self, stream: &StreamName, version: Version) -> Result<(Position, usize), ReadError> {
        let value = self.log.get(&keys::stream(stream, version))?;
        let value = value.ok_or_else(|| {
            ReadError::damaged(Position::ZERO, format!("version {version} of {stream} is missing"))
        })?;
        let (first, index) = keys::parse_event(&value).ok_or_else(|| malformed_key(Position::ZERO))?;
        Ok((first, index.into()))
    }

    /// The stream's version as far as it is durable: what a group in flight added is skipped.
    fn durable_version(&self, stream: &StreamName, durable: Position) -> Result<Version, ReadError> {
        for pair in self.log.db.scan_prefix(keys::stream_prefix(stream)).rev() {
            let (key, value) = pair.map_err(|error| ReadError::engine(&error))?;
            let (first, _) = keys::parse_event(&value).ok_or_else(|| malformed_key(Position::ZERO))?;
            if first <= durable {
                return keys::parse_version(&key).ok_or_else(|| malformed_key(first));
            }
        }
        Ok(Version::NONE)
    }
}

impl Recent {
    fn push(&mut self, commits: &[Arc<StoredCommit>]) {
        for commit in commits {
            self.bytes += commit.raw().len();
            self.commits.push_back(Arc::clone(commit));
        }
        while (self.commits.len() > RECENT_COMMITS_MAX || self.bytes > RECENT_BYTES_MAX)
            && let Some(oldest) = self.commits.pop_front()
        {
            self.bytes -= oldest.raw().len();
        }
    }

    fn after(&self, after: Position, bytes_max: usize) -> Option<VecDeque<Arc<StoredCommit>>> {
        let start = self.commits.partition_point(|commit| commit.last() <= after);
        if self.commits.get(start)?.first > after.next() {
            return None;
        }
        let mut bytes = 0;
        let fits = |commit: &&Arc<StoredCommit>| {
            let first = bytes == 0;
            bytes += commit.raw().len();
            first || bytes <= bytes_max
        };
        Some(self.commits.iter().skip(start).take_while(fits).cloned().collect())
    }
}
