//! Where the uploads of one process lie until they are whole.
//!
//! The directories in `incoming` are numbered, and whoever holds the lock of one has it. Neither a directory nor its lock is ever
//! removed: a lock somebody took stays the one that others try.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const LOCK: &str = "lock";

/// A directory that is this store's alone.
#[derive(Debug)]
pub(super) struct OwnDir {
    path: PathBuf,
    next_upload: AtomicU64,
    _lock: File,
}

impl OwnDir {
    /// Takes the first directory in `incoming` that is free, and clears whatever is: those who began it are gone.
    pub(super) fn take(incoming: &Path) -> io::Result<Self> {
        fs::create_dir_all(incoming)?;
        // Files right here are of a store that knew no directories of its own.
        clear(incoming)?;
        let mut own = None;
        let mut number = 0_u64;
        loop {
            let path = incoming.join(number.to_string());
            if let Some(own) = own.take_if(|_| !path.is_dir()) {
                return Ok(own);
            }
            if let Some(lock) = try_lock(&path)? {
                clear(&path)?;
                own.get_or_insert(Self { path, next_upload: AtomicU64::new(0), _lock: lock });
            }
            number += 1;
        }
    }

    /// A path no upload had while this directory is held.
    pub(super) fn next_path(&self) -> PathBuf {
        let number = self.next_upload.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{number}.part"))
    }
}

/// The lock of a directory, made when it is not there; none when another store has it.
fn try_lock(dir: &Path) -> io::Result<Option<File>> {
    fs::create_dir_all(dir)?;
    let file = File::options().write(true).create(true).truncate(false).open(dir.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the files of a directory but for its lock.
fn clear(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() != LOCK && !entry.file_type()?.is_dir() {
            match fs::remove_file(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                // Gone already: two that start at one time clear `incoming` together.
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}
