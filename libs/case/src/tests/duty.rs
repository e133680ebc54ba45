use registry::ClockKind;

use super::acts::{
    assign, complete, confirm, dispatched, gathered, in_progress, plan, refuse, report_in, sign_for,
    stand_down, strike_off, whistled,
};
use super::kit::{duty, ground, local, sealed};
use crate::event::parts::{GeoPoint, Presence};
use crate::flow::Status;
use crate::ids::{MeasureNo, ObligationNo, RequestNo, WhistleNo};
use crate::refusal::{Refusal, StateReason};
use crate::routing::Command;
use crate::state::{ClockPhase, ObligationState};
use crate::time::At;

fn contact(no: u32, contacted_at: At) -> Command {
    Command::RecordContact { obligation: ObligationNo(no), contacted_at, who_and_how: sealed("by phone") }
}

fn show_code(code: &str) -> Command {
    Command::IssuePresenceCode { whistle: WhistleNo(1), code_mac: code.to_owned() }
}

fn object(no: u32) -> Command {
    Command::RaiseObjection { obligation: ObligationNo(no), ground: ground("not-our-duty") }
}

fn decide(request: u32, uphold: bool) -> Command {
    Command::DecideObjection { request: RequestNo(request), uphold, words: None }
}

fn rate(no: u32, score: u8) -> Command {
    Command::RateResponse { obligation: ObligationNo(no), score, words: None }
}

#[test]
fn only_the_holder_signs_and_only_once() {
    dispatched()
        .when("p-handler-traffic", sign_for(1))
        .refused(&Refusal::NotFound)
        .when("p-handler-street-a", sign_for(1))
        .forbidden("obligation 1", StateReason::NotTheHolder)
        .when("p-dispatcher", sign_for(1))
        .forbidden("obligation 1", StateReason::NotTheHolder)
        .when("p-handler-housing", sign_for(3))
        .refused(&Refusal::NoSuchPart { part: "obligation 3".to_owned() })
        .given("p-handler-housing", sign_for(1))
        .then("SignedFor ClockSettled ClockArmed")
        .stands(Status::InProgress)
        .when("p-handler-housing", sign_for(1))
        .forbidden("obligation 1", StateReason::AlreadyDone);
}

#[test]
fn an_organisation_above_acts_for_the_one_below() {
    in_progress()
        .given("p-org_dispatcher-housing", assign(1, "housing-section", None))
        .given("p-handler-housing", sign_for(3))
        .duty_is(3, ObligationState::SignedFor);
}

#[test]
fn a_contact_is_told_after_signing_and_not_before_the_duty_nor_in_the_future() {
    let story = dispatched()
        .when("p-handler-housing", contact(1, local("2026-03-02T09:00")))
        .forbidden("obligation 1", StateReason::NotSignedFor)
        .given("p-handler-housing", sign_for(1))
        .at("2026-03-02T10:00")
        .when("p-handler-housing", contact(1, local("2026-03-02T10:01")))
        .invalid(&[("contacted_at", "IN_FUTURE")])
        .when("p-handler-housing", contact(1, local("2026-03-02T08:59")))
        .invalid(&[("contacted_at", "OUT_OF_RANGE")])
        .given("p-handler-housing", contact(1, local("2026-03-02T09:40")))
        .then("ReporterContacted ClockSettled")
        .duty_is(1, ObligationState::Contacted)
        .at("2026-03-02T15:00")
        .given("p-handler-housing", contact(1, local("2026-03-02T14:00")))
        .then("ReporterContacted");
    assert_eq!(story.duty(1).contacted_at, Some(local("2026-03-02T09:40")));
    assert_eq!(story.clock(ClockKind::Contact, duty(1)).ended_at, Some(local("2026-03-02T09:40")));
}

#[test]
fn reporting_in_twice_is_refused() {
    gathered()
        .when("p-handler-traffic", report_in(1, local("2026-03-02T09:00"), None))
        .forbidden("obligation 1", StateReason::AlreadyDone);
}

#[test]
fn reporting_in_is_for_whistles_and_not_ahead_of_time() {
    in_progress()
        .when("p-handler-housing", report_in(1, local("2026-03-02T09:00"), None))
        .forbidden("obligation 1", StateReason::NoSuchStep);
    whistled()
        .when("p-handler-traffic", report_in(1, local("2026-03-02T09:01"), None))
        .invalid(&[("reported_at", "IN_FUTURE")])
        .when("p-handler-enforcement", report_in(1, local("2026-03-02T09:00"), None))
        .forbidden("obligation 1", StateReason::NotTheHolder);
}

#[test]
fn who_reports_in_without_signing_has_signed() {
    let story = whistled()
        .given("p-handler-traffic", report_in(1, local("2026-03-02T09:00"), None))
        .then("ReportedIn ClockSettled ClockSettled")
        .stands(Status::InProgress)
        .duty_is(1, ObligationState::ReportedIn);
    assert!(!story.duty(1).signed_automatically);
    assert_eq!(story.duty(1).presence, Some(Presence::Unproved));
}

