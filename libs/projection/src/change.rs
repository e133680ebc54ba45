use std::sync::Arc;

use case::event::Recorded;
use case::state::Case;
use ledger::Commit;
use ledger::registry_stream::Modes;
use registry::Registry;
use rusqlite::{Connection, Transaction};

/// Rows made from the ledger and from nothing else.
///
/// Deterministic: the same commits give the same rows, on every machine, in a rebuild as live. Whatever `self` keeps is a
/// cache that may be lost or be ahead of the rows at any time; what counts is in the rows.
pub trait Projection: Send + 'static {
    /// Names the file: lower-case letters, digits, `-` and `_`.
    fn name(&self) -> &'static str;

    /// Version of its tables and of what its rows mean; another one rebuilds.
    fn version(&self) -> u32;

    /// Makes the tables, in an empty file.
    ///
    /// # Errors
    /// What SQLite says.
    fn create(&self, db: &Connection) -> rusqlite::Result<()>;

    /// Whether a commit that only makes cases, with the clocks that begin with them, changes no row whatever the cases are. Such
    /// commits are then neither decoded nor applied; the case is there, whole, in the first change that something else makes.
    fn ignores_new_cases(&self) -> bool {
        false
    }

    /// Fetches beforehand, for many commits at once, what applying them one by one would fetch from elsewhere. Called on a
    /// blocking thread before the transaction begins; [`Projection::release`] follows in any case.
    ///
    /// # Errors
    /// As [`Projection::apply`].
    fn prepare(&mut self, batch: &[&Commit]) -> Result<(), FoldError> {
        let _nothing_to_fetch = batch;
        Ok(())
    }

    /// Lets go of what was prepared: the batch is applied, or given up.
    fn release(&mut self) {}

    /// Writes what one commit changes. The transaction goes on: neither commit nor roll it back. Statements are best
    /// prepared with `prepare_cached`.
    ///
    /// # Errors
    /// [`FoldError::Away`] has the whole batch applied again later. Any other [`FoldError`] parks the projection: it stands
    /// still, says why, and answers no reads until somebody mends it.
    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError>;
}

/// Why a commit could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// SQLite refuses.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// What the fold needs from elsewhere is not reached now. The rows stay as they were, and the batch is tried again.
    #[error("{0} is not reached")]
    Away(&'static str),
    /// The commit cannot be what it is: a mistake in the fold or in whoever committed. Never quotes personal text.
    #[error("{0}")]
    Fact(String),
}

/// What one commit changed.
#[derive(Debug)]
pub struct Change<'a> {
    /// The commit itself, with events of streams that are no case's too.
    pub commit: &'a Commit,
    /// The cases it touched, in the order of their first event.
    pub cases: Vec<CaseChange<'a>>,
    /// The registry in force as of this commit; none before the first.
    pub registry: Option<&'a Arc<Registry>>,
    /// Whether this commit put it in force.
    pub published: bool,
    /// The modes of areas as of this commit.
    pub modes: &'a Modes,
}

/// What a commit changed about one case.
#[derive(Debug)]
pub struct CaseChange<'a> {
    /// Before; of version 0 when this commit raised it.
    pub before: Arc<Case>,
    /// After.
    pub after: Arc<Case>,
    /// What happened between, at least one.
    pub events: Vec<&'a Recorded>,
}

impl CaseChange<'_> {
    /// Whether the commit raised it: then there are no rows of it to be replaced.
    #[must_use]
    pub fn is_new(&self) -> bool {
        !self.before.exists()
    }
}
