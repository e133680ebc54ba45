//! The keys that were made or touched last, in memory: whoever opens what was just sealed needs no look at the database.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lru::LruCache;

use crate::rows::{KeyRow, Subject};

/// Subjects kept; with its place a row takes some 250 bytes, so 2 MiB.
pub(crate) const SUBJECTS_MAX: NonZeroUsize = match NonZeroUsize::new(8192) {
    Some(max) => max,
    None => NonZeroUsize::MIN,
};

/// Live keys as the database has them, still wrapped.
///
/// Only the writer's thread keeps and forgets, and nobody else writes to the database. A key that a transaction destroys, removes
/// or marks is forgotten before it begins, and kept again by a later one at the earliest: so whoever once saw in the database
/// that a key is destroyed never sees it here, and neither does who was told. What is read from the database is not kept: it
/// may be destroyed between the look and the keeping.
pub(crate) struct AtHand(Mutex<LruCache<Subject, KeyRow>>);

impl AtHand {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(LruCache::new(SUBJECTS_MAX)))
    }

    /// What is at hand of the rows asked for, in their order.
    pub(crate) fn get(&self, subjects: &[Subject]) -> Vec<Option<KeyRow>> {
        let mut rows = self.lock();
        subjects.iter().map(|subject| rows.get(subject).cloned()).collect()
    }

    pub(crate) fn forget<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>) {
        let mut rows = self.lock();
        for subject in subjects {
            rows.pop(subject);
        }
    }

    /// Keeps rows as a transaction left them that is durable, but those it also `changed` otherwise.
    pub(crate) fn keep<'a>(
        &self,
        made: impl Iterator<Item = (Subject, &'a KeyRow)>,
        changed: &BTreeSet<Subject>,
    ) {
        let mut rows = self.lock();
        for (subject, row) in made.filter(|(subject, _)| !changed.contains(subject)) {
            if matches!(row, KeyRow::Live { .. }) {
                rows.put(subject, row.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Subject, KeyRow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
