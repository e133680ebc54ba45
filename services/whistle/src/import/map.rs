//! The map: which field of the source means what here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use jiff::tz::TimeZone;
use registry::ids::{AreaCode, MatterId, OrgId, SourceId};
use serde::Deserialize;

use super::field::FieldPath;

/// Largest map file, in bytes: tens of thousands of rows in its tables.
const MAP_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A map file. `seeds/import-example/map.toml` shows and explains every field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Map {
    /// The source. Part of every command id, so renaming it imports everything anew.
    pub source: SourceId,
    /// Where the list of records lies in a JSON object.
    pub records: Option<FieldPath>,
    /// The sheet of a workbook; the first when absent.
    pub sheet: Option<String>,
    /// Encoding of text files.
    #[serde(default)]
    pub encoding: Encoding,
    /// What separates the columns of a CSV file.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Zone of times that carry none.
    pub zone: Option<String>,
    /// Patterns of times, tried in order before RFC 3339.
    #[serde(default)]
    pub time_formats: Vec<String>,
    /// Fields of the record itself.
    pub record: RecordMap,
    /// Where the problem is.
    #[serde(default)]
    pub place: PlaceMap,
    /// The source's class to our matter.
    #[serde(default)]
    pub matters: BTreeMap<String, MatterId>,
    /// The source's agency to our organisation.
    #[serde(default)]
    pub agencies: BTreeMap<String, OrgId>,
    /// Notes nested in the record.
    pub notes: Option<NotesMap>,
}

/// Encoding of a text file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// GB 18030, which covers GBK and GB 2312.
    Gb18030,
}

/// Fields of the record itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordMap {
    /// The source's number for it; the ticket.
    pub id: FieldPath,
    /// When it happened or was reported.
    pub occurred: FieldPath,
    /// What was said: the fields joined by line ends, empty ones left out.
    #[serde(default)]
    pub text: Vec<FieldPath>,
    /// The source's class, looked up in `matters`.
    pub class: Option<FieldPath>,
    /// The source's status.
    pub status: Option<FieldPath>,
    /// Statuses that mean it is closed.
    #[serde(default)]
    pub closed_statuses: BTreeSet<String>,
    /// When it was closed, where no note tells.
    pub closed_at: Option<FieldPath>,
}

/// Where the problem is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceMap {
    /// Latitude in degrees.
    pub lat: Option<FieldPath>,
    /// Longitude in degrees.
    pub lon: Option<FieldPath>,
    /// The datum of the two; required with them.
    pub datum: Option<Datum>,
    /// Area code of 6, 9, 12 or 15 digits.
    pub area: Option<FieldPath>,
    /// The place in words; sealed.
    pub address: Option<FieldPath>,
}

/// The datum of positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Datum {
    /// The satellites' own.
    #[serde(rename = "WGS84")]
    Wgs84,
    /// China's of 2000.
    #[serde(rename = "CGCS2000")]
    Cgcs2000,
    /// Of maps sold in China.
    #[serde(rename = "GCJ02")]
    Gcj02,
    /// Baidu's.
    #[serde(rename = "BD09")]
    Bd09,
}

/// Notes nested in the record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NotesMap {
    /// Where the list lies in the record.
    pub path: FieldPath,
    /// When, inside the note.
    pub at: FieldPath,
    /// What kind of note it is.
    pub kind: FieldPath,
    /// What it says: the fields joined by line ends.
    #[serde(default)]
    pub text: Vec<FieldPath>,
    /// What each kind means. A kind without a rule is taken as a note and reported.
    pub rules: BTreeMap<String, Rule>,
}

/// What a kind of note means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Rule {
    /// Words, nothing more.
    Note,
    /// Another agency was given an order.
    ObligationCreated(CreatedRule),
    /// The order was done.
    ObligationCompleted(CompletedRule),
    /// The source closed the record.
    Closed,
}

/// Where an order's fields lie in the note.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreatedRule {
    /// The source's number for the order.
    pub r#ref: FieldPath,
    /// Who was called, looked up in `agencies`.
    pub agency: FieldPath,
    /// What was asked, before the note's own text.
    #[serde(default)]
    pub task: Vec<FieldPath>,
}

/// Where the done order is named in the note.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompletedRule {
    /// The source's number for the order.
    pub r#ref: FieldPath,
}

fn comma() -> char {
    ','
}

impl Map {
    /// Reads and checks a map file.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let what = || format!("map {}", path.display());
        let size = std::fs::metadata(path).with_context(what)?.len();
        ensure!(size <= MAP_BYTES_MAX, "{} has {size} bytes, at most {MAP_BYTES_MAX}", what());
        let text = std::fs::read_to_string(path).with_context(what)?;
        Self::parse(&text).with_context(what)
    }

    /// Reads and checks a map.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let map: Self = toml::from_str(text)?;
        map.check()?;
        Ok(map)
    }

    fn check(&self) -> anyhow::Result<()> {
        let place = &self.place;
        ensure!(place.lat.is_some() == place.lon.is_some(), "[place] needs both lat and lon, or neither");
        ensure!(place.lat.is_none() || place.datum.is_some(), "[place] with lat and lon needs a datum");
        ensure!(self.delimiter.is_ascii(), "delimiter must be one ASCII character");
        if self.record.closed_at.is_some() || !self.record.closed_statuses.is_empty() {
            ensure!(self.record.status.is_some(), "[record] closed_statuses and closed_at need status");
        }
        ensure!(
            self.record.status.is_none() || !self.record.closed_statuses.is_empty(),
            "[record] status needs closed_statuses: which of its values mean closed"
        );
        if let Some(pattern) = self.time_formats.iter().find(|pattern| !pattern.contains('%')) {
            bail!("time_formats has {pattern:?}; a pattern looks like \"%Y-%m-%d %H:%M:%S\"");
        }
        self.zone().map(drop)
    }

    /// The zone of times that carry none.
    pub(super) fn zone(&self) -> anyhow::Result<Option<TimeZone>> {
        let named = |name: &String| {
            TimeZone::get(name)
                .with_context(|| format!("zone {name:?} is unknown; give one like \"Asia/Shanghai\""))
        };
        self.zone.as_ref().map(named).transpose()
    }

    /// Whether a text can be an area code.
    pub(super) fn is_area(text: &str) -> bool {
        AreaCode::new(text).is_ok()
    }
}
