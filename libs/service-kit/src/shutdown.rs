//! One way to stop: a token that says so, a tracker that knows who still runs.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Exit code after a second signal: as if the first had killed the process (128 + SIGTERM).
const SECOND_SIGNAL_EXIT: i32 = 143;

/// Settings; the units and bounds are in `config.default.toml`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Milliseconds of serving after NOT_SERVING.
    pub lame_duck_ms: u32,
    /// Milliseconds for open calls and tasks to end.
    pub grace_ms: u32,
}

impl Settings {
    /// How long to serve on after saying NOT_SERVING.
    #[must_use]
    pub fn lame_duck(&self) -> Duration {
        Duration::from_millis(self.lame_duck_ms.into())
    }

    /// How long calls and tasks may take to end.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms.into())
    }

    /// What is outside its bounds.
    #[must_use]
    pub fn faults(&self) -> Vec<crate::config::Fault> {
        crate::config::outside(&[
            ("shutdown.lame_duck_ms", self.lame_duck_ms.into(), 0..=60_000),
            ("shutdown.grace_ms", self.grace_ms.into(), 0..=600_000),
        ])
    }
}

/// A handle made once in `main` and passed to everything that runs; copies are cheap and mean the same.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tracker: TaskTracker,
    tasks: Arc<Mutex<Tasks>>,
}

#[derive(Debug, Default)]
struct Tasks {
    running: BTreeMap<&'static str, usize>,
    panicked: Vec<&'static str>,
    failed: Vec<&'static str>,
}

/// How a drain ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drained {
    /// Tasks that did not end in time.
    pub stuck: Vec<&'static str>,
    /// Tasks that panicked while the process ran; each has begun the shutdown. The process must not exit with success.
    pub panicked: Vec<&'static str>,
    /// What could not go on and so began the shutdown. The process must not exit with success, so that it is started again.
    pub failed: Vec<&'static str>,
}

impl Drained {
    /// Whether every task ended by itself, because somebody asked.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.stuck.is_empty() && self.panicked.is_empty() && self.failed.is_empty()
    }
}

impl Shutdown {
    /// A shutdown that nobody has asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everybody to stop. Asking again changes nothing.
    pub fn start(&self) {
        self.token.cancel();
    }

    /// Asks everybody to stop because something cannot go on.
    pub fn fail(&self, what: &'static str) {
        self.tasks().failed.push(what);
        self.start();
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Returns once somebody has asked.
    pub async fn started(&self) {
        self.token.cancelled().await;
    }

    /// The token, for what takes one.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Runs a task that a drain waits for. The task watches [`Shutdown::started`] and ends by itself.
    ///
    /// A task that panics begins the shutdown: a process with a dead reactor looks alive and is not.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let running = self.enter(name);
        let task = async move {
            let _running = running;
            future.await
        };
        self.tracker.spawn(task.instrument(tracing::info_span!("task", name)))
    }

    /// Runs blocking work that a drain waits for, on a thread of its own.
    pub fn spawn_blocking<F, T>(&self, name: &'static str, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let running = self.enter(name);
        self.tracker.spawn_blocking(move || {
            let _running = running;
            work()
        })
    }

    /// Starts the shutdown on SIGTERM or SIGINT; a second signal ends the process at once with code 143.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn listen_to_signals(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        // Not tracked: it waits for a second signal for as long as the process lives.
        let listener = async move {
            for count in 0_u8.. {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if count > 0 {
                    tracing::warn!("second signal, exiting at once");
                    std::process::exit(SECOND_SIGNAL_EXIT);
                }
                tracing::info!("signal received, shutting down");
                shutdown.start();
            }
        };
        tokio::runtime::Handle::current().spawn(listener);
        Ok(())
    }

    /// Starts the shutdown and waits for the tasks, at most so long.
    pub async fn drain(&self, grace: Duration) -> Drained {
        self.start();
        self.tracker.close();
        let in_time = tokio::time::timeout(grace, self.tracker.wait()).await.is_ok();
        let tasks = self.tasks();
        let stuck = if in_time { Vec::new() } else { tasks.running.keys().copied().collect() };
        Drained { stuck, panicked: tasks.panicked.clone(), failed: tasks.failed.clone() }
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, name: &'static str) -> Running {
        *self.tasks().running.entry(name).or_default() += 1;
        Running { name, shutdown: self.clone() }
    }
}

/// Counts one task as running until dropped, and sees how it ended.
struct Running {
    name: &'static str,
    shutdown: Shutdown,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut tasks = self.shutdown.tasks();
        if let Some(count) = tasks.running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                tasks.running.remove(self.name);
            }
        }
        if std::thread::panicking() {
            tasks.panicked.push(self.name);
            tracing::error!(task = self.name, "task panicked, shutting down");
            self.shutdown.token.cancel();
        }
    }
}
