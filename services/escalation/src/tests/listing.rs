//! What is kept and shown of running clocks.

use case::ids::CaseId;
use case::state::ClockPhase;
use projection::{Options, checksum, rebuild};
use registry::ClockKind;
use registry::ids::Role;
use test_kit::{DEADLINE, World, bearer};
use tonic::{Code, Request};
use wire::pb::whistle::escalation::v1 as pb;
use wire::pb::whistle::escalation::v1::escalation_service_server::EscalationService as _;

use super::{clock_of, dispatched, person_with, raised, started, step_to};
use crate::Escalation;
use crate::rows::Clocks;

type Listed = Result<pb::ListDueClocksResponse, tonic::Status>;

async fn listed(world: &World, escalation: &Escalation, page_size: i32, page_token: &str) -> Listed {
    let at_least = desk::token::encode(&world.desk.ledger, world.desk.ledger.head().position);
    let page_token = page_token.to_owned();
    let mut request = Request::new(pb::ListDueClocksRequest {
        page_size,
        page_token,
        at_least,
        ..pb::ListDueClocksRequest::default()
    });
    let somebody = person_with(world, Role::Dispatcher);
    request.metadata_mut().insert("authorization", bearer(&somebody));
    escalation.list_due_clocks(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn clocks_due_at_one_instant_are_listed_in_the_order_of_raising_while_others_come_in() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let mut wanted = Vec::new();
    for number in [9, 3, 7, 1, 5] {
        wanted.push(raised(&world, number).await.to_string());
    }
    let (mut met, mut page_token) = (Vec::new(), String::new());
    for number in 20.. {
        let page = listed(&world, &escalation, 2, &page_token).await.expect("lists");
        met.extend(page.clocks.into_iter().map(|clock| clock.case_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        wanted.push(raised(&world, number).await.to_string());
    }
    assert!(met.len() > 6, "{met:?}");
    wanted.truncate(met.len());
    assert_eq!(met, wanted);
}

#[tokio::test]
async fn a_page_token_that_no_page_ended_with_is_refused() {
    let world = World::start().await;
    let escalation = started(&world).await;
    raised(&world, 1).await;
    for token in ["x", "1.2", "1.2.x", "1.0190163d8694739b8f1f1c1d1e1f2021.1", "1.2.3.4"] {
        let refused = listed(&world, &escalation, 1, token).await.expect_err(token);
        assert_eq!(refused.code(), Code::InvalidArgument, "{token}");
    }
}

#[tokio::test]
async fn a_rebuild_has_the_rows_that_were_folded_live_and_one_for_each_running_clock() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let mut ids: Vec<CaseId> = vec![raised(&world, 1).await];
    ids.push(dispatched(&world, 2).await);
    let case = world.desk.ledger.read_case(ids[1]).await.expect("reads");
    step_to(&world, &escalation, clock_of(&case, ClockKind::SignFor).due_at.instant()).await;
    ids.push(dispatched(&world, 3).await);
    let ledger = world.desk.ledger.clone();
    escalation.view.wait_for(ledger.head().position, DEADLINE).await.expect("follows");
    let live = escalation.view.read(checksum).await.expect("reads");
    let dir = world.dir("rebuilt");
    rebuild(&dir, Clocks, ledger.clone(), Options::DEFAULT, |_| {}).await.expect("rebuilds");
    let rebuilt = rusqlite::Connection::open(dir.join("escalation.sqlite")).expect("opens");
    assert_eq!(checksum(&rebuilt).expect("reads"), live);

    let mut wanted = Vec::new();
    for id in &ids {
        let case = ledger.read_case(*id).await.expect("reads");
        let running = case.clocks.iter().filter(|clock| clock.phase == ClockPhase::Running);
        wanted.extend(running.map(|clock| (*id.0.as_bytes(), clock.no.0)));
    }
    let mut rows =
        rebuilt.prepare("SELECT case_id, clock FROM clocks JOIN cases USING (number)").expect("reads");
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("reads");
    let mut rows: Vec<([u8; 16], u32)> = rows.collect::<Result<_, _>>().expect("reads");
    wanted.sort_unstable();
    rows.sort_unstable();
    assert_eq!(rows, wanted);
}
