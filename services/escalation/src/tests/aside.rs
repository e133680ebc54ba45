//! A case that has something wrong with it.

use case::Rules;
use case::escalation::{Fire, timers};
use case::ids::derived_uuid;
use desk::Desk;
use ledger::CommandContext;
use registry::ClockKind;
use test_kit::{DEADLINE, World, wait_for};

use super::{clock_of, raised, started};

/// Has somebody use the id of the case's next timer for something else, so that it can never fire.
async fn spoil(world: &World, id: case::ids::CaseId, other: case::ids::CaseId) {
    let registry = world.desk.registry.current().expect("published");
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let rules = Rules { registry: &registry, mode: registry::Mode::default() };
    let timer = timers(&case, &rules).into_iter().next().expect("a timer");
    assert_eq!(timer.fire, Fire::Warn(0));
    let command = derived_uuid("whistle/timer", &[id.0.as_bytes(), timer.key().as_bytes()]);
    let context = CommandContext { request_mac: [1; 32], ..Desk::automatic("escalation", command) };
    let note = super::note();
    let now = world.desk.clock.now();
    let spoilt = world.desk.ledger.execute(&context, now, &[other], |_| Ok(vec![vec![note.clone()]])).await;
    spoilt.expect("noted");
}

#[tokio::test]
async fn a_case_whose_timer_cannot_fire_does_not_keep_the_next_one_waiting() {
    let world = World::start().await;
    let spoilt = raised(&world, 1).await;
    let whole = raised(&world, 2).await;
    spoil(&world, spoilt, whole).await;
    let _escalation = started(&world).await;
    let case = world.desk.ledger.read_case(whole).await.expect("reads");
    world.clock.advance_to(clock_of(&case, ClockKind::Accept).due_at.instant());
    wait_for("the breach of the other case", DEADLINE, async || {
        let case = world.desk.ledger.read_case(whole).await.expect("reads");
        clock_of(&case, ClockKind::Accept).breached.then_some(())
    })
    .await;
    let case = world.desk.ledger.read_case(spoilt).await.expect("reads");
    let clock = clock_of(&case, ClockKind::Accept);
    assert!(!clock.breached && clock.warned == 0, "{clock:?}");
}
