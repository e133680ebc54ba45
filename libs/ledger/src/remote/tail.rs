//! Listens to a ledger's frames for everybody in this process, and knows how far it is.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use event_store::{ChainHash, Head, Position, Recent, StoredCommit};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::link::{Heard, Link};
use super::protocol::{self, Origin, Status, Told};
use crate::errors::LedgerError;

/// Three beats unheard are silence.
const SILENCE: Duration = if cfg!(test) { Duration::from_millis(150) } else { Duration::from_secs(3) };
/// Nothing heard for so long means the ledger is away.
const AWAY_AFTER: Duration = Duration::from_secs(5);
/// Processes remembered. A ledger that is begun anew more often while a message of its first is on the way is not one.
const PUBLISHERS_MAX: usize = 64;
/// What one follower takes from memory at once, in bytes.
const AHEAD_BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) head: Head,
    pub(crate) heard_at: Instant,
    /// Why what is heard is not this ledger.
    pub(crate) refused: Option<Arc<str>>,
    pub(crate) stopped: bool,
}

pub(crate) struct Tail {
    link: Arc<Link>,
    shared: Arc<Shared>,
}

struct Shared {
    ledger: String,
    epoch: u32,
    state: watch::Sender<State>,
    recent: Mutex<Recent>,
    publishers: Mutex<Publishers>,
    stop: CancellationToken,
}

/// Processes that published the log, the latest last.
#[derive(Default)]
struct Publishers(VecDeque<Uuid>);

impl Publishers {
    /// Remembers one; whether it was not heard before.
    fn is_new(&mut self, instance: Uuid) -> bool {
        if self.0.contains(&instance) {
            return false;
        }
        if self.0.len() == PUBLISHERS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(instance);
        true
    }
}

/// One follower's view of the tail.
pub(crate) struct Listener {
    shared: Arc<Shared>,
    state: watch::Receiver<State>,
}

impl Listener {
    pub(crate) fn look(&mut self) -> State {
        self.state.borrow_and_update().clone()
    }

    pub(crate) async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.state.changed().await
    }

    pub(crate) async fn stopped(&self) {
        self.shared.stop.cancelled().await;
    }

    /// See [`Shared::refuse`].
    pub(crate) fn refuse(&self, reason: String) {
        self.shared.refuse(reason);
    }

    pub(crate) fn recent_after(&self, after: Position) -> Option<VecDeque<Arc<StoredCommit>>> {
        self.shared.recent().after(after, AHEAD_BYTES)
    }
}

impl Tail {
    /// Needs a tokio runtime.
    pub(crate) fn start(link: Arc<Link>, status: &Status, tasks: &TaskTracker) -> Self {
        let state = State { head: status.head, heard_at: Instant::now(), refused: None, stopped: false };
        let mut publishers = Publishers::default();
        publishers.is_new(status.origin.instance);
        let shared = Arc::new(Shared {
            ledger: status.origin.ledger.clone(),
            epoch: status.origin.epoch,
            state: watch::Sender::new(state),
            recent: Mutex::default(),
            publishers: Mutex::new(publishers),
            stop: CancellationToken::new(),
        });
        tasks.spawn(run(Arc::clone(&link), Arc::clone(&shared)));
        Self { link, shared }
    }

    pub(crate) fn head(&self) -> Head {
        self.shared.state.borrow().head
    }

    pub(crate) fn refused(&self) -> Option<Arc<str>> {
        self.shared.state.borrow().refused.clone()
    }

    pub(crate) fn trouble(&self) -> Option<String> {
        let state = self.shared.state.borrow();
        if let Some(refused) = &state.refused {
            return Some(refused.as_ref().to_owned());
        }
        if !self.link.is_up() {
            return Some("NATS is away".to_owned());
        }
        let silent = state.heard_at.elapsed();
        (silent > AWAY_AFTER).then(|| format!("the ledger was not heard for {} s", silent.as_secs()))
    }

