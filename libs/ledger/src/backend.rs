//! The ways to reach a log. Everything above asks here and knows no variant.

use std::sync::Arc;

use event_store::{
    CommitError, Committed, Follower, Head, LogPage, NewCommit, Position, ReadError, Store, StoredCommit,
    StreamName, StreamPage, Version,
};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Reads that may block on storage at once; more wait. They share tokio's blocking pool with everybody.
const READS_MAX: usize = 16;
/// What a tail read may bring without leaving the async thread: a few events that another writer just added.
const TAIL_BYTES_MAX: usize = 16 * 1024;

pub(crate) enum Backend {
    /// The log is open in this process.
    Local { store: Store, reads: Arc<Semaphore> },
}

impl Backend {
    pub(crate) fn local(store: Store) -> Self {
        Self::Local { store, reads: Arc::new(Semaphore::new(READS_MAX)) }
    }

    pub(crate) fn head(&self) -> Head {
        match self {
            Self::Local { store, .. } => store.head(),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Local { store, .. } => store.clone().close().await,
        }
    }

    pub(crate) async fn commit(&self, commit: NewCommit) -> Result<Committed, CommitError> {
        match self {
            Self::Local { store, .. } => store.commit(commit).await,
        }
    }

    pub(crate) async fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        bytes_max: usize,
    ) -> Result<StreamPage, ReadError> {
        let stream = stream.clone();
        self.blocking(move |store| store.read_stream(&stream, after, bytes_max)).await
    }

    /// What a stream has beyond a version that was its end a moment ago: nearly always nothing. In process this is one
    /// look into the engine's cache, cheaper than changing threads for it.
    pub(crate) async fn read_tail(
        &self,
        stream: &StreamName,
        after: Version,
    ) -> Result<StreamPage, ReadError> {
        match self {
            Self::Local { store, .. } => store.read_stream(stream, after, TAIL_BYTES_MAX),
        }
    }

    pub(crate) async fn read_log(&self, after: Position, bytes_max: usize) -> Result<LogPage, ReadError> {
        self.blocking(move |store| store.read_log(after, bytes_max)).await
    }

    pub(crate) async fn find_command(
        &self,
        principal: &str,
        command_id: Uuid,
    ) -> Result<Option<Arc<StoredCommit>>, ReadError> {
        let principal = principal.to_owned();
        self.blocking(move |store| store.find_command(&principal, command_id)).await
    }

    pub(crate) fn follow(&self, after: Position) -> Result<Following, ReadError> {
        match self {
            Self::Local { store, .. } => store.follow(after).map(Following::Local),
        }
    }

    async fn blocking<T, F>(&self, read: F) -> Result<T, ReadError>
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
        }
    }
}

pub(crate) enum Following {
    Local(Follower),
}

impl Following {
    pub(crate) async fn next(&mut self) -> Result<Arc<StoredCommit>, ReadError> {
        match self {
            Self::Local(follower) => follower.next().await,
        }
    }

    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Local(follower) => follower.position(),
        }
    }
}
