//! The bytes of one commit, as stored, published and covered by the chain.
//!
//! Format 1. Numbers are big-endian; a text is its length (one byte) and its UTF-8 bytes; a time is microseconds since
//! 1970-01-01 UTC as a signed 64-bit number. Fields follow each other without padding.
//!
//! | bytes | field | |
//! |---|---|---|
//! | 2 | magic | `WC` |
//! | 1 | format | 1 |
//! | 1 | algorithm | of the chain: 1 = SHA-256 |
//! | 4 | length | of the whole frame |
//! | 1 | flags | 1 = on behalf of, 2 = causation, 4 = traceparent is present; others are zero |
//! | 1 + n | ledger | |
//! | 4 | epoch | |
//! | 8 | first position | |
//! | 2 | count | of all events |
//! | 32 | previous | chain hash before this commit |
//! | 8 | recorded at | |
//! | 1 + n | principal | |
//! | 1 + n | on behalf of | if flagged |
//! | 16 | command id | |
//! | 32 | request MAC | |
//! | 16 | causation | if flagged |
//! | 16 | correlation | |
//! | 1 + n | traceparent | if flagged |
//! | 1 | appends | how many follow |
//! | 1 + n | stream | per append |
//! | 8 | first version | per append |
//! | 2 | events | per append: how many follow |
//! | 1 + n | event type | per event |
//! | 2 | schema version | per event |
//! | 8 | occurred at | per event |
//! | 4 + n | payload | per event |
//! | 4 | check | CRC-32 (IEEE) of everything before |

pub(crate) mod reader;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::serde::timestamp::microsecond::required as micros;
use serde::{Deserialize, Serialize};

use crate::chain::{ALGORITHM, ChainHash};
use crate::commit::{NewCommit, StoredCommit, StoredEvent};
use crate::ids::{Position, StreamName, Version};
use crate::limits::{COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX};
use reader::Reader;

const MAGIC: [u8; 2] = *b"WC";
const FORMAT: u8 = 1;
const CHECK_BYTES: usize = 4;
/// Where the length field ends; enough of a frame to know how long it is.
const PREFIX_BYTES: usize = 8;
const ON_BEHALF_OF: u8 = 1;
const CAUSATION: u8 = 2;
const TRACEPARENT: u8 = 4;

/// Why bytes are not a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The bytes end within a field.
    #[error("it ends too early")]
    Truncated,
    /// Bytes are left over, or the length field says something else.
    #[error("its length is {actual}, it should be {expected}")]
    Length {
        /// As the frame says.
        expected: usize,
        /// As it is.
        actual: usize,
    },
    /// Does not begin as a commit does.
    #[error("it does not begin as a commit")]
    Magic,
    /// A later build wrote it.
    #[error("format {0} is newer than this build")]
    NewerFormat(u8),
    /// Hashed in a way this build does not know.
    #[error("hash algorithm {0} is unknown")]
    Algorithm(u8),
    /// The check value does not match.
    #[error("its check value does not match")]
    Check,
    /// A field has a value it must not have.
    #[error("field {0} is malformed")]
    Field(&'static str),
}

/// What the log adds to a [`NewCommit`]: from both, whoever knows the ledger's id makes the stored bytes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// See [`StoredCommit::epoch`].
    pub epoch: u32,
    /// See [`StoredCommit::first`].
    pub first: Position,
    /// See [`StoredCommit::previous`].
    pub previous: ChainHash,
    /// See [`StoredCommit::recorded_at`].
    #[serde(with = "micros")]
    pub recorded_at: Timestamp,
    /// The version of the first event of each append, in order.
    pub versions: Vec<Version>,
}

