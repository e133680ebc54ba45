//! Making a connection.

mod credentials;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::ConnectOptions;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::inbox::{self, Inbox};
use crate::monitor::Monitor;
use crate::shared::Shared;
use crate::state::State;
use crate::{Bus, Inner, Settings, events};

/// Messages the connection holds per subscription until our own task takes them, which it does at once. One read of the
/// socket may bring hundreds; an answer for each request that may be under way fits in.
const SUBSCRIPTION_CAPACITY: usize = 2 * inbox::WAITING_MAX;

/// Messages and commands that wait to be written.
const SENDER_CAPACITY: usize = 1_024;

/// A server that says nothing is asked this often; when it is time for the third while two are unanswered, the connection
/// counts as lost.
const PING_EVERY: Duration = Duration::from_secs(5);

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long [`Bus::connect`] waits for the outcome of the first attempt, so that one can usually ask at once.
const FIRST_ATTEMPT_GRACE: Duration = Duration::from_secs(2);

/// What an operator must mend before there can be a connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Settings that make no sense, as (key, what).
    #[error("faulty settings of the connection to nats: {}", listed(.0))]
    Settings(Vec<(String, String)>),
    /// A file that cannot be read.
    #[error("{key}: could not read {}", path.display())]
    Unreadable {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that does not hold what it should.
    #[error("{key}: {} {what}", path.display())]
    Malformed {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong, without what is in it.
        what: String,
    },
}

fn listed(faults: &[(String, String)]) -> String {
    faults.iter().map(|(key, what)| format!("{key}: {what}")).collect::<Vec<_>>().join("; ")
}

pub(crate) async fn connect(settings: &Settings, name: &str) -> Result<Bus, ConnectError> {
    let faults = settings.faults();
    if !faults.is_empty() {
        return Err(ConnectError::Settings(faults));
    }
    let shared = Arc::new(Shared::new(name));
    let options = credentials::present(options(settings, &shared), settings).await?;
    let options = tls::demand(options, settings).await?;
    let servers = settings.servers().map_err(|what| one_fault("url", what))?;
    // With retries from the first attempt on only a faulty list of servers is an error.
    let connecting = options.connect(servers).await;
    let client = connecting.map_err(|error| one_fault("url", error.to_string()))?;
    // Goes into the connection's empty queue, also while the server is away.
    let opening = Inbox::open(&client).await;
    let (inbox, answers) = opening.map_err(|error| one_fault("inbox_prefix", error.to_string()))?;
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let waiting = inbox.waiting.clone();
    let monitor = Monitor::new(client.clone(), shared.clone(), waiting.clone());
    tasks.spawn(monitor.run(stop.clone()));
    tasks.spawn(inbox::run(answers, waiting, stop.clone()));
    let handover = settings.request_timeout();
    let _stop_with_us = stop.clone().drop_guard();
    let bus = Bus { inner: Arc::new(Inner { client, shared, inbox, handover, tasks, stop, _stop_with_us }) };
    let mut state = bus.state();
    let first_attempt = state.wait_for(|state| *state != State::Connecting);
    // Undecided is fine too: the state tells.
    tokio::time::timeout(FIRST_ATTEMPT_GRACE, first_attempt).await.ok();
    Ok(bus)
}

fn one_fault(key: &str, what: String) -> ConnectError {
    ConnectError::Settings(vec![(key.to_owned(), what)])
}

fn options(settings: &Settings, shared: &Arc<Shared>) -> ConnectOptions {
    let (heard, attempting, pausing) = (shared.clone(), shared.clone(), shared.clone());
    ConnectOptions::new()
        .name(&shared.name)
        .retry_on_initial_connect()
        .max_reconnects(None)
        // Only what an operator listed is connected to.
        .ignore_discovered_servers()
        .connection_timeout(ATTEMPT_TIMEOUT)
        .ping_interval(PING_EVERY)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .client_capacity(SENDER_CAPACITY)
        // Deadlines are kept here.
        .request_timeout(None)
        .custom_inbox_prefix(settings.inbox())
        .event_callback(move |event| {
            events::heard(&heard, event);
            std::future::ready(())
        })
        .reconnect_to_server_callback(move |servers, _| {
            events::attempting(&attempting, &servers);
            std::future::ready(None)
        })
        .reconnect_delay_callback(move |attempt| pausing.pause(attempt))
}
