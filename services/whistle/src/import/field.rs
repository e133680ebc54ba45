//! Paths to fields inside a record, and what is left when those that were used are taken out.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest path, in bytes.
const PATH_BYTES_MAX: usize = 256;

/// A path such as `attributes.zip` or `notes.0.text`. A key that is spelt exactly like the whole path is found first, so
/// that columns with dots in their name can be reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct FieldPath(String);

impl TryFrom<String> for FieldPath {
    type Error = String;

    fn try_from(path: String) -> Result<Self, String> {
        if path.is_empty() || path.len() > PATH_BYTES_MAX {
            return Err(format!("a path has 1 to {PATH_BYTES_MAX} bytes"));
        }
        Ok(Self(path))
    }
}

impl FieldPath {
    /// The path as written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What is there; null counts as nothing.
    pub(super) fn get<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        let found = match value.get(&self.0) {
            Some(found) => Some(found),
            None => self.0.split('.').try_fold(value, step),
        };
        found.filter(|found| !found.is_null())
    }

    /// The text that is there, trimmed; none when it is empty.
    pub(super) fn text(&self, value: &Value) -> Option<String> {
        self.get(value).map(as_text).filter(|text| !text.is_empty())
    }

    /// Takes out what is there, so that what was used is not kept twice.
    pub(super) fn take(&self, value: &mut Value) {
        if value.get(&self.0).is_some() {
            if let Some(fields) = value.as_object_mut() {
                fields.remove(&self.0);
            }
            return;
        }
        let (parent, last) = match self.0.rsplit_once('.') {
            Some((parent, last)) => (parent.split('.').try_fold(value, step_mut), last),
            None => (Some(value), self.0.as_str()),
        };
        match parent {
            Some(Value::Object(fields)) => {
                fields.remove(last);
            }
            Some(Value::Array(items)) => {
                if let Some(item) = last.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                    *item = Value::Null;
                }
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
        }
    }
}

fn step<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn step_mut<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    match value {
        Value::Object(fields) => fields.get_mut(key),
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// A value as people write it; what is nested stays JSON.
pub(super) fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// What says something: without nulls, empty texts, empty lists and empty objects.
pub(super) fn pruned(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.trim().is_empty()).then_some(Value::String(text)),
        Value::Array(items) => {
            let kept: Vec<Value> = items.into_iter().filter_map(pruned).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        Value::Object(fields) => {
            let kept: Map<String, Value> =
                fields.into_iter().filter_map(|(key, value)| Some((key, pruned(value)?))).collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Bool(_) | Value::Number(_) => Some(value),
    }
}
