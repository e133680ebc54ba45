//! What each job does to the tables.

use std::fs::File;
use std::path::Path;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Job, NewKey, OwnedContact, Settled, answer};
use crate::Keys;
use crate::crypt::{CONTACT_NAME, CONTACT_PHONE, Crypt};
use crate::error::Error;
use crate::key_file::{make_file, sync_dir};
use crate::reader::{KeyRow, Reader, key_row};

/// What a job came to. A refusal leaves the other jobs of the transaction alone.
pub(super) enum Outcome {
    Ensured(Result<Keys, Error>),
    Destroyed { existed: bool },
    Settled(Settled),
}

impl Outcome {
    /// Whether bytes must leave the files.
    pub(super) fn removes(&self) -> bool {
        match self {
            Self::Ensured(_) => false,
            // Also when there was nothing: a repeat finishes what a held write-ahead log prevented.
            Self::Destroyed { .. } => true,
            Self::Settled(settled) => settled.removed > 0,
        }
    }
}

/// Runs one job. An error fails the whole transaction.
pub(super) fn run(connection: &Connection, crypt: &Crypt, job: &Job) -> Result<Outcome, Error> {
    match job {
        Job::Ensure { keys, contacts, .. } => match ensure(connection, crypt, keys, contacts) {
            Err(error @ Error::Storage(_)) => Err(error),
            done => Ok(Outcome::Ensured(done)),
        },
        Job::Destroy { case, key_id, at, .. } => destroy(connection, *case, key_id, *at),
        Job::Settle { named, unnamed, cutoff, .. } => {
            settle(connection, named, unnamed, *cutoff).map(Outcome::Settled)
        }
        Job::Backup { .. } => Err(Error::Closed),
    }
}

/// Gives a durable outcome to who asked.
pub(super) fn reply(job: Job, outcome: Outcome, emptied: Result<(), Error>) {
    match (job, outcome) {
        (Job::Ensure { reply, .. }, Outcome::Ensured(result)) => answer(reply, result),
        (Job::Destroy { reply, .. }, Outcome::Destroyed { existed }) => {
            answer(reply, emptied.map(|()| existed))
        }
        (Job::Settle { reply, .. }, Outcome::Settled(settled)) => answer(reply, emptied.map(|()| settled)),
        (job, _) => super::refuse(job, Error::Closed),
    }
}

fn ensure(
    connection: &Connection,
    crypt: &Crypt,
    keys: &[NewKey],
    contacts: &[OwnedContact],
) -> Result<Keys, Error> {
    let mut ensured = Keys::new();
    for key in keys {
        let wrapped = ensure_key(connection, key)?;
        ensured.insert((key.case, key.key_id.clone()), wrapped);
    }
    for contact in contacts {
        put_contact(connection, crypt, contact)?;
    }
    Ok(ensured)
}

fn ensure_key(connection: &Connection, key: &NewKey) -> Result<Vec<u8>, Error> {
    let case = key.case.0.as_bytes().as_slice();
    let insert =
        "INSERT INTO subjects (case_id, key_id, wrapped_key, touched_at, named) VALUES (?1, ?2, ?3, ?4, 0)
                  ON CONFLICT DO NOTHING";
    let row = params![case, key.key_id.as_str(), key.candidate, key.at.as_microsecond()];
    if connection.prepare_cached(insert)?.execute(row)? > 0 {
        return Ok(key.candidate.clone());
    }
    // Somebody was first: their key counts, and is about to be used.
    let KeyRow::Live { wrapped, .. } = key_row(connection, key.case, &key.key_id)? else {
        return Err(Error::KeyDestroyed { case: key.case, key_id: key.key_id.clone() });
    };
    let update = "UPDATE subjects SET touched_at = max(touched_at, ?3) WHERE case_id = ?1 AND key_id = ?2";
    connection.prepare_cached(update)?.execute(params![
        case,
        key.key_id.as_str(),
        key.at.as_microsecond()
    ])?;
    Ok(wrapped)
}

fn put_contact(connection: &Connection, crypt: &Crypt, contact: &OwnedContact) -> Result<(), Error> {
    let (case, key_id) = (contact.case, &contact.key_id);
    let KeyRow::Live { wrapped, .. } = key_row(connection, case, key_id)? else {
        return Err(Error::KeyDestroyed { case, key_id: key_id.clone() });
    };
    let key = crypt.unwrap(case, key_id, &wrapped)?;
    let seal = |field, text: &Option<String>| {
        text.as_ref().map(|text| crypt.seal_blob(&key, case, key_id, field, text)).transpose()
    };
    let (name, phone) = (seal(CONTACT_NAME, &contact.name)?, seal(CONTACT_PHONE, &contact.phone)?);
    let put = "UPDATE subjects SET name = ?3, phone = ?4 WHERE case_id = ?1 AND key_id = ?2";
    connection.prepare_cached(put)?.execute(params![
        case.0.as_bytes().as_slice(),
        key_id.as_str(),
        name,
        phone
    ])?;
    Ok(())
}

/// The row stays without what was in it, so that the key is neither made again nor taken for lost.
fn destroy(connection: &Connection, case: CaseId, key_id: &KeyId, at: Timestamp) -> Result<Outcome, Error> {
    let existed = matches!(key_row(connection, case, key_id)?, KeyRow::Live { .. });
    let destroy =
        "INSERT INTO subjects (case_id, key_id, wrapped_key, touched_at, named) VALUES (?1, ?2, NULL, ?3, 1)
                   ON CONFLICT DO UPDATE SET wrapped_key = NULL, name = NULL, phone = NULL, named = 1";
    let subject = params![case.0.as_bytes().as_slice(), key_id.as_str(), at.as_microsecond()];
    connection.prepare_cached(destroy)?.execute(subject)?;
    Ok(Outcome::Destroyed { existed })
}

fn settle(
    connection: &Connection,
    named: &[(CaseId, KeyId)],
    unnamed: &[(CaseId, KeyId)],
    cutoff: Timestamp,
) -> Result<Settled, Error> {
    let mut settled = Settled { named: 0, removed: 0 };
    let mut mark =
        connection.prepare_cached("UPDATE subjects SET named = 1 WHERE case_id = ?1 AND key_id = ?2")?;
    for (case, key_id) in named {
        settled.named += mark.execute(params![case.0.as_bytes().as_slice(), key_id.as_str()])?;
    }
    // Whoever touched the key since it was looked at is about to name it.
    let delete = "DELETE FROM subjects WHERE case_id = ?1 AND key_id = ?2 AND named = 0 AND touched_at < ?3";
    let mut delete = connection.prepare_cached(delete)?;
    for (case, key_id) in unnamed {
        let row = params![case.0.as_bytes().as_slice(), key_id.as_str(), cutoff.as_microsecond()];
        settled.removed += delete.execute(row)?;
    }
    Ok(settled)
}

/// Moves everything from the write-ahead log into the database and cuts the log to nothing.
pub(super) fn empty_wal(connection: &Connection, reader: &Reader) -> Result<(), Error> {
    // Our own reader must not be in the middle of something.
    let _idle = reader.lock();
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy == 0 { Ok(()) } else { Err(Error::WalHeld) }
}

/// A compact copy, without anything that was ever removed.
pub(super) fn backup(connection: &Connection, path: &Path) -> Result<(), Error> {
    let writing = || format!("writing {}", path.display());
    // SQLite writes into an empty file; made here so that it is never another's.
    make_file(path)?;
    connection.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
    File::open(path).and_then(|file| file.sync_all()).map_err(Error::io(writing()))?;
    path.parent().map_or(Ok(()), sync_dir)
}
