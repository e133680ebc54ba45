use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ledger::{Ledger, Position};
use rusqlite::Connection;
use tokio::sync::{Semaphore, watch};

use crate::file::connect_reader;

/// Reads a projection while it is written. Clones are cheap and share the connections.
#[derive(Clone)]
pub struct View {
    shared: Arc<Shared>,
    state: watch::Receiver<State>,
}

struct Shared {
    name: &'static str,
    path: PathBuf,
    ledger: Ledger,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

/// What the runner tells.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub position: Position,
    /// Where the ledger ended when a file was begun anew; none once that was reached.
    pub rebuilding_until: Option<Position>,
    pub parked: Option<Arc<str>>,
}

/// How a projection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its name.
    pub name: &'static str,
    /// What its rows are as of.
    pub position: Position,
    /// Where the ledger ends.
    pub head: Position,
    /// Events it is behind.
    pub lag: u64,
    /// While a file that was begun anew has not come to where the ledger ended then: that position. Rows are missing until
    /// then.
    pub rebuilding_until: Option<Position>,
    /// Why it stands still, if it does.
    pub parked: Option<String>,
}

/// Why a position was not waited for to the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Behind {
    /// Time is up.
    #[error("{name} is at {at}, wanted was {wanted}")]
    Late {
        /// The projection.
        name: &'static str,
        /// Where it is.
        at: Position,
        /// What was asked.
        wanted: Position,
    },
    /// It stands still.
    #[error("{name} is parked: {reason}")]
    Parked {
        /// The projection.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// Nobody runs it any more.
    #[error("{name} is not run any more")]
    Stopped {
        /// The projection.
        name: &'static str,
    },
}

/// Why a projection is not ready to be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// It stands still. What the reason names is in the ledger or the program, never a text of a case.
    #[error("parked: {reason}")]
    Parked {
        /// Why.
        reason: String,
    },
    /// It was begun anew and has not come to where the ledger ended then; rows are missing.
    #[error("being rebuilt, at {at} of {until}")]
    Rebuilding {
        /// Where it is.
        at: Position,
        /// Where it will be whole.
        until: Position,
    },
    /// It is too far behind.
    #[error("{lag} events behind, at most {lag_max}")]
    Behind {
        /// Events it is behind.
        lag: u64,
        /// Events it may be behind.
        lag_max: u64,
    },
}

impl Status {
    /// Whether what is read now is whole and recent enough.
    ///
    /// # Errors
    /// [`NotReady`]
    pub fn ready(&self, lag_max: u64) -> Result<(), NotReady> {
        match (&self.parked, self.rebuilding_until) {
            (Some(reason), _) => Err(NotReady::Parked { reason: reason.clone() }),
            (None, Some(until)) => Err(NotReady::Rebuilding { at: self.position, until }),
            (None, None) if self.lag > lag_max => Err(NotReady::Behind { lag: self.lag, lag_max }),
            (None, None) => Ok(()),
        }
    }
}

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It stands still; its rows may be old.
    #[error("{name} is parked: {reason}")]
    Parked {
        /// The projection.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// SQLite says no, or the reading function does.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// The reading function panicked, or the runtime is going down.
    #[error("the read of {name} did not end")]
    Aborted {
        /// The projection.
        name: &'static str,
    },
}

impl View {
    pub(crate) fn new(
        name: &'static str,
        path: PathBuf,
        ledger: Ledger,
        readers_max: usize,
        state: watch::Receiver<State>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(readers_max.max(1)));
        let shared = Shared { name, path, ledger, permits, idle: Mutex::default() };
        Self { shared: Arc::new(shared), state }
    }

    /// What the rows are as of, now.
    #[must_use]
    pub fn position(&self) -> Position {
        self.state.borrow().position
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let state = self.state.borrow().clone();
        let head = self.shared.ledger.head().position;
        Status {
            name: self.shared.name,
            position: state.position,
            head,
            lag: head.get().saturating_sub(state.position.get()),
            rebuilding_until: state.rebuilding_until,
            parked: state.parked.map(|reason| reason.as_ref().to_owned()),
        }
    }

    /// Waits until the rows are as of a position or later, at most `within`.
    ///
    /// # Errors
    /// [`Behind`]
    pub async fn wait_for(&self, position: Position, within: Duration) -> Result<(), Behind> {
        let name = self.shared.name;
        let mut state = self.state.clone();
        let settled = |state: &State| state.position >= position || state.parked.is_some();
        match tokio::time::timeout(within, state.wait_for(settled)).await {
            Ok(Ok(state)) => match &state.parked {
                Some(reason) if state.position < position => {
                    Err(Behind::Parked { name, reason: reason.as_ref().to_owned() })
                }
                Some(_) | None => Ok(()),
            },
            Ok(Err(_stopped)) => Err(Behind::Stopped { name }),
            Err(_late) => Err(Behind::Late { name, at: self.position(), wanted: position }),
        }
    }

    /// Waits for the next change of the rows after a position, and gives the new position. For feeds and streams.
    ///
    /// # Errors
    /// [`Behind::Parked`] and [`Behind::Stopped`].
    pub async fn changed_since(&self, position: Position) -> Result<Position, Behind> {
        let name = self.shared.name;
        let mut state = self.state.clone();
        let moved = |state: &State| state.position > position || state.parked.is_some();
        let state = state.wait_for(moved).await.map_err(|_stopped| Behind::Stopped { name })?;
        match &state.parked {
            Some(reason) if state.position <= position => {
                Err(Behind::Parked { name, reason: reason.as_ref().to_owned() })
            }
            Some(_) | None => Ok(state.position),
        }
    }

    /// Reads rows off the async threads. All of one call sees one snapshot. At most as many run at once as there are
    /// readers; more wait, in order.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn read<T, F>(&self, read: F) -> Result<T, ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.read_as_of(read).await.map(|(answer, _as_of)| answer)
    }

    /// [`View::read`], and a position that the rows read are as of, at least.
    ///
    /// # Errors
    /// [`ReadError`]
    pub async fn read_as_of<T, F>(&self, read: F) -> Result<(T, Position), ReadError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let name = self.shared.name;
        let State { position, parked, .. } = self.state.borrow().clone();
        if let Some(reason) = parked {
            return Err(ReadError::Parked { name, reason: reason.as_ref().to_owned() });
        }
        let permit = Arc::clone(&self.shared.permits).acquire_owned().await;
        let permit = permit.map_err(|_closed| ReadError::Aborted { name })?;
        let shared = Arc::clone(&self.shared);
        let work = tokio::task::spawn_blocking(move || {
            // Moved in here, so that whoever stops waiting does not let one more in.
            let _permit = permit;
            shared.with_connection(read)
        });
        let answer = work.await.map_err(|_aborted| ReadError::Aborted { name })??;
        Ok((answer, position))
    }
}

impl Shared {
    fn with_connection<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut db = match idle {
            Some(db) => db,
            None => connect_reader(&self.path)?,
        };
        let snapshot = db.transaction()?;
        let answer = read(&snapshot);
        drop(snapshot);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        answer
    }
}
