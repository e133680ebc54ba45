//! A story as its file tells it: who does what when, and how it ends.

use jiff::civil::DateTime;
use serde::{Deserialize, Deserializer};

use crate::exit::{Exit, Failure};
use crate::lang::Text;

/// Most steps of one story, and most duties of one step: a story is read by people.
const STEPS_MAX: usize = 500;

/// One story.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// What it is about, in a sentence or two.
    pub lead_in: Text,
    /// How it ends.
    pub expect: Expect,
    /// What happens, in order of time.
    pub steps: Vec<Step>,
}

/// How a story ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    /// Main status, such as `CLOSED`.
    pub status: String,
    /// Outcome, such as `SOLVED`.
    pub outcome: String,
    /// Rounds of deliberation.
    #[serde(default)]
    pub rounds: u32,
    /// Failed checks and call-backs.
    #[serde(default)]
    pub reworks: u32,
    /// Organisations that were late with something: these and no others.
    #[serde(default)]
    pub breached: Vec<String>,
}

/// Somebody does something.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Step {
    /// When, on the wall clock of the district.
    #[serde(deserialize_with = "civil")]
    pub at: DateTime,
    /// The post of whoever does it; without one the handler of the duty's holder.
    #[serde(rename = "as")]
    pub actor: Option<String>,
    /// The reason it is refused with, when it is meant to be.
    pub refused: Option<String>,
    /// What.
    #[serde(flatten)]
    pub act: Act,
}

/// What somebody does. Texts are in both languages; `photos` are kinds of evidence, one drawn picture each.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Act {
    Raise { case: NewCase },
    RaiseAndBlow { case: NewCase, matter: String, whistle: Blow },
    RequestVerification { inspector: String, words: Option<Text> },
    Verify { genuine: bool, words: Option<Text>, photos: Option<Vec<String>> },
    Accept,
    File { grade: Option<String> },
    Await { status: String },
    Blow { whistle: Blow },
    ApproveWhistle,
    TriageWhistle { parties: Vec<Party> },
    StandDown { words: Option<Text> },
    RateWhistle { score: u32, words: Option<Text> },
    PresenceCode,
    SignFor { duties: Vec<String>, every_minutes: Option<u32> },
    Contact { duties: Vec<String>, every_minutes: Option<u32>, words: Text },
    ReportIn { duties: Vec<String>, every_minutes: Option<u32>, code: String },
    Complete { duties: Vec<String>, every_minutes: Option<u32>, words: Text },
    Confirm { duties: Vec<String>, every_minutes: Option<u32> },
    RateResponse { duties: Vec<String>, every_minutes: Option<u32>, score: u32, words: Option<Text> },
    RefuseCompletion { duty: String, words: Text },
    ExternalRef { duty: String, number: String },
    Object { duty: String, reason: String, words: Text },
    DecideObjection { uphold: bool, words: Option<Text> },
    CallCo { parties: Vec<Party>, words: Option<Text> },
    Assign { duty: String, org: String, person: Option<String>, task: Option<Text> },
    JointPlan(Plan),
    Deliberate(Deliberation),
    StrikeOff { measure: u32, words: Option<Text>, photos: Vec<String> },
    Dispose(Disposal),
    Check { passed: bool, words: Option<Text>, photos: Option<Vec<String>> },
    CallBack(CallBack),
    Close { outcome: String, reply: Option<Text> },
}

/// A case as somebody raises it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCase {
    pub profile: String,
    pub channel: String,
    pub demand: Option<String>,
    pub matter: Option<String>,
    pub place: Place,
    pub text: Text,
    #[serde(default)]
    pub reporters: Vec<Reporter>,
}

/// Where.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub compound: Option<String>,
    pub building: Option<String>,
}

/// Who stands behind it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reporter {
    pub kind: String,
    /// The post whose holder's account reported.
    pub account: Option<String>,
    pub name: Option<String>,
    pub phone: Option<String>,
}

