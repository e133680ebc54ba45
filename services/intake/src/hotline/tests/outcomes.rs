//! What becomes of tickets, told to their source.

use std::collections::BTreeSet;
use std::time::Duration;

use case::event::closure::{CalledBack, CaseClosed, CaseDisposed};
use case::event::intake::{CaseAccepted, CaseMerged, NoteAdded, ReporterLinked};
use case::event::parts::{By, Outcome, Satisfaction};
use case::ids::{CaseId, KeyId, ObligationNo};
use case::time::At;
use registry::ids::SourceId;
use service_kit::principals::Principals;
use test_kit::World;
use tonic::Code;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1::from_source::Message as Said;
use wire::pb::whistle::intake::v1::to_source::Message as Answer;
use wire::pb::whistle::intake::v1::{SourceHello, TicketOutcome};

use super::support::{District, good, json_ticket};
use crate::hotline::index::Index;

const NOBODY: By = By::Automatic { rule: None };

/// Takes a ticket and brings its case to its end.
async fn lived_through(district: &District, number: &str) -> CaseId {
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(json_ticket(number, 1, &good("又被占了"))).await;
    line.hang_up();
    let id = district.case(&receipt).await.id;
    let intake = async |person: &str, command: case::intake::Command| {
        let decide = |state: &case::Case, actor: &case::Actor, rules: &case::Rules<'_>, now| {
            case::intake::decide(state, &command, actor, rules, now)
        };
        district.world.decide(person, id, decide).await.unwrap();
    };
    intake("p-receptionist", case::intake::Command::Accept).await;
    intake("p-duty_leader", case::intake::Command::File { matter: None, grade: None, place: None }).await;
    let lead = Some(registry::ids::OrgId::new("traffic").unwrap());
    for (person, command) in [
        ("p-dispatcher", case::routing::Command::Dispatch { lead, co: Vec::new(), task: None }),
        ("p-handler-traffic", case::routing::Command::SignFor { obligation: ObligationNo(1) }),
    ] {
        let decide = |state: &case::Case, actor: &case::Actor, rules: &case::Rules<'_>, now| {
            case::routing::decide(state, &command, actor, rules, now)
        };
        district.world.decide(person, id, decide).await.unwrap();
    }
    let text = district.sealed(id, "text", "不改变状态").await;
    district.commit(id, vec![NoteAdded { by: NOBODY, text, public: false }.into()]).await;
    let at = At::new(district.world.desk.clock.now());
    let disposed = CaseDisposed {
        by: NOBODY,
        obligation: ObligationNo(1),
        taken_up_at: at,
        spoken_to: district.sealed(id, "spoken_to", "王女士").await,
        measures: district.sealed(id, "measures", "划线").await,
        solved_by_at: at,
        public_reply: district.sealed(id, "public_reply", "车位已恢复").await,
        cost_bearer: None,
        evidence: Vec::new(),
    };
    district.commit(id, vec![disposed.into()]).await;
    let called = CalledBack {
        by: NOBODY,
        reporter: KeyId::reporter(1),
        contacted: true,
        solved: Some(true),
        satisfied: Some(Satisfaction::Basically),
        words: None,
        rework: false,
    };
    let closed = CaseClosed { by: NOBODY, outcome: Outcome::Solved, reply: None };
    district.commit(id, vec![called.into(), closed.into()]).await;
    id
}

fn told(outcome: &TicketOutcome) -> &'static str {
    outcome.status().as_str_name().trim_start_matches("CASE_STATUS_")
}

#[tokio::test]
async fn every_change_of_status_is_told_once_in_order_and_resumed() {
    let district = District::start().await;
    lived_through(&district, "T-1").await;
    let expected = ["ACCEPTED", "FILED", "DISPATCHED", "IN_PROGRESS", "DISPOSED", "CLOSED"];
    let all = district.outcomes("hotline", "", expected.len()).await;
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), expected);
    assert_eq!(all.iter().map(|outcome| &outcome.event_id).collect::<BTreeSet<_>>().len(), expected.len());
    assert!(all.iter().all(|outcome| outcome.ticket_numbers == ["T-1"]));
    let end = all.last().unwrap();
    assert!(end.ended && end.outcome() == shared::Outcome::Solved);
    assert_eq!((end.solved, end.satisfaction()), (Some(true), shared::Satisfaction::Basically));
    assert_eq!((end.public_reply.as_str(), end.lead_org_name.as_str()), ("车位已恢复", "交管"));
    assert!(all[..4].iter().all(|outcome| outcome.public_reply.is_empty() && !outcome.ended));

    lived_through(&district, "T-2").await;
    for (index, outcome) in all.iter().enumerate() {
        let rest = district.outcomes("hotline", &outcome.resume_token, 2 * expected.len() - index - 1).await;
        assert_eq!(rest[..expected.len() - index - 1], all[index + 1..]);
        assert!(rest[expected.len() - index - 1..].iter().all(|outcome| outcome.ticket_numbers == ["T-2"]));
    }
}

#[tokio::test]
async fn outcomes_come_as_they_happen_between_receipts() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let receipt = line.push(json_ticket("T-1", 1, &good("一"))).await;
    let id = district.case(&receipt).await.id;
    district.commit(id, vec![CaseAccepted { by: NOBODY }.into()]).await;
    assert_eq!(told(&line.outcome().await), "ACCEPTED");
    line.push(json_ticket("T-2", 1, &good("二"))).await;
    district
        .commit(id, vec![CaseClosed { by: NOBODY, outcome: Outcome::Answered, reply: None }.into()])
        .await;
    assert_eq!(told(&line.outcome().await), "CLOSED");
}

