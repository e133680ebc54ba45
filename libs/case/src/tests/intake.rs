use registry::ids::{MatterId, PersonId};
use registry::{ClockKind, Datum, Grade};

use super::acts::{
    GRID, accept, accepted, closed, decide_exit, disposed, exit, file, filed, in_area, in_progress, note,
    raise, raised, raiser, reject, ticket,
};
use super::kit::{Act, Story, local, photo, reason, sealed};
use crate::event::parts::{Defect, EvidenceKind, GeoPoint, Outcome, Profile, Subject};
use crate::flow::Status;
use crate::intake::{Command, Exit, Raise};
use crate::refusal::StateReason;
use crate::rules::PlaceGiven;

fn with_place(place: PlaceGiven) -> Raise {
    Raise { place, ..raise(Profile::Hotline) }
}

fn point(lat_microdeg: i32, lon_microdeg: i32) -> PlaceGiven {
    let point = GeoPoint { lat_microdeg, lon_microdeg, datum: Datum::Wgs84, accuracy_m: None };
    PlaceGiven { point: Some(point), ..PlaceGiven::default() }
}

fn triage(matter: Option<&str>, place: Option<PlaceGiven>, dismissed: Vec<Defect>) -> Command {
    Command::Triage { matter: matter.map(|id| MatterId::new(id).unwrap()), place, dismissed }
}

fn verification(inspector: &str) -> Command {
    Command::RequestVerification { inspector: PersonId::new(inspector).unwrap(), note: None }
}

fn verify(genuine: bool) -> Command {
    Command::Verify { genuine, finding: None, evidence: Vec::new() }
}

fn self_handle(shown: &[EvidenceKind]) -> Command {
    Command::SelfHandle { evidence: shown.iter().map(|kind| photo(*kind)).collect(), note: None }
}

fn garbage() -> Raise {
    Raise { matter: Some("garbage".to_owned()), ..raise(Profile::SelfHandled) }
}

#[test]
fn a_whole_ticket_is_raised_and_waits_to_be_accepted() {
    let story = raised().then("CaseRaised ClockArmed");
    let clock = story.clock(ClockKind::Accept, Subject::Case);
    assert_eq!(clock.due_at, local("2026-03-02T09:30"));
    assert_eq!(clock.warn_at, [local("2026-03-02T09:24")]);
}

#[test]
fn a_citizen_is_never_refused_and_what_is_wrong_is_listed() {
    let raises = [
        (Raise { matter: None, ..raise(Profile::Hotline) }, Defect::MatterMissing),
        (Raise { matter: Some("no such".to_owned()), ..raise(Profile::Hotline) }, Defect::MatterUnknown),
        (with_place(PlaceGiven::default()), Defect::PlaceMissing),
        (with_place(in_area("12345")), Defect::AreaUnknown),
        (with_place(in_area("999900009009009")), Defect::AreaUnknown),
        (with_place(point(39_900_000, 116_400_000)), Defect::OutsideDistrict),
        (with_place(point(99_000_000, 116_400_000)), Defect::PointInvalid),
        (
            with_place(PlaceGiven { compound: Some("nowhere".to_owned()), ..in_area(GRID) }),
            Defect::CompoundUnknown,
        ),
        (
            Raise { occurred_at: local("2026-03-02T09:11"), ..raise(Profile::Hotline) },
            Defect::TimeImplausible,
        ),
        (Raise { text: None, ..raise(Profile::Hotline) }, Defect::TextMissing),
        (Raise { defects: vec![Defect::TextDamaged], ..raise(Profile::Hotline) }, Defect::TextDamaged),
    ];
    for (raise, defect) in raises {
        let story = Story::begins().given("p-call_taker", raise).stands(Status::Untriaged);
        assert!(story.case.defects.contains(&defect), "{defect:?}: {:?}", story.case.defects);
        assert!(story.clock(ClockKind::Triage, Subject::Case).is_open());
    }
}

#[test]
fn a_device_ten_minutes_ahead_is_believed() {
    let ahead = Raise { occurred_at: local("2026-03-02T09:10"), ..raise(Profile::Hotline) };
    Story::begins().given("p-call_taker", ahead).stands(Status::Raised);
}

#[test]
fn a_point_finds_its_grid_compound_and_building() {
    let story = Story::begins().given("p-call_taker", with_place(point(36_002_000, 120_002_000)));
    assert_eq!(story.case.area().unwrap().as_str(), GRID);
    assert_eq!(story.case.compound().unwrap().as_str(), "compound-a");
    assert_eq!(story.case.status, Status::Raised);
}

