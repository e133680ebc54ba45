use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use ledger::{Ledger, Position};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::change::Projection;
use crate::file::{self, OpenError};
use crate::folder::Folder;
use crate::run::{RunError, Runner};
use crate::seen;
use crate::view::{State, View};

/// What may be chosen about running a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Commits in one transaction at most. A batch ends earlier when the ledger has no more.
    pub batch_commits: usize,
    /// Bytes of commits, as stored, in one transaction at most, give or take what a follower reads ahead.
    pub batch_bytes: usize,
    /// At least so long from the beginning of one transaction to that of the next while several commits come at a time: a
    /// transaction costs as much as the rows of ten commits. What comes one at a time does not wait.
    pub pause: Duration,
    /// Cases kept in memory, some 2 to 20 KiB each.
    pub cases_max: NonZeroUsize,
    /// Reads at once.
    pub readers_max: usize,
}

impl Options {
    /// 512 commits or 4 MiB in one transaction, 50 ms, 8,192 cases, 4 readers.
    pub const DEFAULT: Self = Self {
        batch_commits: 512,
        batch_bytes: 4 * 1024 * 1024,
        pause: Duration::from_millis(50),
        cases_max: match NonZeroUsize::new(8192) {
            Some(max) => max,
            None => NonZeroUsize::MIN,
        },
        readers_max: 4,
    };
}

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where the rows are.
    pub position: Position,
    /// Where they will be.
    pub until: Position,
}

/// Why a rebuild did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// It did not begin.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It stopped on the way.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Opens a projection's file in `dir` and gives a view of it and the future that keeps it current until `stop`. A file that
/// is missing, damaged or made from something else is begun anew, with a warning unless it was missing.
///
/// The caller spawns the future. It ends with an error when the ledger cannot be followed: then the role must stop.
///
/// # Errors
/// [`OpenError`]
pub async fn start<P: Projection>(
    dir: &Path,
    projection: P,
    ledger: Ledger,
    options: Options,
    stop: CancellationToken,
) -> Result<(View, impl Future<Output = Result<(), RunError>> + Send + use<P>), OpenError> {
    let name = projection.name();
    let path = file::path(dir, name)?;
    let (opened, projection) = file::open(path.clone(), projection, &ledger).await?;
    let folder = Folder::new(opened, projection, &ledger, options.cases_max).await?;
    let position = folder.position();
    let follow = ledger.follow(position)?;
    let head = ledger.head().position;
    let rebuilding_until = (position == Position::ZERO && head > position).then_some(head);
    let (sender, state) = watch::channel(State { position, rebuilding_until, parked: None });
    let view = View::new(name, path, ledger.clone(), options.readers_max, state);
    let runner = Runner::new(name, ledger, folder, follow, sender, options, stop);
    let watched = view.clone();
    let run = async move {
        let outcome = tokio::select! {
            biased;
            outcome = runner.run() => outcome,
            never = seen::keep(watched.clone()) => match never {},
        };
        seen::tell(&watched.status());
        outcome
    };
    Ok((view, run))
}

/// Deletes a projection's file and folds it from the beginning to where the ledger ends now, telling how far it is. Nobody
/// else may have the file open. Gives back the position it came to.
///
/// # Errors
/// [`RebuildError`]
pub async fn rebuild<P: Projection>(
    dir: &Path,
    projection: P,
    ledger: Ledger,
    options: Options,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Position, RebuildError> {
    let path = file::path(dir, projection.name())?;
    file::blocking(move || file::delete(&path)).await?;
    let until = ledger.head().position;
    let stop = CancellationToken::new();
    let (view, run) = start(dir, projection, ledger, options, stop.clone()).await?;
    let mut position = view.position();
    progress(Progress { position, until });
    let watch = async {
        while position < until {
            match view.changed_since(position).await {
                Ok(moved) => position = moved,
                // The run says why.
                Err(_behind) => break,
            }
            progress(Progress { position, until });
        }
        stop.cancel();
    };
    let (outcome, ()) = tokio::join!(run, watch);
    outcome?;
    Ok(view.position())
}
