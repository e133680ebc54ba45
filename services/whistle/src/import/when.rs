//! Times as sources write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

/// Tried after the map's own patterns and RFC 3339; all but the ambiguous ones of the day-month kind.
const COMMON: [&str; 6] = [
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
];

/// Reads the times of one source.
#[derive(Debug, Clone)]
pub(super) struct Times {
    formats: Vec<String>,
    zone: Option<TimeZone>,
}

impl Times {
    /// Patterns tried first, and the zone of times that carry none.
    pub(super) fn new(formats: &[String], zone: Option<TimeZone>) -> Self {
        Self { formats: formats.to_vec(), zone }
    }

    /// The instant a text names, in whole microseconds; none when it names none, or needs a zone and the map has none.
    pub(super) fn read(&self, text: &str) -> Option<Timestamp> {
        let own = self.formats.iter().find_map(|format| self.by_pattern(format, text));
        let instant = own
            .or_else(|| text.parse::<Timestamp>().ok())
            .or_else(|| text.parse::<DateTime>().ok().and_then(|civil| self.in_zone(civil)))
            .or_else(|| COMMON.iter().find_map(|format| self.by_pattern(format, text)))?;
        Timestamp::from_microsecond(instant.as_microsecond()).ok()
    }

    fn by_pattern(&self, format: &str, text: &str) -> Option<Timestamp> {
        let read = BrokenDownTime::parse(format, text).ok()?;
        if let Ok(instant) = read.to_timestamp() {
            return Some(instant);
        }
        let civil = read.to_datetime().or_else(|_| read.to_date().map(DateTime::from)).ok()?;
        self.in_zone(civil)
    }

    fn in_zone(&self, civil: DateTime) -> Option<Timestamp> {
        self.zone.as_ref()?.to_timestamp(civil).ok()
    }
}
