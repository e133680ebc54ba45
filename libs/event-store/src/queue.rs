//! Commits waiting for the committer: bounded in number and bytes, refusing rather than waiting.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::commit::{Committed, NewCommit};
use crate::errors::CommitError;
use crate::limits::{GROUP_BYTES_MAX, GROUP_COMMITS_MAX, QUEUE_BYTES_MAX};

/// A group of so many comes from many who ask at once.
const CROWD: usize = 4;
/// How long the group after a crowd waits for more: less than a sync takes.
const GATHER: Duration = Duration::from_millis(1);

pub(crate) type Reply = oneshot::Sender<Result<Committed, CommitError>>;

pub(crate) struct Job {
    pub commit: NewCommit,
    pub reply: Reply,
}

pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    jobs_max: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<(usize, Job)>,
    bytes: usize,
    closed: bool,
    /// How many have to wait before the committer is woken; zero as well as one means the first.
    wanted: usize,
}

impl State {
    fn is_enough(&self) -> bool {
        self.closed || self.jobs.len() >= self.wanted.max(1)
    }
}

impl Queue {
    pub(crate) fn new(jobs_max: usize) -> Queue {
        Queue { state: Mutex::default(), filled: Condvar::new(), jobs_max }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change below is made whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes jobs that came together, each that there is room for; who is not taken is answered at once. The committer is
    /// woken when all are there, so that they become durable together.
    pub(crate) fn push_all(&self, jobs: Vec<Job>) {
        let mut refused = Vec::new();
        let mut state = self.lock();
        for job in jobs {
            let bytes = job.commit.encoded_len();
            if state.closed {
                refused.push((job, CommitError::Stopped));
            } else if state.jobs.len() >= self.jobs_max || state.bytes + bytes > QUEUE_BYTES_MAX {
                refused.push((job, CommitError::Busy));
            } else {
                state.bytes += bytes;
                state.jobs.push_back((bytes, job));
            }
        }
        let is_enough = state.is_enough();
        drop(state);
        if is_enough {
            self.filled.notify_one();
        }
        for (job, error) in refused {
            // Whoever asked may be gone.
            drop(job.reply.send(Err(error)));
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().jobs.len()
    }

    /// Waits for the next group; `None` once the queue is closed and drained.
    ///
    /// After a group of `last` that was a crowd, the next one waits a moment for half as many: those who were answered together
    /// ask again together, and the first of them would else have a sync of its own while the others wait for the one after.
    pub(crate) fn take_group(&self, last: usize) -> Option<Vec<Job>> {
        let mut state = self.lock();
        let too_few = |state: &mut State| !state.is_enough();
        state = self.filled.wait_while(state, too_few).unwrap_or_else(PoisonError::into_inner);
        if last >= CROWD {
            state.wanted = last / 2;
            let waited = self.filled.wait_timeout_while(state, GATHER, too_few);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.wanted = 0;
        }
        if state.jobs.is_empty() {
            return None;
        }
        let mut group = Vec::new();
        let mut group_bytes = 0;
        while group.len() < GROUP_COMMITS_MAX
            && group_bytes < GROUP_BYTES_MAX
            && let Some((bytes, job)) = state.jobs.pop_front()
        {
            state.bytes -= bytes;
            group_bytes += bytes;
            group.push(job);
        }
        Some(group)
    }

    /// Takes no more; what waits is still worked off.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    /// Takes no more and lets go of what waits: their senders learn that the outcome is unknown.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        drop(jobs);
        self.filled.notify_all();
    }
}
