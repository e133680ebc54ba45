//! The rows on this machine's disk: wrapped keys, sealed contact details, wrapped secrets. No key is here.

use std::path::Path;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;

use crate::at_hand::AtHand;
use crate::error::Error;
use crate::fail_stop::Seams;
use crate::files::{Held, exists, hold};
use crate::key_file::{KEY, KEY_OF_NEW};
use crate::parts::Swept;
use crate::reader::Reader;
use crate::rows::{ContactRow, Ensured, KeyRow, NewRow, Subject, WrappedSecrets};
use crate::writer::{Settled, Writer};
use crate::{UNNAMED_KEPT, database};

/// Rows looked at in one sweep.
const SWEEP_ROWS: usize = 500;

/// An open database, its writer and its reader. The directory is free again when this is dropped.
pub(crate) struct Store {
    // Before the lock, so that the writer has ended when the directory is let go.
    writer: Writer,
    reader: Arc<Reader>,
    at_hand: Arc<AtHand>,
    held: Held,
}

impl Store {
    /// Opens the rows of a directory, or makes them where there never were any.
    pub(crate) fn open_or_make(dir: &Path, ledger: &str) -> Result<Self, Error> {
        Self::open_or_make_with(dir, ledger, Seams::none())
    }

    /// The same, with a writer that tests take hold of.
    pub(crate) fn open_or_make_with(dir: &Path, ledger: &str, seams: Seams) -> Result<Self, Error> {
        let held = hold(dir)?;
        let (has_database, was_made) = (exists(&held.database())?, held.was_made()?);
        let begun_beside_key = exists(&dir.join(KEY_OF_NEW))? && !exists(&dir.join(KEY))?;
        match (has_database, was_made) {
            (false, true) => return Err(Error::DatabaseMissing(held.database())),
            // Nobody was ever given anything that an interrupted first start left.
            (true, false) if begun_beside_key => held.make_database(ledger)?,
            (false, false) => held.make_database(ledger)?,
            (true, _) => {}
        }
        let store = Self::open(held, ledger, None, seams)?;
        store.held.mark_made()?;
        Ok(store)
    }

    /// Opens the rows of a held directory that has them; secrets that are proposed are kept if there are none.
    pub(crate) fn open(
        held: Held,
        ledger: &str,
        proposal: Option<&WrappedSecrets>,
        seams: Seams,
    ) -> Result<Self, Error> {
        let mut connection = database::open(&held.database())?;
        database::check(&connection, ledger)?;
        if let Some(proposal) = proposal {
            let transaction = connection.transaction()?;
            database::put_secrets_if_absent(&transaction, proposal)?;
            transaction.commit()?;
        }
        let reader = Arc::new(Reader::open(&held.database())?);
        let at_hand = Arc::new(AtHand::new());
        let writer = Writer::start(connection, Arc::clone(&reader), Arc::clone(&at_hand), seams)?;
        Ok(Self { writer, reader, at_hand, held })
    }

    pub(crate) async fn ensure(&self, rows: Vec<NewRow>) -> Result<Vec<Ensured>, Error> {
        self.writer.ensure(rows).await
    }

    pub(crate) fn keys(&self, subjects: &[Subject]) -> Result<Vec<KeyRow>, Error> {
        self.reader.keys(subjects, self.at_hand(subjects))
    }

    /// The rows that need no look at the database, in the order they are asked for.
    pub(crate) fn at_hand(&self, subjects: &[Subject]) -> Vec<Option<KeyRow>> {
        self.at_hand.get(subjects)
    }

    /// The rows of keys, those read that are not at hand.
    pub(crate) fn keys_beside(
        &self,
        subjects: &[Subject],
        at_hand: Vec<Option<KeyRow>>,
    ) -> Result<Vec<KeyRow>, Error> {
        self.reader.keys(subjects, at_hand)
    }

    pub(crate) fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<(KeyRow, ContactRow), Error> {
        self.reader.contact(case, key_id)
    }

    pub(crate) async fn destroy(&self, case: CaseId, key_id: KeyId, at: Timestamp) -> Result<bool, Error> {
        self.writer.destroy(case, key_id, at).await
    }

    /// The secrets as they are; none before anybody proposed any.
    pub(crate) fn secrets(&self) -> Result<Option<WrappedSecrets>, Error> {
        database::secrets(&self.reader.lock())
    }

    /// The secrets as they are, or as they are now proposed.
    pub(crate) async fn secrets_or(&self, proposal: WrappedSecrets) -> Result<WrappedSecrets, Error> {
        match self.secrets()? {
            Some(stored) => Ok(stored),
            None => self.writer.secrets(proposal).await,
        }
    }

    pub(crate) async fn sweep<E, F>(
        &self,
        now: Timestamp,
        past: usize,
        is_named: impl Fn(CaseId, KeyId) -> F,
    ) -> Result<Swept, E>
    where
        E: From<Error>,
        F: Future<Output = Result<Option<bool>, E>>,
    {
        let cutoff = now.saturating_sub(UNNAMED_KEPT).unwrap_or(Timestamp::MIN);
        let rows = self.reader.unnamed_before(cutoff, past, SWEEP_ROWS)?;
        let count = rows.len();
        let (mut named, mut unnamed, mut unknown) = (Vec::new(), Vec::new(), 0);
        for (case, key_id) in rows {
            match is_named(case, key_id.clone()).await? {
                Some(true) => named.push((case, key_id)),
                Some(false) => unnamed.push((case, key_id)),
                None => unknown += 1,
            }
        }
        let Settled { named, removed } = self.writer.settle(named, unnamed, cutoff).await?;
        // A row that was touched since is neither, and has gone from what a next step looks at.
        Ok(Swept { named, removed, unknown, more: count == SWEEP_ROWS })
    }

    /// While this is held nothing else reads, and what removes a key is not answered.
    #[cfg(test)]
    pub(crate) fn reading(&self) -> std::sync::MutexGuard<'_, rusqlite::Connection> {
        self.reader.lock()
    }

    pub(crate) async fn backup_to(&self, path: &Path) -> Result<(), Error> {
        self.writer.backup(path.to_owned()).await
    }
}
