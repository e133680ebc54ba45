//! What is handled (事项), and the few words every rule is conditioned on.

use serde::{Deserialize, Serialize};

use crate::ids::{CategoryKey, MatterId, TierKey};

/// How pressing a case is (等级).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Grade {
    /// 特急
    ExtraUrgent,
    /// 紧急
    Urgent,
    /// 一般
    Ordinary,
}

impl Grade {
    /// Every grade, most pressing first.
    pub const ALL: [Self; 3] = [Self::ExtraUrgent, Self::Urgent, Self::Ordinary];
}

/// The operating mode of an area (平急结合).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// 平
    #[default]
    Normal,
    /// 急
    Emergency,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Normal, Self::Emergency];
}

/// Whose part of a compound is concerned (资金责任划分).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Ownership {
    /// 公共部分: the government's.
    Public,
    /// 遗留问题: the former owning unit's (产权单位).
    LegacyOwner,
    /// 专有部分: the private owner's (业主).
    PrivateOwner,
}

/// Whether a matter is an event, a thing or a demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MatterKind {
    /// 事件
    Event,
    /// 部件
    Component,
    /// 诉求: of the hotline.
    Demand,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A category of matters (大类).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its key.
    pub key: CategoryKey,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// What its matters are.
    pub kind: MatterKind,
    /// Where the category comes from.
    pub source: String,
}

/// A matter (事项): the smallest thing a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matter {
    /// Its id.
    pub id: MatterId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// 大类
    pub category: CategoryKey,
    /// 小类, as the national tables name it.
    pub subcategory: String,
    /// Event, component or demand.
    pub kind: MatterKind,
    /// The grade a case has unless the duty leader says otherwise.
    pub default_grade: Grade,
    /// When it is filed (立案条件).
    pub filing_condition: Text,
    /// Whether a grid worker may settle it on the spot (自处理).
    #[serde(default)]
    pub self_handling: bool,
    /// Its deadline tier.
    pub tier: TierKey,
    /// Whether a community may be given it as the lead (工作准入).
    #[serde(default)]
    pub community_may_be_assigned: bool,
    /// Where the entry comes from.
    pub source: String,
}
