//! Every bound of the store in one place. What is larger is refused with [`crate::CommitError::TooLarge`].

/// Longest stream name, in bytes.
pub const STREAM_NAME_BYTES_MAX: usize = 128;
/// Longest principal, `on_behalf_of` and ledger id, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest event type, in bytes.
pub const EVENT_TYPE_BYTES_MAX: usize = 64;
/// Longest `traceparent`; W3C Trace Context version 00 has 55 characters.
pub const TRACEPARENT_BYTES_MAX: usize = 64;
/// Largest payload of one event, in bytes.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// Largest commit as stored, header and all events, in bytes.
pub const COMMIT_BYTES_MAX: usize = 512 * 1024;
/// Most events in one commit.
pub const COMMIT_EVENTS_MAX: usize = 1024;
/// Most streams in one commit.
pub const COMMIT_STREAMS_MAX: usize = 64;
/// A page asked for more than this is cut to it, in bytes as stored.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest value given to sled. A sled leaf holds at most 17 values and becomes a file of its own, which sled does
/// not sync, at a quarter of its 512 KiB segment: 17 × 4 KiB stays below half of that.
pub(crate) const CHUNK_BYTES: usize = 4 * 1024;
/// Bytes of all commits waiting in the queue.
pub(crate) const QUEUE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Commits that share one sync.
pub(crate) const GROUP_COMMITS_MAX: usize = 512;
/// Bytes that share one sync.
pub(crate) const GROUP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Newest commits kept in memory for followers that are up to date.
pub(crate) const RECENT_COMMITS_MAX: usize = 2048;
/// Bytes of the newest commits kept in memory.
pub(crate) const RECENT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What one follower reads at once, in bytes.
pub(crate) const FOLLOW_PAGE_BYTES: usize = 1024 * 1024;
/// How many events before the watermark are walked when a store opens.
pub(crate) const TAIL_EVENTS: u64 = 1024;
/// Findings listed by a verification; more are counted only.
pub(crate) const FINDINGS_MAX: usize = 1000;
