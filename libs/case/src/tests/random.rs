//! Acts drawn at random: anything anybody may try, and what would take the case on.

use jiff::civil::date;
use registry::ids::{MatterId, PersonId};
use registry::{Mode, Step};

use super::acts::{
    assign, blow, called, check, close, complete, confirm, decide_exit, dispatch, dispose, in_area,
    not_reached, note, own_matter, plan, raise, refuse, reject, report_in, sign_for, stand_down, strike_off,
};
use super::kit::{Act, Story, ground, local, minutes, org_id, party, photo, reason, sealed};
use crate::closure;
use crate::event::Event;
use crate::event::closure::ReopenCause;
use crate::event::dispatch::{
    CaseResumed, CaseSuspended, ObligationWithdrawn, ReturnRequested, ReturnUpheld, SuspensionRequested,
    SuspensionReviewed,
};
use crate::event::intake::ExternalDueSet;
use crate::event::parts::{By, EvidenceKind, Outcome, Part, Profile};
use crate::event::whistle::DeliberationForm;
use crate::flow::Status;
use crate::ids::{KeyId, ObligationNo, RequestNo, WhistleNo};
use crate::intake::{Command as Intake, Exit, Raise};
use crate::routing::Command as Routing;
use crate::state::{Obligation, ObligationState, RequestKind, WhistlePhase};
use crate::time::At;

