//! Keeping the rows for others.

mod endpoints;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;

use crate::error::Error;
use crate::message;
use crate::parts::{Now, Swept};
use crate::rows::{Ensured, NewRow};
use crate::store::Store;

/// The rows of one ledger's vault, kept for the roles that have its key. Reads no key file, even where one lies in the directory.
/// Copies are cheap; the directory is free again when the last one is dropped.
#[derive(Clone)]
pub struct Host {
    store: Arc<Store>,
    ledger: Arc<str>,
    now: Now,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// Why the rows that came with a command were not kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RiderRefused {
    /// A row there has another key: the case is not new. Whoever asks seals the ordinary way and asks again.
    #[error("a row has another key")]
    Exists,
    /// The subject was erased, and stays so.
    #[error("a key was destroyed")]
    Destroyed,
    /// Not rows of a form known here.
    #[error("the rows do not read")]
    Malformed,
    /// They could not be made durable.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Host {
    /// Opens the rows of a ledger, or makes them where there never were any. Rows are touched by `now`, whatever the clock of who
    /// seals says: let the sweep have the same. Blocks.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::DatabaseMissing`], [`Error::OtherLedger`], [`Error::NewerFormat`]: nothing was changed, and
    /// each says what an operator does. [`Error::Io`], [`Error::Storage`].
    pub fn open(dir: &Path, ledger: &str, now: Now) -> Result<Self, Error> {
        let store = Arc::new(Store::open_or_make(dir, ledger)?);
        Ok(Self { store, ledger: ledger.into(), now })
    }

    /// Makes the rows durable that came with new cases, all of them with one sync. To be called before the events that name them
    /// are committed; a repeat is harmless. One outcome for each rider, in their order.
    ///
    /// # Errors
    /// [`RiderRefused`] for each by itself: its events are not to be committed.
    pub async fn ensure_riders(&self, riders: &[&[u8]]) -> Vec<Result<(), RiderRefused>> {
        let mut rows = Vec::new();
        // How many rows each brought; none of what does not read.
        let brought: Vec<Option<usize>> = riders
            .iter()
            .map(|rider| {
                let mut read = message::decode_rows(rider).ok()?;
                let count = read.len();
                rows.append(&mut read);
                Some(count)
            })
            .collect();
        match self.ensure(rows).await {
            Ok(ensured) => {
                let mut ensured = ensured.into_iter();
                let of = |count: Option<usize>| {
                    judge(ensured.by_ref().take(count.ok_or(RiderRefused::Malformed)?))
                };
                brought.into_iter().map(of).collect()
            }
            Err(error) => {
                let of = |count: Option<usize>| match count {
                    Some(_) => Err(RiderRefused::Failed(error.clone())),
                    None => Err(RiderRefused::Malformed),
                };
                brought.into_iter().map(of).collect()
            }
        }
    }

    /// Keeps rows, all of them touched now. A clock that stands elsewhere would give a sweep what a command under way is about to
    /// name, or keep from it what a refused one left.
    async fn ensure(&self, mut rows: Vec<NewRow>) -> Result<Vec<Ensured>, Error> {
        let now = (self.now)().as_microsecond();
        for row in &mut rows {
            row.at = now;
        }
        self.store.ensure(rows).await
    }

    /// Removes what no event names and nobody touched for [`UNNAMED_KEPT`](crate::UNNAMED_KEPT): the traces of commands that
    /// ended between vault and log. Looks at the 500 rows untouched the longest, past as many as earlier steps found
    /// [unknown](Swept::unknown); [`Swept::more`] says whether that was all. `is_named` looks a key up in what the log has up to
    /// now, and says none of a case that cannot be read: its rows stay. When it fails, nothing is removed.
    ///
    /// # Errors
    /// [`Error::WalHeld`] when another program reads the database: repeat once it has ended. [`Error::Storage`],
    /// [`Error::Poisoned`]. What was done before the error stays done.
    pub async fn sweep<E, F>(
        &self,
        now: Timestamp,
        past: usize,
        is_named: impl Fn(CaseId, KeyId) -> F,
    ) -> Result<Swept, E>
    where
        E: From<Error>,
        F: Future<Output = Result<Option<bool>, E>>,
    {
        self.store.sweep(now, past, is_named).await
    }

    /// Writes a whole, durable copy of the rows to a new file. Writers wait meanwhile.
    ///
    /// # Errors
    /// [`Error::Io`] when the file exists or cannot be written; [`Error::Storage`].
    pub async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        self.store.backup_to(path).await
    }
}

/// What became of one rider's rows; all of them are looked at, so that the next rider's come after them.
fn judge(ensured: impl Iterator<Item = Ensured>) -> Result<(), RiderRefused> {
    let mut judged = Ok(());
    for ensured in ensured {
        judged = judged.and(match ensured {
            Ensured::Mine => Ok(()),
            Ensured::Theirs(_) => Err(RiderRefused::Exists),
            Ensured::Destroyed => Err(RiderRefused::Destroyed),
        });
    }
    judged
}
