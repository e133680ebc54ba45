use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use crate::commit::StoredCommit;
use crate::errors::ReadError;
use crate::ids::Position;
use crate::limits::FOLLOW_PAGE_BYTES;
use crate::store::{Shared, State};

/// Delivers a ledger's commits in order, each once: what is stored, then what becomes durable.
///
/// Holds at most about 1 MiB of commits; a slow follower costs nobody anything, it reads on from storage. It keeps
/// the store's files open until it is dropped.
pub struct Follower {
    shared: Arc<Shared>,
    state: watch::Receiver<State>,
    after: Position,
    ahead: VecDeque<Arc<StoredCommit>>,
}

impl Follower {
    pub(crate) fn new(shared: Arc<Shared>, after: Position) -> Follower {
        let state = shared.state.subscribe();
        Follower { shared, state, after, ahead: VecDeque::new() }
    }

    /// The end of the last commit delivered, or what was asked for.
    #[must_use]
    pub fn position(&self) -> Position {
        self.after
    }

    /// Whether the next commit is in memory already.
    #[must_use]
    pub fn has_at_hand(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The next commit, waiting for it if need be. Dropping the future loses nothing. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`ReadError::Stopped`] once the store has stopped and everything durable was delivered; damage otherwise.
    pub async fn next(&mut self) -> Result<Arc<StoredCommit>, ReadError> {
        loop {
            if let Some(commit) = self.ahead.pop_front() {
                self.after = commit.last();
                return Ok(commit);
            }
            let state = *self.state.borrow_and_update();
            if state.head.position > self.after {
                self.ahead = self.read_ahead().await?;
            } else if state.stopped || self.state.changed().await.is_err() {
                return Err(ReadError::Stopped);
            }
        }
    }

    async fn read_ahead(&self) -> Result<VecDeque<Arc<StoredCommit>>, ReadError> {
        if let Some(recent) = self.shared.recent_after(self.after, FOLLOW_PAGE_BYTES) {
            return Ok(recent);
        }
        let shared = Arc::clone(&self.shared);
        let after = self.after;
        let read = tokio::task::spawn_blocking(move || shared.read_log(after, FOLLOW_PAGE_BYTES)).await;
        // A panic is sled's; the runtime shutting down looks the same.
        let page = read.map_err(|error| ReadError::Engine(error.to_string()))??;
        Ok(page.commits.into())
    }
}