#[test]
fn a_presence_code_proves_presence_while_it_counts() {
    let reported = local("2026-03-02T09:00");
    let story = whistled()
        .when("p-handler-traffic", report_in(1, reported, Some("mac")))
        .forbidden("obligation 1", StateReason::BadPresenceCode)
        .when("p-handler-traffic", show_code("mac"))
        .role_missing()
        .given("p-community_officer-community-a1", show_code("mac"))
        .when("p-handler-traffic", report_in(1, reported, Some("other")))
        .forbidden("obligation 1", StateReason::BadPresenceCode)
        .at("2026-03-02T09:10")
        .given("p-handler-traffic", report_in(1, reported, Some("mac")))
        .at("2026-03-02T09:11")
        .when("p-handler-enforcement", report_in(2, reported, Some("mac")))
        .forbidden("obligation 2", StateReason::BadPresenceCode)
        .given("p-community_officer-community-a1", show_code("new"))
        .when("p-handler-enforcement", report_in(2, reported, Some("mac")))
        .forbidden("obligation 2", StateReason::BadPresenceCode)
        .given("p-handler-enforcement", report_in(2, reported, Some("new")));
    assert_eq!(story.duty(1).presence, Some(Presence::Code));
    assert_eq!(story.duty(2).presence, Some(Presence::Code));
}

#[test]
fn a_position_is_told_from_standing_there() {
    let point = GeoPoint {
        lat_microdeg: 36_002_000,
        lon_microdeg: 120_002_000,
        datum: registry::Datum::Wgs84,
        accuracy_m: Some(20),
    };
    let reported_at = local("2026-03-02T09:00");
    let (obligation, point) = (ObligationNo(1), Some(point));
    let story = whistled()
        .given("p-handler-traffic", Command::ReportIn { obligation, reported_at, code_mac: None, point });
    assert_eq!(story.duty(1).presence, Some(Presence::Position));
}

#[test]
fn a_late_report_in_is_still_a_report_in_with_the_breach_on_its_clock() {
    let story = whistled()
        .given("p-handler-traffic", sign_for(1))
        .at("2026-03-05T17:31")
        .timers_fire()
        .given("p-handler-traffic", report_in(1, local("2026-03-05T17:31"), None))
        .then("ReportedIn ClockSettled")
        .duty_is(1, ObligationState::ReportedIn);
    let clock = story.clock(ClockKind::ReportIn, duty(1));
    assert_eq!(clock.due_at, local("2026-03-05T17:30"));
    assert!(clock.breached && clock.phase == ClockPhase::Settled);
}

#[test]
fn one_departments_report_in_settles_nobody_elses_clock() {
    let story = whistled().given("p-handler-traffic", report_in(1, local("2026-03-02T09:00"), None));
    assert!(!story.clock(ClockKind::ReportIn, duty(1)).is_open());
    for kind in [ClockKind::SignFor, ClockKind::ReportIn, ClockKind::Complete] {
        assert!(story.clock(kind, duty(2)).is_open(), "{kind:?}");
    }
}

#[test]
fn an_objection_upheld_releases_and_overruled_leaves_the_clock_running() {
    let story = whistled()
        .when(
            "p-handler-traffic",
            Command::RaiseObjection { obligation: ObligationNo(1), ground: ground("bored") },
        )
        .unregistered("objection/bored")
        .given("p-handler-enforcement", object(2))
        .then("ObjectionRaised ClockArmed")
        .when("p-handler-enforcement", object(2))
        .forbidden("obligation 2", StateReason::AlreadyDone)
        .when("p-subdistrict_leader-street-a", decide(1, true))
        .role_missing()
        .given("p-district_centre", decide(1, false))
        .then("ObjectionOverruled ClockSettled")
        .given("p-handler-traffic", object(1))
        .given("p-district_centre", decide(2, true))
        .stands(Status::Filed)
        .duty_is(1, ObligationState::Released);
    assert_eq!(story.clock(ClockKind::ReportIn, duty(1)).phase, ClockPhase::Cancelled);
    let still = story.clock(ClockKind::ReportIn, duty(2));
    assert_eq!((still.generation, still.phase), (1, ClockPhase::Running));
}

#[test]
fn an_objection_comes_before_reporting_in_and_only_to_a_whistle() {
    gathered().when("p-handler-traffic", object(1)).forbidden("obligation 1", StateReason::WindowPassed);
    in_progress().when("p-handler-housing", object(1)).forbidden("obligation 1", StateReason::WindowPassed);
}

#[test]
fn an_objection_without_an_open_duty_has_no_clock() {
    let story = whistled()
        .given("p-handler-enforcement", object(2))
        .given("p-handler-enforcement", report_in(2, local("2026-03-02T09:00"), None))
        .given("p-handler-enforcement", complete(2))
        .when("p-district_centre", decide(1, true))
        .forbidden("obligation 2", StateReason::Ended);
    assert!(!story.open_clocks().iter().any(|(kind, _)| *kind == ClockKind::ObjectionDecision));
}

