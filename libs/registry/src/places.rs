//! Areas of four levels, compounds and buildings, and the units paired with a community.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::geometry::{Point, Shape};
use crate::ids::{AreaCode, BuildingId, CompoundId, OrgId};

/// A district, subdistrict, community or grid; its code tells which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Its code.
    pub code: AreaCode,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// Its outline in WGS84.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// When the division began; always was when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// When it ended, exclusive; has no end when absent. Cases keep the code they were reported under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A compound (小区): the place of nearly every story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compound {
    /// Its id.
    pub id: CompoundId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// The community it lies in.
    pub community: AreaCode,
    /// Its outline in WGS84.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// 产权单位: answers for what it left behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OrgId>,
    /// 物业公司
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<OrgId>,
    /// 业主委员会
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<OrgId>,
    /// Households, where counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub households: Option<u32>,
    /// Its buildings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buildings: Vec<Building>,
}

/// A building (楼栋).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Building {
    /// Its id.
    pub id: BuildingId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// Its middle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Point>,
}

/// The units that report in to one community when it whistles (双报到).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// The community.
    pub community: AreaCode,
    /// The units.
    pub units: Vec<OrgId>,
}

/// Everything about places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// All areas.
    pub areas: Vec<Area>,
    /// All compounds.
    pub compounds: Vec<Compound>,
    /// All pairings.
    pub pairings: Vec<Pairing>,
}
