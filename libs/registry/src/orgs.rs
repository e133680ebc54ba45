//! Organisations, their posts, and the people who hold them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AreaCode, OrgId, PersonId, PostId, Role};

/// The language a name is wanted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// Chinese, the language of record.
    #[default]
    Zh,
    /// English where the registry has it, else Chinese.
    En,
}

/// What an organisation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrgKind {
    /// 区/县: answers for the district's own code.
    District,
    /// 区中心: dispatches, and takes what nobody else does.
    Centre,
    /// 委、办、局: a department of the district.
    Department,
    /// 党委部门、专委会: a committee of the district.
    Committee,
    /// 街道、乡镇: answers for its nine-digit code.
    Subdistrict,
    /// 社区、村: answers for its twelve-digit code.
    Community,
    /// 科室、所、队: a part of another organisation.
    Section,
    /// 专业公司: water, power, gas, heat, telecom and other works companies.
    Company,
    /// 物业公司
    Property,
    /// 业主委员会
    Owners,
    /// 产权单位 that is none of the above.
    OwningUnit,
    /// 服务专班: a standing group of departments.
    TaskForce,
    /// 双报到单位: reports in to a community when called, and has no other duty here.
    PairedUnit,
    /// 热线或上级平台: pushes tickets.
    Hotline,
}

/// An organisation that can hold a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Org {
    /// Its id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// What it is.
    pub kind: OrgKind,
    /// The organisation above it; none for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<OrgId>,
    /// The area it answers for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCode>,
    /// Whether it takes duties.
    #[serde(default = "yes")]
    pub active: bool,
    /// When it began; always was when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// When it ended, exclusive; has no end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// A post (岗位).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// The organisation it belongs to.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// What its holder may act as.
    pub roles: Vec<Role>,
    /// The area its holder works in, for posts bound to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCode>,
    /// The post that acts when this one is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deputy: Option<PostId>,
}

/// A person, by an opaque id: no name, no number, nothing personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The id.
    pub id: PersonId,
    /// The posts the person holds.
    pub posts: Vec<PostId>,
}

pub(crate) fn yes() -> bool {
    true
}

pub(crate) fn valid_at(from: Option<Timestamp>, until: Option<Timestamp>, at: Timestamp) -> bool {
    from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until)
}

pub(crate) fn name_in<'a>(name: &'a str, name_en: Option<&'a String>, lang: Lang) -> &'a str {
    match lang {
        Lang::Zh => name,
        Lang::En => name_en.map_or(name, String::as_str),
    }
}

impl Org {
    /// Its name in a language; Chinese when the registry has no other.
    #[must_use]
    pub fn name_in(&self, lang: Lang) -> &str {
        name_in(&self.name, self.name_en.as_ref(), lang)
    }
}
