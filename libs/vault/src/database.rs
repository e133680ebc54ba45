//! The SQLite file: its settings, its tables, its constants.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::crypt::Crypt;
use crate::error::Error;
use crate::secrets::{self, Secrets};

/// The form of the tables. Stored; a change is a new number and a migration.
const FORMAT: u32 = 1;

/// One row a data subject, contact details beside the key: one page to write a reporter, one row to erase.
///
/// `wrapped_key`, `name` and `phone` are null once destroyed: the row stays so that the key is never made again. Times are
/// microseconds since 1970.
const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE subjects (
        case_id BLOB NOT NULL, key_id TEXT NOT NULL, wrapped_key BLOB, name BLOB, phone BLOB,
        touched_at INTEGER NOT NULL, named INTEGER NOT NULL,
        PRIMARY KEY (case_id, key_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX subjects_unnamed ON subjects (touched_at) WHERE named = 0;
";

/// Pages of the write-ahead log after which they go into the database. Case ids are random, so the same pages are written again
/// and again; four times SQLite's 1,000 writes them less often. Erasing does not wait for it.
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

/// Makes the tables and the ledger's constant secrets.
pub(crate) fn create(connection: &mut Connection, ledger: &str, crypt: &Crypt) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    let put = |name: &str, value: &[u8]| {
        transaction.execute("INSERT INTO meta VALUES (?1, ?2)", params![name, value]).map_err(Error::from)
    };
    put("format", &FORMAT.to_be_bytes())?;
    put("ledger", ledger.as_bytes())?;
    for name in secrets::NAMES {
        put(name, &crypt.wrap_secret(name, &crypt.new_secret()?)?)?;
    }
    transaction.commit()?;
    Ok(())
}

/// Sees that the database is of this ledger, format and key, and reads its secrets.
pub(crate) fn check(connection: &Connection, ledger: &str, crypt: &Crypt) -> Result<Secrets, Error> {
    let get = |name: &str| -> Result<Vec<u8>, Error> {
        let select = "SELECT value FROM meta WHERE name = ?1";
        connection.query_row(select, [name], |row| row.get(0)).optional()?.ok_or(Error::Damaged)
    };
    let found = u32::from_be_bytes(get("format")?.try_into().map_err(|_| Error::Damaged)?);
    if found > FORMAT {
        return Err(Error::NewerFormat { found, known: FORMAT });
    }
    let found = String::from_utf8(get("ledger")?).map_err(|_| Error::Damaged)?;
    if found != ledger {
        return Err(Error::OtherLedger { found, wanted: ledger.to_owned() });
    }
    Secrets::read(|name| crypt.unwrap_secret(name, &get(name)?).map_err(|_| Error::WrongKey))
}
