//! Stopping the clocks: the commands come later, their events are here now.

use jiff::civil::date;
use registry::ClockKind;

use super::acts::{
    approve, blow, complete, filed, in_progress, raise, sign_for, traffic_and_enforcement, whistled,
};
use super::kit::{Act, Story, duty, ground, local, minutes, reason, sealed};
use crate::event::clock::ClockPaused;
use crate::event::dispatch::{
    CaseResumed, CaseSuspended, ExtensionGranted, ExtensionRequested, ObligationWithdrawn, ReturnRequested,
    ReturnUpheld, SuspensionRequested, SuspensionReviewed,
};
use crate::event::intake::ExternalDueSet;
use crate::event::parts::{By, Profile, Subject};
use crate::event::{Clock, Event};
use crate::flow::Status;
use crate::ids::{ClockNo, ObligationNo};
use crate::intake::Raise;
use crate::routing::Command;
use crate::state::{Case, ClockPhase};

fn by() -> By {
    By::Automatic { rule: None }
}

fn asked(story: Story) -> Story {
    let request = story.case.next_request();
    story.happened(SuspensionRequested {
        by: by(),
        request,
        ground: ground("seasonal"),
        review_on: date(2026, 4, 15),
        interim_measure: sealed("a fence"),
        told_citizen: sealed("in spring"),
    })
}

fn suspended(story: Story) -> Story {
    let story = asked(story);
    let request = story.case.requests.last().unwrap().no;
    let (reason, review_on) = (reason("seasonal"), date(2026, 4, 15));
    story.happened(CaseSuspended { by: by(), request, reason, review_on }).stands(Status::Suspended)
}

fn resumed(story: Story) -> Story {
    story.happened(CaseResumed { by: by() })
}

fn left_at(case: &Case) -> Vec<(ClockKind, Subject, u64)> {
    let now = case.changed_at;
    let calendar = super::kit::sample().calendar(&worktime::CalendarId::new("weekday").unwrap()).unwrap();
    let counted = |clock: &crate::state::ClockState| match clock.budget {
        Some(worktime::Budget::Natural { .. }) | None => {
            u64::try_from(clock.due_at.instant().duration_since(now.instant()).as_secs()).unwrap()
        }
        Some(_) => calendar.working_minutes_between(now.instant(), clock.due_at.instant()),
    };
    let open = case.clocks.iter().filter(|c| c.is_open() && c.kind != ClockKind::SuspensionReview);
    open.map(|clock| (clock.kind, clock.subject, counted(clock))).collect()
}

#[test]
fn suspending_pauses_every_clock_and_starts_the_review() {
    let story = suspended(in_progress().at("2026-03-03T10:00"));
    assert_eq!(
        story.names().join(" "),
        "CaseSuspended ClockPaused ClockPaused ClockPaused ClockPaused ClockPaused ClockSettled ClockArmed"
    );
    let review = story.clock(ClockKind::SuspensionReview, Subject::Case);
    assert_eq!(review.due_at, local("2026-04-16T00:00"), "when the day named is over");
    assert_eq!(review.phase, ClockPhase::Running);
    assert_eq!(review.rule.as_ref().unwrap().as_str(), "suspension-review");
    assert_eq!(review.budget, None);
    let length = review.due_at.instant().duration_since(local("2026-03-03T10:00").instant());
    let told = local("2026-03-03T10:00").instant().checked_add(length * 9 / 10).unwrap();
    assert_eq!(review.warn_at, [crate::time::At::new(told)]);
}

#[test]
fn resuming_gives_back_exactly_what_was_left() {
    let story = whistled()
        .given("p-handler-traffic", sign_for(1))
        .given("p-handler-enforcement", sign_for(2))
        .at("2026-03-03T10:15");
    let due = story.clock(ClockKind::ReportIn, duty(1)).due_at;
    let left = left_at(&Case { changed_at: story.now, ..story.case.clone() });
    let story = suspended(story);
    let story = resumed(story.at("2026-03-20T16:45"));
    assert_eq!(left_at(&story.case), left, "as much was left before as after");
    let clock = story.clock(ClockKind::ReportIn, duty(1));
    assert_eq!(clock.generation, 2);
    assert_eq!(clock.phase, ClockPhase::Running);
    assert!(clock.due_at > due && clock.first_due_at == due);
}

/// Not a whole minute: seconds and less are given back too.
#[test]
fn resuming_counts_seconds_and_less() {
    let mut story =
        whistled().given("p-handler-traffic", sign_for(1)).given("p-handler-enforcement", sign_for(2));
    story.now = crate::time::At::new("2026-03-05T16:59:59.250001+08:00".parse().unwrap());
    let story = suspended(story);
    let mut story = story.at("2026-03-09T09:00");
    story.now = crate::time::At::new("2026-03-09T11:59:59.999999+08:00".parse().unwrap());
    let story = resumed(story);
    // 30 min 0.749999 s were left; a microsecond of the morning goes first, the rest of it after lunch.
    let expected = "2026-03-09T14:00:00.749998+08:00".parse().unwrap();
    assert_eq!(story.clock(ClockKind::ReportIn, duty(1)).due_at, crate::time::At::new(expected));
}

