use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event_store::{Append, Expected, NewCommit, NewEvent, Version};
use uuid::Uuid;

use super::super::super::link::Op;
use super::super::super::protocol::{self, Ask, Batch, Outcome};
use super::super::{Host, Kept, Riders, Times};
use crate::commit::case_stream;
use crate::context::Rider;
use crate::tests::support::{AHEAD_MAX, at, case, ledger};

/// Keeps whatever comes.
#[derive(Default)]
struct Kind(Mutex<Vec<Rider>>);

impl Riders for Kind {
    fn keep<'a>(&'a self, riders: Vec<&'a Rider>) -> Kept<'a> {
        let outcomes = vec![Ok(()); riders.len()];
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(riders.into_iter().cloned());
        Box::pin(std::future::ready(outcomes))
    }
}

fn ask(number: u128, recorded_second: i64) -> Ask {
    let event = NewEvent {
        event_type: "CaseRaised".to_owned(),
        schema_version: 1,
        occurred_at: at(0),
        payload: b"{}".to_vec(),
    };
    let append = Append {
        stream: case_stream(case(number)),
        expected: Expected::Exactly(Version(0)),
        events: vec![event],
    };
    let command_id = Uuid::from_u128(number);
    let commit = NewCommit {
        principal: "p-test".to_owned(),
        on_behalf_of: None,
        command_id,
        request_mac: [7; 32],
        causation: None,
        correlation: command_id,
        traceparent: None,
        recorded_at: at(recorded_second),
        appends: vec![append],
        unchanged: Vec::new(),
    };
    Ask { commit, rider: Some(Rider(vec![number.to_be_bytes()[15]])) }
}

#[tokio::test]
async fn a_commit_that_was_too_early_does_not_happen_without_what_came_along_though_time_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let riders = Arc::new(Kind::default());
    let second = AtomicI64::new(0);
    // A second passes with each look at the clock.
    let now = move || at(second.fetch_add(1, Ordering::Relaxed));
    let times = Times::new(now, Duration::from_secs(AHEAD_MAX.unsigned_abs()));
    let host = Host::new(&ledger, Arc::clone(&riders) as Arc<dyn Riders>, times).unwrap();
    let payload = protocol::encode(&Batch { asks: vec![ask(1, AHEAD_MAX + 2), ask(2, 0)] }).unwrap();
    let answer = host.core().answer(Op::Commit, &payload).await.unwrap();
    let outcomes = protocol::decode::<Vec<Outcome<'_>>>(&answer).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::TooEarly, Outcome::Stored { .. }]), "{outcomes:?}");
    let kept = riders.0.lock().unwrap();
    assert_eq!(kept.iter().map(|rider| rider.0.to_vec()).collect::<Vec<_>>(), [vec![2]]);
    drop(kept);
}
