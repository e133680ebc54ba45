//! Instants as they are stored.

use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::read_text;

/// An instant in the log: whole microseconds, written as RFC 3339 in UTC with six decimals.
///
/// One spelling per instant, so that stored bytes compare and an archive reads without this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(Timestamp);

impl At {
    /// The instant, cut to whole microseconds.
    #[must_use]
    pub fn new(instant: Timestamp) -> Self {
        let micros = instant.as_microsecond();
        Self(Timestamp::from_microsecond(micros).unwrap_or(instant))
    }

    /// The instant for arithmetic.
    #[must_use]
    pub fn instant(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for At {
    fn from(instant: Timestamp) -> Self {
        Self::new(instant)
    }
}

impl At {
    fn text(self) -> String {
        static PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
        PRINTER.timestamp_to_string(&self.0)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| text.parse::<Timestamp>().map(Self::new).map_err(|e| e.to_string()))
    }
}
