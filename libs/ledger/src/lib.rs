//! Typed case streams over the event store: execute, read, follow.
