//! Rows as they are stored and as they travel: ids, wrapped keys, sealed blobs. Nothing here opens without the key file.

use case::ids::{CaseId, KeyId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A data subject: a case and one of its keys.
pub(crate) type Subject = (CaseId, KeyId);

/// An unnamed key older than this is touched when it seals again, so that a sweep never takes it from under a late command.
const TOUCHED_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// Bytes of a wrapped key or wrapped secret: nonce, key, tag.
pub(crate) const WRAPPED_BYTES: usize = 12 + 32 + 16;
/// Bytes a sealed blob has more than what is sealed in it: nonce and tag.
pub(crate) const BLOB_BYTES_MORE: usize = 12 + 16;

/// A row to be made if there is none, and touched in any case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewRow {
    pub(crate) case: CaseId,
    pub(crate) key_id: KeyId,
    /// A wrapped key made for this row, or the one the row is known to have.
    pub(crate) candidate: Vec<u8>,
    /// Sealed under the candidate; kept only if that is the row's key.
    pub(crate) contact: Option<ContactRow>,
    /// When, in microseconds since 1970; a host takes its own time instead.
    pub(crate) at: i64,
}

impl NewRow {
    pub(crate) fn subject(&self) -> Subject {
        (self.case, self.key_id.clone())
    }
}

/// What became of a [`NewRow`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ensured {
    /// The candidate is the row's key; what was sealed under it is kept.
    Mine,
    /// The row has this key. What was sealed under the candidate is not kept.
    Theirs(Vec<u8>),
    /// The subject was erased.
    Destroyed,
}

impl Ensured {
    /// What a row that is now so means for who proposed `candidate`.
    pub(crate) fn of(candidate: &[u8], row: KeyRow) -> Self {
        match row {
            KeyRow::Live { wrapped, .. } if wrapped == candidate => Self::Mine,
            KeyRow::Live { wrapped, .. } => Self::Theirs(wrapped),
            KeyRow::Missing | KeyRow::Destroyed => Self::Destroyed,
        }
    }
}

/// What is known of a subject's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyRow {
    Missing,
    Destroyed,
    Live {
        wrapped: Vec<u8>,
        named: bool,
        /// Microseconds since 1970.
        touched_at: i64,
    },
}

impl KeyRow {
    /// The row as it counts for sealing at an instant of the clock that touches rows and sweeps: one touched lately is as good as
    /// named, and need not be touched again.
    pub(crate) fn seen_at(self, now: Timestamp) -> Self {
        match self {
            Self::Live { wrapped, named, touched_at } => {
                let touched = Timestamp::from_microsecond(touched_at).unwrap_or(Timestamp::MIN);
                let is_recent = now.duration_since(touched) < TOUCHED_AGAIN_AFTER;
                Self::Live { wrapped, named: named || is_recent, touched_at }
            }
            row @ (Self::Missing | Self::Destroyed) => row,
        }
    }
}

/// Contact details as they are stored: blobs sealed with the subject's key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContactRow {
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) phone: Option<Vec<u8>>,
}

/// The constant secrets of a ledger, wrapped, in the order of [`SECRET_NAMES`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WrappedSecrets(pub(crate) [Vec<u8>; 3]);

/// What they are stored as.
pub(crate) const SECRET_NAMES: [&str; 3] = ["request-mac-key", "ticket-key", "search-key"];
