use registry::ClockKind;

use super::acts::{
    accept, called, check, checked, close, closed, complete, confirm, dispatched, dispose, disposed,
    gathered, in_progress, not_reached, raise, raised, report_in, reporter, sign_for, stand_down,
};
use super::kit::{Story, changed, duty, local, reason, sealed};
use crate::closure::{CallBack, Command};
use crate::event::closure::ReopenCause;
use crate::event::parts::{Origin, Outcome, Part, Profile, Subject};
use crate::flow::Status;
use crate::ids::KeyId;
use crate::intake::{self, Raise};
use crate::refusal::{Refusal, StateReason};
use crate::state::ObligationState;

fn reopen(cause: ReopenCause) -> Command {
    Command::Reopen { cause, words: None }
}

fn exempt() -> Command {
    Command::ExemptCallBack { reason: reason("anonymous") }
}

fn done(story: Story) -> Story {
    story.given("p-caller_back", called(1, true)).given("p-duty_leader", close(Outcome::Solved))
}

#[test]
fn the_lead_disposes_when_everything_required_is_settled() {
    let now = local("2026-03-02T09:00");
    dispatched().when("p-handler-housing", dispose(now)).status_forbids();
    in_progress()
        .when("p-handler-street-a", dispose(now))
        .forbidden("obligation 1", StateReason::NotTheHolder)
        .when("p-dispatcher", dispose(now))
        .role_missing()
        .when("p-handler-housing", dispose(now))
        .forbidden("obligation 2", StateReason::DutiesOpen)
        .given("p-handler-street-a", complete(2))
        .given("p-handler-housing", dispose(now))
        .then("CaseDisposed ClockSettled ClockCancelled ClockArmed")
        .duty_is(1, ObligationState::Completed)
        .when("p-handler-housing", dispose(now))
        .status_forbids();
}

#[test]
fn a_plans_measures_are_struck_off_before_disposing() {
    let story = in_progress()
        .given("p-handler-street-a", complete(2))
        .given("p-org_dispatcher-housing", super::acts::plan(None, &[1]));
    let now = story.now;
    story
        .when("p-handler-housing", dispose(now))
        .forbidden("measures of the plan", StateReason::MeasuresOpen)
        .given("p-handler-housing", super::acts::strike_off(1))
        .given("p-handler-housing", dispose(now));
}

#[test]
fn nobody_of_the_disposing_organisation_checks() {
    let registry = changed(|content| {
        for post in &mut content.posts {
            if post.id.as_str() == "post-handler-housing-section" {
                post.roles.push(registry::ids::Role::Inspector);
            }
        }
    });
    disposed()
        .under(registry)
        .when("p-handler-housing-section", check(true))
        .forbidden("check", StateReason::NotNeutral)
        .when("p-handler-housing", check(true))
        .role_missing()
        .given("p-inspector-street-a", check(true))
        .then("CheckPassed ClockSettled ClockArmed")
        .when("p-inspector", check(true))
        .status_forbids();
}

#[test]
fn a_failed_check_says_what_is_missing_and_sends_it_back_to_the_lead() {
    let story = disposed()
        .when("p-inspector", Command::Check { passed: false, words: None, evidence: Vec::new() })
        .invalid(&[("words", "REQUIRED")])
        .at("2026-03-02T11:00")
        .given("p-inspector", check(false))
        .then("CheckFailed ClockSettled ClockArmed ClockArmed")
        .stands(Status::InProgress)
        .duty_is(1, ObligationState::SignedFor);
    assert_eq!(story.case.reworks, 1);
    let clock = story.clock(ClockKind::Complete, duty(1));
    assert_eq!(clock.start_at, local("2026-03-02T11:00"));
    let now = story.now;
    story.given("p-handler-housing", dispose(now)).given("p-inspector", check(true));
}

#[test]
fn reworked_after_a_whistle_the_lead_completes_and_is_confirmed_again() {
    let now = local("2026-03-02T09:00");
    let officer = "p-community_officer-community-a1";
    gathered()
        .given("p-handler-traffic", complete(1))
        .given("p-handler-enforcement", complete(2))
        .given(officer, confirm(1))
        .given(officer, confirm(2))
        .given(officer, stand_down(1))
        .given("p-handler-traffic", dispose(now))
        .given("p-inspector", check(false))
        .duty_is(1, ObligationState::ReportedIn)
        .when("p-handler-traffic", report_in(1, now, None))
        .forbidden("obligation 1", StateReason::AlreadyDone)
        .when("p-handler-traffic", dispose(now))
        .forbidden("obligation 1", StateReason::NotCompleted)
        .given("p-handler-traffic", complete(1))
        .given(officer, confirm(1))
        .given("p-handler-traffic", dispose(now))
        .stands(Status::Disposed);
}