#[test]
fn what_was_over_when_it_stopped_stays_over() {
    let story = in_progress().at("2026-03-20T10:00").timers_fire();
    let clock = story.clock(ClockKind::Whole, Subject::Case);
    let (due, steps) = (clock.due_at, clock.steps_taken.clone());
    assert!(clock.breached && !steps.is_empty());
    let story = resumed(suspended(story).at("2026-03-23T10:00"));
    let clock = story.clock(ClockKind::Whole, Subject::Case);
    assert_eq!((clock.due_at, &clock.steps_taken, clock.breached), (due, &steps, true));
}

#[test]
fn nothing_fires_while_suspended_but_the_review() {
    let story = suspended(in_progress()).at("2026-04-15T23:59").timers_fire();
    let breached: Vec<_> = story.case.clocks.iter().filter(|clock| clock.breached).collect();
    assert!(breached.is_empty(), "{breached:?}");
    let story = story.at("2026-04-16T00:00").timers_fire();
    assert!(story.clock(ClockKind::SuspensionReview, Subject::Case).breached);
    assert!(story.names().contains(&"EscalationStepTaken"));
}

#[test]
fn a_review_settles_its_clock_and_starts_the_next() {
    let story = suspended(in_progress()).at("2026-04-10T10:00").happened(SuspensionReviewed {
        by: by(),
        review_on: date(2026, 6, 1),
        words: None,
    });
    let story = story.then("SuspensionReviewed ClockSettled ClockArmed").stands(Status::Suspended);
    assert_eq!(story.case.status_since, local("2026-03-02T09:00"), "it was suspended then, not now");
    let clocks: Vec<_> = story.case.clocks.iter().filter(|c| c.kind == ClockKind::SuspensionReview).collect();
    assert_eq!(clocks.len(), 2);
    assert_eq!(clocks[0].ended_at, Some(local("2026-04-10T10:00")));
    assert_eq!(clocks[1].due_at, local("2026-06-02T00:00"));
}

#[test]
fn the_sources_own_deadline_does_not_wait_for_our_suspension() {
    let raise = Raise { external_due_at: Some(local("2026-03-09T18:00")), ..raise(Profile::Hotline) };
    let story = Story::begins()
        .given("p-call_taker", raise)
        .given("p-receptionist", super::acts::accept())
        .given("p-duty_leader", super::acts::file());
    let story = suspended(story);
    let clock = story.clock(ClockKind::ExternalDue, Subject::Case);
    assert_eq!((clock.phase, clock.due_at), (ClockPhase::Running, local("2026-03-09T18:00")));
    let story = story
        .happened(ExternalDueSet { by: by(), due_at: local("2026-03-30T18:00") })
        .then("ExternalDueSet ClockRebased");
    let clock = story.clock(ClockKind::ExternalDue, Subject::Case);
    assert_eq!((clock.generation, clock.due_at), (2, local("2026-03-30T18:00")));
    assert_eq!(clock.first_due_at, local("2026-03-09T18:00"));
    story.at("2026-03-09T18:00").timers_fire().then("");
}

#[test]
fn a_case_suspended_before_dispatch_takes_its_dispatch_clock_up_again() {
    let story = suspended(filed().at("2026-03-02T09:10"));
    let clock = story.clock(ClockKind::Dispatch, Subject::Case);
    assert_eq!((clock.phase, clock.ended_at), (ClockPhase::Paused, None));
    let story = resumed(story.at("2026-03-10T10:00")).stands(Status::Filed);
    assert_eq!(story.clock(ClockKind::Dispatch, Subject::Case).due_at, local("2026-03-10T10:20"));
    assert_eq!(story.case.filed_at, Some(local("2026-03-02T09:00")), "it is not filed twice");
}

#[test]
fn work_done_while_suspended_is_taken_and_its_clocks_wait() {
    let story = suspended(super::acts::dispatched())
        .at("2026-03-04T10:00")
        .given("p-handler-housing", sign_for(1))
        .then("SignedFor ClockSettled ClockArmed ClockPaused")
        .stands(Status::Suspended);
    let story = resumed(story.at("2026-03-06T10:00")).stands(Status::InProgress);
    let contact = story.clock(ClockKind::Contact, duty(1));
    assert_eq!(contact.due_at, local("2026-03-07T10:00"), "the whole day is left");
}

#[test]
fn a_suspended_case_that_loses_its_lead_is_filed_when_it_goes_on() {
    let withdrawn = ObligationWithdrawn { by: by(), obligation: ObligationNo(1), words: None };
    let story = suspended(in_progress()).happened(withdrawn).stands(Status::Suspended);
    let story = resumed(story.at("2026-03-04T10:00")).stands(Status::Filed);
    assert_eq!(story.clock(ClockKind::Dispatch, Subject::Case).due_at, local("2026-03-04T10:30"));
}

