//! The registry's own stream: publishing as a whole, folding, a view that keeps current.
//!
//! A registry is larger than an event may be. Its parts are staged under the digest of the whole and mean nothing until one
//! event publishes that digest, in the same commit as the last of the parts.

mod fold;
mod publish;
#[cfg(test)]
mod tests;
mod view;

use event_store::StreamName;

pub use fold::{Modes, RegistryFold};
pub use publish::{PART_BYTES_MAX, PublishError, publish};
pub use view::{RegistryGone, RegistryView};

use crate::commit::Stream;

/// The stream all publications and switches of mode are on.
#[must_use]
pub fn stream() -> Stream {
    #[expect(clippy::expect_used, reason = "a constant of the allowed alphabet")]
    Stream::Other(StreamName::new("registry").expect("`registry` names a stream"))
}
