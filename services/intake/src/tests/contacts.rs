//! Who is shown a contact, and which contact the vault keeps.

use std::time::Duration;

use case::closure::Dispose;
use case::event::Event;
use case::event::parts::{Evidence, EvidenceKind};
use case::ids::{CaseId, KeyId, ObligationNo};
use case::state::Case;
use case::time::At;
use case::{Actor, Refusal, Rules, closure, intake, routing};
use registry::ids::{MatterId, OrgId};

use super::*;

const LEAD: &str = "p-handler-housing";
const PHONE: &str = "13800000001";

type Decided = Result<Vec<Event>, Refusal>;

fn with_phone(new_case: shared::NewCase, phone: &str) -> shared::NewCase {
    let reporter = shared::Reporter {
        kind: shared::ReporterKind::Resident.into(),
        name: "王某某".to_owned(),
        phone: phone.to_owned(),
        ..shared::Reporter::default()
    };
    shared::NewCase { reporters: vec![reporter], ..new_case }
}

impl Desk {
    async fn act<F>(&self, person: &str, id: CaseId, decide: F)
    where
        F: Fn(&Case, &Actor, &Rules<'_>, At) -> Decided + Send + Sync,
    {
        self.world.decide(person, id, decide).await.expect(person);
    }

    async fn sort(&self, person: &str, id: CaseId, command: intake::Command) {
        self.act(person, id, |case, actor, rules, now| intake::decide(case, &command, actor, rules, now))
            .await;
    }

    async fn route(&self, person: &str, id: CaseId, command: routing::Command) {
        self.act(person, id, |case, actor, rules, now| routing::decide(case, &command, actor, rules, now))
            .await;
    }

    /// A confidential case that housing leads.
    async fn hidden(&self, co: &[&str]) -> CaseId {
        let new_case = shared::NewCase { confidential: true, ..with_phone(report(), PHONE) };
        let request = pb::RaiseCaseRequest { command_id: self.command_id(), new_case: Some(new_case) };
        let receipt = self.raise("p-grid_worker", request).await.expect("raised");
        let id = CaseId(receipt.case_id.parse().expect("a UUID"));
        self.sort("p-receptionist", id, intake::Command::Accept).await;
        let matter = MatterId::new("fire-passage").ok();
        self.sort("p-duty_leader", id, intake::Command::File { matter, grade: None, place: None }).await;
        let (lead, co) = (OrgId::new("housing").ok(), co.iter().flat_map(|org| OrgId::new(*org)).collect());
        self.route("p-dispatcher", id, routing::Command::Dispatch { lead, co, task: None }).await;
        id
    }

    /// The numbers of the requests that the receipt says were made.
    async fn ask(&self, person: &str, id: CaseId) -> Vec<u32> {
        let ask = pb::RequestBreakGlassRequest {
            command_id: self.command_id(),
            case_id: id.to_string(),
            expected_version: None,
            reporter_key_id: KeyId::reporter(1).to_string(),
            purpose: "danger".to_owned(),
        };
        let asked = self.intake.request_break_glass(self.request(person, ask)).await.expect("asked");
        asked.into_inner().receipt.and_then(|receipt| receipt.made).expect("a number").request_nos
    }

    async fn ask_and_allow(&self, id: CaseId) {
        let asked = self.ask(LEAD, id).await;
        let allow = pb::DecideBreakGlassRequest {
            command_id: self.command_id(),
            case_id: id.to_string(),
            expected_version: None,
            request_no: asked[0],
            grant: Some(true),
        };
        self.intake.decide_break_glass(self.request("p-duty_leader", allow)).await.expect("allowed");
    }

    fn reveal(&self, id: CaseId) -> pb::RevealContactRequest {
        pb::RevealContactRequest {
            command_id: self.command_id(),
            case_id: id.to_string(),
            expected_version: None,
            reporter_key_id: KeyId::reporter(1).to_string(),
            purpose: "contact".to_owned(),
        }
    }

    async fn shown(&self, request: &pb::RevealContactRequest) -> Result<String, String> {
        let answer = self.intake.reveal_contact(self.request(LEAD, request.clone())).await;
        answer.map(|answer| answer.into_inner().phone).map_err(|status| reason(&status))
    }

    /// Housing disposes of the case; its duty is over.
    async fn dispose(&self, id: CaseId) {
        let (obligation, now) = (ObligationNo(1), At::new(self.world.desk.clock.now()));
        self.route(LEAD, id, routing::Command::SignFor { obligation }).await;
        let vault = &self.world.desk.vault;
        let who_and_how = vault.seal(id, &KeyId::case_file(), "who_and_how", "电话").await.expect("sealed");
        let told = routing::Command::RecordContact { obligation, contacted_at: now, who_and_how };
        self.route(LEAD, id, told).await;
        let words = async |field| vault.seal(id, &KeyId::case_file(), field, "已清理").await.expect("sealed");
        let photo = Evidence {
            sha256: "a".repeat(64),
            media_type: "image/jpeg".to_owned(),
            bytes: 1_000,
            shows: EvidenceKind::After,
        };
        let command = closure::Command::Dispose(Dispose {
            taken_up_at: now,
            spoken_to: words("spoken_to").await,
            measures: words("measures").await,
            solved_by_at: now,
            public_reply: words("public_reply").await,
            cost_bearer: None,
            evidence: vec![photo],
        });
        self.act(LEAD, id, |case, actor, rules, now| closure::decide(case, &command, actor, rules, now))
            .await;
    }
}

impl Desk {
    /// The phone of the first reporter that the vault keeps.
    async fn kept(&self, id: CaseId) -> Option<String> {
        let contact = self.world.desk.vault.contact(id, &KeyId::reporter(1)).await.expect("reads");
        contact.and_then(|contact| contact.phone)
    }
}

#[tokio::test]
async fn a_command_id_used_again_leaves_the_contact_of_its_first_case_alone() {
    let desk = Desk::open().await;
    let command_id = desk.command_id();
    let request = |phone| pb::RaiseCaseRequest {
        command_id: command_id.clone(),
        new_case: Some(with_phone(report(), phone)),
    };
    let receipt = desk.raise("p-grid_worker", request(PHONE)).await.expect("raised");
    let id = CaseId(receipt.case_id.parse().expect("a UUID"));
    let status = desk.raise("p-grid_worker", request("13900000002")).await.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "COMMAND_ID_REUSED"));
    assert_eq!(desk.kept(id).await.as_deref(), Some(PHONE));
}

