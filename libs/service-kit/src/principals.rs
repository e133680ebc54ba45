//! Who is calling: bearer tokens, each of one person or one system. Who has no token is nobody.
//!
//! The file holds SHA-256 digests, never tokens. Tokens are random (at least 128 bits), so a plain digest cannot be searched,
//! and finding one by its digest tells nothing by its timing.

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

use registry::ids::{AreaCode, OrgId, PersonId, Role, SourceId};
use ring::digest;
use serde::Deserialize;
use toml::{Table, Value};
use tonic::metadata::MetadataMap;

use crate::config::{Fault, Faults};

/// Longest token looked at, in bytes; ours have 43.
const TOKEN_BYTES_MAX: usize = 256;
/// Longest principal id, in bytes: it is written into every commit.
const ID_BYTES_MAX: usize = 64;
/// Most principals of one file: a district has tens of thousands of grid workers, stewards and officers at most.
const PRINCIPALS_MAX: usize = 100_000;

/// A person or a system that may call (主体).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Stored with each commit: 1 to 64 of a-z, 0-9, `-` and `_`. Opaque; no name of a person.
    pub id: String,
    /// The person, when it is one.
    pub person: Option<PersonId>,
    /// The system, when it is one. Exactly one of `person` and `source` is there.
    pub source: Option<SourceId>,
    /// The organisation it acts for.
    pub org: Option<OrgId>,
    /// The area it answers for; none means no limit by place.
    pub area: Option<AreaCode>,
    /// What it may act as, at least one.
    pub roles: Vec<Role>,
}

impl Principal {
    /// Whether it may act as this.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if self.id.is_empty() || self.id.len() > ID_BYTES_MAX || !self.id.chars().all(allowed) {
            faults.push(format!("id must be 1 to {ID_BYTES_MAX} of a-z, 0-9, '-' and '_'"));
        }
        if self.person.is_some() == self.source.is_some() {
            faults.push("give either person or source".to_owned());
        }
        if self.roles.is_empty() {
            faults.push("give at least one role".to_owned());
        }
        if self.has(Role::SourceSystem) && self.source.is_none() {
            faults.push("the role source_system is for a source".to_owned());
        }
        faults
    }
}

/// Why a call has no principal. The caller gets UNAUTHENTICATED with the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No `authorization` metadata; the caller sends a token.
    #[error("no token was given; send metadata 'authorization: Bearer TOKEN'")]
    Missing,
    /// Not one `Bearer` token; the caller corrects its client.
    #[error("the token does not read; send metadata 'authorization: Bearer TOKEN' once")]
    Malformed,
    /// Nobody issued it, or it was taken back; the caller asks its administrator.
    #[error("nobody issued this token")]
    Unknown,
}

impl AuthError {
    /// The stable reason in the error details.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "TOKEN_MISSING",
            Self::Malformed => "TOKEN_MALFORMED",
            Self::Unknown => "TOKEN_UNKNOWN",
        }
    }
}

impl From<AuthError> for tonic::Status {
    fn from(error: AuthError) -> Self {
        wire::Failure::Unauthenticated(match error {
            AuthError::Missing => wire::Token::Missing,
            AuthError::Malformed => wire::Token::Malformed,
            AuthError::Unknown => wire::Token::Unknown,
        })
        .into()
    }
}

type Digest = [u8; digest::SHA256_OUTPUT_LEN];

/// All principals; copies are cheap and see every [`Principals::replace`].
#[derive(Clone)]
pub struct Principals(Arc<RwLock<HashMap<Digest, Arc<Principal>>>>);

impl std::fmt::Debug for Principals {
    /// How many there are. Digests stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = self.0.read().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("Principals").field("count", &count).finish()
    }
}

#[derive(Deserialize)]
struct Entry {
    token_sha256: String,
    #[serde(flatten)]
    rest: Table,
}

impl Principals {
    /// Nobody: every call is refused.
    #[must_use]
    pub fn nobody() -> Self {
        Self(Arc::default())
    }

