//! Everything that is counted, in one place, with what an operator reads beside it.

/// How it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, help }
}

/// Names, and what they say. Every label has a bounded set of values: roles, projections, methods of the API, status codes.
pub(super) const FAMILIES: &[Family] = &[
    // the process
    gauge("whistle_build_info", "Always 1; which version plays which role."),
    gauge("whistle_ready", "1 when every check of /readyz says ok, else 0."),
    gauge("whistle_clock_stands", "1 while the clock stands after a long stop and no timer fires, else 0."),
    gauge("whistle_clock_leapt", "1 while the machine's clock is not believed after a leap, else 0."),
    // the ledger's one writer
    counter(
        "whistle_commits_total",
        "Commits made durable since the process began; repeats are not counted.",
    ),
    counter("whistle_events_total", "Events made durable since the process began."),
    histogram("whistle_commit_batch_size", "Commits that shared one sync."),
    histogram(
        "whistle_commit_sync_seconds",
        "From the first write of a batch until it is on stable storage.",
    ),
    gauge("whistle_commit_queue_depth", "Commits that were waiting when the last batch was done."),
    gauge("whistle_ledger_head_position", "Position of the last durable event."),
    // followers
    gauge("whistle_follower_position", "Position of the last event a projection has applied."),
    gauge("whistle_follower_lag_events", "Events of the ledger a projection has not applied yet."),
    gauge("whistle_projection_parked", "1 when a projection stands still at something it cannot apply."),
    // escalation
    gauge("whistle_clocks_armed", "Running clocks whose due instant is still to come."),
    gauge("whistle_clocks_overdue", "Running clocks whose due instant has passed."),
    counter("whistle_timers_fired_total", "Timers that led to a commit since the process began."),
    // work that nobody commands
    gauge(
        "whistle_cases_set_aside",
        "Cases that something wrong with them keeps from being worked, by work.",
    ),
    // the departments' feed
    gauge("whistle_feeds_open", "Open feeds."),
    gauge("whistle_feed_lag_events", "Events the slowest open feed is behind the ledger."),
    counter("whistle_feed_messages_total", "Messages handed to readers of feeds."),
    histogram(
        "whistle_feed_delivery_seconds",
        "From the commit of an event until it is handed to the reader of a live feed.",
    ),
    // gRPC
    counter("whistle_grpc_requests_total", "Calls that ended, by method and status code."),
    histogram("whistle_grpc_request_seconds", "From a call's arrival until its answer begins, by method."),
    // the ledger over NATS
    histogram("whistle_ledger_commits_a_message", "Commits that travelled to the ledger in one message."),
    counter(
        "whistle_log_gaps_total",
        "Gaps found in what NATS told of the log; each was read from the ledger.",
    ),
    counter(
        "whistle_log_undecodable_total",
        "Frames that did not decode and were read from the ledger instead.",
    ),
    counter(
        "whistle_log_alien_total",
        "Times another log, or another publisher, was heard under this ledger's name.",
    ),
    counter(
        "whistle_commits_ahead_of_time_total",
        "Commits refused because the clock of the machine they came from is ahead of the ledger's.",
    ),
    // NATS
    gauge("whistle_nats_connected", "1 while the process is connected to NATS, else 0."),
    counter("whistle_nats_reconnects_total", "Times the connection to NATS was made again."),
    counter("whistle_nats_refusals_total", "Times NATS refused what this process may not do."),
    counter(
        "whistle_nats_slow_drops_total",
        "Times messages were dropped because this process read too slowly.",
    ),
];
