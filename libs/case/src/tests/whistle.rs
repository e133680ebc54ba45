use registry::ids::{MatterId, Role};
use registry::{ClockKind, Mode, SettledBy};

use super::acts::{
    approve, blow, complete, confirm, dispatch, drafted, filed, gathered, in_area, in_progress, own_matter,
    plan, raise, report_in, sign_for, stand_down, traffic_and_enforcement, whistled,
};
use super::kit::{Story, changed, local, org_id, party, sealed};
use crate::event::parts::{Part, Party, Profile, Subject};
use crate::event::whistle::DeliberationForm;
use crate::flow::Status;
use crate::ids::{ObligationNo, RequestNo, WhistleNo};
use crate::intake::Raise;
use crate::refusal::{Refusal, StateReason};
use crate::routing::{Blow, Command, OwnMatter};
use crate::state::{ClockPhase, ObligationState, WhistlePhase};

fn triage(parties: Vec<Party>) -> Command {
    Command::TriageWhistle { whistle: WhistleNo(1), parties }
}

fn hand_back() -> Command {
    Command::HandBackWhistle { whistle: WhistleNo(1), advice: sealed("ask the property company first") }
}

fn take_back() -> Command {
    Command::WithdrawWhistle { whistle: WhistleNo(1), words: None }
}

fn judge(confirmed: bool) -> Command {
    Command::ConfirmWhistle { whistle: WhistleNo(1), confirmed, words: None }
}

fn add(org: &str, part: Part) -> Command {
    Command::AddParty { whistle: WhistleNo(1), party: party(org, part), words: None }
}

fn lead(no: u32) -> Command {
    Command::ChangeLead { whistle: WhistleNo(1), to: ObligationNo(no), words: None }
}

fn rate(score: u8) -> Command {
    Command::RateWhistle { whistle: WhistleNo(1), score, words: None }
}

fn round(agreed: bool) -> Command {
    Command::RecordDeliberation {
        form: DeliberationForm::ResidentsCouncil,
        attendees: vec![org_id("community-a1")],
        others: 23,
        result: sealed("not yet"),
        agreed,
        next_at: None,
    }
}

/// A case of the hotline, filed, on which the subdistrict's leader blows.
fn blown(kind: &str) -> Story {
    filed().given("p-subdistrict_leader-street-a", Command::Blow(blow(kind, traffic_and_enforcement())))
}

const WHISTLE: Subject = Subject::Whistle(WhistleNo(1));

#[test]
fn a_communitys_whistle_waits_for_its_own_street() {
    drafted()
        .then("CaseRaised CaseFiled WhistleBlown ClockArmed ClockArmed ClockArmed")
        .when("p-community_officer-community-a1", approve(1))
        .role_missing()
        .when("p-subdistrict_leader-street-b", approve(1))
        .refused(&Refusal::NotFound)
        .given("p-subdistrict_leader-street-a", approve(1))
        .then_besides_clocks("WhistleApproved WhistleActivated")
        .stands(Status::Dispatched)
        .when("p-subdistrict_leader-street-a", approve(1))
        .forbidden("whistle 1", StateReason::AlreadyDone);
}

/// A leader of the other street who can see the case, as somebody of the whole district can, still may not.
#[test]
fn another_street_may_not_approve_even_what_it_sees() {
    let registry = changed(|content| {
        for post in &mut content.posts {
            if post.id.as_str() == "post-subdistrict_leader-street-b" {
                post.roles.push(Role::Supervisor);
                post.area = None;
            }
        }
    });
    drafted()
        .under(registry)
        .when("p-subdistrict_leader-street-b", approve(1))
        .forbidden("whistle 1", StateReason::NotTheHolder);
}

#[test]
fn a_streets_own_whistle_is_active_at_once() {
    let story =
        blown("ROUTINE").then_besides_clocks("WhistleBlown WhistleActivated").stands(Status::Dispatched);
    let steps = &story.duty(1).steps;
    assert_eq!(steps.len(), 5, "somebody can be contacted, so that is a step: {steps:?}");
    assert_eq!(whistled().duty(1).steps.len(), 4, "nobody to contact");
    story.when("p-subdistrict_leader-street-a", approve(1)).forbidden("whistle 1", StateReason::AlreadyDone);
}

