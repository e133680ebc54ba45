//! Identifiers of the registry: opaque, validated, safe in logs and subjects. Nothing personal is ever part of one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest identifier accepted, in bytes. Long enough for a readable key, short enough for every index.
pub const ID_BYTES_MAX: usize = 64;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing was given.
    #[error("must not be empty")]
    Empty,
    /// More than [`ID_BYTES_MAX`] bytes.
    #[error("longer than {ID_BYTES_MAX} bytes")]
    TooLong,
    /// A character outside the alphabet of this kind of identifier.
    #[error("character {0:?} is not allowed here; use {1}")]
    BadCharacter(char, &'static str),
    /// A place code of a length no level has.
    #[error("a place code has 6, 9, 12 or 15 digits, not {0}")]
    BadLength(usize),
}

fn check(text: &str, allowed: fn(char) -> bool, alphabet: &'static str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.len() > ID_BYTES_MAX {
        return Err(IdError::TooLong);
    }
    match text.chars().find(|c| !allowed(*c)) {
        Some(bad) => Err(IdError::BadCharacter(bad, alphabet)),
        None => Ok(()),
    }
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_'
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident: $allowed:expr, $alphabet:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks and wraps a text.
            ///
            /// # Errors
            /// [`IdError`] when the text is empty, too long or has a character outside the alphabet.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check(&text, $allowed, $alphabet)?;
                Ok(Self(text))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_id! {
    /// An organisation that can hold a duty (承办单位): department, subdistrict, community, company.
    OrgId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A post (岗位) inside an organisation; people come and go, posts stay.
    PostId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A person, opaque: the registry maps it to posts, never to a name.
    PersonId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A matter (事项): what is handled.
    MatterId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A compound (小区).
    CompoundId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A building (楼栋).
    BuildingId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A system that pushes tickets or pulls feeds (来源系统).
    SourceId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A jurisdiction (区/县) with a ledger of its own.
    JurisdictionId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// One rule of a policy or one row of the responsibility matrix.
    RuleId: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A deadline tier (时限档) of the policies.
    TierKey: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A category of matters (大类).
    CategoryKey: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A code of a reason catalogue (理由目录).
    ReasonCode: is_key_char, "a-z, 0-9, '-' and '_'";
    /// A whistle kind (哨种), a key of the policies: cities differ.
    WhistleKind: is_name_char, "A-Z, 0-9 and '_'";
}

impl RuleId {
    /// The basis of a duty that no row of the matrix gave and the place's subdistrict took (属地).
    #[must_use]
    pub fn fallback_subdistrict() -> Self {
        Self("fallback-subdistrict".to_owned())
    }

    /// The basis of a duty that nothing else gave and the district centre took (兜底).
    #[must_use]
    pub fn fallback_district() -> Self {
        Self("fallback-district".to_owned())
    }
}

/// A place code (网格编码): 6 digits name a district, 9 a subdistrict (街镇), 12 a community (社区), 15 a grid (网格).
///
/// The national form is 6+3+3+3 digits; a longer code begins with its parent's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AreaCode(String);

/// The four levels of place codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AreaLevel {
    /// District or county (区/县), 6 digits.
    District,
    /// Subdistrict or township (街道、乡镇), 9 digits.
    Subdistrict,
    /// Community or village (社区、村), 12 digits.
    Community,
    /// Grid (基础网格), 15 digits.
    Grid,
}

impl AreaCode {
    /// Checks and wraps a code.
    ///
    /// # Errors
    /// [`IdError`] when a character is no digit or the length is of no level.
    pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
        let text = text.into();
        check(&text, |c| c.is_ascii_digit(), "digits")?;
        match text.len() {
            6 | 9 | 12 | 15 => Ok(Self(text)),
            other => Err(IdError::BadLength(other)),
        }
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The level, told by the length.
    #[must_use]
    pub fn level(&self) -> AreaLevel {
        match self.0.len() {
            6 => AreaLevel::District,
            9 => AreaLevel::Subdistrict,
            12 => AreaLevel::Community,
            _ => AreaLevel::Grid,
        }
    }

    /// The code one level up; none above a district.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let length = self.0.len().checked_sub(3).filter(|n| *n >= 6)?;
        self.0.get(..length).map(|code| Self(code.to_owned()))
    }

    /// The code of the given level that this one lies in; none when the level is below this one.
    #[must_use]
    pub fn at(&self, level: AreaLevel) -> Option<Self> {
        let length = match level {
            AreaLevel::District => 6,
            AreaLevel::Subdistrict => 9,
            AreaLevel::Community => 12,
            AreaLevel::Grid => 15,
        };
        self.0.get(..length).map(|code| Self(code.to_owned()))
    }

    /// Whether the other area is this one or lies inside it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl TryFrom<String> for AreaCode {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl From<AreaCode> for String {
    fn from(code: AreaCode) -> Self {
        code.0
    }
}

impl std::str::FromStr for AreaCode {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl fmt::Display for AreaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version of a published registry: counts publications from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistryVersion(pub u64);

/// What a person or system may act as. The names are stored, so they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 网格员
    GridWorker,
    /// 小巷管家
    LaneSteward,
    /// 居民
    Resident,
    /// 话务员
    CallTaker,
    /// 受理员
    Receptionist,
    /// 值班长
    DutyLeader,
    /// 派遣员
    Dispatcher,
    /// The dispatcher inside an organisation (单位派遣员).
    OrgDispatcher,
    /// 承办人
    Handler,
    /// 监督员
    Inspector,
    /// 回访员: neutral, of no organisation with a duty on the case.
    CallerBack,
    /// 督查
    Supervisor,
    /// 区中心
    DistrictCentre,
    /// 社区工作人员
    CommunityOfficer,
    /// 街镇工作人员
    SubdistrictOfficer,
    /// 街镇领导
    SubdistrictLeader,
    /// A hotline or another platform (来源系统).
    SourceSystem,
    /// 审计员: reads everything that is not personal, changes nothing.
    Auditor,
    /// 登记员: publishes the registry.
    Registrar,
    /// 运维
    Operator,
}

impl Role {
    /// Every role, in the order of the enum.
    pub const ALL: [Self; 20] = [
        Self::GridWorker,
        Self::LaneSteward,
        Self::Resident,
        Self::CallTaker,
        Self::Receptionist,
        Self::DutyLeader,
        Self::Dispatcher,
        Self::OrgDispatcher,
        Self::Handler,
        Self::Inspector,
        Self::CallerBack,
        Self::Supervisor,
        Self::DistrictCentre,
        Self::CommunityOfficer,
        Self::SubdistrictOfficer,
        Self::SubdistrictLeader,
        Self::SourceSystem,
        Self::Auditor,
        Self::Registrar,
        Self::Operator,
    ];
}
