//! The files of a store and what must be true of them before sled touches any.
//!
//! | file | content |
//! |---|---|
//! | `lock` | held by `flock` while the store is open; the holder's process id |
//! | `format` | format number and ledger, as text |
//! | `watermark` | see `watermark.rs` |
//! | `sled/` | sled's own: `conf`, `db`, `blobs/`, `snap.*` |
//! | `creating` | there while a new store is being made: nothing in it was ever acknowledged |

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::errors::OpenError;
use crate::watermark::Watermark;

pub(crate) const LOCK: &str = "lock";
const FORMAT: &str = "format";
const CREATING: &str = "creating";
const WATERMARK: &str = "watermark";
const ENGINE: &str = "sled";
/// The newest format of the whole directory this build reads and the one it writes.
const FORMAT_NUMBER: u32 = 1;
const FORMAT_HEADER: &str = "whistle event store";

/// Names the failed action and file of an I/O error.
pub(crate) fn io_error<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> OpenError + 'a {
    move |source| OpenError::Io { action, path: path.to_owned(), source }
}

pub(crate) fn damaged(dir: &Path, detail: impl Into<String>) -> OpenError {
    OpenError::Damaged { dir: dir.to_owned(), detail: detail.into() }
}

pub(crate) fn engine_path(dir: &Path) -> PathBuf {
    dir.join(ENGINE)
}

pub(crate) fn data_path(dir: &Path) -> PathBuf {
    dir.join(ENGINE).join("db")
}

pub(crate) fn watermark_path(dir: &Path) -> PathBuf {
    dir.join(WATERMARK)
}

/// Makes the directory if need be and takes its lock.
pub(crate) fn take_lock(dir: &Path) -> Result<File, OpenError> {
    fs::create_dir_all(dir).map_err(io_error("create", dir))?;
    let path = dir.join(LOCK);
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut lock = opened.map_err(io_error("open", &path))?;
    hold(dir, &mut lock)?;
    let write = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
    write.map_err(io_error("write", &path))?;
    Ok(lock)
}

/// Keeps others out of a store that is only read: of one that cannot be written to as well, as on a read-only mount.
pub(crate) fn take_lock_to_read(dir: &Path) -> Result<Option<File>, OpenError> {
    let refused = match take_lock(dir) {
        Err(error @ OpenError::Io { .. }) => error,
        taken_or_held => return taken_or_held.map(Some),
    };
    match File::open(dir.join(LOCK)) {
        Ok(mut lock) => hold(dir, &mut lock).map(|()| Some(lock)),
        // Nobody ever opened it here, and where a lock cannot be made nobody can.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) => Err(refused),
    }
}

fn hold(dir: &Path, lock: &mut File) -> Result<(), OpenError> {
    match flock(&*lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut holder = String::new();
            let read = lock.read_to_string(&mut holder).is_ok_and(|bytes| bytes > 0);
            let holder = if read { holder.trim().to_owned() } else { "unknown".to_owned() };
            Err(OpenError::Locked { dir: dir.to_owned(), holder })
        }
        Err(errno) => Err(io_error("lock", &dir.join(LOCK))(errno.into())),
    }
}

/// Whether a directory holds anything of a store, or may: opening or copying says what keeps it from being looked into.
#[must_use]
pub fn is_store(dir: &Path) -> bool {
    let parts = [dir.join(FORMAT), engine_path(dir), watermark_path(dir)];
    parts.iter().any(|part| part.try_exists().unwrap_or(true))
}