    /// The head by the ledger's own word. What is followed does not move by it: the frames are on their way.
    pub(crate) async fn ask_head(&self) -> Result<Head, LedgerError> {
        let status = super::ask_status(&self.link).await?;
        match self.shared.check_origin(&status.origin) {
            Ok(()) => Ok(status.head),
            Err(reason) => {
                self.shared.refuse(reason.clone());
                Err(LedgerError::Alien(reason))
            }
        }
    }

    /// Refuses the log if it stored a commit where it cannot have, seen from a head that was known before.
    pub(crate) fn check_new(&self, commit: &StoredCommit, known: &Head) {
        let (first, known) = (commit.first, known.position);
        if let Some(reason) = self.shared.other_epoch(commit.epoch) {
            self.shared.refuse(reason);
        } else if first <= known {
            self.shared.refuse(format!("it stored a commit at position {first}, it had come to {known}"));
        }
    }

    pub(crate) fn listen(&self) -> Listener {
        Listener { shared: Arc::clone(&self.shared), state: self.shared.state.subscribe() }
    }

    pub(crate) fn close(&self) {
        self.shared.stop.cancel();
        self.shared.state.send_modify(|state| state.stopped = true);
    }
}

async fn run(link: Arc<Link>, shared: Arc<Shared>) {
    let mut heard = None;
    let mut probe_at = Instant::now();
    loop {
        if shared.stop.is_cancelled() {
            return;
        }
        if heard.is_none() {
            heard = subscribe(&link).await;
            // What was published before the subscription stood is asked for.
            probe_at = Instant::now();
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            message = next(&mut heard) => match message {
                Some(message) => {
                    shared.take(&message);
                    probe_at = Instant::now() + SILENCE;
                }
                None => {
                    heard = None;
                    tokio::time::sleep(SILENCE / 3).await;
                }
            },
            () = sleep_until(probe_at) => {
                if let Ok(status) = super::ask_status(&link).await {
                    shared.take_status(&status);
                }
                probe_at = Instant::now() + SILENCE;
            }
        }
    }
}

async fn subscribe(link: &Link) -> Option<Heard> {
    match link.listen().await {
        Ok(heard) => Some(heard),
        Err(error) => {
            tracing::warn!(%error, "the ledger's frames cannot be listened to; asking it instead");
            None
        }
    }
}

async fn next(heard: &mut Option<Heard>) -> Option<Bytes> {
    match heard {
        Some(heard) => heard.next().await,
        None => None,
    }
}

/// What a frame means for what is known.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// Known already, or nothing new.
    Old,
    /// Goes on where we are.
    Next,
    /// Something between was lost.
    Gap,
    /// Of another log.
    Alien(String),
}

