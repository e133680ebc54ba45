//! Reads fields and notes every violation, so that one answer names them all.

use std::str::FromStr;

use case::event::parts::Evidence;
use case::ids::KeyId;
use case::refusal::Violation;
use case::sealed::Sealed;
use case::time::At;
use prost_types::Timestamp;
use registry::ids::IdError;
use uuid::Uuid;

use crate::enums::Wire;
use crate::instant;
use crate::pb::whistle::case::v1 as pb;
use crate::seal::Seal;

/// Longest text, in characters: a reply of eight pages, and still one event.
pub const TEXT_CHARS_MAX: usize = 4000;
/// Longest description of a place, in characters.
pub const PLACE_NOTE_CHARS_MAX: usize = 1000;
/// Longest JSON of fields of a source, in bytes: three sealed texts and this still fit one event.
pub const SOURCE_FIELDS_BYTES_MAX: usize = 16_000;
/// Most items of any list. The policies allow fewer; this keeps what is looked at bounded.
pub const LIST_ITEMS_MAX: usize = 100;
/// Longest media type, in bytes.
const MEDIA_TYPE_BYTES_MAX: usize = 64;

/// Reads the fields of one request. Every reader gives `None` when it noted a violation.
pub(crate) struct Check<'s> {
    pub(crate) seal: &'s mut dyn Seal,
    pub(crate) violations: Vec<Violation>,
}

impl<'s> Check<'s> {
    pub(crate) fn new(seal: &'s mut dyn Seal) -> Self {
        Self { seal, violations: Vec::new() }
    }

    pub(crate) fn violated(&mut self, field: &str, code: &'static str, expected: impl Into<String>) {
        self.violations.push(Violation::new(field, code, expected));
    }

    /// Makes the command of fields that were all read, or gives what was noted.
    pub(crate) fn done<T>(&mut self, make: impl FnOnce() -> Option<T>) -> Result<T, Vec<Violation>> {
        let violations = std::mem::take(&mut self.violations);
        if !violations.is_empty() {
            return Err(violations);
        }
        // A reader that gives nothing has noted why, so the second half is never taken.
        make()
            .ok_or_else(|| vec![Violation::new("request", "MALFORMED", "a request this version understands")])
    }

    /// An identifier that must be there.
    pub(crate) fn id<T: FromStr<Err = IdError>>(&mut self, field: &str, text: &str) -> Option<T> {
        if text.is_empty() {
            self.violated(field, "REQUIRED", "an identifier");
            return None;
        }
        text.parse().map_err(|error: IdError| self.violated(field, "MALFORMED", error.to_string())).ok()
    }

    /// An identifier that may be missing.
    pub(crate) fn optional_id<T: FromStr<Err = IdError>>(
        &mut self,
        field: &str,
        text: &str,
    ) -> Option<Option<T>> {
        if text.is_empty() { Some(None) } else { self.id(field, text).map(Some) }
    }

    /// Identifiers, each once.
    pub(crate) fn ids<T: FromStr<Err = IdError> + PartialEq>(
        &mut self,
        field: &str,
        texts: &[String],
    ) -> Option<Vec<T>> {
        let ids: Vec<T> = self.items(field, texts, |check, path, text| check.id(path, text))?;
        for (at, id) in ids.iter().enumerate() {
            if ids.iter().take(at).any(|earlier| earlier == id) {
                self.violated(&format!("{field}[{at}]"), "DUPLICATE", "each once");
            }
        }
        Some(ids)
    }

    /// The key of a reporter.
    pub(crate) fn key_id(&mut self, field: &str, text: &str) -> Option<KeyId> {
        if text.is_empty() {
            self.violated(field, "REQUIRED", "the reporter's key, such as reporter-1");
            return None;
        }
        KeyId::try_from(text.to_owned())
            .map_err(|error| self.violated(field, "MALFORMED", error.to_string()))
            .ok()
    }

    /// A UUID that must be there.
    pub(crate) fn uuid(&mut self, field: &str, text: &str) -> Option<Uuid> {
        uuid(field, text, &mut self.violations)
    }

    /// A number that counts from 1.
    pub(crate) fn no<T>(&mut self, field: &str, number: u32, make: fn(u32) -> T) -> Option<T> {
        if number == 0 {
            self.violated(field, "REQUIRED", "a number, counted from 1");
            return None;
        }
        Some(make(number))
    }

    /// A yes or no that must be said.
    pub(crate) fn said(&mut self, field: &str, value: Option<bool>) -> Option<bool> {
        if value.is_none() {
            self.violated(field, "REQUIRED", "true or false, said outright");
        }
        value
    }

    /// A score of 1 to 5.
    pub(crate) fn score(&mut self, field: &str, score: u32) -> Option<u8> {
        let read = u8::try_from(score).ok().filter(|score| (1..=5).contains(score));
        if read.is_none() {
            self.violated(field, "OUT_OF_RANGE", "1 to 5");
        }
        read
    }

    /// One value of an enum.
    pub(crate) fn choice<T: Wire>(&mut self, field: &str, number: i32) -> Option<T> {
        let choice = self.optional_choice(field, number)?;
        if choice.is_none() {
            self.violated(field, "REQUIRED", "one of the values the API names, not the unspecified one");
        }
        choice
    }

