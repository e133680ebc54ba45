//! Instants on the wire.

use case::time::At;
use prost_types::Timestamp;

const NANOS_PER_SECOND: i32 = 1_000_000_000;

/// An instant as protobuf has it.
#[must_use]
pub fn timestamp(at: impl Into<At>) -> Timestamp {
    let instant = at.into().instant();
    // Before 1970 jiff counts both down; protobuf counts nanoseconds up from the second before.
    let (seconds, nanos) = (instant.as_second(), instant.subsec_nanosecond());
    if nanos < 0 {
        return Timestamp {
            seconds: seconds.saturating_sub(1),
            nanos: nanos.saturating_add(NANOS_PER_SECOND),
        };
    }
    Timestamp { seconds, nanos }
}

/// The instant, cut to microseconds; none when the two numbers name none.
pub(crate) fn at(timestamp: &Timestamp) -> Option<At> {
    if !(0..NANOS_PER_SECOND).contains(&timestamp.nanos) {
        return None;
    }
    jiff::Timestamp::new(timestamp.seconds, timestamp.nanos).ok().map(At::new)
}
