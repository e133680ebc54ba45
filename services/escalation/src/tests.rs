mod aside;
mod listing;
mod published;

use case::event::intake::NoteAdded;
use case::event::parts::{By, Channel, Profile};
use case::event::{Clock, Event};
use case::ids::CaseId;
use case::intake::Raise;
use case::rules::PlaceGiven;
use case::sealed::{SealAlgorithm, Sealed};
use case::state::{Case, ClockPhase, ObligationState};
use case::time::At;
use case::{Actor, Refusal, Rules, intake, routing};
use jiff::{SignedDuration, Timestamp};
use ledger::CommandContext;
use registry::ClockKind;
use service_kit::trace::TraceContext;
use test_kit::{DEADLINE, World, wait_until};

use crate::Escalation;

fn words() -> Sealed {
    let key_id = case::ids::KeyId::case_file();
    Sealed { alg: SealAlgorithm::Chacha20Poly1305, key_id, nonce: vec![0; 12], ciphertext: vec![1; 24] }
}

fn note() -> Event {
    NoteAdded { by: By::Automatic { rule: None }, text: words(), public: false }.into()
}

fn ticket(world: &World) -> Raise {
    let registry = world.desk.registry.current().expect("published");
    let area =
        registry.content().places.areas.iter().find(|area| area.code.as_str().len() == 15).expect("a grid");
    Raise {
        profile: Profile::GridWorker,
        channel: Channel::FieldApp,
        reporters: Vec::new(),
        text: Some(words()),
        place: PlaceGiven { area: Some(area.code.to_string()), ..PlaceGiven::default() },
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
        occurred_at: At::new(world.desk.clock.now()),
    }
}

type Decided = Result<Vec<Event>, Refusal>;

pub(crate) async fn raised(world: &World, number: u8) -> CaseId {
    let id = CaseId::derived("test", &[&[number]]);
    let raise = ticket(world);
    let grid_worker = person_with(world, registry::ids::Role::GridWorker);
    let decide = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
        intake::raise(case, &raise, actor, rules, now)
    };
    world.decide(&grid_worker, id, decide).await.expect("raised");
    id
}

/// Accepted, filed under the first matter, and dispatched to a department that holds it.
async fn dispatched(world: &World, number: u8) -> CaseId {
    let id = raised(world, number).await;
    dispatch(world, id).await;
    id
}

async fn dispatch(world: &World, id: CaseId) {
    use registry::ids::Role;
    let registry = world.desk.registry.current().expect("published");
    let matter = registry.content().matters.first().expect("a matter").id.clone();
    let accept = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
        intake::decide(case, &intake::Command::Accept, actor, rules, now)
    };
    world.decide(&person_with(world, Role::Receptionist), id, accept).await.expect("accepted");
    let file = intake::Command::File { matter: Some(matter), grade: None, place: None };
    let file = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
        intake::decide(case, &file, actor, rules, now)
    };
    world.decide(&person_with(world, Role::DutyLeader), id, file).await.expect("filed");
    let dispatch = routing::Command::Dispatch { lead: None, co: Vec::new(), task: None };
    let dispatch = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
        routing::decide(case, &dispatch, actor, rules, now)
    };
    world.decide(&person_with(world, Role::Dispatcher), id, dispatch).await.expect("dispatched");
}

fn person_with(world: &World, role: registry::ids::Role) -> String {
    let registry = world.desk.registry.current().expect("published");
    let mut people = registry.content().people.iter();
    let holds =
        |person: &&registry::Person| registry.posts_of(&person.id).any(|post| post.roles.contains(&role));
    people.find(holds).expect("somebody").id.as_str().to_owned()
}

async fn started(world: &World) -> Escalation {
    Escalation::start(world.desk.clone(), &world.dir("rows"), &world.shutdown).await.expect("starts")
}

pub(crate) fn clock_of(case: &Case, kind: ClockKind) -> &case::state::ClockState {
    case.clocks.iter().find(|clock| clock.kind == kind).expect("armed")
}

async fn step_to(world: &World, escalation: &Escalation, at: Timestamp) {
    world.clock.advance_to(at);
    escalation.settled(At::new(at)).await;
}

fn fired(history: &[case::event::Recorded]) -> Vec<&'static str> {
    let of_clocks = history.iter().filter(|recorded| matches!(recorded.event, Event::Clock(_)));
    of_clocks.map(|recorded| recorded.event.event_type()).collect()
}

async fn history(world: &World, id: CaseId) -> Vec<case::event::Recorded> {
    let page = world.desk.ledger.history(id, 0, 1_000).await.expect("reads");
    page.into_iter().map(|(recorded, _)| recorded).collect()
}

#[tokio::test]
async fn nobody_signs_so_the_clock_warns_breaches_tells_and_signs() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = dispatched(&world, 1).await;
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let due_at = clock_of(&case, ClockKind::SignFor).due_at;
    step_to(&world, &escalation, due_at.instant()).await;
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let lead = case.lead().expect("dispatched");
    assert_eq!(lead.state, ObligationState::SignedFor);
    assert!(lead.signed_automatically);
    let clock = clock_of(&case, ClockKind::SignFor);
    assert!(clock.breached && clock.warned > 0 && !clock.is_open());
    assert!(!clock.steps_taken.is_empty(), "somebody must have been told");
    let breached = history(&world, id).await.into_iter().find_map(|recorded| {
        if let Event::Clock(Clock::ClockBreached(breached)) = recorded.event {
            Some(breached.at)
        } else {
            None
        }
    });
    assert_eq!(breached, Some(due_at), "the breach says when the time was up, not when it was written");
}