/// Numbers without end from one seed (SplitMix64): the same seed, the same story.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    /// A number of something the case has `count` of, or one too many.
    fn no(&mut self, count: usize) -> u32 {
        u32::try_from(1 + self.roll(count + 1)).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

const ANYBODY: [&str; 24] = [
    "p-receptionist",
    "p-duty_leader",
    "p-duty_leader-2",
    "p-dispatcher",
    "p-inspector",
    "p-caller_back",
    "p-district_centre",
    "p-supervisor",
    "p-auditor",
    "p-call_taker",
    "hotline",
    "p-subdistrict_leader-street-a",
    "p-subdistrict_officer-street-a",
    "p-subdistrict_leader-street-b",
    "p-community_officer-community-a1",
    "p-grid_worker",
    "p-resident",
    "p-handler-traffic",
    "p-handler-enforcement",
    "p-handler-housing",
    "p-org_dispatcher-housing",
    "p-handler-street-a",
    "p-org_dispatcher-traffic",
    "p-handler-housing-section",
];
const ORGS: [&str; 7] =
    ["traffic", "enforcement", "housing", "street-a", "community-a1", "housing-section", "property-a"];
const KINDS: [&str; 5] = ["ROUTINE", "HARD_CASE", "JOINT_ENFORCEMENT", "EMERGENCY", "DRILL"];
const LEADER: &str = "p-subdistrict_leader-street-a";

/// Raises a case of some profile, whole or wanting.
pub(super) fn beginning(dice: &mut Dice) -> Story {
    let mut story = Story::begins();
    if dice.chance(10) {
        story.mode = Mode::Emergency;
    }
    let profile = Profile::ALL[dice.roll(Profile::ALL.len())];
    if profile == Profile::WhistleOnly && dice.chance(70) {
        return story.given("p-community_officer-community-a1", own_matter("ROUTINE"));
    }
    let matter = if profile == Profile::SelfHandled { "garbage" } else { dice.pick(&["road", "parking"]) };
    let external_due_at = dice.chance(20).then(|| local("2026-03-06T18:00"));
    let reporters = if dice.chance(80) { vec![super::acts::reporter(1)] } else { Vec::new() };
    let text = dice.chance(90).then(|| sealed("words"));
    let ticket = Some(super::acts::ticket("T-1"));
    let matter = Some(matter.to_owned());
    let whole = Raise { matter, text, external_due_at, reporters, ticket, ..raise(profile) };
    story.given(super::acts::raiser(profile), whole)
}

/// Goes on a while: minutes mostly, sometimes days.
pub(super) fn later(dice: &mut Dice, now: At) -> At {
    let by = [0, 0, 0, 1, 7, 45, 45, 200, 200, 1_440, 5_000];
    minutes(now, by[dice.roll(by.len())])
}

/// What would take the case on, by whoever may.
pub(super) fn forward(story: &Story, dice: &mut Dice) -> (String, Act) {
    let case = &story.case;
    if let Some(request) = case.requests.iter().find(|request| case.is_pending(request))
        && dice.chance(50)
    {
        let decided: Act = if matches!(request.kind, RequestKind::Objection(_)) {
            Routing::DecideObjection { request: request.no, uphold: dice.chance(50), words: None }.into()
        } else {
            decide_exit(request.no.0, dice.chance(10)).into()
        };
        return ("p-district_centre-2".to_owned(), decided);
    }
    let by = |who: &str, act: Act| (who.to_owned(), act);
    match case.status {
        Status::Untriaged => by(
            "p-receptionist",
            Intake::Triage {
                matter: Some(MatterId::new("road").unwrap()),
                place: Some(in_area(super::acts::GRID)),
                dismissed: case.defects.clone(),
            }
            .into(),
        ),
        Status::Raised => raised(story, dice),
        Status::Verifying if case.genuine.is_none() => {
            by("p-grid_worker", Intake::Verify { genuine: true, finding: None, evidence: Vec::new() }.into())
        }
        Status::Verifying => by("p-receptionist", Intake::Accept.into()),
        Status::Accepted if case.profile == Profile::Consult => {
            by("p-call_taker", Intake::AnswerDirectly { reply: sealed("so it is") }.into())
        }
        Status::Accepted => by("p-duty_leader", super::acts::file().into()),
        Status::SelfHandled => {
            by("p-receptionist", Intake::AuditSelfHandled { passed: dice.chance(80), note: None }.into())
        }
        Status::Filed | Status::Dispatched | Status::InProgress => handled(story, dice),
        Status::Suspended => ("p-operator".to_owned(), event(CaseResumed { by: nobody() })),
        Status::Disposed => by("p-inspector", check(dice.chance(85)).into()),
        Status::Checked if dice.chance(60) => by("p-caller_back", called(1, dice.chance(85)).into()),
        Status::Checked => by("p-duty_leader", close(Outcome::Solved).into()),
        Status::Closed => {
            by("hotline", closure::Command::Reopen { cause: ReopenCause::Source, words: None }.into())
        }
        Status::Rejected => by("p-duty_leader", Intake::AppealRejection { words: None }.into()),
        Status::Merged
        | Status::Split
        | Status::Withdrawn
        | Status::Voided
        | Status::Terminated
        | Status::ForceClosed => by("p-receptionist", note()),
    }
}

fn raised(story: &Story, dice: &mut Dice) -> (String, Act) {
    let by = |who: &str, act: Act| (who.to_owned(), act);
    match story.case.profile {
        Profile::Imported => by("hotline", crate::import::Command::ClosedAtSource.into()),
        Profile::Public => {
            let inspector = PersonId::new("p-grid_worker").unwrap();
            by("p-receptionist", Intake::RequestVerification { inspector, note: None }.into())
        }
        Profile::SelfHandled if dice.chance(80) => {
            let evidence = vec![photo(EvidenceKind::Before), photo(EvidenceKind::After)];
            by("p-grid_worker", Intake::SelfHandle { evidence, note: None }.into())
        }
        Profile::WhistleOnly => by("p-duty_leader", super::acts::file().into()),
        Profile::Hotline
        | Profile::GridWorker
        | Profile::SelfHandled
        | Profile::Consult
        | Profile::ListItem
        | Profile::Care
        | Profile::Inspection => by("p-receptionist", Intake::Accept.into()),
    }
}

/// Between filing and disposing: whistles and duties take their next step.
fn handled(story: &Story, dice: &mut Dice) -> (String, Act) {
    let case = &story.case;
    if let Some(whistle) = case.whistles.iter().find(|whistle| whistle.phase.is_open()) {
        let no = whistle.no;
        let called = || case.obligations.iter().filter(|duty| duty.whistle == Some(no));
        let act = match whistle.phase {
            WhistlePhase::Drafted if whistle.needs_approval => Some((LEADER, super::acts::approve(no.0))),
            WhistlePhase::Drafted | WhistlePhase::Approved => {
                Some(("p-district_centre", Routing::TriageWhistle { whistle: no, parties: Vec::new() }))
            }
            WhistlePhase::Active if called().all(Obligation::is_settled) => Some((LEADER, stand_down(no.0))),
            WhistlePhase::Triaged
            | WhistlePhase::Active
            | WhistlePhase::StoodDown
            | WhistlePhase::Withdrawn
            | WhistlePhase::HandedBack
            | WhistlePhase::Invalid => None,
        };
        if let Some((who, act)) = act {
            return (who.to_owned(), act.into());
        }
    }
    if case.status == Status::Filed {
        let parties = vec![party(dice.pick(&ORGS[..3]), Part::Lead), party(ORGS[3], Part::Co)];
        return if dice.chance(45) {
            (LEADER.to_owned(), Routing::Blow(blow(dice.pick(&KINDS), parties)).into())
        } else {
            ("p-dispatcher".to_owned(), dispatch(None, &[]).into())
        };
    }
    let lead = case.lead.map_or(0, |lead| lead.0);
    let waits = |duty: &&Obligation| {
        !duty.is_settled()
            && case.may_begin(duty)
            && (duty.no.0 != lead || duty.has(Step::Confirm) || duty.signed_at.is_none())
    };
    match case.obligations.iter().rev().find(waits) {
        Some(duty) => next_of(story, duty, dice),
        None => (holder_of(story, lead), dispose(story.now).into()),
    }
}

fn holder_of(story: &Story, no: u32) -> String {
    let org = story.case.obligation(ObligationNo(no)).map_or("centre", |duty| duty.org.as_str());
    if org == "centre" { "p-district_centre".to_owned() } else { format!("p-handler-{org}") }
}

fn next_of(story: &Story, duty: &Obligation, dice: &mut Dice) -> (String, Act) {
    let no = duty.no.0;
    if duty.state == ObligationState::Completed {
        return (LEADER.to_owned(), if dice.chance(25) { refuse(no) } else { confirm(no) }.into());
    }
    if dice.chance(15) && duty.reported_in_at.is_none() {
        return (holder_of(story, no), objection(duty.no).into());
    }
    let open = story.case.measures_of(duty.no).find(|measure| measure.struck_at.is_none());
    let act = if duty.signed_at.is_none() {
        sign_for(no)
    } else if duty.has(Step::ReportIn) && duty.reported_in_at.is_none() {
        report_in(no, story.now, None)
    } else if let Some(measure) = open {
        strike_off(measure.no.0)
    } else {
        complete(no)
    };
    (holder_of(story, no), act.into())
}

fn objection(obligation: ObligationNo) -> Routing {
    Routing::RaiseObjection { obligation, ground: ground("no-power") }
}

/// Where the holder of a duty may assign it to, and once in a while where it may not.
fn below(story: &Story, no: ObligationNo, dice: &mut Dice) -> &'static str {
    match story.case.obligation(no).map(|duty| duty.org.as_str()) {
        Some("housing") => "housing-section",
        Some("street-a") => "community-a1",
        Some("traffic") => "traffic",
        Some("enforcement") => "enforcement",
        _ => dice.pick(&ORGS),
    }
}