#[tokio::test]
async fn a_merged_ticket_hears_of_the_case_it_follows() {
    let district = District::start().await;
    let mut line = district.line("hotline").await.unwrap();
    let first = line.push(json_ticket("T-1", 1, &good("一"))).await;
    let second = line.push(json_ticket("T-2", 1, &good("二"))).await;
    let (parent, child) = (district.case(&first).await, district.case(&second).await);
    let tickets = child.ticket.iter().cloned().collect();
    let linked = ReporterLinked { by: NOBODY, from: child.id, reporters: 1, tickets };
    district.commit(child.id, vec![CaseMerged { by: NOBODY, into: parent.id }.into()]).await;
    district.commit(parent.id, vec![linked.into()]).await;
    district.commit(parent.id, vec![CaseAccepted { by: NOBODY }.into()]).await;
    let merged = line.outcome().await;
    assert_eq!((told(&merged), merged.ticket_numbers.as_slice()), ("MERGED", &["T-2".to_owned()][..]));
    let accepted = line.outcome().await;
    assert_eq!(accepted.ticket_numbers, ["T-1", "T-2"]);
}

#[tokio::test]
async fn another_source_hears_nothing() {
    let mut content = registry::sample::content();
    let mut city = content.jurisdiction.sources[0].clone();
    city.id = SourceId::new("city").unwrap();
    content.jurisdiction.sources.push(city);
    let mut district = District::over(World::with(content).await).await;
    district.hotline.timing.bookmark_every = Duration::from_millis(5);
    lived_through(&district, "T-1").await;
    let mut line = district.line("city").await.unwrap();
    // The same number is another ticket there.
    let receipt = line.push(json_ticket("T-1", 1, &good("一"))).await;
    let id = district.case(&receipt).await.id;
    district.commit(id, vec![CaseAccepted { by: NOBODY }.into()]).await;
    let outcome = line.outcome().await;
    assert_eq!(outcome.case_id, receipt.case_id);
}

#[tokio::test]
async fn a_quiet_line_says_so_and_its_token_survives_a_restart() {
    let district = District::start().await;
    let id = lived_through(&district, "T-1").await;
    let all = district.outcomes("hotline", "", 6).await;
    let sum = district.hotline.view().read(projection::checksum).await.unwrap();
    let District { world, server, hotline, .. } = district;
    drop(hotline);
    server.stop().await;
    let again = world.dir("again");
    let options = projection::Options::DEFAULT;
    projection::rebuild(&again, Index, world.desk.ledger.clone(), options, |_| ()).await.unwrap();

    let district = District::over(world).await;
    assert_eq!(district.hotline.view().read(projection::checksum).await.unwrap(), sum);
    let rest = district.outcomes("hotline", &all[3].resume_token, 2).await;
    assert_eq!(rest, all[4..]);
    let mut line = district.resumed("hotline", &all[5].resume_token).await;
    let text = district.sealed(id, "text", "安静").await;
    district.commit(id, vec![NoteAdded { by: NOBODY, text, public: false }.into()]).await;
    line.push(json_ticket("T-2", 1, &good("二"))).await;
    line.hang_up();
}

#[tokio::test]
async fn a_bookmark_comes_while_nothing_happens() {
    let world = World::start().await;
    let shutdown = service_kit::shutdown::Shutdown::new();
    let mut hotline =
        crate::hotline::Hotline::start(world.desk.clone(), &world.dir("quiet"), &shutdown).await.unwrap();
    hotline.timing.bookmark_every = Duration::from_millis(5);
    hotline.timing.check_every = Duration::from_millis(5);
    let mut routes = tonic::service::RoutesBuilder::default();
    hotline.add_to(&mut routes);
    let server = test_kit::TestServer::start(routes.routes(), &shutdown).await;
    let district = District { world, hotline, server, shutdown };
    let mut line = district.resumed("hotline", "").await;
    let Some(Answer::Bookmark(bookmark)) = line.next().await.unwrap().message else { panic!("no bookmark") };
    let mut resumed = district.resumed("hotline", &bookmark.resume_token).await;
    assert!(matches!(resumed.next().await.unwrap().message, Some(Answer::Bookmark(_))));
    // A token taken back ends the line.
    district.world.desk.principals.replace(&Principals::nobody());
    let end = loop {
        if let Err(status) = line.next().await {
            break status;
        }
    };
    assert_eq!(end.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_token_that_cannot_be_resumed_at_ends_the_line() {
    let district = District::start().await;
    for (token, code) in [("nobody's", Code::InvalidArgument), ("w1.example.1.999999", Code::OutOfRange)] {
        let mut line = district.resumed("hotline", token).await;
        assert_eq!(line.next().await.unwrap_err().code(), code);
    }
    let mut line = district.resumed("hotline", "").await;
    line.say(Said::Hello(SourceHello::default())).await;
    assert_eq!(line.receipt().await.reason, "HELLO_NOT_FIRST");
}

#[tokio::test]
async fn a_stop_ends_the_line() {
    let district = District::start().await;
    let mut line = district.resumed("hotline", "").await;
    line.push(json_ticket("T-1", 1, &good("一"))).await;
    district.shutdown.start();
    assert_eq!(line.next().await.unwrap_err().code(), Code::Unavailable);
}
