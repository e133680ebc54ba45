//! How a process is seen from outside: whether it lives, whether it is ready, what it counts. Over plain HTTP, on a listener of
//! its own, for operators and their machines alone: nobody is asked who they are, and nothing about any case or person is told.

mod families;
mod listen;
mod pages;
mod recorder;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::config::{Fault, outside};
use crate::shutdown::Shutdown;

pub use self::recorder::InstallError;

/// Settings; the units and bounds are in `config.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where to answer; empty is nowhere.
    pub listen: String,
    /// Events a follower may be behind and still be ready.
    pub follower_lag_max_events: u64,
}

impl Settings {
    /// What is outside its bounds.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults =
            outside(&[("ops.follower_lag_max_events", self.follower_lag_max_events, 1..=10_000_000)]);
        if !self.listen.is_empty() && self.address().is_none() {
            faults
                .push(Fault::new("ops.listen", "is neither empty nor address:port, such as 127.0.0.1:7601"));
        }
        faults
    }

    /// Where to answer, if anywhere.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }
}

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// It can do its work.
    Yes,
    /// It cannot, and why: one line, nothing personal.
    No(String),
}

impl<T, E: fmt::Display> From<Result<T, E>> for Ready {
    fn from(outcome: Result<T, E>) -> Self {
        match outcome {
            Ok(_) => Self::Yes,
            Err(reason) => Self::No(reason.to_string()),
        }
    }
}

/// Asks one thing whether it is ready: at once, without waiting for anything.
pub type Ask = Box<dyn Fn() -> Ready + Send + Sync>;
/// A check under the name an operator reads.
pub type Check = (&'static str, Ask);

/// The checks of this process and its metrics. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Ops {
    shared: Arc<Shared>,
}

struct Shared {
    recorder: PrometheusHandle,
    checks: Mutex<Vec<(&'static str, Arc<Ask>)>>,
    started: AtomicBool,
}

impl Ops {
    /// Makes this process count. Call it before anything that counts is made: what asked for its counters earlier may go on
    /// counting into nothing. A second call in one process shares the counters of the first, but no checks.
    ///
    /// # Errors
    /// [`InstallError`] when the process counts already, and not through here.
    pub fn install(role: &'static str) -> Result<Self, InstallError> {
        let recorder = recorder::install()?;
        metrics::gauge!("whistle_build_info", "version" => env!("CARGO_PKG_VERSION"), "role" => role)
            .set(1.0);
        let shared = Shared { recorder, checks: Mutex::default(), started: AtomicBool::new(false) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Adds a check. It is asked whenever somebody asks for readiness or metrics.
    pub fn check(&self, name: &'static str, ask: impl Fn() -> Ready + Send + Sync + 'static) {
        self.add([(name, Box::new(ask) as Ask)]);
    }

    /// Adds checks that somebody else made.
    pub fn add(&self, checks: impl IntoIterator<Item = Check>) {
        let checks = checks.into_iter().map(|(name, ask)| (name, Arc::new(ask)));
        self.shared.checks.lock().unwrap_or_else(PoisonError::into_inner).extend(checks);
    }

    /// Says that everything has started and every check is added; nothing is ready before.
    pub fn started(&self) {
        self.shared.started.store(true, Ordering::Release);
    }

    /// What every check says now, in the order they were added.
    #[must_use]
    pub fn ask(&self) -> Vec<(&'static str, Ready)> {
        let started = self.shared.started.load(Ordering::Acquire);
        let start = if started { Ready::Yes } else { Ready::No("still starting".to_owned()) };
        // Asked outside the lock: a check may take a lock of its own.
        let checks = self.shared.checks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let asked = checks.iter().map(|(name, ask)| (*name, ask()));
        std::iter::once(("start", start)).chain(asked).collect()
    }

    /// The metrics as Prometheus reads them.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.shared.recorder.render()
    }

    /// Answers on a listener until what is given back is dropped; from the beginning of the shutdown on it says that the process
    /// is not ready. No drain waits for it, so that it can be asked while everything else ends.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve(&self, listener: TcpListener, shutdown: &Shutdown) -> std::io::Result<Serving> {
        let address = listener.local_addr()?;
        let router = pages::router(self.clone(), shutdown.clone());
        let recorder = self.shared.recorder.clone();
        let task = Handle::current().spawn(async move {
            let served = axum::serve(listen::Bounded::new(listener), router).into_future();
            tokio::select! {
                served = served => {
                    if let Err(error) = served {
                        tracing::error!(%error, "nothing can be seen of this process any more");
                    }
                }
                () = recorder::keep_up(recorder) => {}
            }
        });
        tracing::info!(%address, "serving operators");
        Ok(Serving { address, task })
    }
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ops").finish_non_exhaustive()
    }
}

/// The listener at work.
#[derive(Debug)]
#[must_use = "it is no longer answered when this is dropped"]
pub struct Serving {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Serving {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}
