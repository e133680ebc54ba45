use case::event::intake::{CaseRaised, NoteAdded};
use case::event::parts::{By, Channel, Place, Profile};
use case::event::{Event, Intake};
use case::ids::{CaseId, KeyId};
use case::sealed::{SealAlgorithm, Sealed};
use case::state::Case;
use case::time::At;
use case::{Refusal, Rules};
use ledger::CommandContext;
use registry::ids::RegistryVersion;
use service_kit::trace::TraceContext;
use test_kit::{DEADLINE, World};
use uuid::Uuid;

use crate::{Acting, Reactor, Trigger, decide_alone};

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
