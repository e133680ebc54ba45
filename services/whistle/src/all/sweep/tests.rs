use std::time::Duration;

use case::event::Event;
use case::event::intake::SourceRevised;
use case::event::parts::{By, Ticket};
use desk::Desk;
use registry::ids::{Role as Post, SourceId};
use tokio::net::TcpListener;
use tonic::{Code, Request, Status};
use uuid::Uuid;
use vault::Opened;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1::RaiseCaseRequest;

use super::*;
use crate::all::{AllInOne, Options};
use crate::sandbox::Sandbox;
use crate::seeds::HUANCUI;
use crate::serve;

const PHONE: &str = "13800000001";

/// Longer than a row is kept that nobody names.
pub(crate) const A_DAY: Duration = Duration::from_secs(25 * 3600);

/// The phone of a case's first reporter.
pub(crate) async fn phone(vault: &Vault, case: CaseId) -> Option<String> {
    vault.contact(case, &KeyId::reporter(1)).await.unwrap().and_then(|contact| contact.phone)
}

/// Waits for a round to remove it.
pub(crate) async fn gone(vault: &Vault, case: CaseId) {
    let gone = async {
        while phone(vault, case).await.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("it is swept");
}

struct District {
    desk: Desk,
    sandbox: Sandbox,
}

impl District {
    /// Raises a case as whoever holds a post, and gives its id whatever came of it.
    async fn raise(&self, post: Post, number: u8, phone: Option<&str>) -> (CaseId, Result<(), Status>) {
        let reporter = |phone: &str| shared::Reporter {
            kind: shared::ReporterKind::Resident.into(),
            phone: phone.to_owned(),
            ..shared::Reporter::default()
        };
        let new_case = shared::NewCase {
            profile: shared::Profile::Hotline.into(),
            channel: shared::Channel::Hotline.into(),
            reporters: phone.map(reporter).into_iter().collect(),
            text: "楼道堆物".to_owned(),
            ..shared::NewCase::default()
        };
        let command_id = Uuid::from_bytes([number; 16]);
        let message = RaiseCaseRequest { command_id: command_id.to_string(), new_case: Some(new_case) };
        let mut request = Request::new(message);
        let seat = self.sandbox.seats.iter().find(|seat| seat.roles.contains(&post)).unwrap();
        let bearer = format!("Bearer {}", seat.token).parse().unwrap();
        request.metadata_mut().insert("authorization", bearer);
        let caller = self.desk.caller(request.metadata()).unwrap();
        let case = CaseId::made_by(self.desk.ledger.id(), &caller.principal.id, command_id);
        let made = self.desk.make(request, |_prepared| {}, case::intake::raise).await;
        (case, made.map(|_done| ()))
    }

    /// Commits a revision whose words are of a caller the case was made without.
    async fn revise(&self, case: CaseId, text: &case::sealed::Sealed) {
        let source = SourceId::new("hotline").unwrap();
        let ticket = Ticket { source, number: "T-1".to_owned(), revision: 2 };
        let by = By::Automatic { rule: None };
        let event: Event = SourceRevised { by, ticket, text: Some(text.clone()), source_fields: None }.into();
        let context = Desk::automatic("test", Uuid::from_bytes([9; 16]));
        let decide = |_: &[std::sync::Arc<case::state::Case>]| Ok(vec![vec![event.clone()]]);
        self.desk.execute(&context, self.desk.clock.now(), &[case], decide).await.unwrap();
    }
}

#[tokio::test]
async fn after_a_day_the_vault_keeps_only_what_an_event_names() {
    let (data, content) = (tempfile::tempdir().unwrap(), HUANCUI.content().unwrap());
    let sandbox = Sandbox::of(&content).unwrap();
    let (clock, manual) = Clock::manual("2025-09-01T08:00:00+08:00".parse().unwrap());
    let options = Options {
        data: data.path().to_owned(),
        clock,
        principals: sandbox.principals.clone(),
        first: Some(content),
        settings: serve::settings(None).unwrap(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let all = Box::pin(AllInOne::start(options, listener, &Shutdown::new())).await.unwrap();
    let district = District { desk: all.desk.clone(), sandbox };
    let vault = &all.desk.vault;

    let (taken, made) = district.raise(Post::Receptionist, 1, Some(PHONE)).await;
    made.unwrap();
    let (refused, made) = district.raise(Post::Auditor, 2, Some(PHONE)).await;
    assert_eq!(made.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(phone(vault, refused).await.as_deref(), Some(PHONE), "sealed before it was refused");
    let (nameless, made) = district.raise(Post::Receptionist, 3, None).await;
    made.unwrap();
    let text = vault.seal(nameless, &KeyId::reporter(1), "text", "又堆了").await.unwrap();
    district.revise(nameless, &text).await;

    manual.advance(A_DAY);
    gone(vault, refused).await;
    assert_eq!(phone(vault, taken).await.as_deref(), Some(PHONE));
    let opened = vault.open_text(nameless, "text", &text).await.unwrap();
    assert_eq!(opened, Opened::Text("又堆了".to_owned()));
    drop(district);
    assert!(all.stop().await.is_clean());
}

#[test]
fn a_case_that_cannot_be_read_keeps_its_rows_and_ends_no_round() {
    let case = CaseId(Uuid::from_u128(1));
    let found = |error: LedgerError| if_known(case, Err(error.into()));
    let damaged = LedgerError::Damaged { position: ledger::Position(1), detail: "test".to_owned() };
    assert!(matches!(found(damaged), Ok(None)));
    assert!(matches!(found(LedgerError::Storage("test".to_owned())), Ok(None)));
    assert!(matches!(found(LedgerError::Stopped), Err(NotSwept::Ledger(_))));
    assert!(matches!(if_known(case, Err(vault::Error::Away.into())), Err(NotSwept::Vault(_))));
    assert!(matches!(if_known(case, Ok(false)), Ok(Some(false))));
}
