mod contacts;
mod seen;

use case::flow::Status as CaseStatus;
use test_kit::{World, bearer};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1 as pb;
use wire::pb::whistle::intake::v1::intake_service_server::IntakeService as _;

use crate::Intake;

/// A department's area of the sample, and a grid in it.
const GRID: &str = "999900001001001";

struct Desk {
    world: World,
    intake: Intake,
}

impl Desk {
    async fn open() -> Self {
        let world = World::start().await;
        let (rows, photos) = (world.dir("rows"), world.dir("photos"));
        let intake =
            Intake::start(world.desk.clone(), &rows, &photos, &world.shutdown).await.expect("starts");
        Self { world, intake }
    }

    fn request<T>(&self, person: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", bearer(person));
        request
    }

    fn command_id(&self) -> String {
        self.world.command_id().to_string()
    }

    async fn raise(
        &self,
        person: &str,
        request: pb::RaiseCaseRequest,
    ) -> Result<shared::CommandReceipt, Status> {
        let answer = self.intake.raise_case(self.request(person, request)).await?;
        Ok(answer.into_inner().receipt.expect("a receipt"))
    }

    async fn raised(&self) -> shared::CommandReceipt {
        let request = pb::RaiseCaseRequest { command_id: self.command_id(), new_case: Some(report()) };
        self.raise("p-grid_worker", request).await.expect("raised")
    }

    fn events(&self) -> u64 {
        self.world.desk.ledger.head().position.get()
    }
}

fn report() -> shared::NewCase {
    shared::NewCase {
        profile: shared::Profile::GridWorker.into(),
        channel: shared::Channel::FieldApp.into(),
        text: "8号楼南侧车位被货车长期占用".to_owned(),
        place: Some(shared::Place { area_code: GRID.to_owned(), ..shared::Place::default() }),
        ..shared::NewCase::default()
    }
}