#[tokio::test]
async fn of_two_commands_of_one_id_at_once_the_contact_is_that_of_the_case_made() {
    let desk = Desk::open().await;
    let command_id = desk.command_id();
    let phones: Vec<String> = (1..=8).map(|number| format!("1390000000{number}")).collect();
    let item = |phone: &String| pb::RaiseCaseRequest {
        command_id: command_id.clone(),
        new_case: Some(with_phone(report(), phone)),
    };
    let batch = pb::RaiseCasesRequest { items: phones.iter().map(item).collect() };
    let batch = desk.intake.raise_cases(desk.request("p-grid_worker", batch)).await.expect("answered");
    let results = batch.into_inner().results.into_iter().map(|result| result.result);
    let taken: Vec<_> = results
        .zip(&phones)
        .filter_map(|(result, phone)| match result {
            Some(pb::raise_result::Result::Receipt(receipt)) => Some((receipt.case_id, phone)),
            Some(pb::raise_result::Result::Error(_)) | None => None,
        })
        .collect();
    let [(id, phone)] = taken.as_slice() else { panic!("{taken:?}") };
    let id = CaseId(id.parse().expect("a UUID"));
    assert_eq!(desk.kept(id).await.as_ref(), Some(*phone));
}

#[tokio::test]
async fn splitting_again_under_the_same_id_leaves_the_contacts_of_the_children_alone() {
    let desk = Desk::open().await;
    let (parent, command_id) = (desk.raised().await, desk.command_id());
    let split = |phone| {
        let message = pb::SplitCaseRequest {
            command_id: command_id.clone(),
            case_id: parent.case_id.clone(),
            children: vec![with_phone(report(), phone), report()],
            expected_version: None,
        };
        desk.intake.split_case(desk.request("p-receptionist", message))
    };
    let children = split(PHONE).await.expect("split").into_inner().children;
    let id = CaseId(children[0].case_id.parse().expect("a UUID"));
    let status = split("13900000002").await.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "COMMAND_ID_REUSED"));
    assert_eq!(desk.kept(id).await.as_deref(), Some(PHONE));
}