/// A whistle.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Blow {
    pub kind: String,
    pub purpose: Text,
    pub tried: Option<Text>,
    pub meeting: Option<Meeting>,
    pub parties: Vec<Party>,
}

/// When and where to meet.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meeting {
    #[serde(deserialize_with = "civil")]
    pub at: DateTime,
    pub compound: Option<String>,
    pub building: Option<String>,
}

/// One that is called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Party {
    pub org: String,
    pub part: String,
    pub mandatory: bool,
    pub task: Option<Text>,
}

/// What those who met agreed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// Whether it is the whistle's plan.
    #[serde(default)]
    pub whistle: bool,
    pub attendees: Vec<String>,
    pub words: Option<Text>,
    pub measures: Vec<Measure>,
}

/// One measure of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    pub duty: String,
    pub mandatory: bool,
    #[serde(default, deserialize_with = "civil_or_none")]
    pub due: Option<DateTime>,
    pub text: Text,
}

/// One round of talking it through.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deliberation {
    pub form: String,
    pub attendees: Vec<String>,
    pub others: u32,
    pub result: Text,
    #[serde(default)]
    pub agreed: bool,
    #[serde(default, deserialize_with = "civil_or_none")]
    pub next: Option<DateTime>,
}

/// What the lead says it did.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Disposal {
    pub duty: String,
    #[serde(deserialize_with = "civil")]
    pub taken_up: DateTime,
    #[serde(deserialize_with = "civil")]
    pub solved_by: DateTime,
    pub cost_bearer: Option<String>,
    pub spoken_to: Text,
    pub measures: Text,
    pub reply: Text,
}

/// One call to the first reporter.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallBack {
    pub contacted: bool,
    pub solved: Option<bool>,
    pub satisfied: Option<String>,
    pub words: Option<Text>,
}

impl Act {
    /// The duties it is about, one after the other, by their holder; empty when it is done once.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most acts are done once; those that are not say so in their fields"
    )]
    pub(super) fn each(&self) -> (&[String], u32) {
        match self {
            Self::SignFor { duties, every_minutes }
            | Self::Contact { duties, every_minutes, .. }
            | Self::ReportIn { duties, every_minutes, .. }
            | Self::Complete { duties, every_minutes, .. }
            | Self::Confirm { duties, every_minutes }
            | Self::RateResponse { duties, every_minutes, .. } => (duties, every_minutes.unwrap_or(0)),
            _ => (&[], 0),
        }
    }

    /// The one duty it is about, by its holder.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most acts are about no duty; those that are say so in their fields"
    )]
    pub(super) fn duty(&self) -> Option<&str> {
        match self {
            Self::RefuseCompletion { duty, .. }
            | Self::ExternalRef { duty, .. }
            | Self::Object { duty, .. }
            | Self::Assign { duty, .. } => Some(duty),
            Self::Dispose(disposal) => Some(&disposal.duty),
            _ => None,
        }
    }
}

impl Story {
    /// Reads a story.
    ///
    /// # Errors
    /// What is wrong with the file, by line.
    pub(super) fn read(name: &str, text: &str) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::new(
                Exit::BadData,
                "STORY_UNREADABLE",
                Text::new("故事文件读不懂", "a story does not read"),
                Text::new("修改该文件", "mend the file"),
            )
            .with([format!("{name}: {what}")])
        };
        let story: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if story.steps.is_empty() || story.steps.len() > STEPS_MAX {
            return Err(wrong(format!("1 to {STEPS_MAX} steps")));
        }
        let late = story.steps.iter().zip(story.steps.iter().skip(1)).find(|(one, next)| next.at < one.at);
        if let Some((_, next)) = late {
            return Err(wrong(format!("the step at {} comes after a later one", next.at)));
        }
        Ok(story)
    }
}

fn civil<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime, D::Error> {
    let written = toml::value::Datetime::deserialize(from)?;
    written.to_string().parse().map_err(serde::de::Error::custom)
}

fn civil_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime>, D::Error> {
    civil(from).map(Some)
}
