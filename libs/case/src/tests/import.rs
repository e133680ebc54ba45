use super::acts::{close, raise, raised};
use super::kit::{Story, changed, org_id, sealed};
use crate::event::parts::{Outcome, Profile};
use crate::flow::Status;
use crate::ids::ObligationNo;
use crate::import::Command;
use crate::intake::Raise;
use crate::refusal::{Refusal, StateReason};
use crate::state::ObligationState;

fn history() -> Story {
    let bare = Raise {
        matter: None,
        text: None,
        occurred_at: super::kit::local("2019-05-01T08:00"),
        ..raise(Profile::Imported)
    };
    Story::begins().given("hotline", bare).then("CaseRaised").stands(Status::Raised)
}

fn note() -> Command {
    Command::Note { label: "Follow On".to_owned(), text: None, finding: None }
}

fn order(org: &str, external_ref: Option<&str>) -> Command {
    Command::Obligation { org: org_id(org), external_ref: external_ref.map(str::to_owned), task: None }
}

fn completed(no: u32) -> Command {
    Command::Completed { obligation: ObligationNo(no), result: sealed("done") }
}

#[test]
fn history_is_taken_as_it_was_with_no_clock_at_all() {
    let story = history()
        .given("hotline", note())
        .then("SourceNoteRecorded")
        .given("hotline", order("housing", Some("SR-1")))
        .then("ObligationsAdded ExternalRefSet")
        .given("hotline", order("traffic", None))
        .given("hotline", completed(1))
        .when("hotline", completed(1))
        .forbidden("obligation 1", StateReason::AlreadyDone)
        .given("hotline", Command::ClosedAtSource)
        .then("CaseClosed")
        .stands(Status::Closed);
    assert!(story.case.clocks.is_empty());
    assert_eq!(story.case.outcome, Some(Outcome::ClosedAtSource));
    assert_eq!(story.duty(1).state, ObligationState::Completed);
    assert_eq!(story.duty(2).state, ObligationState::Withdrawn);
}

#[test]
fn what_the_source_closed_is_added_to_only_by_notes() {
    history()
        .given("hotline", Command::ClosedAtSource)
        .given("hotline", note())
        .when("hotline", order("housing", None))
        .status_forbids()
        .when("hotline", Command::ClosedAtSource)
        .status_forbids();
}

#[test]
fn only_history_is_imported() {
    raised().when("hotline", note()).forbidden("case", StateReason::ProfileForbids);
    history().when("p-receptionist", note()).role_missing();
}

#[test]
fn every_piece_is_bounded() {
    let long = |length| Command::Note { label: "字".repeat(length), text: None, finding: None };
    let told = Command::Note { label: "x".to_owned(), text: None, finding: Some("x".repeat(1_001)) };
    let story = history()
        .when("hotline", long(22))
        .invalid(&[("label", "TOO_LONG")])
        .when("hotline", told)
        .invalid(&[("finding", "TOO_LONG")])
        .when("hotline", order("ministry", None))
        .unregistered("ministry")
        .when("hotline", completed(7))
        .refused(&Refusal::NoSuchPart { part: "obligation 7".to_owned() })
        .given("hotline", order("housing", Some(&"号\n".repeat(40))));
    assert_eq!(story.duty(1).external_ref, Some("号".repeat(21)));
    let registry = changed(|content| {
        content.policies.limits.obligations_max = 1;
        content.policies.limits.notes_max = 1;
    });
    story
        .under(registry)
        .when("hotline", order("housing", None))
        .limited("obligations_max")
        .given("hotline", note())
        .when("hotline", note())
        .limited("notes_max");
}

#[test]
fn history_ends_closed_at_source_and_is_not_reopened() {
    let reopen =
        crate::closure::Command::Reopen { cause: crate::event::closure::ReopenCause::Source, words: None };
    history()
        .when("hotline", close(Outcome::Solved))
        .invalid(&[("outcome", "OUT_OF_RANGE")])
        .when("p-duty_leader", close(Outcome::ClosedAtSource))
        .role_missing()
        .given("hotline", close(Outcome::ClosedAtSource))
        .when("hotline", reopen)
        .status_forbids();
}