fn ticket(number: &str) -> shared::NewCase {
    shared::NewCase {
        profile: shared::Profile::Hotline.into(),
        channel: shared::Channel::Hotline.into(),
        ticket: Some(shared::Ticket { number: number.to_owned(), revision: 1 }),
        ..report()
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn fields(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    bad.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn a_report_is_durable_numbered_and_stands_in_raised() {
    let desk = Desk::open().await;
    let receipt = desk.raised().await;
    assert_eq!(receipt.status, i32::from(shared::CaseStatus::Raised));
    assert!(receipt.case_number.contains("-999900-"), "{}", receipt.case_number);
    let id = case::ids::CaseId(receipt.case_id.parse().expect("a UUID"));
    let case = desk.world.desk.ledger.read_case(id).await.expect("reads");
    assert_eq!((case.status, case.version), (CaseStatus::Raised, receipt.version));
}

#[tokio::test]
async fn the_same_command_again_answers_the_same_and_commits_nothing() {
    let desk = Desk::open().await;
    let request = pb::RaiseCaseRequest { command_id: desk.command_id(), new_case: Some(report()) };
    let first = desk.raise("p-grid_worker", request.clone()).await.expect("raised");
    let before = desk.events();
    let again = desk.raise("p-grid_worker", request).await.expect("repeated");
    assert!(again.repeated && !first.repeated);
    assert_eq!(shared::CommandReceipt { repeated: false, ..again }, first);
    assert_eq!(desk.events(), before);
}

#[tokio::test]
async fn the_same_command_id_with_another_body_is_refused() {
    let desk = Desk::open().await;
    let command_id = desk.command_id();
    let request = |text: &str| pb::RaiseCaseRequest {
        command_id: command_id.clone(),
        new_case: Some(shared::NewCase { text: text.to_owned(), ..report() }),
    };
    desk.raise("p-grid_worker", request("占道")).await.expect("raised");
    let before = desk.events();
    let status = desk.raise("p-grid_worker", request("积水")).await.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "COMMAND_ID_REUSED"));
    assert_eq!(desk.events(), before);
}

#[tokio::test]
async fn every_violation_of_a_request_is_told_at_once_and_nothing_happens() {
    let desk = Desk::open().await;
    let new_case = shared::NewCase { profile: 99, channel: 0, text: "长".repeat(5_000), ..report() };
    let request = pb::RaiseCaseRequest { command_id: String::new(), new_case: Some(new_case) };
    let before = desk.events();
    let status = desk.raise("p-grid_worker", request).await.expect_err("refused");
    assert_eq!(status.code(), Code::InvalidArgument);
    let fields = fields(&status);
    for field in ["command_id", "new_case.profile", "new_case.channel", "new_case.text"] {
        assert!(fields.iter().any(|told| told == field), "{field} is not in {fields:?}");
    }
    assert_eq!(desk.events(), before);
}

#[tokio::test]
async fn a_token_nobody_issued_gets_no_further() {
    let desk = Desk::open().await;
    let request = pb::RaiseCaseRequest { command_id: desk.command_id(), new_case: Some(report()) };
    let status = desk.raise("nobody", request.clone()).await.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_UNKNOWN"));
    let status = desk.intake.raise_case(Request::new(request)).await.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_MISSING"));
}

#[tokio::test]
async fn a_role_without_the_right_is_denied() {
    let desk = Desk::open().await;
    let request = pb::RaiseCaseRequest { command_id: desk.command_id(), new_case: Some(report()) };
    let status = desk.raise("p-auditor", request).await.expect_err("refused");
    assert_eq!(status.code(), Code::PermissionDenied);
    let receipt = desk.raised().await;
    let accept = pb::AcceptCaseRequest {
        command_id: desk.command_id(),
        case_id: receipt.case_id,
        expected_version: None,
    };
    let status = desk.intake.accept_case(desk.request("p-grid_worker", accept)).await.expect_err("refused");
    assert_eq!(status.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn outside_ones_scope_a_case_does_not_exist() {
    let desk = Desk::open().await;
    let receipt = desk.raised().await;
    let note = |case_id: String| pb::AddNoteRequest {
        command_id: desk.command_id(),
        case_id,
        text: "看看".to_owned(),
        ..pb::AddNoteRequest::default()
    };
    let foreign = desk.request("p-handler-traffic", note(receipt.case_id));
    let foreign = desk.intake.add_note(foreign).await.expect_err("not seen");
    let absent = desk.request("p-handler-traffic", note(uuid::Uuid::max().to_string()));
    let absent = desk.intake.add_note(absent).await.expect_err("not there");
    assert_eq!(foreign.code(), Code::NotFound);
    assert_eq!(
        (foreign.code(), foreign.message(), reason(&foreign)),
        (absent.code(), absent.message(), reason(&absent))
    );
}

#[tokio::test]
async fn a_stale_expected_version_is_told_with_the_version_there_is() {
    let desk = Desk::open().await;
    let receipt = desk.raised().await;
    let accept = pb::AcceptCaseRequest {
        command_id: desk.command_id(),
        case_id: receipt.case_id,
        expected_version: Some(receipt.version + 1),
    };
    let status = desk.intake.accept_case(desk.request("p-receptionist", accept)).await.expect_err("refused");
    assert_eq!(status.code(), Code::Aborted);
}

#[tokio::test]
async fn a_ticket_with_everything_wrong_is_taken_and_its_defects_listed() {
    let desk = Desk::open().await;
    let place = shared::Place {
        area_code: "12".to_owned(),
        point: Some(shared::Point {
            latitude: 1.0,
            longitude: 1.0,
            datum: shared::Datum::Wgs84.into(),
            ..shared::Point::default()
        }),
        ..shared::Place::default()
    };
    let new_case =
        shared::NewCase { place: Some(place), matter_id: "no-such-matter".to_owned(), ..ticket("T-1") };
    let request = pb::RaiseCaseRequest { command_id: desk.command_id(), new_case: Some(new_case) };
    let receipt = desk.raise("hotline", request).await.expect("a citizen is never refused");
    assert_eq!(receipt.status, i32::from(shared::CaseStatus::Untriaged));
    for defect in
        [shared::Defect::MatterUnknown, shared::Defect::AreaUnknown, shared::Defect::OutsideDistrict]
    {
        assert!(receipt.defects.contains(&defect.into()), "{defect:?} is not in {:?}", receipt.defects);
    }
}

#[tokio::test]
async fn a_batch_answers_each_item_for_itself() {
    let desk = Desk::open().await;
    let item = |new_case| pb::RaiseCaseRequest { command_id: desk.command_id(), new_case };
    let items = vec![item(Some(report())), item(None), item(Some(report()))];
    let batch = desk.request("p-grid_worker", pb::RaiseCasesRequest { items });
    let results = desk.intake.raise_cases(batch).await.expect("answered").into_inner().results;
    let taken =
        |result: &pb::RaiseResult| matches!(result.result, Some(pb::raise_result::Result::Receipt(_)));
    assert_eq!(results.iter().map(taken).collect::<Vec<_>>(), [true, false, true]);
    let Some(pb::raise_result::Result::Error(error)) = &results[1].result else { panic!("an error") };
    assert_eq!(error.code, i32::from(Code::InvalidArgument));
    assert!(!error.message_zh.is_empty() && !error.violations.is_empty());
}

#[tokio::test]
async fn merging_and_splitting_touch_all_their_cases_at_once() {
    let desk = Desk::open().await;
    let (child, parent) = (desk.raised().await, desk.raised().await);
    let merge = pb::MergeCaseRequest {
        command_id: desk.command_id(),
        case_id: child.case_id,
        into_case_id: parent.case_id.clone(),
        expected_version: None,
    };
    let merged =
        desk.intake.merge_case(desk.request("p-receptionist", merge)).await.expect("merged").into_inner();
    assert_eq!(merged.receipt.expect("child").status, i32::from(shared::CaseStatus::Merged));
    assert_eq!(merged.into.expect("parent").status, i32::from(shared::CaseStatus::Raised));
    let split = pb::SplitCaseRequest {
        command_id: desk.command_id(),
        case_id: parent.case_id,
        children: vec![report(), report()],
        expected_version: None,
    };
    let split =
        desk.intake.split_case(desk.request("p-receptionist", split)).await.expect("split").into_inner();
    assert_eq!(split.receipt.expect("parent").status, i32::from(shared::CaseStatus::Split));
    let children: Vec<_> = split.children.iter().map(|child| child.status).collect();
    assert_eq!(children, [i32::from(shared::CaseStatus::Raised); 2]);
}

#[tokio::test]
async fn what_was_said_lies_sealed_in_the_log_and_the_contact_only_in_the_vault() {
    let desk = Desk::open().await;
    let reporter = shared::Reporter {
        kind: shared::ReporterKind::Resident.into(),
        name: "王某某".to_owned(),
        phone: "13800000001".to_owned(),
        ..shared::Reporter::default()
    };
    let new_case = shared::NewCase { reporters: vec![reporter], ..ticket("T-2") };
    let request = pb::RaiseCaseRequest { command_id: desk.command_id(), new_case: Some(new_case) };
    let receipt = desk.raise("hotline", request).await.expect("taken");
    let id = case::ids::CaseId(receipt.case_id.parse().expect("a UUID"));
    let case = desk.world.desk.ledger.read_case(id).await.expect("reads");
    let text = case.text.as_ref().expect("sealed");
    let opened = desk.world.desk.vault.open_text(id, "text", text).await.expect("opens");
    assert_eq!(opened, vault::Opened::Text("8号楼南侧车位被货车长期占用".to_owned()));
    for (recorded, _) in desk.world.desk.ledger.history(id, 0, 100).await.expect("reads") {
        let payload = String::from_utf8(recorded.event.encode().expect("writes")).expect("JSON");
        for personal in ["王某某", "13800000001", "8号楼"] {
            assert!(!payload.contains(personal), "{personal} stands in {}", recorded.event.event_type());
        }
    }
    let contact =
        desk.world.desk.vault.contact(id, &case.reporters[0].key_id).await.expect("reads").expect("kept");
    assert_eq!(contact.phone.as_deref(), Some("13800000001"));
}
