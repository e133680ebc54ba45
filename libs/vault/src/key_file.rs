//! The file with the key that wraps everything in the rows.
//!
//! Where key and rows share a directory, the key file is made under another name and takes its own once the database is made: so
//! a first start that was interrupted begins anew, while a lost database or a lost key is told from it and never quietly replaced.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use ring::aead::LessSafeKey;
use ring::rand::SystemRandom;

use crate::crypt::{self, KEY_BYTES};
use crate::error::Error;
use crate::files::{self, Held, exists, make_file, remove, sync_dir};

pub(crate) const KEY: &str = "vault.key";
pub(crate) const KEY_OF_NEW: &str = "vault.key.new";

/// Makes a key file that only its owner may read, durably. The roles that open what the vault seals each have a copy of it; the
/// role that keeps the rows has none.
///
/// # Errors
/// [`Error::Io`] when the file exists or cannot be written: a key file is never written over.
pub fn new_key_file(path: &Path) -> Result<(), Error> {
    make_key(path).map(|_key| ())
}

/// Whether a directory has the rows of a vault and no key: so it is where rows are kept for other processes, and there only. Touches
/// nothing.
///
/// # Errors
/// [`Error::Io`] when the directory cannot be looked into.
pub fn has_rows_alone(dir: &Path) -> Result<bool, Error> {
    let has_key = exists(&dir.join(KEY))? || exists(&dir.join(KEY_OF_NEW))?;
    Ok(!has_key && exists(&dir.join(files::DATABASE))?)
}

/// Reads a key file.
pub(crate) fn read(path: &Path) -> Result<LessSafeKey, Error> {
    let reading = || format!("reading {}", path.display());
    let mut bytes = Vec::with_capacity(KEY_BYTES);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Error::KeyMissing(path.to_owned()));
        }
        Err(error) => return Err(Error::io(reading())(error)),
    };
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(Error::io(reading()))?;
    crypt::wrapping_key(&bytes)
}

fn make_key(path: &Path) -> Result<LessSafeKey, Error> {
    let key: [u8; KEY_BYTES] = crypt::random_bytes(&SystemRandom::new())?;
    let mut file = make_file(path)?;
    let written = file.write_all(&key).and_then(|()| file.sync_all());
    written.map_err(Error::io(format!("writing {}", path.display())))?;
    path.parent().map_or(Ok(()), sync_dir)?;
    crypt::wrapping_key(&key)
}

/// The key of a directory that also holds the rows; both are made where there is neither.
pub(crate) fn beside_rows(held: &Held, ledger: &str) -> Result<LessSafeKey, Error> {
    let (key_path, new_path) = (held.dir().join(KEY), held.dir().join(KEY_OF_NEW));
    let (has_key, has_database) = (exists(&key_path)?, exists(&held.database())?);
    if !has_database && (has_key || held.was_made()?) {
        return Err(Error::DatabaseMissing(held.database()));
    }
    if has_key {
        return read(&key_path);
    }
    if has_database && (held.was_made()? || !exists(&new_path)?) {
        return Err(Error::KeyMissing(key_path));
    }
    // Nobody was ever given anything sealed under what an interrupted first start left.
    remove(&held.database())?;
    remove(&new_path)?;
    let key = make_key(&new_path)?;
    held.make_database(ledger)?;
    fs::rename(&new_path, &key_path).map_err(Error::io("naming vault.key"))?;
    files::sync_dir(held.dir())?;
    Ok(key)
}
