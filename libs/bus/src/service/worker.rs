//! Works through the requests of one endpoint.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use async_nats::service::endpoint::Endpoint as Requests;
use async_nats::service::{Request, error::Error as Answer};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Asked, BROKE_DOWN, BUSY, Endpoint, Handler, Refused};
use crate::settings::INBOX;
use crate::{CLOSE_GRACE, message, state};

/// Requests that wait for their turn, besides those worked on; more are turned away at once.
const WAITING_MAX: usize = 1_024;

/// Longest reason in an error answer.
const REASON_BYTES_MAX: usize = 1_024;

/// An answer that the server would not take.
const ANSWER_TOO_LARGE: u16 = 64_999;

pub(super) struct Worker {
    service: String,
    name: String,
    at_once: usize,
    handler: Handler,
    client: Client,
    /// How long handing over a "too much waiting" may hold up the next request.
    handover: Duration,
}

/// What every request needs.
#[derive(Clone)]
struct Desk {
    name: Arc<str>,
    handler: Handler,
    client: Client,
    seats: Arc<Semaphore>,
}

impl Worker {
    pub(super) fn new(service: &str, endpoint: Endpoint, client: Client, handover: Duration) -> Worker {
        let Endpoint { name, subject: _, at_once, handler } = endpoint;
        Worker { service: service.to_owned(), name, at_once, handler, client, handover }
    }

    pub(super) async fn run(self, mut requests: Requests, stop: CancellationToken) {
        let desk = Desk {
            name: format!("{}.{}", self.service, self.name).into(),
            handler: self.handler,
            client: self.client,
            seats: Arc::new(Semaphore::new(self.at_once)),
        };
        let tasks_max = self.at_once.saturating_add(WAITING_MAX);
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                request = requests.next() => {
                    let Some(request) = request else { break };
                    if !wants_answer_in_inbox(&request) {
                        tracing::debug!(endpoint = &*desk.name, "passed over a request whose answer goes to no inbox");
                        continue;
                    }
                    while tasks.try_join_next().is_some() {}
                    if tasks.len() < tasks_max {
                        tasks.spawn(work(desk.clone(), request));
                    } else {
                        turn_away(&desk, &request, self.handover).await;
                    }
                }
            }
        }
        drop(requests);
        let finish = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(CLOSE_GRACE, finish).await.is_err() {
            tracing::warn!(endpoint = &*desk.name, "requests under way were given up");
        }
    }
}

/// Nothing is said elsewhere, not even that there is too much to do.
fn wants_answer_in_inbox(request: &Request) -> bool {
    request.message.reply.as_ref().is_some_and(|reply| reply.as_str().starts_with(INBOX))
}

async fn turn_away(desk: &Desk, request: &Request, handover: Duration) {
    tracing::debug!(endpoint = &*desk.name, "turned a request away, too many are waiting");
    let answer = Err(Answer { code: BUSY.into(), status: "too many requests are waiting".to_owned() });
    // Without an answer the one who asks finds out by the deadline.
    tokio::time::timeout(handover, request.respond(answer)).await.ok();
}

async fn work(desk: Desk, request: Request) {
    let Ok(_seat) = desk.seats.acquire().await else { return };
    let asked = Asked {
        payload: request.message.payload.clone(),
        trace: message::trace(request.message.headers.as_ref()),
    };
    let handler = desk.handler.clone();
    let handling = async move { handler(asked).await };
    let answer = match AssertUnwindSafe(handling).catch_unwind().await {
        Ok(Ok(payload)) => fitting(&desk, payload),
        Ok(Err(refused)) => Err(error(refused)),
        Err(_) => {
            tracing::error!(endpoint = &*desk.name, "a handler panicked");
            Err(Answer { code: BROKE_DOWN.into(), status: "the service broke down over it".to_owned() })
        }
    };
    if let Err(error) = request.respond(answer).await {
        tracing::debug!(endpoint = &*desk.name, %error, "an answer could not be sent");
    }
}

/// The answer, if the server takes so much; it would be lost in silence otherwise.
fn fitting(desk: &Desk, payload: Bytes) -> Result<Bytes, Answer> {
    let limit = state::payload_max(desk.client.max_payload());
    if payload.len() <= limit {
        return Ok(payload);
    }
    tracing::error!(endpoint = &*desk.name, bytes = payload.len(), limit, "an answer is too large");
    let status = format!("the answer has {} bytes, nats takes {limit}", payload.len());
    Err(Answer { code: ANSWER_TOO_LARGE.into(), status })
}

fn error(refused: Refused) -> Answer {
    let code = refused.code.min(ANSWER_TOO_LARGE).into();
    Answer { code, status: header_text(&refused.reason) }
}

/// What can stand in a header.
pub(crate) fn header_text(reason: &str) -> String {
    let mut text = String::new();
    for c in reason.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if text.len() + c.len_utf8() > REASON_BYTES_MAX {
            break;
        }
        text.push(c);
    }
    // The server's protocol has no place for white space at the ends.
    text.trim().to_owned()
}
