//! What a host answers over NATS.

use bus::{Asked, BadSubject, Endpoint, Refused};
use bytes::Bytes;
use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use serde::Serialize;

use super::Host;
use crate::error::Error;
use crate::message::{self, Malformed};
use crate::remote::{FAILED, MALFORMED, Op, WAL_HELD};
use crate::rows::KeyRow;

/// Questions of one kind worked on at a time. Those that write share the syncs of a batch of the same size.
const AT_ONCE: usize = 256;
/// Keys read from the database without leaving the async threads: some 10 µs each.
const KEYS_READ_HERE: usize = 32;

impl Host {
    /// Answers for the roles that have the key, on `whistle.<jurisdiction>.vault.*`: ensure, keys, contact, destroy, secrets. What
    /// is asked and answered is ids, wrapped keys and sealed blobs.
    ///
    /// # Errors
    /// [`BadSubject`] when the jurisdiction cannot be part of a subject.
    pub fn endpoints(&self, jurisdiction: &str) -> Result<Vec<Endpoint>, BadSubject> {
        [Op::Ensure, Op::Keys, Op::Contact, Op::Destroy, Op::Secrets]
            .into_iter()
            .map(|op| {
                let (host, subject) = (self.clone(), op.subject(jurisdiction)?);
                let name = format!("vault-{}", op.name());
                Ok(Endpoint::new(name, subject, AT_ONCE, move |asked| {
                    let host = host.clone();
                    async move { host.answer(op, asked).await.map_err(Refused::from) }
                }))
            })
            .collect()
    }

    async fn answer(&self, op: Op, asked: Asked) -> Result<Bytes, Fault> {
        let question = asked.payload;
        match op {
            Op::Ensure => said(&self.ensure(message::decode_rows(&question)?).await?),
            Op::Keys => self.keys(&question).await,
            Op::Contact => {
                let (case, key_id): (CaseId, KeyId) = message::decode(&question)?;
                said(&self.store.contact(case, &key_id)?)
            }
            Op::Destroy => {
                let (case, key_id, at): (CaseId, KeyId, i64) = message::decode(&question)?;
                let at = Timestamp::from_microsecond(at).map_err(|_| Malformed)?;
                said(&self.store.destroy(case, key_id, at).await?)
            }
            Op::Secrets => {
                let proposal = message::decode_secrets(&question)?;
                said(&(self.ledger.as_ref(), self.store.secrets_or(proposal).await?))
            }
        }
    }

    async fn keys(&self, question: &[u8]) -> Result<Bytes, Fault> {
        let subjects = message::decode_subjects(question)?;
        let at_hand = self.store.at_hand(&subjects);
        if at_hand.iter().filter(|row| row.is_none()).count() <= KEYS_READ_HERE {
            return self.told(self.store.keys_beside(&subjects, at_hand)?);
        }
        let store = self.store.clone();
        let found = tokio::task::spawn_blocking(move || store.keys_beside(&subjects, at_hand)).await;
        self.told(found.map_err(|_ended| Error::Closed)??)
    }

    /// Keys as whoever seals is told of them, who knows nothing of the clock here.
    fn told(&self, rows: Vec<KeyRow>) -> Result<Bytes, Fault> {
        let now = (self.now)();
        said(&rows.into_iter().map(|row| row.seen_at(now)).collect::<Vec<_>>())
    }
}

fn said<A: Serialize>(answer: &A) -> Result<Bytes, Fault> {
    Ok(message::encode(answer)?)
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        let code = match &fault {
            Fault::Malformed(_) => MALFORMED,
            Fault::Failed(Error::WalHeld) => WAL_HELD,
            Fault::Failed(_) => FAILED,
        };
        Self { code, reason: fault.to_string() }
    }
}
