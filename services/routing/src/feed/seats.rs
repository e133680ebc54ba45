//! How many streams are open at one time, in all and for one principal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Streams in all; a waiting one holds some KiB.
const SEATS_MAX: usize = 4096;
/// Streams of one principal: a few readers, and their successors before the old connections are noticed to be gone.
const SEATS_PER_PRINCIPAL_MAX: usize = 32;

/// The open streams.
#[derive(Debug, Clone, Default)]
pub(super) struct Seats(Arc<Mutex<HashMap<String, usize>>>);

/// One open stream; free again when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Seats,
    principal: String,
}

impl Seats {
    /// A seat, unless too many are taken.
    pub(super) fn take(&self, principal: &str) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(principal).copied().unwrap_or_default();
        if own >= SEATS_PER_PRINCIPAL_MAX || taken.values().sum::<usize>() >= SEATS_MAX {
            return None;
        }
        taken.insert(principal.to_owned(), own + 1);
        Some(Seat { seats: self.clone(), principal: principal.to_owned() })
    }
}

impl Seat {
    pub(super) fn principal(&self) -> &str {
        &self.principal
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.principal) {
            Some(own) if *own > 1 => *own -= 1,
            Some(_) | None => {
                taken.remove(&self.principal);
            }
        }
    }
}
