//! What is known of the connection.

use tokio::time::Instant;

/// How the connection to the server is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The first connection has not come about yet.
    Connecting,
    /// The server is there.
    Connected {
        /// Version the server gives.
        server: String,
        /// Most bytes of one payload, as [`crate::Bus::payload_max`].
        payload_max: usize,
    },
    /// The server is not there, or does not let us in. It is being tried again.
    Away {
        /// When that was noticed.
        since: Instant,
        /// What the last attempt said, for people.
        reason: String,
    },
    /// [`crate::Bus::close`] was called.
    Closed,
}

/// What the server refused so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals {
    /// How many were heard of; a storm of them may be counted short.
    pub count: u64,
    /// What the server said last, for people; empty while there was none.
    pub last: String,
}

/// Kept free for headers and the protocol line. Ours hold a trace context, and an error's reason in answers.
const HEADER_SHARE: usize = 8 * 1024;

/// What remains of `message_max` bytes for the payload; never less than half.
pub(crate) fn payload_max(message_max: usize) -> usize {
    message_max.saturating_sub(HEADER_SHARE.min(message_max / 2))
}
