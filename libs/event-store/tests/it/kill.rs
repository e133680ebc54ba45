use std::os::unix::process::ExitStatusExt;

use crate::lab::{Site, Writer};
use crate::seed::{Dice, number_from_env, random_seed};

/// Rounds on one directory before a new one is begun.
const ROUNDS_PER_SITE: u64 = 10;

/// `WHISTLE_KILL_ROUNDS` rounds (30), drawn from `WHISTLE_KILL_SEED` (random, printed).
#[test]
fn whatever_was_acknowledged_survives_kills() {
    let rounds = number_from_env("WHISTLE_KILL_ROUNDS").unwrap_or(30);
    let seed = number_from_env("WHISTLE_KILL_SEED").unwrap_or_else(random_seed);
    println!("WHISTLE_KILL_SEED={seed} WHISTLE_KILL_ROUNDS={rounds}");
    let mut dice = Dice::new(seed);
    let mut site = Site::new();
    let mut acked = 0;
    for round in 0..rounds {
        if round % ROUNDS_PER_SITE == 0 {
            site = Site::new();
        }
        let before = site.acks.len();
        let how = one_round(&mut site, seed + round / 2, &mut dice);
        acked += site.acks.len() - before;
        site.check(&format!("seed {seed}, round {round}, killed {how}"));
    }
    println!("{rounds} kills, {acked} acknowledged commits, all there");
    assert!(acked > 0);
}

/// Kills a writer (every other round with the commands of the round before, repeated) while it opens (up to three in a row) or after some acknowledgements.
fn one_round(site: &mut Site, seed: u64, dice: &mut Dice) -> String {
    if dice.below(3) == 0 {
        let times = 1 + dice.below(3);
        for _ in 0..times {
            let mut writer = Writer::start(&site.dir(), seed, &[]);
            writer.expect_line("opening");
            // Into recovery by a distance that differs, without looking at a clock.
            (0..dice.below(3000)).for_each(|_| std::thread::yield_now());
            site.acks.extend(writer.kill());
        }
        return format!("{times} times while opening");
    }
    let count = 1 + dice.below(400);
    let mut writer = Writer::start(&site.dir(), seed, &[]);
    writer.expect_line("opened");
    for _ in 0..count {
        writer.line().expect("the writer ended by itself");
    }
    site.acks.extend(writer.kill());
    format!("after {count} acknowledgements")
}

#[test]
fn failed_sync_ends_the_process_without_an_answer() {
    let mut site = Site::new();
    for (round, nth) in [1_u64, 2, 7].into_iter().enumerate() {
        let (acks, status) = Writer::start(&site.dir(), round as u64, &[&format!("fail-{nth}")]).end();
        assert_eq!(status.code(), Some(70));
        // The first sync is the first group's: nothing can have been answered.
        assert!(nth > 1 || acks.is_empty());
        site.acks.extend(acks);
        site.check(&format!("sync {nth} failed"));
    }
}

#[test]
fn killed_at_any_step_of_a_commit_it_is_there_whole_or_not() {
    for point in 0..4 {
        let mut site = Site::new();
        // The same seed each time: what was not answered is asked again, and happens once.
        for nth in [1, 2, 5] {
            let (acks, status) = Writer::start(&site.dir(), 1, &[&format!("die-{point}-{nth}")]).end();
            assert_eq!(status.signal(), Some(9), "point {point}, time {nth}");
            site.acks.extend(acks);
            site.check(&format!("killed at point {point}, time {nth}"));
        }
    }
}
