//! The escalation ladder (督办阶梯).

use serde::{Deserialize, Serialize};
use worktime::{Budget, CalendarId};

use crate::ids::{Role, RuleId};

/// When a step of the ladder is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
pub enum LadderWhen {
    /// Once that share of the budget is spent, in thousandths, at most 1000.
    Spent {
        /// The share.
        permille: u16,
    },
    /// When the time is up.
    Breach,
    /// So long after the time is up, counted over the step's calendar.
    AfterBreach {
        /// How long.
        budget: Budget,
    },
}

/// What a step of the ladder does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LadderEffect {
    /// 催办: a warning before the time is up.
    Warn,
    /// 催办通知: a written notice.
    Notice,
    /// 督办: a supervision order that must be answered.
    Supervise,
    /// 通报: named before the district's leadership and in the public list.
    Publish,
    /// 高位协调: handed to the city.
    CityCoordination,
}

/// Among whom a recipient is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Scope {
    /// The organisation that holds the duty.
    Holder,
    /// The organisation above it.
    Above,
    /// The subdistrict of the place.
    Subdistrict,
    /// The district centre and the district's own posts.
    District,
}

/// Who hears of a step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// As what.
    pub role: Role,
    /// Of which organisation.
    pub of: Scope,
}

/// One step of the escalation ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderStep {
    /// Its key, named in the event.
    pub key: RuleId,
    /// Its name.
    pub name: String,
    /// Its name in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_en: Option<String>,
    /// When it is taken.
    pub when: LadderWhen,
    /// The calendar for what comes after the breach and for the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<CalendarId>,
    /// Taken as well once a case was reopened that many times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopenings: Option<u32>,
    /// Whether a case that nobody holds begins here, at once.
    #[serde(default)]
    pub first_for_unowned: bool,
    /// Who hears of it.
    pub to: Vec<Recipient>,
    /// What it does.
    pub effect: LadderEffect,
    /// How long the answer to a supervision order may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Budget>,
    /// Where it comes from.
    pub source: String,
}
