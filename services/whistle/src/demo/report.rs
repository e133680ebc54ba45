//! What became of a story, as the board shows it, held against what its file says.

use std::collections::{BTreeMap, BTreeSet};

use case::event::{Clock, Event};
use case::ids::CaseId;
use registry::Registry;
use registry::ids::Role;
use serde_json::{Value, json};
use wire::pb::whistle::board::v1 as board;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;

use super::district::District;
use super::play::{Refused, Telling};
use super::story::Expect;
use crate::exit::Failure;
use crate::lang::{Lang, Text};

/// Entries of one page of a timeline.
const PAGE: i32 = 200;
/// Most pages of one timeline: far more than a story has.
const PAGES_MAX: usize = 100;

/// Most events of one story's case.
const EVENTS_MAX: usize = 10_000;

/// What clocks do besides warning and breaching: too many lines for a story.
const QUIET: [&str; 6] =
    ["ClockArmed", "ClockSettled", "ClockCancelled", "ClockPaused", "ClockResumed", "ClockRebased"];

/// One story as it went.
#[derive(Debug)]
pub(super) struct StoryReport {
    pub id: String,
    pub title: Text,
    pub lead_in: Text,
    pub case: board::CaseView,
    pub status: String,
    pub outcome: String,
    /// What happened, without the quiet work of clocks.
    pub entries: Vec<board::TimelineEntry>,
    pub custody: Vec<board::CustodySpan>,
    pub events: u64,
    /// Steps that were refused as the story says, with the names of who tried.
    pub refused: Vec<(i64, Text, Text)>,
    /// Who was told by the ladder, by the version of the event.
    pub told: BTreeMap<u64, Text>,
    /// Organisations that were late with something.
    pub late: BTreeSet<String>,
    /// What differs from the story's file.
    pub differences: Vec<String>,
}

/// A district as it stands at the end.
#[derive(Debug)]
pub(super) struct DistrictReport {
    pub name: String,
    pub stories: Vec<StoryReport>,
    pub organisations: Vec<board::OrganisationStanding>,
}

