//! Request and reply.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE};
use async_nats::{HeaderMap, StatusCode};
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::{Bus, Subject, Unsendable, message, service};

/// Why there is no answer, and what that says about what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not connected, or too many requests under way until the deadline. Not sent.
    #[error("nats is away")]
    Away,
    /// Nobody answers on this subject, or those who do have more waiting than they take. Not done.
    #[error("nobody there to answer")]
    NobodyListens,
    /// Sent, but no answer came within the deadline, the connection was lost, or the service broke down over it. It may
    /// or may not have happened, and may still happen.
    #[error("no answer; it may or may not have happened")]
    Unknown,
    /// Larger than the server takes. Not sent.
    #[error("{actual} bytes are more than the {limit} that nats takes")]
    TooLarge {
        /// Most bytes that are taken.
        limit: usize,
        /// The bytes of this payload.
        actual: usize,
    },
    /// The service's own answer is an error.
    #[error("refused with {code}: {reason}")]
    Refused {
        /// The service's code.
        code: u16,
        /// The service's words.
        reason: String,
    },
}

impl From<Unsendable> for RequestError {
    fn from(reason: Unsendable) -> Self {
        match reason {
            Unsendable::Away => RequestError::Away,
            Unsendable::TooLarge { limit, actual } => RequestError::TooLarge { limit, actual },
        }
    }
}

impl Bus {
    /// Asks whoever serves `subject`, and waits for the answer up to `deadline`.
    ///
    /// # Errors
    /// [`RequestError`]; all but `Unknown` and `Refused` say that nothing happened.
    pub async fn request(
        &self,
        subject: &Subject,
        payload: Bytes,
        trace: Option<&str>,
        deadline: Duration,
    ) -> Result<Bytes, RequestError> {
        let begun = Instant::now();
        let Ok(place) = tokio::time::timeout(deadline, self.inner.inbox.place()).await else {
            return Err(RequestError::Away);
        };
        let place = place.ok_or(RequestError::Away)?;
        self.refuse_unsendable(payload.len())?;
        // Once handed to the connection it cannot be taken back, so whatever ends the wait early leaves it unknown.
        let remaining = deadline.saturating_sub(begun.elapsed());
        match tokio::time::timeout(remaining, self.ask(subject, payload, trace, place)).await {
            Ok(answer) => answer,
            Err(_) => Err(RequestError::Unknown),
        }
    }

    async fn ask(
        &self,
        subject: &Subject,
        payload: Bytes,
        trace: Option<&str>,
        place: OwnedSemaphorePermit,
    ) -> Result<Bytes, RequestError> {
        let client = &self.inner.client;
        let connection = client.statistics().connects.load(Ordering::Acquire);
        let mut ticket = self.inner.inbox.ticket(connection, place);
        let (subject, reply) = (subject.as_str().to_owned(), ticket.reply.clone());
        let headers = message::headers(trace);
        let handed = if headers.is_empty() {
            client.publish_with_reply(subject, reply, payload).await
        } else {
            client.publish_with_reply_and_headers(subject, reply, headers, payload).await
        };
        if let Err(error) = handed {
            tracing::debug!(%error, "the connection refused a request");
            return Err(RequestError::Away);
        }
        let answer = ticket.answer().await.ok_or(RequestError::Unknown)?;
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(RequestError::NobodyListens);
        }
        match answer.headers.as_ref().and_then(refusal) {
            Some(refusal) => Err(refusal),
            None => Ok(answer.payload),
        }
    }
}

/// The error in the headers of an answer.
fn refusal(headers: &HeaderMap) -> Option<RequestError> {
    let code = headers.get(NATS_SERVICE_ERROR_CODE)?.as_str();
    let reason = headers.get(NATS_SERVICE_ERROR).map(|reason| reason.as_str().to_owned()).unwrap_or_default();
    Some(match code.parse() {
        Ok(service::BUSY) => RequestError::NobodyListens,
        Ok(service::BROKE_DOWN) => RequestError::Unknown,
        Ok(code) => RequestError::Refused { code, reason },
        // Not a service of ours, but it did say that it is an error.
        Err(_) => RequestError::Refused { code: 0, reason },
    })
}
