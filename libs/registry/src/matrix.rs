//! The responsibility matrix (责任清单): who leads and who helps, for which matter, where and whose.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::{AreaCode, CategoryKey, CompoundId, IdError, MatterId, OrgId, RuleId};
use crate::matters::{Mode, Ownership};

/// Whom a row names: an organisation, or a part that the place fills (先属主、后属地).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Assignee {
    /// That organisation.
    Org(OrgId),
    /// `@subdistrict`: the subdistrict of the place (属地).
    Subdistrict,
    /// `@community`: the community of the place.
    Community,
    /// `@property`: the property company of the compound (物业).
    Property,
    /// `@owner`: the owning unit of the compound (产权单位).
    Owner,
    /// `@owners`: the owners' committee of the compound (业委会).
    Owners,
    /// `@centre`: the district centre.
    Centre,
}

impl Assignee {
    fn symbol(&self) -> Option<&'static str> {
        match self {
            Self::Org(_) => None,
            Self::Subdistrict => Some("@subdistrict"),
            Self::Community => Some("@community"),
            Self::Property => Some("@property"),
            Self::Owner => Some("@owner"),
            Self::Owners => Some("@owners"),
            Self::Centre => Some("@centre"),
        }
    }
}

impl TryFrom<String> for Assignee {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        match text.as_str() {
            "@subdistrict" => Ok(Self::Subdistrict),
            "@community" => Ok(Self::Community),
            "@property" => Ok(Self::Property),
            "@owner" => Ok(Self::Owner),
            "@owners" => Ok(Self::Owners),
            "@centre" => Ok(Self::Centre),
            _ => OrgId::new(text).map(Self::Org),
        }
    }
}

impl From<Assignee> for String {
    fn from(assignee: Assignee) -> Self {
        assignee.to_string()
    }
}

impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Org(id) => id.fmt(f),
            Self::Subdistrict
            | Self::Community
            | Self::Property
            | Self::Owner
            | Self::Owners
            | Self::Centre => f.write_str(self.symbol().unwrap_or_default()),
        }
    }
}

/// One row. An absent condition fits everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixRow {
    /// Its id, named as the basis of every duty it gives.
    pub rule: RuleId,
    /// Only for this matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matter: Option<MatterId>,
    /// Only for matters of this category; not together with a matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<CategoryKey>,
    /// Only in this area and what lies in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCode>,
    /// Only for parts so owned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
    /// Only in this mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Who leads (主办).
    pub lead: Assignee,
    /// Who helps (协办).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub co: Vec<Assignee>,
    /// Where the row comes from.
    pub source: String,
}

/// What the matrix is asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct MatrixQuery<'a> {
    /// The matter, once known.
    pub matter: Option<&'a MatterId>,
    /// The place, once known; the deeper the better.
    pub area: Option<&'a AreaCode>,
    /// The compound, once known.
    pub compound: Option<&'a CompoundId>,
    /// Whose part it is, once known.
    pub ownership: Option<Ownership>,
    /// The mode of the place.
    pub mode: Mode,
}

/// What the matrix answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Responsibility {
    /// Who leads.
    pub lead: OrgId,
    /// Who helps; never the lead, nobody twice.
    pub co: Vec<OrgId>,
    /// The row, or the fallback, that says so.
    pub basis: RuleId,
    /// Whether no row fitted and the place's subdistrict or the district centre stands in.
    pub fallback: bool,
}

/// How specific a row is. The matter beats its category, that beats none; then ownership, then the deeper area, then the
/// mode: so two rows that both fit are equally specific only when their conditions are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Specificity {
    matter: u8,
    ownership: bool,
    area_digits: usize,
    mode: bool,
}

impl MatrixRow {
    pub(crate) fn fits(&self, query: &MatrixQuery<'_>, category: Option<&CategoryKey>) -> bool {
        self.matter.as_ref().is_none_or(|matter| query.matter == Some(matter))
            && self.category.as_ref().is_none_or(|own| category == Some(own))
            && self.area.as_ref().is_none_or(|own| query.area.is_some_and(|area| own.contains(area)))
            && self.ownership.is_none_or(|ownership| query.ownership == Some(ownership))
            && self.mode.is_none_or(|mode| query.mode == mode)
    }

    pub(crate) fn specificity(&self) -> Specificity {
        Specificity {
            matter: if self.matter.is_some() { 2 } else { u8::from(self.category.is_some()) },
            ownership: self.ownership.is_some(),
            area_digits: self.area.as_ref().map_or(0, |area| area.as_str().len()),
            mode: self.mode.is_some(),
        }
    }
}
