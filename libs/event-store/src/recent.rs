use std::collections::VecDeque;
use std::sync::Arc;

use crate::commit::StoredCommit;
use crate::ids::Position;
use crate::limits::{RECENT_BYTES_MAX, RECENT_COMMITS_MAX};

/// The newest commits, so that followers that are up to date need no storage.
#[derive(Default)]
pub(crate) struct Recent {
    commits: VecDeque<Arc<StoredCommit>>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn push(&mut self, commits: &[Arc<StoredCommit>]) {
        for commit in commits {
            self.bytes += commit.raw().len();
            self.commits.push_back(Arc::clone(commit));
        }
        while (self.commits.len() > RECENT_COMMITS_MAX || self.bytes > RECENT_BYTES_MAX)
            && let Some(oldest) = self.commits.pop_front()
        {
            self.bytes -= oldest.raw().len();
        }
    }

    pub(crate) fn after(&self, after: Position, bytes_max: usize) -> Option<VecDeque<Arc<StoredCommit>>> {
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
