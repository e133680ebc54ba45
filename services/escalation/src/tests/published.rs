//! Another registry is published while clocks run.

use case::event::parts::By;
use case::event::{Clock, Event};
use case::ids::CaseId;
use case::time::At;
use desk::Desk;
use jiff::{SignedDuration, Timestamp};
use ledger::registry_stream::publish;
use registry::{ClockKind, Content, LadderEffect, LadderStep, LadderWhen, sample};
use service_kit::shutdown::Shutdown;
use test_kit::{DEADLINE, World};
use worktime::Budget;

use super::{clock_of, dispatch, history, raised, started, step_to};
use crate::Escalation;

/// Publishes the sample with another ladder; in force for whoever decides when this returns.
async fn publish_ladder(world: &World, change: impl FnOnce(&mut Vec<LadderStep>)) {
    let mut content: Content = sample::content();
    change(&mut content.policies.ladder);
    let context = Desk::automatic("test", world.command_id());
    let (by, now) = (By::Automatic { rule: None }, world.desk.clock.now());
    let published = publish(&world.desk.ledger, &context, &by, now, content, None).await.expect("published");
    world.desk.registry.wait(published.version()).await.expect("in force");
}

fn after_breach(ladder: &[LadderStep]) -> usize {
    let follows = |step: &LadderStep| matches!(step.when, LadderWhen::AfterBreach { .. });
    ladder.iter().position(follows).expect("a step after the breach")
}

/// The first step after the breach is taken so many minutes after it.
fn first_after(minutes: u32) -> impl FnOnce(&mut Vec<LadderStep>) {
    move |ladder| {
        let at = after_breach(ladder);
        let step = LadderStep {
            key: "early".parse().expect("a key"),
            when: LadderWhen::AfterBreach { budget: Budget::Natural { minutes } },
            effect: LadderEffect::Notice,
            reopenings: None,
            reply: None,
            ..ladder[at].clone()
        };
        ladder.insert(at, step);
    }
}

/// When the step was taken, by the log.
async fn taken_early(world: &World, id: CaseId) -> Option<Timestamp> {
    let history = history(world, id).await;
    let taken = history.iter().find(|recorded| {
        matches!(&recorded.event, Event::Clock(Clock::EscalationStepTaken(taken)) if taken.step.as_str() == "early")
    });
    taken.map(|recorded| recorded.recorded_at.instant())
}

fn minutes_after(at: At, minutes: i64) -> Timestamp {
    at.instant().checked_add(SignedDuration::from_mins(minutes)).expect("in range")
}

async fn due(world: &World, id: CaseId, kind: ClockKind) -> At {
    clock_of(&world.desk.ledger.read_case(id).await.expect("reads"), kind).due_at
}

#[tokio::test]
async fn a_clock_armed_after_a_publication_is_not_held_back_by_what_was_due_before() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = raised(&world, 1).await;
    let breached = due(&world, id, ClockKind::Accept).await;
    step_to(&world, &escalation, breached.instant()).await;
    // All that is left to the case is the ladder, days from now, and by these rules a day later.
    let later = |ladder: &mut Vec<LadderStep>| {
        let at = after_breach(ladder);
        ladder[at].when = LadderWhen::AfterBreach { budget: Budget::WorkingDays { days: 2 } };
    };
    publish_ladder(&world, later).await;
    raised(&world, 2).await;
    escalation.settled(breached).await;
    dispatch(&world, id).await;
    let due = due(&world, id, ClockKind::SignFor).await;
    step_to(&world, &escalation, due.instant()).await;
    let case = world.desk.ledger.read_case(id).await.expect("reads");
    let clock = clock_of(&case, ClockKind::SignFor);
    assert!(clock.breached && clock.warned > 0, "{clock:?}");
}

#[tokio::test]
async fn a_step_that_is_published_is_taken_at_its_instant() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = raised(&world, 1).await;
    let breached = due(&world, id, ClockKind::Accept).await;
    step_to(&world, &escalation, breached.instant()).await;
    publish_ladder(&world, first_after(30)).await;
    step_to(&world, &escalation, minutes_after(breached, 29)).await;
    assert_eq!(taken_early(&world, id).await, None);
    step_to(&world, &escalation, minutes_after(breached, 30)).await;
    assert_eq!(taken_early(&world, id).await, Some(minutes_after(breached, 30)));
}

#[tokio::test]
async fn a_step_that_is_published_while_nobody_runs_is_taken_after_the_restart() {
    let world = World::start().await;
    let shutdown = Shutdown::new();
    let dir = world.dir("rows");
    let first = Escalation::start(world.desk.clone(), &dir, &shutdown).await.expect("starts");
    let mut ids = Vec::new();
    // More than are looked at at once.
    for number in 0..150 {
        ids.push(raised(&world, number).await);
    }
    let breached = due(&world, ids[0], ClockKind::Accept).await;
    step_to(&world, &first, breached.instant()).await;
    assert!(shutdown.drain(DEADLINE).await.is_clean());
    publish_ladder(&world, first_after(30)).await;
    let second = started(&world).await;
    step_to(&world, &second, minutes_after(breached, 30)).await;
    for id in ids {
        assert_eq!(taken_early(&world, id).await, Some(minutes_after(breached, 30)));
    }
}

#[tokio::test]
async fn a_step_that_is_taken_away_is_not_taken() {
    let world = World::start().await;
    let escalation = started(&world).await;
    let id = raised(&world, 1).await;
    let breached = due(&world, id, ClockKind::Accept).await;
    step_to(&world, &escalation, breached.instant()).await;
    publish_ladder(&world, |ladder| ladder.truncate(after_breach(ladder))).await;
    let before = history(&world, id).await.len();
    step_to(&world, &escalation, minutes_after(breached, 30 * 24 * 60)).await;
    assert_eq!(history(&world, id).await.len(), before);
}
