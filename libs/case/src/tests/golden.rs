//! The stored bytes of every event type, pinned for ever by the files under `golden/`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::event::{DecodeError, Event, SCHEMA_VERSION};

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Every golden file: its name, the event type it is of, and its bytes.
fn files() -> Vec<(String, String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let event_type = name.split('.').next().unwrap().to_owned();
        files.push((name, event_type, std::fs::read(&path).unwrap()));
    }
    files.sort();
    files
}

fn types() -> BTreeSet<&'static str> {
    Event::FAMILIES.iter().flat_map(|(_, types)| types.iter().copied()).collect()
}

fn decode(event_type: &str, payload: &[u8]) -> Event {
    Event::decode(event_type, SCHEMA_VERSION, payload).unwrap_or_else(|e| panic!("{event_type}: {e:?}"))
}

#[test]
fn every_golden_file_decodes_and_encodes_to_the_same_bytes() {
    for (name, event_type, bytes) in files() {
        let event = decode(&event_type, &bytes);
        assert_eq!(event.event_type(), event_type, "{name}");
        let again = event.encode().unwrap();
        assert_eq!(String::from_utf8(again).unwrap(), String::from_utf8(bytes).unwrap(), "{name}");
    }
}

#[test]
fn every_type_has_a_golden_file_and_every_golden_file_a_type() {
    let whole: BTreeSet<String> =
        files().into_iter().filter(|(name, ..)| name.ends_with(".v1.json")).map(|(_, t, _)| t).collect();
    assert_eq!(whole, types().into_iter().map(str::to_owned).collect());
    for (name, event_type, _) in files() {
        let known = [format!("{event_type}.v1.json"), format!("{event_type}.v1.min.json")];
        assert!(known.contains(&name), "{name} is no golden file's name");
    }
}

#[test]
fn no_two_families_share_a_name() {
    let all: usize = Event::FAMILIES.iter().map(|(_, types)| types.len()).sum();
    assert_eq!(all, types().len());
}

/// A field left out of the smaller file is optional: it is in the larger one, and absent, not null, in the smaller.
#[test]
fn absent_is_not_null() {
    let files: BTreeMap<String, Vec<u8>> =
        files().into_iter().map(|(name, _, bytes)| (name, bytes)).collect();
    let mut pairs = 0;
    for (name, bytes) in &files {
        assert!(!String::from_utf8_lossy(bytes).contains("null"), "{name}");
        let Some(event_type) = name.strip_suffix(".v1.min.json") else { continue };
        pairs += 1;
        let whole: Value = serde_json::from_slice(&files[&format!("{event_type}.v1.json")]).unwrap();
        let least: Value = serde_json::from_slice(bytes).unwrap();
        let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert!(keys(&least).is_subset(&keys(&whole)), "{name}");
        assert_ne!(whole, least, "{name}");
    }
    assert!(pairs > 90, "most types have something optional, {pairs} files say so");
}

#[test]
fn instants_have_six_decimals_and_utc() {
    fn check(name: &str, key: &str, value: &Value) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| check(name, key, value)),
            Value::Array(items) => items.iter().for_each(|item| check(name, key, item)),
            Value::String(text) if key.ends_with("at") || key.ends_with("_until") => {
                assert_eq!(text.len(), "2026-03-02T01:15:00.000000Z".len(), "{name} {key}: {text}");
                assert!(text.ends_with('Z'), "{name} {key}: {text}");
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    for (name, _, bytes) in files() {
        check(&name, "", &serde_json::from_slice(&bytes).unwrap());
    }
}

/// Puts a field nobody knows into every object, however deep.
fn with_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(with_unknown_fields);
            fields.insert("zz_later".to_owned(), serde_json::json!({"of": ["a later version"]}));
        }
        Value::Array(items) => items.iter_mut().for_each(with_unknown_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn unknown_fields_are_ignored_at_every_depth() {
    for (name, event_type, bytes) in files() {
        if event_type == "RegistryPartStaged" {
            continue; // Its items are content that is kept as it is.
        }
        let mut value: Value = serde_json::from_slice(&bytes).unwrap();
        // The whistle settled by a number of parties is a name with a value, not an object with fields.
        let settled_by = value.get("settled_by").cloned();
        with_unknown_fields(&mut value);
        if let Some(settled_by) = settled_by {
            value["settled_by"] = settled_by;
        }
        let later = serde_json::to_vec(&value).unwrap();
        assert_eq!(decode(&event_type, &later), decode(&event_type, &bytes), "{name}");
    }
}

#[test]
fn unknown_types_and_schema_versions_are_newer() {
    let newer = |event_type, version| {
        matches!(Event::decode(event_type, version, b"{}"), Err(DecodeError::Newer { event_type: t, schema_version: v })
            if t == event_type && v == version)
    };
    assert!(newer("CaseTeleported", 1));
    assert!(newer("caseraised", 1));
    assert!(newer("", 1));
    for event_type in types() {
        assert!(newer(event_type, 2));
        assert!(newer(event_type, 0));
    }
}

#[test]
fn payloads_that_do_not_fit_are_damage_and_not_newer() {
    for event_type in types() {
        for payload in [&b"{}"[..], b"", b"[]", b"{\"by\":1}", b"\xff\xfe"] {
            let decoded = Event::decode(event_type, SCHEMA_VERSION, payload);
            assert!(matches!(decoded, Err(DecodeError::Payload { .. })), "{event_type}: {decoded:?}");
        }
    }
}

#[test]
fn the_catalogue_lists_every_type_once_and_nothing_else() {
    let text = include_str!("../../EVENTS.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let listed: Vec<&str> = rows.collect();
    let mut families = Vec::new();
    for (family, types) in Event::FAMILIES {
        families.push(format!("## {family}"));
        assert!(text.contains(&format!("\n## {family}\n")), "no chapter {family}");
        assert!(types.iter().all(|name| listed.contains(name)), "{family} is not whole");
    }
    let chapters: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(chapters, families);
    let in_order: Vec<&str> = Event::FAMILIES.iter().flat_map(|(_, types)| types.iter().copied()).collect();
    assert_eq!(listed, in_order);
}
