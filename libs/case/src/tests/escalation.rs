use registry::ClockKind;
use registry::ids::RuleId;

use super::acts::{
    complete, dispatched, drafted, filed, gathered, in_progress, own_matter, raised, report_in, sign_for,
};
use super::kit::{Story, changed, duty, local};
use crate::escalation::{Fire, Timer, holder, timers};
use crate::event::clock::Recipient;
use crate::event::dispatch::ObligationWithdrawn;
use crate::event::parts::{By, Subject};
use crate::event::{Clock, Dispatch, Event};
use crate::flow::Status;
use crate::ids::{ClockNo, ObligationNo};
use crate::refusal::{Refusal, StateReason};
use crate::state::{ClockPhase, ObligationState, RequestKind};

fn step(key: &str) -> Fire {
    Fire::Step(RuleId::new(key).unwrap())
}

fn timer(story: &Story, kind: ClockKind, subject: Subject, fire: Fire) -> Timer {
    let clock = story.clock(kind, subject);
    Timer { at: story.now, clock: clock.no, generation: clock.generation, fire }
}

/// Who was told, step by step, as `step: org/post …`.
fn told(story: &Story, clock: ClockNo) -> Vec<String> {
    let post = |r: &Recipient| r.post.as_ref().map_or("", |post| post.as_str()).to_owned();
    let mut told = Vec::new();
    for recorded in &story.log {
        if let Event::Clock(Clock::EscalationStepTaken(taken)) = &recorded.event
            && taken.clock == clock
        {
            let posts: Vec<String> = taken.recipients.iter().map(post).collect();
            told.push(format!("{}: {}", taken.step, posts.join(" ")));
        }
        if let Event::Clock(Clock::EscalationUnanswered(nobody)) = &recorded.event
            && nobody.clock == clock
        {
            told.push(format!("{}: nobody", nobody.step));
        }
    }
    told
}

#[test]
fn a_duty_nobody_signs_for_is_warned_of_breached_and_signed_automatically() {
    let story = dispatched().at("2026-03-02T09:48").timers_fire();
    let warned: Vec<_> = story.names();
    assert!(warned.starts_with(&["ClockWarned"]) && warned.contains(&"EscalationStepTaken"), "{warned:?}");
    let story = story.at("2026-03-02T10:05").timers_fire().stands(Status::InProgress);
    let clock = story.clock(ClockKind::SignFor, duty(1));
    assert!(clock.breached && clock.phase == ClockPhase::Settled);
    assert_eq!(clock.due_at, local("2026-03-02T10:00"));
    let signed = story.duty(1);
    assert!(signed.signed_automatically && signed.state == ObligationState::SignedFor);
    assert_eq!(signed.signed_at, Some(local("2026-03-02T10:05")), "when it was written, not when it was due");
    let said_when_due = story.log.iter().any(|recorded| {
        matches!(&recorded.event, Event::Clock(Clock::ClockBreached(breached))
            if breached.clock == clock.no && breached.at == local("2026-03-02T10:00"))
    });
    assert!(said_when_due, "the breach is of the due instant, not of when it was written");
    let by_rule = story.log.iter().any(|recorded| {
        matches!(&recorded.event, Event::Dispatch(Dispatch::SignedFor(signed))
            if signed.automatic && signed.by == By::Automatic { rule: clock.rule.clone() })
    });
    assert!(by_rule);
    assert!(
        story.clock(ClockKind::Contact, duty(1)).is_open(),
        "the next clock does not wait for the department"
    );
}

#[test]
fn every_step_of_the_ladder_tells_whom_it_should() {
    let story = in_progress().at("2026-04-30T18:00").timers_fire();
    let complete = story.clock(ClockKind::Complete, duty(1));
    assert_eq!(
        told(&story, complete.no),
        [
            "l0: post-handler-housing post-org_dispatcher-housing",
            "l1: post-org_dispatcher-housing post-subdistrict_officer-street-a post-district_centre \
             post-district_centre-2",
            "l2: post-supervisor post-district_centre post-district_centre-2",
            "l3: post-supervisor post-subdistrict_leader-street-a post-org_dispatcher-housing",
            "l4: post-supervisor post-district_centre post-district_centre-2",
        ]
    );
    assert_eq!(timers(&story.case, &story.rules()), [], "repeats are bounded: the ladder has an end");
}

