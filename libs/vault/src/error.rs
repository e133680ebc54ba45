//! What can go wrong, without a word of what is kept.

use std::path::PathBuf;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};

/// Why the vault could not do it. Nothing personal is ever part of an error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another process has the directory.
    #[error("another process has the vault in {0}; end it first")]
    Locked(PathBuf),
    /// There is a database and no key file.
    #[error("{0} is missing; put it back from its backup, without it nothing in the vault opens")]
    KeyMissing(PathBuf),
    /// There was a database, and there is none.
    #[error(
        "{0} is missing; restore it from a backup, or remove vault.key and vault.lock beside it to begin a new vault and lose every sealed text"
    )]
    DatabaseMissing(PathBuf),
    /// The key file is not this database's.
    #[error("the key file does not fit the vault's rows; put back the key file of this vault")]
    WrongKey,
    /// The vault is another ledger's.
    #[error("the vault is that of ledger {found}, not of {wanted}")]
    OtherLedger {
        /// Whose it is.
        found: String,
        /// Whose was asked for.
        wanted: String,
    },
    /// A newer program wrote it.
    #[error("the vault has format {found}, this program knows up to {known}; use the newer program")]
    NewerFormat {
        /// The format of the files.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// A file could not be read or written.
    #[error("{what} failed")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The database refused. Nothing of the call is in it.
    #[error("the vault's database failed")]
    Storage(#[source] Arc<rusqlite::Error>),
    /// The disk failed before. Nothing more is written; the process is about to end.
    #[error("the vault's disk failed; the process ends")]
    Poisoned,
    /// The writer has ended.
    #[error("the vault is closed")]
    Closed,
    /// A text or contact is above its limit.
    #[error("the text is too long to be sealed")]
    TooLong,
    /// More texts or contacts than [`crate::REQUESTS_MAX`].
    #[error("too many texts to be sealed at once")]
    TooMany,
    /// The subject was erased, and stays so.
    #[error("key {key_id} of case {case} was destroyed")]
    KeyDestroyed {
        /// The case.
        case: CaseId,
        /// The key.
        key_id: KeyId,
    },
    /// A sealed text or wrapped key is not what was sealed here.
    #[error("sealed bytes do not open: they were changed or belong elsewhere")]
    Damaged,
    /// Another program's read keeps old bytes in the write-ahead log.
    #[error(
        "the key is destroyed, but another program keeps its old bytes in the write-ahead log; end it and repeat"
    )]
    WalHeld,
    /// The host of the rows is not reached. Nothing is known to have happened; repeating is harmless.
    #[error("the rows of the vault are not reached")]
    Away,
    /// The host of the rows could not do it; what it said.
    #[error("the host of the vault's rows failed: {0}")]
    Host(String),
    /// The host of the rows and this process do not understand each other.
    #[error("the host of the vault's rows is not understood: {0}")]
    Protocol(String),
    /// This role may not have the vault's key.
    #[error("this role has no key of the vault")]
    NoKey,
    /// Only whoever keeps the rows can do this.
    #[error("the rows of the vault lie elsewhere; their host does this")]
    RowsElsewhere,
    /// The text's key was not among those fetched.
    #[error("the key was not fetched")]
    NotFetched,
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

impl Error {
    /// Whether the same may work later, without anybody mending anything here.
    #[must_use]
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away)
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source: Arc::new(source) }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(Arc::new(error))
    }
}

impl From<ring::error::Unspecified> for Error {
    /// Only asking for random bytes and sealing small texts give this, and the latter never fails.
    fn from(_: ring::error::Unspecified) -> Self {
        Self::NoRandomness
    }
}