#[test]
fn whoever_has_a_duty_does_not_call_back() {
    let registry = changed(|content| {
        for post in &mut content.posts {
            if post.id.as_str() == "post-handler-street-a" {
                post.roles.push(registry::ids::Role::CallerBack);
            }
        }
    });
    checked()
        .under(registry)
        .when("p-handler-street-a", called(1, true))
        .forbidden("call-back", StateReason::NotNeutral)
        .when("p-duty_leader", called(1, true))
        .role_missing()
        .given("p-caller_back", called(1, true));
}

#[test]
fn a_call_back_names_a_reporter_and_says_what_was_heard() {
    let half = Command::CallBack(CallBack {
        reporter: KeyId::reporter(1),
        contacted: true,
        solved: Some(true),
        satisfied: None,
        words: None,
    });
    disposed().when("p-caller_back", called(1, true)).status_forbids();
    checked()
        .when("p-caller_back", called(2, true))
        .refused(&Refusal::NoSuchPart { part: "reporter reporter-2".to_owned() })
        .when("p-caller_back", half)
        .invalid(&[("contacted", "INCONSISTENT")])
        .given("p-caller_back", called(1, true))
        .then("CalledBack ClockSettled ClockArmed")
        .when("p-caller_back", called(1, true))
        .forbidden("call-back of reporter-1", StateReason::AlreadyDone);
}

#[test]
fn not_solved_goes_back_to_the_lead() {
    checked()
        .given("p-caller_back", called(1, false))
        .then("CalledBack ClockSettled ClockArmed ClockArmed")
        .stands(Status::InProgress)
        .when("p-duty_leader", close(Outcome::Solved))
        .status_forbids();
}

#[test]
fn unreachable_means_three_calls_at_different_times() {
    let owed = |story: Story| {
        story
            .when("p-duty_leader", close(Outcome::Solved))
            .forbidden("call-back of reporter-1", StateReason::CallBackOwed)
    };
    let story = owed(checked()).given("p-caller_back", not_reached(1)).then("CalledBack");
    let story = owed(story)
        .at("2026-03-02T09:59")
        .when("p-caller_back", not_reached(1))
        .forbidden("call-back of reporter-1", StateReason::NotDue)
        .at("2026-03-02T10:00")
        .given("p-caller_back", not_reached(1))
        .at("2026-03-02T11:00");
    let story = owed(story).given("p-caller_back", not_reached(1)).then("CalledBack ClockSettled ClockArmed");
    assert_eq!(story.clock(ClockKind::Close, Subject::Case).start_at, local("2026-03-02T11:00"));
    story.given("p-duty_leader", close(Outcome::ExplainedNotSolved)).stands(Status::Closed);
}

#[test]
fn calls_end_somewhere() {
    let registry = changed(|content| {
        content.policies.limits.callback_attempts_min = 1;
        content.policies.limits.callback_attempts_max = 1;
    });
    checked()
        .under(registry)
        .given("p-caller_back", not_reached(1))
        .when("p-caller_back", called(1, true))
        .limited("callback_attempts_max");
}

#[test]
fn every_reporter_who_can_be_called_is_owed_a_call() {
    let raise = Raise { reporters: vec![reporter(1), reporter(2)], ..raise(Profile::GridWorker) };
    let now = local("2026-03-02T09:00");
    let story = Story::begins()
        .given("p-grid_worker", raise)
        .given("p-receptionist", accept())
        .given("p-duty_leader", super::acts::file())
        .given("p-dispatcher", super::acts::dispatch(Some("housing"), &[]))
        .given("p-handler-housing", sign_for(1))
        .given("p-handler-housing", dispose(now))
        .given("p-inspector", check(true))
        .given("p-caller_back", called(1, true))
        .then("CalledBack")
        .when("p-duty_leader", close(Outcome::Solved))
        .forbidden("call-back of reporter-2", StateReason::CallBackOwed)
        .given("p-caller_back", called(2, true));
    story.given("p-duty_leader", close(Outcome::Solved)).stands(Status::Closed);
}

#[test]
fn the_catalogue_may_spare_a_call() {
    checked()
        .when("p-caller_back", Command::ExemptCallBack { reason: reason("lazy") })
        .unregistered("callback-exemption/lazy")
        .given("p-caller_back", exempt())
        .then("CallBackExempted ClockSettled ClockArmed")
        .when("p-caller_back", exempt())
        .forbidden("call-back", StateReason::AlreadyDone)
        .given("p-duty_leader", close(Outcome::ExplainedNotSolved))
        .stands(Status::Closed);
}