#[test]
fn completing_with_measures_open_is_refused() {
    gathered()
        .given("p-community_officer-community-a1", plan(Some(1), &[1, 1, 2]))
        .then("JointPlanAgreed")
        .given("p-handler-traffic", strike_off(1))
        .when("p-handler-traffic", complete(1))
        .forbidden("obligation 1", StateReason::MeasuresOpen)
        .given("p-handler-traffic", strike_off(2))
        .given("p-handler-traffic", complete(1));
}

#[test]
fn a_measure_is_struck_off_once_by_whose_it_is_with_what_shows_it() {
    let bare = Command::StrikeOff { measure: MeasureNo(1), evidence: Vec::new(), note: None };
    gathered()
        .given("p-community_officer-community-a1", plan(Some(1), &[1]))
        .when("p-handler-enforcement", strike_off(1))
        .forbidden("obligation 1", StateReason::NotTheHolder)
        .when("p-handler-traffic", strike_off(2))
        .refused(&Refusal::NoSuchPart { part: "measure 2".to_owned() })
        .when("p-handler-traffic", bare)
        .invalid(&[("evidence", "REQUIRED")])
        .given("p-handler-traffic", strike_off(1))
        .then("MeasureStruckOff")
        .when("p-handler-traffic", strike_off(1))
        .forbidden("measure 1", StateReason::AlreadyDone);
}

#[test]
fn a_part_is_completed_after_signing_and_reporting_in() {
    whistled()
        .when("p-handler-traffic", complete(1))
        .forbidden("obligation 1", StateReason::NotSignedFor)
        .given("p-handler-traffic", sign_for(1))
        .when("p-handler-traffic", complete(1))
        .forbidden("obligation 1", StateReason::NotReportedIn)
        .given("p-handler-traffic", report_in(1, local("2026-03-02T09:00"), None))
        .given("p-handler-traffic", complete(1))
        .then("ObligationCompleted ClockSettled ClockArmed")
        .when("p-handler-traffic", complete(1))
        .forbidden("obligation 1", StateReason::AlreadyDone);
}

#[test]
fn whoever_called_confirms_and_nobody_else() {
    gathered()
        .when("p-community_officer-community-a1", confirm(1))
        .forbidden("obligation 1", StateReason::NotCompleted)
        .given("p-handler-traffic", complete(1))
        .when("p-handler-traffic", confirm(1))
        .role_missing()
        .when("p-org_dispatcher-enforcement", confirm(1))
        .forbidden("whistle 1", StateReason::NotTheHolder)
        .given("p-community_officer-community-a1", confirm(1))
        .then("ObligationConfirmed ClockSettled")
        .when("p-community_officer-community-a1", refuse(1))
        .forbidden("obligation 1", StateReason::AlreadyDone);
    in_progress()
        .given("p-handler-street-a", complete(2))
        .when("p-dispatcher", confirm(2))
        .forbidden("obligation 2", StateReason::NoSuchStep);
}

#[test]
fn nothing_is_confirmed_or_refused_on_a_case_that_ended() {
    gathered()
        .given("p-handler-enforcement", complete(2))
        .given("p-dispatcher", super::acts::exit(crate::intake::Exit::ForceClose, "no-owner"))
        .given("p-duty_leader", super::acts::decide_exit(1, true))
        .when("p-community_officer-community-a1", refuse(2))
        .status_forbids()
        .when("p-community_officer-community-a1", confirm(2))
        .status_forbids();
}

#[test]
fn a_whistle_is_stood_down_once_everybody_called_is_confirmed() {
    gathered()
        .given("p-handler-traffic", complete(1))
        .given("p-community_officer-community-a1", confirm(1))
        .when("p-community_officer-community-a1", stand_down(1))
        .forbidden("whistle 1", StateReason::DutiesOpen)
        .given("p-handler-enforcement", complete(2))
        .given("p-community_officer-community-a1", confirm(2))
        .given("p-community_officer-community-a1", stand_down(1))
        .then("WhistleStoodDown");
}

#[test]
fn a_response_is_rated_once_after_it_was_given_or_its_time_ran_out() {
    gathered()
        .when("p-community_officer-community-a1", rate(1, 5))
        .forbidden("obligation 1", StateReason::NotCompleted)
        .given("p-handler-traffic", complete(1))
        .when("p-community_officer-community-a1", rate(1, 6))
        .invalid(&[("score", "OUT_OF_RANGE")])
        .when("p-community_officer-community-a1", rate(1, 0))
        .invalid(&[("score", "OUT_OF_RANGE")])
        .when("p-handler-traffic", rate(1, 5))
        .role_missing()
        .given("p-community_officer-community-a1", rate(1, 5))
        .when("p-subdistrict_leader-street-a", rate(1, 1))
        .forbidden("obligation 1", StateReason::AlreadyDone)
        .at("2026-03-20T09:00")
        .timers_fire()
        .given("p-community_officer-community-a1", rate(2, 1));
    in_progress().when("p-dispatcher", rate(1, 3)).forbidden("obligation 1", StateReason::NoSuchStep);
}
