//! How many files the process may have open: every connection is one.

#[cfg(test)]
mod tests;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files beside the connections of callers: the log's, the projections', the vault's, those of operators and NATS.
const OTHERS: u64 = 1_024;

/// Raises what the process may open to what the system lets it. A server that runs out of files takes no connection and is asked
/// about the same one again at once, so too few of them are told of before that.
pub(super) fn allow(connections_max: u32) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    if let Some(few) = too_few(getrlimit(Resource::Nofile).current, connections_max) {
        let needed = needed(connections_max);
        tracing::warn!(
            "only {few} files may be open, {connections_max} connections need {needed}: raise the limit (LimitNOFILE=, ulimit -Hn) or lower server.connections_max"
        );
    }
}

/// The limit, when it is below what so many connections need; none is no limit.
fn too_few(limit: Option<u64>, connections_max: u32) -> Option<u64> {
    limit.filter(|limit| *limit < needed(connections_max))
}

fn needed(connections_max: u32) -> u64 {
    u64::from(connections_max) + OTHERS
}
