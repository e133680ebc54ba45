use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use case::ids::CaseId;
use tokio::sync::{Mutex, MutexGuard};

/// Shards; two of 64 cases at work at once share one about every second time, and then wait for each other.
const SHARDS: u64 = 1024;

/// One at a time a case inside this process, so that a busy case queues here instead of failing at the log.
pub(crate) struct Locks(Vec<Mutex<()>>);

/// Held while something is done to cases that nobody else of this process does meanwhile.
#[derive(Debug)]
#[must_use = "the cases are let go when it is dropped"]
pub struct Locked<'a>(#[expect(dead_code, reason = "held for its drop")] Vec<MutexGuard<'a, ()>>);

impl Locks {
    pub(crate) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::new(())).collect())
    }

    /// Waits for all cases. Shards are taken in ascending order, so two commands cannot wait for each other.
    pub(crate) async fn lock(&self, cases: &[CaseId]) -> Locked<'_> {
        let shards: BTreeSet<usize> = cases.iter().filter_map(shard).collect();
        let mut guards = Vec::with_capacity(shards.len());
        for mutex in shards.into_iter().filter_map(|shard| self.0.get(shard)) {
            guards.push(mutex.lock().await);
        }
        Locked(guards)
    }
}

fn shard(case: &CaseId) -> Option<usize> {
    let mut hasher = DefaultHasher::new();
    case.hash(&mut hasher);
    usize::try_from(hasher.finish() % SHARDS).ok()
}
