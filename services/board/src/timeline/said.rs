//! Who did it and what was said with it, read from the event as it is stored: any event, today's or a later one's, tells its own.

use case::event::Event;
use case::event::parts::By;
use case::sealed::Sealed;
use serde_json::Value;
use wire::pb::whistle::board::v1::SaidWith;

use crate::words::Reading;

/// Deepest nesting looked into: events have three levels.
const DEPTH_MAX: usize = 8;

/// Who did it, and every sealed text in it, opened where the caller may read it.
pub(super) fn of(event: &Event, reading: &Reading<'_>) -> (Option<By>, Vec<SaidWith>) {
    let payload: Option<Value> = event.encode().ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Some(payload) = payload else { return (None, Vec::new()) };
    let by = payload.get("by").and_then(|by| serde_json::from_value(by.clone()).ok());
    let mut said = Vec::new();
    walk(&payload, &mut Path::default(), reading, &mut said);
    (by, said)
}

#[derive(Default)]
struct Path(Vec<String>);

impl Path {
    /// The name the text at this path was sealed for, or the one [`Reading::words`] has for it.
    fn field(&self) -> &str {
        let has = |name: &str| self.0.iter().any(|step| step == name);
        match self.0.last().map(String::as_str) {
            Some("text") if has("measures") => "measure",
            Some("note") if has("meeting") => "meeting",
            Some(last) => last,
            None => "",
        }
    }
}

fn walk(value: &Value, path: &mut Path, reading: &Reading<'_>, said: &mut Vec<SaidWith>) {
    if path.0.len() > DEPTH_MAX {
        return;
    }
    if let Some(sealed) = sealed(value) {
        let words = reading.words(path.field(), &sealed);
        said.push(SaidWith { field: path.0.join("."), words: Some(words) });
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                path.0.push(name.clone());
                walk(inner, path, reading, said);
                path.0.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                path.0.push(index.to_string());
                walk(inner, path, reading, said);
                path.0.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An object of exactly the four fields of a sealed text.
fn sealed(value: &Value) -> Option<Sealed> {
    let fields = value.as_object().filter(|fields| fields.len() == 4)?;
    let has = |name| fields.contains_key(name);
    let fits = has("alg") && has("key_id") && has("nonce") && has("ciphertext");
    fits.then(|| serde_json::from_value(value.clone()).ok()).flatten()
}
