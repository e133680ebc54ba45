use registry::{ClockKind, Mode};

use super::acts::{
    accept, approve, assign, complete, confirm, dispatch, dispatched, dispose, drafted, file, filed,
    gathered, in_area, in_progress, own_matter, raise, refuse, report_in, sign_for, whistled,
};
use super::kit::{Act, Story, changed, duty, local, party};
use crate::event::parts::{Part, Party, Profile};
use crate::flow::Status;
use crate::ids::ObligationNo;
use crate::intake::Raise;
use crate::refusal::{Refusal, StateReason};
use crate::routing::Command;
use crate::state::ObligationState;

fn orgs(story: &Story) -> Vec<(&str, Part)> {
    story.case.obligations.iter().map(|duty| (duty.org.as_str(), duty.part)).collect()
}

fn call(parties: Vec<Party>, after: &[u32]) -> Command {
    let after = after.iter().map(|no| ObligationNo(*no)).collect();
    Command::CallCoHandlers { parties, after, words: None }
}

fn filed_about(matter: &str, area: &str) -> Story {
    let raise = Raise { matter: Some(matter.to_owned()), place: in_area(area), ..raise(Profile::GridWorker) };
    Story::begins()
        .given("p-grid_worker", raise)
        .given("p-receptionist", accept())
        .given("p-duty_leader", file())
}

#[test]
fn the_matrix_names_who_leads_and_who_joins() {
    let story = filed()
        .given("p-operator", Act::Automatic)
        .then("CaseDispatched ClockSettled ClockArmed ClockArmed ClockArmed ClockArmed");
    assert_eq!(orgs(&story), [("housing", Part::Lead), ("street-a", Part::Co)]);
    assert_eq!(
        orgs(&filed_about("garbage", super::acts::GRID).given("x", Act::Automatic)),
        [("community-a1", Part::Lead)]
    );
}

#[test]
fn in_emergency_the_matrix_answers_otherwise() {
    let mut story = filed();
    story.mode = Mode::Emergency;
    let story = story.given("p-dispatcher", dispatch(None, &[]));
    assert_eq!(orgs(&story), [("traffic", Part::Lead), ("housing", Part::Co)]);
    assert_eq!(story.clock(ClockKind::SignFor, duty(1)).due_at, local("2026-03-02T09:15"));
}

#[test]
fn what_no_row_names_falls_to_the_subdistrict_of_the_place() {
    let registry = changed(|content| content.matrix.retain(|row| row.rule.as_str() == "parking"));
    let story = filed().under(registry).given("p-operator", Act::Automatic);
    assert_eq!(orgs(&story), [("street-a", Part::Lead)]);
}

#[test]
fn a_community_is_given_only_what_its_list_admits() {
    let why = StateReason::ProfileForbids;
    filed()
        .when("p-dispatcher", dispatch(Some("community-a1"), &[]))
        .forbidden("admission list of community-a1", why);
    filed_about("garbage", super::acts::GRID).given("p-dispatcher", dispatch(Some("community-a2"), &[]));
}

#[test]
fn a_dispatch_by_hand_names_active_organisations_once() {
    filed()
        .when("p-receptionist", dispatch(None, &[]))
        .role_missing()
        .when("p-dispatcher", dispatch(None, &["traffic"]))
        .invalid(&[("lead", "REQUIRED")])
        .when("p-dispatcher", dispatch(Some("traffic"), &["housing", "traffic"]))
        .invalid(&[("co", "DUPLICATE")])
        .when("p-dispatcher", dispatch(Some("ministry"), &[]))
        .unregistered("ministry")
        .given("p-dispatcher", dispatch(Some("traffic"), &["housing"]))
        .when("p-dispatcher", dispatch(None, &[]))
        .status_forbids();
    let closed_down = changed(|content| {
        for org in content.orgs.iter_mut().filter(|org| org.id.as_str() == "unit-a") {
            org.active = false;
        }
    });
    filed().under(closed_down).when("p-dispatcher", dispatch(Some("unit-a"), &[])).unregistered("unit-a");
}

#[test]
fn closed_case_refuses_dispatch() {
    super::acts::closed().when("p-dispatcher", dispatch(None, &[])).status_forbids();
}

#[test]
fn a_matter_of_ones_own_is_not_dispatched_by_nobody() {
    drafted().when("p-operator", Act::Automatic).forbidden("case", StateReason::ProfileForbids);
}

#[test]
fn co_handlers_are_called_by_the_lead_or_the_dispatcher() {
    in_progress()
        .when("p-handler-street-a", call(vec![party("traffic", Part::Co)], &[]))
        .forbidden("lead of the case", StateReason::NotTheHolder)
        .when("p-handler-housing", call(Vec::new(), &[]))
        .invalid(&[("parties", "REQUIRED")])
        .when("p-handler-housing", call(vec![party("traffic", Part::Co)], &[9]))
        .refused(&Refusal::NoSuchPart { part: "obligation 9".to_owned() })
        .given("p-handler-housing", call(vec![party("traffic", Part::Co)], &[]))
        .then("ObligationsAdded ClockArmed ClockArmed")
        .given("p-dispatcher", call(vec![party("enforcement", Part::Co)], &[]));
    filed().when("p-dispatcher", call(vec![party("traffic", Part::Co)], &[])).status_forbids();
}

