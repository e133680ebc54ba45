//! Keeping the rows for others.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;

use crate::error::Error;
use crate::parts::Swept;
use crate::store::Store;

/// The rows of one ledger's vault, kept for the roles that have its key. Reads no key file, even where one lies in the directory.
/// Copies are cheap; the directory is free again when the last one is dropped.
#[derive(Clone)]
pub struct Host(Arc<Store>);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl Host {
    /// Opens the rows of a ledger, or makes them where there never were any. Blocks.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::DatabaseMissing`], [`Error::OtherLedger`], [`Error::NewerFormat`]: nothing was changed, and
    /// each says what an operator does. [`Error::Io`], [`Error::Storage`].
    pub fn open(dir: &Path, ledger: &str) -> Result<Self, Error> {
        Store::open_or_make(dir, ledger).map(Arc::new).map(Self)
    }

    /// Removes what no event names and nobody touched for [`UNNAMED_KEPT`](crate::UNNAMED_KEPT): the traces of commands that
    /// ended between vault and log. `named` looks a key up in what the log has up to now.
    ///
    /// # Errors
    /// [`Error::WalHeld`] when another program reads the database: repeat once it has ended. [`Error::Storage`],
    /// [`Error::Poisoned`]. What was done before the error stays done.
    pub async fn sweep(
        &self,
        now: Timestamp,
        named: impl Fn(CaseId, &KeyId) -> bool,
    ) -> Result<Swept, Error> {
        self.0.sweep(now, named).await
    }

    /// Writes a whole, durable copy of the rows to a new file. Writers wait meanwhile.
    ///
    /// # Errors
    /// [`Error::Io`] when the file exists or cannot be written; [`Error::Storage`].
    pub async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        self.0.backup_to(path).await
    }
}