#[test]
fn raising_filing_and_blowing_are_one_or_nothing() {
    let officer = "p-community_officer-community-a1";
    let own = own_matter("ROUTINE");
    let profile = OwnMatter { raise: raise(Profile::Public), ..own.clone() };
    let nowhere = OwnMatter { raise: Raise { place: in_area("12"), ..own.raise.clone() }, ..own.clone() };
    let unheard = OwnMatter { matter: MatterId::new("unheard-of").unwrap(), ..own.clone() };
    let nobody = OwnMatter { blow: blow("ROUTINE", Vec::new()), ..own.clone() };
    let story = Story::begins()
        .when("p-handler-traffic", own.clone())
        .role_missing()
        .when(officer, profile)
        .invalid(&[("raise.profile", "OUT_OF_RANGE")])
        .when(officer, nowhere)
        .invalid(&[("raise", "DEFECT")])
        .when(officer, unheard)
        .unregistered("unheard-of")
        .when(officer, nobody)
        .invalid(&[("parties", "REQUIRED")])
        .when(officer, own_matter("HARD_CASE"))
        .role_missing();
    assert!(!story.case.exists());
    story.given(officer, own);
}

#[test]
fn the_parties_are_active_each_named_once_with_one_lead() {
    let leader = "p-subdistrict_leader-street-a";
    let with = |parties| Command::Blow(blow("ROUTINE", parties));
    let many = (0..65).map(|_| party("traffic", Part::Co)).collect();
    filed()
        .when(
            leader,
            with(vec![
                party("traffic", Part::Lead),
                party("housing", Part::Lead),
                party("traffic", Part::Co),
            ]),
        )
        .invalid(&[("parties", "DUPLICATE"), ("parties[2].org", "DUPLICATE")])
        .when(leader, with(many))
        .limited("parties_max")
        .when(leader, with(vec![party("ministry", Part::Lead)]))
        .unregistered("ministry")
        .when(leader, Command::Blow(blow("FANFARE", traffic_and_enforcement())))
        .unregistered("FANFARE")
        .when(
            leader,
            Command::Blow(Blow { request: Some(RequestNo(1)), ..blow("ROUTINE", traffic_and_enforcement()) }),
        )
        .refused(&Refusal::NoSuchPart { part: "request 1".to_owned() });
}

#[test]
fn the_first_called_leads_when_nobody_was_named() {
    let parties = vec![party("housing", Part::Co), party("traffic", Part::Co)];
    let story = filed().given("p-subdistrict_leader-street-a", Command::Blow(blow("ROUTINE", parties)));
    assert_eq!(story.case.lead().unwrap().org.as_str(), "housing");
}

#[test]
fn a_hard_case_is_triaged_by_the_centre() {
    let story = blown("HARD_CASE").then_besides_clocks("WhistleBlown").stands(Status::Filed);
    assert!(story.clock(ClockKind::WhistleTriage, WHISTLE).is_open());
    let story = story
        .when("p-subdistrict_leader-street-a", triage(Vec::new()))
        .role_missing()
        .given("p-district_centre", triage(vec![party("housing", Part::Lead)]))
        .then_besides_clocks("WhistleTriaged WhistleActivated")
        .stands(Status::Dispatched)
        .when("p-district_centre", triage(Vec::new()))
        .forbidden("whistle 1", StateReason::AlreadyDone);
    assert_eq!(story.case.whistles[0].parties.len(), 1);
    assert_eq!(story.clock(ClockKind::WhistleTriage, WHISTLE).phase, ClockPhase::Settled);
    blown("HARD_CASE").given("p-district_centre", triage(Vec::new())).duty_is(2, ObligationState::Assigned);
    drafted().when("p-district_centre", triage(Vec::new())).forbidden("whistle 1", StateReason::NoSuchStep);
}

#[test]
fn a_whistle_that_needs_both_is_approved_before_it_is_triaged() {
    let registry = changed(|content| content.policies.whistles[0].triage = true);
    Story::begins()
        .under(registry)
        .given("p-community_officer-community-a1", own_matter("ROUTINE"))
        .when("p-district_centre", triage(Vec::new()))
        .forbidden("whistle 1", StateReason::NotApproved)
        .given("p-subdistrict_leader-street-a", approve(1))
        .then("WhistleApproved ClockSettled ClockArmed")
        .given("p-district_centre", triage(Vec::new()))
        .stands(Status::Dispatched);
}

