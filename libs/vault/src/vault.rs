//! The handle: a key, and rows somewhere.

mod new_case;
mod sealing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use case::ids::{CaseId, KeyId};
use case::sealed::Sealed;
use jiff::Timestamp;

use crate::crypt::{CONTACT_NAME, CONTACT_PHONE, Crypt};
use crate::error::Error;
use crate::fail_stop::Seams;
use crate::keyring::Keyring;
use crate::parts::{Contact, Now, Opened, Swept};
use crate::remote::Remote;
use crate::rows::{KeyRow, Subject};
use crate::secrets::{self, Secrets};
use crate::source::Rows;
use crate::store::Store;
use crate::{files, key_file};

pub use self::new_case::NewCase;

/// A handle on the vault of one ledger; copies are cheap. Where the rows lie on this machine, their directory is free again when
/// the last one is dropped.
#[derive(Clone)]
pub struct Vault(Option<Arc<Inner>>);

struct Inner {
    rows: Rows,
    crypt: Arc<Crypt>,
    secrets: Secrets,
    now: Now,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens the vault of a ledger with key and rows in one directory, or makes one where the directory has none.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::KeyMissing`], [`Error::DatabaseMissing`], [`Error::WrongKey`], [`Error::OtherLedger`],
    /// [`Error::NewerFormat`]: nothing was changed, and each says what an operator does. [`Error::Io`], [`Error::Storage`].
    pub fn open(dir: &Path, ledger: &str, now: Now) -> Result<Self, Error> {
        let held = files::hold(dir)?;
        let crypt = Crypt::new(ledger, key_file::beside_rows(&held, ledger)?);
        let store = Store::open(held, ledger, Some(&secrets::propose(&crypt)?), Seams::none())?;
        let secrets = Secrets::unwrap(&crypt, &store.secrets()?.ok_or(Error::Damaged)?)?;
        Ok(Self::with(Rows::Local(store), crypt, secrets, now))
    }

    /// Takes the key from a file and the rows from their [`Host`](crate::Host), over NATS. Asks the host once for the ledger's
    /// secrets, and waits for it no longer than `deadline`; every later round trip has the same deadline.
    ///
    /// # Errors
    /// [`Error::Away`] when no host answers: try again. [`Error::KeyMissing`], [`Error::WrongKey`], [`Error::OtherLedger`]:
    /// each says what an operator does. [`Error::Protocol`], [`Error::Host`], [`Error::Io`].
    pub async fn remote(
        bus: &Bus,
        jurisdiction: &str,
        key_file: &Path,
        deadline: Duration,
        now: Now,
    ) -> Result<Self, Error> {
        let crypt = Crypt::new(jurisdiction, key_file::read(key_file)?);
        let remote = Remote::new(bus.clone(), jurisdiction, deadline)?;
        let (ledger, stored) = remote.secrets_or(&secrets::propose(&crypt)?).await?;
        if ledger != jurisdiction {
            return Err(Error::OtherLedger { found: ledger, wanted: jurisdiction.to_owned() });
        }
        let secrets = Secrets::unwrap(&crypt, &stored)?;
        Ok(Self::with(Rows::Remote(remote), crypt, secrets, now))
    }

    /// For a role that may not have the key: whatever needs it is [`Error::NoKey`].
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    fn with(rows: Rows, crypt: Crypt, secrets: Secrets, now: Now) -> Self {
        Self(Some(Arc::new(Inner { rows, crypt: Arc::new(crypt), secrets, now })))
    }

    fn inner(&self) -> Result<&Inner, Error> {
        self.0.as_deref().ok_or(Error::NoKey)
    }

    /// The constant secrets of the ledger.
    ///
    /// # Errors
    /// [`Error::NoKey`]
    pub fn secrets(&self) -> Result<&Secrets, Error> {
        self.inner().map(|inner| &inner.secrets)
    }

    /// Whether the rows are on this machine, so that fetching a key is no round trip.
    #[must_use]
    pub fn has_rows_here(&self) -> bool {
        self.inner().is_ok_and(|inner| inner.rows.local().is_ok())
    }

    /// Fetches keys, all at once, to open texts with.
    ///
    /// # Errors
    /// [`Error::Away`], [`Error::Storage`], [`Error::NoKey`].
    pub async fn keyring(&self, wanted: impl IntoIterator<Item = (CaseId, KeyId)>) -> Result<Keyring, Error> {
        let inner = self.inner()?;
        let subjects: Vec<Subject> = wanted.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        let rows = inner.rows.keys(&subjects).await?;
        let keys: BTreeMap<Subject, KeyRow> = subjects.into_iter().zip(rows).collect();
        Ok(Keyring::new(Arc::clone(&inner.crypt), keys))
    }

    /// Opens a sealed text of a case, for the field it was sealed for.
    ///
    /// # Errors
    /// [`Error::Damaged`] when it is not what was sealed here: other bytes, another case or another field. As
    /// [`Vault::keyring`].
    pub async fn open_text(&self, case: CaseId, field: &str, sealed: &Sealed) -> Result<Opened, Error> {
        self.keyring([(case, sealed.key_id.clone())]).await?.open_text(case, field, sealed)
    }

    /// Opens many, their keys fetched at once; the answers are in the order of the texts.
    pub async fn open_texts(&self, texts: &[(CaseId, &str, &Sealed)]) -> Vec<Result<Opened, Error>> {
        let wanted = texts.iter().map(|(case, _, sealed)| (*case, sealed.key_id.clone()));
        match self.keyring(wanted).await {
            Ok(keyring) => {
                texts.iter().map(|(case, field, sealed)| keyring.open_text(*case, field, sealed)).collect()
            }
            Err(error) => texts.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// The contact details kept under this key; none when there are none, or the key was destroyed.
    ///
    /// # Errors
    /// [`Error::Damaged`]; as [`Vault::keyring`].
    pub async fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<Option<Contact>, Error> {
        let inner = self.inner()?;
        let (key, row) = inner.rows.contact(case, key_id).await?;
        let KeyRow::Live { wrapped, .. } = key else { return Ok(None) };
        if row.name.is_none() && row.phone.is_none() {
            return Ok(None);
        }
        let key = inner.crypt.unwrap(case, key_id, &wrapped)?;
        let open = |field, bytes: Option<Vec<u8>>| {
            bytes.map(|bytes| inner.crypt.open_blob(&key, case, key_id, field, &bytes)).transpose()
        };
        Ok(Some(Contact { name: open(CONTACT_NAME, row.name)?, phone: open(CONTACT_PHONE, row.phone)? }))
    }

    /// Destroys a subject's key and contact details: what was sealed under it cannot be read again. Their bytes are out of the
    /// database file and its write-ahead log when this returns. Repeating is harmless. False when there was nothing.
    ///
    /// # Errors
    /// [`Error::WalHeld`] when another program reads the database: the key is destroyed, its old bytes are not yet gone from
    /// the write-ahead log; repeat once that program has ended. [`Error::Away`]: repeat, it may have been done.
    /// [`Error::Storage`], [`Error::Poisoned`], [`Error::NoKey`].
    pub async fn destroy_key(&self, case: CaseId, key_id: &KeyId) -> Result<bool, Error> {
        let inner = self.inner()?;
        inner.rows.destroy(case, key_id, (inner.now)()).await
    }

    /// Removes what no event names and nobody touched for [`UNNAMED_KEPT`](crate::UNNAMED_KEPT): the traces of commands that
    /// ended between vault and log. Looks at the 500 rows untouched the longest, past as many as earlier steps found
    /// [unknown](Swept::unknown); [`Swept::more`] says whether that was all. `is_named` looks a key up in what the log has up to
    /// now, and says none of a case that cannot be read: its rows stay. When it fails, nothing is removed.
    ///
    /// # Errors
    /// As [`Vault::destroy_key`]. What was done before the error stays done. [`Error::RowsElsewhere`] where the rows are not on
    /// this machine: their host does it.
    pub async fn sweep<E, F>(
        &self,
        now: Timestamp,
        past: usize,
        is_named: impl Fn(CaseId, KeyId) -> F,
    ) -> Result<Swept, E>
    where
        E: From<Error>,
        F: Future<Output = Result<Option<bool>, E>>,
    {
        self.inner()?.rows.local()?.sweep(now, past, is_named).await
    }

    /// Writes a whole, durable copy of the database to a new file. The key file is not in it. Writers wait meanwhile.
    ///
    /// # Errors
    /// [`Error::Io`] when the file exists or cannot be written; [`Error::Storage`]; [`Error::RowsElsewhere`] as for a sweep.
    pub async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        self.inner()?.rows.local()?.backup_to(path).await
    }
}
