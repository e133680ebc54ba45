use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use case::ids::CaseId;
use case::state::Case;
use event_store::Position;
use lru::LruCache;

use crate::commit::Commit;

/// Decoded commits kept for those who follow close to the head, so that one commit is decoded once, not once a role.
const COMMITS_MAX: NonZeroUsize = match NonZeroUsize::new(1024) {
    Some(max) => max,
    None => NonZeroUsize::MIN,
};
/// Larger commits are decoded by each reader: 1,024 of these are 16 MiB as stored.
const COMMIT_BYTES_MAX: usize = 16 * 1024;

/// The cases used last. What it gives may be behind the log, never ahead of it: readers read the tail.
pub(crate) struct Cases(Mutex<LruCache<CaseId, Arc<Case>>>);

impl Cases {
    pub(crate) fn new(max: NonZeroUsize) -> Self {
        Self(Mutex::new(LruCache::new(max)))
    }

    pub(crate) fn get(&self, id: CaseId) -> Option<Arc<Case>> {
        self.lock().get(&id).map(Arc::clone)
    }

    /// The case at exactly this version. Whoever follows does not count as using it.
    pub(crate) fn at(&self, id: CaseId, version: u64) -> Option<Arc<Case>> {
        self.lock().peek(&id).filter(|case| case.version == version).map(Arc::clone)
    }

    /// Keeps a case unless a later version is kept.
    pub(crate) fn put(&self, case: &Arc<Case>) {
        let mut cases = self.lock();
        if cases.peek(&case.id).is_none_or(|kept| kept.version < case.version) {
            cases.put(case.id, Arc::clone(case));
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<CaseId, Arc<Case>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The commits decoded last, by first position. A position is given to one commit for ever.
pub(crate) struct Commits(Mutex<LruCache<Position, Arc<Commit>>>);

impl Commits {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(COMMITS_MAX)))
    }

    pub(crate) fn get(&self, first: Position) -> Option<Arc<Commit>> {
        self.lock().get(&first).map(Arc::clone)
    }

    pub(crate) fn put(&self, commit: &Arc<Commit>) {
        if commit.stored_bytes <= COMMIT_BYTES_MAX {
            self.lock().put(commit.first, Arc::clone(commit));
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Position, Arc<Commit>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
