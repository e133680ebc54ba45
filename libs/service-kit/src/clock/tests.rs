use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::{Clock, Fence, Reading, Start, start_gap};

const LEAP_MAX: Duration = Duration::from_secs(120);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn boot(seconds: u64) -> Duration {
    Duration::from_secs(1000 + seconds)
}

fn fence() -> Fence {
    Fence::new(at(0), boot(0), LEAP_MAX)
}

#[test]
fn wall_clock_is_followed_while_it_walks() {
    let mut fence = fence();
    assert_eq!(fence.read(at(60), boot(60)), Reading { now: at(60), leapt: false });
    assert_eq!(fence.read(at(181), boot(61)), Reading { now: at(181), leapt: false }, "a leap at the limit");
}

#[test]
fn a_leap_forward_is_not_followed_and_time_goes_on() {
    let mut fence = fence();
    let ten_years = 315_360_000;
    assert_eq!(fence.read(at(ten_years), boot(1)), Reading { now: at(1), leapt: true });
    assert_eq!(fence.read(at(ten_years + 9), boot(10)), Reading { now: at(10), leapt: true });
    assert_eq!(
        fence.read(at(20), boot(20)),
        Reading { now: at(20), leapt: false },
        "the clock was put right"
    );
}

#[test]
fn a_leap_back_does_not_stop_the_time() {
    let mut fence = fence();
    assert_eq!(fence.read(at(-3600), boot(5)), Reading { now: at(5), leapt: true });
    assert_eq!(fence.read(at(-3500), boot(105)), Reading { now: at(105), leapt: true });
}

#[test]
fn a_small_step_back_is_waited_for() {
    let mut fence = fence();
    assert_eq!(fence.read(at(-2), boot(0)), Reading { now: at(0), leapt: false });
    assert_eq!(fence.read(at(-1), boot(1)), Reading { now: at(0), leapt: false });
    assert_eq!(fence.read(at(3), boot(5)), Reading { now: at(3), leapt: false });
}

#[test]
fn a_suspend_is_no_leap() {
    let mut fence = fence();
    assert_eq!(fence.read(at(86_400), boot(86_400)), Reading { now: at(86_400), leapt: false });
}

#[test]
fn an_operator_can_make_a_leap_believed() {
    let mut fence = fence();
    assert!(fence.read(at(100_000), boot(1)).leapt);
    fence.trust(at(100_001), boot(2));
    assert_eq!(fence.read(at(100_002), boot(3)), Reading { now: at(100_002), leapt: false });
    fence.trust(at(0), boot(4));
    assert_eq!(fence.read(at(1), boot(5)).now, at(100_004), "never back");
}

proptest! {
    #[test]
    fn readings_never_go_back_nor_run_ahead(steps in prop::collection::vec((-100_000_i64..100_000, 0_u64..500), 1..60)) {
        let mut fence = fence();
        let (mut last, mut passed) = (at(0), 0);
        for (wall, step) in steps {
            passed += step;
            let reading = fence.read(at(wall), boot(passed));
            prop_assert!(reading.now >= last);
            prop_assert!(reading.now <= last + Duration::from_secs(step) + LEAP_MAX);
            last = reading.now;
        }
    }
}

#[test]
fn a_weekend_is_a_normal_stop_and_a_month_is_not() {
    let max = Duration::from_secs(72 * 3600);
    assert_eq!(start_gap(None, at(0), max), Start::Normal);
    assert_eq!(start_gap(Some(at(0)), at(72 * 3600), max), Start::Normal);
    let month = 30 * 86_400;
    assert_eq!(
        start_gap(Some(at(0)), at(month), max),
        Start::Gap { since_last_tick: SignedDuration::from_secs(month) }
    );
    assert_eq!(
        start_gap(Some(at(month)), at(0), max),
        Start::Gap { since_last_tick: SignedDuration::from_secs(-month) }
    );
}

#[tokio::test]
async fn sleepers_on_a_manual_clock_wake_when_it_is_moved() {
    let (clock, manual) = Clock::manual(at(0));
    clock.sleep_until(at(0)).await;
    let sleeper = async {
        clock.sleep_until(at(10)).await;
        clock.now()
    };
    let mover = async {
        manual.advance(Duration::from_secs(9));
        manual.advance_to(at(5));
        manual.advance_to(at(30));
    };
    let (woke_at, ()) = tokio::join!(sleeper, mover);
    assert_eq!(woke_at, at(30));
    manual.set(at(1));
    assert_eq!(clock.now(), at(1));
    assert!(!*clock.alarm().borrow());
}

#[tokio::test]
async fn a_manual_clock_sleeps_until_moved_far_enough() {
    let (clock, manual) = Clock::manual(at(0));
    tokio::select! {
        biased;
        () = clock.sleep_until(at(10)) => panic!("woke too early"),
        () = async { manual.advance_to(at(9)); tokio::task::yield_now().await } => {}
    }
}

#[tokio::test]
async fn the_system_clock_walks_and_tells_whole_microseconds() {
    let clock = Clock::system(LEAP_MAX);
    let before = clock.now();
    clock.sleep_until(before + Duration::from_millis(2)).await;
    let after = clock.now();
    assert!(after >= before + Duration::from_millis(2));
    assert_eq!(after.subsec_nanosecond() % 1000, 0);
    clock.trust_wall();
    assert!(!*clock.alarm().borrow() && !clock.has_leapt());
}
