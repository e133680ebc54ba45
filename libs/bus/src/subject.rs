//! Subjects made of checked tokens.

use std::fmt;
use std::sync::Arc;

/// The server's own limit on a subject is that of a protocol line, 4096 bytes by default; ours are far shorter.
const SUBJECT_BYTES_MAX: usize = 255;

const TOKEN_BYTES_MAX: usize = 128;

/// Where a message goes: tokens of letters, digits, `_` and `-`, joined by dots. It cannot hold a wildcard.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject(Arc<str>);

/// Why something is no subject. The token itself is not repeated: it may be anybody's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// There are no tokens.
    #[error("a subject needs a token")]
    NoTokens,
    /// The token at this index is empty.
    #[error("token {0} of the subject is empty")]
    Empty(usize),
    /// The token at this index has a character other than a letter of ASCII, a digit, `_` or `-`.
    #[error("token {0} of the subject has a character other than A-Z, a-z, 0-9, _ and -")]
    Character(usize),
    /// The token at this index, or the subject up to it, is too long.
    #[error("token {0} makes the subject too long")]
    TooLong(usize),
}

impl Subject {
    /// Joins checked tokens.
    ///
    /// # Errors
    /// [`BadSubject`] for a token that is empty, has another character, or is longer than 128 bytes, and for more than
    /// 255 bytes altogether.
    pub fn new<T: AsRef<str>>(tokens: impl IntoIterator<Item = T>) -> Result<Subject, BadSubject> {
        let mut subject = String::new();
        for (index, token) in tokens.into_iter().enumerate() {
            let token = token.as_ref();
            check_token(index, token)?;
            if index > 0 {
                subject.push('.');
            }
            subject.push_str(token);
            if subject.len() > SUBJECT_BYTES_MAX {
                return Err(BadSubject::TooLong(index));
            }
        }
        if subject.is_empty() { Err(BadSubject::NoTokens) } else { Ok(Subject(subject.into())) }
    }

    /// The subject as NATS writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn check_token(index: usize, token: &str) -> Result<(), BadSubject> {
    if token.is_empty() {
        return Err(BadSubject::Empty(index));
    }
    if token.len() > TOKEN_BYTES_MAX {
        return Err(BadSubject::TooLong(index));
    }
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
    if token.bytes().all(is_plain) { Ok(()) } else { Err(BadSubject::Character(index)) }
}
