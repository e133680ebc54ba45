use std::collections::VecDeque;
use std::sync::Arc;

use crate::commit::StoredCommit;
use crate::ids::Position;
use crate::limits::{RECENT_BYTES_MAX, RECENT_COMMITS_MAX};

/// The newest commits, so that followers that are up to date need no storage: at most 2,048 of them and 8 MiB.
///
/// It never has a gap: what does not continue what was pushed before begins anew.
#[derive(Debug, Default)]
pub struct Recent {
    commits: VecDeque<Arc<StoredCommit>>,
    bytes: usize,
}

impl Recent {
    /// Adds commits at the end and lets the oldest go.
    pub fn push(&mut self, commits: &[Arc<StoredCommit>]) {
        for commit in commits {
            if self.commits.back().is_some_and(|last| last.last().next() != commit.first) {
                *self = Self::default();
            }
            self.bytes += commit.raw().len();
            self.commits.push_back(Arc::clone(commit));
        }
        while (self.commits.len() > RECENT_COMMITS_MAX || self.bytes > RECENT_BYTES_MAX)
            && let Some(oldest) = self.commits.pop_front()
        {
            self.bytes -= oldest.raw().len();
        }
    }

    /// Commits after a position, about `bytes_max` bytes of them and at least one; `None` when they are not all here.
    #[must_use]
    pub fn after(&self, after: Position, bytes_max: usize) -> Option<VecDeque<Arc<StoredCommit>>> {
        let start = self.commits.partition_point(|commit| commit.last() <= after);
        if self.commits.get(start)?.first > after.next() {
            return None;
        }
        let mut bytes = 0;
        let fits = |commit: &&Arc<StoredCommit>| {
            let first = bytes == 0;
            bytes += commit.raw().len();
            first || bytes <= bytes_max
        };
        Some(self.commits.iter().skip(start).take_while(fits).cloned().collect())
    }
}
