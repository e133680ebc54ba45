use case::event::clock::Family;
use case::event::parts::Subject;
use case::ids::ClockNo;
use case::state::{ClockPhase, ClockState};
use case::time::At;
use jiff::{SignedDuration, Timestamp};
use registry::ClockKind;
use registry::ids::RegistryVersion;
use worktime::Budget;

use super::{clock, from_timestamp, spent_permille, worst_colour};
use crate::timestamp;

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
}

fn hour_long() -> ClockState {
    ClockState {
        no: ClockNo(1),
        generation: 1,
        kind: ClockKind::SignFor,
        family: Family::Stage,
        subject: Subject::Case,
        whistle_kind: None,
        start_at: At::new(at(0)),
        budget: Some(Budget::Natural { minutes: 60 }),
        calendar: None,
        rule: None,
        registry_version: RegistryVersion(1),
        warn_at: Vec::new(),
        warned: 0,
        due_at: At::new(at(60)),
        first_due_at: At::new(at(60)),
        provisional: false,
        phase: ClockPhase::Running,
        paused_at: None,
        breached: false,
        ended_at: None,
        steps_taken: Vec::new(),
    }
}

#[test]
fn a_clock_turns_yellow_at_four_fifths_and_red_once_late() {
    let registry = registry::sample::registry();
    let running = hour_long();
    let colour = |minutes| clock(&running, &registry, at(minutes)).colour;
    assert_eq!([0, 47, 48, 60, 61].map(colour), ["GREEN", "GREEN", "YELLOW", "YELLOW", "RED"]);
    assert_eq!(spent_permille(&running, &registry, at(90)), 1_500);
    assert_eq!(clock(&running, &registry, at(90)).remaining.unwrap().seconds, -30 * 60);
}

#[test]
fn a_pause_spends_nothing() {
    let registry = registry::sample::registry();
    let paused = ClockState { phase: ClockPhase::Paused, paused_at: Some(At::new(at(30))), ..hour_long() };
    assert_eq!(spent_permille(&paused, &registry, at(500)), 500);
    let resumed = ClockState { due_at: At::new(at(530)), ..hour_long() };
    assert_eq!(spent_permille(&resumed, &registry, at(500)), 500);
}

#[test]
fn a_clock_that_ended_in_time_has_no_colour_and_one_that_did_not_keeps_its_own() {
    let registry = registry::sample::registry();
    let settled = ClockState { phase: ClockPhase::Settled, ended_at: Some(At::new(at(59))), ..hour_long() };
    assert_eq!(clock(&settled, &registry, at(500)).colour, "");
    let late = ClockState { breached: true, ended_at: Some(At::new(at(66))), ..settled };
    assert_eq!(clock(&late, &registry, at(500)).colour, "RED");
    assert_eq!(clock(&late, &registry, at(500)).spent_permille, 1_100);
}

#[test]
fn the_worst_open_clock_colours_a_case() {
    let registry = registry::sample::registry();
    let whole = ClockState { due_at: At::new(at(600)), first_due_at: At::new(at(600)), ..hour_long() };
    let worst = |minutes| worst_colour(&[hour_long(), whole.clone()], &registry, at(minutes)).unwrap();
    assert_eq!(worst(10).name, "GREEN");
    assert_eq!(worst(61).name, "RED");
    assert!(worst_colour(&[], &registry, at(0)).is_none());
}

#[test]
fn instants_survive_both_ways_and_before_1970() {
    for micros in [0, 1, -1, 1_764_000_000_123_456, -1_500_000] {
        let at = Timestamp::from_microsecond(micros).unwrap();
        assert_eq!(from_timestamp(&timestamp(at)), Some(At::new(at)));
        assert!(timestamp(at).nanos >= 0);
    }
    assert_eq!(from_timestamp(&prost_types::Timestamp { seconds: 0, nanos: -1 }), None);
    assert_eq!(from_timestamp(&prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }), None);
}
