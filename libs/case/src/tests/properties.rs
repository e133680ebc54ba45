//! Whatever is done in whatever order: what was accepted leaves the case whole.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::kit::Story;
use super::random::{Dice, anything, beginning, forward, later};
use crate::flow::Status;

/// One life of a case: acts that take it on and acts that may not, while time passes and timers fire. Every accepted act is checked
/// against the invariants as it is recorded.
fn life(seed: u64, acts: usize) -> Story {
    let mut dice = Dice::new(seed);
    let mut story = beginning(&mut dice);
    for _ in 0..acts {
        if matches!(
            story.case.status,
            Status::Withdrawn | Status::Voided | Status::Terminated | Status::ForceClosed
        ) {
            break;
        }
        story.now = later(&mut dice, story.now);
        if dice.roll(3) > 0 {
            story = story.timers_fire();
        }
        let (who, act) =
            if dice.roll(5) > 2 { forward(&story, &mut dice) } else { anything(&story, &mut dice) };
        story = story.when(&who, act);
    }
    story.timers_fire()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_accepted_sequence_breaks_an_invariant(seed in any::<u64>()) {
        life(seed, 60);
    }
}

/// What happened in a batch of lives that are always the same: it is of no use to keep promises nothing puts to the test.
#[test]
fn random_lives_reach_far() {
    let mut reached: BTreeMap<Status, u32> = BTreeMap::new();
    let mut types: BTreeMap<&'static str, u32> = BTreeMap::new();
    for seed in 0..48 {
        let story = life(seed, 60);
        let mut case = crate::state::Case::new(story.case.id);
        let mut seen = Vec::new();
        for recorded in &story.log {
            case.evolve(recorded);
            *types.entry(recorded.event.event_type()).or_default() += 1;
            if !seen.contains(&case.status) {
                seen.push(case.status);
            }
        }
        for status in seen {
            *reached.entry(status).or_default() += 1;
        }
    }
    let times = |status| reached.get(&status).copied().unwrap_or(0);
    assert!(times(Status::Closed) >= 15, "{reached:?}");
    assert!(times(Status::Suspended) >= 5, "{reached:?}");
    assert!(times(Status::Disposed) >= 15, "{reached:?}");
    for name in [
        "ClockArmed",
        "ClockPaused",
        "ClockResumed",
        "ClockRebased",
        "ClockWarned",
        "ClockBreached",
        "ClockSettled",
        "ClockCancelled",
        "EscalationStepTaken",
        "CaseReopened",
        "ObligationAssigned",
        "WhistleActivated",
        "WhistleStoodDown",
        "CompletionRefused",
        "ObjectionUpheld",
        "CheckFailed",
        "SupervisionOrdered",
    ] {
        assert!(types.contains_key(name), "{name} never happened: {types:?}");
    }
}

/// Replaying the same commands at the same times makes the same log: nothing but case, command, rules and now decides.
#[test]
fn the_same_life_twice_is_the_same_log() {
    for seed in 100..104 {
        assert_eq!(life(seed, 40).log, life(seed, 40).log);
    }
}
