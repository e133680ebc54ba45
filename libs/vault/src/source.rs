//! Where the rows are.

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;

use crate::error::Error;
use crate::rows::{ContactRow, Ensured, KeyRow, NewRow, Subject};
use crate::store::Store;

/// Rows to be asked, wherever they are. Every operation may be repeated without harm.
pub(crate) enum Rows {
    /// In a directory of this process.
    Local(Store),
}

impl Rows {
    pub(crate) async fn ensure(&self, rows: Vec<NewRow>) -> Result<Vec<Ensured>, Error> {
        match self {
            Self::Local(store) => store.ensure(rows).await,
        }
    }

    /// In the order they are asked for.
    pub(crate) async fn keys(&self, subjects: &[Subject]) -> Result<Vec<KeyRow>, Error> {
        match self {
            Self::Local(store) => store.keys(subjects),
        }
    }

    pub(crate) async fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<(KeyRow, ContactRow), Error> {
        match self {
            Self::Local(store) => store.contact(case, key_id),
        }
    }

    pub(crate) async fn destroy(&self, case: CaseId, key_id: &KeyId, at: Timestamp) -> Result<bool, Error> {
        match self {
            Self::Local(store) => store.destroy(case, key_id.clone(), at).await,
        }
    }

    /// For what only the rows' host does.
    pub(crate) fn local(&self) -> Result<&Store, Error> {
        match self {
            Self::Local(store) => Ok(store),
        }
    }
}