#[test]
fn a_building_names_its_compound_and_community() {
    let building = PlaceGiven { building: Some("building-8".to_owned()), ..PlaceGiven::default() };
    let story = Story::begins().given("p-call_taker", with_place(building)).stands(Status::Raised);
    assert_eq!(story.case.area().unwrap().as_str(), "999900001001");
}

#[test]
fn a_question_need_not_lie_anywhere() {
    let question = Raise { place: PlaceGiven::default(), ..raise(Profile::Consult) };
    Story::begins().given("p-call_taker", question).stands(Status::Raised);
}

#[test]
fn only_some_may_raise_and_each_case_once() {
    for profile in Profile::ALL {
        Story::begins().when("p-auditor", raise(profile)).role_missing();
        let story = Story::begins().given(raiser(profile), raise(profile));
        story.when(raiser(profile), raise(profile)).forbidden("case", StateReason::AlreadyDone);
    }
}

#[test]
fn every_violation_of_a_raise_is_named_at_once() {
    let raise =
        Raise { demand_class: Some("类".repeat(22)), ticket: Some(ticket("")), ..raise(Profile::Hotline) };
    Story::begins()
        .when("p-call_taker", raise)
        .invalid(&[("demand_class", "TOO_LONG"), ("ticket.number", "OUT_OF_RANGE")]);
}

#[test]
fn evidence_is_named_by_a_hash_and_bounded() {
    let mut bad = photo(EvidenceKind::OnSite);
    bad.sha256 = "A".repeat(64);
    let attach = |evidence| Command::AttachEvidence { evidence };
    raised()
        .when("p-call_taker", attach(vec![photo(EvidenceKind::OnSite), bad]))
        .invalid(&[("evidence[1].sha256", "MALFORMED")])
        .when("p-call_taker", attach(Vec::new()))
        .invalid(&[("evidence", "REQUIRED")])
        .given("p-call_taker", attach(vec![photo(EvidenceKind::OnSite); 256]))
        .when("p-call_taker", attach(vec![photo(EvidenceKind::OnSite)]))
        .limited("evidence_max");
}

#[test]
fn triage_settles_one_defect_after_another() {
    let wanting = Raise { matter: None, place: PlaceGiven::default(), ..raise(Profile::Hotline) };
    Story::begins()
        .given("p-call_taker", wanting)
        .when("p-receptionist", triage(None, None, Vec::new()))
        .invalid(&[("command", "NO_EFFECT")])
        .when("p-receptionist", triage(None, None, vec![Defect::MatterMissing]))
        .invalid(&[("command", "NO_EFFECT")])
        .when("p-receptionist", triage(Some("unheard-of"), None, Vec::new()))
        .unregistered("unheard-of")
        .given("p-receptionist", triage(None, Some(in_area(GRID)), Vec::new()))
        .then("CaseTriaged")
        .stands(Status::Untriaged)
        .given("p-receptionist", triage(Some("road"), None, Vec::new()))
        .then("CaseTriaged ClockSettled ClockArmed")
        .stands(Status::Raised)
        .when("p-receptionist", triage(Some("parking"), None, Vec::new()))
        .status_forbids();
}

#[test]
fn a_defect_somebody_looked_at_may_be_let_pass() {
    let silent = Raise { text: None, ..raise(Profile::Hotline) };
    Story::begins()
        .given("p-call_taker", silent)
        .given("p-receptionist", triage(None, None, vec![Defect::TextMissing]))
        .stands(Status::Raised);
}

#[test]
fn a_residents_report_is_verified_by_the_one_who_was_named() {
    Story::begins()
        .given("p-resident", raise(Profile::Public))
        .when("p-receptionist", accept())
        .status_forbids()
        .when("p-receptionist", verification("p-handler-traffic"))
        .unregistered("p-handler-traffic")
        .given("p-receptionist", verification("p-grid_worker"))
        .then("VerificationRequested ClockSettled ClockArmed")
        .stands(Status::Verifying)
        .when("p-receptionist", accept())
        .forbidden("verification", StateReason::NotCompleted)
        .when("p-inspector", verify(true))
        .forbidden("verification", StateReason::NotTheHolder)
        .given("p-grid_worker", verify(true))
        .then("CaseVerified ClockSettled ClockArmed")
        .when("p-grid_worker", verify(false))
        .forbidden("verification", StateReason::AlreadyDone)
        .given("p-receptionist", accept())
        .stands(Status::Accepted);
}

