//! The API's protobuf types, their conversions, and refusals as statuses.
//!
//! Belongs here: generated code, requests as commands, refusals and failures as statuses with their texts, the codec every service
//! speaks through. Does not belong: deciding, storing, sealing, knowing who asks.

mod canonical;
mod check;
mod closure;
pub mod codec;
mod enums;
mod failure;
mod instant;
mod intake;
mod methods;
mod parts;
pub mod pb;
mod request;
mod routing;
mod seal;
mod status;
mod texts;
pub mod view;

pub use crate::canonical::{CANONICAL_VERSION, canonical};
pub use crate::check::{LIST_ITEMS_MAX, PLACE_NOTE_CHARS_MAX, SOURCE_FIELDS_BYTES_MAX, TEXT_CHARS_MAX};
pub use crate::codec::{Explain, ExplainLayer, explain};
pub use crate::enums::{Wire, defects_of, status_of};
pub use crate::failure::{Failure, Token};
pub use crate::instant::timestamp;
pub use crate::intake::{Contact, Told, contacts, raise};
pub use crate::methods::{methods, uploads};
pub use crate::request::{
    CommandRequest, Envelope, NewCaseRequest, Request, parse_command_id, parse_envelope,
};
pub use crate::seal::{CollectingSeal, ReplayingSeal, Seal, SealingAtOnce};
pub use crate::status::{ERROR_DOMAIN, raise_error, status};
pub use crate::texts::{REASONS, Text, text};

/// Every proto of the API as an encoded `FileDescriptorSet`, with comments: for reflection.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.binpb"));

#[cfg(test)]
mod tests;
