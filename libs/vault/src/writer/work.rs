//! What each job does to the tables.

use std::fs::File;
use std::path::Path;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{Job, Settled, answer};
use crate::database;
use crate::error::Error;
use crate::files::{make_file, sync_dir};
use crate::reader::{Reader, key_row};
use crate::rows::{Ensured, KeyRow, NewRow, Subject, WrappedSecrets};

/// What a job came to. A refusal leaves the other jobs of the transaction alone.
pub(super) enum Outcome {
    /// The rows as they are now.
    Ensured(Vec<KeyRow>),
    Secrets(Result<WrappedSecrets, Error>),
    Destroyed {
        existed: bool,
    },
    Settled(Settled),
}

impl Outcome {
    /// Whether bytes must leave the files.
    pub(super) fn removes(&self) -> bool {
        match self {
            Self::Ensured(_) | Self::Secrets(_) => false,
            // Also when there was nothing: a repeat finishes what a held write-ahead log prevented.
            Self::Destroyed { .. } => true,
            Self::Settled(settled) => settled.removed > 0,
        }
    }
}

/// Runs one job. An error fails the whole transaction.
pub(super) fn run(connection: &Connection, job: &Job) -> Result<Outcome, Error> {
    match job {
        Job::Ensure { rows, .. } => {
            let ensured = rows.iter().map(|row| ensure(connection, row));
            ensured.collect::<Result<_, _>>().map(Outcome::Ensured)
        }
        Job::Secrets { proposal, .. } => match database::put_secrets_if_absent(connection, proposal) {
            Err(error @ Error::Storage(_)) => Err(error),
            done => Ok(Outcome::Secrets(done)),
        },
        Job::Destroy { case, key_id, at, .. } => destroy(connection, *case, key_id, *at),
        Job::Settle { named, unnamed, cutoff, .. } => {
            settle(connection, named, unnamed, *cutoff).map(Outcome::Settled)
        }
        Job::Backup { .. } => Err(Error::Closed),
    }
}

/// The rows that a job made or touched.
pub(super) fn made<'a>(job: &'a Job, outcome: &'a Outcome) -> impl Iterator<Item = (Subject, &'a KeyRow)> {
    let (rows, found) = match (job, outcome) {
        (Job::Ensure { rows, .. }, Outcome::Ensured(found)) => (rows.as_slice(), found.as_slice()),
        _ => Default::default(),
    };
    rows.iter().map(NewRow::subject).zip(found)
}

/// Gives a durable outcome to who asked.
pub(super) fn reply(job: Job, outcome: Outcome, emptied: Result<(), Error>) {
    match (job, outcome) {
        (Job::Ensure { rows, reply }, Outcome::Ensured(found)) => {
            let ensured = rows.iter().zip(found).map(|(row, found)| Ensured::of(&row.candidate, found));
            answer(reply, Ok(ensured.collect()));
        }
        (Job::Secrets { reply, .. }, Outcome::Secrets(result)) => answer(reply, result),
        (Job::Destroy { reply, .. }, Outcome::Destroyed { existed }) => {
            answer(reply, emptied.map(|()| existed))
        }
        (Job::Settle { reply, .. }, Outcome::Settled(settled)) => answer(reply, emptied.map(|()| settled)),
        (job, _) => super::refuse(job, Error::Closed),
    }
}

/// Makes or touches a row; gives back what it is now.
fn ensure(connection: &Connection, row: &NewRow) -> Result<KeyRow, Error> {
    let (case, key_id) = (row.case.0.as_bytes().as_slice(), row.key_id.as_str());
    let (name, phone) =
        row.contact.as_ref().map_or((None, None), |contact| (contact.name.as_ref(), contact.phone.as_ref()));
    let insert = "INSERT INTO subjects (case_id, key_id, wrapped_key, name, phone, touched_at, named)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) ON CONFLICT DO NOTHING";
    let made = params![case, key_id, row.candidate, name, phone, row.at];
    if connection.prepare_cached(insert)?.execute(made)? > 0 {
        return Ok(KeyRow::Live { wrapped: row.candidate.clone(), named: false, touched_at: row.at });
    }
    let KeyRow::Live { wrapped, named, touched_at } = key_row(connection, row.case, &row.key_id)? else {
        return Ok(KeyRow::Destroyed);
    };
    // Whichever key counts is about to be used.
    let touched_at = touched_at.max(row.at);
    let touch = "UPDATE subjects SET touched_at = ?3 WHERE case_id = ?1 AND key_id = ?2";
    connection.prepare_cached(touch)?.execute(params![case, key_id, touched_at])?;
    if wrapped == row.candidate && row.contact.is_some() {
        let put = "UPDATE subjects SET name = ?3, phone = ?4 WHERE case_id = ?1 AND key_id = ?2";
        connection.prepare_cached(put)?.execute(params![case, key_id, name, phone])?;
    }
    Ok(KeyRow::Live { wrapped, named, touched_at })
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
    named: &[Subject],
    unnamed: &[Subject],
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
