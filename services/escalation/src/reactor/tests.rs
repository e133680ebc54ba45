use ledger::registry_stream::RegistryView;
use projection::Options;
use registry::ClockKind;
use rusqlite::Connection;
use service_kit::shutdown::Shutdown;
use test_kit::{DEADLINE, World};

use super::*;
use crate::Escalation;
use crate::rows::Clocks;
use crate::tests::{clock_of, raised};

#[tokio::test]
async fn rows_that_could_not_be_read_once_are_read_again_and_their_timers_fire() {
    let world = World::start().await;
    let id = raised(&world, 1).await;
    let (dir, stop) = (world.dir("rows"), world.shutdown.token().clone());
    let started = projection::start(&dir, Clocks, world.desk.ledger.clone(), Options::DEFAULT, stop).await;
    let (view, run) = started.expect("starts");
    world.shutdown.spawn("rows", run);
    view.wait_for(world.desk.ledger.head().position, DEADLINE).await.expect("follows");
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    world.clock.advance_to(clock_of(&case, ClockKind::Accept).due_at.instant());

    let mut timers = Timers::new(world.desk.clone(), view, watch::channel(Quiet::UNKNOWN).0);
    let db = Connection::open(dir.join("escalation.sqlite")).expect("opens");
    db.execute_batch("ALTER TABLE cases RENAME TO hidden").expect("hides the rows");
    assert!(matches!(timers.round().await, Err(Stop::Later)));
    db.execute_batch("ALTER TABLE hidden RENAME TO cases").expect("shows them again");
    assert!(timers.round().await.is_ok());
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    assert!(clock_of(&case, ClockKind::Accept).breached);
}

#[tokio::test]
async fn a_process_whose_timers_ended_does_not_go_on() {
    let world = World::start().await;
    let (registry, follow) = RegistryView::start(&world.desk.ledger).await.expect("reads");
    drop(follow);
    let (desk, shutdown) = (Desk { registry, ..world.desk.clone() }, Shutdown::new());
    let _escalation = Escalation::start(desk, &world.dir("rows"), &shutdown).await.expect("starts");
    tokio::time::timeout(DEADLINE, shutdown.started()).await.expect("ends");
    assert_eq!(shutdown.drain(DEADLINE).await.failed, ["timers"]);
}
