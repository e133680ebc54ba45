mod refused;

use std::sync::atomic::{AtomicU32, Ordering};

use case::event::intake::{CaseRaised, NoteAdded};
use case::event::parts::{By, Channel, Place, Profile};
use case::event::{Event, Intake};
use case::ids::{CaseId, KeyId};
use case::sealed::{SealAlgorithm, Sealed};
use case::state::Case;
use case::time::At;
use case::{Refusal, Rules};
use ledger::registry_stream::RegistryView;
use ledger::{CommandContext, ExecuteError, LedgerError, Position};
use registry::ids::RegistryVersion;
use service_kit::shutdown::Shutdown;
use service_kit::trace::TraceContext;
use test_kit::{DEADLINE, World, wait_until};
use uuid::Uuid;

use crate::{AboutAll, Acting, Aside, Reactor, Trigger, decide_alone};

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn raised() -> Event {
    CaseRaised {
        by: By::Automatic { rule: None },
        profile: Profile::Public,
        channel: Channel::Office,
        reporters: Vec::new(),
        text: None,
        place: Place::default(),
        matter: None,
        demand: None,
        demand_class: None,
        ticket: None,
        external_due_at: None,
        source_fields: None,
        about: Vec::new(),
        about_persons: Vec::new(),
        evidence: Vec::new(),
        defects: Vec::new(),
        confidential: false,
        split_from: None,
        follows: None,
        registry_version: RegistryVersion(1),
    }
    .into()
}

/// Everything raised gets one note.
fn is_bare(case: &Case) -> bool {
    case.version == 1
}

fn note(case: &Case, _rules: &Rules<'_>, _now: At) -> Result<Vec<Event>, Refusal> {
    let (alg, key_id) = (SealAlgorithm::Chacha20Poly1305, KeyId::case_file());
    let text = Sealed { alg, key_id, nonce: vec![0; 12], ciphertext: vec![1; 24] };
    let note = NoteAdded { by: By::Automatic { rule: None }, text, public: false };
    Ok(if is_bare(case) { vec![note.into()] } else { Vec::new() })
}

fn act(desk: &desk::Desk, trigger: Trigger) -> Acting<'_> {
    Box::pin(decide_alone(desk, "test", trigger, note))
}

/// Raises a case in a trace or in none, and gives the trace context of the note that follows.
async fn noted_after(world: &World, number: u128, traceparent: Option<&str>) -> Option<TraceContext> {
    let id = CaseId(Uuid::from_u128(number));
    let context = CommandContext {
        traceparent: traceparent.map(str::to_owned),
        ..CommandContext::new("p-test", Uuid::from_u128(number), [0; 32])
    };
    let now = world.desk.clock.now();
    let mut follow = world.desk.ledger.follow(world.desk.ledger.head().position).unwrap();
    world.desk.ledger.execute(&context, now, &[id], |_| Ok(vec![vec![raised()]])).await.unwrap();
    let commits = async {
        loop {
            let commit = follow.next().await.unwrap();
            if commit
                .entries
                .iter()
                .any(|entry| matches!(entry.recorded.event, Event::Intake(Intake::NoteAdded(_))))
            {
                return commit;
            }
        }
    };
    let commit = tokio::time::timeout(DEADLINE, commits).await.unwrap();
    commit.traceparent.as_deref().map(|text| TraceContext::parse(text).unwrap())
}

#[tokio::test]
async fn what_is_done_by_itself_is_in_the_trace_that_led_to_it() {
    let world = World::start().await;
    let reactor = Reactor { name: "notes", version: 1, wants: is_bare, new_cases_ask: true, act };
    reactor.start(&world.desk, &world.dir("rows"), &world.shutdown).await.unwrap();
    let given = TraceContext::parse(GIVEN).unwrap();
    let kept = noted_after(&world, 1, Some(GIVEN)).await.unwrap();
    assert_eq!((kept.trace_id, kept.sampled), (given.trace_id, given.sampled));
    assert_ne!(kept.span_id, given.span_id);
    assert_eq!(noted_after(&world, 2, None).await, None, "no trace is made up for a commit that was in none");
}