#[test]
fn a_whistle_activated_while_suspended_dispatches_on_resuming() {
    let drafted = super::acts::drafted();
    let story = suspended(drafted).at("2026-03-03T10:00").given("p-subdistrict_leader-street-a", approve(1));
    assert!(story.open_clocks().iter().all(|(kind, _)| *kind != ClockKind::Dispatch));
    let story = story.stands(Status::Suspended);
    resumed(story.at("2026-03-04T10:00")).stands(Status::Dispatched);
}

#[test]
fn a_suspended_case_is_neither_dispatched_nor_whistled_on() {
    suspended(filed())
        .when("p-dispatcher", super::acts::dispatch(None, &[]))
        .status_forbids()
        .when("p-subdistrict_leader-street-a", Command::Blow(blow("ROUTINE", traffic_and_enforcement())))
        .status_forbids();
}

#[test]
fn the_lead_may_dispose_of_what_is_suspended() {
    let story = suspended(in_progress().given("p-handler-street-a", complete(2)));
    let now = story.now;
    let story = story.given("p-handler-housing", super::acts::dispose(now)).stands(Status::Disposed);
    assert_eq!(story.case.review_on, None);
}

#[test]
fn children_are_due_no_later_than_their_parents_after_a_suspension() {
    let story = in_progress()
        .at("2026-03-04T10:00")
        .given("p-org_dispatcher-housing", super::acts::assign(1, "housing-section", None));
    let story = resumed(suspended(story).at("2026-03-11T10:00"));
    let (parent, child) =
        (story.clock(ClockKind::Complete, duty(1)), story.clock(ClockKind::Complete, duty(3)));
    assert_eq!(parent.due_at, local("2026-03-16T09:00"));
    assert_eq!(child.due_at, parent.due_at);
}

#[test]
fn an_extension_moves_the_clock_and_the_ladder_begins_anew() {
    let story = in_progress().at("2026-03-09T09:00").timers_fire();
    let clock = story.clock(ClockKind::Complete, duty(1)).clone();
    assert!(clock.breached);
    let request = story.case.next_request();
    let due_at = local("2026-03-16T09:00");
    let mut story = story.happened(ExtensionRequested {
        by: by(),
        request,
        clock: clock.no,
        due_at,
        ground: ground("weather"),
    });
    assert!(story.open_clocks().iter().any(|(kind, _)| *kind == ClockKind::ExtensionDecision));
    story.record(vec![
        ExtensionGranted { by: by(), request, clock: clock.no, due_at }.into(),
        extended(clock.no, clock.generation + 1, due_at),
        settled_decision(&story),
    ]);
    let story = story.at("2026-03-16T09:00").timers_fire();
    let again = story.clock(ClockKind::Complete, duty(1));
    assert!(again.breached && again.steps_taken.len() == 2, "{:?}", again.steps_taken);
    assert_eq!(again.first_due_at, clock.due_at);
}

fn extended(clock: ClockNo, generation: u32, due_at: crate::time::At) -> Event {
    crate::event::clock::ClockRebased {
        clock,
        generation,
        cause: crate::event::clock::RebaseCause::Extended,
        rule: Some(registry::ids::RuleId::new("complete-general").unwrap()),
        registry_version: registry::ids::RegistryVersion(1),
        warn_at: vec![minutes(due_at, -600)],
        due_at,
        provisional: false,
    }
    .into()
}

fn settled_decision(story: &Story) -> Event {
    let mut clocks = story.case.clocks.iter();
    let clock = clocks.find(|clock| clock.is_open() && clock.kind == ClockKind::ExtensionDecision).unwrap();
    crate::event::clock::ClockSettled {
        clock: clock.no,
        generation: clock.generation,
        at: story.now,
        late: false,
    }
    .into()
}

#[test]
fn a_return_upheld_sends_the_case_back_and_a_person_decides() {
    let story = in_progress();
    let request = story.case.next_request();
    let obligation = ObligationNo(1);
    let ground = ground("not-our-duty");
    let story = story
        .happened(ReturnRequested { by: by(), request, obligation, ground, suggestion: None })
        .then("ReturnRequested ClockArmed")
        .happened(ReturnUpheld { by: by(), request, obligation });
    let story = story.stands(Status::Filed);
    assert_eq!(story.case.returns, 1);
    let whole = story.clock(ClockKind::Whole, Subject::Case);
    assert_eq!((whole.generation, whole.phase), (1, ClockPhase::Running), "a return wins nobody time");
    story
        .when("p-operator", Act::Automatic)
        .forbidden("case", crate::refusal::StateReason::AlreadyDone)
        .given("p-dispatcher", super::acts::dispatch(Some("traffic"), &[]));
}

/// Everything stopped is in the log: whoever replays it stops the same clocks.
#[test]
fn a_pause_names_clock_and_generation() {
    let story = suspended(in_progress());
    let mut paused: Vec<ClockPaused> = Vec::new();
    for recorded in &story.log {
        if let Event::Clock(Clock::ClockPaused(pause)) = &recorded.event {
            paused.push(pause.clone());
        }
    }
    assert!(paused.iter().all(|paused| paused.generation == 1));
    assert_eq!(paused.len(), story.case.clocks.iter().filter(|c| c.phase == ClockPhase::Paused).count());
}