/// Begins a new store when there is none, or when making one was cut short. Tells whether it did.
pub(crate) fn begin_if_new(dir: &Path, ledger: &str) -> Result<bool, OpenError> {
    let creating = dir.join(CREATING);
    let format = dir.join(FORMAT);
    let engine = engine_path(dir);
    let watermark = watermark_path(dir);
    if !creating.exists() {
        if format.exists() {
            return Ok(false);
        }
        if engine.exists() || watermark.exists() {
            return Err(damaged(dir, "the file `format` is missing"));
        }
        write_synced(&creating, b"")?;
        sync_dir(dir)?;
    }
    sync_ancestors(dir)?;
    // Nothing in a store that was still being made has been acknowledged.
    if engine.exists() {
        fs::remove_dir_all(&engine).map_err(io_error("remove", &engine))?;
    }
    fs::create_dir(&engine).map_err(io_error("create", &engine))?;
    Watermark::create(&watermark).map_err(io_error("create", &watermark))?;
    let text = format!("{FORMAT_HEADER}\nformat {FORMAT_NUMBER}\nledger {ledger}\n");
    write_synced(&format, text.as_bytes())?;
    Ok(true)
}

/// Ends what [`begin_if_new`] began, once everything is on stable storage.
pub(crate) fn finish_new(dir: &Path) -> Result<(), OpenError> {
    let creating = dir.join(CREATING);
    fs::remove_file(&creating).map_err(io_error("remove", &creating))?;
    sync_dir(dir)
}

/// Checks the format marker; gives back the ledger it names.
pub(crate) fn read_format(dir: &Path) -> Result<String, OpenError> {
    let path = dir.join(FORMAT);
    let text = fs::read_to_string(&path).map_err(io_error("read", &path))?;
    let malformed = || damaged(dir, "the file `format` is malformed");
    let mut lines = text.lines();
    if lines.next() != Some(FORMAT_HEADER) {
        return Err(malformed());
    }
    let found =
        lines.next().and_then(|line| line.strip_prefix("format ")).and_then(|n| n.parse::<u32>().ok());
    let found = found.ok_or_else(malformed)?;
    if found > FORMAT_NUMBER {
        return Err(OpenError::NewerFormat { dir: dir.to_owned(), found, known: FORMAT_NUMBER });
    }
    let ledger = lines.next().and_then(|line| line.strip_prefix("ledger "));
    ledger.map(str::to_owned).ok_or_else(malformed)
}

/// Makes sled's directory safe to open: half-written snapshots go, a lost `conf` beside data refuses.
pub(crate) fn prepare_engine(dir: &Path) -> Result<(), OpenError> {
    let engine = engine_path(dir);
    for entry in fs::read_dir(&engine).map_err(io_error("list", &engine))? {
        let entry = entry.map_err(io_error("list", &engine))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(io_error("remove", &entry.path()))?;
        }
    }
    let length = |name: &str| fs::metadata(engine.join(name)).map_or(0, |file| file.len());
    // sled writes a new `conf` over one of eight bytes or fewer without looking at the data.
    if length("conf") <= 8 && length("db") > 0 {
        return Err(damaged(dir, "sled's `conf` is missing although there is data"));
    }
    Ok(())
}

/// Syncs sled's files as far as their names and what it writes once.
pub(crate) fn sync_engine(dir: &Path) -> Result<(), OpenError> {
    let engine = engine_path(dir);
    let conf = engine.join("conf");
    File::open(&conf).and_then(|file| file.sync_all()).map_err(io_error("sync", &conf))?;
    sync_dir(&engine.join("blobs"))?;
    sync_dir(&engine)?;
    sync_dir(dir)
}

/// Whoever made the directories above may not have synced them, an earlier try of our own included.
fn sync_ancestors(dir: &Path) -> Result<(), OpenError> {
    let whole = dir.canonicalize().map_err(io_error("resolve", dir))?;
    for ancestor in whole.ancestors().skip(1) {
        match File::open(ancestor).and_then(|dir| dir.sync_all()) {
            Ok(()) => {}
            // What we may not read was made by somebody else, long before.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            Err(error) => return Err(io_error("sync", ancestor)(error)),
        }
    }
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), OpenError> {
    let write = File::create(path).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    write.map_err(io_error("write", path))
}

fn sync_dir(path: &Path) -> Result<(), OpenError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(io_error("sync", path))
}
