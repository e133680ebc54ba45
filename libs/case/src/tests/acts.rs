//! Commands as they are mostly given, and stories told up to a point.

use registry::ids::{MatterId, PersonId, SourceId, WhistleKind};

use super::kit::{Act, Story, local, org_id, party, photo, reason, sealed};
use crate::closure::{self, CallBack, Dispose};
use crate::event::parts::{
    Channel, EvidenceKind, Outcome, Part, Party, Profile, Reporter, ReporterKind, Satisfaction, Ticket,
};
use crate::flow::Status;
use crate::ids::{KeyId, ObligationNo, RequestNo, WhistleNo};
use crate::intake::{self, Raise};
use crate::routing::{self, Blow, OwnMatter, PlannedMeasure};
use crate::rules::PlaceGiven;
use crate::time::At;

pub(super) const GRID: &str = "999900001001001";

pub(super) fn in_area(area: &str) -> PlaceGiven {
    PlaceGiven { area: Some(area.to_owned()), ..PlaceGiven::default() }
}

pub(super) fn reporter(number: u32) -> Reporter {
    Reporter {
        key_id: KeyId::reporter(number),
        kind: ReporterKind::Resident,
        person: None,
        contactable: true,
    }
}

pub(super) fn raise(profile: Profile) -> Raise {
    Raise {
        profile,
        channel: Channel::Hotline,
        reporters: vec![reporter(1)],
        text: Some(sealed("the road before the gate is broken")),
        place: in_area(GRID),
        matter: Some("road".to_owned()),
        demand: None,
        demand_class: None,
        ticket: None,
        external_due_at: None,
        source_fields: None,
        about: Vec::new(),
        about_persons: Vec::new(),
        evidence: Vec::new(),
        defects: Vec::new(),
        confidential: false,
        split_from: None,
        follows: None,
        occurred_at: local("2026-03-02T08:30"),
    }
}

pub(super) fn ticket(number: &str) -> Ticket {
    Ticket { source: SourceId::new("hotline").unwrap(), number: number.to_owned(), revision: 1 }
}

/// Who may raise a case of a profile.
pub(super) fn raiser(profile: Profile) -> &'static str {
    match profile {
        Profile::Hotline | Profile::Consult => "p-call_taker",
        Profile::GridWorker | Profile::SelfHandled => "p-grid_worker",
        Profile::Public => "p-resident",
        Profile::WhistleOnly | Profile::Care => "p-community_officer-community-a1",
        Profile::ListItem | Profile::Inspection => "p-supervisor",
        Profile::Imported => "hotline",
    }
}

pub(super) fn blow(kind: &str, parties: Vec<Party>) -> Blow {
    Blow {
        kind: WhistleKind::new(kind).unwrap(),
        purpose: sealed("settle the parking together"),
        tried: Some(sealed("two visits")),
        meeting: None,
        parties,
        request: None,
    }
}

pub(super) fn traffic_and_enforcement() -> Vec<Party> {
    vec![party("traffic", Part::Lead), party("enforcement", Part::Co)]
}

pub(super) fn own_matter(kind: &str) -> OwnMatter {
    OwnMatter {
        raise: Raise {
            channel: Channel::Office,
            reporters: Vec::new(),
            matter: Some("parking".to_owned()),
            ..raise(Profile::WhistleOnly)
        },
        matter: MatterId::new("parking").unwrap(),
        grade: None,
        blow: blow(kind, traffic_and_enforcement()),
    }
}

pub(super) fn accept() -> intake::Command {
    intake::Command::Accept
}

pub(super) fn file() -> intake::Command {
    intake::Command::File { matter: None, grade: None, place: None }
}

pub(super) fn dispatch(lead: Option<&str>, co: &[&str]) -> routing::Command {
    routing::Command::Dispatch {
        lead: lead.map(org_id),
        co: co.iter().map(|org| org_id(org)).collect(),
        task: None,
    }
}

pub(super) fn sign_for(no: u32) -> routing::Command {
    routing::Command::SignFor { obligation: ObligationNo(no) }
}

pub(super) fn report_in(no: u32, reported_at: At, code: Option<&str>) -> routing::Command {
    routing::Command::ReportIn {
        obligation: ObligationNo(no),
        reported_at,
        code_mac: code.map(str::to_owned),
        point: None,
    }
}

pub(super) fn complete(no: u32) -> routing::Command {
    routing::Command::Complete { obligation: ObligationNo(no), result: sealed("done"), evidence: Vec::new() }
}

pub(super) fn confirm(no: u32) -> routing::Command {
    routing::Command::Confirm { obligation: ObligationNo(no) }
}

pub(super) fn refuse(no: u32) -> routing::Command {
    routing::Command::RefuseCompletion { obligation: ObligationNo(no), words: sealed("the line is missing") }
}

pub(super) fn approve(no: u32) -> routing::Command {
    routing::Command::ApproveWhistle { whistle: WhistleNo(no) }
}

pub(super) fn stand_down(no: u32) -> routing::Command {
    routing::Command::StandDownWhistle { whistle: WhistleNo(no), words: None }
}

