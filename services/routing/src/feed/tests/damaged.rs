//! Cases whose part of the log cannot be read any more.

use case::ids::CaseId;
use wire::pb::whistle::routing::v1::feed_message::Message;

use super::support::{District, HOUSING, TRAFFIC, WORDS, all_told, snapshot};
use crate::feed::opener::DAMAGED;

/// The district after a restart that finds a case damaged.
async fn found_damaged(district: District, case: CaseId) -> District {
    let head = district.world.desk.ledger.head().position;
    district.feed.view().wait_for(head, test_kit::DEADLINE).await.unwrap();
    let District { world, server, feed, .. } = district;
    drop(feed);
    server.stop().await;
    District::over(world.restarted_with_damaged(case).await).await
}

#[tokio::test]
async fn a_damaged_case_is_told_without_its_words_and_stops_nothing_that_follows() {
    let district = District::start().await;
    let damaged = district.dispatched(1).await;
    district.dispatched(2).await;
    let district = found_damaged(district, damaged).await;
    let all = district.read(TRAFFIC, None).await;
    assert_eq!(all_told(&all), ["assigned CaseDispatched", "assigned CaseDispatched"]);
    let shown = all[0].case.as_ref().unwrap();
    assert_eq!((&shown.case_id, shown.matter_name.as_str()), (&damaged.to_string(), "车位被占"));
    assert_eq!((shown.text.as_str(), shown.place_note.as_str()), (DAMAGED, DAMAGED));
    assert_eq!((all[0].duties[0].task.as_str(), all[0].duties[0].org_id.as_str()), (DAMAGED, "traffic"));
    let event = all[0].event.as_ref().unwrap();
    assert!(event.payload_json.contains(DAMAGED) && !event.payload_json.contains("ciphertext"));
    assert!(!event.payload_json.contains("\"person\""), "who may not be told that is not known");
    assert_eq!(all[1].case.as_ref().unwrap().text, WORDS);
    assert_eq!(district.read(TRAFFIC, Some(&all[0].position_token)).await, all[1..]);
}

#[tokio::test]
async fn a_snapshot_names_a_damaged_duty_and_goes_on() {
    let district = District::start().await;
    let damaged = district.dispatched(1).await;
    let intact = district.dispatched(2).await;
    let district = found_damaged(district, damaged).await;
    let entries = district.read_as(TRAFFIC, snapshot()).await;
    assert_eq!(all_told(&entries), ["entry", "entry", "snapshot end"]);
    let shown = entries[0].case.as_ref().unwrap();
    assert_eq!((&shown.case_id, shown.text.as_str()), (&damaged.to_string(), DAMAGED));
    let duty = &entries[0].duties[0];
    assert_eq!((duty.obligation_no, duty.org_id.as_str(), duty.org_name.as_str()), (1, "traffic", "交管"));
    let shown = entries[1].case.as_ref().unwrap();
    assert_eq!((&shown.case_id, shown.text.as_str()), (&intact.to_string(), WORDS));
}

#[tokio::test]
async fn a_whistle_of_a_damaged_case_still_calls() {
    let district = District::start().await;
    let damaged = district.filed(1, &[]).await;
    district.whistle(damaged).await;
    let district = found_damaged(district, damaged).await;
    let all = district.read(HOUSING, None).await;
    let Some(Message::WhistleCalled(called)) = &all[0].message else { panic!("{:?}", all_told(&all)) };
    assert_eq!((called.whistle_no, called.purpose.as_str()), (1, DAMAGED));
}
