use registry::ids::PersonId;

use super::acts::{
    accepted, called, check, close, closed, filed, in_area, in_progress, raise, raised, reject, ticket,
};
use super::kit::{Act, Story, actor, changed, org_id, sample};
use crate::event::Event;
use crate::event::parts::{By, Outcome, Profile};
use crate::flow::Status;
use crate::ids::CaseId;
use crate::intake::{self, Raise, close_split, merge, split};
use crate::refusal::{Refusal, StateReason, Violation};

fn other(mut story: Story) -> Story {
    story.case.id = CaseId::derived("test", &[b"other"]);
    story
}

/// Merges the first story's case into the second's, as the receptionist.
fn merged(child: &mut Story, parent: &mut Story) -> Result<(), Refusal> {
    let who = actor("p-receptionist", child.registry);
    let (own, theirs) = merge(&child.case, &parent.case, &who, &child.rules(), child.now)?;
    child.last = Ok(own.clone());
    child.record(own);
    parent.last = Ok(theirs.clone());
    parent.record(theirs);
    Ok(())
}

fn about(matter: &str, area: &str) -> Story {
    let raise = Raise { matter: Some(matter.to_owned()), place: in_area(area), ..raise(Profile::Hotline) };
    other(Story::begins()).given("p-call_taker", raise)
}

fn children(count: u8) -> Vec<(CaseId, Raise)> {
    let child = |n: u8| (CaseId::derived("child", &[&[n]]), raise(Profile::Public));
    (0..count).map(child).collect()
}

fn divided(story: &Story, children: &[(CaseId, Raise)]) -> Result<(Vec<Event>, Vec<Vec<Event>>), Refusal> {
    let who = actor("p-receptionist", story.registry);
    split(&story.case, children, &who, &story.rules(), story.now)
}

#[test]
fn a_merged_case_follows_its_parent_and_brings_its_reporters() {
    let mut child = other(raised());
    let mut parent = in_progress();
    merged(&mut child, &mut parent).unwrap();
    let child = child.then("CaseMerged ClockCancelled").stands(Status::Merged);
    assert_eq!(child.case.merged_into, Some(parent.case.id));
    let parent = parent.then("ReporterLinked");
    assert_eq!(parent.case.followers, [child.case.id]);
    assert_eq!(parent.case.linked_tickets, [ticket("T-1")]);
}

#[test]
fn a_case_follows_no_other_matter_and_no_other_place() {
    let other_place = Violation::new("into", "OTHER_PLACE", "a case of the same community");
    let other_matter = Violation::new("into", "OTHER_MATTER", "a case of the same matter");
    let mut far = about("parking", "999900002001001");
    let refusal = merged(&mut far, &mut raised()).unwrap_err();
    assert_eq!(refusal, Refusal::Invalid(vec![other_matter, other_place]));
    let mut next_grid = about("road", "999900001001002");
    merged(&mut next_grid, &mut raised()).unwrap();
}

#[test]
fn a_case_does_not_follow_itself_nor_what_ended_nor_in_a_circle() {
    let (mut one, mut same) = (raised(), raised());
    assert!(matches!(merged(&mut one, &mut same), Err(Refusal::Invalid(v)) if v[0].code == "SAME"));
    let (mut one, mut ended) = (other(raised()), closed());
    assert!(matches!(merged(&mut one, &mut ended), Err(Refusal::StatusForbids { .. })));
    let (mut late, mut parent) = (other(in_progress()), raised());
    assert!(matches!(merged(&mut late, &mut parent), Err(Refusal::StatusForbids { .. })));
    let (mut child, mut parent) = (other(raised()), raised());
    merged(&mut child, &mut parent).unwrap();
    // The child ended by following, so nothing follows it; the parent has a follower, so it follows nothing.
    let mut third = raised();
    third.case.id = CaseId::derived("test", &[b"third"]);
    assert!(matches!(merged(&mut third, &mut child), Err(Refusal::StatusForbids { .. })));
    let followers =
        Refusal::StateForbids { part: "followers of the case".to_owned(), why: StateReason::StillOpen };
    assert_eq!(merged(&mut parent, &mut third), Err(followers));
}

#[test]
fn merging_is_for_receptionists_who_see_both() {
    let (child, parent) = (other(raised()), raised());
    let merge_as = |who| merge(&child.case, &parent.case, &actor(who, sample()), &child.rules(), child.now);
    assert!(matches!(merge_as("p-duty_leader"), Err(Refusal::RoleMissing { .. })));
    assert!(matches!(merge_as("p-handler-traffic"), Err(Refusal::NotFound)));
    let registry = changed(|content| content.policies.limits.merged_max = 1);
    let (mut child, mut parent) = (other(raised()).under(registry), raised());
    parent.case.followers.push(CaseId::derived("test", &[b"third"]));
    assert!(matches!(merged(&mut child, &mut parent), Err(Refusal::Limit { name: "merged_max", .. })));
}

