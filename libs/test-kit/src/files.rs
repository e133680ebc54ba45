//! Directories that go when the test ends.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use tempfile::TempDir;
use vault::Vault;

use crate::wait::done;

/// A new directory, removed when dropped.
///
/// # Panics
/// When the system cannot make one.
#[must_use]
pub fn temp_dir() -> TempDir {
    done("making a directory", tempfile::tempdir())
}

/// A vault in a directory of its own.
#[derive(Debug)]
pub struct TempVault {
    // Before the directory, so that the vault is closed when its files go.
    vault: Vault,
    dir: TempDir,
}

impl TempVault {
    /// The vault.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Where its files are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// A new vault of a ledger, on a clock that stands.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn temp_vault(ledger: &str, now: Timestamp) -> TempVault {
    let dir = temp_dir();
    let vault = done("opening a vault", Vault::open(dir.path(), ledger, Arc::new(move || now)));
    TempVault { vault, dir }
}
