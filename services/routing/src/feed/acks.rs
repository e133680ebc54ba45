//! How far each feed was acknowledged. The one file of this role that is not made from the ledger: what a reader said exists nowhere
//! else, and in no other process of this role. Losing it loses no event; its readers begin at the oldest again, or at the token they
//! kept themselves, as they do with a process that has not heard of them.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use case::time::At;
use projection::OpenError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Feeds one principal may keep apart.
const NAMES_MAX: u32 = 64;

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ack {
    pub epoch: u32,
    pub position: u64,
    /// As given out.
    pub token: String,
    pub at: At,
}

/// Why one was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum AckError {
    #[error("a principal keeps at most {NAMES_MAX} feeds apart")]
    TooManyNames,
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    #[error("the runtime is going down")]
    GoingDown,
}

impl AckError {
    pub(super) const NAMES_MAX: u32 = NAMES_MAX;
}

/// The acknowledgements. Clones are cheap and share the file.
#[derive(Debug, Clone)]
pub(super) struct Acks(Arc<Mutex<Connection>>);

impl Acks {
    pub(super) fn open(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("feed-acks.sqlite");
        let open = || {
            let db = Connection::open(&path)?;
            db.execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS ack (
                     principal TEXT NOT NULL,
                     feed TEXT NOT NULL,
                     epoch INTEGER NOT NULL,
                     position INTEGER NOT NULL,
                     token TEXT NOT NULL,
                     at TEXT NOT NULL,
                     PRIMARY KEY (principal, feed)
                 ) STRICT, WITHOUT ROWID;",
            )?;
            Ok(db)
        };
        let db = open().map_err(|source| OpenError::Sql { path: path.clone(), source })?;
        Ok(Self(Arc::new(Mutex::new(db))))
    }

    /// Keeps an acknowledgement unless a later one stands, and gives what stands now. Durable when it returns.
    pub(super) async fn keep(&self, principal: String, feed: String, ack: Ack) -> Result<Ack, AckError> {
        self.on_db(move |db| {
            let tx = db.transaction()?;
            let others = "SELECT count(*) FROM ack WHERE principal = ?1 AND feed <> ?2";
            let others: u32 = tx.query_row(others, [&principal, &feed], |row| row.get(0))?;
            if others >= NAMES_MAX {
                return Err(AckError::TooManyNames);
            }
            tx.execute(
                "INSERT INTO ack VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (principal, feed) DO UPDATE SET
                     epoch = excluded.epoch, position = excluded.position,
                     token = excluded.token, at = excluded.at
                 WHERE (excluded.epoch, excluded.position) > (epoch, position)",
                params![
                    principal,
                    feed,
                    ack.epoch,
                    i64::try_from(ack.position).unwrap_or(i64::MAX),
                    ack.token,
                    ack.at.to_string()
                ],
            )?;
            let stands = read(&tx, &principal, &feed)?.unwrap_or(ack);
            tx.commit()?;
            Ok(stands)
        })
        .await
    }

    /// What stands.
    pub(super) async fn find(&self, principal: String, feed: String) -> Result<Option<Ack>, AckError> {
        self.on_db(move |db| Ok(read(db, &principal, &feed)?)).await
    }

    async fn on_db<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, AckError> + Send + 'static,
    ) -> Result<T, AckError> {
        let db = Arc::clone(&self.0);
        let work = move || work(&mut db.lock().unwrap_or_else(PoisonError::into_inner));
        tokio::task::spawn_blocking(work).await.map_err(|_aborted| AckError::GoingDown)?
    }
}

fn read(db: &Connection, principal: &str, feed: &str) -> rusqlite::Result<Option<Ack>> {
    let sql = "SELECT epoch, position, token, at FROM ack WHERE principal = ?1 AND feed = ?2";
    let found = db.prepare_cached(sql)?.query_row([principal, feed], |row| {
        let position: i64 = row.get(1)?;
        let at: String = row.get(3)?;
        Ok(Ack {
            epoch: row.get(0)?,
            position: u64::try_from(position).unwrap_or_default(),
            token: row.get(2)?,
            at: At::new(at.parse().unwrap_or_default()),
        })
    });
    found.optional()
}
