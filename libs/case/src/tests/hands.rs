use registry::ids::Role;

use super::acts::{
    accepted, checked, complete, confirm, dispatched, disposed, drafted, filed, gathered, in_progress, raise,
    raised, sign_for, whistled,
};
use super::kit::{Story, local};
use crate::event::parts::Profile;
use crate::hands::{custody, in_hands};
use crate::intake::{Command, Exit};

fn hands(story: &Story) -> String {
    let named = in_hands(&story.case, story.registry).into_iter().map(|holder| {
        let role = holder.role.map_or(String::new(), |role| format!("/{role:?}"));
        let person = holder.person.map_or(String::new(), |person| format!("/{person}"));
        let duty = holder.obligation.map_or(String::new(), |no| format!("#{no}"));
        format!("{}{role}{person}{duty}", holder.org)
    });
    named.collect::<Vec<_>>().join(" ")
}

#[test]
fn before_dispatch_the_post_whose_step_is_next_holds_it() {
    assert_eq!(hands(&raised()), "centre/Receptionist");
    assert_eq!(hands(&accepted()), "centre/DutyLeader");
    assert_eq!(hands(&filed()), "centre/Dispatcher");
    let inspector = registry::ids::PersonId::new("p-grid_worker").unwrap();
    let verifying = Story::begins()
        .given("p-resident", raise(Profile::Public))
        .given("p-receptionist", Command::RequestVerification { inspector, note: None });
    assert_eq!(hands(&verifying), "centre/Inspector/p-grid_worker");
    let looked = Command::Verify { genuine: false, finding: None, evidence: Vec::new() };
    assert_eq!(hands(&verifying.given("p-grid_worker", looked)), "centre/Receptionist");
}

#[test]
fn until_the_lead_signs_it_is_in_the_leads_hands() {
    assert_eq!(hands(&dispatched()), "housing#1");
    assert_eq!(hands(&whistled()), "traffic#1");
}

#[test]
fn then_in_those_of_everybody_who_blocks_and_the_leads_when_nobody_does() {
    let story = in_progress();
    assert_eq!(hands(&story), "street-a#2");
    assert_eq!(hands(&story.given("p-handler-street-a", complete(2))), "housing#1");
    let story = gathered();
    assert_eq!(hands(&story), "enforcement#2");
    let story = story.given("p-handler-enforcement", complete(2));
    assert_eq!(hands(&story), "community-a1/SubdistrictOfficer", "whoever called confirms");
    let story = story.given("p-community_officer-community-a1", confirm(2));
    assert_eq!(hands(&story), "traffic#1");
}

#[test]
fn what_waits_for_a_decision_is_in_the_deciders_hands() {
    assert_eq!(hands(&drafted()), "street-a/SubdistrictLeader");
    let story = in_progress().given("p-dispatcher", super::acts::exit(Exit::Terminate, "subject-gone"));
    assert_eq!(hands(&story), "centre/DutyLeader");
}

#[test]
fn afterwards_in_those_of_the_inspector_the_caller_back_and_nobody() {
    assert_eq!(hands(&disposed()), "centre/Inspector");
    assert_eq!(hands(&checked()), "centre/CallerBack");
    assert_eq!(hands(&super::acts::closed()), "");
}

#[test]
fn custody_tells_who_had_it_from_when_to_when() {
    let story = raised()
        .at("2026-03-02T09:10")
        .given("p-receptionist", super::acts::accept())
        .at("2026-03-02T09:20")
        .given("p-duty_leader", super::acts::file())
        .given("p-dispatcher", super::acts::dispatch(Some("traffic"), &[]))
        .at("2026-03-02T11:00")
        .given("p-handler-traffic", sign_for(1))
        .given("hotline", Command::Withdraw { words: None });
    let spans = custody(story.case.id, &story.log, story.registry);
    let told: Vec<_> = spans
        .iter()
        .map(|span| (span.holder.org.as_str(), span.holder.role, span.from, span.until))
        .collect();
    assert_eq!(
        told,
        [
            ("centre", Some(Role::Receptionist), local("2026-03-02T09:00"), Some(local("2026-03-02T09:10"))),
            ("centre", Some(Role::DutyLeader), local("2026-03-02T09:10"), Some(local("2026-03-02T09:20"))),
            ("traffic", None, local("2026-03-02T09:20"), Some(local("2026-03-02T11:00"))),
        ]
    );
}
