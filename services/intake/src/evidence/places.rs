//! Places for those who put and get: some for all together, fewer for any one, so that whoever is slow keeps nobody else out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many have a place now, and may.
#[derive(Debug)]
pub(super) struct Places {
    all_max: usize,
    each_max: usize,
    taken: Mutex<BTreeMap<String, usize>>,
}

/// A place, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    who: String,
}

impl Places {
    pub(super) fn new(all_max: usize, each_max: usize) -> Arc<Self> {
        Arc::new(Self { all_max, each_max, taken: Mutex::default() })
    }

    /// None when all are taken, or all that one may have.
    pub(super) fn take(self: &Arc<Self>, who: &str) -> Option<Place> {
        let mut taken = self.taken();
        let mine = taken.get(who).copied().unwrap_or_default();
        if mine >= self.each_max || taken.values().sum::<usize>() >= self.all_max {
            return None;
        }
        taken.insert(who.to_owned(), mine + 1);
        Some(Place { places: Arc::clone(self), who: who.to_owned() })
    }

    pub(super) fn taken(&self) -> MutexGuard<'_, BTreeMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(mine) = taken.get_mut(&self.who) {
            *mine -= 1;
            if *mine == 0 {
                taken.remove(&self.who);
            }
        }
    }
}
