//! Test helpers: waiting for conditions, servers on port 0, directories and vaults of one test, a small district to try services on.
//!
//! Belongs here: what tests of several crates need. A dev-dependency only; whatever fails here panics with what failed. Does not
//! belong: anything a shipped crate uses, sleeping, fixed ports.

mod files;
mod server;
#[cfg(test)]
mod tests;
mod wait;
mod world;

pub use files::{TempVault, temp_dir, temp_vault};
pub use server::{ServerSettings, TestServer, bearer, listener, settings};
pub use wait::{DEADLINE, wait_for, wait_until};
pub use world::World;
