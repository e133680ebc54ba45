//! Reading, beside the writer.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use uuid::Uuid;

use crate::database;
use crate::error::Error;
use crate::rows::{ContactRow, KeyRow, Subject};

/// A connection that never writes and holds no transaction between calls, so that the write-ahead log can be emptied.
pub(crate) struct Reader(Mutex<Connection>);

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
        Some((Some(wrapped), named, touched_at)) => KeyRow::Live { wrapped, named, touched_at },
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

    /// The rows of keys, in the order they are asked for. Those that are not `at_hand` are read, as they are at one time.
    pub(crate) fn keys(
        &self,
        subjects: &[Subject],
        at_hand: Vec<Option<KeyRow>>,
    ) -> Result<Vec<KeyRow>, Error> {
        if at_hand.iter().all(Option::is_some) {
            return Ok(at_hand.into_iter().flatten().collect());
        }
        let mut connection = self.lock();
        // Each statement by itself would take and leave the database's locks anew.
        let snapshot = connection.transaction()?;
        let rows = subjects.iter().zip(at_hand).map(|((case, key_id), row)| match row {
            Some(row) => Ok(row),
            None => key_row(&snapshot, *case, key_id),
        });
        rows.collect()
    }

    /// A key and the contact details kept under it, as they are at one time.
    pub(crate) fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<(KeyRow, ContactRow), Error> {
        let mut connection = self.lock();
        let snapshot = connection.transaction()?;
        let key = key_row(&snapshot, case, key_id)?;
        let select = "SELECT name, phone FROM subjects WHERE case_id = ?1 AND key_id = ?2";
        let read = |row: &Row<'_>| Ok(ContactRow { name: row.get(0)?, phone: row.get(1)? });
        let row = snapshot
            .prepare_cached(select)?
            .query_row(params![case.0.as_bytes().as_slice(), key_id.as_str()], read)
            .optional()?;
        Ok((key, row.unwrap_or_default()))
    }

    /// Keys that no event is known to name, last touched before an instant, oldest first, past so many of them.
    pub(crate) fn unnamed_before(
        &self,
        cutoff: Timestamp,
        past: usize,
        rows_max: usize,
    ) -> Result<Vec<Subject>, Error> {
        let connection = self.lock();
        let select = "SELECT case_id, key_id FROM subjects WHERE named = 0 AND touched_at < ?1
                      ORDER BY touched_at, case_id, key_id LIMIT ?2 OFFSET ?3";
        let mut statement = connection.prepare_cached(select)?;
        let [limit, past] = [rows_max, past].map(|rows| i64::try_from(rows).unwrap_or(i64::MAX));
        let read = |row: &Row<'_>| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, String>(1)?));
        let rows = statement.query_map(params![cutoff.as_microsecond(), limit, past], read)?;
        rows.map(|row| {
            let (case, key_id) = row?;
            let key_id = KeyId::try_from(key_id).map_err(|_| Error::Damaged)?;
            Ok((CaseId(Uuid::from_bytes(case)), key_id))
        })
        .collect()
    }
}
