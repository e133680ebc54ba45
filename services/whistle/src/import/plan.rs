//! A record and the map to what will be commanded: the case, its pieces of history in order, what did not fit.
//!
//! Pure: the same record and map give the same plan, and so the same command ids.

mod notes;
mod words;

use std::collections::BTreeSet;

use jiff::Timestamp;
use registry::ids::{MatterId, OrgId};
use serde_json::Value;

use super::field::{FieldPath, as_text, pruned};
use super::findings::{Finding, Kind};
use super::map::{Datum, Map};
use super::when::Times;
use words::Words;

/// Longest ticket number and reference, in bytes.
const NUMBER_BYTES_MAX: usize = 64;
/// Longest class of the source kept beside the matter, in bytes.
const CLASS_BYTES_MAX: usize = 64;
/// Largest JSON of fields without a place here, in bytes; the rest goes on in notes.
const FIELDS_BYTES_MAX: usize = 16_000;
/// Longest place in words, in characters.
const ADDRESS_CHARS_MAX: usize = 1000;

/// What will be commanded for one record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    /// The source's number for it.
    pub id: String,
    /// The case.
    pub case: NewCase,
    /// Its history, in order.
    pub pieces: Vec<Piece>,
    /// What did not fit.
    pub findings: Vec<Finding>,
    /// Fields of the record that have no place here and are kept sealed.
    pub kept: Vec<String>,
}

/// The case to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NewCase {
    pub occurred: Timestamp,
    pub text: String,
    pub class: Option<String>,
    pub matter: Option<MatterId>,
    pub area: Option<String>,
    pub point: Option<Point>,
    pub address: String,
    pub source_fields: String,
}

/// A position as given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub lat: f64,
    pub lon: f64,
    pub datum: Datum,
}

/// A piece of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Names the piece in its record; part of its command id.
    pub key: String,
    /// Where it lies in the record.
    pub path: String,
    /// The source's name for what it is.
    pub label: String,
    /// When it happened.
    pub at: Timestamp,
    /// What it says.
    pub text: String,
    /// What it is.
    pub what: What,
}

/// What a piece of history is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// Words; with what did not fit, in words that are never personal.
    Note { finding: Option<&'static str> },
    /// An order to another organisation.
    Order { org: OrgId, external_ref: Option<String> },
    /// The order that the piece of this key made was done.
    Done { order: String },
    /// The source closed the record.
    Closed,
}

/// Plans records one after the other.
pub(super) struct Planner<'a> {
    map: &'a Map,
    times: Times,
    seen: BTreeSet<String>,
}

/// A record while it is planned.
struct Draft<'a> {
    map: &'a Map,
    times: &'a Times,
    id: String,
    record: &'a Value,
    /// What nothing was made of yet.
    rest: Value,
    findings: Vec<Finding>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(map: &'a Map) -> anyhow::Result<Self> {
        let times = Times::new(&map.time_formats, map.zone()?);
        Ok(Self { map, times, seen: BTreeSet::new() })
    }

    /// What to do for the record in this row, counted from 1; a finding when it cannot be taken at all.
    pub(super) fn plan(&mut self, row: usize, record: &Value) -> Result<Plan, Finding> {
        let not_taken = |record: String, kind, why: &str| Finding {
            record,
            path: String::new(),
            kind,
            why: format!("{why}; not taken"),
        };
        let id = self.map.record.id.text(record);
        let Some(id) = id.filter(|id| id.len() <= NUMBER_BYTES_MAX && !id.contains(char::is_control)) else {
            let why = "no number of 1 to 64 bytes where record.id says";
            return Err(not_taken(format!("row {row}"), Kind::NoId, why));
        };
        if !self.seen.insert(id.clone()) {
            return Err(not_taken(id, Kind::DuplicateRecord, "this number stood earlier in the file"));
        }
        let mut rest = record.clone();
        self.map.record.id.take(&mut rest);
        let draft =
            Draft { map: self.map, times: &self.times, id: id.clone(), record, rest, findings: Vec::new() };
        draft.finish().ok_or_else(|| not_taken(id, Kind::NoTime, "no time in it reads"))
    }
}

