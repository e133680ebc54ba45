//! A small district with a board, and the steps of a case's life in short.

use case::event::Event;
use case::event::parts::{Channel, Evidence, EvidenceKind, Outcome, Party, Profile, Reporter, ReporterKind};
use case::ids::{CaseId, KeyId, MeasureNo, ObligationNo, WhistleNo};
use case::intake::Raise;
use case::routing::{Blow, PlannedMeasure};
use case::rules::PlaceGiven;
use case::sealed::Sealed;
use case::state::Case;
use case::time::At;
use case::{Actor, Refusal, Rules, closure, intake, routing};
use registry::ids::{MatterId, OrgId, WhistleKind};
use test_kit::World;
use tonic::metadata::MetadataMap;

use crate::Board;

pub(super) const GRID_A1: &str = "999900001001001";
pub(super) const GRID_B1: &str = "999900002001001";

/// The district and its board.
pub(super) struct District {
    pub(super) board: Board,
    pub(super) world: World,
}

type Decided = Result<Vec<Event>, Refusal>;

impl District {
    pub(super) async fn start() -> Self {
        let world = World::start().await;
        let board = Board::start(world.desk.clone(), &world.dir("board"), &world.shutdown).await.unwrap();
        Self { board, world }
    }

    /// After a restart that finds a case damaged.
    pub(super) async fn restarted_with_damaged(self, id: CaseId) -> Self {
        let head = self.world.desk.ledger.head().position;
        self.board.view.wait_for(head, test_kit::DEADLINE).await.unwrap();
        let Self { world, board } = self;
        drop(board);
        let world = world.restarted_with_damaged(id).await;
        let board = Board::start(world.desk.clone(), &world.dir("board"), &world.shutdown).await.unwrap();
        Self { board, world }
    }

    /// Whatever was committed up to now.
    pub(super) fn now(&self) -> String {
        let ledger = &self.world.desk.ledger;
        desk::token::encode(ledger, ledger.head().position)
    }

    pub(super) fn later(&self, minutes: u64) {
        self.world.clock.advance(std::time::Duration::from_secs(minutes * 60));
    }

    pub(super) async fn case(&self, id: CaseId) -> std::sync::Arc<Case> {
        self.world.desk.ledger.read_case(id).await.unwrap()
    }

    pub(super) async fn seal(&self, id: CaseId, key: &KeyId, field: &str, text: &str) -> Sealed {
        self.world.desk.vault.seal(id, key, field, text).await.unwrap()
    }

    /// What is to be raised in a grid, with the words of one resident who can be called.
    pub(super) async fn told(&self, id: CaseId, grid: &str, words: &str) -> Raise {
        let key = KeyId::reporter(1);
        let reporter =
            Reporter { key_id: key.clone(), kind: ReporterKind::Resident, person: None, contactable: true };
        Raise {
            profile: Profile::GridWorker,
            channel: Channel::FieldApp,
            reporters: vec![reporter],
            text: Some(self.seal(id, &key, "text", words).await),
            place: PlaceGiven { area: Some(grid.to_owned()), ..PlaceGiven::default() },
            matter: None,
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
            occurred_at: At::new(self.world.desk.clock.now()),
        }
    }

