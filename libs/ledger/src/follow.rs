use std::sync::Arc;

use event_store::{Position, StoredCommit};

use crate::backend::Following;
use crate::commit::{Commit, Stream};
use crate::errors::LedgerError;
use crate::handle::Ledger;
use crate::new_cases::NewCases;

/// What [`Follow::next_step`] gives.
#[derive(Debug, Clone)]
pub enum Step {
    /// Something happened.
    Commit(Arc<Commit>),
    /// There are cases that were not there before, and nothing else.
    NewCases(NewCases),
}

/// Delivers the ledger's commits in order, each once: history, then live.
///
/// Needs a tokio runtime. An error is for good: what could not be read is not skipped, every later call says the same.
pub struct Follow {
    ledger: Ledger,
    following: Following,
    failed: Option<LedgerError>,
}

impl Step {
    /// What happened, when it is more than that there are new cases.
    #[must_use]
    pub fn commit(&self) -> Option<&Arc<Commit>> {
        match self {
            Self::Commit(commit) => Some(commit),
            Self::NewCases(_) => None,
        }
    }

    /// What it takes in the log, in bytes; for bounding what is held.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        match self {
            Self::Commit(commit) => commit.stored_bytes,
            Self::NewCases(new) => new.stored_bytes(),
        }
    }
}

impl Follow {
    pub(crate) fn new(ledger: Ledger, following: Following) -> Self {
        Self { ledger, following, failed: None }
    }

    /// The next commit, waiting for it if need be. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`LedgerError::Stopped`] once everything durable was delivered and the ledger has stopped;
    /// [`LedgerError::NewerLog`] and damage as they are met.
    pub async fn next(&mut self) -> Result<Arc<Commit>, LedgerError> {
        self.next_where(|_| true).await
    }

    /// The next commit, decoded only when it says more than that there are new cases: for whoever has nothing to do with a case
    /// before something happens to it.
    ///
    /// # Errors
    /// As [`Follow::next`].
    pub async fn next_step(&mut self) -> Result<Step, LedgerError> {
        let stored = self.next_stored(|_| true).await?;
        match NewCases::of(&stored) {
            Some(new) => Ok(Step::NewCases(new)),
            None => self.decode(&stored).map(Step::Commit),
        }
    }

    /// The next commit that touches a stream; the others are passed over without being decoded.
    ///
    /// # Errors
    /// As [`Follow::next`].
    pub async fn next_on(&mut self, stream: &Stream) -> Result<Arc<Commit>, LedgerError> {
        let name = stream.name();
        self.next_where(|stored| stored.events.iter().any(|event| event.stream == name)).await
    }

    async fn next_where(
        &mut self,
        wanted: impl Fn(&StoredCommit) -> bool,
    ) -> Result<Arc<Commit>, LedgerError> {
        let stored = self.next_stored(wanted).await?;
        self.decode(&stored)
    }

    async fn next_stored(
        &mut self,
        wanted: impl Fn(&StoredCommit) -> bool,
    ) -> Result<Arc<StoredCommit>, LedgerError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        loop {
            match self.following.next().await {
                Ok(stored) if wanted(&stored) => return Ok(stored),
                Ok(_) => {}
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    fn decode(&mut self, stored: &StoredCommit) -> Result<Arc<Commit>, LedgerError> {
        self.ledger.decode(stored).map_err(|error| self.fail(error))
    }

    fn fail(&mut self, error: LedgerError) -> LedgerError {
        self.failed = Some(error.clone());
        error
    }

    /// The end of the last commit delivered, or what was asked for.
    #[must_use]
    pub fn position(&self) -> Position {
        self.following.position()
    }

    /// Whether the next commit is there at once, without waiting and without reading from storage.
    #[must_use]
    pub fn has_at_hand(&self) -> bool {
        self.failed.is_none() && self.following.has_at_hand()
    }

    /// Whether the ledger already has more, so that the next commit does not have to be waited for.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.following.position() < self.ledger.head().position
    }
}