    /// Reads `[[principal]]` tables: the fields of [`Principal`] and `token_sha256`, 64 hexadecimal digits.
    ///
    /// # Errors
    /// Every fault of every table; `path` is where the text came from.
    pub fn from_toml(text: &str, path: &str) -> Result<Self, Faults> {
        let one = |what: String| Faults(vec![Fault::new(path, what)]);
        let mut table: Table = text.parse().map_err(|fault: toml::de::Error| one(fault.to_string()))?;
        let entries = match table.remove("principal") {
            Some(Value::Array(entries)) => entries,
            None => Vec::new(),
            Some(_) => return Err(one("principal must be written [[principal]]".to_owned())),
        };
        let mut faults: Vec<Fault> = table
            .keys()
            .map(|key| Fault::new(path, format!("{key} is not known here, only [[principal]]")))
            .collect();
        let mut found = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            match read_entry(entry) {
                Ok(entry) => found.push(entry),
                Err(what) => faults.push(Fault::new(format!("{path}: principal {}", index + 1), what)),
            }
        }
        Self::collect(found, path, faults)
    }

    /// Principals with tokens known beforehand: a sandbox for those who write clients.
    ///
    /// # Errors
    /// Every fault of every principal.
    pub fn fixed(list: Vec<(String, Principal)>) -> Result<Self, Faults> {
        let found = list.into_iter().map(|(token, principal)| (sha256(&token), principal)).collect();
        Self::collect(found, "fixed principals", Vec::new())
    }

    fn collect(found: Vec<(Digest, Principal)>, path: &str, mut faults: Vec<Fault>) -> Result<Self, Faults> {
        if found.len() > PRINCIPALS_MAX {
            faults.push(Fault::new(path, format!("{} principals, at most {PRINCIPALS_MAX}", found.len())));
        }
        let mut ids = BTreeSet::new();
        let mut by_digest = HashMap::new();
        for (digest, principal) in found {
            let at = format!("{path}: principal {}", principal.id);
            faults.extend(principal.faults().into_iter().map(|what| Fault::new(at.clone(), what)));
            if !ids.insert(principal.id.clone()) {
                faults.push(Fault::new(at.clone(), "this id is there twice"));
            }
            if by_digest.insert(digest, Arc::new(principal)).is_some() {
                faults.push(Fault::new(at, "this token is there twice"));
            }
        }
        Faults::check(faults)?;
        Ok(Self(Arc::new(RwLock::new(by_digest))))
    }

    /// Takes the place of the principals known so far, in every copy of this handle.
    pub fn replace(&self, with: &Self) {
        let new = with.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = new;
    }

    /// Who is calling, by the `authorization` metadata.
    ///
    /// # Errors
    /// [`AuthError`]; all of them are UNAUTHENTICATED.
    pub fn authenticate(&self, metadata: &MetadataMap) -> Result<Arc<Principal>, AuthError> {
        let mut given = metadata.get_all("authorization").iter();
        let value = given.next().ok_or(AuthError::Missing)?;
        if given.next().is_some() {
            return Err(AuthError::Malformed);
        }
        let text = value.to_str().map_err(|_| AuthError::Malformed)?;
        let (scheme, token) = text.split_once(' ').ok_or(AuthError::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return Err(AuthError::Malformed);
        }
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&sha256(token)).cloned().ok_or(AuthError::Unknown)
    }

    /// Whether a principal given out earlier is still known with the same rights. Long streams ask from time to time and end
    /// when it is not. Linear in the number of principals.
    #[must_use]
    pub fn still_knows(&self, principal: &Principal) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.values().any(|other| other.as_ref() == principal)
    }
}

fn read_entry(entry: Value) -> Result<(Digest, Principal), String> {
    let entry: Entry = entry.try_into().map_err(|fault: toml::de::Error| fault.message().to_owned())?;
    let principal =
        Value::Table(entry.rest).try_into().map_err(|fault: toml::de::Error| fault.message().to_owned());
    let digest = digest_from_hex(&entry.token_sha256).ok_or("token_sha256 must be 64 hexadecimal digits");
    match (digest, principal) {
        (Ok(digest), Ok(principal)) => Ok((digest, principal)),
        (Ok(_), Err(fault)) => Err(fault),
        (Err(fault), Ok(_)) => Err(fault.to_owned()),
        (Err(one), Err(other)) => Err(format!("{one}; {other}")),
    }
}

/// What a file holds for a token: SHA-256 in lowercase hexadecimal digits.
#[must_use]
pub fn token_sha256(token: &str) -> String {
    sha256(token).iter().fold(String::new(), |mut hex, byte| {
        // Writing into a text cannot fail.
        write!(hex, "{byte:02x}").unwrap_or_default();
        hex
    })
}

fn sha256(token: &str) -> Digest {
    let mut bytes = Digest::default();
    for (to, from) in bytes.iter_mut().zip(digest::digest(&digest::SHA256, token.as_bytes()).as_ref()) {
        *to = *from;
    }
    bytes
}

fn digest_from_hex(hex: &str) -> Option<Digest> {
    if hex.len() != 2 * digest::SHA256_OUTPUT_LEN || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = Digest::default();
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}
