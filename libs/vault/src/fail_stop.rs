//! What happens when the disk fails: nothing more is written, and the process ends.

use std::sync::Arc;

/// How the process ends: `EX_SOFTWARE`, as when the event store cannot go on.
const EXIT: i32 = 70;

/// Runs before each commit; an error counts as the commit's own.
pub(crate) type BeforeCommit = Arc<dyn Fn() -> rusqlite::Result<()> + Send + Sync>;
/// Told why nothing may be written any more. What serves does not come back from it.
pub(crate) type FailStop = Arc<dyn Fn(&str) + Send + Sync>;

/// Where tests take hold of the writer; [`Seams::none`] is what serves.
#[derive(Clone)]
pub(crate) struct Seams {
    /// Fails a commit.
    pub(crate) before_commit: Option<BeforeCommit>,
    /// Called once, after a write or sync that failed for good or a panic of the writer; nothing is answered with success from then on.
    pub(crate) fail_stop: FailStop,
}

impl Seams {
    /// Real commits; a failure is logged and ends the process, because after a failed sync nobody knows what is on the disk, and
    /// only opening the files anew tells.
    pub(crate) fn none() -> Self {
        let fail_stop = |reason: &str| {
            tracing::error!(reason, "the vault cannot go on; the process ends so that it recovers from disk");
            std::process::exit(EXIT);
        };
        Self { before_commit: None, fail_stop: Arc::new(fail_stop) }
    }

    pub(crate) fn before_commit(&self) -> rusqlite::Result<()> {
        self.before_commit.as_ref().map_or(Ok(()), |hook| hook())
    }
}
