//! What the connection tells about itself. Its events are hints: they may get lost, the monitor looks for itself.

use async_nats::{ClientError, Event, Server, ServerError};

use crate::shared::Shared;

/// The one failure of an attempt that is not kept with the server it concerns.
const NAME_NOT_FOUND: &str = "DNS error";

pub(crate) fn heard(shared: &Shared, event: Event) {
    match event {
        Event::Connected | Event::Disconnected | Event::Closed | Event::Draining => {}
        Event::LameDuckMode => tracing::info!(name = shared.name, "nats is about to go away"),
        Event::SlowConsumer(_) => shared.dropped_by_connection(),
        Event::ServerError(ServerError::AuthorizationViolation) => shared.refused("authorization violation"),
        Event::ServerError(ServerError::SlowConsumer(_)) => shared.dropped_by_connection(),
        Event::ServerError(ServerError::Other(text)) => server_said(shared, &text),
        Event::ClientError(ClientError::Other(text)) => {
            if is_refusal(&text) {
                shared.refused(&text);
            } else if shared.reason().is_empty() || text == NAME_NOT_FOUND {
                shared.set_reason(&text);
            }
        }
        Event::ClientError(ClientError::MaxReconnects | ClientError::ServerNotInPool) => {}
    }
    shared.wake.notify_one();
}

fn server_said(shared: &Shared, text: &str) {
    if is_refusal(text) {
        shared.refused(text);
    } else {
        tracing::warn!(name = shared.name, "nats said: {text}");
        // Such as "Stale Connection": the server usually hangs up next.
        shared.set_reason(text);
    }
}

/// Permissions, credentials, expiry: what an operator has to look at.
pub(crate) fn is_refusal(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["permissions violation", "authorization", "authentication", "signing nonce"]
        .iter()
        .any(|mark| text.contains(mark))
}

/// Before each round of attempts: what the servers said in the last.
pub(crate) fn attempting(shared: &Shared, servers: &[Server]) {
    let failed = servers.iter().filter_map(|server| {
        let error = server.last_error.as_deref()?;
        Some(format!("{}:{}: {error}", server.addr.host(), server.addr.port()))
    });
    let reason = failed.collect::<Vec<_>>().join("; ");
    if !reason.is_empty() {
        shared.set_reason(&reason);
        shared.wake.notify_one();
    }
}
