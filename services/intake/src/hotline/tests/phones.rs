//! How a ticket's caller can be reached: whose word counts when revisions come as they like.

use case::ids::{CaseId, KeyId};
use serde_json::json;
use tonic::Code;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1::from_source::Message as Said;
use wire::pb::whistle::intake::v1::{RaiseCaseRequest, ReceiptResult, SourceTicket};

use super::support::{District, good, is, json_ticket};

async fn phone(district: &District, id: CaseId) -> Option<String> {
    let contact = district.world.desk.vault.contact(id, &KeyId::reporter(1)).await.unwrap();
    contact.and_then(|contact| contact.phone)
}

fn from(revision: u32, phone: &str) -> SourceTicket {
    let mut body = good(&format!("第{revision}版"));
    body["caller"]["phone"] = json!(phone);
    json_ticket("T-1", revision, &body)
}

#[tokio::test]
async fn a_ticket_raised_again_by_a_call_does_not_take_back_the_phone_of_its_revision() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    is(&line.push(from(1, "13800000001")).await, ReceiptResult::Accepted);
    let receipt = line.push(from(2, "13800000002")).await;
    is(&receipt, ReceiptResult::Revised);
    let case = district.case(&receipt).await;
    let reporter = shared::Reporter {
        kind: shared::ReporterKind::Resident.into(),
        phone: "13800000001".to_owned(),
        ..shared::Reporter::default()
    };
    let new_case = shared::NewCase {
        profile: shared::Profile::Hotline.into(),
        channel: shared::Channel::Hotline.into(),
        reporters: vec![reporter],
        text: "第1版".to_owned(),
        ticket: Some(shared::Ticket { number: "T-1".to_owned(), revision: 1 }),
        ..shared::NewCase::default()
    };
    let command_id = district.world.command_id().to_string();
    let message = RaiseCaseRequest { command_id, new_case: Some(new_case) };
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", test_kit::bearer("hotline"));
    let refused = district.world.desk.make(request, |_| {}, case::intake::raise).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(phone(&district, case.id).await.as_deref(), Some("13800000002"));
}

#[tokio::test]
async fn a_revision_that_is_refused_leaves_the_phone_alone() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(from(1, "13800000001")).await;
    let id = district.case(&receipt).await.id;
    // Under another token of the same source, so that nobody can tell whether it is the same.
    district
        .world
        .decide("hotline", id, |_, actor, _, _| {
            let by = actor.sign(&[registry::ids::Role::SourceSystem])?;
            let source = registry::ids::SourceId::new("hotline").unwrap();
            let ticket = case::event::parts::Ticket { source, number: "T-1".to_owned(), revision: 2 };
            let event = case::event::intake::SourceRevised { by, ticket, text: None, source_fields: None };
            Ok(vec![event.into()])
        })
        .await
        .unwrap();
    is(&line.push(from(2, "13800000002")).await, ReceiptResult::Duplicate);
    assert_eq!(phone(&district, id).await.as_deref(), Some("13800000001"));
    line.push(from(3, "13800000003")).await;
    is(&line.push(from(3, "13800000004")).await, ReceiptResult::Refused);
    assert_eq!(phone(&district, id).await.as_deref(), Some("13800000003"));
}

#[tokio::test]
async fn of_revisions_taken_at_once_the_highest_leaves_its_phone() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(from(1, "13800000001")).await;
    let id = district.case(&receipt).await.id;
    for revision in (2..=9).rev() {
        line.say(Said::Ticket(from(revision, &format!("1380000000{revision}")))).await;
    }
    line.rest().await;
    assert_eq!(phone(&district, id).await.as_deref(), Some("13800000009"));
}

#[tokio::test]
async fn the_highest_revision_sent_again_brings_the_phone_a_broken_try_did_not_keep() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    line.push(from(1, "13800000001")).await;
    let receipt = line.push(from(2, "13800000002")).await;
    let id = district.case(&receipt).await.id;
    let older = vault::Contact { name: None, phone: Some("13800000001".to_owned()) };
    district.world.desk.vault.put_contact(id, &KeyId::reporter(1), &older).await.unwrap();
    is(&line.push(from(1, "13800000001")).await, ReceiptResult::Duplicate);
    assert_eq!(phone(&district, id).await.as_deref(), Some("13800000001"));
    is(&line.push(from(2, "13800000002")).await, ReceiptResult::Duplicate);
    assert_eq!(phone(&district, id).await.as_deref(), Some("13800000002"));
}

fn anonymous(revision: u32) -> SourceTicket {
    let mut body = good(&format!("第{revision}版"));
    body["caller"].take();
    json_ticket("T-1", revision, &body)
}

#[tokio::test]
async fn a_phone_that_comes_late_is_kept_until_a_higher_revision_brings_another() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(anonymous(3)).await;
    let id = district.case(&receipt).await.id;
    assert_eq!(phone(&district, id).await, None);
    is(&line.push(from(1, "13800000001")).await, ReceiptResult::Revised);
    assert_eq!(phone(&district, id).await.as_deref(), Some("13800000001"));
    is(&line.push(from(4, "13800000004")).await, ReceiptResult::Revised);
    for late in [from(2, "13800000002"), from(1, "13800000001")] {
        line.push(late).await;
        assert_eq!(phone(&district, id).await.as_deref(), Some("13800000004"));
    }
}

#[tokio::test]
async fn a_phone_that_comes_late_is_not_kept_of_a_caller_who_was_erased() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(anonymous(2)).await;
    let id = district.case(&receipt).await.id;
    district.world.desk.vault.destroy_key(id, &KeyId::reporter(1)).await.unwrap();
    let late = line.push(from(1, "13800000001")).await;
    assert_ne!(late.result(), ReceiptResult::TryAgain, "{late:?}");
    assert_eq!(phone(&district, id).await, None);
}
