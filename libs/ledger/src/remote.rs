//! A log that another process has open: asked over a [`Link`], followed by the frames it publishes.
//!
//! Frames are a hint and never the log: whoever sees a gap, a repeat or silence reads what is missing from the ledger itself.
//! Every request is harmless when it is lost, repeated or late: commits happen once by their command id, the rest reads.

mod commits;
mod follower;
pub(crate) mod host;
mod link;
mod protocol;
#[cfg(test)]
pub(crate) mod sim;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use event_store::{Head, NewCommit, Position, StoredCommit, StreamEvent, StreamName, StreamPage, Version};
use serde::Serialize;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use self::commits::Commits;
pub(crate) use self::follower::Follower;
pub(crate) use self::link::Link;
use self::link::Op;
pub use self::protocol::Origin;
use self::protocol::{Find, Pages, ReadLog, ReadStream, Status};
pub(crate) use self::tail::Tail;
use crate::context::Rider;
use crate::errors::{CommitError, LedgerError};

/// Between two tries to hear of the ledger for the first time.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The client's side. Dropping the last one ends its tasks.
pub(crate) struct Remote {
    link: Arc<Link>,
    commits: Commits,
    tail: Tail,
}

/// What the ledger said when it was first heard.
pub(crate) struct Introduced {
    pub(crate) code: String,
    pub(crate) remote: Remote,
}

impl Remote {
    /// Waits until the ledger answers, however long that takes, then follows it. One of an older program is waited for as well,
    /// since it is being replaced; one of a newer program says that this one must be.
    pub(crate) async fn meet(link: Link, ledger: &str) -> Result<Introduced, LedgerError> {
        let link = Arc::new(link);
        let mut told = None;
        let status = loop {
            let error = match ask_status(&link).await {
                Ok(status) => break status,
                Err(error) => error,
            };
            if !may_pass(&error) {
                return Err(error);
            }
            if told.as_ref() != Some(&error) {
                tracing::warn!(ledger, "waiting for the ledger: {error}");
                told = Some(error);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        };
        if status.origin.ledger != ledger {
            let found = status.origin.ledger;
            return Err(LedgerError::Alien(format!("ledger {found} answers for {ledger}")));
        }
        tracing::info!(ledger, position = %status.head.position, "the ledger answers");
        let tasks = TaskTracker::new();
        let tail = Tail::start(Arc::clone(&link), &status, &tasks);
        let commits = Commits::start(Arc::clone(&link), ledger, &tasks);
        Ok(Introduced { code: status.code, remote: Self { link, commits, tail } })
    }

    pub(crate) fn head(&self) -> Head {
        self.tail.head()
    }

    /// The head by the ledger's own word, which may be further than what was heard.
    pub(crate) async fn ask_head(&self) -> Result<Head, LedgerError> {
        self.tail.ask_head().await
    }

    /// Why what is heard cannot be trusted or relied on now; none while all is well.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.tail.trouble()
    }

    /// Nothing is taken of a log that was refused, answers included.
    fn check(&self) -> Result<(), LedgerError> {
        match self.tail.refused() {
            Some(reason) => Err(LedgerError::Alien(reason.as_ref().to_owned())),
            None => Ok(()),
        }
    }

    /// Asks, and believes the answer unless the log is refused by then.
    async fn pages<Q: Serialize>(&self, op: Op, question: &Q) -> Result<Pages, LedgerError> {
        self.check()?;
        let answer = self.link.ask(op, question, None).await?;
        self.check()?;
        protocol::pages(&answer)
    }

    pub(crate) fn close(&self) {
        self.commits.close();
        self.tail.close();
    }

    pub(crate) async fn commit(
        &self,
        commit: NewCommit,
        rider: Option<Rider>,
    ) -> Result<event_store::Committed, CommitError> {
        if self.tail.refused().is_some() {
            return Err(CommitError::Away);
        }
        let known = self.tail.head();
        let committed = self.commits.commit(commit, rider).await?;
        // What is told as stored lies behind what was known before it was sent, or it lies in another log.
        if !committed.repeated {
            self.tail.check_new(&committed.commit, &known);
        }
        if self.tail.refused().is_some() {
            return Err(CommitError::Unavailable);
        }
        Ok(committed)
    }

    pub(crate) async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        bytes_max: usize,
    ) -> Result<StreamPage, LedgerError> {
        let question = ReadStream { stream: stream.clone(), after, bytes_max };
        let Pages { commits, head, more } = self.pages(Op::Stream, &question).await?;
        let mut events = Vec::new();
        for commit in commits {
            let wanted =
                commit.events.iter().filter(|event| event.stream == *stream && event.version > after);
            events.extend(
                wanted.map(|event| StreamEvent { commit: Arc::clone(&commit), event: event.clone() }),
            );
        }
        Ok(StreamPage { events, head: Version(head), more })
    }

    pub(crate) async fn read_log(
        &self,
        after: Position,
        bytes_max: usize,
    ) -> Result<Vec<Arc<StoredCommit>>, LedgerError> {
        Ok(self.pages(Op::Log, &ReadLog { after, bytes_max }).await?.commits)
    }

    pub(crate) async fn find_command(
        &self,
        principal: &str,
        command_id: Uuid,
    ) -> Result<Option<Arc<StoredCommit>>, LedgerError> {
        let question = Find { principal: principal.to_owned(), command_id };
        Ok(self.pages(Op::Find, &question).await?.commits.into_iter().next())
    }

    pub(crate) fn follow(&self, after: Position) -> Follower {
        Follower::new(Arc::clone(&self.link), self.tail.listen(), after)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether a ledger that did not introduce itself may do so later, without anybody mending anything here.
fn may_pass(error: &LedgerError) -> bool {
    matches!(error, LedgerError::OtherVersion { theirs, ours } if theirs < ours) || error.is_away()
}

async fn ask_status(link: &Link) -> Result<Status, LedgerError> {
    let answer = link.ask(Op::Status, &(), None).await?;
    protocol::decode(&answer)
}

async fn read_log(
    link: &Link,
    after: Position,
    bytes_max: usize,
) -> Result<Vec<Arc<StoredCommit>>, LedgerError> {
    let answer = link.ask(Op::Log, &ReadLog { after, bytes_max }, None).await?;
    Ok(protocol::pages(&answer)?.commits)
}
