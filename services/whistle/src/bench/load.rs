//! Many clients at once, for a while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Status;

use super::acks::Acks;
use super::caller::{Answer, Caller, Script};
use super::district::District;
use super::stats::Latencies;
use crate::client::Wire;
use crate::exit::Failure;

/// A load, to be put on one server or the other.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// What the clients do.
    pub script: Script,
    /// For how long, or until so many commands were sent, whatever comes first.
    pub until: Until,
    /// What is reported, by whom.
    pub district: Arc<District>,
    /// Now, as it is told in commands.
    pub now: jiff::Timestamp,
    /// Whether clients ask again, under the same command id, until they are answered.
    pub insist: bool,
}

/// When the clients stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// After so long; a command begun is finished.
    Time(Duration),
    /// After so many commands of each client.
    Commands(u64),
}

/// What came of a load.
pub(super) struct Loaded {
    /// Latencies of what was answered.
    pub latencies: Latencies,
    /// From the first command to the last answer.
    pub busy: Duration,
    /// Each client's last case and position.
    pub last: Vec<(String, String)>,
    /// The first failure of each client that failed.
    pub failures: Vec<Status>,
}

/// What came of one client.
struct One {
    latencies: Latencies,
    last: Option<(String, String)>,
    failure: Option<Status>,
}

/// Connects every client.
///
/// # Errors
/// When nobody answers there.
pub(super) async fn connect(address: &str, clients: usize) -> Result<Vec<Wire>, Failure> {
    let mut wires = Vec::with_capacity(clients);
    for _ in 0..clients {
        wires.push(Wire::connect(address).await?);
    }
    Ok(wires)
}

/// The address of a server of this process.
pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

impl Load {
    /// Puts the load on a server.
    ///
    /// # Errors
    /// When a token cannot be sent, or a client ended badly. What the server refuses is in [`Loaded::failures`].
    pub(super) async fn put(&self, channels: &[Wire], acks: &Arc<Acks>) -> Result<Loaded, Failure> {
        let start = Arc::new(Barrier::new(channels.len().saturating_add(1)));
        let mut clients = JoinSet::new();
        for channel in channels {
            let caller = Caller::new(self.script, channel, &self.district, self.now, self.insist)?;
            let (start, until, acks) = (Arc::clone(&start), self.until, Arc::clone(acks));
            clients.spawn(async move {
                start.wait().await;
                work(caller, until, &acks).await
            });
        }
        start.wait().await;
        let began = Instant::now();
        let latencies = Latencies::new().map_err(Failure::internal)?;
        let mut loaded = Loaded { latencies, busy: Duration::ZERO, last: Vec::new(), failures: Vec::new() };
        while let Some(one) = clients.join_next().await {
            let one = one.map_err(Failure::internal)?.map_err(Failure::internal)?;
            loaded.latencies.add(&one.latencies);
            loaded.last.extend(one.last);
            loaded.failures.extend(one.failure);
        }
        loaded.busy = began.elapsed();
        Ok(loaded)
    }
}

async fn work(mut caller: Caller, until: Until, acks: &Acks) -> anyhow::Result<One> {
    let mut one = One { latencies: Latencies::new()?, last: None, failure: None };
    let began = Instant::now();
    let mut sent = 0_u64;
    while until.goes_on(began.elapsed(), sent) {
        sent += 1;
        let asked = Instant::now();
        match caller.next().await {
            Ok(answer) => {
                one.latencies.record(asked.elapsed());
                if let Answer::Acknowledged { receipt, first } = answer {
                    acks.note(&receipt, first)?;
                    one.last = Some((receipt.case_id, receipt.position_token));
                }
            }
            Err(status) => {
                one.failure = Some(status);
                break;
            }
        }
    }
    Ok(one)
}

impl Until {
    fn goes_on(self, elapsed: Duration, sent: u64) -> bool {
        match self {
            Self::Time(time) => elapsed < time,
            Self::Commands(commands) => sent < commands,
        }
    }
}
