//! What travels between a [`Vault`](crate::Vault) and the host of its rows: a version byte, then `postcard`.
//!
//! Ids, wrapped keys and sealed blobs; the size of a message bounds what decoding it takes.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::rows::{BLOB_BYTES_MORE, NewRow, Subject, WRAPPED_BYTES, WrappedSecrets};
use crate::{CONTACT_BYTES_MAX, REQUESTS_MAX};

/// The form of all messages; both sides know exactly this one.
const VERSION: u8 = 1;

/// Bytes that are no message of this version, or one that nobody here would make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message does not read")]
pub(crate) struct Malformed;

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Protocol(malformed.to_string())
    }
}

pub(crate) fn encode<T: Serialize + ?Sized>(message: &T) -> Result<Bytes, Malformed> {
    postcard::to_extend(message, vec![VERSION]).map(Bytes::from).map_err(|_| Malformed)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    let Some((&VERSION, rest)) = bytes.split_first() else { return Err(Malformed) };
    match postcard::take_from_bytes(rest) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(Malformed),
    }
}

/// Rows to be made, no more and no larger than a [`Vault`](crate::Vault) proposes.
pub(crate) fn decode_rows(bytes: &[u8]) -> Result<Vec<NewRow>, Malformed> {
    let rows: Vec<NewRow> = decode(bytes)?;
    let blob_fits =
        |blob: &Vec<u8>| (BLOB_BYTES_MORE..=BLOB_BYTES_MORE + CONTACT_BYTES_MAX).contains(&blob.len());
    let fits = |row: &NewRow| {
        let mut blobs = row.contact.iter().flat_map(|contact| [&contact.name, &contact.phone]).flatten();
        row.candidate.len() == WRAPPED_BYTES && blobs.all(blob_fits)
    };
    if rows.len() <= REQUESTS_MAX && rows.iter().all(fits) { Ok(rows) } else { Err(Malformed) }
}

/// Keys that are asked for, no more than one answer holds.
pub(crate) fn decode_subjects(bytes: &[u8]) -> Result<Vec<Subject>, Malformed> {
    let subjects: Vec<Subject> = decode(bytes)?;
    if subjects.len() <= REQUESTS_MAX { Ok(subjects) } else { Err(Malformed) }
}

pub(crate) fn decode_secrets(bytes: &[u8]) -> Result<WrappedSecrets, Malformed> {
    let secrets: WrappedSecrets = decode(bytes)?;
    let fits = secrets.0.iter().all(|wrapped| wrapped.len() == WRAPPED_BYTES);
    if fits { Ok(secrets) } else { Err(Malformed) }
}