/// Reads how all stories of a district went.
///
/// # Errors
/// [`Failure`] when the board does not answer.
pub(super) async fn read(district: &District, tellings: &[Telling]) -> Result<DistrictReport, Failure> {
    let seat = district.sandbox.with_role(Role::DistrictCentre);
    let seat = seat.ok_or_else(|| Failure::internal("the sample has no district centre"))?;
    let client = district.client(seat)?;
    let mut reader = BoardServiceClient::new(client.channel());
    let mut stories = Vec::with_capacity(tellings.len());
    let mut at_least = String::new();
    for telling in tellings {
        at_least.clone_from(&telling.at_least);
        let case_id = telling.case.map(|case| case.to_string()).unwrap_or_default();
        let request = board::GetCaseRequest {
            case_id: case_id.clone(),
            at_least: at_least.clone(),
            ..Default::default()
        };
        let case = reader.get_case(client.call(request)).await?.into_inner().case.unwrap_or_default();
        let (mut entries, mut custody, mut page_token) = (Vec::new(), Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let request = board::GetTimelineRequest {
                case_id: case_id.clone(),
                page_size: PAGE,
                page_token,
                at_least: at_least.clone(),
                without_clocks: false,
            };
            let page = reader.get_timeline(client.call(request)).await?.into_inner();
            entries.extend(page.entries);
            custody.extend(page.custody);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let told = match telling.case {
            Some(case) => told_by_the_ladder(district, case).await?,
            None => BTreeMap::new(),
        };
        let refused = telling.refused.iter().map(|refused| tried(district, refused)).collect();
        stories.push(StoryReport { told, refused, ..StoryReport::of(telling, case, entries, custody) });
    }
    let request = board::ListOrganisationsRequest { at_least, ..Default::default() };
    let organisations = reader.list_organisations(client.call(request)).await?.into_inner().organisations;
    let name = district.sample.name.to_owned();
    Ok(DistrictReport { name, stories, organisations })
}

/// When somebody tried, who, and what they were told.
fn tried(district: &District, refused: &Refused) -> (i64, Text, Text) {
    let registry = district.running.desk().registry.current();
    let post = registry.as_ref().and_then(|registry| registry.post(&refused.post));
    let id = refused.post.as_str();
    let name = post.map_or(id, |post| post.name.as_str());
    let name_en = post.and_then(|post| post.name_en.as_deref()).unwrap_or(name);
    (refused.at.as_second(), Text::new(name, name_en), refused.told.clone())
}

/// Each step of the ladder with the posts it told, from the ledger: the board names organisations only.
async fn told_by_the_ladder(district: &District, case: CaseId) -> Result<BTreeMap<u64, Text>, Failure> {
    let registry = district.running.desk().published()?;
    let history =
        district.running.desk().ledger.history(case, 0, EVENTS_MAX).await.map_err(Failure::internal)?;
    let steps = history.into_iter().filter_map(|(recorded, _)| {
        let Event::Clock(Clock::EscalationStepTaken(taken)) = recorded.event else { return None };
        Some((recorded.version, ladder_line(&taken, &registry)))
    });
    Ok(steps.collect())
}

fn ladder_line(taken: &case::event::clock::EscalationStepTaken, registry: &Registry) -> Text {
    let step = registry.ladder().iter().find(|step| step.key == taken.step);
    let posts = || taken.recipients.iter().filter_map(|to| registry.post(to.post.as_ref()?));
    let zh: Vec<&str> = posts().map(|post| post.name.as_str()).collect();
    let en: Vec<&str> = posts().map(|post| post.name_en.as_deref().unwrap_or(&post.name)).collect();
    let key = taken.step.as_str();
    let name = step.map_or(key, |step| step.name.as_str());
    let name_en = step.and_then(|step| step.name_en.as_deref()).unwrap_or(name);
    Text::new(format!("{name}:告知{}", zh.join("、")), format!("{name_en}: told to {}", en.join("; ")))
}

impl StoryReport {
    fn of(
        telling: &Telling,
        case: board::CaseView,
        mut entries: Vec<board::TimelineEntry>,
        custody: Vec<board::CustodySpan>,
    ) -> Self {
        let events = entries.len() as u64;
        entries.retain(|entry| !QUIET.contains(&entry.event_type.as_str()));
        let summary = case.summary.clone().unwrap_or_default();
        let short = |name: &str, prefix: &str| name.strip_prefix(prefix).unwrap_or(name).to_owned();
        let holder = |no: u32| case.obligations.iter().find(|duty| duty.obligation_no == no);
        let late = case.clocks.iter().filter(|clock| clock.breached).map(|clock| {
            let org = holder(clock.obligation_no).and_then(|duty| duty.org.as_ref());
            org.map_or_else(|| "case".to_owned(), |org| org.id.clone())
        });
        let mut report = Self {
            id: telling.story.id.clone(),
            title: telling.story.title.clone(),
            lead_in: telling.story.lead_in.clone(),
            status: short(summary.status().as_str_name(), "CASE_STATUS_"),
            outcome: short(summary.outcome().as_str_name(), "OUTCOME_"),
            late: late.collect(),
            told: BTreeMap::new(),
            entries,
            custody,
            events,
            refused: Vec::new(),
            differences: Vec::new(),
            case,
        };
        report.differences = report.differences_from(&telling.story.expect);
        report
    }

    fn differences_from(&self, expect: &Expect) -> Vec<String> {
        let late: Vec<String> = self.late.iter().cloned().collect();
        let mut told = expect.breached.clone();
        told.sort();
        let pairs = [
            ("status", expect.status.clone(), self.status.clone()),
            ("outcome", expect.outcome.clone(), self.outcome.clone()),
            ("rounds", expect.rounds.to_string(), self.case.deliberation_rounds.to_string()),
            ("reworks", expect.reworks.to_string(), self.case.reworks.to_string()),
            ("late", told.join(" "), late.join(" ")),
        ];
        let differs = |(what, told, is): (&str, String, String)| {
            (told != is).then(|| format!("{}: {what} is {is:?}, told is {told:?}", self.id))
        };
        pairs.into_iter().filter_map(differs).collect()
    }

    /// Whether the case has ended, one way or another.
    pub(super) fn has_ended(&self) -> bool {
        self.case.summary.as_ref().is_some_and(|summary| summary.ended_time.is_some())
    }

    pub(super) fn count(&self, event_type: &str) -> usize {
        self.entries.iter().filter(|entry| entry.event_type == event_type).count()
    }

    pub(super) fn signed_automatically(&self) -> usize {
        self.case.obligations.iter().filter(|duty| duty.signed_automatically).count()
    }

    /// What a machine gets.
    pub(super) fn json(&self, lang: Lang) -> Value {
        let summary = self.case.summary.clone().unwrap_or_default();
        json!({
            "id": self.id,
            "title": self.title.get(lang),
            "case_id": summary.case_id,
            "case_number": summary.case_number,
            "status": self.status,
            "outcome": self.outcome,
            "ended": self.has_ended(),
            "as_told": self.differences.is_empty(),
            "events": self.events,
            "warnings": self.count("ClockWarned"),
            "breaches": self.count("ClockBreached"),
            "escalations": self.count("EscalationStepTaken"),
            "signed_automatically": self.signed_automatically(),
            "refused_as_told": self.refused.len(),
            "late": self.late,
            "deliberation_rounds": self.case.deliberation_rounds,
            "reworks": self.case.reworks,
        })
    }
}