#[test]
fn a_whistle_handed_back_leaves_the_case_with_who_blew_it() {
    let story = drafted()
        .when("p-handler-traffic", hand_back())
        .refused(&Refusal::NotFound)
        .given("p-subdistrict_leader-street-a", hand_back())
        .then("WhistleHandedBack ClockSettled")
        .stands(Status::Filed)
        .when("p-subdistrict_leader-street-a", approve(1))
        .forbidden("whistle 1", StateReason::Ended);
    let holders = crate::hands::in_hands(&story.case, story.registry);
    assert_eq!(holders.len(), 1);
    assert_eq!((holders[0].org.as_str(), holders[0].role), ("community-a1", Some(Role::CommunityOfficer)));
    let again = Command::Blow(blow("ROUTINE", vec![party("property-a", Part::Lead)]));
    story
        .given("p-community_officer-community-a1", again)
        .given("p-subdistrict_leader-street-a", approve(2))
        .stands(Status::Dispatched);
}

#[test]
fn a_whistle_is_taken_back_before_it_is_active_and_not_after() {
    drafted()
        .given("p-community_officer-community-a1", take_back())
        .then("WhistleWithdrawn ClockCancelled")
        .stands(Status::Filed);
    whistled()
        .when("p-community_officer-community-a1", take_back())
        .forbidden("whistle 1", StateReason::AlreadyDone);
}

#[test]
fn an_emergency_acts_first_and_is_confirmed_afterwards() {
    let story = Story::begins().given("p-grid_worker", own_matter("EMERGENCY")).stands(Status::Dispatched);
    assert_eq!(
        story.clock(ClockKind::ReportIn, Subject::Obligation(ObligationNo(1))).due_at,
        local("2026-03-02T09:30")
    );
    assert_eq!(story.clock(ClockKind::WhistleApproval, WHISTLE).due_at, local("2026-03-02T11:00"));
    let story = story
        .when("p-handler-traffic", judge(true))
        .role_missing()
        .at("2026-03-02T10:00")
        .given("p-subdistrict_leader-street-a", judge(true))
        .then("WhistleConfirmed ClockSettled")
        .when("p-duty_leader", judge(false))
        .forbidden("whistle 1", StateReason::AlreadyDone);
    assert_eq!(story.clock(ClockKind::WhistleApproval, WHISTLE).ended_at, Some(local("2026-03-02T10:00")));
    whistled().when("p-duty_leader", judge(true)).forbidden("whistle 1", StateReason::NoSuchStep);
}

#[test]
fn whoever_blew_an_emergency_does_not_confirm_it() {
    blown("EMERGENCY")
        .when("p-subdistrict_leader-street-a", judge(true))
        .forbidden("whistle 1", StateReason::SamePerson);
}

#[test]
fn an_emergency_struck_lets_everybody_go() {
    let story = Story::begins()
        .given("p-grid_worker", own_matter("EMERGENCY"))
        .given("p-handler-traffic", report_in(1, local("2026-03-02T09:00"), None))
        .given("p-duty_leader", judge(false))
        .stands(Status::Filed)
        .duty_is(1, ObligationState::Withdrawn)
        .duty_is(2, ObligationState::Withdrawn);
    assert_eq!(story.case.whistles[0].phase, WhistlePhase::Invalid);
    assert_eq!(story.clock(ClockKind::WhistleApproval, WHISTLE).phase, ClockPhase::Settled);
}

#[test]
fn an_emergency_may_be_judged_after_everybody_went() {
    let now = local("2026-03-02T09:00");
    let mut story = Story::begins().given("p-grid_worker", own_matter("EMERGENCY"));
    for (no, who) in [(1, "p-handler-traffic"), (2, "p-handler-enforcement")] {
        story = story
            .given(who, report_in(no, now, None))
            .given(who, complete(no))
            .given("p-subdistrict_officer-street-a", confirm(no));
    }
    let story = story.given("p-subdistrict_officer-street-a", stand_down(1));
    assert!(story.clock(ClockKind::WhistleApproval, WHISTLE).is_open());
    story.given("p-duty_leader", judge(true)).then("WhistleConfirmed ClockSettled");
}

#[test]
fn a_drill_is_the_centres_and_goes_without_confirmation() {
    filed()
        .when("p-subdistrict_leader-street-a", Command::Blow(blow("DRILL", traffic_and_enforcement())))
        .role_missing();
    let story = filed().given("p-district_centre", Command::Blow(blow("DRILL", traffic_and_enforcement())));
    assert!(!story.duty(1).has(registry::Step::Confirm));
}

