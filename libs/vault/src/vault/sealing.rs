//! Sealing: which key counts, and what is kept under it.
//!
//! A key is made here and proposed to the rows; the first proposal counts. Whoever was second seals under the first one's key.

use std::collections::BTreeMap;

use case::ids::{CaseId, KeyId};
use case::sealed::Sealed;
use jiff::Timestamp;

use super::{Inner, Vault};
use crate::crypt::{CONTACT_NAME, CONTACT_PHONE, SubjectKey};
use crate::error::Error;
use crate::parts::{Contact, NewContact, SealRequest, check_limits};
use crate::rows::{ContactRow, Ensured, KeyRow, NewRow, Subject};

/// Wrapped keys by subject.
type Keys = BTreeMap<Subject, Vec<u8>>;
/// Everybody whose key is needed, with what is to be kept about them.
type Wanted<'a> = BTreeMap<Subject, Option<&'a Contact>>;

impl Vault {
    /// Seals one text; its key is durable when this returns.
    ///
    /// # Errors
    /// As [`Vault::seal_all`].
    pub async fn seal(
        &self,
        case: CaseId,
        key_id: &KeyId,
        field: &str,
        plaintext: &str,
    ) -> Result<Sealed, Error> {
        let sealed = self.seal_all(&[SealRequest { case, key_id, field, plaintext }], &[]).await?;
        sealed.into_iter().next().ok_or(Error::Closed)
    }

