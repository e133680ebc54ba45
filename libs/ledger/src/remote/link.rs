//! How the two sides reach each other: over NATS, and in tests over a network that loses, repeats and delays.

use std::time::Duration;

use bus::{Bus, RequestError, Subject, Subscription};
use bytes::Bytes;
use serde::Serialize;

use super::protocol;
#[cfg(test)]
use super::sim;
use crate::errors::LedgerError;

/// What a ledger is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Commit,
    Stream,
    Log,
    Find,
    Status,
}

impl Op {
    pub(crate) const ALL: [Self; 5] = [Self::Commit, Self::Stream, Self::Log, Self::Find, Self::Status];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Stream => "stream",
            Self::Log => "log",
            Self::Find => "find",
            Self::Status => "status",
        }
    }
}

/// Where a ledger's requests go.
pub(crate) fn subject(jurisdiction: &str, op: Op) -> Result<Subject, LedgerError> {
    named(&["whistle", jurisdiction, "ledger", op.name()])
}

/// Where its frames go.
pub(crate) fn log_subject(jurisdiction: &str) -> Result<Subject, LedgerError> {
    named(&["whistle", jurisdiction, "log"])
}

fn named(tokens: &[&str]) -> Result<Subject, LedgerError> {
    Subject::new(tokens.iter().copied()).map_err(|error| LedgerError::Protocol(error.to_string()))
}

pub(crate) enum Link {
    Nats {
        bus: Bus,
        jurisdiction: String,
        deadline: Duration,
    },
    #[cfg(test)]
    Sim(sim::Sim),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskError {
    /// Nothing was sent, or nobody was there to hear it.
    Away,
    /// It may have been heard.
    Unknown,
    TooLarge {
        limit: usize,
        actual: usize,
    },
    /// Its own answer is an error.
    Refused {
        /// [`NOT_UNDERSTOOD`] when nothing was done.
        code: u16,
        reason: String,
    },
}

/// The code of a request that was not understood, so that nothing was done for it.
pub(crate) const NOT_UNDERSTOOD: u16 = 400;

impl From<AskError> for LedgerError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Away | AskError::Unknown => Self::Away,
            AskError::TooLarge { limit, actual } => {
                Self::Protocol(format!("a request of {actual} bytes, the limit is {limit}"))
            }
            AskError::Refused { reason, .. } => Self::Protocol(reason),
        }
    }
}

/// What is published, as it arrives.
pub(crate) enum Heard {
    Nats(Subscription),
    #[cfg(test)]
    Sim(sim::Heard),
}

impl Heard {
    /// The next message; none when nothing will come any more.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Nats(subscription) => subscription.next().await.map(|message| message.payload),
            #[cfg(test)]
            Self::Sim(heard) => heard.next().await,
        }
    }
}

impl Link {
    /// Asks and waits for the answer, as long as the link lets it.
    pub(crate) async fn ask<Q: Serialize>(
        &self,
        op: Op,
        question: &Q,
        trace: Option<&str>,
    ) -> Result<Bytes, LedgerError> {
        Ok(self.send(op, protocol::encode(question)?, trace).await?)
    }

    pub(crate) async fn send(&self, op: Op, payload: Bytes, trace: Option<&str>) -> Result<Bytes, AskError> {
        match self {
            Self::Nats { bus, jurisdiction, deadline } => {
                let unnamed = |error: LedgerError| AskError::Refused {
                    code: NOT_UNDERSTOOD,
                    reason: error.to_string(),
                };
                let subject = subject(jurisdiction, op).map_err(unnamed)?;
                bus.request(&subject, payload, trace, *deadline).await.map_err(of_request)
            }
            #[cfg(test)]
            Self::Sim(sim) => sim.request(op, payload).await,
        }
    }

    pub(crate) async fn listen(&self) -> Result<Heard, LedgerError> {
        match self {
            Self::Nats { bus, jurisdiction, .. } => {
                let subscription = bus.subscribe(&log_subject(jurisdiction)?).await;
                let subscription = subscription.map_err(|error| LedgerError::Protocol(error.to_string()))?;
                Ok(Heard::Nats(subscription))
            }
            #[cfg(test)]
            Self::Sim(sim) => Ok(Heard::Sim(sim.listen())),
        }
    }

    /// Publishes a frame. What is lost on the way is read from the ledger, so nobody waits for it.
    pub(crate) async fn publish(&self, frame: Bytes) {
        match self {
            Self::Nats { bus, jurisdiction, .. } => {
                let Ok(subject) = log_subject(jurisdiction) else { return };
                if let Err(error) = bus.publish(&subject, frame, None).await {
                    tracing::debug!(%error, "a frame was not published");
                }
            }
            #[cfg(test)]
            Self::Sim(sim) => sim.publish(&frame),
        }
    }

    /// The most bytes of one message.
    pub(crate) fn message_max(&self) -> usize {
        match self {
            Self::Nats { bus, .. } => bus.payload_max(),
            #[cfg(test)]
            Self::Sim(_) => sim::MESSAGE_MAX,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        match self {
            Self::Nats { bus, .. } => bus.is_connected(),
            #[cfg(test)]
            Self::Sim(sim) => sim.is_up(),
        }
    }
}

fn of_request(error: RequestError) -> AskError {
    match error {
        RequestError::Away | RequestError::NobodyListens => AskError::Away,
        RequestError::Unknown => AskError::Unknown,
        RequestError::TooLarge { limit, actual } => AskError::TooLarge { limit, actual },
        RequestError::Refused { code, reason } => AskError::Refused { code, reason },
    }
}
