//! The SQLite file: its settings, its tables, its constants.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::error::Error;
use crate::rows::{SECRET_NAMES, WrappedSecrets};

/// The form of the tables. Stored; a change is a new number and a migration.
const FORMAT: u32 = 1;

/// One row a data subject, contact details beside the key: one page to write a reporter, one row to erase.
///
/// `wrapped_key`, `name` and `phone` are null once destroyed: the row stays so that the key is never made again. Times are
/// microseconds since 1970. The ledger's constant secrets are put into `meta` by the first who has the key.
const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE subjects (
        case_id BLOB NOT NULL, key_id TEXT NOT NULL, wrapped_key BLOB, name BLOB, phone BLOB,
        touched_at INTEGER NOT NULL, named INTEGER NOT NULL,
        PRIMARY KEY (case_id, key_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX subjects_unnamed ON subjects (touched_at) WHERE named = 0;
";

/// Pages of the write-ahead log after which they go into the database. Ids of ticketed cases are random, so the same pages are
/// written again and again; four times SQLite's 1,000 writes them less often. Erasing does not wait for it.
const CHECKPOINT_PAGES: u32 = 4_000;
/// Pages kept in memory by each connection, in KiB (SQLite wants it negative): those of some 300,000 reporters.
const CACHE_KIB: i32 = -65_536;

/// How long to wait for another program that has the database open. Everybody who writes waits with it.
const BUSY_WAIT: Duration = Duration::from_millis(250);

pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", CACHE_KIB)?;
    Ok(connection)
}

/// Makes the tables in an empty file; all that is in it is durable when this returns.
pub(crate) fn create(path: &Path, ledger: &str) -> Result<(), Error> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    put(&transaction, "format", &FORMAT.to_be_bytes())?;
    put(&transaction, "ledger", ledger.as_bytes())?;
    transaction.commit()?;
    connection.close().map_err(|(_, error)| Error::from(error))
}

fn put(connection: &Connection, name: &str, value: &[u8]) -> Result<(), Error> {
    connection.execute("INSERT INTO meta VALUES (?1, ?2)", params![name, value])?;
    Ok(())
}

fn get(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let select = "SELECT value FROM meta WHERE name = ?1";
    Ok(connection.query_row(select, [name], |row| row.get(0)).optional()?)
}

/// Sees that the database is of this ledger and a known format.
pub(crate) fn check(connection: &Connection, ledger: &str) -> Result<(), Error> {
    let get = |name| get(connection, name)?.ok_or(Error::Damaged);
    let found = u32::from_be_bytes(get("format")?.try_into().map_err(|_| Error::Damaged)?);
    if found > FORMAT {
        return Err(Error::NewerFormat { found, known: FORMAT });
    }
    let found = String::from_utf8(get("ledger")?).map_err(|_| Error::Damaged)?;
    if found != ledger {
        return Err(Error::OtherLedger { found, wanted: ledger.to_owned() });
    }
    Ok(())
}

/// The ledger's secrets as they are stored; none before anybody proposed any.
pub(crate) fn secrets(connection: &Connection) -> Result<Option<WrappedSecrets>, Error> {
    // One statement sees one state of the file; with three, a writer between them would leave half of them missing.
    let select = "SELECT name, value FROM meta WHERE name IN (?1, ?2, ?3)";
    let mut statement = connection.prepare_cached(select)?;
    let found = statement.query_map(SECRET_NAMES, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found: BTreeMap<String, Vec<u8>> = found.collect::<Result<_, _>>()?;
    let [request, ticket, search] = SECRET_NAMES;
    match (found.remove(request), found.remove(ticket), found.remove(search)) {
        (None, None, None) => Ok(None),
        (Some(request), Some(ticket), Some(search)) => Ok(Some(WrappedSecrets([request, ticket, search]))),
        _ => Err(Error::Damaged),
    }
}

/// Keeps the proposal if there are none, inside the caller's transaction; gives back what counts.
pub(crate) fn put_secrets_if_absent(
    connection: &Connection,
    proposal: &WrappedSecrets,
) -> Result<WrappedSecrets, Error> {
    if let Some(stored) = secrets(connection)? {
        return Ok(stored);
    }
    for (name, wrapped) in SECRET_NAMES.into_iter().zip(&proposal.0) {
        put(connection, name, wrapped)?;
    }
    Ok(proposal.clone())
}
