//! Keys fetched at once, to open many texts with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};
use case::sealed::Sealed;

use crate::crypt::Crypt;
use crate::error::Error;
use crate::parts::Opened;
use crate::rows::{KeyRow, Subject};

/// Keys as they were when they were fetched, still wrapped. Opening with it needs no further trip to the rows.
///
/// Whoever keeps it keeps opening what is erased meanwhile: it lives as long as one answer or one batch, and no longer.
pub struct Keyring {
    crypt: Arc<Crypt>,
    keys: BTreeMap<Subject, KeyRow>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Keyring {
    pub(crate) fn new(crypt: Arc<Crypt>, keys: BTreeMap<Subject, KeyRow>) -> Self {
        Self { crypt, keys }
    }

    /// Whether it was asked for this key, be there one or not.
    #[must_use]
    pub fn covers(&self, case: CaseId, key_id: &KeyId) -> bool {
        self.keys.contains_key(&(case, key_id.clone()))
    }

    /// Opens a sealed text of a case, for the field it was sealed for.
    ///
    /// # Errors
    /// [`Error::NotFetched`] when it was not asked for the text's key: the caller's mistake. [`Error::Damaged`] when it is not
    /// what was sealed here: other bytes, another case or another field.
    pub fn open_text(&self, case: CaseId, field: &str, sealed: &Sealed) -> Result<Opened, Error> {
        match self.keys.get(&(case, sealed.key_id.clone())) {
            None => Err(Error::NotFetched),
            Some(KeyRow::Missing) => Ok(Opened::Lost),
            Some(KeyRow::Destroyed) => Ok(Opened::Erased),
            Some(KeyRow::Live { wrapped, .. }) => {
                let key = self.crypt.unwrap(case, &sealed.key_id, wrapped)?;
                self.crypt.open(&key, case, field, sealed).map(Opened::Text)
            }
        }
    }
}