/// 停工、处罚、拆除: three duties, each after the one before.
#[test]
fn duties_in_series_take_their_turn() {
    let story = in_progress()
        .given("p-handler-housing", call(vec![party("enforcement", Part::Co)], &[]))
        .given("p-handler-housing", call(vec![party("traffic", Part::Co)], &[3]))
        .then("ObligationsAdded")
        .given("p-handler-housing", call(vec![party("property-a", Part::Co)], &[4]))
        .then("ObligationsAdded")
        .when("p-handler-traffic", sign_for(4))
        .forbidden("obligation 4", StateReason::NotItsTurn)
        .at("2026-03-02T11:00")
        .given("p-handler-enforcement", sign_for(3))
        .given("p-handler-enforcement", complete(3))
        .then("ObligationCompleted ClockSettled ClockArmed ClockArmed");
    let fine = story.clock(ClockKind::SignFor, duty(4));
    assert_eq!((fine.start_at, fine.due_at), (local("2026-03-02T11:00"), local("2026-03-02T12:00")));
    let now = story.now;
    story
        .when("p-handler-property-a", sign_for(5))
        .forbidden("obligation 5", StateReason::NotItsTurn)
        .given("p-handler-traffic", sign_for(4))
        .given("p-handler-traffic", complete(4))
        .given("p-handler-property-a", sign_for(5))
        .given("p-handler-street-a", complete(2))
        .when("p-handler-housing", dispose(now))
        .forbidden("obligation 5", StateReason::DutiesOpen)
        .given("p-handler-property-a", complete(5))
        .given("p-handler-housing", dispose(now));
}

#[test]
fn a_duty_is_assigned_inward_and_is_due_no_later() {
    let story = dispatched()
        .at("2026-03-04T10:00")
        .when("p-handler-housing", assign(1, "housing-section", None))
        .role_missing()
        .when("p-org_dispatcher-housing", assign(2, "housing-section", None))
        .forbidden("obligation 2", StateReason::NotTheHolder)
        .when("p-org_dispatcher-housing", assign(1, "traffic", None))
        .forbidden("obligation 1", StateReason::NotTheHolder)
        .when("p-org_dispatcher-housing", assign(1, "housing-section", Some("p-handler-traffic")))
        .unregistered("p-handler-traffic")
        .given("p-org_dispatcher-housing", assign(1, "housing-section", Some("p-handler-housing-section")))
        .then("ObligationAssigned ClockArmed ClockArmed");
    let (parent, child) =
        (story.clock(ClockKind::Complete, duty(1)), story.clock(ClockKind::Complete, duty(3)));
    assert_eq!(child.due_at, parent.due_at);
    assert_eq!(child.warn_at, parent.warn_at);
    story
        .given("p-handler-housing", sign_for(1))
        .when("p-handler-housing", complete(1))
        .forbidden("obligation 1", StateReason::DutiesOpen)
        .given("p-handler-housing-section", sign_for(3))
        .given("p-handler-housing-section", complete(3))
        .given("p-handler-housing", complete(1));
}

#[test]
fn a_subdistrict_assigns_to_the_communities_of_its_area_only() {
    in_progress()
        .given("p-subdistrict_officer-street-a", assign(2, "community-a1", None))
        .when("p-subdistrict_officer-street-a", assign(2, "community-b1", None))
        .forbidden("obligation 2", StateReason::NotTheHolder);
}

#[test]
fn assigning_goes_only_so_deep() {
    let mut story = in_progress();
    for no in [1, 3, 4, 5, 6] {
        story = story.given("p-org_dispatcher-housing", assign(no, "housing", None));
    }
    story.when("p-org_dispatcher-housing", assign(7, "housing", None)).limited("nesting_max");
}

#[test]
fn what_is_done_or_gone_is_assigned_to_nobody() {
    in_progress()
        .given("p-handler-street-a", complete(2))
        .when("p-org_dispatcher-street-a", assign(2, "community-a1", None))
        .forbidden("obligation 2", StateReason::AlreadyDone);
    super::acts::closed()
        .when("p-org_dispatcher-housing", assign(1, "housing-section", None))
        .forbidden("obligation 1", StateReason::AlreadyDone);
}

#[test]
fn what_was_assigned_inward_goes_with_what_it_came_from() {
    let story = gathered().given("p-org_dispatcher-enforcement", assign(2, "enforcement", None));
    let now = story.now;
    story
        .given("p-handler-traffic", complete(1))
        .given("p-subdistrict_officer-street-a", confirm(1))
        .given("hotline-of-nobody", Act::Event(withdrawn(2)))
        .duty_is(2, ObligationState::Withdrawn)
        .duty_is(3, ObligationState::Withdrawn)
        .given("p-community_officer-community-a1", super::acts::stand_down(1))
        .given("p-handler-traffic", dispose(now));
}

