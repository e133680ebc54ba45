//! Sealing for a case that is most likely new: nothing is asked and nothing is kept before its events are committed.

use std::fmt;

use bytes::Bytes;
use case::ids::{CaseId, KeyId};
use case::sealed::Sealed;
use jiff::Timestamp;

use super::{Inner, Vault};
use crate::crypt::SubjectKey;
use crate::error::Error;
use crate::message;
use crate::parts::{Contact, NewContact, check_limits};
use crate::rows::NewRow;
use crate::{REQUESTS_MAX, TEXT_BYTES_MAX};

/// Seals what is said of one new case, text by text, under keys made here. What they are is in the [rider](NewCase::rider).
pub struct NewCase<'v> {
    inner: &'v Inner,
    case: CaseId,
    now: Timestamp,
    keys: Vec<(NewRow, SubjectKey)>,
}

impl fmt::Debug for NewCase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCase").field("case", &self.case).field("keys", &self.keys.len()).finish()
    }
}

impl Vault {
    /// Seals for a case that is most likely new without a round trip, where the rows lie elsewhere; none where they are on this
    /// machine, and making them durable is none. If whoever commits the events refuses the rider since the case has keys
    /// already, seal the ordinary way.
    ///
    /// # Errors
    /// [`Error::NoKey`]
    pub fn new_case(&self, case: CaseId) -> Result<Option<NewCase<'_>>, Error> {
        let inner = self.inner()?;
        if inner.rows.local().is_ok() {
            return Ok(None);
        }
        Ok(Some(NewCase { inner, case, now: (inner.now)(), keys: Vec::new() }))
    }
}

impl NewCase<'_> {
    /// Seals one text, for the field it is meant for.
    ///
    /// # Errors
    /// [`Error::TooLong`] beyond [`TEXT_BYTES_MAX`]; [`Error::TooMany`] beyond [`REQUESTS_MAX`] subjects.
    pub fn seal(&mut self, key_id: &KeyId, field: &str, plaintext: &str) -> Result<Sealed, Error> {
        if plaintext.len() > TEXT_BYTES_MAX {
            return Err(Error::TooLong);
        }
        let (inner, case) = (self.inner, self.case);
        let (_, key) = self.key(key_id)?;
        inner.crypt.seal(key, case, key_id, field, plaintext)
    }

    /// Keeps contact details; of several of one subject the last count.
    ///
    /// # Errors
    /// As [`NewCase::seal`].
    pub fn keep(&mut self, key_id: &KeyId, contact: &Contact) -> Result<(), Error> {
        let (inner, case) = (self.inner, self.case);
        check_limits(&[], &[NewContact { case, key_id, contact }])?;
        let (row, key) = self.key(key_id)?;
        row.contact = Some(inner.sealed_contact(case, key_id, key, contact)?);
        Ok(())
    }

    /// The rows that are not durable yet. Whoever commits the events hands it to
    /// [`Host::ensure_riders`](crate::Host::ensure_riders) first; none when nothing was sealed or kept. Holds nothing that opens
    /// without the key file.
    ///
    /// # Errors
    /// [`Error::Protocol`]
    pub fn rider(self) -> Result<Option<Bytes>, Error> {
        let rows: Vec<NewRow> = self.keys.into_iter().map(|(row, _)| row).collect();
        if rows.is_empty() { Ok(None) } else { Ok(Some(message::encode(&rows)?)) }
    }

    /// The key of a subject, made when it is first spoken of.
    fn key(&mut self, key_id: &KeyId) -> Result<&mut (NewRow, SubjectKey), Error> {
        let known = self.keys.iter().position(|(row, _)| row.key_id == *key_id);
        let at = known.unwrap_or(self.keys.len());
        if known.is_none() {
            if at == REQUESTS_MAX {
                return Err(Error::TooMany);
            }
            let (candidate, key) = self.inner.crypt.new_key(self.case, key_id)?;
            let (case, key_id, at) = (self.case, key_id.clone(), self.now.as_microsecond());
            self.keys.push((NewRow { case, key_id, candidate, contact: None, at }, key));
        }
        self.keys.get_mut(at).ok_or(Error::Damaged)
    }
}
