//! Keys of the one sled tree. Numbers are big-endian, so that keys sort as they count.
//!
//! | key | value |
//! |---|---|
//! | `c`, first position (8), chunk (2) | bytes of a commit, up to 4 KiB |
//! | `k`, command id (16), principal | first position of its commit (8) |
//! | `s`, length (1), stream, version (8) | first position of the event's commit (8), index in it (2) |

use uuid::Uuid;

use crate::ids::{Position, StreamName, Version};

pub(crate) const COMMIT: u8 = b'c';
pub(crate) const COMMAND: u8 = b'k';
pub(crate) const STREAM: u8 = b's';
/// The first key after all commits.
pub(crate) const COMMITS_END: [u8; 1] = [COMMIT + 1];

pub(crate) fn chunk(first: Position, chunk: u16) -> [u8; 11] {
    let mut key = [COMMIT; 11];
    let number = first.0.to_be_bytes().into_iter().chain(chunk.to_be_bytes());
    key.iter_mut().skip(1).zip(number).for_each(|(to, from)| *to = from);
    key
}

pub(crate) fn parse_chunk(key: &[u8]) -> Option<(Position, u16)> {
    let (&[kind], rest) = key.split_first_chunk::<1>()?;
    let (first, chunk) = rest.split_first_chunk::<8>()?;
    let chunk = u16::from_be_bytes(chunk.try_into().ok()?);
    (kind == COMMIT).then_some((Position(u64::from_be_bytes(*first)), chunk))
}

pub(crate) fn command(principal: &str, command_id: Uuid) -> Vec<u8> {
    [&[COMMAND], command_id.as_bytes().as_slice(), principal.as_bytes()].concat()
}

/// What all versions of a stream begin with.
pub(crate) fn stream_prefix(stream: &StreamName) -> Vec<u8> {
    let name = stream.as_str().as_bytes();
    // At most 128: a stream name is checked when made.
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    [&[STREAM, length], name].concat()
}

pub(crate) fn stream(stream: &StreamName, version: Version) -> Vec<u8> {
    let mut key = stream_prefix(stream);
    key.extend(version.0.to_be_bytes());
    key
}

/// The version at the end of a stream key.
pub(crate) fn parse_version(key: &[u8]) -> Option<Version> {
    let (_, version) = key.split_last_chunk::<8>()?;
    Some(Version(u64::from_be_bytes(*version)))
}

pub(crate) fn first_value(first: Position) -> [u8; 8] {
    first.0.to_be_bytes()
}

pub(crate) fn parse_first(value: &[u8]) -> Option<Position> {
    Some(Position(u64::from_be_bytes(value.try_into().ok()?)))
}

pub(crate) fn event_value(first: Position, index: u16) -> [u8; 10] {
    let mut value = [0; 10];
    let number = first.0.to_be_bytes().into_iter().chain(index.to_be_bytes());
    value.iter_mut().zip(number).for_each(|(to, from)| *to = from);
    value
}

pub(crate) fn parse_event(value: &[u8]) -> Option<(Position, u16)> {
    let (first, index) = value.split_first_chunk::<8>()?;
    Some((Position(u64::from_be_bytes(*first)), u16::from_be_bytes(index.try_into().ok()?)))
}
