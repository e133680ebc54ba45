//! What the committer counts: a few additions a group, after its answers.

use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, gauge, histogram};

use crate::commit::StoredCommit;
use crate::ids::Position;

/// A group that became durable.
pub(super) fn group(commits: &[Arc<StoredCommit>], head: Position, took: Duration) {
    let events: usize = commits.iter().map(|commit| commit.events.len()).sum();
    counter!("whistle_commits_total").increment(commits.len() as u64);
    counter!("whistle_events_total").increment(events as u64);
    histogram!("whistle_commit_batch_size").record(number(commits.len() as u64));
    histogram!("whistle_commit_sync_seconds").record(took);
    position(head);
}

/// How far the log is.
pub(super) fn position(head: Position) {
    gauge!("whistle_ledger_head_position").set(number(head.get()));
}

/// How many wait while the group before them is done.
pub(super) fn queue(waiting: usize) {
    gauge!("whistle_commit_queue_depth").set(number(waiting as u64));
}

/// Exact up to 2^53, which no position or length here comes near.
fn number(count: u64) -> f64 {
    count as f64
}