#[tokio::test]
async fn a_reveal_sent_again_after_its_grant_ended_shows_nothing() {
    let desk = Desk::open().await;
    let id = desk.hidden(&[]).await;
    desk.ask_and_allow(id).await;
    let reveal = desk.reveal(id);
    assert_eq!(desk.shown(&reveal).await.as_deref(), Ok(PHONE));
    let before = desk.events();
    assert_eq!(desk.shown(&reveal).await.as_deref(), Ok(PHONE), "an answer that was lost comes again");
    let minutes = desk.world.desk.published().expect("a registry").limits().break_glass_minutes;
    desk.world.clock.advance(Duration::from_secs(60 * u64::from(minutes) + 1));
    assert_eq!(desk.shown(&reveal).await.unwrap_err(), "CONFIDENTIAL");
    assert_eq!(desk.events(), before);
}

#[tokio::test]
async fn a_reveal_sent_again_after_the_duty_was_done_shows_nothing() {
    let desk = Desk::open().await;
    let id = desk.hidden(&[]).await;
    desk.ask_and_allow(id).await;
    let reveal = desk.reveal(id);
    assert_eq!(desk.shown(&reveal).await.as_deref(), Ok(PHONE));
    desk.dispose(id).await;
    assert_eq!(desk.shown(&reveal).await.unwrap_err(), "NOT_THE_HOLDER");
}

#[tokio::test]
async fn of_two_requests_of_one_instant_each_receipt_names_its_own() {
    let desk = Desk::open().await;
    let id = desk.hidden(&["traffic"]).await;
    assert_eq!(desk.ask(LEAD, id).await, [1]);
    assert_eq!(desk.ask("p-handler-traffic", id).await, [2]);
}

#[tokio::test]
async fn words_about_a_case_that_does_not_exist_leave_no_key_behind() {
    let desk = Desk::open().await;
    let absent = CaseId::derived("test", &[]);
    let note = pb::AddNoteRequest {
        command_id: desk.command_id(),
        case_id: absent.to_string(),
        text: "看看".to_owned(),
        ..pb::AddNoteRequest::default()
    };
    let status = desk.intake.add_note(desk.request("p-receptionist", note)).await.expect_err("not there");
    assert_eq!(status.code(), Code::NotFound);
    let split = pb::SplitCaseRequest {
        command_id: desk.command_id(),
        case_id: absent.to_string(),
        children: vec![with_phone(report(), PHONE), report()],
        expected_version: None,
    };
    let status = desk.intake.split_case(desk.request("p-receptionist", split)).await.expect_err("not there");
    assert_eq!(status.code(), Code::NotFound);
    desk.world.clock.advance(Duration::from_secs(25 * 3600));
    let unnamed = |_, _| std::future::ready(Ok::<_, vault::Error>(Some(false)));
    let now = desk.world.desk.clock.now();
    let swept = desk.world.desk.vault.sweep(now, 0, unnamed).await.expect("swept");
    assert_eq!(swept, vault::Swept::default(), "nothing was there to sweep");
}
