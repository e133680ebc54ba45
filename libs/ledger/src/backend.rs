//! The ways to reach a log. Everything above asks here and knows no variant.

use std::sync::Arc;

use event_store::{
    Committed, Follower, Head, NewCommit, Position, ReadError, Store, StoredCommit, StreamName, StreamPage,
    Version,
};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::context::Rider;
use crate::errors::{CommitError, LedgerError};
use crate::remote::{self, Remote};

/// Reads that may block on storage at once; more wait. They share tokio's blocking pool with everybody.
const READS_MAX: usize = 16;
/// What a tail read may bring without leaving the async thread: a few events that another writer just added.
const TAIL_BYTES_MAX: usize = 16 * 1024;

pub(crate) enum Backend {
    /// The log is open in this process.
    Local { store: Store, reads: Arc<Semaphore> },
    /// Another process has it.
    Remote(Remote),
}

impl Backend {
    pub(crate) fn local(store: Store) -> Self {
        Self::Local { store, reads: Arc::new(Semaphore::new(READS_MAX)) }
    }

    pub(crate) fn head(&self) -> Head {
        match self {
            Self::Local { store, .. } => store.head(),
            Self::Remote(remote) => remote.head(),
        }
    }

    /// The head by the log's own word.
    pub(crate) async fn ask_head(&self) -> Result<Head, LedgerError> {
        match self {
            Self::Local { store, .. } => Ok(store.head()),
            Self::Remote(remote) => remote.ask_head().await,
        }
    }

    /// Whether asking costs a way to another process.
    pub(crate) fn is_distant(&self) -> bool {
        matches!(self, Self::Remote(_))
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        match self {
            Self::Local { .. } => None,
            Self::Remote(remote) => remote.trouble(),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Local { store, .. } => store.clone().close().await,
            Self::Remote(remote) => remote.close(),
        }
    }

    pub(crate) async fn commit(
        &self,
        commit: NewCommit,
        rider: Option<Rider>,
    ) -> Result<Committed, CommitError> {
        match self {
            Self::Local { .. } if rider.is_some() => {
                Err(CommitError::Invalid("nothing comes along to a log in this process".to_owned()))
            }
            Self::Local { store, .. } => Ok(store.commit(commit).await?),
            Self::Remote(remote) => remote.commit(commit, rider).await,
        }
    }

    pub(crate) async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        bytes_max: usize,
    ) -> Result<StreamPage, LedgerError> {
        match self {
            Self::Local { .. } => {
                let stream = stream.clone();
                Ok(self.blocking(move |store| store.read_stream(&stream, after, bytes_max)).await?)
            }
            Self::Remote(remote) => remote.read_stream(stream, after, bytes_max).await,
        }
    }

    /// What a stream has beyond a version that was its end a moment ago: nearly always nothing. In process this is one
    /// look into the engine's cache, cheaper than changing threads for it.
    pub(crate) async fn read_tail(
        &self,
        stream: &StreamName,
        after: Version,
    ) -> Result<StreamPage, LedgerError> {
        match self {
            Self::Local { store, .. } => Ok(store.read_stream(stream, after, TAIL_BYTES_MAX)?),
            Self::Remote(remote) => remote.read_stream(stream, after, TAIL_BYTES_MAX).await,
        }
    }

    pub(crate) async fn read_log(
        &self,
        after: Position,
        bytes_max: usize,
    ) -> Result<Vec<Arc<StoredCommit>>, LedgerError> {
        match self {
            Self::Local { .. } => {
                Ok(self.blocking(move |store| store.read_log(after, bytes_max)).await?.commits)
            }
            Self::Remote(remote) => remote.read_log(after, bytes_max).await,
        }
    }

    pub(crate) async fn find_command(
        &self,
        principal: &str,
        command_id: Uuid,
    ) -> Result<Option<Arc<StoredCommit>>, LedgerError> {
        match self {
            Self::Local { .. } => {
                let principal = principal.to_owned();
                Ok(self.blocking(move |store| store.find_command(&principal, command_id)).await?)
            }
            Self::Remote(remote) => remote.find_command(principal, command_id).await,
        }
    }

    pub(crate) fn follow(&self, after: Position) -> Result<Following, LedgerError> {
        match self {
            Self::Local { store, .. } => Ok(store.follow(after).map(Following::Local)?),
            Self::Remote(remote) => Ok(Following::Remote(remote.follow(after))),
        }
    }

    /// A read of a log in this process, off the async threads.
    pub(crate) async fn blocking<T, F>(&self, read: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, ReadError> + Send + 'static,
    {
        match self {
            Self::Local { store, reads } => {
                // Never closed.
                let _permit = reads.acquire().await.map_err(|_closed| ReadError::Stopped)?;
                let store = store.clone();
                let read = tokio::task::spawn_blocking(move || read(&store)).await;
                // A panic is the engine's; the runtime shutting down looks the same.
                read.map_err(|error| ReadError::Engine(error.to_string()))?
            }
            Self::Remote(_) => Err(ReadError::Stopped),
        }
    }
}

pub(crate) enum Following {
    Local(Follower),
    Remote(remote::Follower),
}

impl Following {
    pub(crate) async fn next(&mut self) -> Result<Arc<StoredCommit>, LedgerError> {
        match self {
            Self::Local(follower) => Ok(follower.next().await?),
            Self::Remote(follower) => follower.next().await,
        }
    }

    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Local(follower) => follower.position(),
            Self::Remote(follower) => follower.position(),
        }
    }

    pub(crate) fn has_at_hand(&self) -> bool {
        match self {
            Self::Local(follower) => follower.has_at_hand(),
            Self::Remote(follower) => follower.has_at_hand(),
        }
    }
}
