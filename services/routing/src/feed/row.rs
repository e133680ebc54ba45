//! What the index keeps of an event: everything as of its commit, with codes and sealed texts as they are stored.

use case::event::Recorded;
use case::event::parts::By;
use case::ids::{ClockNo, MeasureNo, ObligationNo, WhistleNo};
use case::sealed::Sealed;
use case::state::{Case, ClockPhase, ClockState, Obligation};
use case::time::At;
use registry::ids::{AreaCode, BuildingId, CompoundId, MatterId, OrgId, PersonId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An event, for everybody who hears of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct EventRow {
    pub position: u64,
    pub case: Uuid,
    pub version: u64,
    pub event_id: Uuid,
    pub event_type: String,
    pub recorded_at: At,
    pub occurred_at: At,
    pub by: Option<By>,
    /// As stored.
    pub payload: serde_json::Value,
    pub from_status: String,
    pub to_status: String,
    pub outcome: Option<String>,
    pub about: CaseRow,
    pub duties: Vec<DutyRow>,
    pub whistle: Option<WhistleNo>,
    pub measures: Vec<MeasureNo>,
    pub clock: Option<DueRow>,
    pub reply_due_at: Option<At>,
    /// Organisations that hear of it without a duty of their own in it, with all above them.
    pub told: Vec<OrgId>,
}

/// The case as of the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CaseRow {
    pub status: String,
    pub matter: Option<MatterId>,
    pub grade: Option<String>,
    pub area: Option<AreaCode>,
    pub compound: Option<CompoundId>,
    pub building: Option<BuildingId>,
    pub due: Vec<DueRow>,
}

/// A duty as of the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DutyRow {
    pub no: ObligationNo,
    pub org: OrgId,
    pub person: Option<PersonId>,
    pub part: String,
    pub origin: String,
    pub state: String,
    pub parent: Option<ObligationNo>,
    pub whistle: Option<WhistleNo>,
    pub mandatory: bool,
    pub steps: Vec<String>,
    pub task: Option<Sealed>,
    pub external_ref: Option<String>,
    pub assigned_at: At,
    pub due: Vec<DueRow>,
    /// Whether the event changed it.
    pub touched: bool,
    /// Who held it before the event, with all above; empty when nobody did.
    pub held_before: Vec<OrgId>,
    /// Who holds it after the event, with all above; empty when nobody does.
    pub held_after: Vec<OrgId>,
    /// Who else hears of it, with all above: the whistle's caller, the lead, whoever assigned it.
    pub watched_by: Vec<OrgId>,
}

/// An open deadline as of the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DueRow {
    pub clock: ClockNo,
    pub kind: String,
    pub due_at: At,
    pub breached: bool,
    pub paused: bool,
    pub provisional: bool,
}

/// The name an enum of the domain is stored under.
pub(super) fn stored_name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

impl CaseRow {
    pub(super) fn of(case: &Case) -> Self {
        Self {
            status: case.status.name().to_owned(),
            matter: case.matter.clone(),
            grade: case.grade.as_ref().map(stored_name),
            area: case.place.area.clone(),
            compound: case.place.compound.clone(),
            building: case.place.building.clone(),
            due: due(case, case::event::parts::Subject::Case),
        }
    }
}

impl DutyRow {
    pub(super) fn of(case: &Case, duty: &Obligation) -> Self {
        Self {
            no: duty.no,
            org: duty.org.clone(),
            person: duty.person.clone(),
            part: stored_name(&duty.part),
            origin: stored_name(&duty.origin),
            state: duty.state.name().to_owned(),
            parent: duty.parent,
            whistle: duty.whistle,
            mandatory: duty.mandatory,
            steps: duty.steps.iter().map(stored_name).collect(),
            task: duty.task.clone(),
            external_ref: duty.external_ref.clone(),
            assigned_at: duty.assigned_at,
            due: due(case, case::event::parts::Subject::Obligation(duty.no)),
            touched: false,
            held_before: Vec::new(),
            held_after: Vec::new(),
            watched_by: Vec::new(),
        }
    }

    /// Everybody who hears of it.
    pub(super) fn audience(&self) -> impl Iterator<Item = &OrgId> {
        self.held_before.iter().chain(&self.held_after).chain(&self.watched_by)
    }
}

impl DueRow {
    pub(super) fn of(clock: &ClockState) -> Self {
        Self {
            clock: clock.no,
            kind: stored_name(&clock.kind),
            due_at: clock.due_at,
            breached: clock.breached,
            paused: clock.phase == ClockPhase::Paused,
            provisional: clock.provisional,
        }
    }
}

fn due(case: &Case, subject: case::event::parts::Subject) -> Vec<DueRow> {
    let open = case.clocks.iter().filter(|clock| clock.is_open() && clock.subject == subject);
    open.map(DueRow::of).collect()
}

impl EventRow {
    pub(super) fn begin(event_id: Uuid, recorded: &Recorded, case: &Case, from_status: &str) -> Self {
        let payload = recorded.event.encode().ok().and_then(|json| serde_json::from_slice(&json).ok());
        let payload: serde_json::Value = payload.unwrap_or_default();
        Self {
            position: recorded.position,
            case: case.id.0,
            version: recorded.version,
            event_id,
            event_type: recorded.event.event_type().to_owned(),
            recorded_at: recorded.recorded_at,
            occurred_at: recorded.occurred_at,
            by: payload.get("by").cloned().and_then(|by| serde_json::from_value(by).ok()),
            payload,
            from_status: from_status.to_owned(),
            to_status: String::new(),
            outcome: None,
            about: CaseRow::of(case),
            duties: Vec::new(),
            whistle: None,
            measures: Vec::new(),
            clock: None,
            reply_due_at: None,
            told: Vec::new(),
        }
    }

    /// A number the payload has at its top.
    pub(super) fn number(&self, key: &str) -> Option<u32> {
        self.payload.get(key)?.as_u64().and_then(|number| u32::try_from(number).ok())
    }

    /// Everybody who hears of it.
    pub(super) fn audience(&self) -> std::collections::BTreeSet<&OrgId> {
        self.duties.iter().flat_map(DutyRow::audience).chain(&self.told).collect()
    }
}
