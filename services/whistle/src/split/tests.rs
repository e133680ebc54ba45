use case::ids::{CaseId, KeyId};
use nats_child::NatsChild;
use registry::ids::Role as Post;
use service_kit::clock::{Clock, Manual};
use tempfile::TempDir;
use tonic::Request;
use uuid::Uuid;
use vault::{Contact, Opened};
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1::RaiseCaseRequest;

use super::Six;
use crate::all::sweep::tests::{A_DAY, gone, phone};
use crate::sandbox::Sandbox;
use crate::seeds::HUANCUI;
use crate::serve;

/// A day on which the samples are in force.
const NOW: &str = "2025-09-01T08:00:00+08:00";
const TEXT: &str = "楼道堆物";
/// Commands that meet in the test of two at once: enough for them to meet in each of the places they can.
const PAIRS: u8 = 32;

fn raise(command_id: Uuid, token: &str) -> Request<RaiseCaseRequest> {
    let reporter = shared::Reporter {
        kind: shared::ReporterKind::Resident.into(),
        name: "王某某".to_owned(),
        phone: "13800000001".to_owned(),
        ..shared::Reporter::default()
    };
    let new_case = shared::NewCase {
        profile: shared::Profile::Hotline.into(),
        channel: shared::Channel::Hotline.into(),
        reporters: vec![reporter],
        text: TEXT.to_owned(),
        ..shared::NewCase::default()
    };
    let command_id = command_id.to_string();
    let mut request = Request::new(RaiseCaseRequest { command_id, new_case: Some(new_case) });
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

/// Six roles at a nats-server of their own, on a clock that is stepped.
struct District {
    six: Six,
    clock: Manual,
    /// Of a receptionist.
    token: String,
    _server: NatsChild,
    _data: TempDir,
}

impl District {
    async fn begin() -> Self {
        let (server, data) = (NatsChild::start().unwrap(), tempfile::tempdir().unwrap());
        let mut settings = serve::settings(None).unwrap();
        settings.bus = bus::Settings::local(server.url());
        let content = HUANCUI.content().unwrap();
        let sandbox = Sandbox::of(&content).unwrap();
        let (clock, manual) = Clock::manual(NOW.parse().unwrap());
        let six = Six::start(data.path(), &clock, &sandbox.principals, content, &settings);
        let six = Box::pin(six).await.unwrap();
        let seat = sandbox.seats.iter().find(|seat| seat.roles.contains(&Post::Receptionist)).unwrap();
        Self { six, clock: manual, token: seat.token.clone(), _server: server, _data: data }
    }
}

#[tokio::test]
async fn words_are_sealed_anew_when_their_keys_are_there_from_a_try_that_ended_between_vault_and_log() {
    let district = District::begin().await;
    let (desk, vault, token) = (&district.six.desk, &district.six.desk.vault, &district.token);
    let command_id: Uuid = "019aa7b2-6c00-7abc-8def-0123456789ab".parse().unwrap();
    let caller = desk.caller(raise(command_id, token).metadata()).unwrap();
    let case = CaseId::made_by(desk.ledger.id(), &caller.principal.id, command_id);
    // What the first try left behind: keys of its own, and no event.
    let first = vault.seal(case, &KeyId::case_file(), "text", "something else").await.unwrap();
    let contact = Contact { name: None, phone: Some("13900000000".to_owned()) };
    vault.put_contact(case, &KeyId::reporter(1), &contact).await.unwrap();

    let made = desk.make(raise(command_id, token), |_prepared| {}, case::intake::raise).await.unwrap();
    assert!(!made.repeated);
    let raised = desk.ledger.read_case(case).await.unwrap();
    let text = raised.text.as_ref().unwrap();
    assert_ne!(text.ciphertext, first.ciphertext);
    assert_eq!(vault.open_text(case, "text", text).await.unwrap(), Opened::Text(TEXT.to_owned()));
    let kept = vault.contact(case, &raised.reporters[0].key_id).await.unwrap().unwrap();
    assert_eq!(kept.phone.as_deref(), Some("13800000001"), "of this try, not of the first");

    let again = desk.make(raise(command_id, token), |_prepared| {}, case::intake::raise).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.position, made.position);

    let mut other = raise(command_id, token);
    other.get_mut().new_case.as_mut().unwrap().reporters[0].phone = "13900000002".to_owned();
    let refused = desk.make(other, |_prepared| {}, case::intake::raise).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::AlreadyExists);
    let kept = vault.contact(case, &raised.reporters[0].key_id).await.unwrap().unwrap();
    assert_eq!(kept.phone.as_deref(), Some("13800000001"), "of the case, not of who was refused");
    district.six.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_commands_of_one_id_at_once_the_contact_is_that_of_the_case_made() {
    let district = District::begin().await;
    let (desk, vault, token) = (&district.six.desk, &district.six.desk.vault, &district.token);
    for number in 1..=PAIRS {
        let asked = |phone: &str| {
            let mut request = raise(Uuid::from_bytes([number; 16]), token);
            request.get_mut().new_case.as_mut().unwrap().reporters[0].phone = phone.to_owned();
            desk.make(request, |_prepared| {}, case::intake::raise)
        };
        let phones = ["13800000001", "13900000002"];
        let (one, other) = tokio::join!(asked(phones[0]), asked(phones[1]));
        let (made, of) = match (one, other) {
            (Ok(made), Err(refused)) if refused.code() == tonic::Code::AlreadyExists => (made, phones[0]),
            (Err(refused), Ok(made)) if refused.code() == tonic::Code::AlreadyExists => (made, phones[1]),
            both => panic!("{both:?}"),
        };
        let case = &made.cases[0];
        let kept = vault.contact(case.id, &case.reporters[0].key_id).await.unwrap().unwrap();
        assert_eq!(kept.phone.as_deref(), Some(of), "of the case, not of who was refused");
    }
    district.six.stop().await.unwrap();
}

#[tokio::test]
async fn the_ledger_role_sweeps_what_no_event_names_after_a_day() {
    let district = District::begin().await;
    let (desk, vault, token) = (&district.six.desk, &district.six.desk.vault, &district.token);
    let request = raise(Uuid::from_bytes([1; 16]), token);
    let made = desk.make(request, |_prepared| {}, case::intake::raise).await.unwrap();
    let left = CaseId::derived("test", &[]);
    let contact = Contact { name: None, phone: Some("13900000000".to_owned()) };
    vault.put_contact(left, &KeyId::reporter(1), &contact).await.unwrap();

    district.clock.advance(A_DAY);
    gone(vault, left).await;
    assert_eq!(phone(vault, made.cases[0].id).await.as_deref(), Some("13800000001"));
    assert!(district.six.stop().await.unwrap().is_clean());
}
