use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use event_store::{ChainHash, EPOCH_OPENED, Position, StoredCommit};

use super::link::Link;
use super::read_log;
use super::tail::Listener;
use crate::errors::LedgerError;

/// What is read from the ledger at once, in bytes; less than any message may have.
const PAGE_BYTES: usize = 512 * 1024;
/// Between two tries to read from a ledger that is away, the first and the longest.
const TRY_AGAIN: Duration = Duration::from_millis(50);
const TRY_AGAIN_MAX: Duration = Duration::from_secs(2);

/// Delivers a distant ledger's commits in order, each once, whatever the frames did on their way.
pub(crate) struct Follower {
    link: Arc<Link>,
    tail: Listener,
    after: Position,
    /// The chain at `after`, once it is known.
    chain: Option<ChainHash>,
    ahead: VecDeque<Arc<StoredCommit>>,
    /// Whether the ledger is known to have come to `after`.
    is_reached: bool,
    pause: Duration,
}

impl Follower {
    pub(crate) fn new(link: Arc<Link>, tail: Listener, after: Position) -> Self {
        let chain = (after == Position::ZERO).then_some(ChainHash::GENESIS);
        Self { link, tail, after, chain, ahead: VecDeque::new(), is_reached: false, pause: TRY_AGAIN }
    }

    pub(crate) fn position(&self) -> Position {
        self.after
    }

    pub(crate) fn has_at_hand(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The next commit, waiting for it and for the ledger if need be. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Arc<StoredCommit>, LedgerError> {
        loop {
            if let Some(commit) = self.ahead.pop_front() {
                self.check(&commit)?;
                (self.after, self.chain) = (commit.last(), Some(commit.chain_hash));
                return Ok(commit);
            }
            let state = self.tail.look();
            if let Some(refused) = state.refused {
                return Err(LedgerError::Alien(refused.as_ref().to_owned()));
            }
            if state.head.position > self.after {
                self.read_ahead().await?;
            } else if state.head.position < self.after && !self.is_reached {
                self.check_not_future().await?;
            } else if state.stopped || self.tail.changed().await.is_err() {
                return Err(LedgerError::Stopped);
            }
        }
    }

    async fn check_not_future(&mut self) -> Result<(), LedgerError> {
        match super::ask_status(&self.link).await {
            Ok(status) if status.head.position < self.after => {
                Err(LedgerError::Future { after: self.after, head: status.head.position })
            }
            Ok(_) => {
                self.is_reached = true;
                Ok(())
            }
            Err(LedgerError::Away) => {
                self.wait().await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = tokio::time::sleep(self.pause) => {}
            () = self.tail.stopped() => {}
        }
        self.pause = (self.pause * 2).min(TRY_AGAIN_MAX);
    }

    async fn read_ahead(&mut self) -> Result<(), LedgerError> {
        if let Some(recent) = self.tail.recent_after(self.after) {
            self.ahead = recent;
            return Ok(());
        }
        match read_log(&self.link, self.after, PAGE_BYTES).await {
            // Whoever answers is not as far as what was heard.
            Ok(commits) if commits.is_empty() => {
                self.wait().await;
                Ok(())
            }
            Ok(commits) => {
                self.pause = TRY_AGAIN;
                self.ahead = commits.into();
                Ok(())
            }
            Err(LedgerError::Away) => {
                if self.tail.look().stopped {
                    return Err(LedgerError::Stopped);
                }
                self.wait().await;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// That it goes on where we are. A position within a commit begins with that commit.
    fn check(&self, commit: &StoredCommit) -> Result<(), LedgerError> {
        let Some(chain) = self.chain else { return Ok(()) };
        let opens = commit.events.first().is_some_and(|event| event.event_type == EPOCH_OPENED);
        let goes_on = commit.first == self.after.next() || (opens && commit.first > self.after);
        if commit.previous == chain && goes_on {
            return Ok(());
        }
        let reason = format!("what follows position {} belongs to another chain", self.after);
        self.tail.refuse(reason.clone());
        Err(LedgerError::Alien(reason))
    }
}
