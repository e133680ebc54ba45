//! Readers whose post is elsewhere by a newer registry, or whose token is another by now.

use std::time::Duration;

use case::event::parts::By;
use case::ids::derived_uuid;
use desk::Desk;
use ledger::registry_stream::publish;
use registry::Content;
use service_kit::principals::{Principal, Principals};
use test_kit::World;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use wire::pb::whistle::routing::v1::feed_service_server::FeedService as _;
use wire::pb::whistle::routing::v1::{FeedMessage, SubscribeRequest};

use super::support::{
    District, ENFORCEMENT, HOUSING, TRAFFIC, all_told, as_person, full, org_id, snapshot, told,
};

/// Somebody of the sample; with a token that says only who they are, their post says the rest.
fn principal(world: &World, person: &str, by_post: bool) -> Principal {
    let actor = world.actor(person);
    Principal {
        id: person.to_owned(),
        person: actor.person,
        source: actor.source,
        org: actor.org.filter(|_| !by_post),
        area: actor.area.filter(|_| !by_post),
        roles: actor.roles,
    }
}

/// Traffic's handler is known by their post alone.
fn by_post(world: &World) {
    let mut known = vec![(TRAFFIC.to_owned(), principal(world, TRAFFIC, true))];
    for person in [ENFORCEMENT, "p-dispatcher", "p-call_taker", "p-receptionist", "p-duty_leader"] {
        known.push((person.to_owned(), principal(world, person, false)));
    }
    world.desk.principals.replace(&Principals::fixed(known).unwrap());
}

/// Another registry is in force when this returns.
async fn changed(world: &World, change: impl FnOnce(&mut Content)) {
    let desk = &world.desk;
    let mut content = desk.published().unwrap().content().clone();
    change(&mut content);
    let context = Desk::automatic("test", derived_uuid("publish", &[b"again"]));
    let by = By::Automatic { rule: None };
    let published = publish(&desk.ledger, &context, &by, desk.clock.now(), content, None).await.unwrap();
    desk.registry.wait(published.version()).await.unwrap();
}

fn to_enforcement(content: &mut Content) {
    let post = content.posts.iter_mut().find(|post| post.id.as_str() == "post-handler-traffic").unwrap();
    post.org = org_id("enforcement");
}

type Stream = ReceiverStream<Result<FeedMessage, Status>>;

async fn next(stream: &mut Stream) -> Result<FeedMessage, Status> {
    tokio::time::timeout(test_kit::DEADLINE, stream.next()).await.unwrap().expect("the stream goes on")
}

async fn subscribed(district: &District, person: &str) -> Stream {
    let answer = district.feed.subscribe(as_person(person, SubscribeRequest::default())).await;
    let mut stream = answer.unwrap().into_inner();
    assert_eq!(told(&next(&mut stream).await.unwrap()), "caught up");
    stream
}

/// The stream ends with a bookmark and nothing before it; gives its token.
async fn ended(mut stream: Stream) -> String {
    let last = next(&mut stream).await.unwrap();
    assert_eq!(told(&last), "bookmark");
    assert_eq!(next(&mut stream).await.unwrap_err().code(), Code::Unavailable);
    assert!(stream.next().await.is_none());
    last.position_token
}

#[tokio::test]
async fn whoever_moved_is_told_nothing_more_of_the_old_organisation() {
    let district = District::start().await;
    by_post(&district.world);
    let moved = subscribed(&district, TRAFFIC).await;
    let mut stays = subscribed(&district, ENFORCEMENT).await;
    changed(&district.world, to_enforcement).await;
    let case = district.filed(1, &[]).await;
    district.dispatch(case, "traffic", &[]).await;
    let token = ended(moved).await;
    let second = district.filed(2, &[]).await;
    district.dispatch(second, "enforcement", &[]).await;
    let heard = district.read(TRAFFIC, Some(&token)).await;
    assert_eq!(all_told(&heard), ["assigned CaseDispatched"]);
    assert_eq!(heard[0].duties[0].org_id, "enforcement", "and comes again as one of the new one");
    assert_eq!(told(&next(&mut stays).await.unwrap()), "assigned CaseDispatched", "others read on");
}