    /// Seals texts, in their order; their keys are durable when this returns.
    ///
    /// # Errors
    /// As [`Vault::seal_all`].
    pub async fn seal_many(&self, seals: &[SealRequest<'_>]) -> Result<Vec<Sealed>, Error> {
        self.seal_all(seals, &[]).await
    }

    /// Keeps contact details; they and their key are durable when this returns.
    ///
    /// # Errors
    /// As [`Vault::seal_all`].
    pub async fn put_contact(&self, case: CaseId, key_id: &KeyId, contact: &Contact) -> Result<(), Error> {
        self.seal_all(&[], &[NewContact { case, key_id, contact }]).await.map(|_| ())
    }

    /// Seals texts and keeps contact details in one durable step: what one command needs.
    ///
    /// # Errors
    /// [`Error::TooLong`] and [`Error::TooMany`] before anything is done. [`Error::KeyDestroyed`] when the subject was erased.
    /// [`Error::Storage`] when it could not be made durable: the command is refused, never continued in plain text.
    /// [`Error::Away`] when the rows are not reached; repeating is harmless. [`Error::Poisoned`] after the disk failed once: the
    /// process is about to end. [`Error::NoKey`].
    pub async fn seal_all(
        &self,
        seals: &[SealRequest<'_>],
        contacts: &[NewContact<'_>],
    ) -> Result<Vec<Sealed>, Error> {
        check_limits(seals, contacts)?;
        let inner = self.inner()?;
        let keys = inner.ensure(&wanted(seals, contacts)).await?;
        seals.iter().map(|seal| inner.seal_one(seal, &keys)).collect()
    }
}

/// Who is spoken of. Of several contacts of one subject the last counts.
fn wanted<'a>(seals: &[SealRequest<'_>], contacts: &[NewContact<'a>]) -> Wanted<'a> {
    let mut wanted: Wanted<'a> = seals.iter().map(|seal| ((seal.case, seal.key_id.clone()), None)).collect();
    wanted.extend(contacts.iter().map(|new| ((new.case, new.key_id.clone()), Some(new.contact))));
    wanted
}

impl Inner {
    fn seal_one(&self, seal: &SealRequest<'_>, keys: &Keys) -> Result<Sealed, Error> {
        let wrapped = keys.get(&(seal.case, seal.key_id.clone())).ok_or(Error::Damaged)?;
        let key = self.crypt.unwrap(seal.case, seal.key_id, wrapped)?;
        self.crypt.seal(&key, seal.case, seal.key_id, seal.field, seal.plaintext)
    }

    /// The wrapped keys of all subjects, made durable where they were missing, and what is to be kept about them.
    async fn ensure(&self, wanted: &Wanted<'_>) -> Result<Keys, Error> {
        let now = (self.now)();
        let subjects: Vec<Subject> = wanted.keys().cloned().collect();
        let found = self.rows.keys_to_seal(&subjects, now).await?;
        let mut keys = Keys::new();
        let mut rows = Vec::new();
        for ((subject, contact), found) in wanted.iter().zip(found) {
            match found {
                KeyRow::Destroyed => return Err(destroyed(subject)),
                KeyRow::Live { wrapped, named: true, .. } if contact.is_none() => {
                    keys.insert(subject.clone(), wrapped);
                }
                KeyRow::Live { wrapped, .. } => rows.push(self.row(subject, wrapped, *contact, now)?),
                KeyRow::Missing => rows.push(self.fresh_row(subject, *contact, now)?),
            }
        }
        let lost = self.put(rows, &mut keys).await?;
        let again = lost.into_iter().filter_map(|(subject, theirs)| {
            let contact = wanted.get(&subject).copied().flatten()?;
            Some(self.row(&subject, theirs, Some(contact), now))
        });
        // A key never changes but to destroyed, so the second answer is the last.
        let lost = self.put(again.collect::<Result<_, _>>()?, &mut keys).await?;
        if lost.is_empty() { Ok(keys) } else { Err(Error::Damaged) }
    }

    /// Makes rows durable and notes the keys that count. Gives back the subjects whose key is another than was proposed.
    async fn put(&self, rows: Vec<NewRow>, keys: &mut Keys) -> Result<Keys, Error> {
        let mut lost = Keys::new();
        if rows.is_empty() {
            return Ok(lost);
        }
        let proposed: Vec<(Subject, Vec<u8>)> =
            rows.iter().map(|row| (row.subject(), row.candidate.clone())).collect();
        for ((subject, candidate), ensured) in proposed.into_iter().zip(self.rows.ensure(rows).await?) {
            match ensured {
                Ensured::Mine => {
                    keys.insert(subject, candidate);
                }
                Ensured::Theirs(theirs) => {
                    keys.insert(subject.clone(), theirs.clone());
                    lost.insert(subject, theirs);
                }
                Ensured::Destroyed => return Err(destroyed(&subject)),
            }
        }
        Ok(lost)
    }

    fn fresh_row(
        &self,
        subject: &Subject,
        contact: Option<&Contact>,
        now: Timestamp,
    ) -> Result<NewRow, Error> {
        let (candidate, _) = self.crypt.new_key(subject.0, &subject.1)?;
        self.row(subject, candidate, contact, now)
    }

    /// A row with its contact details sealed under the key it proposes.
    fn row(
        &self,
        (case, key_id): &Subject,
        candidate: Vec<u8>,
        contact: Option<&Contact>,
        now: Timestamp,
    ) -> Result<NewRow, Error> {
        let contact = contact.map(|contact| {
            let key = self.crypt.unwrap(*case, key_id, &candidate)?;
            self.sealed_contact(*case, key_id, &key, contact)
        });
        let (contact, at) = (contact.transpose()?, now.as_microsecond());
        Ok(NewRow { case: *case, key_id: key_id.clone(), candidate, contact, at })
    }

    pub(super) fn sealed_contact(
        &self,
        case: CaseId,
        key_id: &KeyId,
        key: &SubjectKey,
        contact: &Contact,
    ) -> Result<ContactRow, Error> {
        let seal = |field, text: &Option<String>| {
            let sealed = text.as_ref().map(|text| self.crypt.seal_blob(key, case, key_id, field, text));
            sealed.transpose()
        };
        Ok(ContactRow {
            name: seal(CONTACT_NAME, &contact.name)?,
            phone: seal(CONTACT_PHONE, &contact.phone)?,
        })
    }
}

fn destroyed((case, key_id): &Subject) -> Error {
    Error::KeyDestroyed { case: *case, key_id: key_id.clone() }
}
