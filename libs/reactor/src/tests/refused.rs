//! What was refused is tried again when it may be allowed.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use case::Refusal;
use case::event::district::ModeSwitched;
use case::event::parts::By;
use case::ids::CaseId;
use desk::Desk;
use ledger::registry_stream::{RegistryView, publish, stream};
use ledger::{Append, ExecuteError, Expected};
use registry::ids::{AreaCode, RegistryVersion};
use registry::{Mode, sample};
use test_kit::{DEADLINE, World, wait_for, wait_until};
use uuid::Uuid;

use super::{act, is_bare, raise};
use crate::{Act, Acting, Reactor, Trigger};

const FIRST: CaseId = CaseId(Uuid::from_u128(1));
const SECOND: CaseId = CaseId(Uuid::from_u128(2));

fn reactor(act: Act) -> Reactor {
    Reactor { name: "notes", version: 1, wants: is_bare, new_cases_ask: true, act }
}

fn act_if<'a>(desk: &'a Desk, trigger: Trigger, allowed: bool, refused: &AtomicU32) -> Acting<'a> {
    if allowed {
        return act(desk, trigger);
    }
    refused.fetch_add(1, Ordering::Relaxed);
    Box::pin(async { Err(ExecuteError::Refused(Refusal::NoSuchPart { part: "leave".to_owned() })) })
}

async fn wait_for_refusals(refused: &AtomicU32, count: u32) {
    wait_until("a refusal", DEADLINE, || refused.load(Ordering::Relaxed) >= count).await;
}

async fn wait_for_note(world: &World, id: CaseId) {
    wait_for("a note", DEADLINE, async || {
        (!is_bare(&world.desk.ledger.read_case(id).await.unwrap())).then_some(())
    })
    .await;
}

fn area() -> AreaCode {
    sample::content().places.areas[0].code.clone()
}

static IN_NORMAL_MODE: AtomicU32 = AtomicU32::new(0);

fn act_in_emergency(desk: &Desk, trigger: Trigger) -> Acting<'_> {
    let allowed = desk.registry.mode_of(&area()) == Mode::Emergency;
    act_if(desk, trigger, allowed, &IN_NORMAL_MODE)
}

#[tokio::test]
async fn what_one_mode_refuses_is_done_once_the_mode_is_switched() {
    let world = World::start().await;
    reactor(act_in_emergency).start(&world.desk, &world.dir("rows"), &world.shutdown).await.unwrap();
    raise(&world, FIRST).await;
    wait_for_refusals(&IN_NORMAL_MODE, 1).await;
    let by = By::Automatic { rule: None };
    let switched = ModeSwitched { by, area: area(), mode: Mode::Emergency, reason: "typhoon".to_owned() };
    let append = Append { stream: stream(), expected: Expected::Any, events: vec![switched.into()] };
    let context = Desk::automatic("test", world.command_id());
    world.desk.ledger.commit(&context, world.desk.clock.now(), vec![append]).await.unwrap();
    wait_for_note(&world, FIRST).await;
}

static UNDER_THE_FIRST: AtomicU32 = AtomicU32::new(0);

fn act_under_the_second(desk: &Desk, trigger: Trigger) -> Acting<'_> {
    let allowed = desk.registry.current().is_some_and(|registry| registry.version() >= RegistryVersion(2));
    act_if(desk, trigger, allowed, &UNDER_THE_FIRST)
}

#[tokio::test]
async fn a_registry_that_is_told_later_than_the_rows_wakes_whoever_waits() {
    let world = World::start().await;
    let (registry, follow) = RegistryView::start(&world.desk.ledger).await.unwrap();
    let desk = Desk { registry, ..world.desk.clone() };
    reactor(act_under_the_second).start(&desk, &world.dir("rows"), &world.shutdown).await.unwrap();
    raise(&world, FIRST).await;
    wait_for_refusals(&UNDER_THE_FIRST, 1).await;
    let mut content = sample::content();
    content.policies.ladder[0].name = "催办一次".to_owned();
    let context = Desk::automatic("test", world.command_id());
    let by = By::Automatic { rule: None };
    publish(&desk.ledger, &context, &by, desk.clock.now(), content, None).await.unwrap();
    // Raised after the publication: the rows are beyond it when this one is refused.
    raise(&world, SECOND).await;
    wait_for_refusals(&UNDER_THE_FIRST, 2).await;
    tokio::select! {
        ended = follow => panic!("{ended:?}"),
        () = wait_for_note(&world, FIRST) => {}
    }
    wait_for_note(&world, SECOND).await;
}

static BEFORE_ITS_DAY: AtomicU32 = AtomicU32::new(0);

fn act_the_next_day(desk: &Desk, trigger: Trigger) -> Acting<'_> {
    let allowed = desk.clock.now() >= "2025-09-02T00:00:00+08:00".parse().unwrap();
    act_if(desk, trigger, allowed, &BEFORE_ITS_DAY)
}

#[tokio::test]
async fn what_is_refused_before_its_day_is_done_on_it() {
    let world = World::start().await;
    reactor(act_the_next_day).start(&world.desk, &world.dir("rows"), &world.shutdown).await.unwrap();
    raise(&world, FIRST).await;
    wait_for_refusals(&BEFORE_ITS_DAY, 1).await;
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    wait_for_note(&world, FIRST).await;
}
