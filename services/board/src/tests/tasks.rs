use case::ids::{CaseId, ObligationNo, WhistleNo};
use case::routing::Command;
use wire::pb::whistle::board::v1 as pb;

use super::district::{District, by};

async fn tasks(district: &District, person: &str) -> Vec<pb::Task> {
    let asked = pb::ListMyTasksRequest { at_least: district.now(), ..Default::default() };
    district.board.list_my_tasks(&by(person), asked).await.unwrap().tasks
}

async fn commands(district: &District, person: &str) -> Vec<String> {
    tasks(district, person).await.into_iter().map(|task| task.command).collect()
}

const EVERYBODY: [&str; 10] = [
    "p-receptionist",
    "p-duty_leader",
    "p-dispatcher",
    "p-handler-enforcement",
    "p-handler-traffic",
    "p-inspector",
    "p-caller_back",
    "p-subdistrict_leader-street-a",
    "p-community_officer-community-a1",
    "p-handler-housing",
];

/// Who has something to do now, and what.
async fn due(district: &District) -> Vec<(&'static str, String)> {
    let mut due = Vec::new();
    for person in EVERYBODY {
        due.extend(commands(district, person).await.into_iter().map(|command| (person, command)));
    }
    due
}

fn is(expected: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    expected.iter().map(|(person, command)| (*person, (*command).to_owned())).collect()
}

#[tokio::test]
async fn tasks_follow_a_case_through_its_life() {
    let district = District::start().await;
    let id = district.raised(1, "消防通道被堵").await;
    assert_eq!(due(&district).await, is(&[("p-receptionist", "AcceptCase")]));
    district.accept(id).await;
    assert_eq!(due(&district).await, is(&[("p-duty_leader", "FileCase")]));
    district.file(id, "fire-passage").await;
    assert_eq!(due(&district).await, is(&[("p-dispatcher", "DispatchCase")]));
    district.dispatch(id, "enforcement", &["traffic"]).await;
    assert_eq!(
        due(&district).await,
        is(&[("p-handler-enforcement", "SignFor"), ("p-handler-traffic", "SignFor")])
    );
    district.sign("p-handler-enforcement", id, 1).await;
    district.sign("p-handler-traffic", id, 2).await;
    assert_eq!(
        due(&district).await,
        is(&[("p-handler-enforcement", "RecordContact"), ("p-handler-traffic", "RecordContact")])
    );
    district.contact("p-handler-enforcement", id, 1).await;
    district.contact("p-handler-traffic", id, 2).await;
    assert_eq!(due(&district).await, is(&[("p-handler-traffic", "Complete")]));
    district.complete("p-handler-traffic", id, 2).await;
    assert_eq!(due(&district).await, is(&[("p-handler-enforcement", "DisposeCase")]));
    district.dispose("p-handler-enforcement", id).await;
    assert_eq!(due(&district).await, is(&[("p-inspector", "CheckCase")]));
    district.check(id).await;
    assert_eq!(due(&district).await, is(&[("p-caller_back", "CallBack")]));
    district.call_back(id).await;
    assert_eq!(due(&district).await, is(&[("p-duty_leader", "CloseCase"), ("p-caller_back", "CloseCase")]));
    district.close(id).await;
    assert_eq!(due(&district).await, is(&[]));
}

#[tokio::test]
async fn tasks_follow_a_whistle_from_approval_to_standing_down() {
    let district = District::start().await;
    let (traffic, enforcement) = ("p-handler-traffic", "p-handler-enforcement");
    let (street, community) = ("p-subdistrict_leader-street-a", "p-community_officer-community-a1");
    let id = district.raised(1, "8号楼停车纠纷").await;
    district.accept(id).await;
    district.file(id, "parking").await;
    district.blow(id).await;
    assert_eq!(due(&district).await, is(&[(street, "ApproveWhistle")]));
    district.approve(id).await;
    assert_eq!(due(&district).await, is(&[(enforcement, "SignFor"), (traffic, "SignFor")]));
    for (person, no) in [(traffic, 1), (enforcement, 2)] {
        district.sign(person, id, no).await;
        district.contact(person, id, no).await;
    }
    assert_eq!(due(&district).await, is(&[(enforcement, "ReportIn"), (traffic, "ReportIn")]));
    for (person, no) in [(traffic, 1), (enforcement, 2)] {
        district.report_in(person, id, no).await;
    }
    district.plan(id, 1).await;
    assert_eq!(due(&district).await, is(&[(enforcement, "Complete"), (traffic, "StrikeOff")]));
    district.strike_off(traffic, id, 1).await;
    for (person, no) in [(traffic, 1), (enforcement, 2)] {
        district.complete(person, id, no).await;
    }
    assert_eq!(due(&district).await, is(&[(community, "Confirm"), (community, "Confirm")]));
    for no in [1, 2] {
        district.route(community, id, Command::Confirm { obligation: ObligationNo(no) }).await;
    }
    assert_eq!(due(&district).await, is(&[(community, "StandDownWhistle")]));
    district.route(community, id, Command::StandDownWhistle { whistle: WhistleNo(1), words: None }).await;
    assert_eq!(due(&district).await, is(&[(traffic, "DisposeCase")]));
}