fn nobody() -> By {
    By::Automatic { rule: None }
}

fn event(event: impl Into<Event>) -> Act {
    Act::Event(event.into())
}

/// Anything, about parts that may not exist: by whoever usually does it, or by anybody.
pub(super) fn anything(story: &Story, dice: &mut Dice) -> (String, Act) {
    let act = match dice.roll(10) {
        0 | 1 => of_intake(story, dice),
        2..=4 => of_duties(story, dice),
        5 | 6 => of_whistles(story, dice),
        7 => of_closure(story, dice),
        _ => to_come(story, dice),
    };
    let who = if dice.chance(70) { usual(story, &act) } else { dice.pick(&ANYBODY).to_owned() };
    (who, act)
}

/// Who usually does it.
fn usual(story: &Story, act: &Act) -> String {
    let who = match act {
        Act::Intake(Intake::RequestExit { .. }) => "p-dispatcher",
        Act::Intake(Intake::DecideExit { .. } | Intake::File { .. } | Intake::DecideBreakGlass { .. }) => {
            "p-duty_leader"
        }
        Act::Intake(Intake::Withdraw { .. }) => "hotline",
        Act::Intake(Intake::RevealContact { .. } | Intake::RequestBreakGlass { .. }) => "p-handler-housing",
        Act::Routing(Routing::Dispatch { .. } | Routing::CallCoHandlers { .. }) => "p-dispatcher",
        Act::Routing(Routing::Assign { obligation, .. }) => {
            let holder = holder_of(story, obligation.0);
            return holder.replace("p-handler-", "p-org_dispatcher-");
        }
        Act::Routing(
            Routing::SignFor { obligation }
            | Routing::RecordContact { obligation, .. }
            | Routing::SetExternalRef { obligation, .. }
            | Routing::ReportIn { obligation, .. }
            | Routing::RaiseObjection { obligation, .. }
            | Routing::Complete { obligation, .. },
        ) => return holder_of(story, obligation.0),
        Act::Routing(
            Routing::DecideObjection { .. } | Routing::TriageWhistle { .. } | Routing::RateWhistle { .. },
        ) => "p-district_centre",
        Act::Routing(_) => LEADER,
        Act::Closure(closure::Command::Dispose(_)) => {
            return holder_of(story, story.case.lead.map_or(0, |lead| lead.0));
        }
        Act::Closure(closure::Command::Check { .. }) => "p-inspector",
        Act::Closure(closure::Command::Reopen { cause: ReopenCause::Source, .. }) => "hotline",
        Act::Closure(closure::Command::Close { .. }) => "p-duty_leader",
        Act::Closure(_) => "p-caller_back",
        Act::Intake(_) | Act::Raise(_) | Act::Own(_) | Act::Import(_) | Act::Automatic | Act::Event(_) => {
            "p-receptionist"
        }
    };
    who.to_owned()
}