#[test]
fn a_supervision_order_has_a_date_to_answer_by() {
    let story = in_progress().at("2026-03-10T17:30").timers_fire();
    // Breached at nine on Monday the 9th, so ordered when Tuesday is over, to be answered when Thursday is.
    let due = local("2026-03-12T17:30");
    let order = RequestKind::Supervision(Some(ObligationNo(1)), due);
    assert!(story.case.requests.iter().any(|request| request.kind == order), "{:?}", story.case.requests);
}

#[test]
fn supervision_orders_are_bounded() {
    let registry = changed(|content| content.policies.limits.supervisions_max = 1);
    let story = in_progress().under(registry).at("2026-04-30T18:00").timers_fire();
    assert_eq!(story.case.requests.len(), 1);
}

#[test]
fn a_step_that_finds_nobody_is_an_error_and_not_silence() {
    let registry = changed(|content| {
        for post in &mut content.posts {
            if post.org.as_str() == "housing" {
                post.roles = vec![registry::ids::Role::Auditor];
            }
        }
    });
    let story = in_progress().under(registry).at("2026-03-08T09:00").timers_fire();
    let complete = story.clock(ClockKind::Complete, duty(1));
    assert_eq!(told(&story, complete.no), ["l0: nobody"]);
    assert!(story.names().contains(&"EscalationUnanswered"));
}

#[test]
fn timers_fire_in_order_and_each_once() {
    let story = in_progress();
    let first = timers(&story.case, &story.rules());
    assert!(first.windows(2).all(|pair| pair[0] < pair[1]));
    let warn = first.iter().find(|timer| timer.fire == Fire::Warn(0)).unwrap().clone();
    let mut story = story.timer(&warn).forbidden(&format!("clock {}", warn.clock), StateReason::NotDue);
    story.now = warn.at;
    story
        .timer(&warn)
        .then("ClockWarned")
        .timer(&warn)
        .forbidden(&format!("clock {}", warn.clock), StateReason::AlreadyDone);
}

#[test]
fn a_breach_makes_the_warnings_that_were_missed_idle() {
    let story = in_progress().at("2026-03-09T09:00");
    let (warn, breach) = (
        timer(&story, ClockKind::Complete, duty(1), Fire::Warn(0)),
        timer(&story, ClockKind::Complete, duty(1), Fire::Breach),
    );
    let part = format!("clock {}", breach.clock);
    story
        .timer(&breach)
        .then("ClockBreached EscalationStepTaken")
        .timer(&warn)
        .forbidden(&part, StateReason::AlreadyDone)
        .timer(&breach)
        .forbidden(&part, StateReason::AlreadyDone);
}

#[test]
fn what_follows_a_breach_waits_for_it() {
    let story = in_progress().at("2026-03-31T09:00");
    let breach = timer(&story, ClockKind::Complete, duty(1), Fire::Breach);
    let (notice, order) =
        (Timer { fire: step("l1"), ..breach.clone() }, Timer { fire: step("l2"), ..breach.clone() });
    let part = format!("clock {}", breach.clock);
    story
        .timer(&notice)
        .forbidden(&part, StateReason::NotDue)
        .timer(&order)
        .forbidden(&part, StateReason::NotDue)
        .timer(&breach)
        .then("ClockBreached EscalationStepTaken")
        .timer(&notice)
        .forbidden(&part, StateReason::AlreadyDone)
        .timer(&order)
        .then("EscalationStepTaken SupervisionOrdered")
        .timer(&Timer { fire: step("l9"), ..breach })
        .forbidden(&part, StateReason::AlreadyDone);
}

#[test]
fn an_old_timer_fires_nothing_once_its_clock_moved_or_ended() {
    let story = in_progress();
    let warn = timer(&story, ClockKind::Complete, duty(2), Fire::Warn(0));
    let part = format!("clock {}", warn.clock);
    let none = Refusal::NoSuchPart { part: "clock 99".to_owned() };
    let story = story
        .at("2026-03-08T09:00")
        .timer(&Timer { generation: 2, ..warn.clone() })
        .forbidden(&part, StateReason::StaleClock)
        .timer(&Timer { clock: ClockNo(99), ..warn.clone() })
        .refused(&none)
        .given("p-handler-street-a", complete(2));
    story.timer(&warn).forbidden(&part, StateReason::StaleClock);
}

#[test]
fn a_timers_key_tells_it_from_every_other() {
    let story = in_progress();
    let timers = timers(&story.case, &story.rules());
    let keys: std::collections::BTreeSet<String> = timers.iter().map(Timer::key).collect();
    assert_eq!(keys.len(), timers.len());
    assert!(keys.iter().any(|key| key.ends_with("/1/warn-0")), "{keys:?}");
}

