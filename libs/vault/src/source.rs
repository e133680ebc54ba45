//! Where the rows are.

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;

use crate::error::Error;
use crate::remote::Remote;
use crate::rows::{ContactRow, Ensured, KeyRow, NewRow, Subject};
use crate::store::Store;

/// Rows to be asked, wherever they are. Every operation may be repeated without harm.
pub(crate) enum Rows {
    /// In a directory of this process.
    Local(Store),
    /// With a host, reached over NATS.
    Remote(Remote),
}

impl Rows {
    pub(crate) async fn ensure(&self, rows: Vec<NewRow>) -> Result<Vec<Ensured>, Error> {
        match self {
            Self::Local(store) => store.ensure(rows).await,
            Self::Remote(remote) => remote.ensure(&rows).await,
        }
    }

    /// In the order they are asked for.
    pub(crate) async fn keys(&self, subjects: &[Subject]) -> Result<Vec<KeyRow>, Error> {
        match self {
            Self::Local(store) => store.keys(subjects),
            Self::Remote(remote) => remote.keys(subjects).await,
        }
    }

    /// The same, as they [count for sealing](KeyRow::seen_at): by our clock where the rows are ours, and by the host's where it keeps
    /// them.
    pub(crate) async fn keys_to_seal(
        &self,
        subjects: &[Subject],
        now: Timestamp,
    ) -> Result<Vec<KeyRow>, Error> {
        match self {
            Self::Local(store) => {
                let rows = store.keys(subjects)?;
                Ok(rows.into_iter().map(|row| row.seen_at(now)).collect())
            }
            Self::Remote(remote) => remote.keys(subjects).await,
        }
    }

    pub(crate) async fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<(KeyRow, ContactRow), Error> {
        match self {
            Self::Local(store) => store.contact(case, key_id),
            Self::Remote(remote) => remote.contact(case, key_id).await,
        }
    }

    pub(crate) async fn destroy(&self, case: CaseId, key_id: &KeyId, at: Timestamp) -> Result<bool, Error> {
        match self {
            Self::Local(store) => store.destroy(case, key_id.clone(), at).await,
            Self::Remote(remote) => remote.destroy(case, key_id, at).await,
        }
    }

    /// For what only the rows' host does.
    pub(crate) fn local(&self) -> Result<&Store, Error> {
        match self {
            Self::Local(store) => Ok(store),
            Self::Remote(_) => Err(Error::RowsElsewhere),
        }
    }
}