fn of_intake(story: &Story, dice: &mut Dice) -> Act {
    let request = dice.no(story.case.requests.len());
    let exits = [
        (Exit::Void, "test-entry"),
        (Exit::Terminate, "subject-gone"),
        (Exit::ForceClose, "no-owner"),
        (Exit::Exclude, "malicious"),
    ];
    let (exit, code) = exits[dice.roll(4)];
    let key_id = KeyId::reporter(1);
    match dice.roll(13) {
        0 => Intake::Accept.into(),
        1 if dice.chance(30) => reject().into(),
        2 if dice.chance(20) => Intake::Withdraw { words: None }.into(),
        3 => super::acts::file().into(),
        4 | 5 => super::acts::exit(exit, code).into(),
        6 => decide_exit(request, dice.chance(30)).into(),
        7 => Intake::AttachEvidence { evidence: vec![photo(EvidenceKind::OnSite)] }.into(),
        8 => Intake::RevealContact { key_id, purpose: reason("contact") }.into(),
        9 => Intake::RequestBreakGlass { key_id, purpose: reason("contact") }.into(),
        10 => Intake::DecideBreakGlass { request: RequestNo(request), grant: true }.into(),
        11 => Intake::AnswerDirectly { reply: sealed("so it is") }.into(),
        _ => note(),
    }
}

fn of_duties(story: &Story, dice: &mut Dice) -> Act {
    let no = dice.no(story.case.obligations.len());
    let obligation = ObligationNo(no);
    let request = RequestNo(dice.no(story.case.requests.len()));
    match dice.roll(16) {
        0 => dispatch(Some(dice.pick(&ORGS)), &[]).into(),
        1 => Act::Automatic,
        2 | 3 => {
            let after = if dice.chance(50) { vec![obligation] } else { Vec::new() };
            let parties = vec![party(dice.pick(&ORGS), Part::Co)];
            Routing::CallCoHandlers { parties, after, words: None }.into()
        }
        4 | 5 => assign(no, below(story, obligation, dice), None).into(),
        6 => sign_for(no).into(),
        7 => {
            let contacted_at = story.now;
            Routing::RecordContact { obligation, contacted_at, who_and_how: sealed("by phone") }.into()
        }
        8 => Routing::SetExternalRef { obligation, external_ref: "JG-1".to_owned() }.into(),
        9 => report_in(no, story.now, None).into(),
        10 => objection(obligation).into(),
        11 => Routing::DecideObjection { request, uphold: dice.chance(50), words: None }.into(),
        12 => complete(no).into(),
        13 => refuse(no).into(),
        14 => Routing::RateResponse { obligation, score: 3, words: None }.into(),
        _ => strike_off(dice.no(story.case.measures.len())).into(),
    }
}