fn withdrawn(no: u32) -> crate::event::Event {
    let by = crate::event::parts::By::Automatic { rule: None };
    crate::event::dispatch::ObligationWithdrawn { by, obligation: ObligationNo(no), words: None }.into()
}

#[test]
fn a_case_whose_lead_is_gone_is_to_be_dispatched_again() {
    dispatched().given("nobody", Act::Event(withdrawn(1))).stands(Status::Filed);
    in_progress()
        .given("nobody", Act::Event(withdrawn(1)))
        .stands(Status::Filed)
        .given("p-dispatcher", dispatch(Some("traffic"), &[]))
        .stands(Status::Dispatched)
        .given("p-handler-traffic", sign_for(3))
        .stands(Status::InProgress);
}

#[test]
fn a_lead_that_signed_already_is_at_work_at_once() {
    let change = Command::ChangeLead { whistle: crate::ids::WhistleNo(1), to: ObligationNo(2), words: None };
    whistled()
        .given("p-handler-enforcement", sign_for(2))
        .stands(Status::Dispatched)
        .given("p-subdistrict_officer-street-a", change.clone())
        .stands(Status::InProgress);
    gathered()
        .given("nobody", Act::Event(withdrawn(1)))
        .stands(Status::Filed)
        .given("p-subdistrict_officer-street-a", change)
        .stands(Status::InProgress);
}

#[test]
fn a_measure_lapses_with_the_duty_it_belonged_to() {
    let story = gathered().given("p-community_officer-community-a1", super::acts::plan(Some(1), &[2]));
    let now = story.now;
    story
        .given("p-handler-traffic", complete(1))
        .given("p-community_officer-community-a1", confirm(1))
        .given("nobody", Act::Event(withdrawn(2)))
        .given("p-community_officer-community-a1", super::acts::stand_down(1))
        .given("p-handler-traffic", dispose(now))
        .stands(Status::Disposed);
}

#[test]
fn an_organisations_own_number_is_kept_and_may_be_set_again() {
    let set =
        |text: &str| Command::SetExternalRef { obligation: ObligationNo(1), external_ref: text.to_owned() };
    let story = in_progress()
        .when("p-handler-street-a", set("JG-1"))
        .forbidden("obligation 1", StateReason::NotTheHolder)
        .when("p-handler-housing", set(""))
        .invalid(&[("external_ref", "OUT_OF_RANGE")])
        .when("p-handler-housing", set("a\nb"))
        .invalid(&[("external_ref", "OUT_OF_RANGE")])
        .when("p-handler-housing", set(&"九".repeat(22)))
        .invalid(&[("external_ref", "OUT_OF_RANGE")])
        .given("p-handler-housing", set("JG-1"))
        .given("p-handler-housing", set("JG-1"))
        .then("")
        .given("p-handler-housing", set("JG-2"));
    assert_eq!(story.duty(1).external_ref.as_deref(), Some("JG-2"));
}

#[test]
fn no_more_duties_than_the_limit() {
    let registry = changed(|content| content.policies.limits.obligations_max = 2);
    filed()
        .under(registry)
        .when("p-dispatcher", dispatch(Some("housing"), &["traffic", "enforcement"]))
        .limited("obligations_max")
        .given("p-dispatcher", dispatch(None, &[]))
        .when("p-dispatcher", call(vec![party("traffic", Part::Co)], &[]))
        .limited("obligations_max");
    let registry = changed(|content| content.policies.limits.obligations_max = 1);
    Story::begins()
        .under(registry)
        .given("p-community_officer-community-a1", own_matter("ROUTINE"))
        .when("p-subdistrict_leader-street-a", approve(1))
        .limited("obligations_max");
}

#[test]
fn a_refused_completion_wins_its_holder_no_time() {
    let story = gathered().given("p-handler-traffic", complete(1));
    let due = story.clock(ClockKind::Complete, duty(1)).due_at;
    let story = story
        .at("2026-03-05T10:00")
        .given("p-subdistrict_officer-street-a", refuse(1))
        .then("CompletionRefused ClockSettled ClockArmed")
        .duty_is(1, ObligationState::ReportedIn);
    assert!(story.clock(ClockKind::Confirm, duty(1)).breached, "the street answered late");
    assert_eq!(story.clock(ClockKind::Complete, duty(1)).due_at, due);
    story
        .when("p-handler-traffic", report_in(1, local("2026-03-05T10:00"), None))
        .forbidden("obligation 1", StateReason::AlreadyDone)
        .given("p-handler-traffic", complete(1))
        .given("p-community_officer-community-a1", confirm(1))
        .when("p-community_officer-community-a1", confirm(1))
        .forbidden("obligation 1", StateReason::AlreadyDone);
}
