//! Tests of the crate.

mod baseline;
mod codec;
mod commands;
mod enums;
mod protocol;
mod raise;
mod statuses;

use case::ids::KeyId;
use case::refusal::Violation;
use case::sealed::{SealAlgorithm, Sealed};

use crate::Seal;

/// Seals so that a test can read it: the field stands as nonce, the text as ciphertext.
#[derive(Debug, Default)]
pub(crate) struct Readable;

impl Seal for Readable {
    fn seal(&mut self, key: &KeyId, field: &'static str, text: &str) -> Sealed {
        readable(key, field, text)
    }

    fn code_mac(&mut self, code: &str) -> String {
        format!("mac of {code}")
    }
}

pub(crate) fn readable(key: &KeyId, field: &str, text: &str) -> Sealed {
    let alg = SealAlgorithm::Chacha20Poly1305;
    Sealed { alg, key_id: key.clone(), nonce: field.into(), ciphertext: text.into() }
}

/// A text of the case file, as [`Readable`] seals it.
pub(crate) fn of_file(field: &str, text: &str) -> Sealed {
    readable(&KeyId::case_file(), field, text)
}

/// Field and code of each violation, in the order noted.
pub(crate) fn told(violations: &[Violation]) -> Vec<(&str, &str)> {
    violations.iter().map(|violation| (violation.field.as_str(), violation.code)).collect()
}
