//! The directory: whose it is, and the key that wraps everything in it.
//!
//! The key file is made under another name and takes its own once the database is made: so a first start that was interrupted
//! begins anew, while a lost database or a lost key is told from it and never quietly replaced.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ring::aead::LessSafeKey;
use ring::rand::SystemRandom;

use crate::crypt::{self, KEY_BYTES};
use crate::error::Error;

pub(crate) const DATABASE: &str = "vault.sqlite";
const KEY: &str = "vault.key";
const KEY_OF_NEW: &str = "vault.key.new";
const LOCK: &str = "vault.lock";

/// The directory, locked, and its key.
pub(crate) struct Opening {
    dir: PathBuf,
    lock: File,
    key: [u8; KEY_BYTES],
    is_fresh: bool,
}

/// Keeps other processes out until dropped.
pub(crate) struct Held {
    _lock: File,
}

/// Locks the directory and finds or makes its key.
pub(crate) fn hold(dir: &Path) -> Result<Opening, Error> {
    make_dir(dir)?;
    let lock = lock(dir)?;
    let (key_path, database) = (dir.join(KEY), dir.join(DATABASE));
    let (has_key, has_database) = (exists(&key_path)?, exists(&database)?);
    if has_key && !has_database {
        return Err(Error::DatabaseMissing(database));
    }
    if has_key {
        let key = read_key(&key_path)?;
        return Ok(Opening { dir: dir.to_owned(), lock, key, is_fresh: false });
    }
    if has_database && !exists(&dir.join(KEY_OF_NEW))? {
        return Err(Error::KeyMissing(key_path));
    }
    // Nobody was ever given anything sealed under what an interrupted first start left.
    for left in [DATABASE, "vault.sqlite-wal", "vault.sqlite-shm", KEY_OF_NEW] {
        remove(&dir.join(left))?;
    }
    let key = make_key(dir)?;
    // SQLite takes an empty file for a new database, and gives its log the same permissions.
    make_file(&database)?;
    Ok(Opening { dir: dir.to_owned(), lock, key, is_fresh: true })
}

impl Opening {
    pub(crate) fn key(&self) -> Result<LessSafeKey, Error> {
        crypt::wrapping_key(&self.key)
    }

    /// Whether the database is still to be made.
    pub(crate) fn is_fresh(&self) -> bool {
        self.is_fresh
    }

    /// Makes a new vault's files count, durably.
    pub(crate) fn settle(self) -> Result<Held, Error> {
        if self.is_fresh {
            sync_dir(&self.dir)?;
            fs::rename(self.dir.join(KEY_OF_NEW), self.dir.join(KEY))
                .map_err(Error::io("naming vault.key"))?;
            sync_dir(&self.dir)?;
        }
        Ok(Held { _lock: self.lock })
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

fn exists(path: &Path) -> Result<bool, Error> {
    path.try_exists().map_err(Error::io(format!("looking for {}", path.display())))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io(format!("removing {}", path.display()))(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn read_key(path: &Path) -> Result<[u8; KEY_BYTES], Error> {
    let reading = || format!("reading {}", path.display());
    let mut bytes = Vec::with_capacity(KEY_BYTES);
    let file = File::open(path).map_err(Error::io(reading()))?;
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(reading()))?;
    bytes.try_into().map_err(|_| Error::WrongKey)
}

fn make_key(dir: &Path) -> Result<[u8; KEY_BYTES], Error> {
    let path = dir.join(KEY_OF_NEW);
    let key = crypt::random_bytes(&SystemRandom::new())?;
    let mut file = make_file(&path)?;
    let written = file.write_all(&key).and_then(|()| file.sync_all());
    written.map_err(Error::io(format!("writing {}", path.display())))?;
    sync_dir(dir)?;
    Ok(key)
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