#[test]
fn an_unmerged_case_goes_on_where_it_was() {
    let (mut child, mut parent) = (other(accepted()), raised());
    merged(&mut child, &mut parent).unwrap();
    let by = By::Automatic { rule: None };
    let unmerged = crate::event::intake::CaseUnmerged { by: by.clone(), from: parent.case.id, words: None };
    let child = child.happened(unmerged).then("CaseUnmerged ClockArmed").stands(Status::Accepted);
    assert_eq!(child.case.merged_into, None);
    let parted = crate::event::intake::ReporterUnlinked { by, from: child.case.id };
    assert!(parent.happened(parted).case.followers.is_empty());
}

#[test]
fn a_split_case_ends_when_its_children_have() {
    let mut story = accepted();
    let children = children(2);
    let (own, born) = divided(&story, &children).unwrap();
    story.last = Ok(own.clone());
    story.record(own);
    let mut story = story.then("CaseSplit ClockCancelled").stands(Status::Split);
    let mut cases = Vec::new();
    for ((id, _), events) in children.iter().zip(born) {
        let mut child = Story::begins();
        child.case.id = *id;
        child.record(events);
        assert_eq!(child.case.split_from, Some(story.case.id));
        assert_eq!(child.case.profile, Profile::Hotline, "the parent's way");
        assert!(child.open_clocks().len() == 1);
        cases.push(child);
    }
    let open = Refusal::StateForbids { part: "children of the case".to_owned(), why: StateReason::StillOpen };
    let close_it = |story: &Story, cases: &[Story]| {
        let children: Vec<_> = cases.iter().map(|child| &child.case).collect();
        close_split(&story.case, &children, &story.rules(), story.now)
    };
    assert_eq!(close_it(&story, &cases), Err(open.clone()));
    let second = cases.pop().unwrap().given("p-receptionist", reject());
    let first = cases.pop().unwrap();
    assert_eq!(close_it(&story, &[second]), Err(open));
    let second =
        Story::begins().given("p-call_taker", raise(Profile::Hotline)).given("p-receptionist", reject());
    let second = Story { case: crate::state::Case { id: children[1].0, ..second.case }, ..second };
    let events = close_it(&story, &[first.given("p-receptionist", reject()), second]).unwrap();
    story.record(events);
    assert_eq!(story.case.outcome, Some(Outcome::ChildrenEnded));
    assert!(matches!(close_it(&story, &[]), Err(Refusal::StatusForbids { .. })));
}

#[test]
fn a_split_has_at_least_two_children_each_of_its_own() {
    let story = filed();
    let codes = |result: Result<_, Refusal>| match result {
        Err(Refusal::Invalid(violations)) => violations[0].code,
        other => panic!("{other:?}"),
    };
    assert_eq!(codes(divided(&story, &children(1))), "TOO_FEW");
    let mut twice = children(2);
    twice[1].0 = twice[0].0;
    assert_eq!(codes(divided(&story, &twice)), "DUPLICATE");
    twice[1].0 = story.case.id;
    assert_eq!(codes(divided(&story, &twice)), "DUPLICATE");
    assert!(matches!(divided(&story, &children(17)), Err(Refusal::Limit { name: "split_children_max", .. })));
    assert!(matches!(divided(&in_progress(), &children(2)), Err(Refusal::StatusForbids { .. })));
}

#[test]
fn children_hide_from_whom_their_parent_hid() {
    let raise = Raise {
        confidential: true,
        about: vec![org_id("housing")],
        about_persons: vec![PersonId::new("p-handler-traffic").unwrap()],
        ..raise(Profile::Hotline)
    };
    let story = Story::begins().given("p-call_taker", raise);
    let (_, born) = divided(&story, &children(2)).unwrap();
    for events in born {
        let mut child = Story::begins();
        child.record(events);
        assert!(child.case.confidential);
        assert_eq!(child.case.about, story.case.about);
        assert_eq!(child.case.about_persons, story.case.about_persons);
    }
}

#[test]
fn a_parent_that_closed_keeps_what_follows_it() {
    let mut parent = super::acts::disposed();
    let mut child = other(raised());
    merged(&mut child, &mut parent).unwrap();
    let parent = parent
        .given("p-inspector", check(true))
        .given("p-caller_back", called(1, true))
        .given("p-duty_leader", close(Outcome::Solved));
    assert_eq!(parent.case.followers.len(), 1);
    child.when("p-receptionist", Act::Intake(intake::Command::Accept)).status_forbids();
}
