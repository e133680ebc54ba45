//! A ticket's fields as a case to be made. Nothing here refuses: what cannot be understood is kept, and listed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use case::event::parts::Defect;
use case::time::At;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use registry::Registry;
use registry::ids::{MatterId, OrgId};
use serde_json::{Map, Value, json};
use wire::pb::whistle::case::v1 as pb;
use wire::{PLACE_NOTE_CHARS_MAX, SOURCE_FIELDS_BYTES_MAX, TEXT_CHARS_MAX, defects_of, timestamp};

use super::body::Body;
use super::text::{cut_bytes, cut_chars};

/// Longest name and phone, in bytes: what a case may carry to the vault.
const CONTACT_BYTES_MAX: usize = 200;
/// Longest class of a source, in bytes.
const CLASS_BYTES_MAX: usize = 64;
/// Most organisations complained of; what is more is kept with the source's fields.
const ABOUT_MAX: usize = 16;
/// China has kept UTC+8 without summer time since 1991.
const CHINA: Offset = Offset::constant(8);
/// Bytes of the original kept when it had to be mended: in base64 they fit beside what else is kept.
const ORIGINAL_BYTES_MAX: usize = 9_000;

/// Whether a ticket makes a case or says more about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Raise,
    /// Only its text changes the case; every other field is kept sealed with the revision.
    Revise,
}

/// The ticket's envelope and body.
pub(super) struct Ticket<'a> {
    pub number: &'a str,
    pub revision: u32,
    pub content_type: &'a str,
    pub original: &'a [u8],
}

/// Makes a case of what a ticket says.
pub(super) fn understand(
    ticket: &Ticket<'_>,
    body: &Body,
    purpose: Purpose,
    registry: &Registry,
) -> pb::NewCase {
    let fields = Fields { given: body.fields.clone(), kept: Map::new(), defects: Vec::new(), purpose };
    let mut fields = fields;
    let text = fields.words();
    let reporter = fields.reporter();
    let (matter_id, demand_class) = fields.matter(registry);
    let place = fields.place();
    let mut new_case = pb::NewCase {
        profile: pb::Profile::Hotline.into(),
        channel: pb::Channel::Hotline.into(),
        reporters: vec![reporter],
        text,
        place: Some(place),
        matter_id,
        demand: fields.demand(),
        demand_class,
        ticket: Some(pb::Ticket { number: ticket.number.to_owned(), revision: ticket.revision }),
        external_due_time: fields.time("due_time").map(timestamp),
        about_org_ids: fields.about(registry),
        confidential: fields.confidential(),
        occurred_time: fields.time("occurred_time").map(timestamp),
        ..pb::NewCase::default()
    };
    if body.damaged {
        fields.defects.push(Defect::TextDamaged);
        fields.keep_original(ticket);
    }
    new_case.source_fields_json = fields.kept_json();
    new_case.defects = defects_of(&fields.defects);
    new_case
}

struct Fields {
    given: Map<String, Value>,
    kept: Map<String, Value>,
    defects: Vec<Defect>,
    purpose: Purpose,
}

impl Fields {
    /// Takes a field; in a revision it is kept as well.
    fn take(&mut self, key: &str) -> Option<Value> {
        let value = self.given.remove(key).filter(|value| !value.is_null())?;
        if self.purpose == Purpose::Revise {
            self.kept.insert(key.to_owned(), value.clone());
        }
        Some(value)
    }

    fn unreadable(&mut self, key: &str, value: Value) {
        self.kept.insert(key.to_owned(), value);
        self.defects.push(Defect::SourceFieldUnreadable);
    }

    /// A text; a number is taken for the text it was meant to be.
    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.take(key)?;
        match plain_text(&value) {
            Some(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            None => {
                self.unreadable(key, value);
                None
            }
        }
    }

    /// A text that may be too long, or have control characters; then all of it is kept.
    fn short(&mut self, key: &str, bytes_max: usize) -> String {
        let text = self.text(key).unwrap_or_default();
        let printable = text.replace(char::is_control, " ");
        let (cut, more) = cut_bytes(printable.trim(), bytes_max);
        let cut = cut.to_owned();
        if more || printable != text {
            self.unreadable(key, Value::String(text));
        }
        cut
    }

