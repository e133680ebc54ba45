//! How many streams are open at one time, in all and for one principal.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Streams in all; a waiting one holds some KiB.
const SEATS_MAX: usize = 4096;
/// Streams of one principal: a few readers, and their successors before the old connections are noticed to be gone.
const SEATS_PER_PRINCIPAL_MAX: usize = 32;

/// Where a reader is before that is known: nothing it could be behind of.
const NOT_BEGUN: u64 = u64::MAX;

/// The open streams: of each principal, where its readers are.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<String, Vec<Place>>>>);

type Place = Arc<AtomicU64>;

/// One open stream; free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    principal: String,
    place: Place,
}

impl Seats {
    /// A seat, unless too many are taken.
    pub(super) fn take(&self, principal: &str) -> Option<Seat> {
        let mut taken = self.taken();
        let own = taken.get(principal).map_or(0, Vec::len);
        if own >= SEATS_PER_PRINCIPAL_MAX || taken.values().map(Vec::len).sum::<usize>() >= SEATS_MAX {
            return None;
        }
        let place = Arc::new(AtomicU64::new(NOT_BEGUN));
        taken.entry(principal.to_owned()).or_default().push(Arc::clone(&place));
        Some(Seat { seats: self.clone(), principal: principal.to_owned(), place })
    }

    /// How many are open, and where the slowest of those that have begun is.
    pub(super) fn look(&self) -> (usize, Option<u64>) {
        let taken = self.taken();
        let places = || taken.values().flatten();
        let slowest = places().map(|place| place.load(Ordering::Relaxed)).min();
        (places().count(), slowest.filter(|position| *position != NOT_BEGUN))
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, Vec<Place>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    pub(super) fn principal(&self) -> &str {
        &self.principal
    }

    /// Everything up to a position has been handed to the reader.
    pub(super) fn is_at(&self, position: u64) {
        self.place.store(position, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if let Some(own) = taken.get_mut(&self.principal) {
            own.retain(|place| !Arc::ptr_eq(place, &self.place));
            if own.is_empty() {
                taken.remove(&self.principal);
            }
        }
    }
}
