//! What happens outside any case: to the ledger, the registry, the district's mode. On streams of their own.

use registry::Mode;
use registry::ids::{AreaCode, CompoundId, OrgId, PersonId, RegistryVersion, RuleId};
use serde::{Deserialize, Serialize};

use super::parts::By;
use crate::ids::CaseId;

/// A ledger went on under a new epoch after a restore or repair (新纪元). Positions go on above every one ever published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochOpened {
    /// The epoch before.
    pub previous_epoch: u32,
    /// The last position kept of it.
    pub position: u64,
    /// The chain's hash at that position, 64 hexadecimal digits.
    pub chain_sha256: String,
    /// Why, in the operator's words; never personal.
    pub reason: String,
}

/// One part of a registry about to be published (登记分段). Means nothing until a [`RegistryPublished`] names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryPartStaged {
    /// Digest of the whole content this is a part of, 64 hexadecimal digits.
    pub digest: String,
    /// Counts from 0.
    pub index: u32,
    /// How many parts there are.
    pub of: u32,
    /// Which section: places, orgs, matters, matrix, policies, calendars.
    pub section: String,
    /// The section's items, as canonical JSON.
    pub items: serde_json::Value,
}

/// A registry took effect, as a whole (登记发布).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryPublished {
    /// Who published it.
    pub by: By,
    /// Counts publications from 1.
    pub version: RegistryVersion,
    /// Digest of the content, 64 hexadecimal digits.
    pub digest: String,
    /// How many parts make it up.
    pub parts: u32,
    /// What changed, in the publisher's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An area went over to emergency, or back (平急切换).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeSwitched {
    /// Who switched.
    pub by: By,
    /// Where.
    pub area: AreaCode,
    /// To what.
    pub mode: Mode,
    /// Why, in words that may be published.
    pub reason: String,
}

/// One unit or case an inspection drew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Drawn {
    /// An area, such as a community.
    Area(AreaCode),
    /// A compound.
    Compound(CompoundId),
    /// An organisation.
    Organisation(OrgId),
    /// A closed case.
    Case(CaseId),
}

/// Units and inspectors were drawn at random, repeatably (双随机抽取).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InspectionDrawn {
    /// Who drew.
    pub by: By,
    /// The theme, a rule of the policies.
    pub theme: RuleId,
    /// The published seed; with it and the registry anyone draws the same.
    pub seed: String,
    /// The registry drawn from.
    pub registry_version: RegistryVersion,
    /// How many were drawn from.
    pub population: u32,
    /// What was drawn.
    pub drawn: Vec<Drawn>,
    /// Who inspects.
    pub inspectors: Vec<PersonId>,
}