    fn words(&mut self) -> String {
        let purpose = std::mem::replace(&mut self.purpose, Purpose::Raise);
        let parts = [self.text("title"), self.text("content")];
        self.purpose = purpose;
        let words = parts.into_iter().flatten().collect::<Vec<_>>().join("\n");
        let (cut, more) = cut_chars(&words, TEXT_CHARS_MAX);
        let cut = cut.to_owned();
        if more {
            self.kept.insert("text".to_owned(), Value::String(words));
            self.defects.push(Defect::TextDamaged);
        }
        cut
    }

    /// The caller goes into the vault, so it is never kept twice.
    fn reporter(&mut self) -> pb::Reporter {
        let (mut name, mut phone) = (String::new(), String::new());
        match self.given.remove("caller") {
            None | Some(Value::Null) => {}
            Some(Value::Object(mut caller)) => {
                for (key, to) in [("name", &mut name), ("phone", &mut phone)] {
                    let Some(value) = caller.remove(key).filter(|value| !value.is_null()) else { continue };
                    let text = plain_text(&value).unwrap_or_default();
                    let (cut, more) = cut_bytes(text.trim(), CONTACT_BYTES_MAX);
                    if more || text.is_empty() {
                        self.defects.push(Defect::ContactInvalid);
                        caller.insert(key.to_owned(), value);
                    }
                    cut.clone_into(to);
                }
                if !caller.is_empty() {
                    self.kept.insert("caller".to_owned(), Value::Object(caller));
                }
            }
            Some(other) => {
                self.defects.push(Defect::ContactInvalid);
                self.unreadable("caller", other);
            }
        }
        let anonymous = name.is_empty() && phone.is_empty();
        let kind = if anonymous { pb::ReporterKind::Anonymous } else { pb::ReporterKind::Resident };
        pb::Reporter { kind: kind.into(), person_id: String::new(), name, phone }
    }

    /// Our matter and the source's class: the class stands for a matter when it has its id or its name.
    fn matter(&mut self, registry: &Registry) -> (String, String) {
        let class = self.short("class", CLASS_BYTES_MAX);
        let given = self.short("matter", CLASS_BYTES_MAX);
        let wanted = if given.is_empty() { &class } else { &given };
        let by_id = MatterId::new(wanted.as_str()).ok().and_then(|id| registry.matter(&id));
        let by_name = || registry.content().matters.iter().find(|matter| matter.name == *wanted);
        let found = by_id.or_else(by_name).map(|matter| matter.id.to_string());
        (found.unwrap_or_else(|| wanted.clone()), class)
    }

    fn demand(&mut self) -> i32 {
        let Some(text) = self.text("demand") else { return 0 };
        let name = format!("DEMAND_KIND_{}", text.to_ascii_uppercase());
        match pb::DemandKind::from_str_name(&name) {
            Some(demand) => demand.into(),
            None => {
                self.unreadable("demand", Value::String(text));
                0
            }
        }
    }

    fn place(&mut self) -> pb::Place {
        let address = self.text("address").unwrap_or_default();
        let (note, more) = cut_chars(&address, PLACE_NOTE_CHARS_MAX);
        let note = note.to_owned();
        if more {
            self.kept.insert("address".to_owned(), Value::String(address));
            self.defects.push(Defect::TextDamaged);
        }
        pb::Place {
            area_code: self.short("area", CLASS_BYTES_MAX),
            compound_id: self.short("compound", CLASS_BYTES_MAX),
            building_id: self.short("building", CLASS_BYTES_MAX),
            point: self.point(),
            note,
        }
    }

