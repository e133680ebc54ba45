use std::sync::Arc;

use event_store::Position;

use crate::backend::Following;
use crate::commit::{Commit, Stream};
use crate::errors::LedgerError;
use crate::handle::Ledger;

/// Delivers the ledger's commits in order, each once: history, then live.
///
/// Needs a tokio runtime. An error is for good: what could not be read is not skipped, every later call says the same.
pub struct Follow {
    ledger: Ledger,
    following: Following,
    failed: Option<LedgerError>,
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
        wanted: impl Fn(&event_store::StoredCommit) -> bool,
    ) -> Result<Arc<Commit>, LedgerError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let next = loop {
            match self.following.next().await {
                Ok(stored) if wanted(&stored) => break self.ledger.decode(&stored),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        };
        if let Err(error) = &next {
            self.failed = Some(error.clone());
        }
        next
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