/// Writes a commit. Fails only when a part does not fit its length field, which a checked commit never does.
pub(crate) fn encode(commit: &NewCommit, ledger: &str, assigned: &Assigned) -> Result<Bytes, FrameError> {
    let mut out = Vec::with_capacity(commit.encoded_len());
    out.extend(MAGIC);
    out.extend([FORMAT, ALGORITHM]);
    out.extend([0; 4]);
    out.push(flags(commit));
    encode_header(&mut out, commit, ledger, assigned)?;
    out.push(fit(commit.appends.len(), "appends")?);
    if commit.appends.len() != assigned.versions.len() {
        return Err(FrameError::Field("appends"));
    }
    for (append, version) in commit.appends.iter().zip(&assigned.versions) {
        put_text(&mut out, append.stream.as_str(), "stream")?;
        out.extend(version.0.to_be_bytes());
        out.extend(fit::<u16>(append.events.len(), "events")?.to_be_bytes());
        for event in &append.events {
            put_text(&mut out, &event.event_type, "event type")?;
            out.extend(event.schema_version.to_be_bytes());
            out.extend(event.occurred_at.as_microsecond().to_be_bytes());
            out.extend(fit::<u32>(event.payload.len(), "payload")?.to_be_bytes());
            out.extend(&event.payload);
        }
    }
    let length = fit::<u32>(out.len() + CHECK_BYTES, "length")?.to_be_bytes();
    out.iter_mut().skip(4).zip(length).for_each(|(to, from)| *to = from);
    out.extend(crc32fast::hash(&out).to_be_bytes());
    Ok(out.into())
}

fn flags(commit: &NewCommit) -> u8 {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    flag(commit.on_behalf_of.is_some(), ON_BEHALF_OF)
        | flag(commit.causation.is_some(), CAUSATION)
        | flag(commit.traceparent.is_some(), TRACEPARENT)
}

fn encode_header(
    out: &mut Vec<u8>,
    commit: &NewCommit,
    ledger: &str,
    assigned: &Assigned,
) -> Result<(), FrameError> {
    let count = commit.appends.iter().map(|append| append.events.len()).sum::<usize>();
    put_text(out, ledger, "ledger")?;
    out.extend(assigned.epoch.to_be_bytes());
    out.extend(assigned.first.0.to_be_bytes());
    out.extend(fit::<u16>(count, "count")?.to_be_bytes());
    out.extend(assigned.previous.0);
    out.extend(assigned.recorded_at.as_microsecond().to_be_bytes());
    put_text(out, &commit.principal, "principal")?;
    if let Some(on_behalf_of) = &commit.on_behalf_of {
        put_text(out, on_behalf_of, "on behalf of")?;
    }
    out.extend(commit.command_id.as_bytes());
    out.extend(commit.request_mac);
    out.extend(commit.causation.iter().flat_map(|id| *id.as_bytes()));
    out.extend(commit.correlation.as_bytes());
    if let Some(traceparent) = &commit.traceparent {
        put_text(out, traceparent, "traceparent")?;
    }
    Ok(())
}

fn fit_len(length: u32) -> Result<usize, FrameError> {
    usize::try_from(length).map_err(|_| FrameError::Field("length"))
}

fn fit<T: TryFrom<usize>>(n: usize, field: &'static str) -> Result<T, FrameError> {
    T::try_from(n).map_err(|_| FrameError::Field(field))
}

fn put_text(out: &mut Vec<u8>, text: &str, field: &'static str) -> Result<(), FrameError> {
    out.push(fit(text.len(), field)?);
    out.extend(text.as_bytes());
    Ok(())
}

/// The length a frame says it has, from its first chunk.
pub(crate) fn stated_len(start: &[u8]) -> Result<usize, FrameError> {
    let mut reader = Reader::new(start.get(..PREFIX_BYTES).ok_or(FrameError::Truncated)?);
    if reader.array::<2>()? != MAGIC {
        return Err(FrameError::Magic);
    }
    reader.array::<2>()?;
    let length = fit_len(reader.u32()?)?;
    if length > COMMIT_BYTES_MAX { Err(FrameError::Field("length")) } else { Ok(length) }
}

impl StoredCommit {
    /// The commit that the log made of a new one.
    ///
    /// # Errors
    /// [`FrameError`] when the two do not belong together, or the new one was never checked.
    pub fn assemble(new: &NewCommit, ledger: &str, assigned: &Assigned) -> Result<StoredCommit, FrameError> {
        StoredCommit::decode(encode(new, ledger, assigned)?)
    }

    /// What the log added to it.
    #[must_use]
    pub fn assigned(&self) -> Assigned {
        let mut versions = Vec::new();
        let mut stream = None;
        for event in &self.events {
            if stream != Some(&event.stream) {
                stream = Some(&event.stream);
                versions.push(event.version);
            }
        }
        let Self { epoch, first, previous, recorded_at, .. } = *self;
        Assigned { epoch, first, previous, recorded_at, versions }
    }

