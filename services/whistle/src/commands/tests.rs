use jiff::tz::TimeZone;
use wire::pb::whistle::board::v1::{Named, ObligationView};
use wire::pb::whistle::case::v1::ObligationState;

use super::act::duty_of;
use super::in_zone;

fn duty(no: u32, org: &str, state: ObligationState, reported_in: bool) -> ObligationView {
    ObligationView {
        obligation_no: no,
        org: Some(Named { id: org.to_owned(), ..Named::default() }),
        state: state.into(),
        reported_in_time: reported_in.then(|| wire::timestamp(jiff::Timestamp::UNIX_EPOCH)),
        ..ObligationView::default()
    }
}

#[test]
fn an_instant_is_told_with_its_offset() {
    let zone = TimeZone::fixed(jiff::tz::offset(8));
    assert_eq!(in_zone(Some(0), zone.clone()), "1970-01-01 08:00 +08:00");
    assert_eq!(in_zone(None, zone), "");
}

#[test]
fn whoever_reports_in_does_so_for_the_duty_that_waits_and_else_the_server_says_why_not() {
    let duties = [
        duty(1, "police", ObligationState::Returned, false),
        duty(2, "police", ObligationState::SignedFor, false),
        duty(3, "fire", ObligationState::Completed, true),
    ];
    let no_of = |no, org| duty_of(&duties, no, org).map(|duty| duty.obligation_no);
    assert_eq!(no_of(None, Some("police")), Some(2));
    assert_eq!(no_of(None, Some("fire")), Some(3), "reported in already, which the server says");
    assert_eq!(no_of(None, Some("gas")), None);
    assert_eq!((no_of(Some(1), None), no_of(Some(4), None)), (Some(1), None));
}