#[test]
fn a_case_is_closed_with_an_outcome_that_fits() {
    let story = checked().given("p-caller_back", called(1, true));
    let mut story = story.when("p-handler-housing", close(Outcome::Solved)).role_missing();
    for outcome in [
        Outcome::Duplicate,
        Outcome::Answered,
        Outcome::SelfHandled,
        Outcome::ChildrenEnded,
        Outcome::ClosedAtSource,
    ] {
        story = story.when("p-duty_leader", close(outcome)).invalid(&[("outcome", "OUT_OF_RANGE")]);
    }
    let story = story
        .given("p-duty_leader", Command::Close { outcome: Outcome::Solved, reply: Some(sealed("mended")) })
        .then("CaseClosed ClockSettled ClockSettled")
        .stands(Status::Closed);
    assert_eq!(story.case.outcome, Some(Outcome::Solved));
}

#[test]
fn what_is_not_checked_is_not_closed() {
    for story in [raised(), super::acts::accepted(), in_progress(), disposed(), closed()] {
        story.when("p-duty_leader", close(Outcome::Solved)).status_forbids();
    }
}

#[test]
fn reopening_makes_the_leads_duty_anew_and_times_the_whole_anew() {
    let story = closed()
        .at("2026-03-20T10:00")
        .when("p-handler-housing", reopen(ReopenCause::Reporter))
        .role_missing()
        .given("p-call_taker", reopen(ReopenCause::Reporter))
        .then("CaseReopened ClockArmed ClockArmed ClockArmed")
        .stands(Status::InProgress);
    let made = story.duty(3);
    assert_eq!((made.org.as_str(), made.part, made.origin), ("housing", Part::Lead, Origin::Reopening));
    assert_eq!(story.case.lead, Some(made.no));
    assert_eq!(story.clock(ClockKind::Whole, Subject::Case).start_at, local("2026-03-20T10:00"));
    let now = story.now;
    let again = story
        .given("p-handler-housing", sign_for(3))
        .given("p-handler-housing", dispose(now))
        .given("p-inspector", check(true));
    done(again).stands(Status::Closed);
}

#[test]
fn the_reopening_window_is_thirty_days_and_the_source_is_not_bound_by_it() {
    closed().at("2026-04-01T09:00").given("p-call_taker", reopen(ReopenCause::Reporter));
    let late = || closed().at("2026-04-01T09:01");
    for (who, cause) in [
        ("p-call_taker", ReopenCause::Reporter),
        ("p-caller_back", ReopenCause::CallBack),
        ("p-supervisor", ReopenCause::Inspection),
        ("p-supervisor", ReopenCause::FalseReply),
    ] {
        late().when(who, reopen(cause)).forbidden("case", StateReason::WindowPassed);
    }
    late().given("hotline", reopen(ReopenCause::Source)).stands(Status::InProgress);
    late().when("p-call_taker", reopen(ReopenCause::Source)).role_missing();
}

#[test]
fn only_what_is_closed_is_reopened_and_only_so_often() {
    checked().when("p-call_taker", reopen(ReopenCause::Reporter)).status_forbids();
    let registry = changed(|content| content.policies.limits.reopenings_max = 1);
    let story = closed().under(registry).given("p-call_taker", reopen(ReopenCause::Reporter));
    let now = story.now;
    let again = story
        .given("p-handler-housing", sign_for(3))
        .given("p-handler-housing", dispose(now))
        .given("p-inspector", check(true));
    done(again)
        .when("p-call_taker", reopen(ReopenCause::Reporter))
        .limited("reopenings_max")
        .given("hotline", reopen(ReopenCause::Source));
    let registry = changed(|content| content.policies.limits.obligations_max = 2);
    closed().under(registry).when("p-call_taker", reopen(ReopenCause::Reporter)).limited("obligations_max");
}

#[test]
fn reopened_without_ever_having_had_a_duty_it_is_accepted_again() {
    Story::begins()
        .given("p-call_taker", raise(Profile::Consult))
        .given("p-call_taker", accept())
        .given("p-call_taker", intake::Command::AnswerDirectly { reply: sealed("at window 3") })
        .given("p-caller_back", reopen(ReopenCause::CallBack))
        .then("CaseReopened ClockArmed")
        .stands(Status::Accepted);
}
