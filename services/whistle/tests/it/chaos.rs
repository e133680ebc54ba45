//! Processes and NATS killed under load, as the dice say: and afterwards everything that was acknowledged is there.

mod blows;
mod dice;
mod feed;
mod kept;
mod load;

use crate::district::District;
use blows::{Blow, strike};
use dice::Dice;
use feed::Reader;
use load::Load;

/// Of the usual run. WHISTLE_CHAOS_ROUNDS overrides it.
const ROUNDS: u64 = 8;
/// Of the usual run. WHISTLE_CHAOS_SEED overrides it.
const SEED: u64 = 371_002;
/// Of each deciding role.
const COPIES: usize = 2;

#[test]
fn whoever_is_killed_what_was_acknowledged_is_there_once_and_everything_follows_from_it() {
    let seed = setting("WHISTLE_CHAOS_SEED").unwrap_or(SEED);
    let rounds = setting("WHISTLE_CHAOS_ROUNDS").unwrap_or(ROUNDS);
    println!("chaos: seed {seed}, {rounds} rounds");
    let mut dice = Dice::new(seed);
    let mut district = District::start(COPIES);
    let blows = Blow::plan(&mut dice, rounds, district.processes.len());
    let reader = Reader::start(&district);
    let mut load = Load::start(&district, blows::acknowledgements(&blows));
    for (round, blow) in blows.iter().enumerate() {
        load.wait_for(blow.after);
        println!("chaos: round {round}, {} acknowledged: {blow:?}", load.acknowledged());
        strike(blow, &mut district, &mut load);
    }
    let acknowledged = load.end();
    district.settle();
    caught_up(&district);
    reader.heard_everything(&district);
    let (dir, places) = district.stop();
    kept::check(dir.path(), &places, &acknowledged);
}

/// A number of the environment: how the long run differs from the usual one.
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var_os(name)?;
    Some(value.to_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name}: {value:?}")))
}

/// Waits until every projection of every copy says that it is where the ledger ends.
fn caught_up(district: &District) {
    let (ledger, others) = district.processes.split_first().unwrap();
    let head = ledger.metric("whistle_ledger_head_position").unwrap();
    assert!(head > 0.0);
    for process in others {
        process.wait("where the ledger ends", |process| {
            let (positions, lags) = (
                process.metrics("whistle_follower_position"),
                process.metrics("whistle_follower_lag_events"),
            );
            let there = positions.iter().all(|position| *position == head);
            !positions.is_empty() && there && lags.iter().all(|lag| *lag == 0.0)
        });
    }
}
