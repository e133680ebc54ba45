//! A network that loses, repeats, reorders and delays, by a seed that a failing test prints.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::host::Core;
use super::link::{AskError, NOT_UNDERSTOOD, Op};

/// What nats-server carries unless it is told otherwise.
pub(crate) const MESSAGE_MAX: usize = 1024 * 1024;
/// How long an answer is waited for: long beside the delays.
const DEADLINE: Duration = Duration::from_millis(150);

/// In how many of a thousand messages something goes wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) late: u64,
}

#[derive(Clone)]
pub(crate) struct Sim(Arc<Network>);

struct Network {
    faults: Faults,
    dice: Mutex<u64>,
    host: Mutex<Option<Arc<Core>>>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<Bytes>>>,
    up: AtomicBool,
    wrong: AtomicUsize,
    /// Whether requests stand still on their way.
    holds: watch::Sender<bool>,
    held: watch::Sender<usize>,
    /// The code of the error that stands in for every answer.
    in_vain: Mutex<Option<u16>>,
}

pub(crate) struct Heard(mpsc::UnboundedReceiver<Bytes>);

impl Heard {
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }
}

impl Sim {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        Self(Arc::new(Network {
            faults,
            dice: Mutex::new(seed),
            host: Mutex::default(),
            listeners: Mutex::default(),
            up: AtomicBool::new(true),
            wrong: AtomicUsize::new(0),
            holds: watch::Sender::new(false),
            held: watch::Sender::new(0),
            in_vain: Mutex::default(),
        }))
    }

    /// Who answers from now on; nobody while the ledger is restarted.
    pub(crate) fn host(&self, host: Option<Arc<Core>>) {
        *self.0.host.lock().unwrap_or_else(PoisonError::into_inner) = host;
    }

    /// Cuts the cable, or mends it.
    pub(crate) fn up(&self, up: bool) {
        self.0.up.store(up, Ordering::SeqCst);
    }

    /// Lets requests stand still on their way, or go on.
    pub(crate) fn hold(&self, holds: bool) {
        self.0.holds.send_replace(holds);
    }

    /// Lets the work be done and an error be the answer.
    pub(crate) fn answer_in_vain(&self, code: Option<u16>) {
        *self.0.in_vain.lock().unwrap_or_else(PoisonError::into_inner) = code;
    }

    /// Until so many requests have come to stand still.
    pub(crate) async fn held(&self, count: usize) {
        self.0.held.subscribe().wait_for(|held| *held >= count).await.unwrap();
    }

    pub(crate) fn is_up(&self) -> bool {
        self.0.up.load(Ordering::SeqCst)
    }

    /// How often something went wrong, so that a test can tell that it tested something.
    pub(crate) fn wrong(&self) -> usize {
        self.0.wrong.load(Ordering::SeqCst)
    }

    /// splitmix64: a number below `below`.
    fn roll(&self, below: u64) -> u64 {
        let mut state = self.0.dice.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn happens(&self, in_a_thousand: u64) -> bool {
        let happens = self.roll(1000) < in_a_thousand;
        if happens {
            self.0.wrong.fetch_add(1, Ordering::SeqCst);
        }
        happens
    }

    fn delay(&self) -> Duration {
        Duration::from_micros(self.roll(20_000))
    }

    pub(crate) async fn request(&self, op: Op, payload: Bytes) -> Result<Bytes, AskError> {
        if !self.is_up() {
            return Err(AskError::Away);
        }
        if *self.0.holds.borrow() {
            self.0.held.send_modify(|held| *held += 1);
            self.0.holds.subscribe().wait_for(|holds| !holds).await.unwrap();
        }
        let host = self.0.host.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(host) = host else { return Err(AskError::Away) };
        if self.happens(self.0.faults.lost) {
            tokio::time::sleep(DEADLINE).await;
            return Err(AskError::Unknown);
        }
        if self.happens(self.0.faults.late) {
            tokio::time::sleep(self.delay()).await;
        }
        if self.happens(self.0.faults.twice) {
            let (host, payload, delay) = (Arc::clone(&host), payload.clone(), self.delay());
            Handle::current().spawn(async move {
                tokio::time::sleep(delay).await;
                drop(host.answer(op, &payload).await);
            });
        }
        // Answered in a task of its own: who stops waiting does not stop what was heard.
        let answered = Handle::current().spawn(async move { host.answer(op, &payload).await });
        let lost = self.happens(self.0.faults.lost);
        let answered = tokio::time::timeout(DEADLINE, answered).await;
        let in_vain = *self.0.in_vain.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = in_vain {
            return Err(AskError::Refused { code, reason: "too large".to_owned() });
        }
        match answered {
            Ok(Ok(Ok(answer))) if !lost && self.is_up() => Ok(answer),
            Ok(Ok(Err(error))) => Err(AskError::Refused { code: NOT_UNDERSTOOD, reason: error.to_string() }),
            Ok(_) | Err(_) => Err(AskError::Unknown),
        }
    }

    pub(crate) fn listen(&self) -> Heard {
        let (sender, heard) = mpsc::unbounded_channel();
        self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Heard(heard)
    }

    pub(crate) fn publish(&self, frame: &Bytes) {
        let listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners.iter().filter(|_| self.is_up()) {
            if self.happens(self.0.faults.lost) {
                continue;
            }
            for _ in 0..if self.happens(self.0.faults.twice) { 2 } else { 1 } {
                let (listener, frame) = (listener.clone(), frame.clone());
                let delay = if self.happens(self.0.faults.late) { self.delay() } else { Duration::ZERO };
                Handle::current().spawn(async move {
                    tokio::time::sleep(delay).await;
                    // A listener that has gone needs no frame.
                    drop(listener.send(frame));
                });
            }
        }
    }
}
