//! The directory of the rows: whose it is, and whether there is a database.
//!
//! Beside a key file, a database that is missing was lost. Without one, `vault.lock` tells: it is written to once the database is
//! made. So a first start that was interrupted begins anew, while a lost database is told from it and never quietly replaced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::database;
use crate::error::Error;

pub(crate) const DATABASE: &str = "vault.sqlite";
const DATABASE_OF_NEW: &str = "vault.sqlite.new";
const LOCK: &str = "vault.lock";
const MADE: &[u8] = b"made\n";

/// Keeps other processes out until dropped.
pub(crate) struct Held {
    dir: PathBuf,
    lock: File,
}

/// Makes the directory if there is none, and locks it.
pub(crate) fn hold(dir: &Path) -> Result<Held, Error> {
    make_dir(dir)?;
    Ok(Held { dir: dir.to_owned(), lock: lock(dir)? })
}

impl Held {
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether there ever was a database that nobody's key file tells of.
    pub(crate) fn was_made(&self) -> Result<bool, Error> {
        let found = self.lock.metadata().map_err(Error::io("reading vault.lock"))?;
        Ok(found.len() > 0)
    }

    /// Writes down, durably, that there is a database.
    pub(crate) fn mark_made(&self) -> Result<(), Error> {
        if self.was_made()? {
            return Ok(());
        }
        let written = (&self.lock).write_all(MADE).and_then(|()| self.lock.sync_all());
        written.map_err(Error::io("writing vault.lock"))?;
        sync_dir(&self.dir)
    }

    /// Makes the database under another name first, so that it is whole once it has its own.
    pub(crate) fn make_database(&self, ledger: &str) -> Result<(), Error> {
        for left in
            ["vault.sqlite.new-journal", DATABASE_OF_NEW, DATABASE, "vault.sqlite-wal", "vault.sqlite-shm"]
        {
            remove(&self.dir.join(left))?;
        }
        let new = self.dir.join(DATABASE_OF_NEW);
        // SQLite takes an empty file for a new database, and gives its log the same permissions.
        make_file(&new)?;
        database::create(&new, ledger)?;
        fs::rename(&new, self.database()).map_err(Error::io("naming vault.sqlite"))?;
        sync_dir(&self.dir)
    }
}

fn make_dir(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(Error::io(format!("creating {}", dir.display())))?;
    dir.parent().map_or(Ok(()), sync_dir)
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK);
    let what = || format!("locking {}", path.display());
    let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = options.map_err(Error::io(what()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(Error::io(what())(error)),
    }
}

pub(crate) fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(Error::io(format!("looking for {}", path.display())))
}

pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", path.display()))(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A new file that nobody else may read.
pub(crate) fn make_file(path: &Path) -> Result<File, Error> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(Error::io(format!("creating {}", path.display())))
}

pub(crate) fn sync_dir(dir: &Path) -> Result<(), Error> {
    // The parent of a relative path of one part is the empty path.
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(Error::io(format!("syncing {}", dir.display())))
}
