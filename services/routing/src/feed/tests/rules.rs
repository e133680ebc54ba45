//! What needs no ledger: the table of kinds, scopes, acknowledgements.

use case::event::Event;
use case::time::At;
use desk::Caller;
use registry::ids::Role;
use test_kit::World;
use tonic::Code;
use wire::pb::whistle::routing::v1::SubscribeRequest;

use super::support::{HOUSING, TRAFFIC, org_id};
use crate::feed::acks::{Ack, AckError, Acks};
use crate::feed::index::Latest;
use crate::feed::kinds::{KINDS, Kind, kind};
use crate::feed::scope::Scope;

#[test]
fn every_event_type_has_one_kind() {
    let mut known: Vec<&str> = KINDS.iter().flat_map(|(_, types)| types.iter().copied()).collect();
    let mut stored: Vec<&str> = Event::FAMILIES.iter().flat_map(|(_, types)| types.iter().copied()).collect();
    known.sort_unstable();
    stored.sort_unstable();
    assert_eq!(known, stored);
}

#[test]
fn what_makes_a_case_is_silent_so_that_the_index_may_ignore_it() {
    for event_type in ["CaseRaised", "ClockArmed"] {
        assert_eq!(kind(event_type), Kind::Silent, "{event_type}");
    }
}

fn caller(world: &World, person: &str) -> Caller {
    let mut metadata = tonic::metadata::MetadataMap::new();
    metadata.insert("authorization", test_kit::bearer(person));
    world.desk.caller(&metadata).unwrap()
}

#[tokio::test]
async fn a_scope_is_ones_own_unless_one_is_of_the_district() {
    let world = World::start().await;
    let registry = world.desk.published().unwrap();
    let of = |person: &str, orgs: &[&str]| {
        let org_ids = orgs.iter().map(|org| (*org).to_owned()).collect();
        let request = SubscribeRequest { org_ids, ..SubscribeRequest::default() };
        Scope::of(&request, &caller(&world, person), &registry).map(|scope| scope.orgs).map_err(|s| s.code())
    };
    assert_eq!(of(TRAFFIC, &[]), Ok(vec![org_id("traffic")]));
    assert_eq!(of(HOUSING, &["housing-section"]), Ok(vec![org_id("housing-section")]));
    assert_eq!(of(HOUSING, &["traffic"]), Err(Code::InvalidArgument));
    assert_eq!(of("p-handler-housing-section", &["housing"]), Err(Code::InvalidArgument));
    assert_eq!(of(HOUSING, &["no-such"]), Err(Code::InvalidArgument));
    assert_eq!(of("p-dispatcher", &["traffic", "housing"]).unwrap().len(), 2);
    assert_eq!(of("p-resident", &[]), Err(Code::PermissionDenied));
    assert_eq!(of("hotline", &["traffic"]), Err(Code::PermissionDenied));
}

#[tokio::test]
async fn every_violation_of_a_subscription_is_named_at_once() {
    let world = World::start().await;
    let registry = world.desk.published().unwrap();
    let request = SubscribeRequest {
        org_ids: vec!["traffic".to_owned(), "NO ORG".to_owned()],
        feed_name: "Ünnamed".to_owned(),
        external_ref: "x".repeat(65),
        matter_id: "Not An Id".to_owned(),
        bookmark_interval: Some(wire::view::duration(jiff::SignedDuration::from_hours(2))),
        ..SubscribeRequest::default()
    };
    let status = Scope::of(&request, &caller(&world, TRAFFIC), &registry).unwrap_err();
    let details = String::from_utf8_lossy(status.details()).into_owned();
    for field in ["org_ids[1]", "feed_name", "external_ref", "matter_id", "bookmark_interval"] {
        assert!(details.contains(field), "{field}");
    }
    assert!(!details.contains("org_ids[0]"));
    assert!(!caller(&world, TRAFFIC).actor.roles.contains(&Role::Auditor));
}

#[tokio::test]
async fn acknowledgements_are_kept_apart_and_counted() {
    let dir = test_kit::temp_dir();
    let acks = Acks::open(dir.path()).unwrap();
    let ack = |position| Ack {
        epoch: 1,
        position,
        token: format!("t{position}"),
        at: At::new(jiff::Timestamp::UNIX_EPOCH),
    };
    let keep = |who: &str, feed: String, position| acks.keep(who.to_owned(), feed, ack(position));
    for name in 0..AckError::NAMES_MAX {
        keep("a", name.to_string(), 5).await.unwrap();
    }
    assert!(matches!(keep("a", "more".to_owned(), 5).await, Err(AckError::TooManyNames)));
    assert_eq!(keep("a", "0".to_owned(), 3).await.unwrap().token, "t5");
    assert_eq!(keep("b", "more".to_owned(), 7).await.unwrap().token, "t7");
    let later_epoch = Ack { epoch: 2, ..ack(1) };
    let kept = acks.keep("a".to_owned(), "0".to_owned(), later_epoch.clone()).await.unwrap();
    assert_eq!(kept, later_epoch);
    drop(acks);
    let reopened = Acks::open(dir.path()).unwrap();
    assert_eq!(reopened.find("a".to_owned(), "0".to_owned()).await.unwrap(), Some(later_epoch));
    assert_eq!(reopened.find("c".to_owned(), "0".to_owned()).await.unwrap(), None);
}

#[test]
fn a_hint_tells_whether_there_may_be_something() {
    let latest = Latest::default();
    let (traffic, housing) = (org_id("traffic"), org_id("housing"));
    latest.raise([&traffic], 7);
    assert!(latest.is_after(&[housing.clone(), traffic.clone()], 6));
    assert!(!latest.is_after(&[traffic], 7));
    assert!(!latest.is_after(&[housing], 0));
}
