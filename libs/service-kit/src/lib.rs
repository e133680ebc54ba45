//! What every service process needs: clock, configuration, principals, gRPC server, shutdown, telemetry,
//! trace context, and how it is seen from outside.
//!
//! Belongs here: what all roles share about being a process. Does not belong: cases, events, the log, protobuf messages of
//! ours, who may do what with a case.

pub mod clock;
pub mod config;
pub mod ops;
pub mod principals;
pub mod server;
pub mod shutdown;
pub mod telemetry;
pub mod trace;

/// Defaults of the settings of this crate: the tables `clock`, `ops`, `server`, `shutdown` and `telemetry`.
///
/// A service puts its own `config.default.toml` after this text and hands both to [`config::load`].
pub const DEFAULTS: &str = include_str!("../config.default.toml");
