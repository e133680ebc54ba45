//! Test helpers: waiting for conditions, servers on port 0, directories and vaults of one test.
//!
//! Belongs here: what tests of several crates need. A dev-dependency only; whatever fails here panics with what failed. Does not
//! belong: anything a shipped crate uses, sleeping, fixed ports.

mod files;
mod server;
#[cfg(test)]
mod tests;
mod wait;

pub use files::{TempVault, temp_dir, temp_vault};
pub use server::{ServerSettings, TestServer, bearer, listener, settings};
pub use wait::{DEADLINE, wait_for, wait_until};
