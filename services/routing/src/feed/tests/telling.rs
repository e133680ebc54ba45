//! Who hears what, and how much of it.

use case::event::clock::{ClockBreached, ClockWarned, EscalationStepTaken, Recipient};
use case::event::closure::CaseDisposed;
use case::event::dispatch::{MeasureStruckOff, ObjectionUpheld, ObligationReassigned, Reminded};
use case::event::parts::{By, Measure};
use case::event::whistle::JointPlanAgreed;
use case::ids::{CaseId, KeyId, MeasureNo, ObligationNo, RequestNo};
use case::routing::Command;
use case::time::At;
use registry::ClockKind;
use registry::ids::{RegistryVersion, RuleId};
use wire::pb::whistle::routing::v1::feed_message::Message;
use wire::pb::whistle::routing::v1::{DutyMove, FeedMessage, SubscribeRequest};

use super::support::{District, ENFORCEMENT, HOUSING, STREET, TRAFFIC, WORDS, all_told, org_id};
use crate::feed::opener::{ERASED, WITHHELD};

const NOBODY: By = By::Automatic { rule: None };

fn moves(message: &FeedMessage) -> Vec<(u32, DutyMove)> {
    message.duties.iter().map(|duty| (duty.obligation_no, duty.r#move())).collect()
}

fn payload(message: &FeedMessage) -> serde_json::Value {
    serde_json::from_str(&message.event.as_ref().unwrap().payload_json).unwrap()
}

async fn now(district: &District) -> At {
    At::new(district.world.desk.clock.now())
}

#[tokio::test]
async fn other_departments_hear_nothing() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    district.sign(TRAFFIC, case, 1).await;
    assert!(district.read(HOUSING, None).await.is_empty());
    assert!(district.read(STREET, None).await.is_empty(), "in its area, but no duty of its own");
    assert_eq!(all_told(&district.read(ENFORCEMENT, None).await), ["assigned CaseDispatched"]);
}

#[tokio::test]
async fn a_whistle_is_told_to_those_called_and_to_the_caller() {
    let district = District::start().await;
    let case = district.filed(1, &[]).await;
    district.whistle(case).await;
    district.sign(HOUSING, case, 1).await;
    let heard = district.read(HOUSING, None).await;
    assert_eq!(all_told(&heard), ["whistle WhistleActivated", "changed SignedFor"]);
    let Some(Message::WhistleCalled(called)) = &heard[0].message else { panic!("{heard:?}") };
    assert_eq!(called.kind_name, "日常哨");
    assert_eq!(called.caller.as_ref().unwrap().name, "甲街道");
    assert_eq!(called.purpose, "一起看现场");
    let parties: Vec<_> = called.parties.iter().map(|party| party.name.as_str()).collect();
    assert_eq!(parties, ["住建", "甲报到单位"]);
    assert_eq!(moves(&heard[0])[0], (1, DutyMove::Assigned));
    assert_eq!(heard[0].duties.len(), 2, "the lead sees whom it waits for");
    let joining = district.read("p-handler-unit-a", None).await;
    assert_eq!(all_told(&joining), ["whistle WhistleActivated"]);
    assert_eq!(moves(&joining[0]), [(2, DutyMove::Assigned)], "the lead's duty is not its business");
    assert_eq!(heard[0].case.as_ref().unwrap().text, WORDS);

    let caller = district.read(STREET, None).await;
    let expected = ["whistle WhistleBlown", "whistle WhistleActivated", "changed SignedFor"];
    assert_eq!(all_told(&caller), expected);
    assert_eq!(caller[1].duties.len(), 2, "the caller sees whom it called");
    assert_eq!(caller[2].duties[0].org_name, "住建");
}

#[tokio::test]
async fn a_duty_that_goes_is_told_to_whom_it_leaves() {
    let district = District::start().await;
    let case = district.filed(1, &[]).await;
    district.whistle(case).await;
    district.stand_down(case).await;
    let heard = district.read(HOUSING, None).await;
    assert_eq!(all_told(&heard)[1..], ["left WhistleStoodDown"]);
    assert_eq!(moves(&heard[1]), [(1, DutyMove::Left)]);
    assert_eq!(all_told(&district.read(STREET, None).await)[2..], ["whistle WhistleStoodDown"]);

    let second = district.dispatched(2).await;
    let (by, obligation) = (NOBODY, ObligationNo(2));
    let upheld = ObjectionUpheld { by: by.clone(), request: RequestNo(9), obligation };
    district.commit(second, vec![upheld.into()]).await;
    assert_eq!(all_told(&district.read(ENFORCEMENT, None).await)[1..], ["left ObjectionUpheld"]);
    let moved =
        ObligationReassigned { by, obligation: ObligationNo(1), org: org_id("housing"), person: None };
    district.commit(second, vec![moved.into()]).await;
    assert_eq!(all_told(&district.read(HOUSING, None).await)[2..], ["assigned ObligationReassigned"]);
    let traffic = district.read(TRAFFIC, None).await;
    assert_eq!(all_told(&traffic)[2..], ["left ObligationReassigned"]);
    assert_eq!(traffic[2].duties[0].org_name, "住建", "and who has it now");
}

#[tokio::test]
async fn whoever_reads_for_one_reads_for_those_below() {
    let district = District::start().await;
    let case = district.filed(1, &[]).await;
    district.dispatch(case, "housing-section", &[]).await;
    let section = "p-handler-housing-section";
    for person in [section, HOUSING, "p-supervisor"] {
        assert_eq!(all_told(&district.read(person, None).await), ["assigned CaseDispatched"], "{person}");
    }
    // Inside one scope a duty that moves has not left it.
    let (by, obligation) = (NOBODY, ObligationNo(1));
    let moved = ObligationReassigned { by, obligation, org: org_id("housing"), person: None };
    district.commit(case, vec![moved.into()]).await;
    assert_eq!(all_told(&district.read(section, None).await)[1..], ["left ObligationReassigned"]);
    assert_eq!(all_told(&district.read(HOUSING, None).await)[1..], ["changed ObligationReassigned"]);
    let for_section =
        SubscribeRequest { org_ids: vec!["housing-section".to_owned()], ..SubscribeRequest::default() };
    assert_eq!(district.read_as("p-auditor", for_section).await.len(), 2);
}

/// Everything of a message as one text.
fn whole(message: &FeedMessage) -> String {
    format!("{message:?}")
}

async fn disposed(district: &District, case: CaseId, no: u32) {
    let key = KeyId::case_file();
    let event = CaseDisposed {
        by: NOBODY,
        obligation: ObligationNo(no),
        taken_up_at: now(district).await,
        spoken_to: district.words(case, &key, "spoken_to", "王女士").await,
        measures: district.words(case, &key, "measures", "划线").await,
        solved_by_at: now(district).await,
        public_reply: district.words(case, &key, "public_reply", "车位已恢复").await,
        cost_bearer: None,
        evidence: Vec::new(),
    };
    district.commit(case, vec![event.into()]).await;
}

#[tokio::test]
async fn the_accused_never_sees_the_reporter() {
    let district = District::start().await;
    let case = district.filed(1, &["traffic"]).await;
    district.dispatch(case, "enforcement", &["traffic"]).await;
    disposed(&district, case, 1).await;
    let heard = district.read(TRAFFIC, None).await;
    assert_eq!(all_told(&heard), ["assigned CaseDispatched", "progress CaseDisposed"]);
    assert_eq!(heard[0].case.as_ref().unwrap().text, WITHHELD);
    assert_eq!(heard[0].duties[0].task, "清理占用的车位", "what it has to do it may read");
    assert_eq!(payload(&heard[1])["spoken_to"], WITHHELD);
    assert!(
        heard.iter().all(|message| !whole(message).contains("王女士") && !whole(message).contains(WORDS))
    );
    let handler = district.read(ENFORCEMENT, None).await;
    assert_eq!(handler[0].case.as_ref().unwrap().text, WORDS);
    assert_eq!(payload(&handler[1])["spoken_to"], "王女士");
    assert_eq!(payload(&handler[0])["obligations"][0]["task"], "清理占用的车位");
}

#[tokio::test]
async fn an_auditor_reads_nothing_personal() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    disposed(&district, case, 1).await;
    let request = SubscribeRequest { org_ids: vec!["traffic".to_owned()], ..SubscribeRequest::default() };
    let heard = district.read_as("p-auditor", request).await;
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].case.as_ref().unwrap().text, WITHHELD);
    assert!(heard.iter().all(|message| !whole(message).contains("划线")));
}