/// Everybody it was given to gave it back: the ladder does not wait for the dispatch to be late.
#[test]
fn a_case_nobody_holds_goes_to_the_centre_at_once() {
    assert!(!timers(&filed().case, &filed().rules()).iter().any(|timer| timer.fire == step("l1")));
    let by = By::Automatic { rule: None };
    let story = in_progress()
        .at("2026-03-02T10:00")
        .happened(ObligationWithdrawn { by, obligation: ObligationNo(1), words: None })
        .stands(Status::Filed)
        .timers_fire();
    let dispatch = story.clock(ClockKind::Dispatch, Subject::Case);
    assert!(!dispatch.breached);
    assert_eq!(
        told(&story, dispatch.no),
        ["l1: post-district_centre post-district_centre-2 post-subdistrict_officer-street-a"]
    );
}

#[test]
fn three_reopenings_go_up_to_the_city() {
    use crate::closure::Command;
    use crate::event::closure::ReopenCause;
    let mut story = super::acts::closed();
    for _ in 0..3 {
        story = story.given("hotline", Command::Reopen { cause: ReopenCause::Source, words: None });
        let lead = story.case.lead.unwrap().0;
        let now = story.now;
        assert_eq!(story.case.reopenings >= 3, timers(&story.case, &story.rules())[0].fire == step("l4"));
        story = story
            .given("p-handler-housing", sign_for(lead))
            .given("p-handler-housing", super::acts::dispose(now))
            .given("p-inspector", super::acts::check(true))
            .timers_fire()
            .given("p-caller_back", super::acts::called(1, true))
            .given("p-duty_leader", super::acts::close(crate::event::parts::Outcome::Solved));
    }
    let whole = story.clock(ClockKind::Whole, Subject::Case);
    assert_eq!(told(&story, whole.no), ["l4: post-supervisor post-district_centre post-district_centre-2"]);
}

#[test]
fn the_one_whose_move_is_late_is_told() {
    let held = |story: &Story, kind, subject| {
        holder(&story.case, story.clock(kind, subject), story.registry).as_str().to_owned()
    };
    let whistle = Subject::Whistle(crate::ids::WhistleNo(1));
    assert_eq!(held(&drafted(), ClockKind::WhistleApproval, whistle), "street-a", "the street approves");
    assert_eq!(held(&raised(), ClockKind::Accept, Subject::Case), "centre");
    assert_eq!(held(&in_progress(), ClockKind::Whole, Subject::Case), "housing");
    let story = gathered().given("p-handler-traffic", complete(1));
    assert_eq!(held(&story, ClockKind::Complete, duty(2)), "enforcement");
    assert_eq!(held(&story, ClockKind::Confirm, duty(1)), "community-a1", "who called confirms");
}

#[test]
fn an_ended_case_has_no_timers() {
    let story = super::acts::closed();
    assert_eq!(timers(&story.case, &story.rules()), []);
    assert!(story.case.clocks.iter().all(|clock| !clock.is_open()));
    story.at("2027-01-01T00:00").timers_fire().then("");
}

#[test]
fn warnings_given_are_not_given_again_after_a_refused_completion() {
    let story = gathered().at("2026-03-13T16:30").timers_fire();
    let steps = story.clock(ClockKind::Complete, duty(1)).steps_taken.clone();
    assert_eq!(steps.len(), 1);
    let story = story
        .given("p-handler-traffic", complete(1))
        .given("p-community_officer-community-a1", super::acts::refuse(1));
    let clock = story.clock(ClockKind::Complete, duty(1));
    assert_eq!((clock.warned, &clock.steps_taken), (1, &steps));
    let next = timers(&story.case, &story.rules());
    assert!(next.iter().all(|timer| timer.clock != clock.no || timer.fire == Fire::Breach));
}

/// Many clocks due in the same second are one after the other, and the case still takes commands.
#[test]
fn whistles_to_many_breach_in_the_same_second_one_by_one() {
    let mut own = own_matter("EMERGENCY");
    own.blow.parties.extend(
        ["housing", "property-a", "owner-a", "unit-a"]
            .map(|org| super::kit::party(org, crate::event::parts::Part::Co)),
    );
    let story = Story::begins().given("p-grid_worker", own).at("2026-03-02T09:30").timers_fire();
    let late = story.case.clocks.iter().filter(|c| c.kind == ClockKind::ReportIn && c.breached).count();
    assert_eq!(late, 6);
    story
        .given("p-handler-traffic", report_in(1, local("2026-03-02T09:30"), None))
        .then("ReportedIn ClockSettled");
}
