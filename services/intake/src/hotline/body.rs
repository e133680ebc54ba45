//! A ticket's body as fields by name, whichever form it came in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use case::time::At;
use serde_json::{Map, Value, json};
use wire::pb::whistle::case::v1::{Datum, DemandKind};

use super::text;

/// Largest body, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// What a body says.
#[derive(Debug, PartialEq)]
pub(super) struct Body {
    pub fields: Map<String, Value>,
    /// Whether bytes had to be mended to read it.
    pub damaged: bool,
}

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    ContentTypeUnknown,
    TooLarge,
    Undecodable,
}

/// Reads a body.
pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Body, Unreadable> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Unreadable::TooLarge);
    }
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        from_json(body).ok_or(Unreadable::Undecodable)
    } else if media_type.eq_ignore_ascii_case("application/x-protobuf") {
        from_protobuf(body).ok_or(Unreadable::Undecodable)
    } else {
        Err(Unreadable::ContentTypeUnknown)
    }
}

fn from_json(body: &[u8]) -> Option<Body> {
    let readings = text::readings(body);
    let object = |json: &str| serde_json::from_str::<Map<String, Value>>(json).ok();
    if let Some(fields) = readings.texts.iter().find_map(|json| object(json)) {
        return Some(Body { fields, damaged: readings.damaged });
    }
    let mended = readings.texts.iter().find_map(|json| object(&text::mended_json(json)));
    mended.map(|fields| Body { fields, damaged: true })
}

/// One field of a protobuf message, as it lies on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Read by hand, because a protobuf library gives a whole message up for one byte that is not UTF-8.
fn from_protobuf(body: &[u8]) -> Option<Body> {
    let (mut fields, mut damaged) = (Map::new(), false);
    let mut caller = Map::new();
    let mut about = Vec::new();
    for (number, raw) in raw_fields(body)? {
        let mut text = |raw| text_value(raw, &mut damaged);
        let (name, value) = match number {
            1 => ("title", text(raw)),
            2 => ("content", text(raw)),
            3 => {
                caller.insert("name".to_owned(), text(raw));
                continue;
            }
            4 => {
                caller.insert("phone".to_owned(), text(raw));
                continue;
            }
            5 => ("class", text(raw)),
            6 => ("matter", text(raw)),
            7 => ("demand", enum_name(raw, |value| Some(DemandKind::try_from(value).ok()?.as_str_name()))),
            8 => ("address", text(raw)),
            9 => ("area", text(raw)),
            10 => ("compound", text(raw)),
            11 => ("building", text(raw)),
            12 => {
                fields.extend(point(raw));
                continue;
            }
            13 => ("occurred_time", time(raw)),
            14 => ("due_time", time(raw)),
            15 => ("confidential", raw_bool(raw)),
            16 => {
                about.push(text(raw));
                continue;
            }
            other => {
                fields.insert(format!("field_{other}"), raw_value(raw));
                continue;
            }
        };
        fields.insert(name.to_owned(), value);
    }
    if !caller.is_empty() {
        fields.insert("caller".to_owned(), Value::Object(caller));
    }
    if !about.is_empty() {
        fields.insert("about_org".to_owned(), Value::Array(about));
    }
    Some(Body { fields, damaged })
}

/// The number in a field of a protobuf message; none when the message is cut off or the field is no number.
pub(super) fn last_varint(message: &[u8], field: u64) -> Option<u64> {
    raw_fields(message)?.into_iter().rev().find_map(|(number, raw)| match raw {
        Raw::Varint(value) if number == field => Some(value),
        Raw::Varint(_) | Raw::Fixed32(_) | Raw::Fixed64(_) | Raw::Bytes(_) => None,
    })
}

/// Whether a protobuf message that is not cut off has a field.
pub(super) fn has_field(message: &[u8], field: u64) -> bool {
    raw_fields(message).is_some_and(|fields| fields.iter().any(|(number, _)| *number == field))
}

fn raw_fields(mut rest: &[u8]) -> Option<Vec<(u64, Raw<'_>)>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let raw = match key & 7 {
            0 => Raw::Varint(varint(&mut rest)?),
            1 => Raw::Fixed64(u64::from_le_bytes(*taken(&mut rest, 8)?.first_chunk()?)),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                Raw::Bytes(taken(&mut rest, length)?)
            }
            5 => Raw::Fixed32(u32::from_le_bytes(*taken(&mut rest, 4)?.first_chunk()?)),
            _ => return None,
        };
        if key >> 3 == 0 {
            return None;
        }
        fields.push((key >> 3, raw));
    }
    Some(fields)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *taken(rest, 1)?.first()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn taken<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// What has no better form: it will be kept, not understood.
fn raw_value(raw: Raw<'_>) -> Value {
    match raw {
        Raw::Varint(value) | Raw::Fixed64(value) => json!(value),
        Raw::Fixed32(value) => json!(value),
        Raw::Bytes(bytes) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

fn text_value(raw: Raw<'_>, damaged: &mut bool) -> Value {
    let Raw::Bytes(bytes) = raw else { return json!([raw_value(raw)]) };
    let (text, mended) = text::likeliest(bytes);
    *damaged |= mended;
    Value::String(text)
}

fn enum_name(raw: Raw<'_>, name: impl Fn(i32) -> Option<&'static str>) -> Value {
    let Raw::Varint(value) = raw else { return raw_value(raw) };
    if value == 0 {
        return Value::Null;
    }
    let name = i32::try_from(value).ok().and_then(name);
    let last = name.map(|name| name.trim_start_matches("DEMAND_KIND_").trim_start_matches("DATUM_"));
    last.map_or_else(|| raw_value(raw), |name| Value::String(name.to_owned()))
}

fn raw_bool(raw: Raw<'_>) -> Value {
    match raw {
        Raw::Varint(value) => Value::Bool(value != 0),
        Raw::Fixed64(_) | Raw::Bytes(_) | Raw::Fixed32(_) => raw_value(raw),
    }
}

fn point(raw: Raw<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    let Raw::Bytes(bytes) = raw else { return fields };
    let mut put = |name: &str, value| fields.insert(name.to_owned(), value);
    let Some(raws) = raw_fields(bytes) else {
        put("lat", raw_value(raw));
        return fields;
    };
    // Absent is zero in protobuf, and latitude 0 is what a device without a position sends.
    put("lat", json!(0.0));
    put("lon", json!(0.0));
    for (number, raw) in raws {
        match (number, raw) {
            (1, Raw::Fixed64(bits)) => put("lat", json!(f64::from_bits(bits))),
            (2, Raw::Fixed64(bits)) => put("lon", json!(f64::from_bits(bits))),
            (3, _) => put("datum", enum_name(raw, |value| Some(Datum::try_from(value).ok()?.as_str_name()))),
            (4, Raw::Varint(metres)) => put("accuracy_m", json!(metres)),
            (other, _) => put(&format!("point_{other}"), raw_value(raw)),
        };
    }
    fields
}

fn time(raw: Raw<'_>) -> Value {
    let Raw::Bytes(bytes) = raw else { return raw_value(raw) };
    let (mut seconds, mut nanos) = (0, 0);
    for (number, raw) in raw_fields(bytes).unwrap_or_default() {
        match (number, raw) {
            (1, Raw::Varint(value)) => seconds = value.cast_signed(),
            (2, Raw::Varint(value)) => nanos = i32::try_from(value).unwrap_or(-1),
            _ => {}
        }
    }
    let at = jiff::Timestamp::new(seconds, nanos).ok().filter(|_| nanos >= 0);
    at.map_or_else(|| raw_value(raw), |at| Value::String(At::new(at).to_string()))
}
