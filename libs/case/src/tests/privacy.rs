use registry::ids::{PersonId, Role};

use super::acts::{checked, closed, dispatched, in_progress, raise};
use super::kit::{Story, actor, changed, org_id, reason, sample};
use crate::actor::{Actor, sees};
use crate::event::intake::KeyDestroyed;
use crate::event::parts::{By, Profile, Reporter};
use crate::ids::{KeyId, RequestNo};
use crate::intake::{Command, Raise};
use crate::refusal::{Refusal, StateReason};

fn reveal() -> Command {
    Command::RevealContact { key_id: KeyId::reporter(1), purpose: reason("contact") }
}

fn ask() -> Command {
    Command::RequestBreakGlass { key_id: KeyId::reporter(1), purpose: reason("danger") }
}

fn decide(request: u32, grant: bool) -> Command {
    Command::DecideBreakGlass { request: RequestNo(request), grant }
}

/// Dispatched to housing, signed for, the reporter unknown to whoever handles it.
fn hidden(about: &[&str], about_persons: &[&str]) -> Story {
    let raise = Raise {
        confidential: true,
        about: about.iter().map(|org| org_id(org)).collect(),
        about_persons: about_persons.iter().map(|id| PersonId::new(*id).unwrap()).collect(),
        ..raise(Profile::Hotline)
    };
    Story::begins()
        .given("p-call_taker", raise)
        .given("p-receptionist", super::acts::accept())
        .given("p-duty_leader", super::acts::file())
        .given("p-dispatcher", super::acts::dispatch(Some("housing"), &["traffic"]))
}

#[test]
fn the_handler_in_charge_sees_a_contact_and_that_is_recorded() {
    in_progress()
        .when(
            "p-handler-housing",
            Command::RevealContact { key_id: KeyId::reporter(1), purpose: reason("nosy") },
        )
        .unregistered("reveal/nosy")
        .when(
            "p-handler-housing",
            Command::RevealContact { key_id: KeyId::reporter(2), purpose: reason("contact") },
        )
        .refused(&Refusal::NoSuchPart { part: "contact of reporter-2".to_owned() })
        .when("p-dispatcher", reveal())
        .role_missing()
        .given("p-handler-housing", reveal())
        .then("ContactRevealed");
}

#[test]
fn whose_duty_is_over_sees_it_no_more_and_the_caller_back_when_it_is_their_turn() {
    in_progress().when("p-caller_back", reveal()).forbidden("contact", StateReason::NotTheHolder);
    checked()
        .when("p-handler-housing", reveal())
        .forbidden("contact", StateReason::NotTheHolder)
        .given("p-caller_back", reveal());
    closed().when("p-caller_back", reveal()).forbidden("contact", StateReason::NotTheHolder);
}

#[test]
fn a_reporter_without_contact_has_none_to_see() {
    let mut silent = raise(Profile::Hotline);
    silent.reporters = vec![Reporter { contactable: false, ..super::acts::reporter(1) }];
    Story::begins()
        .given("p-call_taker", silent)
        .given("p-receptionist", super::acts::accept())
        .given("p-duty_leader", super::acts::file())
        .given("p-dispatcher", super::acts::dispatch(None, &[]))
        .when("p-handler-housing", reveal())
        .refused(&Refusal::NoSuchPart { part: "contact of reporter-1".to_owned() });
}

#[test]
fn what_is_confidential_takes_two_and_not_for_long() {
    hidden(&[], &[])
        .when("p-handler-housing", reveal())
        .forbidden("contact", StateReason::Confidential)
        .given("p-handler-housing", ask())
        .then("BreakGlassRequested")
        .when("p-handler-housing", decide(1, true))
        .role_missing()
        .when("p-handler-housing", reveal())
        .forbidden("contact", StateReason::Confidential)
        .given("p-duty_leader", decide(1, true))
        .then("BreakGlassApproved")
        .when("p-handler-traffic", reveal())
        .forbidden("contact", StateReason::Confidential)
        .at("2026-03-02T09:30")
        .given("p-handler-housing", reveal())
        .at("2026-03-02T09:31")
        .when("p-handler-housing", reveal())
        .forbidden("contact", StateReason::Confidential)
        .given("p-handler-housing", ask())
        .given("p-duty_leader", decide(2, false))
        .then("BreakGlassRefused")
        .when("p-handler-housing", reveal())
        .forbidden("contact", StateReason::Confidential);
}

#[test]
fn nobody_breaks_the_glass_alone() {
    let registry = changed(|content| {
        for post in &mut content.posts {
            if post.id.as_str() == "post-handler-housing" {
                post.roles.push(Role::DutyLeader);
            }
        }
    });
    hidden(&[], &[])
        .under(registry)
        .given("p-handler-housing", ask())
        .when("p-handler-housing", decide(1, true))
        .forbidden("request 1", StateReason::SamePerson);
}

#[test]
fn the_accused_and_those_above_and_below_never_see_the_reporter() {
    let registry = || {
        changed(|content| {
            for post in &mut content.posts {
                if post.id.as_str() == "post-handler-housing-section" {
                    post.roles.push(Role::CallerBack);
                }
            }
        })
    };
    for accused in ["housing", "housing-section", "district"] {
        hidden(&[accused], &[])
            .under(registry())
            .when("p-handler-housing", reveal())
            .forbidden("contact", StateReason::Accused)
            .when("p-handler-housing", ask())
            .forbidden("contact", StateReason::Accused);
    }
    // The complaint is about somebody of housing: housing does not see it, nor does the district above it allow it.
    hidden(&[], &["p-org_dispatcher-housing"])
        .when("p-handler-housing", ask())
        .forbidden("contact", StateReason::Accused)
        .given("p-handler-traffic", ask())
        .when("p-supervisor", decide(1, true))
        .forbidden("contact", StateReason::Accused)
        .given("p-duty_leader", decide(1, true))
        .given("p-handler-traffic", reveal());
}

#[test]
fn what_is_erased_is_seen_by_nobody() {
    let by = By::Automatic { rule: None };
    dispatched()
        .happened(KeyDestroyed { by, request: None, key_id: KeyId::reporter(1) })
        .when("p-handler-housing", reveal())
        .forbidden("contact", StateReason::Erased);
}

#[test]
fn belonging_to_an_organisation_is_not_acting_for_it() {
    let story = dispatched();
    let registry = sample();
    let lead = story.case.lead().unwrap().org.clone();
    let handler = Actor { org: Some(lead), area: None, ..actor("p-handler-traffic", registry) };
    assert!(sees(&handler, &story.case, registry));
    for role in [Role::Resident, Role::Operator, Role::Registrar] {
        let belongs = Actor { person: None, roles: vec![role], ..handler.clone() };
        assert!(!sees(&belongs, &story.case, registry), "{role:?}");
    }
}
