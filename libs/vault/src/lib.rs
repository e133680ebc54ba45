//! Sealed texts and contact details, under keys that can be destroyed.
//!
//! Belongs here: the keys of data subjects, names and phones of reporters, the constant secrets of a ledger, and what seals,
//! opens and erases with them. Does not belong: who may open what, events, the log.
//!
//! One directory holds `vault.sqlite` and `vault.key`. The database has `secure_delete`, and a destroyed key's bytes leave the
//! database and its write-ahead log before the call returns; what a file system or disk keeps of freed blocks is beyond us, so
//! the disk should be encrypted. Everything of worth in the database is wrapped under `vault.key`: keep the two in separate
//! backups, and the database's ones short-lived, since a backup brings destroyed keys back.
//!
//! Writing goes through one thread that puts whatever waits into one transaction (group commit) with `synchronous=FULL`: an
//! answer means the row is durable, so an event may name it. Reading goes to a second connection.

mod crypt;
mod database;
mod error;
mod key_file;
mod reader;
mod secrets;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};
use case::sealed::Sealed;
use jiff::{SignedDuration, Timestamp};
use registry::ids::SourceId;

use crypt::Crypt;
pub use error::Error;
use reader::{KeyRow, Reader};
use secrets::Secrets;
use writer::{NewKey, OwnedContact, Settled, Writer};

/// Longest text sealed, in bytes: 4,000 characters of any script, and the raw form of a ticket beside them.
pub const TEXT_BYTES_MAX: usize = 32 * 1024;
/// Longest name or phone, in bytes.
pub const CONTACT_BYTES_MAX: usize = 256;
/// Most texts and most contacts of one call: a joint plan with all its measures is far below it.
pub const REQUESTS_MAX: usize = 1024;
/// Rows that no event names are swept after this time: a command that ended without its event is not coming back by then.
pub const UNNAMED_KEPT: SignedDuration = SignedDuration::from_hours(24);
/// An unnamed key older than this is touched when it seals again, so that a sweep never takes it from under a late command.
const TOUCHED_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// Rows looked at in one step of a sweep.
const SWEEP_ROWS: usize = 500;

/// Tells the time; the vault has no clock of its own.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A text to be sealed.
#[derive(Clone, Copy)]
pub struct SealRequest<'a> {
    /// The case the text belongs to.
    pub case: CaseId,
    /// The data subject whose text it is. Its key is made when there is none.
    pub key_id: &'a KeyId,
    /// The field it is meant for; opening asks for the same.
    pub field: &'a str,
    /// The text, at most [`TEXT_BYTES_MAX`] bytes.
    pub plaintext: &'a str,
}

impl fmt::Debug for SealRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealRequest")
            .field("case", &self.case)
            .field("key_id", self.key_id)
            .finish_non_exhaustive()
    }
}

/// How a reporter can be reached (联系方式). Each at most [`CONTACT_BYTES_MAX`] bytes. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// What to call them, as they gave it.
    pub name: Option<String>,
    /// Their phone, as they gave it.
    pub phone: Option<String>,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").finish_non_exhaustive()
    }
}

/// Contact details to be kept, in place of those kept before under this key.
#[derive(Debug, Clone, Copy)]
pub struct NewContact<'a> {
    /// The case.
    pub case: CaseId,
    /// The reporter; events know nothing but this.
    pub key_id: &'a KeyId,
    /// The details.
    pub contact: &'a Contact,
}

/// A sealed text, tried.
#[derive(Clone, PartialEq, Eq)]
pub enum Opened {
    /// The text.
    Text(String),
    /// Its key was destroyed; nobody reads it again.
    Erased,
    /// This vault never had its key, or swept it: the log was restored without its vault.
    Lost,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(..)",
            Self::Erased => "Erased",
            Self::Lost => "Lost",
        })
    }
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows found to be named by an event; they are not looked at again.
    pub named: usize,
    /// Rows removed.
    pub removed: usize,
}