#[tokio::test]
async fn a_quiet_feed_ends_when_its_reader_has_moved() {
    let mut district = District::start().await;
    district.feed.timing.check_every = Duration::from_millis(5);
    by_post(&district.world);
    let moved = subscribed(&district, TRAFFIC).await;
    changed(&district.world, to_enforcement).await;
    ended(moved).await;
}

#[tokio::test]
async fn a_registry_that_leaves_a_reader_where_it_is_leaves_its_feed_open() {
    let district = District::start().await;
    by_post(&district.world);
    let mut stream = subscribed(&district, TRAFFIC).await;
    changed(&district.world, |content| content.orgs[0].name = "新示例区".to_owned()).await;
    district.dispatched(1).await;
    assert_eq!(told(&next(&mut stream).await.unwrap()), "assigned CaseDispatched");
}

#[tokio::test]
async fn a_token_given_out_anew_ends_the_streams_of_the_old_one() {
    let mut district = District::start().await;
    district.feed.timing.check_every = Duration::from_millis(5);
    let mut stream = subscribed(&district, TRAFFIC).await;
    let same = principal(&district.world, TRAFFIC, false);
    let known = Principals::fixed(vec![("another-token".to_owned(), same)]).unwrap();
    district.world.desk.principals.replace(&known);
    assert_eq!(next(&mut stream).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_snapshot_ends_when_an_organisation_leaves_the_reader_and_shows_nothing_more_of_it() {
    let district = District::start().await;
    for number in 1..=40 {
        let case = district.filed(number, &[]).await;
        district.dispatch(case, "housing-section", &[]).await;
    }
    let answer = district.feed.subscribe(as_person(HOUSING, snapshot())).await.unwrap();
    let mut stream = answer.into_inner();
    full(&stream).await;
    changed(&district.world, |content| {
        let section = content.orgs.iter_mut().find(|org| org.id == org_id("housing-section")).unwrap();
        section.parent = Some(org_id("traffic"));
    })
    .await;
    for _ in 0..32 {
        assert_eq!(told(&next(&mut stream).await.unwrap()), "entry");
    }
    assert_eq!(next(&mut stream).await.unwrap_err().code(), Code::Unavailable);
    assert!(stream.next().await.is_none());
}

/// Another name for what every case here is about.
fn renamed(content: &mut Content) {
    let matter = content.matters.iter_mut().find(|matter| matter.id.as_str() == "parking").unwrap();
    "占用车位".clone_into(&mut matter.name);
}

/// The matter's name in 40 messages, of which 32 were waiting for the reader when it was changed.
async fn named_around_a_change(request: SubscribeRequest) -> Vec<String> {
    let mut district = District::start().await;
    district.feed.timing.slow_after = test_kit::DEADLINE;
    for number in 1..=40 {
        district.dispatched(number).await;
    }
    let head = district.world.desk.ledger.head().position;
    district.feed.view().wait_for(head, test_kit::DEADLINE).await.unwrap();
    let answer = district.feed.subscribe(as_person(TRAFFIC, request)).await.unwrap();
    let mut stream = answer.into_inner();
    full(&stream).await;
    changed(&district.world, renamed).await;
    let mut named = Vec::new();
    for _ in 0..40 {
        named.push(next(&mut stream).await.unwrap().case.unwrap().matter_name);
    }
    named
}

/// Of the old registry what waited, of the new one everything else.
fn expected() -> Vec<&'static str> {
    [["车位被占"; 32].as_slice(), ["占用车位"; 8].as_slice()].concat()
}

#[tokio::test]
async fn messages_made_ahead_are_made_again_by_a_newer_registry() {
    assert_eq!(named_around_a_change(SubscribeRequest::default()).await, expected());
}

#[tokio::test]
async fn an_entry_of_a_snapshot_is_made_by_the_registry_in_force_when_it_is_sent() {
    assert_eq!(named_around_a_change(snapshot()).await, expected());
}
