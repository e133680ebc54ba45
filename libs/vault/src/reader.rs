//! Reading, beside the writer.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::database;
use crate::error::Error;

/// A connection that never writes and holds no transaction between calls, so that the write-ahead log can be emptied.
pub(crate) struct Reader(Mutex<Connection>);

/// What is known of a subject's key.
pub(crate) enum KeyRow {
    Missing,
    Destroyed,
    Live { wrapped: Vec<u8>, named: bool, touched_at: Timestamp },
}

/// Contact details as they are stored.
pub(crate) struct ContactRow {
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) phone: Option<Vec<u8>>,
}

/// The key's row on any connection.
pub(crate) fn key_row(connection: &Connection, case: CaseId, key_id: &KeyId) -> Result<KeyRow, Error> {
    let select = "SELECT wrapped_key, named, touched_at FROM subjects WHERE case_id = ?1 AND key_id = ?2";
    let mut statement = connection.prepare_cached(select)?;
    let read = |row: &Row<'_>| {
        Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, bool>(1)?, row.get::<_, i64>(2)?))
    };
    let row = statement.query_row(params![case.0.as_bytes().as_slice(), key_id.as_str()], read).optional()?;
    Ok(match row {
        None => KeyRow::Missing,
        Some((None, ..)) => KeyRow::Destroyed,
        Some((Some(wrapped), named, micros)) => {
            let touched_at = Timestamp::from_microsecond(micros).map_err(|_| Error::Damaged)?;
            KeyRow::Live { wrapped, named, touched_at }
        }
    })
}

impl Reader {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let connection = database::open(path)?;
        connection.pragma_update(None, "query_only", "ON")?;
        Ok(Self(Mutex::new(connection)))
    }

    /// The connection to itself; who holds it knows that nothing is being read.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn key(&self, case: CaseId, key_id: &KeyId) -> Result<KeyRow, Error> {
        key_row(&self.lock(), case, key_id)
    }

    pub(crate) fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<Option<ContactRow>, Error> {
        let connection = self.lock();
        let select = "SELECT name, phone FROM subjects WHERE case_id = ?1 AND key_id = ?2";
        let mut statement = connection.prepare_cached(select)?;
        let read = |row: &Row<'_>| Ok(ContactRow { name: row.get(0)?, phone: row.get(1)? });
        let row = statement.query_row(params![case.0.as_bytes().as_slice(), key_id.as_str()], read);
        Ok(row.optional()?)
    }

    /// Keys that no event is known to name, last touched before an instant, oldest first.
    pub(crate) fn unnamed_before(
        &self,
        cutoff: Timestamp,
        rows_max: usize,
    ) -> Result<Vec<(CaseId, KeyId)>, Error> {
        let connection = self.lock();
        let select = "SELECT case_id, key_id FROM subjects WHERE named = 0 AND touched_at < ?1 ORDER BY touched_at LIMIT ?2";
        let mut statement = connection.prepare_cached(select)?;
        let limit = i64::try_from(rows_max).unwrap_or(i64::MAX);
        let read = |row: &Row<'_>| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, String>(1)?));
        let rows = statement.query_map(params![cutoff.as_microsecond(), limit], read)?;
        rows.map(|row| {
            let (case, key_id) = row?;
            let key_id = KeyId::try_from(key_id).map_err(|_| Error::Damaged)?;
            Ok((CaseId(Uuid::from_bytes(case)), key_id))
        })
        .collect()
    }
}