pub(super) fn assign(no: u32, org: &str, person: Option<&str>) -> routing::Command {
    routing::Command::Assign {
        obligation: ObligationNo(no),
        org: org_id(org),
        person: person.map(|id| PersonId::new(id).unwrap()),
        task: None,
    }
}

pub(super) fn plan(whistle: Option<u32>, responsible: &[u32]) -> routing::Command {
    let measure = |no: &u32| PlannedMeasure {
        text: sealed("a guard rail"),
        responsible: ObligationNo(*no),
        mandatory: true,
        due_at: None,
    };
    routing::Command::RecordJointPlan {
        whistle: whistle.map(WhistleNo),
        attendees: vec![org_id("traffic"), org_id("community-a1")],
        measures: responsible.iter().map(measure).collect(),
        words: None,
    }
}

pub(super) fn strike_off(no: u32) -> routing::Command {
    routing::Command::StrikeOff {
        measure: crate::ids::MeasureNo(no),
        evidence: vec![photo(EvidenceKind::After)],
        note: None,
    }
}

pub(super) fn dispose(at: At) -> closure::Command {
    closure::Command::Dispose(Dispose {
        taken_up_at: at,
        spoken_to: sealed("the reporter"),
        measures: sealed("the road was mended"),
        solved_by_at: at,
        public_reply: sealed("mended"),
        cost_bearer: None,
        evidence: Vec::new(),
    })
}

pub(super) fn check(passed: bool) -> closure::Command {
    closure::Command::Check { passed, words: (!passed).then(|| sealed("half done")), evidence: Vec::new() }
}

pub(super) fn called(number: u32, solved: bool) -> closure::Command {
    closure::Command::CallBack(CallBack {
        reporter: KeyId::reporter(number),
        contacted: true,
        solved: Some(solved),
        satisfied: Some(if solved { Satisfaction::Satisfied } else { Satisfaction::Unsatisfied }),
        words: None,
    })
}

pub(super) fn not_reached(number: u32) -> closure::Command {
    closure::Command::CallBack(CallBack {
        reporter: KeyId::reporter(number),
        contacted: false,
        solved: None,
        satisfied: None,
        words: None,
    })
}

pub(super) fn close(outcome: Outcome) -> closure::Command {
    closure::Command::Close { outcome, reply: None }
}

pub(super) fn exit(exit: intake::Exit, code: &str) -> intake::Command {
    intake::Command::RequestExit { exit, ground: super::kit::ground(code) }
}

pub(super) fn decide_exit(no: u32, grant: bool) -> intake::Command {
    intake::Command::DecideExit { request: RequestNo(no), grant, words: None }
}

pub(super) fn reject() -> intake::Command {
    intake::Command::Reject { reason: reason("out-of-scope"), reply: sealed("ask the court") }
}

/// Raised by the hotline with a ticket, about the road; the matrix gives it to housing with the subdistrict.
pub(super) fn raised() -> Story {
    let raise = Raise { ticket: Some(ticket("T-1")), ..raise(Profile::Hotline) };
    Story::begins().given("hotline", raise).stands(Status::Raised)
}

pub(super) fn accepted() -> Story {
    raised().given("p-receptionist", accept()).stands(Status::Accepted)
}

pub(super) fn filed() -> Story {
    accepted().given("p-duty_leader", file()).stands(Status::Filed)
}

/// Duty 1: housing, leading. Duty 2: the subdistrict, joining.
pub(super) fn dispatched() -> Story {
    filed().given("p-dispatcher", dispatch(None, &[])).stands(Status::Dispatched)
}

pub(super) fn in_progress() -> Story {
    dispatched()
        .given("p-handler-housing", sign_for(1))
        .given("p-handler-street-a", sign_for(2))
        .stands(Status::InProgress)
}

pub(super) fn disposed() -> Story {
    let story = in_progress().given("p-handler-street-a", complete(2));
    let at = story.now;
    story.given("p-handler-housing", dispose(at)).stands(Status::Disposed)
}

pub(super) fn checked() -> Story {
    disposed().given("p-inspector", check(true)).stands(Status::Checked)
}

pub(super) fn closed() -> Story {
    checked()
        .given("p-caller_back", called(1, true))
        .given("p-duty_leader", close(Outcome::Solved))
        .stands(Status::Closed)
}

/// Community A1's own routine whistle, waiting for its street.
pub(super) fn drafted() -> Story {
    let story = Story::begins().given("p-community_officer-community-a1", own_matter("ROUTINE"));
    story.stands(Status::Filed)
}

/// The same, approved: traffic leads with duty 1, enforcement joins with duty 2.
pub(super) fn whistled() -> Story {
    drafted().given("p-subdistrict_leader-street-a", approve(1)).stands(Status::Dispatched)
}

/// Both signed for it and reported in.
pub(super) fn gathered() -> Story {
    let story = whistled();
    let now = story.now;
    story
        .given("p-handler-traffic", sign_for(1))
        .given("p-handler-enforcement", sign_for(2))
        .given("p-handler-traffic", report_in(1, now, None))
        .given("p-handler-enforcement", report_in(2, now, None))
        .stands(Status::InProgress)
}

pub(super) fn note() -> Act {
    intake::Command::AddNote { text: sealed("called again"), public: false }.into()
}
