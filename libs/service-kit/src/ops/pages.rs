//! The three pages.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::{Ops, Ready};
use crate::shutdown::Shutdown;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// What Prometheus calls its text form.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Clone)]
struct Asked {
    ops: Ops,
    shutdown: Shutdown,
}

pub(super) fn router(ops: Ops, shutdown: Shutdown) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Asked { ops, shutdown })
}

/// An answer at all is the answer: the runtime turns.
async fn livez() -> Response {
    page(StatusCode::OK, TEXT, "ok\n".to_owned())
}

async fn readyz(State(asked): State<Asked>, RawQuery(query): RawQuery) -> Response {
    let checks = asked.checks();
    let ready = is_ready(&checks);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let wants_json = query.is_some_and(|query| query.split('&').any(|pair| pair == "format=json"));
    if wants_json {
        let checks: Vec<_> = checks.iter().map(as_json).collect();
        return page(status, JSON, format!("{}\n", json!({ "ready": ready, "checks": checks })));
    }
    page(status, TEXT, checks.iter().map(as_line).collect())
}

async fn metrics(State(asked): State<Asked>) -> Response {
    let ready = is_ready(&asked.checks());
    metrics::gauge!("whistle_ready").set(u8::from(ready));
    page(StatusCode::OK, PROMETHEUS, asked.ops.metrics())
}

impl Asked {
    fn checks(&self) -> Vec<(&'static str, Ready)> {
        let mut checks = self.ops.ask();
        if self.shutdown.is_started() {
            checks.push(("shutdown", Ready::No("shutting down".to_owned())));
        }
        checks
    }
}

fn is_ready(checks: &[(&'static str, Ready)]) -> bool {
    checks.iter().all(|(_, ready)| *ready == Ready::Yes)
}

fn as_line((name, ready): &(&'static str, Ready)) -> String {
    match ready {
        Ready::Yes => format!("{name}: ok\n"),
        // One line a check, whatever the reason holds.
        Ready::No(reason) => format!("{name}: not ready: {}\n", reason.replace(['\r', '\n'], " ")),
    }
}

fn as_json((name, ready): &(&'static str, Ready)) -> serde_json::Value {
    match ready {
        Ready::Yes => json!({ "name": name, "ready": true }),
        Ready::No(reason) => json!({ "name": name, "ready": false, "reason": reason }),
    }
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Response {
    (status, [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], body).into_response()
}
