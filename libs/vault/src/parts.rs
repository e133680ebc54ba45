//! What is given to the vault and what comes back.

use std::fmt;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;

use crate::error::Error;
use crate::{CONTACT_BYTES_MAX, REQUESTS_MAX, TEXT_BYTES_MAX};

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
    /// Rows of which nobody could say it. They stay the oldest: the next step goes past them.
    pub unknown: usize,
    /// There may be more to look at: sweep again.
    pub more: bool,
}

pub(crate) fn check_limits(seals: &[SealRequest<'_>], contacts: &[NewContact<'_>]) -> Result<(), Error> {
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
