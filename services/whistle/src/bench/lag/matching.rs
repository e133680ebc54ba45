//! Which message of the feed tells of which command.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::paced::Ack;

/// Messages by case: position and when they came, in order.
pub(in crate::bench) type Arrivals = HashMap<String, Vec<(u64, Instant)>>;

/// The lag of each of a client's commands that the feed told of, up to the last message it has of it; none for a command it told of
/// before the acknowledgement was there.
pub(in crate::bench) fn lags(acks: &[Ack], arrivals: &Arrivals) -> Vec<Option<Duration>> {
    let mut before: Option<&Ack> = None;
    let mut lags = Vec::new();
    for ack in acks {
        // What the feed has of this command lies behind the case's previous one.
        let after = before.filter(|before| before.case_id == ack.case_id).map_or(0, |before| before.position);
        before = Some(ack);
        let messages = arrivals.get(&ack.case_id).map(Vec::as_slice).unwrap_or_default();
        let mut told =
            messages.iter().rev().filter(|(position, _)| (after + 1..=ack.position).contains(position));
        if let Some((_, arrived)) = told.next() {
            lags.push(arrived.checked_duration_since(ack.at));
        }
    }
    lags
}