#[tokio::test]
async fn an_erased_text_leaves_a_mark() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    district.world.desk.vault.destroy_key(case, &KeyId::reporter(1)).await.unwrap();
    let heard = district.read(TRAFFIC, None).await;
    assert_eq!(heard[0].case.as_ref().unwrap().text, ERASED);
}

#[tokio::test]
async fn a_filter_lets_through_what_it_names() {
    let district = District::start().await;
    let (first, second) = (district.dispatched(1).await, district.dispatched(2).await);
    let external_ref = "JG-2025-77".to_owned();
    let obligation = ObligationNo(1);
    let set = Command::SetExternalRef { obligation, external_ref: external_ref.clone() };
    district.route(TRAFFIC, first, set).await;
    district.sign(TRAFFIC, first, 1).await;
    district.sign(TRAFFIC, second, 1).await;
    let by_ref = SubscribeRequest { external_ref: external_ref.clone(), ..SubscribeRequest::default() };
    let heard = district.read_as(TRAFFIC, by_ref).await;
    assert_eq!(all_told(&heard), ["changed ExternalRefSet", "changed SignedFor"]);
    assert!(heard.iter().all(|message| message.duties[0].external_ref == external_ref));
    let by_matter =
        |matter: &str| SubscribeRequest { matter_id: matter.to_owned(), ..SubscribeRequest::default() };
    assert_eq!(district.read_as(TRAFFIC, by_matter("parking")).await.len(), 5);
    assert!(district.read_as(TRAFFIC, by_matter("road")).await.is_empty());
}

