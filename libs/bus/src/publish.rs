//! Publishing.

use bytes::Bytes;

use crate::{Bus, Subject, Unsendable, message};

/// Why a message was not published. In no case was it sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// Not connected, or the connection takes nothing any more. Not sent.
    #[error("nats is away")]
    Away,
    /// Larger than the server takes. Not sent.
    #[error("{actual} bytes are more than the {limit} that nats takes")]
    TooLarge {
        /// Most bytes that are taken.
        limit: usize,
        /// The bytes of this payload.
        actual: usize,
    },
}

impl From<Unsendable> for PublishError {
    fn from(reason: Unsendable) -> Self {
        match reason {
            Unsendable::Away => PublishError::Away,
            Unsendable::TooLarge { limit, actual } => PublishError::TooLarge { limit, actual },
        }
    }
}

impl Bus {
    /// Hands a message to the connection. It may still be lost on the way, and nobody is told.
    ///
    /// # Errors
    /// [`PublishError::Away`] while the server is away, or if the connection did not take it within the request timeout;
    /// [`PublishError::TooLarge`] before anything is sent.
    pub async fn publish(
        &self,
        subject: &Subject,
        payload: Bytes,
        trace: Option<&str>,
    ) -> Result<(), PublishError> {
        self.refuse_unsendable(payload.len())?;
        let handing = async {
            let headers = message::headers(trace);
            let subject = subject.as_str().to_owned();
            if headers.is_empty() {
                self.inner.client.publish(subject, payload).await
            } else {
                self.inner.client.publish_with_headers(subject, headers, payload).await
            }
        };
        // The connection's queue is bounded; while the server reads nothing it stays full.
        match tokio::time::timeout(self.inner.handover, handing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the connection refused a message");
                Err(PublishError::Away)
            }
            Err(_) => Err(PublishError::Away),
        }
    }
}
