//! The API's protobuf types, their conversions, and refusals as statuses.
//!
//! Belongs here: generated code, requests as commands, refusals and failures as statuses with their texts, the codec every service
//! speaks through. Does not belong: deciding, storing, sealing, knowing who asks.

pub mod codec;
pub mod pb;

/// Every proto of the API as an encoded `FileDescriptorSet`, with comments: for reflection.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.binpb"));
