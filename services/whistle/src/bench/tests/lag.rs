use std::time::Duration;

use tokio::time::Instant;

use crate::bench::lag::matching::{Arrivals, lags};
use crate::bench::lag::paced::Ack;

fn ack(case: &str, position: u64, at: Instant) -> Ack {
    Ack { case_id: case.to_owned(), position, at }
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_command_is_timed_to_the_last_message_the_feed_has_of_it() {
    let now = Instant::now();
    let acks = [ack("a", 10, now), ack("a", 20, now)];
    let arrivals = Arrivals::from([(
        "a".to_owned(),
        vec![(8, now + ms(1)), (9, now + ms(2)), (17, now + ms(3)), (20, now + ms(4)), (21, now + ms(9))],
    )]);
    assert_eq!(lags(&acks, &arrivals), [Some(ms(2)), Some(ms(4))]);
}

#[test]
fn a_command_the_feed_does_not_tell_of_is_not_timed() {
    let now = Instant::now();
    let arrivals = Arrivals::from([("a".to_owned(), vec![(15, now)])]);
    assert_eq!(lags(&[ack("a", 10, now), ack("b", 20, now)], &arrivals), []);
}

#[test]
fn a_message_before_the_acknowledgement_has_no_lag() {
    let now = Instant::now();
    let arrivals = Arrivals::from([("a".to_owned(), vec![(10, now)])]);
    assert_eq!(lags(&[ack("a", 10, now + ms(1))], &arrivals), [None]);
}