#[tokio::test]
async fn nothing_fires_before_its_instant() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = dispatched(&world, 1).await;
    let before = fired(&history(&world, id).await).len();
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let first = case
        .clocks
        .iter()
        .filter(|clock| clock.is_open())
        .flat_map(|clock| &clock.warn_at)
        .min()
        .expect("warns");
    let just_before = first.instant().checked_sub(SignedDuration::from_micros(1)).expect("in range");
    step_to(&world, &escalation, just_before).await;
    assert_eq!(fired(&history(&world, id).await).len(), before);
    step_to(&world, &escalation, first.instant()).await;
    assert!(fired(&history(&world, id).await).len() > before);
}

#[tokio::test]
async fn what_fell_due_while_nobody_ran_fires_once_after_the_restart() {
    let world = World::start().await;
    let ids = [dispatched(&world, 1).await, dispatched(&world, 2).await, dispatched(&world, 3).await];
    let case = world.desk.ledger.read_case(ids[0]).await.expect("reads");
    let due = clock_of(&case, ClockKind::SignFor).due_at.instant();
    world.clock.advance_to(due);
    let first = started(&world).await;
    first.settled(At::new(due)).await;
    let mut counted = Vec::new();
    for id in ids {
        counted.push(fired(&history(&world, id).await));
    }
    assert!(counted.iter().all(|events| events.contains(&"ClockBreached")));
    let second = Escalation::start(world.desk.clone(), &world.dir("other-rows"), &world.shutdown).await;
    second.expect("starts").settled(At::new(due)).await;
    for (id, before) in ids.into_iter().zip(counted) {
        assert_eq!(fired(&history(&world, id).await), before, "a second copy changes nothing");
    }
}

#[tokio::test]
async fn a_clock_that_is_settled_in_time_fires_nothing() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = dispatched(&world, 1).await;
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let (lead, due_at) =
        (case.lead().expect("dispatched").clone(), clock_of(&case, ClockKind::SignFor).due_at);
    let registry = world.desk.registry.current().expect("published");
    let handler = registry.people_in(&lead.org).next().expect("somebody").id.as_str().to_owned();
    let sign = routing::Command::SignFor { obligation: lead.no };
    let sign = |case: &Case, actor: &Actor, rules: &Rules<'_>, now: At| -> Decided {
        routing::decide(case, &sign, actor, rules, now)
    };
    world.decide(&handler, id, sign).await.expect("signed");
    step_to(&world, &escalation, due_at.instant()).await;
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let clock = clock_of(&case, ClockKind::SignFor);
    assert!(!clock.breached && clock.warned == 0);
    assert!(!case.lead().expect("leads").signed_automatically);
}

#[tokio::test]
async fn a_timer_fires_in_the_trace_of_what_last_happened_to_its_case() {
    let given = TraceContext::new();
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = dispatched(&world, 1).await;
    let context = CommandContext {
        traceparent: Some(given.to_string()),
        ..CommandContext::new("p-test", world.command_id(), [0; 32])
    };
    let note = note();
    let now = world.desk.clock.now();
    let noted = world.desk.ledger.execute(&context, now, &[id], |_| Ok(vec![vec![note.clone()]])).await;
    let version = noted.expect("noted").cases[0].version;
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    step_to(&world, &escalation, clock_of(&case, ClockKind::SignFor).due_at.instant()).await;
    let fired = world.desk.ledger.history(id, version, 1_000).await.expect("reads");
    assert!(!fired.is_empty());
    for (recorded, envelope) in fired {
        let kept = envelope.traceparent.as_deref().and_then(TraceContext::parse);
        let kept = kept.unwrap_or_else(|| panic!("{} is in no trace", recorded.event.event_type()));
        assert_eq!(kept.trace_id, given.trace_id);
        assert_ne!(kept.span_id, given.span_id);
    }
}

#[tokio::test]
async fn clocks_are_counted_as_armed_until_they_are_due_and_overdue_after() {
    let ops = service_kit::ops::Ops::install("test").expect("counts");
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = dispatched(&world, 1).await;
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let running = case.clocks.iter().filter(|clock| clock.phase == ClockPhase::Running);
    let last = running.clone().map(|clock| clock.due_at).max().expect("armed");
    let count = running.count() as u64;
    let counted = |at: At| escalation.view.read(move |db| crate::rows::running(db, at));
    escalation.settled(At::new(world.desk.clock.now())).await;
    assert_eq!(counted(At::new(world.desk.clock.now())).await.expect("reads"), (count, 0));
    assert_eq!(counted(last).await.expect("reads"), (0, count), "an instant that is reached is over");
    step_to(&world, &escalation, last.instant()).await;
    wait_until("the timers to be counted", DEADLINE, || {
        let text = ops.metrics();
        text.contains("whistle_timers_fired_total ") && text.contains("whistle_clocks_armed ")
    })
    .await;
}
