//! Rows that lie with a host.

use std::time::Duration;

use bus::{BadSubject, Bus, RequestError, Subject};
use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::message;
use crate::rows::{self, ContactRow, Ensured, KeyRow, NewRow, WrappedSecrets};
use crate::{CONTACT_BYTES_MAX, REQUESTS_MAX};

/// What a host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Ensure,
    Keys,
    Contact,
    Destroy,
    Secrets,
}

impl Op {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ensure => "ensure",
            Self::Keys => "keys",
            Self::Contact => "contact",
            Self::Destroy => "destroy",
            Self::Secrets => "secrets",
        }
    }

    pub(crate) fn subject(self, jurisdiction: &str) -> Result<Subject, BadSubject> {
        Subject::new(["whistle", jurisdiction, "vault", self.name()])
    }
}

/// Codes of a host's refusals.
pub(crate) const MALFORMED: u16 = 400;
pub(crate) const WAL_HELD: u16 = 409;
pub(crate) const FAILED: u16 = 500;

/// Rows proposed in one message: with the longest contacts well below the least a NATS server takes unless told otherwise.
const ROWS_PER_MESSAGE: usize = REQUESTS_MAX / 2;
const _: () = assert!(
    ROWS_PER_MESSAGE * (2 * (CONTACT_BYTES_MAX + rows::BLOB_BYTES_MORE) + rows::WRAPPED_BYTES + 128)
        < 512 * 1024
);

/// The way to a host.
pub(crate) struct Remote {
    bus: Bus,
    ensure: Subject,
    keys: Subject,
    contact: Subject,
    destroy: Subject,
    secrets: Subject,
    deadline: Duration,
}

impl Remote {
    pub(crate) fn new(bus: Bus, jurisdiction: &str, deadline: Duration) -> Result<Self, Error> {
        let subject = |op: Op| op.subject(jurisdiction).map_err(|error| Error::Protocol(error.to_string()));
        Ok(Self {
            bus,
            ensure: subject(Op::Ensure)?,
            keys: subject(Op::Keys)?,
            contact: subject(Op::Contact)?,
            destroy: subject(Op::Destroy)?,
            secrets: subject(Op::Secrets)?,
            deadline,
        })
    }

    async fn ask<Q, A>(&self, subject: &Subject, question: &Q) -> Result<A, Error>
    where
        Q: Serialize + ?Sized,
        A: DeserializeOwned,
    {
        let payload = message::encode(question)?;
        let answer = self.bus.request(subject, payload, None, self.deadline).await;
        Ok(message::decode(&answer.map_err(of_request)?)?)
    }

    pub(crate) async fn ensure(&self, rows: &[NewRow]) -> Result<Vec<Ensured>, Error> {
        let mut ensured = Vec::with_capacity(rows.len());
        for rows in rows.chunks(ROWS_PER_MESSAGE) {
            let answer: Vec<Ensured> = self.ask(&self.ensure, rows).await?;
            ensured.extend(as_many(answer, rows.len())?);
        }
        Ok(ensured)
    }

    pub(crate) async fn keys(&self, subjects: &[(CaseId, KeyId)]) -> Result<Vec<KeyRow>, Error> {
        let mut keys = Vec::with_capacity(subjects.len());
        for subjects in subjects.chunks(REQUESTS_MAX) {
            let answer: Vec<KeyRow> = self.ask(&self.keys, subjects).await?;
            keys.extend(as_many(answer, subjects.len())?);
        }
        Ok(keys)
    }

    pub(crate) async fn contact(&self, case: CaseId, key_id: &KeyId) -> Result<(KeyRow, ContactRow), Error> {
        self.ask(&self.contact, &(case, key_id)).await
    }

    pub(crate) async fn destroy(&self, case: CaseId, key_id: &KeyId, at: Timestamp) -> Result<bool, Error> {
        self.ask(&self.destroy, &(case, key_id, at.as_microsecond())).await
    }

    /// The secrets that count, and whose they are.
    pub(crate) async fn secrets_or(
        &self,
        proposal: &WrappedSecrets,
    ) -> Result<(String, WrappedSecrets), Error> {
        self.ask(&self.secrets, proposal).await
    }
}

fn as_many<T>(answers: Vec<T>, questions: usize) -> Result<Vec<T>, Error> {
    if answers.len() == questions { Ok(answers) } else { Err(message::Malformed.into()) }
}

/// Everything asked of a host may be repeated, so what may have happened is as good as what did not.
fn of_request(error: RequestError) -> Error {
    match error {
        RequestError::Away | RequestError::NobodyListens | RequestError::Unknown => Error::Away,
        RequestError::TooLarge { .. } => Error::TooMany,
        RequestError::Refused { code: WAL_HELD, .. } => Error::WalHeld,
        RequestError::Refused { code: MALFORMED, reason } => Error::Protocol(reason),
        RequestError::Refused { reason, .. } => Error::Host(reason),
    }
}
