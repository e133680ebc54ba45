//! Sealed texts and contact details, under keys that can be destroyed.
//!
//! Belongs here: the keys of data subjects, names and phones of reporters, the constant secrets of a ledger, and what seals,
//! opens and erases with them. Does not belong: who may open what, events, the log.
//!
//! There are two sides. The *rows* are wrapped keys, sealed contact details and wrapped secrets in `vault.sqlite`; whoever keeps
//! them needs no key and can read nothing. A [`Vault`] has the key, from a file, and seals and opens: with rows in its own
//! directory, or with rows that lie with a [`Host`] and are reached over NATS.
//!
//! The database has `secure_delete`, and a destroyed key's bytes leave the database and its write-ahead log before the call
//! returns; what a file system or disk keeps of freed blocks is beyond us, so the disk should be encrypted. Everything of worth
//! in the database is wrapped under the key file: keep the two in separate backups, and the database's ones short-lived, since a
//! backup brings destroyed keys back.
//!
//! Writing goes through one thread that puts whatever waits into one transaction (group commit) with `synchronous=FULL`: an
//! answer means the row is durable, so an event may name it. Reading goes to a second connection, but for the keys written last,
//! which are kept in memory, wrapped. A write or sync that fails for good ends the process with code 70, as the event store's does:
//! what the disk has is known only when the files are opened anew.
//!
//! Invariants, as absences:
//! - nothing on the rows' side names a key or unwraps anything;
//! - nothing personal is in a row, a message or an error in the clear;
//! - a key never becomes another key: it is made once and may be destroyed;
//! - no second try of anything does harm.

mod at_hand;
mod crypt;
mod database;
mod error;
mod fail_stop;
mod files;
mod host;
mod key_file;
mod keyring;
mod message;
mod parts;
mod reader;
mod remote;
mod rows;
mod secrets;
mod source;
mod store;
#[cfg(test)]
mod tests;
mod vault;
mod writer;

use jiff::SignedDuration;

pub use error::Error;
pub use host::{Host, RiderRefused};
pub use key_file::{has_rows_alone, new_key_file};
pub use keyring::Keyring;
pub use parts::{Contact, NewContact, Now, Opened, SealRequest, Swept};
pub use secrets::Secrets;
pub use vault::{NewCase, Vault};

/// Longest text sealed, in bytes: 4,000 characters of any script, and the raw form of a ticket beside them.
pub const TEXT_BYTES_MAX: usize = 32 * 1024;
/// Longest name or phone, in bytes.
pub const CONTACT_BYTES_MAX: usize = 256;
/// Most texts and most contacts of one call: a joint plan with all its measures is far below it.
pub const REQUESTS_MAX: usize = 1024;
/// Rows that no event names are swept after this time: a command that ended without its event is not coming back by then.
pub const UNNAMED_KEPT: SignedDuration = SignedDuration::from_hours(24);