#[tokio::test]
async fn a_task_tells_by_when_and_whoever_is_reminded_has_it_on_top() {
    use case::event::dispatch::Reminded;
    use case::event::parts::By;
    let district = District::start().await;
    let first = district.dispatched(1, "先来的", "enforcement", &[]).await;
    district.later(5);
    let second = district.dispatched(2, "后来的", "enforcement", &[]).await;
    let order = async || {
        let tasks = tasks(&district, "p-handler-enforcement").await;
        tasks.iter().map(|task| task.summary.as_ref().unwrap().case_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(order().await, [first.to_string(), second.to_string()]);
    let by_clock = By::Automatic { rule: None };
    district
        .happen("p-dispatcher", second, Reminded { by: by_clock, obligation: Some(ObligationNo(1)) })
        .await;
    assert_eq!(order().await, [second.to_string(), first.to_string()]);
    let task = tasks(&district, "p-handler-enforcement").await.remove(0);
    assert_eq!((task.what.as_str(), task.what_en.as_str()), ("签收", "sign for the duty"));
    assert_eq!(task.clock.unwrap().kind, "SIGN_FOR");
    assert!(task.reminded_time.is_some());
}

#[tokio::test]
async fn a_case_reminded_as_a_whole_is_on_top_until_it_moves() {
    use case::event::dispatch::Reminded;
    use case::event::parts::By;
    let district = District::start().await;
    let cases: [CaseId; 2] = [district.raised(1, "先来的").await, district.raised(2, "后来的").await];
    let first = async |person: &str| tasks(&district, person).await.remove(0).summary.unwrap().case_id;
    assert_eq!(first("p-receptionist").await, cases[0].to_string());
    district
        .happen("p-dispatcher", cases[1], Reminded { by: By::Automatic { rule: None }, obligation: None })
        .await;
    assert_eq!(first("p-receptionist").await, cases[1].to_string());
    district.accept(cases[0]).await;
    district.later(1);
    district.accept(cases[1]).await;
    assert_eq!(first("p-duty_leader").await, cases[0].to_string(), "accepted first, due first");
    let reminded = Reminded { by: By::Automatic { rule: None }, obligation: None };
    district.happen("p-dispatcher", cases[1], reminded).await;
    assert_eq!(first("p-duty_leader").await, cases[1].to_string());
}

#[tokio::test]
async fn whoever_disposed_does_not_check_and_whoever_blew_does_not_approve() {
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "street-a", &[]).await;
    district.sign("p-handler-street-a", id, 1).await;
    district.contact("p-handler-street-a", id, 1).await;
    district.dispose("p-handler-street-a", id).await;
    assert!(commands(&district, "p-inspector-street-a").await.is_empty());
    assert_eq!(commands(&district, "p-inspector").await, ["CheckCase"]);
}

#[tokio::test]
async fn tasks_are_paged_whole() {
    let district = District::start().await;
    for number in 1..=11 {
        district.raised(number, "井盖丢失").await;
    }
    let mut met = std::collections::BTreeSet::new();
    let mut page_token = String::new();
    loop {
        let asked = pb::ListMyTasksRequest { page_size: 4, page_token, at_least: district.now() };
        let page = district.board.list_my_tasks(&by("p-receptionist"), asked).await.unwrap();
        for task in page.tasks {
            assert!(met.insert(task.summary.unwrap().case_id));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(met.len(), 11);
}
