//! The loop: gathers what the ledger has while the last batch is being applied, and hands it over when that is done.

use std::pin::Pin;
use std::time::Duration;

use ledger::{Follow, Ledger, LedgerError, Position, Step};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
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
    #[error("{name} cannot follow the ledger: {source}")]
    Ledger {
        /// The projection.
        name: &'static str,
        /// Why not.
        source: LedgerError,
    },
}

/// Pauses between tries while something a projection needs is away: doubled from the least to the most.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// Commits gathered at once when they are at hand, before anybody else on the thread has a turn: a millisecond of decoding.
const AT_HAND_MAX: usize = 64;
/// A batch of so many commits comes from many writers at once: the next one may wait for more of them.
const CROWD: usize = 4;

pub(crate) struct Runner<P> {
    name: &'static str,
    ledger: Ledger,
    options: Options,
    stop: CancellationToken,
    state: watch::Sender<State>,
    work: Work<P>,
    gathering: Gathering,
    batch: Vec<Step>,
    batch_bytes: usize,
    work_pause: Pause,
    gathering_pause: Pause,
    /// Whether the ledger had more when the last commit was gathered.
    behind: bool,
    /// When the next batch may be applied.
    not_before: Instant,
}

/// How long to wait for what is away.
#[derive(Clone, Copy)]
struct Pause(Duration);

impl Pause {
    const NONE: Self = Self(PAUSE_MIN);

    /// The pause to make now. Says why at the first.
    fn next(&mut self, name: &'static str, reason: &dyn std::fmt::Display) -> Duration {
        let now = self.0;
        if now == PAUSE_MIN {
            tracing::warn!(projection = name, %reason, "projection waits for what it needs");
        }
        self.0 = (now * 2).min(PAUSE_MAX);
        now
    }

    fn is_over(&mut self, name: &'static str) {
        if self.0 > PAUSE_MIN {
            tracing::info!(projection = name, "projection goes on");
        }
        *self = Self::NONE;
    }
}

/// A folder with a batch and what came of it.
struct Applied<P> {
    folder: Box<Folder<P>>,
    batch: Vec<Step>,
    outcome: Result<Position, Failure>,
}

/// The folder is either here or at work on a blocking thread.
enum Work<P> {
    Idle(Box<Folder<P>>),
    Busy(JoinHandle<Applied<P>>),
    /// A batch is applied again after a pause.
    Pausing(Box<Folder<P>>, Vec<Step>, Pin<Box<dyn Future<Output = ()> + Send>>),
    /// In the middle of changing hands; never seen from outside.
    Changing,
}

/// Waiting for the next commit, kept over turns of the loop so that no page is read twice.
enum Gathering {
    Waiting(Pin<Box<dyn Future<Output = Gathered> + Send>>),
    Ended(LedgerError),
}

struct Gathered {
    source: Source,
    step: Result<Step, LedgerError>,
    /// What was at hand behind it.
    more: Vec<Step>,
    behind: bool,
}

/// Where steps come from.
struct Source {
    follow: Follow,
    /// See [`Projection::ignores_new_cases`].
    ignores_new_cases: bool,
}

impl Source {
    async fn next(&mut self) -> Result<Step, LedgerError> {
        if self.ignores_new_cases {
            self.follow.next_step().await
        } else {
            self.follow.next().await.map(Step::Commit)
        }
    }
}

async fn gather(mut source: Source, room: usize) -> Gathered {
    let step = source.next().await;
    let mut more = Vec::new();
    // An error is said again by the next call.
    while more.len() + 1 < room.min(AT_HAND_MAX)
        && source.follow.has_at_hand()
        && let Ok(step) = source.next().await
    {
        more.push(step);
    }
    let behind = source.follow.is_behind();
    Gathered { source, step, more, behind }
}

/// The same after a pause, going on where the last one ended: one that failed says the same for ever.
async fn gather_again(ledger: Ledger, last: Source, pause: Duration) -> Gathered {
    sleep(pause).await;
    match ledger.follow(last.follow.position()) {
        Ok(follow) => gather(Source { follow, ..last }, 1).await,
        Err(error) => Gathered { source: last, step: Err(error), more: Vec::new(), behind: false },
    }
}

/// What a turn of the loop brought.
enum Turn<P> {
    Stop,
    Gathered(Gathered),
    Due,
    Applied(Applied<P>),
    Again,
    Panicked,
}