#[test]
fn what_is_not_there_is_rejected_and_not_accepted() {
    Story::begins()
        .given("p-resident", raise(Profile::Public))
        .given("p-receptionist", verification("p-grid_worker"))
        .given("p-grid_worker", verify(false))
        .when("p-receptionist", accept())
        .forbidden("verification", StateReason::NotCompleted)
        .given("p-receptionist", reject())
        .stands(Status::Rejected);
}

#[test]
fn a_rejection_gives_a_reason_of_the_catalogue_and_may_be_appealed() {
    let appeal = Command::AppealRejection { words: None };
    raised()
        .when("p-dispatcher", reject())
        .role_missing()
        .when("p-receptionist", Command::Reject { reason: reason("bored"), reply: sealed("no") })
        .unregistered("reject/bored")
        .when("p-receptionist", appeal.clone())
        .status_forbids()
        .given("p-receptionist", reject())
        .then("CaseRejected ClockSettled")
        .given("p-duty_leader", appeal)
        .then("RejectionAppealed ClockArmed")
        .stands(Status::Accepted);
}

#[test]
fn a_direct_answer_ends_a_question() {
    let answer = Command::AnswerDirectly { reply: sealed("at window 3") };
    let story = Story::begins()
        .given("p-call_taker", raise(Profile::Consult))
        .when("p-call_taker", answer.clone())
        .status_forbids()
        .given("p-call_taker", accept())
        .given("p-call_taker", answer)
        .then("CaseAnswered ClockSettled")
        .stands(Status::Closed);
    assert_eq!(story.case.outcome, Some(Outcome::Answered));
}

#[test]
fn self_handling_shows_before_and_after_and_is_audited() {
    let audit = |passed| Command::AuditSelfHandled { passed, note: None };
    Story::begins()
        .given("p-grid_worker", garbage())
        .when("p-grid_worker", self_handle(&[EvidenceKind::OnSite]))
        .invalid(&[("evidence", "REQUIRED"), ("evidence", "REQUIRED")])
        .given("p-grid_worker", self_handle(&[EvidenceKind::Before, EvidenceKind::After]))
        .then("CaseAccepted SelfHandled ClockSettled ClockArmed")
        .stands(Status::SelfHandled)
        .when("p-grid_worker", audit(true))
        .role_missing()
        .given("p-receptionist", audit(false))
        .stands(Status::Accepted)
        .given("p-grid_worker", self_handle(&[EvidenceKind::Before, EvidenceKind::After]))
        .given("p-duty_leader", audit(true))
        .stands(Status::Closed);
}

#[test]
fn only_matters_that_allow_it_are_self_handled() {
    Story::begins()
        .given("p-grid_worker", raise(Profile::GridWorker))
        .given("p-receptionist", accept())
        .when("p-grid_worker", self_handle(&[EvidenceKind::Before, EvidenceKind::After]))
        .forbidden("matter", StateReason::NoSuchStep);
}

#[test]
fn filing_takes_the_matters_grade_unless_told_otherwise() {
    assert_eq!(filed().case.grade, Some(Grade::Ordinary));
    let urgent = Command::File {
        matter: Some(MatterId::new("fire-passage").unwrap()),
        grade: Some(Grade::ExtraUrgent),
        place: None,
    };
    let story =
        accepted().given("p-duty_leader", urgent).then("CaseFiled ClockSettled ClockArmed ClockArmed");
    assert_eq!(story.case.grade, Some(Grade::ExtraUrgent));
    assert_eq!(story.clock(ClockKind::Whole, Subject::Case).due_at, local("2026-03-03T09:00"));
}

#[test]
fn filing_names_everything_that_is_wanting() {
    let bare = Raise { matter: None, place: PlaceGiven::default(), ..raise(Profile::Consult) };
    let nowhere = Command::File { matter: None, grade: None, place: Some(in_area("999900001009")) };
    Story::begins()
        .given("p-call_taker", bare)
        .given("p-call_taker", accept())
        .when("p-receptionist", file())
        .role_missing()
        .when("p-duty_leader", file())
        .invalid(&[("matter", "REQUIRED")])
        .when("p-duty_leader", nowhere)
        .invalid(&[("matter", "REQUIRED"), ("place", "UNKNOWN")])
        .when(
            "p-duty_leader",
            Command::File { matter: Some(MatterId::new("road").unwrap()), grade: None, place: None },
        )
        .invalid(&[("place.area", "REQUIRED")]);
}

