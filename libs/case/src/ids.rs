//! Identifiers of a case and of what lies inside it.

use std::fmt;

use registry::ids::IdError;
use ring::digest;
use serde::{Deserialize, Serialize};
use uuid::{Uuid, Version};

/// A case (案件): names its event stream, shared by every service, never shown as a number to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub Uuid);

impl CaseId {
    /// The name of the case's event stream.
    #[must_use]
    pub fn stream(&self) -> String {
        ["case/", self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer())].concat()
    }

    /// The case whose stream has exactly this name; none for every other stream, also one that spells an id in another way.
    #[must_use]
    pub fn from_stream(name: &str) -> Option<Self> {
        let text = name.strip_prefix("case/")?;
        let id = Uuid::try_parse(text).ok()?;
        (id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(Self(id))
    }

    /// An id that follows from a trigger: the same parts give the same id, so that whoever repeats the work repeats the id.
    #[must_use]
    pub fn derived(tag: &str, parts: &[&[u8]]) -> Self {
        Self(derived_uuid(tag, parts))
    }

    /// The case that a command makes in a ledger: the same command of the same principal makes the same case.
    ///
    /// Where the command's id tells its time (UUIDv7), the case's begins with it too (48 bits, milliseconds since 1970), so that
    /// what is raised together lies together wherever ids are sorted. The other 74 bits are of the digest.
    #[must_use]
    pub fn made_by(ledger: &str, principal: &str, command_id: Uuid) -> Self {
        let digest =
            derived_uuid("whistle/case", &[ledger.as_bytes(), principal.as_bytes(), command_id.as_bytes()]);
        if command_id.get_version() != Some(Version::SortRand) {
            return Self(digest);
        }
        let mut bytes = digest.into_bytes();
        bytes.iter_mut().zip(command_id.as_bytes()).take(TIME_BYTES).for_each(|(to, from)| *to = *from);
        Self(Uuid::from_bytes(bytes))
    }
}

/// A UUIDv7 begins with so many bytes of time (RFC 9562, 5.7).
const TIME_BYTES: usize = 6;

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// A UUIDv8 over SHA-256 of a tag and length-prefixed parts.
///
/// Command ids of reactors are made by this from what triggered them, so that a second run, a rebuild or a second copy commits
/// nothing twice.
#[must_use]
pub fn derived_uuid(tag: &str, parts: &[&[u8]]) -> Uuid {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in std::iter::once(tag.as_bytes()).chain(parts.iter().copied()) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut bytes = [0_u8; 16];
    for (to, from) in bytes.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

macro_rules! ordinals {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The one after this.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ordinals! {
    /// A duty of the case, counted from 1. The same organisation may hold several.
    ObligationNo;
    /// A whistle of the case, counted from 1.
    WhistleNo;
    /// A clock of the case, counted from 1.
    ClockNo;
    /// A measure of a joint plan, counted from 1 through the whole case.
    MeasureNo;
    /// A request that waits for a decision, counted from 1 through the whole case.
    RequestNo;
}

/// Names the key of one data subject in one case: `case` for the case file, `reporter-N` for its N-th reporter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The key of the case file.
    #[must_use]
    pub fn case_file() -> Self {
        Self("case".to_owned())
    }

    /// The key of the N-th reporter, from 1.
    #[must_use]
    pub fn reporter(number: u32) -> Self {
        Self(format!("reporter-{number}"))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        registry::ids::RuleId::new(text.as_str())?;
        Ok(Self(text))
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