impl<P: Projection> Runner<P> {
    pub(crate) fn new(
        name: &'static str,
        ledger: Ledger,
        folder: Folder<P>,
        follow: Follow,
        state: watch::Sender<State>,
        options: Options,
        stop: CancellationToken,
    ) -> Self {
        let source = Source { follow, ignores_new_cases: folder.ignores_new_cases() };
        let work = Work::Idle(Box::new(folder));
        let gathering = Gathering::Waiting(Box::pin(gather(source, options.batch_commits)));
        let (work_pause, gathering_pause) = (Pause::NONE, Pause::NONE);
        Self {
            name,
            ledger,
            options,
            stop,
            state,
            work,
            gathering,
            batch: Vec::new(),
            batch_bytes: 0,
            work_pause,
            gathering_pause,
            behind: false,
            not_before: Instant::now(),
        }
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
                Turn::Due => self.hand_over(),
                Turn::Applied(Applied { folder, outcome: Ok(position), .. }) => {
                    tell(&self.state, position);
                    self.work_pause.is_over(self.name);
                    self.work = Work::Idle(folder);
                    self.hand_over();
                }
                Turn::Applied(Applied { folder, batch, outcome: Err(failure) }) if failure.is_away() => {
                    let pause = self.work_pause.next(self.name, &failure);
                    self.work = Work::Pausing(folder, batch, Box::pin(sleep(pause)));
                }
                Turn::Applied(Applied { outcome: Err(Failure::Ledger(source)), .. }) => {
                    return Err(RunError::Ledger { name: self.name, source });
                }
                Turn::Applied(Applied { outcome: Err(failure), .. }) => {
                    return self.park(failure.to_string()).await;
                }
                Turn::Again => self.try_again(),
                Turn::Panicked => return self.park("the fold panicked".to_owned()).await,
            }
        }
    }

    async fn turn(&mut self) -> Turn<P> {
        let has_room = self.has_room();
        let waits = !self.batch.is_empty() && !self.behind && matches!(self.work, Work::Idle(_));
        let due = async {
            match waits {
                true => sleep_until(self.not_before).await,
                false => std::future::pending().await,
            }
        };
        let applied = async {
            match &mut self.work {
                Work::Busy(work) => work.await.map_or(Turn::Panicked, Turn::Applied),
                Work::Pausing(_, _, pause) => {
                    pause.await;
                    Turn::Again
                }
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
            () = due => Turn::Due,
        }
    }

    fn has_room(&self) -> bool {
        self.batch.len() < self.options.batch_commits && self.batch_bytes < self.options.batch_bytes
    }

    fn take(&mut self, gathered: Gathered) {
        let Gathered { source, step, more, behind } = gathered;
        self.behind = behind && step.is_ok();
        match step {
            Ok(step) => {
                self.gathering_pause.is_over(self.name);
                for step in std::iter::once(step).chain(more) {
                    self.batch_bytes = self.batch_bytes.saturating_add(step.stored_bytes());
                    self.batch.push(step);
                }
                let room = self.options.batch_commits.saturating_sub(self.batch.len());
                self.gathering = Gathering::Waiting(Box::pin(gather(source, room)));
            }
            Err(error) if error.is_away() => {
                let pause = self.gathering_pause.next(self.name, &error);
                let again = gather_again(self.ledger.clone(), source, pause);
                self.gathering = Gathering::Waiting(Box::pin(again));
            }
            Err(error) => self.gathering = Gathering::Ended(error),
        }
        self.hand_over();
    }

    /// Whether the batch is to grow first: more is known to be there, or many write and the last batch was just begun.
    fn is_to_grow(&self) -> bool {
        let goes_on = matches!(self.gathering, Gathering::Waiting(_));
        goes_on && self.has_room() && (self.behind || Instant::now() < self.not_before)
    }

    /// Hands the batch to the folder, unless that is at work or there is something to wait for.
    fn hand_over(&mut self) {
        if self.batch.is_empty() || self.is_to_grow() {
            return;
        }
        match std::mem::replace(&mut self.work, Work::Changing) {
            Work::Idle(folder) => {
                self.batch_bytes = 0;
                let pause = if self.batch.len() < CROWD { Duration::ZERO } else { self.options.pause };
                self.not_before = Instant::now() + pause;
                self.work = apply(folder, std::mem::take(&mut self.batch));
            }
            other @ (Work::Busy(_) | Work::Pausing(..) | Work::Changing) => self.work = other,
        }
    }

    /// Hands over the batch that was given up.
    fn try_again(&mut self) {
        self.work = match std::mem::replace(&mut self.work, Work::Changing) {
            Work::Pausing(folder, batch, _over) => apply(folder, batch),
            other @ (Work::Idle(_) | Work::Busy(_) | Work::Changing) => other,
        };
    }

    /// The ledger's end, once everything before it was applied.
    fn ended(&self) -> Option<LedgerError> {
        match (&self.gathering, &self.work) {
            (Gathering::Ended(error), Work::Idle(_)) if self.batch.is_empty() => Some(error.clone()),
            _ => None,
        }
    }

    async fn finish(self) -> Result<(), RunError> {
        let folder = match self.work {
            Work::Idle(folder) => folder,
            // What was given up, the next start applies.
            Work::Pausing(..) | Work::Changing => return Ok(()),
            Work::Busy(work) => match work.await {
                Ok(Applied { folder, outcome: Ok(position), .. }) => {
                    tell(&self.state, position);
                    folder
                }
                // The next start applies it.
                Ok(Applied { outcome: Err(failure), .. }) if failure.is_away() => return Ok(()),
                Ok(Applied { outcome: Err(failure), .. }) => {
                    return Err(RunError::Parked { name: self.name, reason: failure.to_string() });
                }
                Err(_panic) => {
                    return Err(RunError::Parked { name: self.name, reason: "the fold panicked".to_owned() });
                }
            },
        };
        // Whoever does not wait for it reads some commits twice at the next start, no more.
        if let Ok(Err(failure)) = tokio::task::spawn_blocking(move || folder.leave()).await {
            tracing::warn!(projection = self.name, %failure, "the last position was not written down");
        }
        Ok(())
    }

    /// Stands still and says why. The rows stay as they are; the next start tries again.
    async fn park(self, reason: String) -> Result<(), RunError> {
        tracing::error!(projection = self.name, reason, "projection is parked");
        self.state.send_modify(|state| state.parked = Some(reason.as_str().into()));
        self.stop.cancelled().await;
        Err(RunError::Parked { name: self.name, reason })
    }
}

fn apply<P: Projection>(mut folder: Box<Folder<P>>, batch: Vec<Step>) -> Work<P> {
    let runtime = Handle::current();
    Work::Busy(tokio::task::spawn_blocking(move || {
        let outcome = folder.apply(&batch, &runtime);
        Applied { folder, batch, outcome }
    }))
}

fn tell(state: &watch::Sender<State>, position: Position) {
    state.send_modify(|state| {
        state.position = position;
        state.rebuilding_until = state.rebuilding_until.filter(|until| position < *until);
    });
}
