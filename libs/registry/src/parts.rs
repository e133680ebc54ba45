//! Cutting a registry into parts small enough for one event each, and putting it together again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::content::Content;

/// Most parts one registry may have: 4,096 of 48 KiB are 192 MiB, far above any district.
pub const PARTS_MAX: usize = 4_096;

/// One part of a registry: some entries of one section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The section, such as `places.areas`.
    pub name: String,
    /// Its number among the section's parts, from 0.
    pub index: u32,
    /// How many parts the section has.
    pub of: u32,
    /// The entries: a JSON array, or an object for a section that is one.
    pub json: String,
}

/// Why a registry cannot be cut or put together.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// One entry alone is larger than a part may be.
    #[error("an entry of {name} has {bytes} bytes, a part may have {bytes_max}")]
    EntryTooLarge {
        /// The section.
        name: String,
        /// The entry's size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// More than [`PARTS_MAX`] parts.
    #[error("more than {PARTS_MAX} parts")]
    TooMany,
    /// A part is missing, doubled or does not count like the others of its section.
    #[error("the parts of {0} are not complete")]
    Incomplete(String),
    /// The parts do not read as a registry.
    #[error("the parts do not read as a registry")]
    Unreadable(#[from] serde_json::Error),
}

/// Sections that are objects of sections, and so are cut one level deeper.
const NESTED: [&str; 2] = ["places", "policies"];

impl Content {
    /// Cuts the registry into parts of at most `bytes_max` bytes, also when the JSON is stored as a quoted string.
    ///
    /// # Errors
    /// [`PartsError::EntryTooLarge`] when one entry alone is larger; [`PartsError::TooMany`] when the limit is too small.
    pub fn into_parts(self, bytes_max: usize) -> Result<Vec<Part>, PartsError> {
        let mut parts = Vec::new();
        let Value::Object(sections) = serde_json::to_value(&self)? else { return Ok(parts) };
        for (name, section) in sections {
            let nested = NESTED.contains(&name.as_str());
            if nested && let Value::Object(inner) = section {
                for (key, value) in inner {
                    parts.extend(cut(&format!("{name}.{key}"), &value, bytes_max)?);
                }
            } else {
                parts.extend(cut(&name, &section, bytes_max)?);
            }
        }
        if parts.len() > PARTS_MAX { Err(PartsError::TooMany) } else { Ok(parts) }
    }

    /// Puts a registry together from its parts, in whatever order they come.
    ///
    /// # Errors
    /// [`PartsError::Incomplete`] when one is missing or doubled; [`PartsError::Unreadable`] when they are no registry.
    pub fn from_parts(parts: &[Part]) -> Result<Self, PartsError> {
        if parts.len() > PARTS_MAX {
            return Err(PartsError::TooMany);
        }
        let mut sections: BTreeMap<&str, Vec<&Part>> = BTreeMap::new();
        for part in parts {
            sections.entry(part.name.as_str()).or_default().push(part);
        }
        let mut whole = Map::new();
        for (name, mut parts) in sections {
            parts.sort_by_key(|part| part.index);
            let value = join(name, &parts)?;
            match name.split_once('.') {
                None => whole.insert(name.to_owned(), value),
                Some((outer, inner)) => {
                    let slot = whole.entry(outer).or_insert_with(|| Value::Object(Map::new()));
                    let object =
                        slot.as_object_mut().ok_or_else(|| PartsError::Incomplete(name.to_owned()))?;
                    object.insert(inner.to_owned(), value)
                }
            };
        }
        Ok(serde_json::from_value(Value::Object(whole))?)
    }
}

fn cut(name: &str, value: &Value, bytes_max: usize) -> Result<Vec<Part>, PartsError> {
    let texts = if let Value::Array(entries) = value {
        cut_array(name, entries, bytes_max)?
    } else {
        let text = serde_json::to_string(value)?;
        check_size(name, quoted_size(&text)?, bytes_max)?;
        vec![text]
    };
    let of = u32::try_from(texts.len()).map_err(|_many| PartsError::TooMany)?;
    Ok((0..of).zip(texts).map(|(index, json)| Part { name: name.to_owned(), index, of, json }).collect())
}

fn cut_array(name: &str, entries: &[Value], bytes_max: usize) -> Result<Vec<String>, PartsError> {
    let mut texts = Vec::new();
    let mut open = String::from("[");
    let mut bytes = QUOTES_AND_BRACKETS;
    for entry in entries {
        let text = serde_json::to_string(entry)?;
        let size = quoted_size(&text)?;
        check_size(name, size + QUOTES_AND_BRACKETS, bytes_max)?;
        if bytes + size > bytes_max {
            texts.push(std::mem::replace(&mut open, String::from("[")) + "]");
            bytes = QUOTES_AND_BRACKETS;
        }
        if open.len() > 1 {
            open.push(',');
        }
        open.push_str(&text);
        bytes += size;
    }
    texts.push(open + "]");
    Ok(texts)
}

fn check_size(name: &str, bytes: usize, bytes_max: usize) -> Result<(), PartsError> {
    if bytes > bytes_max {
        return Err(PartsError::EntryTooLarge { name: name.to_owned(), bytes, bytes_max });
    }
    Ok(())
}

const QUOTES_AND_BRACKETS: usize = 4;

/// The size of an entry inside a quoted JSON string; the two quotes counted here stand for the comma.
fn quoted_size(text: &str) -> Result<usize, PartsError> {
    Ok(serde_json::to_string(text)?.len())
}

fn join(name: &str, parts: &[&Part]) -> Result<Value, PartsError> {
    let incomplete = || PartsError::Incomplete(name.to_owned());
    let count = u32::try_from(parts.len()).map_err(|_many| PartsError::TooMany)?;
    let complete = (0..count).zip(parts).all(|(index, part)| part.index == index && part.of == count);
    if !complete {
        return Err(incomplete());
    }
    if let [part] = parts {
        return Ok(serde_json::from_str(&part.json)?);
    }
    let mut entries: Vec<Value> = Vec::new();
    for part in parts {
        entries.append(&mut serde_json::from_str(&part.json)?);
    }
    Ok(Value::Array(entries))
}
