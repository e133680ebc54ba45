//! Clients that send at a given rate and note when each command was acknowledged.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tonic::Status;

use super::reader::position;
use crate::bench::caller::{Answer, Caller};
use crate::bench::load::Load;
use crate::client::Wire;
use crate::exit::Failure;

/// Slower than this nothing is sent.
const RATE_MIN: f64 = 0.001;

/// A load at a rate.
pub(super) struct Paced {
    /// What is sent, by whom.
    pub load: Load,
    /// Commands a second, of all clients together.
    pub rate: f64,
    /// How long.
    pub time: Duration,
}

/// A command that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bench) struct Ack {
    /// Of which case.
    pub case_id: String,
    /// Where its last event is.
    pub position: u64,
    /// When its caller had the answer.
    pub at: Instant,
}

/// What came of it.
pub(super) struct Sent {
    /// Acknowledgements of each client, in order.
    pub clients: Vec<Vec<Ack>>,
    /// From the first command to the last answer.
    pub busy: Duration,
    /// The first failure of each client that failed.
    pub failures: Vec<Status>,
}

impl Paced {
    /// Sends; the clients take turns, so that commands are spread evenly.
    ///
    /// # Errors
    /// When a token cannot be sent, or a client ended badly. What the server refuses is in [`Sent::failures`].
    pub(super) async fn put(&self, channels: &[Wire]) -> Result<Sent, Failure> {
        let clients = u32::try_from(channels.len().max(1)).unwrap_or(u32::MAX);
        let between = Duration::from_secs_f64(1.0 / self.rate.max(RATE_MIN));
        let began = Instant::now();
        let mut working = JoinSet::new();
        for (index, channel) in channels.iter().enumerate() {
            let Load { script, district, now, insist, .. } = &self.load;
            let caller = Caller::new(*script, channel, district, *now, *insist)?;
            let first = began + between * u32::try_from(index).unwrap_or_default();
            let (every, until) = (between * clients, began + self.time);
            working.spawn(async move {
                let mut acks = Vec::new();
                let failure = work(caller, first, every, until, &mut acks).await.err();
                (acks, failure)
            });
        }
        let mut sent = Sent { clients: Vec::new(), busy: Duration::ZERO, failures: Vec::new() };
        while let Some(one) = working.join_next().await {
            let (acks, failure) = one.map_err(Failure::internal)?;
            sent.clients.push(acks);
            sent.failures.extend(failure);
        }
        sent.busy = began.elapsed();
        Ok(sent)
    }
}

async fn work(
    mut caller: Caller,
    first: Instant,
    every: Duration,
    until: Instant,
    acks: &mut Vec<Ack>,
) -> Result<(), Status> {
    let mut turns = interval_at(first, every);
    // One that was late does not catch up: the rate is not to be exceeded.
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if tokio::time::timeout_at(until, turns.tick()).await.is_err() {
            return Ok(());
        }
        if let Answer::Acknowledged { receipt, .. } = caller.next().await? {
            let at = Instant::now();
            acks.extend(position(&receipt.position_token).map(|position| Ack {
                case_id: receipt.case_id,
                position,
                at,
            }));
        }
    }
}
