//! What is published and stored: a whole registry as plain data.

use serde::{Deserialize, Serialize};
use worktime::Calendar;

use crate::ids::{AreaCode, JurisdictionId, OrgId, SourceId};
use crate::matrix::MatrixRow;
use crate::matters::{Category, Matter};
use crate::orgs::{Org, Person, Post};
use crate::places::Places;
use crate::policies::Policies;

/// A district or county with a ledger of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jurisdiction {
    /// Its id.
    pub id: JurisdictionId,
    /// Its six-digit code.
    pub code: AreaCode,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// What a reader must know first, such as that it is a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The organisation that takes what nobody else does (兜底).
    pub district_centre: OrgId,
    /// Systems that push tickets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// A system that pushes tickets or pulls feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its id.
    pub id: SourceId,
    /// The organisation that runs it.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
}

/// A whole registry. JSON in the order of the fields is its canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Whose it is.
    pub jurisdiction: Jurisdiction,
    /// Places.
    pub places: Places,
    /// Organisations.
    pub orgs: Vec<Org>,
    /// Posts.
    pub posts: Vec<Post>,
    /// People.
    pub people: Vec<Person>,
    /// Categories of matters.
    pub categories: Vec<Category>,
    /// Matters.
    pub matters: Vec<Matter>,
    /// The responsibility matrix.
    pub matrix: Vec<MatrixRow>,
    /// Policies.
    pub policies: Policies,
    /// Calendars.
    pub calendars: Vec<Calendar>,
}

impl Content {
    /// The canonical form that is stored and hashed.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        #[expect(clippy::expect_used, reason = "all keys are strings and no number can be NaN")]
        serde_json::to_string(self).expect("content is plain data")
    }

    /// SHA-256 of the canonical form, as 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        let hash = ring::digest::digest(&ring::digest::SHA256, self.canonical_json().as_bytes());
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