#[test]
fn comments_never_move_a_due_date() {
    let mut story = in_progress();
    let before = story.case.clocks.clone();
    for hour in 10..17 {
        story =
            story.at(&format!("2026-03-02T{hour}:00")).given("p-handler-housing", note()).then("NoteAdded");
    }
    assert_eq!(story.case.clocks, before);
    story.when("p-auditor", note()).role_missing();
}

#[test]
fn who_cannot_see_a_case_is_told_there_is_none() {
    let not_found = &crate::refusal::Refusal::NotFound;
    raised()
        .when("p-handler-traffic", note())
        .refused(not_found)
        .when("p-subdistrict_leader-street-b", note())
        .refused(not_found)
        .when("p-resident", note())
        .refused(not_found)
        .when("other-city", Act::Intake(Command::Accept))
        .refused(not_found);
    Story::begins().when("p-receptionist", accept()).refused(not_found);
}

#[test]
fn the_reporter_takes_a_case_back_until_somebody_works_on_it() {
    let withdraw = Command::Withdraw { words: None };
    let public = || Story::begins().given("p-resident", raise(Profile::Public));
    public()
        .given("p-resident", withdraw.clone())
        .then("CaseWithdrawn ClockCancelled")
        .stands(Status::Withdrawn);
    public().when("p-grid_worker", withdraw.clone()).forbidden("case", StateReason::NotTheHolder);
    in_progress().when("p-call_taker", withdraw.clone()).status_forbids();
    for story in [raised(), filed(), in_progress(), disposed()] {
        story.given("hotline", withdraw.clone()).stands(Status::Withdrawn);
    }
    closed().when("hotline", withdraw).status_forbids();
}

#[test]
fn two_persons_void_a_case() {
    let void = || exit(Exit::Void, "false-report");
    filed()
        .when("p-handler-housing", void())
        .refused(&crate::refusal::Refusal::NotFound)
        .when("p-receptionist", exit(Exit::Void, "no-owner"))
        .unregistered("void/no-owner")
        .given("p-duty_leader", void())
        .then("VoidRequested")
        .when("p-dispatcher", void())
        .forbidden("request", StateReason::StillOpen)
        .when("p-duty_leader", decide_exit(1, true))
        .forbidden("request 1", StateReason::SamePerson)
        .when("p-receptionist", decide_exit(1, true))
        .role_missing()
        .given("p-duty_leader-2", decide_exit(1, false))
        .then("VoidRefused")
        .when("p-supervisor", decide_exit(1, true))
        .forbidden("request 1", StateReason::AlreadyDone)
        .given("p-dispatcher", void())
        .given("p-supervisor", decide_exit(2, true))
        .then("CaseVoided ClockCancelled ClockCancelled")
        .stands(Status::Voided);
}

#[test]
fn the_other_exits_take_their_edges_and_no_others() {
    in_progress().when("p-dispatcher", exit(Exit::Void, "false-report")).status_forbids();
    accepted().when("p-dispatcher", exit(Exit::ForceClose, "no-owner")).status_forbids();
    in_progress()
        .given("p-dispatcher", exit(Exit::Terminate, "subject-gone"))
        .given("p-duty_leader", decide_exit(1, true))
        .stands(Status::Terminated);
    in_progress()
        .given("p-dispatcher", exit(Exit::ForceClose, "no-owner"))
        .given("p-district_centre", decide_exit(1, true))
        .stands(Status::ForceClosed);
}

#[test]
fn an_exclusion_leaves_the_case_where_it_is() {
    let exclude = || exit(Exit::Exclude, "malicious");
    let story = closed()
        .given("p-receptionist", exclude())
        .given("p-supervisor", decide_exit(1, true))
        .then("CaseExcluded")
        .stands(Status::Closed)
        .when("p-receptionist", exclude())
        .forbidden("case", StateReason::AlreadyDone);
    assert!(story.case.excluded);
}

#[test]
fn a_request_lapses_with_the_case_it_was_about() {
    let story = in_progress()
        .given("p-dispatcher", exit(Exit::Terminate, "subject-gone"))
        .given("hotline", Command::Withdraw { words: None })
        .when("p-duty_leader", decide_exit(1, true))
        .forbidden("request 1", StateReason::Ended);
    assert!(story.case.requests[0].lapsed_at.is_some());
}

#[test]
fn an_unknown_request_is_no_part_of_the_case() {
    let none = crate::refusal::Refusal::NoSuchPart { part: "request 4".to_owned() };
    filed().when("p-duty_leader", decide_exit(4, true)).refused(&none);
}