fn of_whistles(story: &Story, dice: &mut Dice) -> Act {
    let no = dice.no(story.case.whistles.len());
    let whistle = WhistleNo(no);
    let parties = vec![party(dice.pick(&ORGS), Part::Co), party("traffic", Part::Lead)];
    let co = party(dice.pick(&ORGS), Part::Co);
    let duty = dice.no(story.case.obligations.len());
    match dice.roll(15) {
        0 | 1 => Routing::Blow(blow(dice.pick(&KINDS), parties)).into(),
        2 => super::acts::approve(no).into(),
        3 => Routing::TriageWhistle { whistle, parties }.into(),
        4 if dice.chance(30) => Routing::HandBackWhistle { whistle, advice: sealed("alone first") }.into(),
        5 if dice.chance(30) => Routing::WithdrawWhistle { whistle, words: None }.into(),
        6 => Routing::AddParty { whistle, party: co, words: None }.into(),
        7 => Routing::ChangeLead { whistle, to: ObligationNo(duty), words: None }.into(),
        8 => stand_down(no).into(),
        9 => Routing::ConfirmWhistle { whistle, confirmed: dice.chance(70), words: None }.into(),
        10 => Routing::RateWhistle { whistle, score: 4, words: None }.into(),
        11 => Routing::IssuePresenceCode { whistle, code_mac: "mac".to_owned() }.into(),
        12 => plan(dice.chance(50).then_some(no), &[duty]).into(),
        13 => confirm(duty).into(),
        _ => Routing::RecordDeliberation {
            form: DeliberationForm::ResidentsCouncil,
            attendees: vec![org_id("traffic")],
            others: 3,
            result: sealed("go on"),
            agreed: false,
            next_at: None,
        }
        .into(),
    }
}

fn of_closure(story: &Story, dice: &mut Dice) -> Act {
    let causes = [ReopenCause::Reporter, ReopenCause::CallBack, ReopenCause::Inspection, ReopenCause::Source];
    match dice.roll(7) {
        0 => dispose(story.now).into(),
        1 => check(dice.chance(50)).into(),
        2 => called(1, dice.chance(50)).into(),
        3 => not_reached(1).into(),
        4 => close(Outcome::ExplainedNotSolved).into(),
        5 => closure::Command::ExemptCallBack { reason: reason("anonymous") }.into(),
        _ => closure::Command::Reopen { cause: causes[dice.roll(4)], words: None }.into(),
    }
}

/// What commands of later versions bring about, where they will allow it.
fn to_come(story: &Story, dice: &mut Dice) -> Act {
    let case = &story.case;
    let (by, request) = (nobody(), case.next_request());
    let worked_on = matches!(case.status, Status::Filed | Status::Dispatched | Status::InProgress);
    let asked = case.requests.iter().find(|r| r.is_open() && r.kind == RequestKind::Suspension);
    let open = case.obligations.iter().find(|duty| duty.is_open()).map(|duty| duty.no);
    let mut pending = case.requests.iter().filter(|request| case.is_pending(request));
    let returned = pending.find_map(|request| {
        let of = |duty: &Obligation| request.kind == RequestKind::Return(duty.no);
        case.obligations.iter().find(|duty| of(duty)).map(|duty| (request.no, duty.no))
    });
    match (dice.roll(6), asked, open) {
        (0 | 1, Some(asked), _) if worked_on => {
            let (request, reason) = (asked.no, reason("seasonal"));
            event(CaseSuspended { by, request, reason, review_on: date(2026, 5, 1) })
        }
        (0 | 1, None, _) if worked_on => event(SuspensionRequested {
            by,
            request,
            ground: ground("seasonal"),
            review_on: date(2026, 5, 1),
            interim_measure: sealed("a fence"),
            told_citizen: sealed("in spring"),
        }),
        (2, ..) if case.status == Status::Suspended => {
            event(SuspensionReviewed { by, review_on: date(2026, 6, 1), words: None })
        }
        (3, _, Some(obligation)) if worked_on => match returned {
            Some((request, obligation)) => event(ReturnUpheld { by, request, obligation }),
            None => event(ReturnRequested {
                by,
                request,
                obligation,
                ground: ground("not-our-duty"),
                suggestion: None,
            }),
        },
        (4, _, Some(obligation)) if worked_on || case.status == Status::Suspended => {
            event(ObligationWithdrawn { by, obligation, words: None })
        }
        (5, ..) if !case.status.is_ended() => event(ExternalDueSet { by, due_at: minutes(story.now, 3_000) }),
        _ => note(),
    }
}
