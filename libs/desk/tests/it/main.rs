//! A process killed after the vault has the words and before the log has the event.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::Command;

use case::ids::CaseId;
use tempfile::tempdir;
use test_kit::{World, bearer};
use tonic::Request;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1::RaiseCaseRequest;

/// Names the directory to the child, which is this same program.
const CHILD_DIR: &str = "WHISTLE_TEST_VAULT_THEN_KILL";

fn ticket() -> Request<RaiseCaseRequest> {
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
        text: "楼道堆物".to_owned(),
        ticket: Some(shared::Ticket { number: "T-1".to_owned(), revision: 1 }),
        ..shared::NewCase::default()
    };
    let command_id = "6f0b7c1e-53c1-4a6e-9d1b-2f6a0c5f7a11".to_owned();
    let mut request = Request::new(RaiseCaseRequest { command_id, new_case: Some(new_case) });
    request.metadata_mut().insert("authorization", bearer("hotline"));
    request
}

/// The child's part: everything before the decision, then an end that no destructor sees.
#[tokio::test]
async fn child_seals_and_is_killed() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else { return };
    let world = World::at(&PathBuf::from(dir)).await;
    world.desk.prepare_new(ticket()).await.expect("sealed");
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).expect("killed");
}

#[tokio::test]
async fn what_the_vault_alone_has_is_no_case_and_the_retry_makes_it_once() {
    let dir = tempdir().expect("a directory");
    let child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "child_seals_and_is_killed"])
        .env(CHILD_DIR, dir.path())
        .output()
        .expect("the child runs");
    assert_eq!(child.status.signal(), Some(9), "{}", String::from_utf8_lossy(&child.stderr));

    let world = World::at(dir.path()).await;
    let before = world.desk.ledger.head().position;
    let prepared = world.desk.prepare_new(ticket()).await.expect("sealed again");
    let id: CaseId = prepared.envelope.case_id;
    assert!(!world.desk.ledger.read_case(id).await.expect("reads").exists(), "half of a command is no case");
    let done = world.desk.decide_one(&prepared, id, case::intake::raise).await.expect("raised");
    assert!(!done.repeated && done.position > before);

    let again = world.desk.prepare_new(ticket()).await.expect("sealed");
    let again = world.desk.decide_one(&again, id, case::intake::raise).await.expect("repeated");
    assert!(again.repeated);
    assert_eq!(again.position, done.position);
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let text = case.text.as_ref().expect("sealed");
    let opened = world.desk.vault.open_text(id, "text", text).await.expect("opens");
    assert_eq!(opened, vault::Opened::Text("楼道堆物".to_owned()));
    let contact =
        world.desk.vault.contact(id, &case.reporters[0].key_id).await.expect("reads").expect("kept");
    assert_eq!(contact.phone.as_deref(), Some("13800000001"));
}