    pub(super) async fn raise_as(&self, person: &str, id: CaseId, raise: Raise) -> CaseId {
        let decide = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
            intake::raise(case, &raise, actor, rules, now)
        };
        self.world.decide(person, id, decide).await.unwrap();
        id
    }

    /// Raised by the grid worker of Community A1.
    pub(super) async fn raised(&self, number: u8, words: &str) -> CaseId {
        let id = CaseId::derived("test", &[&[number]]);
        let raise = self.told(id, GRID_A1, words).await;
        self.raise_as("p-grid_worker", id, raise).await
    }

    /// Raised by the grid worker of Community B1, in the other subdistrict.
    pub(super) async fn raised_in_b(&self, number: u8, words: &str) -> CaseId {
        let id = CaseId::derived("test", &[&[number]]);
        let raise = self.told(id, GRID_B1, words).await;
        self.raise_as("p-grid_worker-community-b1", id, raise).await
    }

    pub(super) async fn sort(&self, person: &str, id: CaseId, command: intake::Command) {
        let decide = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
            intake::decide(case, &command, actor, rules, now)
        };
        self.world.decide(person, id, decide).await.unwrap();
    }

    pub(super) async fn route(&self, person: &str, id: CaseId, command: routing::Command) {
        let decide = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
            routing::decide(case, &command, actor, rules, now)
        };
        self.world.decide(person, id, decide).await.unwrap();
    }

    pub(super) async fn conclude(&self, person: &str, id: CaseId, command: closure::Command) {
        let decide = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
            closure::decide(case, &command, actor, rules, now)
        };
        self.world.decide(person, id, decide).await.unwrap();
    }

    /// Commits an event that no command of today makes.
    pub(super) async fn happen(&self, person: &str, id: CaseId, event: impl Into<Event>) {
        let event: Event = event.into();
        let decide = |_: &Case, _: &Actor, _: &Rules<'_>, _: At| -> Decided { Ok(vec![event.clone()]) };
        self.world.decide(person, id, decide).await.unwrap();
    }

    pub(super) async fn accept(&self, id: CaseId) {
        self.sort("p-receptionist", id, intake::Command::Accept).await;
    }

    pub(super) async fn file(&self, id: CaseId, matter: &str) {
        let matter = Some(MatterId::new(matter).unwrap());
        self.sort("p-duty_leader", id, intake::Command::File { matter, grade: None, place: None }).await;
    }

    /// To a lead, and to those who join.
    pub(super) async fn dispatch(&self, id: CaseId, lead: &str, co: &[&str]) {
        let org = |id: &str| OrgId::new(id).unwrap();
        let (lead, co) = (Some(org(lead)), co.iter().map(|id| org(id)).collect());
        self.route("p-dispatcher", id, routing::Command::Dispatch { lead, co, task: None }).await;
    }

    /// Raised, accepted, filed and dispatched.
    pub(super) async fn dispatched(&self, number: u8, words: &str, lead: &str, co: &[&str]) -> CaseId {
        let id = self.raised(number, words).await;
        self.accept(id).await;
        self.file(id, "fire-passage").await;
        self.dispatch(id, lead, co).await;
        id
    }

    pub(super) async fn sign(&self, person: &str, id: CaseId, no: u32) {
        self.route(person, id, routing::Command::SignFor { obligation: ObligationNo(no) }).await;
    }

    pub(super) async fn contact(&self, person: &str, id: CaseId, no: u32) {
        let who_and_how = self.seal(id, &KeyId::reporter(1), "who_and_how", "电话联系了张先生").await;
        let contacted_at = At::new(self.world.desk.clock.now());
        let obligation = ObligationNo(no);
        self.route(person, id, routing::Command::RecordContact { obligation, contacted_at, who_and_how })
            .await;
    }

    pub(super) async fn report_in(&self, person: &str, id: CaseId, no: u32) {
        let command = routing::Command::ReportIn {
            obligation: ObligationNo(no),
            reported_at: At::new(self.world.desk.clock.now()),
            code_mac: None,
            point: None,
        };
        self.route(person, id, command).await;
    }

    pub(super) async fn complete(&self, person: &str, id: CaseId, no: u32) {
        let result = self.seal(id, &KeyId::case_file(), "result", "已清理通道").await;
        let obligation = ObligationNo(no);
        let evidence = vec![photo()];
        self.route(person, id, routing::Command::Complete { obligation, result, evidence }).await;
    }

    pub(super) async fn dispose(&self, person: &str, id: CaseId) {
        let file = KeyId::case_file();
        let now = At::new(self.world.desk.clock.now());
        let dispose = closure::Dispose {
            taken_up_at: now,
            spoken_to: self.seal(id, &file, "spoken_to", "张先生").await,
            measures: self.seal(id, &file, "measures", "划线、清障").await,
            solved_by_at: now,
            public_reply: self.seal(id, &file, "public_reply", "消防通道已恢复畅通").await,
            cost_bearer: None,
            evidence: vec![photo()],
        };
        self.conclude(person, id, closure::Command::Dispose(dispose)).await;
    }

    pub(super) async fn check(&self, id: CaseId) {
        let command = closure::Command::Check { passed: true, words: None, evidence: vec![photo()] };
        self.conclude("p-inspector", id, command).await;
    }

    pub(super) async fn call_back(&self, id: CaseId) {
        let words = self.seal(id, &KeyId::reporter(1), "words", "很满意").await;
        let call = closure::CallBack {
            reporter: KeyId::reporter(1),
            contacted: true,
            solved: Some(true),
            satisfied: Some(case::event::parts::Satisfaction::Satisfied),
            words: Some(words),
        };
        self.conclude("p-caller_back", id, closure::Command::CallBack(call)).await;
    }

    pub(super) async fn close(&self, id: CaseId) {
        let command = closure::Command::Close { outcome: Outcome::Solved, reply: None };
        self.conclude("p-caller_back", id, command).await;
    }

    /// The community's whistle to traffic and enforcement, waiting for its street's approval.
    pub(super) async fn blow(&self, id: CaseId) {
        let purpose = self.seal(id, &KeyId::case_file(), "purpose", "联合查看8号楼停车纠纷").await;
        let party =
            |org: &str, part| Party { org: OrgId::new(org).unwrap(), part, mandatory: true, task: None };
        let blow = Blow {
            kind: WhistleKind::new("ROUTINE").unwrap(),
            purpose,
            tried: None,
            meeting: None,
            parties: vec![
                party("traffic", case::event::parts::Part::Lead),
                party("enforcement", case::event::parts::Part::Co),
            ],
            request: None,
        };
        self.route("p-community_officer-community-a1", id, routing::Command::Blow(blow)).await;
    }

    pub(super) async fn approve(&self, id: CaseId) {
        let command = routing::Command::ApproveWhistle { whistle: WhistleNo(1) };
        self.route("p-subdistrict_leader-street-a", id, command).await;
    }

    /// One measure, traffic's.
    pub(super) async fn plan(&self, id: CaseId, no: u32) {
        let measure = PlannedMeasure {
            text: self.seal(id, &KeyId::case_file(), "text", "施划停车位二十个").await,
            responsible: ObligationNo(no),
            mandatory: true,
            due_at: None,
        };
        let command = routing::Command::RecordJointPlan {
            whistle: Some(WhistleNo(1)),
            attendees: vec![OrgId::new("traffic").unwrap(), OrgId::new("enforcement").unwrap()],
            measures: vec![measure],
            words: None,
        };
        self.route("p-community_officer-community-a1", id, command).await;
    }

    pub(super) async fn strike_off(&self, person: &str, id: CaseId, no: u32) {
        let evidence = vec![photo()];
        self.route(person, id, routing::Command::StrikeOff { measure: MeasureNo(no), evidence, note: None })
            .await;
    }
}

pub(super) fn photo() -> Evidence {
    Evidence {
        sha256: "a".repeat(64),
        media_type: "image/jpeg".to_owned(),
        bytes: 1_000,
        shows: EvidenceKind::After,
    }
}

/// What a call of somebody carries.
pub(super) fn by(person: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert("authorization", test_kit::bearer(person));
    metadata
}