    fn point(&mut self) -> Option<pb::Point> {
        let keys = ["lat", "lon", "datum", "accuracy_m"];
        let [lat, lon, datum, accuracy] = keys.map(|key| self.take(key));
        if lat.is_none() && lon.is_none() {
            return None;
        }
        let name = match &datum {
            None => Some("GCJ02".to_owned()),
            Some(value) => plain_text(value).map(|text| text.trim().to_ascii_uppercase()),
        };
        let known = name.and_then(|name| pb::Datum::from_str_name(&format!("DATUM_{name}")));
        let known = known.filter(|datum| *datum != pb::Datum::Unspecified);
        let accuracy_m = accuracy.as_ref().and_then(degrees).map(|metres| metres.clamp(0.0, 1e6).round());
        let point = || {
            let (latitude, longitude) = (degrees(lat.as_ref()?)?, degrees(lon.as_ref()?)?);
            Some((latitude, longitude, known?))
        };
        let Some((latitude, longitude, datum)) = point() else {
            for (key, value) in keys.into_iter().zip([lat, lon, datum, accuracy]) {
                self.kept.extend(value.map(|value| (key.to_owned(), value)));
            }
            self.defects.push(Defect::SourceFieldUnreadable);
            return None;
        };
        if latitude.abs() > 90.0 || longitude.abs() > 180.0 {
            self.kept.insert("lat".to_owned(), json!(latitude));
            self.kept.insert("lon".to_owned(), json!(longitude));
            self.defects.push(Defect::PointInvalid);
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to a million")]
        let accuracy_m = accuracy_m.map(|metres| metres as u32);
        Some(pb::Point { latitude, longitude, datum: datum.into(), accuracy_m })
    }

    fn time(&mut self, key: &str) -> Option<At> {
        let text = self.text(key)?;
        let instant = text.parse::<Timestamp>().ok();
        let in_china = || CHINA.to_timestamp(text.parse::<DateTime>().ok()?).ok();
        let found = instant.or_else(in_china).map(At::new);
        if found.is_none() {
            self.unreadable(key, Value::String(text));
        }
        found
    }

    /// Whoever may have asked to stay unknown stays unknown.
    fn confidential(&mut self) -> bool {
        match self.take("confidential") {
            None => false,
            Some(Value::Bool(confidential)) => confidential,
            Some(other) => {
                self.unreadable("confidential", other);
                true
            }
        }
    }

    fn about(&mut self, registry: &Registry) -> Vec<String> {
        let given = match self.take("about_org") {
            None => return Vec::new(),
            Some(Value::Array(items)) => items,
            Some(one) => vec![one],
        };
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for item in given {
            let org = plain_text(&item).and_then(|text| named_org(text.trim(), registry));
            match org.filter(|_| found.len() < ABOUT_MAX) {
                Some(org) if found.contains(&org) => {}
                Some(org) => found.push(org),
                None => others.push(item),
            }
        }
        if !others.is_empty() {
            self.unreadable("about_org", Value::Array(others));
        }
        found
    }

    fn keep_original(&mut self, ticket: &Ticket<'_>) {
        let kept = ticket.original.get(..ORIGINAL_BYTES_MAX).unwrap_or(ticket.original);
        let (bytes, base64) = (ticket.original.len(), STANDARD.encode(kept));
        let original = json!({ "content_type": ticket.content_type, "bytes": bytes, "base64": base64 });
        self.kept.insert("_original".to_owned(), original);
    }

    /// What is kept, as one JSON text that fits; what does not fit is cut, and said to be.
    fn kept_json(&mut self) -> String {
        self.kept.append(&mut self.given);
        self.kept.retain(|_, value| !value.is_null());
        if self.kept.is_empty() {
            return String::new();
        }
        let json = printable_json(&Value::Object(std::mem::take(&mut self.kept)));
        if json.len() <= SOURCE_FIELDS_BYTES_MAX {
            return json;
        }
        self.defects.push(Defect::SourceFieldUnreadable);
        // Quoting a JSON text at most doubles it, and the frame around it is short.
        let (begin, _) = cut_bytes(&json, SOURCE_FIELDS_BYTES_MAX / 2 - 100);
        json!({ "_cut_from_bytes": json.len(), "_begin": begin }).to_string()
    }
}

/// JSON without a control character. Those up to U+001F are escaped anyway; the others stand in strings alone, where an escape means
/// the same.
fn printable_json(value: &Value) -> String {
    let json = value.to_string();
    if !json.contains(char::is_control) {
        return json;
    }
    let mut printable = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_control() {
            printable.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            printable.push(c);
        }
    }
    printable
}

fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn degrees(value: &Value) -> Option<f64> {
    plain_text(value)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn named_org(text: &str, registry: &Registry) -> Option<String> {
    let by_id = OrgId::new(text).ok().filter(|org| registry.org(org).is_some());
    let by_name = || registry.content().orgs.iter().find(|org| org.name == text).map(|org| org.id.clone());
    by_id.or_else(by_name).map(String::from)
}