    /// Reads a commit from its stored or published bytes and computes what derives from them.
    ///
    /// # Errors
    /// [`FrameError`] for anything that [`Store::commit`](crate::Store::commit) did not write. Never panics.
    pub fn decode(raw: Bytes) -> Result<StoredCommit, FrameError> {
        let mut reader = Reader::new(check_envelope(&raw)?);
        let flags = reader.u8()?;
        if flags & !(ON_BEHALF_OF | CAUSATION | TRACEPARENT) != 0 {
            return Err(FrameError::Field("flags"));
        }
        let optional_text = |reader: &mut Reader<'_>, bit: u8, field| {
            if flags & bit == 0 { Ok(None) } else { reader.text(field).map(|text| Some(text.to_owned())) }
        };
        let ledger = reader.text("ledger")?.to_owned();
        let epoch = reader.u32()?;
        let first = Position(reader.u64()?);
        let count = reader.u16()?;
        let previous = ChainHash(reader.array()?);
        let recorded_at = reader.time("recorded at")?;
        let principal = reader.text("principal")?.to_owned();
        let on_behalf_of = optional_text(&mut reader, ON_BEHALF_OF, "on behalf of")?;
        let command_id = reader.uuid()?;
        let request_mac = reader.array()?;
        let causation = if flags & CAUSATION == 0 { None } else { Some(reader.uuid()?) };
        let correlation = reader.uuid()?;
        let traceparent = optional_text(&mut reader, TRACEPARENT, "traceparent")?;
        let events = decode_events(&mut reader, &raw, first)?;
        let counted = usize::from(count) == events.len() && (1..=COMMIT_EVENTS_MAX).contains(&events.len());
        if !counted || !reader.is_empty() || first == Position::ZERO || epoch == 0 {
            return Err(FrameError::Field("count"));
        }
        let chain_hash = previous.after(&raw);
        Ok(StoredCommit {
            ledger,
            epoch,
            first,
            previous,
            recorded_at,
            principal,
            on_behalf_of,
            command_id,
            request_mac,
            causation,
            correlation,
            traceparent,
            events,
            chain_hash,
            raw,
        })
    }
}

/// Checks magic, format, algorithm, length and check value; gives back what lies between.
fn check_envelope(raw: &[u8]) -> Result<&[u8], FrameError> {
    let expected = stated_len(raw)?;
    if raw.len() != expected {
        return Err(FrameError::Length { expected, actual: raw.len() });
    }
    let end = raw.len().checked_sub(CHECK_BYTES).ok_or(FrameError::Truncated)?;
    let (covered, check) = raw.split_at_checked(end).ok_or(FrameError::Truncated)?;
    let mut reader = Reader::new(covered);
    reader.array::<2>()?;
    match reader.u8()? {
        FORMAT => {}
        newer @ 2.. => return Err(FrameError::NewerFormat(newer)),
        0 => return Err(FrameError::Field("format")),
    }
    let algorithm = reader.u8()?;
    if algorithm != ALGORITHM {
        return Err(FrameError::Algorithm(algorithm));
    }
    if crc32fast::hash(covered).to_be_bytes() != check {
        return Err(FrameError::Check);
    }
    covered.get(PREFIX_BYTES..).ok_or(FrameError::Truncated)
}

fn decode_events(
    reader: &mut Reader<'_>,
    raw: &Bytes,
    first: Position,
) -> Result<Vec<StoredEvent>, FrameError> {
    let mut events = Vec::new();
    let mut index = 0_u32;
    for _ in 0..reader.u8()? {
        let stream = StreamName::new(reader.text("stream")?).map_err(|_| FrameError::Field("stream"))?;
        let first_version = reader.u64()?;
        if first_version == 0 {
            return Err(FrameError::Field("first version"));
        }
        for nth in 0..reader.u16()? {
            let add = |base: u64, n: u64| base.checked_add(n).ok_or(FrameError::Field("position"));
            events.push(StoredEvent {
                position: Position(add(first.0, index.into())?),
                stream: stream.clone(),
                version: Version(add(first_version, nth.into())?),
                event_type: reader.text("event type")?.to_owned(),
                schema_version: reader.u16()?,
                occurred_at: reader.time("occurred at")?,
                payload: raw.slice_ref(reader.block()?),
            });
            index += 1;
        }
    }
    Ok(events)
}

/// Cuts a time to what the frame keeps of it.
pub(crate) fn to_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