impl Draft<'_> {
    fn finish(mut self) -> Option<Plan> {
        let occurred = self.occurred()?;
        let mut text = self.words(&self.map.record.text.clone(), "record.text");
        let (class, matter) = self.class();
        let point = self.point();
        let area = self.area();
        let (address, address_more) = self.address();
        let history = self.notes(occurred);
        let (source_fields, fields_more, kept) = self.source_fields();
        let mut pieces = Vec::new();
        let first = text.first();
        pieces.extend(more("text", &text.more, occurred));
        pieces.extend(more("address", &address_more, occurred));
        pieces.extend(more("source-fields", &fields_more, occurred));
        pieces.extend(history);
        let case = NewCase { occurred, text: first, class, matter, area, point, address, source_fields };
        Some(Plan { id: self.id, case, pieces, findings: self.findings, kept })
    }

    fn find(&mut self, path: impl Into<String>, kind: Kind, why: impl Into<String>) {
        let (record, path, why) = (self.id.clone(), path.into(), why.into());
        self.findings.push(Finding { record, path, kind, why });
    }

    /// When the record happened; the earliest time of its notes when its own does not read.
    fn occurred(&mut self) -> Option<Timestamp> {
        let path = &self.map.record.occurred;
        let given = path.text(self.record);
        if let Some(at) = given.as_deref().and_then(|text| self.times.read(text)) {
            path.take(&mut self.rest);
            return Some(at);
        }
        let earliest = self.earliest_note()?;
        self.find(path.as_str(), Kind::TimeUnreadable, format!("taken as {earliest}, its earliest note"));
        Some(earliest)
    }

    /// Fields joined to a text, taken out of the rest.
    fn words(&mut self, paths: &[FieldPath], what: &str) -> Words {
        let parts: Vec<String> = paths.iter().filter_map(|path| path.text(self.record)).collect();
        for path in paths {
            path.take(&mut self.rest);
        }
        let words = Words::of(&parts.join("\n"));
        self.report(&words, what);
        words
    }

    fn report(&mut self, words: &Words, path: &str) {
        if words.damaged {
            self.find(path, Kind::TextDamaged, "control characters, replaced by U+FFFD");
        }
        if !words.more.is_empty() {
            let why = format!("longer than a text may be; it goes on in {} more notes", words.more.len());
            self.find(path, Kind::TextContinued, why);
        }
    }

    fn class(&mut self) -> (Option<String>, Option<MatterId>) {
        let Some(path) = &self.map.record.class else { return (None, None) };
        let Some(given) = path.text(self.record) else { return (None, None) };
        let matter = self.map.matters.get(&given).cloned();
        if matter.is_none() {
            self.find(path.as_str(), Kind::ClassUnknown, "the map has no matter for it; the case has none");
        }
        if given.len() > CLASS_BYTES_MAX || given.contains(char::is_control) {
            // Too long to stand beside the matter: it stays among the sealed fields.
            return (None, matter);
        }
        path.take(&mut self.rest);
        (Some(given), matter)
    }

    fn point(&mut self) -> Option<Point> {
        let place = &self.map.place;
        let (lat_path, lon_path, datum) = (place.lat.as_ref()?, place.lon.as_ref()?, place.datum?);
        let (lat, lon) = (lat_path.text(self.record), lon_path.text(self.record));
        if lat.is_none() && lon.is_none() {
            return None;
        }
        let degrees = |text: Option<String>, bound: f64| {
            text?.parse::<f64>().ok().filter(|degrees| degrees.abs() <= bound)
        };
        match (degrees(lat, 90.0), degrees(lon, 180.0)) {
            (Some(lat), Some(lon)) => {
                lat_path.take(&mut self.rest);
                lon_path.take(&mut self.rest);
                Some(Point { lat, lon, datum })
            }
            _ => {
                let path = format!("{}, {}", lat_path.as_str(), lon_path.as_str());
                self.find(path, Kind::PlaceUnreadable, "no position in degrees; kept sealed");
                None
            }
        }
    }

    fn area(&mut self) -> Option<String> {
        let path = self.map.place.area.as_ref()?;
        let given = path.text(self.record)?;
        if !Map::is_area(&given) {
            self.find(
                path.as_str(),
                Kind::PlaceUnreadable,
                "no area code of 6, 9, 12 or 15 digits; kept sealed",
            );
            return None;
        }
        path.take(&mut self.rest);
        Some(given)
    }

    fn address(&mut self) -> (String, Vec<String>) {
        let Some(path) = &self.map.place.address else { return (String::new(), Vec::new()) };
        let given = path.text(self.record).unwrap_or_default();
        path.take(&mut self.rest);
        let words = Words::bounded(&given, ADDRESS_CHARS_MAX);
        self.report(&words, path.as_str());
        (words.first, words.more)
    }

    /// What is left, as one JSON text, what of it goes on in notes, and the names of the fields.
    fn source_fields(&mut self) -> (String, Vec<String>, Vec<String>) {
        let Some(rest) = pruned(std::mem::take(&mut self.rest)) else { return Default::default() };
        let kept = match &rest {
            Value::Object(fields) => fields.keys().cloned().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Vec::new()
            }
        };
        let json = as_text(&rest);
        if json.len() <= FIELDS_BYTES_MAX {
            return (json, Vec::new(), kept);
        }
        let words = Words::of(&json);
        self.find(
            "",
            Kind::TextContinued,
            "more fields without a place here than one text holds; they go on in notes",
        );
        let more = std::iter::once(words.first).chain(words.more).collect();
        (String::new(), more, kept)
    }
}

/// Texts that did not fit where they belong, as notes.
fn more<'a>(
    label: &'static str,
    texts: &'a [String],
    at: Timestamp,
) -> impl Iterator<Item = Piece> + use<'a> {
    texts.iter().enumerate().map(move |(index, text)| Piece {
        key: format!("{label}/{}", index + 1),
        path: label.to_owned(),
        label: label.to_owned(),
        at,
        text: text.clone(),
        what: What::Note { finding: Some("goes on from a text that was too long") },
    })
}