async fn raise(world: &World, id: CaseId) {
    let (context, now) = (CommandContext::new("p-test", id.0, [0; 32]), world.desk.clock.now());
    world.desk.ledger.execute(&context, now, &[id], |_| Ok(vec![vec![raised()]])).await.unwrap();
}

const SPOILT: CaseId = CaseId(Uuid::from_u128(1));

fn act_but_on_spoilt(desk: &desk::Desk, trigger: Trigger) -> Acting<'_> {
    if trigger.case == SPOILT {
        return Box::pin(async { Err(ExecuteError::Invalid("spoilt".to_owned())) });
    }
    act(desk, trigger)
}

#[tokio::test]
async fn a_case_that_cannot_be_worked_does_not_keep_the_next_one_waiting() {
    let world = World::start().await;
    raise(&world, SPOILT).await;
    let reactor =
        Reactor { name: "notes", version: 1, wants: is_bare, new_cases_ask: true, act: act_but_on_spoilt };
    reactor.start(&world.desk, &world.dir("rows"), &world.shutdown).await.unwrap();
    noted_after(&world, 2, None).await;
    assert!(is_bare(&world.desk.ledger.read_case(SPOILT).await.unwrap()));
}

static TRIES: AtomicU32 = AtomicU32::new(0);

fn act_at_the_third_try(desk: &desk::Desk, trigger: Trigger) -> Acting<'_> {
    if TRIES.fetch_add(1, Ordering::Relaxed) < 2 {
        let damaged = LedgerError::Damaged { position: Position(1), detail: "test".to_owned() };
        return Box::pin(async { Err(damaged.into()) });
    }
    act(desk, trigger)
}

#[tokio::test]
async fn a_case_that_was_set_aside_is_tried_again_and_worked_once_it_can_be() {
    let ops = service_kit::ops::Ops::install("test").unwrap();
    let counted = |count: u32| {
        let line = format!("whistle_cases_set_aside{{work=\"again\"}} {count}");
        move |text: String| text.contains(&line)
    };
    let world = World::start().await;
    let reactor =
        Reactor { name: "again", version: 1, wants: is_bare, new_cases_ask: true, act: act_at_the_third_try };
    reactor.start(&world.desk, &world.dir("rows"), &world.shutdown).await.unwrap();
    let (one, none) = (counted(1), counted(0));
    let noted = noted_after(&world, 1, None);
    let seen = wait_until("the case to be counted", DEADLINE, || one(ops.metrics()));
    tokio::join!(noted, seen);
    wait_until("no case to be counted", DEADLINE, || none(ops.metrics())).await;
    assert_eq!(TRIES.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn what_is_wrong_with_the_ledger_sets_no_case_aside() {
    let mut aside = Aside::new("test");
    for error in [
        ExecuteError::Busy,
        ExecuteError::Unavailable,
        ExecuteError::Away,
        LedgerError::Away.into(),
        LedgerError::Stopped.into(),
        LedgerError::Alien(String::new()).into(),
        LedgerError::Protocol(String::new()).into(),
        LedgerError::OtherVersion { theirs: 1, ours: 2 }.into(),
    ] {
        assert_eq!(aside.put(SPOILT, &error), Err(AboutAll), "{error}");
        assert!(aside.is_empty());
    }
    let mut numbers = 0..;
    let own = ExecuteError::Invalid("spoilt".to_owned());
    while aside.put(CaseId(Uuid::from_u128(numbers.next().unwrap())), &own).is_ok() {}
    assert_eq!(numbers.next(), Some(1025), "so many at once are no fault of single cases");
}

#[tokio::test]
async fn a_process_whose_work_ended_does_not_go_on() {
    let world = World::start().await;
    let (registry, follow) = RegistryView::start(&world.desk.ledger).await.unwrap();
    drop(follow);
    let (desk, shutdown) = (desk::Desk { registry, ..world.desk.clone() }, Shutdown::new());
    let reactor = Reactor { name: "notes", version: 1, wants: is_bare, new_cases_ask: true, act };
    reactor.start(&desk, &world.dir("rows"), &shutdown).await.unwrap();
    tokio::time::timeout(DEADLINE, shutdown.started()).await.unwrap();
    assert_eq!(shutdown.drain(DEADLINE).await.failed, ["notes"]);
}