#[test]
fn an_active_whistle_calls_more_and_changes_its_lead() {
    let officer = "p-subdistrict_officer-street-a";
    whistled()
        .when("p-handler-traffic", add("housing", Part::Co))
        .role_missing()
        .when(officer, add("housing", Part::Lead))
        .invalid(&[("party.part", "OUT_OF_RANGE")])
        .given(officer, add("housing", Part::Co))
        .then("WhistlePartyAdded ClockArmed ClockArmed ClockArmed")
        .given(officer, add("housing", Part::Co))
        .when(officer, lead(1))
        .forbidden("obligation 1", StateReason::AlreadyDone)
        .when(officer, lead(9))
        .refused(&Refusal::NoSuchPart { part: "obligation 9".to_owned() })
        .given(officer, lead(3))
        .then("WhistleLeadChanged");
    drafted().when(officer, add("housing", Part::Co)).forbidden("whistle 1", StateReason::NotActive);
    drafted().when(officer, stand_down(1)).forbidden("whistle 1", StateReason::NotActive);
    let registry = changed(|content| content.policies.limits.parties_max = 2);
    whistled().under(registry).when(officer, add("housing", Part::Co)).limited("parties_max");
}

/// The lead of a dispatched case stays its lead, whoever leads the whistle.
#[test]
fn a_whistle_on_a_dispatched_case_has_a_lead_of_its_own() {
    let story = in_progress()
        .given("p-subdistrict_leader-street-a", Command::Blow(blow("ROUTINE", traffic_and_enforcement())))
        .given("p-subdistrict_officer-street-a", lead(4));
    assert_eq!(story.case.lead, Some(ObligationNo(1)));
    assert_eq!((story.duty(3).part, story.duty(4).part), (Part::Co, Part::Lead));
}

fn settled_by(rule: SettledBy) -> Story {
    let registry = changed(|content| content.policies.whistles[0].settled_by = rule);
    let mut own = own_matter("ROUTINE");
    let optional = Party { mandatory: false, ..party("housing", Part::Co) };
    own.blow.parties = vec![party("traffic", Part::Lead), party("enforcement", Part::Co), optional];
    let mut story = Story::begins()
        .under(registry)
        .given("p-community_officer-community-a1", own)
        .given("p-subdistrict_leader-street-a", approve(1));
    for (no, who) in [(1, "p-handler-traffic"), (2, "p-handler-enforcement"), (3, "p-handler-housing")] {
        story = story.given(who, report_in(no, local("2026-03-02T09:00"), None));
    }
    story
}

fn done(story: Story, no: u32, who: &str) -> Story {
    story.given(who, complete(no)).given("p-community_officer-community-a1", confirm(no))
}

#[test]
fn standing_down_needs_settled_duties_by_each_rule() {
    let officer = "p-community_officer-community-a1";
    let open =
        |story: Story| story.when(officer, stand_down(1)).forbidden("whistle 1", StateReason::DutiesOpen);
    let down = |story: Story| story.given(officer, stand_down(1)).then_besides_clocks("WhistleStoodDown");
    let traffic = |story| done(story, 1, "p-handler-traffic");
    let enforcement = |story| done(story, 2, "p-handler-enforcement");
    let housing = |story| done(story, 3, "p-handler-housing");

    let all = open(enforcement(traffic(settled_by(SettledBy::All))));
    down(housing(all)).duty_is(3, ObligationState::Confirmed);
    let mandatory = open(housing(traffic(settled_by(SettledBy::LeadPlusMandatory))));
    down(enforcement(mandatory));
    down(enforcement(traffic(settled_by(SettledBy::LeadPlusMandatory))))
        .duty_is(3, ObligationState::Withdrawn);
    let any = open(settled_by(SettledBy::Any));
    down(housing(any)).duty_is(1, ObligationState::Withdrawn).stands(Status::Filed);
    let quorum = open(housing(settled_by(SettledBy::Quorum(2))));
    down(traffic(quorum)).duty_is(2, ObligationState::Withdrawn);
}

#[test]
fn no_more_is_asked_of_a_whistle_than_there_are_left_to_answer() {
    for rule in [SettledBy::Quorum(9), SettledBy::Any, SettledBy::All] {
        let story = settled_by(rule);
        let story = done(
            done(done(story, 1, "p-handler-traffic"), 2, "p-handler-enforcement"),
            3,
            "p-handler-housing",
        );
        story.given("p-community_officer-community-a1", stand_down(1));
    }
}