#[tokio::test]
async fn clocks_warn_the_holder_and_breach_before_the_lead() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    let state = district.world.desk.ledger.read_case(case).await.unwrap();
    let of_second = |clock: &&case::state::ClockState| {
        clock.kind == ClockKind::SignFor
            && clock.subject == case::event::parts::Subject::Obligation(ObligationNo(2))
    };
    let clock = state.clocks.iter().find(of_second).unwrap();
    let (no, generation, at) = (clock.no, clock.generation, clock.due_at);
    district.commit(case, vec![ClockWarned { clock: no, generation, warning: 0, at }.into()]).await;
    district.commit(case, vec![ClockBreached { clock: no, generation, at }.into()]).await;
    let recipients = vec![Recipient { org: org_id("housing"), post: None }];
    let step = RuleId::new("l1").unwrap();
    let registry_version = RegistryVersion(1);
    let told = EscalationStepTaken { clock: no, step, at, recipients, registry_version };
    district.commit(case, vec![told.into()]).await;
    let heard = district.read(ENFORCEMENT, None).await;
    let expected = ["warned ClockWarned", "breached ClockBreached", "reminder EscalationStepTaken"];
    assert_eq!(all_told(&heard)[1..], expected);
    let Some(Message::ClockBreached(breached)) = &heard[2].message else { panic!("{heard:?}") };
    let due = breached.due_time.as_ref().unwrap();
    assert_eq!((due.clock_kind.as_str(), due.breached), ("SIGN_FOR", true));
    assert_eq!(all_told(&district.read(TRAFFIC, None).await)[1..], ["breached ClockBreached"]);
    assert_eq!(all_told(&district.read(HOUSING, None).await), ["reminder EscalationStepTaken"]);
}

#[tokio::test]
async fn a_plan_is_told_to_all_and_a_measure_to_whom_it_concerns() {
    let district = District::start().await;
    let case = district.dispatched(1).await;
    let text = district.words(case, &KeyId::case_file(), "text", "施划消防通道标线").await;
    let (no, responsible) = (MeasureNo(1), ObligationNo(2));
    let measure = Measure { no, text, responsible, mandatory: true, due_at: None };
    let (whistle, attendees, words) = (None, vec![org_id("traffic")], None);
    let plan = JointPlanAgreed { by: NOBODY, whistle, attendees, measures: vec![measure], words };
    district.commit(case, vec![plan.into()]).await;
    let struck = MeasureStruckOff { by: NOBODY, measure: no, evidence: Vec::new(), note: None };
    district.commit(case, vec![struck.into()]).await;
    district.commit(case, vec![Reminded { by: NOBODY, obligation: None }.into()]).await;
    let expected = ["plan JointPlanAgreed", "struck off MeasureStruckOff", "reminder Reminded"];
    let lead = district.read(TRAFFIC, None).await;
    assert_eq!(all_told(&lead)[1..], expected);
    let heard = district.read(ENFORCEMENT, None).await;
    assert_eq!(all_told(&heard)[1..], expected);
    let Some(Message::PlanAgreed(plan)) = &heard[1].message else { panic!("{heard:?}") };
    assert_eq!(plan.measures[0].text, "施划消防通道标线");
    assert_eq!(payload(&heard[1])["measures"][0]["text"], "施划消防通道标线");
}