/// A handle on the vault of one ledger; copies are cheap. The directory is free again when the last one is dropped.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    // Before the lock file of `_files`, so that the writer has ended when the directory is let go.
    writer: Writer,
    reader: Arc<Reader>,
    crypt: Arc<Crypt>,
    secrets: Secrets,
    now: Now,
    _files: key_file::Held,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens the vault of a ledger, or makes one where the directory has none.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::KeyMissing`], [`Error::DatabaseMissing`], [`Error::WrongKey`], [`Error::OtherLedger`],
    /// [`Error::NewerFormat`]: nothing was changed, and each says what an operator does. [`Error::Io`], [`Error::Storage`].
    pub fn open(dir: &Path, ledger: &str, now: Now) -> Result<Self, Error> {
        let files = key_file::hold(dir)?;
        let crypt = Arc::new(Crypt::new(ledger, files.key()?));
        let mut connection = database::open(&dir.join(key_file::DATABASE))?;
        if files.is_fresh() {
            database::create(&mut connection, ledger, &crypt)?;
        }
        let secrets = database::check(&connection, ledger, &crypt)?;
        let files = files.settle()?;
        let reader = Arc::new(Reader::open(&dir.join(key_file::DATABASE))?);
        let writer = Writer::start(connection, Arc::clone(&reader), Arc::clone(&crypt))?;
        Ok(Self(Arc::new(Inner { writer, reader, crypt, secrets, now, _files: files })))
    }

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
    /// [`Error::Poisoned`] after the disk failed once: the process should end.
    pub async fn seal_all(
        &self,
        seals: &[SealRequest<'_>],
        contacts: &[NewContact<'_>],
    ) -> Result<Vec<Sealed>, Error> {
        check_limits(seals, contacts)?;
        let subjects = seals
            .iter()
            .map(|seal| (seal.case, seal.key_id))
            .chain(contacts.iter().map(|contact| (contact.case, contact.key_id)));
        let keys = self.ensure_keys(subjects, contacts).await?;
        seals.iter().map(|seal| self.seal_one(seal, &keys)).collect()
    }

    fn seal_one(&self, seal: &SealRequest<'_>, keys: &Keys) -> Result<Sealed, Error> {
        let wrapped = keys.get(&(seal.case, seal.key_id.clone())).ok_or(Error::Damaged)?;
        let key = self.0.crypt.unwrap(seal.case, seal.key_id, wrapped)?;
        self.0.crypt.seal(&key, seal.case, seal.key_id, seal.field, seal.plaintext)
    }

    /// The wrapped keys of all subjects, made durable where they were missing.
    async fn ensure_keys<'a>(
        &self,
        subjects: impl Iterator<Item = (CaseId, &'a KeyId)>,
        contacts: &[NewContact<'_>],
    ) -> Result<Keys, Error> {
        let now = (self.0.now)();
        let mut keys = Keys::new();
        let mut wanted: BTreeMap<(CaseId, KeyId), NewKey> = BTreeMap::new();
        for (case, key_id) in subjects {
            let subject = (case, key_id.clone());
            if keys.contains_key(&subject) || wanted.contains_key(&subject) {
                continue;
            }
            match self.0.reader.key(case, key_id)? {
                KeyRow::Live { wrapped, named, touched_at }
                    if named || now.duration_since(touched_at) < TOUCHED_AGAIN_AFTER =>
                {
                    keys.insert(subject, wrapped);
                }
                KeyRow::Destroyed => return Err(Error::KeyDestroyed { case, key_id: key_id.clone() }),
                KeyRow::Live { .. } | KeyRow::Missing => {
                    let candidate = self.0.crypt.new_wrapped_key(case, key_id)?;
                    wanted.insert(subject, NewKey { case, key_id: key_id.clone(), candidate, at: now });
                }
            }
        }
        if !wanted.is_empty() || !contacts.is_empty() {
            let contacts = contacts.iter().map(OwnedContact::from).collect();
            let made = self.0.writer.ensure(wanted.into_values().collect(), contacts).await?;
            keys.extend(made);
        }
        Ok(keys)
    }

    /// Opens a sealed text of a case, for the field it was sealed for.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was sealed here: other bytes, another case or another field.
    pub fn open_text(&self, case: CaseId, field: &str, sealed: &Sealed) -> Result<Opened, Error> {
        match self.0.reader.key(case, &sealed.key_id)? {
            KeyRow::Missing => Ok(Opened::Lost),
            KeyRow::Destroyed => Ok(Opened::Erased),
            KeyRow::Live { wrapped, .. } => {
                let key = self.0.crypt.unwrap(case, &sealed.key_id, &wrapped)?;
                self.0.crypt.open(&key, case, field, sealed).map(Opened::Text)
            }
        }
    }

    /// The contact details kept under this key; none when there are none, or the key was destroyed.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Storage`].
    pub fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<Option<Contact>, Error> {
        let KeyRow::Live { wrapped, .. } = self.0.reader.key(case, key_id)? else { return Ok(None) };
        let Some(row) = self.0.reader.contact(case, key_id)? else { return Ok(None) };
        let key = self.0.crypt.unwrap(case, key_id, &wrapped)?;
        let open = |field, bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| self.0.crypt.open_blob(&key, case, key_id, field, &bytes)).transpose()
        };
        let name = open(crypt::CONTACT_NAME, row.name)?;
        let phone = open(crypt::CONTACT_PHONE, row.phone)?;
        Ok(Some(Contact { name, phone }))
    }

    /// Destroys a subject's key and contact details: what was sealed under it cannot be read again. Their bytes are out of the
    /// database file and its write-ahead log when this returns. Repeating is harmless. False when there was nothing.
    ///
    /// # Errors
    /// [`Error::WalHeld`] when another program reads the database: the key is destroyed, its old bytes are not yet gone from
    /// the write-ahead log; repeat once that program has ended. [`Error::Storage`], [`Error::Poisoned`].
    pub async fn destroy_key(&self, case: CaseId, key_id: &KeyId) -> Result<bool, Error> {
        self.0.writer.destroy(case, key_id.clone(), (self.0.now)()).await
    }

    /// HMAC-SHA256 of a request's canonical bytes: tells whether a repeated command id has the same body, and cannot be guessed
    /// from the log once the body's key is destroyed.
    #[must_use]
    pub fn request_mac(&self, canonical: &[u8]) -> [u8; 32] {
        self.0.secrets.request_mac(canonical)
    }

    /// The case of a ticket: always the same for a source's ticket, and not to be guessed from its number.
    #[must_use]
    pub fn case_id_for_ticket(&self, source: &SourceId, ticket: &str) -> CaseId {
        self.0.secrets.case_id_for_ticket(source, ticket)
    }

    /// The keyed token of a bigram, ten characters of a-z and 2-7. Equal bigrams have equal tokens, so an index of tokens tells
    /// how often each occurs, and nothing else.
    #[must_use]
    pub fn search_token(&self, bigram: &str) -> String {
        self.0.secrets.search_token(bigram)
    }

    /// Removes what no event names and nobody touched for [`UNNAMED_KEPT`]: the traces of commands that ended between vault and
    /// log. `named` looks a key up in what the log has up to now.
    ///
    /// # Errors
    /// As [`Vault::destroy_key`]. What was done before the error stays done.
    pub async fn sweep(
        &self,
        now: Timestamp,
        named: impl Fn(CaseId, &KeyId) -> bool,
    ) -> Result<Swept, Error> {
        let cutoff = now.saturating_sub(UNNAMED_KEPT).unwrap_or(Timestamp::MIN);
        let mut swept = Swept::default();
        loop {
            let rows = self.0.reader.unnamed_before(cutoff, SWEEP_ROWS)?;
            let count = rows.len();
            let (named, unnamed) = rows.into_iter().partition(|(case, key_id)| named(*case, key_id));
            let Settled { named, removed } = self.0.writer.settle(named, unnamed, cutoff).await?;
            swept.named += named;
            swept.removed += removed;
            // A row that was touched since is neither; then the next round finds fewer, and the loop ends.
            if count < SWEEP_ROWS || named + removed == 0 {
                return Ok(swept);
            }
        }
    }

    /// Writes a whole, durable copy of the database to a new file. The key file is not in it. Writers wait meanwhile.
    ///
    /// # Errors
    /// [`Error::Io`] when the file exists or cannot be written; [`Error::Storage`].
    pub async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        self.0.writer.backup(path.to_owned()).await
    }
}

/// Wrapped keys by subject.
type Keys = BTreeMap<(CaseId, KeyId), Vec<u8>>;

fn check_limits(seals: &[SealRequest<'_>], contacts: &[NewContact<'_>]) -> Result<(), Error> {
    if seals.len() > REQUESTS_MAX || contacts.len() > REQUESTS_MAX {
        return Err(Error::TooMany);
    }
    let is_long_text = seals.iter().any(|seal| seal.plaintext.len() > TEXT_BYTES_MAX);
    let mut parts = contacts.iter().flat_map(|new| [&new.contact.name, &new.contact.phone]).flatten();
    if is_long_text || parts.any(|part| part.len() > CONTACT_BYTES_MAX) {
        return Err(Error::TooLong);
    }
    Ok(())
}