#[test]
fn a_whistle_is_rated_by_the_centre_once_it_is_over() {
    let story = gathered();
    let story = story
        .when("p-district_centre", rate(3))
        .forbidden("whistle 1", StateReason::StillOpen)
        .given("p-handler-traffic", complete(1))
        .given("p-handler-enforcement", complete(2))
        .given("p-community_officer-community-a1", confirm(1))
        .given("p-community_officer-community-a1", confirm(2))
        .given("p-community_officer-community-a1", stand_down(1));
    story
        .when("p-community_officer-community-a1", rate(5))
        .role_missing()
        .when("p-district_centre", rate(9))
        .invalid(&[("score", "OUT_OF_RANGE")])
        .given("p-district_centre", rate(5))
        .then("WhistleRated")
        .when("p-supervisor", rate(1))
        .forbidden("whistle 1", StateReason::AlreadyDone);
}

#[test]
fn a_plan_names_measures_of_open_duties() {
    let officer = "p-community_officer-community-a1";
    whistled()
        .when(officer, plan(Some(1), &[]))
        .invalid(&[("measures", "REQUIRED")])
        .when(officer, plan(Some(1), &[1, 8, 9]))
        .invalid(&[("measures[1].responsible", "UNKNOWN"), ("measures[2].responsible", "UNKNOWN")])
        .when(officer, plan(Some(2), &[1]))
        .refused(&Refusal::NoSuchPart { part: "whistle 2".to_owned() })
        .when("p-handler-traffic", plan(Some(1), &[1]))
        .role_missing()
        .given(officer, plan(Some(1), &[1, 2]))
        .given(officer, plan(None, &[1]));
    drafted().when(officer, plan(Some(1), &[1])).status_forbids();
}

/// 向阳街 took twelve rounds.
#[test]
fn twelve_rounds_of_deliberation_are_counted() {
    let officer = "p-community_officer-community-a1";
    let mut story = whistled();
    for _ in 1..12 {
        story = story.given(officer, round(false)).then("DeliberationRoundHeld");
    }
    let story = story.given(officer, round(true));
    assert_eq!(story.case.rounds, 12);
    let registry = changed(|content| content.policies.limits.deliberation_rounds_max = 12);
    story.under(registry).when(officer, round(true)).limited("deliberation_rounds_max");
}

#[test]
fn no_more_whistles_than_the_limit_and_none_on_what_is_disposed() {
    let leader = "p-subdistrict_leader-street-a";
    let again = || Command::Blow(blow("ROUTINE", traffic_and_enforcement()));
    let registry = changed(|content| content.policies.limits.whistles_max = 1);
    blown("ROUTINE").under(registry).when(leader, again()).limited("whistles_max");
    super::acts::disposed().when(leader, again()).status_forbids();
}

#[test]
fn in_emergency_mode_the_kind_of_whistle_still_decides() {
    let mut story = filed();
    story.mode = Mode::Emergency;
    let story = story
        .given("p-subdistrict_leader-street-a", Command::Blow(blow("ROUTINE", traffic_and_enforcement())));
    let clock = story.clock(ClockKind::SignFor, Subject::Obligation(ObligationNo(1)));
    assert_eq!(clock.rule.as_ref().unwrap().as_str(), "sign-for-routine");
}

#[test]
fn the_case_goes_on_from_a_whistle_to_its_lead() {
    let now = local("2026-03-02T09:00");
    let story = gathered()
        .when("p-handler-traffic", super::acts::dispose(now))
        .forbidden("obligation 1", StateReason::NotCompleted)
        .given("p-handler-traffic", complete(1))
        .given("p-handler-enforcement", complete(2))
        .when("p-handler-traffic", super::acts::dispose(now))
        .forbidden("obligation 1", StateReason::NotCompleted)
        .given("p-community_officer-community-a1", confirm(1))
        .given("p-community_officer-community-a1", confirm(2))
        .when("p-handler-traffic", super::acts::dispose(now))
        .forbidden("whistle 1", StateReason::StillOpen)
        .given("p-community_officer-community-a1", stand_down(1));
    story.given("p-handler-traffic", super::acts::dispose(now)).stands(Status::Disposed);
    whistled()
        .given("p-handler-traffic", sign_for(1))
        .when("p-dispatcher", dispatch(None, &[]))
        .status_forbids();
}
