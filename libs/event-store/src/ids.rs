use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::STREAM_NAME_BYTES_MAX;

/// Place of an event in the whole ledger: gapless, counted from 1. [`Position::ZERO`] is "before the first".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event; `after: ZERO` reads from the beginning.
    pub const ZERO: Position = Position(0);

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place after this one. Saturates: no ledger gets there.
    #[must_use]
    pub const fn next(self) -> Position {
        Position(self.0.saturating_add(1))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Place of an event in its stream: gapless, counted from 1. [`Version::NONE`] is a stream without events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version of a stream that has no events.
    pub const NONE: Version = Version(0);

    /// The bare number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after this one. Saturates: no stream gets there.
    #[must_use]
    pub const fn next(self) -> Version {
        Version(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which version a stream must have for an append to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// Whatever it is.
    Any,
    /// The stream must be new.
    NoStream,
    /// Exactly this one. `Exactly(Version::NONE)` means the same as `NoStream`.
    Exactly(Version),
}

impl Expected {
    /// The one version that meets it; none when any does.
    pub(crate) fn version(self) -> Option<Version> {
        match self {
            Expected::Any => None,
            Expected::NoStream => Some(Version::NONE),
            Expected::Exactly(version) => Some(version),
        }
    }

    /// Whether a stream at `actual` meets the expectation.
    #[must_use]
    pub fn is_met_by(self, actual: Version) -> bool {
        match self {
            Expected::Any => true,
            Expected::NoStream => actual == Version::NONE,
            Expected::Exactly(version) => actual == version,
        }
    }
}

/// Name of a stream, like `case/0190a6f2-…`: 1 to 128 bytes of ASCII letters, digits and `-_./:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(Arc<str>);

/// A text that cannot name a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a stream name has 1 to {STREAM_NAME_BYTES_MAX} bytes of ASCII letters, digits and `-_./:`")]
pub struct BadStreamName;

impl StreamName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`BadStreamName`] when it is empty, too long or has another character.
    pub fn new(name: impl AsRef<str>) -> Result<StreamName, BadStreamName> {
        let name = name.as_ref();
        let fits = (1..=STREAM_NAME_BYTES_MAX).contains(&name.len());
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte));
        if fits && plain { Ok(StreamName(name.into())) } else { Err(BadStreamName) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StreamName {
    type Err = BadStreamName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        StreamName::new(name)
    }
}

impl TryFrom<String> for StreamName {
    type Error = BadStreamName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        StreamName::new(name)
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> String {
        name.0.as_ref().to_owned()
    }
}

impl AsRef<str> for StreamName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