    /// One value of an enum, or the unspecified one.
    pub(crate) fn optional_choice<T: Wire>(&mut self, field: &str, number: i32) -> Option<Option<T>> {
        let Ok(pb) = T::Pb::try_from(number) else {
            self.violated(field, "UNKNOWN", "one of the values the API names");
            return None;
        };
        Some(T::from_pb(pb))
    }

    /// An instant that must be there.
    pub(crate) fn time(&mut self, field: &str, timestamp: Option<&Timestamp>) -> Option<At> {
        let time = self.optional_time(field, timestamp)?;
        if time.is_none() {
            self.violated(field, "REQUIRED", "a point in time");
        }
        time
    }

    /// An instant that may be missing.
    pub(crate) fn optional_time(&mut self, field: &str, timestamp: Option<&Timestamp>) -> Option<Option<At>> {
        let Some(timestamp) = timestamp else { return Some(None) };
        let at = instant::at(timestamp);
        if at.is_none() {
            self.violated(field, "MALFORMED", "a point in time");
        }
        at.map(Some)
    }

    /// Words of the case file that must be there. The field's last name is the event's.
    pub(crate) fn words(&mut self, field: &'static str, text: &str) -> Option<Sealed> {
        if text.is_empty() {
            self.violated(field, "REQUIRED", "words");
            return None;
        }
        self.optional_words(field, text)?
    }

    /// Words of the case file that may be missing.
    pub(crate) fn optional_words(&mut self, field: &'static str, text: &str) -> Option<Option<Sealed>> {
        self.sealed(field, field, &KeyId::case_file(), text, TEXT_CHARS_MAX)
    }

    /// Words that may be missing, at a path, under a key, for a field of the event.
    pub(crate) fn sealed(
        &mut self,
        path: &str,
        field: &'static str,
        key: &KeyId,
        text: &str,
        chars_max: usize,
    ) -> Option<Option<Sealed>> {
        if text.is_empty() {
            return Some(None);
        }
        if text.chars().nth(chars_max).is_some() {
            self.violated(path, "TOO_LONG", format!("at most {chars_max} characters"));
            return None;
        }
        if has_controls(text) {
            self.violated(path, "MALFORMED", "no control characters but tab and line ends");
            return None;
        }
        Some(Some(self.seal.seal(key, field, text)))
    }

    /// A list, item by item, with the path of each.
    pub(crate) fn items<I, T>(
        &mut self,
        field: &str,
        items: &[I],
        mut read: impl FnMut(&mut Self, &str, &I) -> Option<T>,
    ) -> Option<Vec<T>> {
        if items.len() > LIST_ITEMS_MAX {
            self.violated(field, "TOO_MANY", format!("at most {LIST_ITEMS_MAX}"));
            return None;
        }
        // Every item is read before the first missing one ends it, so that all violations are noted.
        let read: Vec<Option<T>> =
            items.iter().enumerate().map(|(at, item)| read(self, &format!("{field}[{at}]"), item)).collect();
        read.into_iter().collect()
    }

    pub(crate) fn evidence(&mut self, field: &str, pieces: &[pb::Evidence]) -> Option<Vec<Evidence>> {
        self.items(field, pieces, |check, path, piece| {
            let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if piece.sha256.len() != 64 || !piece.sha256.bytes().all(is_hex) {
                let expected = "64 lower-case hexadecimal digits";
                check.violated(&format!("{path}.sha256"), "MALFORMED", expected);
            }
            if !is_media_type(&piece.media_type) {
                check.violated(&format!("{path}.media_type"), "MALFORMED", "a media type such as image/jpeg");
            }
            if piece.size_bytes == 0 {
                check.violated(&format!("{path}.size_bytes"), "REQUIRED", "the size of the content");
            }
            let shows = check.choice(&format!("{path}.shows"), piece.shows)?;
            let (sha256, media_type) = (piece.sha256.clone(), piece.media_type.clone());
            Some(Evidence { sha256, media_type, bytes: piece.size_bytes, shows })
        })
    }
}

fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.len() <= MEDIA_TYPE_BYTES_MAX
        && text.split_once('/').is_some_and(|(a, b)| is_token(a) && is_token(b))
}

/// Whether a text has control characters that are neither tab nor part of a line end.
pub(crate) fn has_controls(text: &str) -> bool {
    let ends_line = |at: usize| text.as_bytes().get(at..at + 2) == Some(b"\r\n");
    text.char_indices().any(|(at, c)| is_bad_control(c) && !ends_line(at))
}

pub(crate) fn is_bad_control(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// Reads a UUID in its usual form.
pub(crate) fn uuid(field: &str, text: &str, violations: &mut Vec<Violation>) -> Option<Uuid> {
    if text.is_empty() {
        violations.push(Violation::new(field, "REQUIRED", "a UUID"));
        return None;
    }
    let read = Uuid::try_parse(text).ok().filter(|uuid| text.len() == 36 && !uuid.is_nil());
    if read.is_none() {
        violations.push(Violation::new(field, "MALFORMED", "a UUID of 36 characters, not all zeros"));
    }
    read
}
