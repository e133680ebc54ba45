//! The loop: gathers what the ledger has while the last batch is being applied, and hands it over when that is done.

use std::pin::Pin;
use std::sync::Arc;

use ledger::{Commit, Follow, LedgerError, Position};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::change::Projection;
use crate::folder::{Failure, Folder};
use crate::start::Options;
use crate::view::State;

/// Why a projection is not run any more, other than that it was told to stop.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It stood still until it was told to stop.
    #[error("{name} was parked: {reason}")]
    Parked {
        /// The projection.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// The ledger stopped, is damaged, or holds what this program does not know: the role must stop.
    #[error("{name} cannot follow the ledger")]
    Ledger {
        /// The projection.
        name: &'static str,
        /// Why not.
        source: LedgerError,
    },
}

pub(crate) struct Runner<P> {
    name: &'static str,
    options: Options,
    stop: CancellationToken,
    state: watch::Sender<State>,
    work: Work<P>,
    gathering: Gathering,
    batch: Vec<Arc<Commit>>,
    batch_bytes: usize,
}

/// The folder comes back with what came of the batch.
type Applied<P> = (Box<Folder<P>>, Result<Position, Failure>);

/// The folder is either here or at work on a blocking thread.
enum Work<P> {
    Idle(Box<Folder<P>>),
    Busy(JoinHandle<Applied<P>>),
    /// In the middle of changing hands; never seen from outside.
    Changing,
}

/// Waiting for the next commit, kept over turns of the loop so that no page is read twice.
enum Gathering {
    Waiting(Pin<Box<dyn Future<Output = Gathered> + Send>>),
    Ended(LedgerError),
}

struct Gathered {
    follow: Follow,
    commit: Result<Arc<Commit>, LedgerError>,
    behind: bool,
}

async fn gather(mut follow: Follow) -> Gathered {
    let commit = follow.next().await;
    let behind = follow.is_behind();
    Gathered { follow, commit, behind }
}

/// What a turn of the loop brought.
enum Turn<P> {
    Stop,
    Gathered(Gathered),
    Applied(Box<Folder<P>>, Result<Position, Failure>),
    Panicked,
}

impl<P: Projection> Runner<P> {
    pub(crate) fn new(
        name: &'static str,
        folder: Folder<P>,
        follow: Follow,
        state: watch::Sender<State>,
        options: Options,
        stop: CancellationToken,
    ) -> Self {
        let work = Work::Idle(Box::new(folder));
        let gathering = Gathering::Waiting(Box::pin(gather(follow)));
        Self { name, options, stop, state, work, gathering, batch: Vec::new(), batch_bytes: 0 }
    }

    /// Until told to stop; what is being applied then is finished.
    pub(crate) async fn run(mut self) -> Result<(), RunError> {
        loop {
            if let Some(ended) = self.ended() {
                return Err(RunError::Ledger { name: self.name, source: ended });
            }
            match self.turn().await {
                Turn::Stop => return self.finish().await,
                Turn::Gathered(gathered) => self.take(gathered),
                Turn::Applied(folder, Ok(position)) => {
                    tell(&self.state, position);
                    self.work = Work::Idle(folder);
                    self.hand_over();
                }
                Turn::Applied(_, Err(Failure::Ledger(source))) => {
                    return Err(RunError::Ledger { name: self.name, source });
                }
                Turn::Applied(_, Err(failure)) => return self.park(failure.to_string()).await,
                Turn::Panicked => return self.park("the fold panicked".to_owned()).await,
            }
        }
    }

    async fn turn(&mut self) -> Turn<P> {
        let has_room =
            self.batch.len() < self.options.batch_commits && self.batch_bytes < self.options.batch_bytes;
        let applied = async {
            match &mut self.work {
                Work::Busy(work) => match work.await {
                    Ok((folder, outcome)) => Turn::Applied(folder, outcome),
                    Err(_panic) => Turn::Panicked,
                },
                Work::Idle(_) | Work::Changing => std::future::pending().await,
            }
        };
        let gathered = async {
            match &mut self.gathering {
                Gathering::Waiting(next) if has_room => Turn::Gathered(next.await),
                Gathering::Waiting(_) | Gathering::Ended(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Turn::Stop,
            turn = applied => turn,
            turn = gathered => turn,
        }
    }

    fn take(&mut self, gathered: Gathered) {
        let Gathered { follow, commit, behind } = gathered;
        match commit {
            Ok(commit) => {
                self.batch_bytes = self.batch_bytes.saturating_add(commit.stored_bytes);
                self.batch.push(commit);
                self.gathering = Gathering::Waiting(Box::pin(gather(follow)));
            }
            Err(error) => self.gathering = Gathering::Ended(error),
        }
        let full =
            self.batch.len() >= self.options.batch_commits || self.batch_bytes >= self.options.batch_bytes;
        let more_is_there = behind && matches!(self.gathering, Gathering::Waiting(_));
        if full || !more_is_there {
            self.hand_over();
        }
    }

    /// Hands the batch to the folder, unless that is at work or there is nothing to do.
    fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        match std::mem::replace(&mut self.work, Work::Changing) {
            Work::Idle(mut folder) => {
                let batch = std::mem::take(&mut self.batch);
                self.batch_bytes = 0;
                let runtime = Handle::current();
                self.work = Work::Busy(tokio::task::spawn_blocking(move || {
                    let outcome = folder.apply(&batch, &runtime);
                    (folder, outcome)
                }));
            }
            busy @ (Work::Busy(_) | Work::Changing) => self.work = busy,
        }
    }

    /// The ledger's end, once everything before it was applied.
    fn ended(&self) -> Option<LedgerError> {
        match (&self.gathering, &self.work) {
            (Gathering::Ended(error), Work::Idle(_)) if self.batch.is_empty() => Some(error.clone()),
            _ => None,
        }
    }

    async fn finish(self) -> Result<(), RunError> {
        let Work::Busy(work) = self.work else { return Ok(()) };
        match work.await {
            Ok((_, Ok(position))) => {
                tell(&self.state, position);
                Ok(())
            }
            Ok((_, Err(failure))) => Err(RunError::Parked { name: self.name, reason: failure.to_string() }),
            Err(_panic) => Err(RunError::Parked { name: self.name, reason: "the fold panicked".to_owned() }),
        }
    }

    /// Stands still and says why. The rows stay as they are; the next start tries again.
    async fn park(self, reason: String) -> Result<(), RunError> {
        tracing::error!(projection = self.name, reason, "projection is parked");
        self.state.send_modify(|state| state.parked = Some(reason.as_str().into()));
        self.stop.cancelled().await;
        Err(RunError::Parked { name: self.name, reason })
    }
}

fn tell(state: &watch::Sender<State>, position: Position) {
    state.send_modify(|state| {
        state.position = position;
        state.rebuilding_until = state.rebuilding_until.filter(|until| position < *until);
    });
}