impl Shared {
    fn recent(&self) -> std::sync::MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was published. What is not understood is told and passed over: the next beat shows what is missing.
    fn take(&self, message: &Bytes) {
        match protocol::decode::<Told<'_>>(message) {
            Ok(told) => self.take_told(message, &told),
            Err(error) => undecodable(&error),
        }
    }

    fn take_told(&self, message: &Bytes, told: &Told<'_>) {
        if let Told::Claim { .. } = told {
            return;
        }
        if let Err(reason) = self.check_origin(told.origin()) {
            return self.refuse(reason);
        }
        let new = self.is_new(told.origin());
        match told {
            Told::Claim { .. } => {}
            Told::Beat { head, .. } => self.take_head(*head, new),
            Told::Commits { first, .. } if new && *first <= self.state.borrow().head.position => {
                self.refuse_shorter(first.get().saturating_sub(1));
            }
            Told::Commits { commits, .. } => {
                let decoded: Result<Vec<_>, _> =
                    commits.iter().map(|raw| protocol::stored(message, raw)).collect();
                match decoded {
                    Ok(commits) => self.take_commits(commits),
                    Err(error) => undecodable(&error),
                }
            }
        }
    }

    fn take_status(&self, status: &Status) {
        match self.check_origin(&status.origin) {
            Ok(()) => self.take_head(status.head, self.is_new(&status.origin)),
            Err(reason) => self.refuse(reason),
        }
    }

    fn check_origin(&self, origin: &Origin) -> Result<(), String> {
        if origin.ledger != self.ledger {
            return Err(format!("ledger {} publishes as {}", origin.ledger, self.ledger));
        }
        self.other_epoch(origin.epoch).map_or(Ok(()), Err)
    }

    fn other_epoch(&self, epoch: u32) -> Option<String> {
        (epoch != self.epoch).then(|| format!("it is of epoch {epoch}, followed was epoch {}", self.epoch))
    }

    /// For good: an operator must look before anything of this is believed.
    fn refuse(&self, reason: String) {
        metrics::counter!("whistle_log_alien_total").increment(1);
        self.state.send_if_modified(|state| {
            let new = state.refused.is_none();
            if new {
                tracing::error!(
                    reason,
                    "another log answers under this ledger's name; nothing of it is taken"
                );
                state.refused = Some(reason.into());
            }
            new
        });
    }

    fn is_new(&self, origin: &Origin) -> bool {
        self.publishers.lock().unwrap_or_else(PoisonError::into_inner).is_new(origin.instance)
    }

    /// What was told was durable, so a process that opens the log later has at least that, and publishes what comes after.
    fn refuse_shorter(&self, ends: u64) {
        let known = self.state.borrow().head.position;
        self.refuse(format!("it ends at position {ends}, it had come to {known}"));
    }

    /// `new`: by a process that was not heard before. An older beat that comes late is of one that was.
    fn take_head(&self, told: Head, new: bool) {
        let known = self.state.borrow().head;
        if told.position < known.position && new {
            return self.refuse_shorter(told.position.get());
        }
        if told.position == known.position && told.chain != known.chain {
            return self.refuse(format!("its chain at position {} is another", told.position));
        }
        self.state.send_modify(|state| {
            state.heard_at = Instant::now();
            if told.position > state.head.position {
                state.head = told;
            }
        });
    }

    fn take_commits(&self, commits: Vec<Arc<StoredCommit>>) {
        let head = self.state.borrow().head;
        let other =
            commits.iter().find(|commit| commit.last() == head.position && commit.chain_hash != head.chain);
        if let Some(other) = other {
            return self.refuse(format!("its chain at position {} is another", other.last()));
        }
        let new: Vec<_> = commits.into_iter().filter(|commit| commit.last() > head.position).collect();
        let Some(last) = new.last().map(|last| Head::of(last)) else {
            return self.state.send_modify(|state| state.heard_at = Instant::now());
        };
        match meaning(&head, self.epoch, &new) {
            Meaning::Old => {}
            Meaning::Next => self.recent().push(&new),
            Meaning::Gap => {
                metrics::counter!("whistle_log_gaps_total").increment(1);
                self.recent().push(&new);
            }
            Meaning::Alien(reason) => return self.refuse(reason),
        }
        self.state.send_modify(|state| {
            state.heard_at = Instant::now();
            state.head = last;
        });
    }
}

/// `new` is not empty and ends after the head.
fn meaning(head: &Head, epoch: u32, new: &[Arc<StoredCommit>]) -> Meaning {
    let mut at: Option<(Position, ChainHash)> = None;
    for commit in new {
        if commit.epoch != epoch {
            return Meaning::Alien(format!("a commit is of epoch {}", commit.epoch));
        }
        if let Some((position, chain)) = at
            && (commit.first != position.next() || commit.previous != chain)
        {
            return Meaning::Alien(format!("a frame's commits do not follow each other at {position}"));
        }
        at = Some((commit.last(), commit.chain_hash));
    }
    match new.first() {
        None => Meaning::Old,
        Some(first) if first.first > head.position.next() => Meaning::Gap,
        Some(first) if first.first == head.position.next() && first.previous == head.chain => Meaning::Next,
        Some(first) => Meaning::Alien(format!("the commit at {} names another chain", first.first)),
    }
}

fn undecodable(error: &LedgerError) {
    metrics::counter!("whistle_log_undecodable_total").increment(1);
    tracing::warn!(%error, "a frame was passed over; what it told of is read from the ledger");
}
