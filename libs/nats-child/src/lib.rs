//! A nats-server of one's own: a child process on a loopback port that nobody else uses, with a directory of its own.
//!
//! Here: finding the program, starting it, waiting until it listens, and ending, pausing and restarting it.
//! Not here: clients (`bus`), configuration of a real deployment (`deploy/`), JetStream.
//!
//! Invariants: never the well-known port 4222, never a server this process did not start, no child left behind when the
//! value is dropped, no wait without an end. Usable from plain synchronous code.

mod child;
mod program;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use child::{NatsChild, Options};

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no nats-server on this machine.
    #[error(
        "nats-server not found in WHISTLE_NATS_SERVER, target/tools/nats-server or PATH: \
         run tests/run, or apt-get install nats-server"
    )]
    Missing,
    /// `WHISTLE_NATS_SERVER` names something that is no file.
    #[error("WHISTLE_NATS_SERVER names {0}, which is no file")]
    NotAFile(PathBuf),
    /// The operating system refused a file or the process.
    #[error("could not {what}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The program ended before it listened: usually its configuration, or a port taken by somebody else meanwhile.
    #[error("nats-server ended before it listened: {log}")]
    Ended {
        /// The last lines it wrote.
        log: String,
    },
    /// The program did not listen in time.
    #[error("nats-server did not listen within {seconds} s: {log}")]
    Silent {
        /// How long it was waited for.
        seconds: u64,
        /// The last lines it wrote.
        log: String,
    },
    /// A restart, pause or resumption of a server that does not run, or a restart of one that does.
    #[error("nats-server {0}")]
    State(&'static str),
}
