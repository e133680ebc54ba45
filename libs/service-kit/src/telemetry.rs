//! What the process says while it runs: fields on standard error, for people on a terminal and for machines elsewhere.

#[cfg(test)]
mod tests;

use std::io::IsTerminal as _;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// Settings; their meaning is in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is written.
    pub filter: String,
    /// JSON even on a terminal.
    pub json: bool,
}

/// Why telemetry could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter does not read; the caller corrects the setting.
    #[error("telemetry filter does not read")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else already writes; there is one `init` a process.
    #[error("telemetry was begun before")]
    Twice(#[from] TryInitError),
}

/// Keeps telemetry going; its end is the last line of the process, so that a stop in order can be told from a kill.
#[derive(Debug)]
#[must_use = "telemetry ends when this is dropped"]
pub struct Guard {
    service: &'static str,
}

/// Begins writing to standard error: for people when that is a terminal and `json` is not asked for, else one JSON object a
/// line. Panics are written with their place; their text only when it is a literal, since a formatted one may quote a person.
///
/// # Errors
/// [`Error::Filter`] and [`Error::Twice`].
pub fn init(service: &'static str, filter: &str, json: bool) -> Result<Guard, Error> {
    begin(filter, json)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, reason = literal(panic.payload()), "panicked");
    }));
    tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "started");
    Ok(Guard { service })
}

fn begin(filter: &str, json: bool) -> Result<(), Error> {
    let registry = tracing_subscriber::registry().with(EnvFilter::try_new(filter)?);
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    if json || !std::io::stderr().is_terminal() {
        registry.with(layer.json().flatten_event(true)).try_init()?;
    } else {
        registry.with(layer).try_init()?;
    }
    Ok(())
}

/// The text of a panic when it cannot hold data.
fn literal(payload: &(dyn std::any::Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("withheld, may hold data")
}

impl Drop for Guard {
    fn drop(&mut self) {
        tracing::info!(service = self.service, "stopped");
    }
}
