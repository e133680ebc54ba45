//! A projection's file: opening it, judging what it was made from, beginning it anew.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ledger::{ChainHash, Ledger, LedgerError, Position};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::change::Projection;
use crate::checkpoint::Checkpoint;

/// How long a statement waits for another connection's lock. With one writer, locks last as long as one transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Statements kept compiled per connection.
const STATEMENTS_MAX: usize = 256;

/// Why a projection cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The name would not make a file's name.
    #[error("{0:?} cannot name a projection: use a-z, 0-9, '-' and '_'")]
    Name(&'static str),
    /// The file system refuses.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// SQLite refuses.
    #[error("cannot open {path}")]
    Sql {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The runtime is going down.
    #[error("the runtime is going down")]
    GoingDown,
}

/// A file that is what its ledger made.
pub(crate) struct Opened {
    pub db: Connection,
    pub checkpoint: Checkpoint,
}

pub(crate) fn path(dir: &Path, name: &'static str) -> Result<PathBuf, OpenError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Err(OpenError::Name(name));
    }
    Ok(dir.join(format!("{name}.sqlite")))
}

/// Deletes the file and what SQLite keeps beside it.
pub(crate) fn delete(path: &Path) -> Result<(), OpenError> {
    for ending in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let path = PathBuf::from(name);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(OpenError::Io { action: "delete", path, source }),
        }
    }
    Ok(())
}

/// Opens the file, or begins it anew when there is none or it is not what this ledger and projection made.
pub(crate) async fn open<P: Projection>(
    path: PathBuf,
    projection: P,
    ledger: &Ledger,
) -> Result<(Opened, P), OpenError> {
    let old = {
        let path = path.clone();
        blocking(move || open_old(&path)).await?
    };
    let wanted = (projection.name(), projection.version());
    if let Some(opened) = old {
        match fault(&opened.checkpoint, wanted, ledger).await? {
            None => return Ok((opened, projection)),
            Some(fault) => tracing::warn!(projection = wanted.0, %fault, "projection is rebuilt"),
        }
    }
    let checkpoint = Checkpoint {
        name: wanted.0.to_owned(),
        version: wanted.1,
        ledger: ledger.id().to_owned(),
        epoch: ledger.head().epoch,
        position: Position::ZERO,
        chain: ChainHash::GENESIS.to_string(),
    };
    blocking(move || {
        let opened = begin(&path, &projection, checkpoint)?;
        Ok((opened, projection))
    })
    .await
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    tokio::task::spawn_blocking(work).await.map_err(|_gone| OpenError::GoingDown)?
}

/// The file as it is; none when there is none, or it was not finished, or it is damaged.
fn open_old(path: &Path) -> Result<Option<Opened>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    let read = || -> rusqlite::Result<Option<Opened>> {
        let db = connect(path)?;
        Ok(Checkpoint::read(&db)?.map(|checkpoint| Opened { db, checkpoint }))
    };
    match read() {
        Ok(opened) => Ok(opened),
        Err(error) if is_damage(&error) => {
            tracing::warn!(path = %path.display(), %error, "projection's file is damaged and begun anew");
            Ok(None)
        }
        Err(source) => Err(OpenError::Sql { path: path.to_owned(), source }),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
        || matches!(
            error,
            rusqlite::Error::InvalidColumnType(..) | rusqlite::Error::IntegralValueOutOfRange(..)
        )
}

/// What keeps a file from being continued.
async fn fault(
    found: &Checkpoint,
    (name, version): (&str, u32),
    ledger: &Ledger,
) -> Result<Option<String>, LedgerError> {
    let head = ledger.head();
    if found.name != name || found.version != version {
        return Ok(Some(format!("it is {} {}, not {name} {version}", found.name, found.version)));
    }
    if found.ledger != ledger.id() {
        return Ok(Some(format!("it is of ledger {}, not of {}", found.ledger, ledger.id())));
    }
    if found.position > head.position {
        return Ok(Some(format!("it is at {}, the ledger ends at {}", found.position, head.position)));
    }
    if found.position == Position::ZERO {
        return Ok(None);
    }
    if found.epoch != head.epoch {
        return Ok(Some(format!("it is of epoch {}, the ledger in {}", found.epoch, head.epoch)));
    }
    let before = Position(found.position.get() - 1);
    let commits = ledger.read_log(before, 1).await?;
    let same = commits
        .first()
        .is_some_and(|commit| commit.last == found.position && commit.chain.to_string() == found.chain);
    Ok((!same).then(|| format!("the ledger has another chain at {}", found.position)))
}

fn begin<P: Projection>(path: &Path, projection: &P, checkpoint: Checkpoint) -> Result<Opened, OpenError> {
    if let Some(dir) = path.parent() {
        let fail = |source| OpenError::Io { action: "create", path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(fail)?;
    }
    delete(path)?;
    let make = || -> rusqlite::Result<Connection> {
        let mut db = connect(path)?;
        // Whole or not at all: a file without a checkpoint is begun anew.
        let tx = db.transaction()?;
        projection.create(&tx)?;
        checkpoint.create(&tx)?;
        tx.commit()?;
        Ok(db)
    };
    let db = make().map_err(|source| OpenError::Sql { path: path.to_owned(), source })?;
    Ok(Opened { db, checkpoint })
}

/// The connection that writes.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    prepare(&db)?;
    // NORMAL may lose the last transactions in a power cut, never tear one: the checkpoint goes with the rows.
    // Pages that change again and again are written back once in 16 MiB of journal.
    // Deleted rows are overwritten, since a row may be all that is left of a text whose key was destroyed.
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = NORMAL;
         PRAGMA secure_delete = ON;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA wal_autocheckpoint = 4096;
         PRAGMA cache_size = -16384;
         PRAGMA foreign_keys = ON;",
    )?;
    Ok(db)
}

/// A connection that reads.
pub(crate) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    prepare(&db)?;
    db.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")?;
    Ok(db)
}

fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // Else a statement is compiled again whenever a bound it compares with changes, those inside full-text search too.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.execute_batch("PRAGMA temp_store = MEMORY;")
}
