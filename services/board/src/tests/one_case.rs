use case::event::dispatch::Reminded;
use case::event::intake::KeyDestroyed;
use case::event::parts::By;
use case::ids::{CaseId, KeyId, ObligationNo};
use tonic::Code;
use wire::pb::whistle::board::v1 as pb;
use wire::pb::whistle::board::v1::TextState;

use super::district::{District, by};

fn asks(id: CaseId) -> pb::GetCaseRequest {
    pb::GetCaseRequest { case_id: id.to_string(), ..pb::GetCaseRequest::default() }
}

async fn seen(district: &District, person: &str, id: CaseId) -> pb::CaseView {
    district.board.get_case(&by(person), asks(id)).await.unwrap().case.unwrap()
}

async fn timeline(
    district: &District,
    person: &str,
    asked: pb::GetTimelineRequest,
) -> pb::GetTimelineResponse {
    district.board.get_timeline(&by(person), asked).await.unwrap()
}

fn of(id: CaseId) -> pb::GetTimelineRequest {
    pb::GetTimelineRequest { case_id: id.to_string(), ..pb::GetTimelineRequest::default() }
}

#[tokio::test]
async fn a_case_shows_status_place_duties_clocks_and_in_whose_hands_it_is() {
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &["traffic"]).await;
    let view = seen(&district, "p-dispatcher", id).await;
    let summary = view.summary.unwrap();
    assert_eq!(summary.status(), wire::pb::whistle::case::v1::CaseStatus::Dispatched);
    assert_eq!(summary.title.unwrap().text, "消防通道被堵");
    assert_eq!(summary.matter.unwrap().name, "消防通道堵塞");
    assert_eq!(summary.in_hands[0].org.as_ref().unwrap().name, "综合执法");
    assert_eq!((summary.colour.as_str(), summary.overdue), ("GREEN", false));
    let areas: Vec<_> = view.place.unwrap().areas.into_iter().map(|area| area.name).collect();
    assert_eq!(areas, ["示例区", "甲街道", "甲一社区", "甲一社区第一网格"]);
    let orgs: Vec<_> = view.obligations.iter().map(|duty| duty.org.as_ref().unwrap().id.as_str()).collect();
    assert_eq!(orgs, ["enforcement", "traffic"]);
    assert_eq!(view.reporters[0].key_id, "reporter-1");
    let running: Vec<_> = view.clocks.iter().filter(|clock| clock.ended_time.is_none()).collect();
    assert!(running.iter().any(|clock| clock.kind == "SIGN_FOR" && clock.kind_name == "签收时限"));
    assert!(running.iter().all(|clock| clock.remaining.as_ref().unwrap().seconds > 0));
}

#[tokio::test]
async fn time_alone_turns_a_case_red() {
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &[]).await;
    district.later(7 * 24 * 60);
    let summary = seen(&district, "p-dispatcher", id).await.summary.unwrap();
    assert_eq!((summary.colour_name.as_str(), summary.overdue), ("红", true));
}

#[tokio::test]
async fn a_case_is_found_by_its_number_and_by_no_other() {
    let district = District::start().await;
    let id = district.raised(1, "井盖丢失").await;
    let number = seen(&district, "p-receptionist", id).await.summary.unwrap().case_number;
    let at_least = district.now();
    let ask = |case_number: String| pb::GetCaseRequest {
        case_number,
        at_least: at_least.clone(),
        ..Default::default()
    };
    let found = district.board.get_case(&by("p-receptionist"), ask(number.clone())).await.unwrap();
    assert_eq!(found.case.unwrap().summary.unwrap().case_id, id.to_string());
    let slipped = number.replace("999900", "999901");
    let refused = district.board.get_case(&by("p-receptionist"), ask(slipped)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let refused = district.board.get_case(&by("p-handler-housing"), ask(number)).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}

#[tokio::test]
async fn another_department_sees_nothing_and_cannot_tell_it_from_nothing_there() {
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &[]).await;
    let outsider = by("p-handler-housing");
    let outside = district.board.get_case(&outsider, asks(id)).await.unwrap_err();
    let nowhere =
        district.board.get_case(&outsider, asks(CaseId::derived("test", &[b"none"]))).await.unwrap_err();
    assert_eq!((outside.code(), outside.message()), (nowhere.code(), nowhere.message()));
    assert_eq!(outside.code(), Code::NotFound);
    assert_eq!(district.board.get_timeline(&outsider, of(id)).await.unwrap_err().code(), Code::NotFound);
    let watched = pb::WatchCasesRequest { case_id: id.to_string(), ..Default::default() };
    assert_eq!(district.board.watch(&outsider, watched).await.unwrap_err().code(), Code::NotFound);
    let at_least = district.now();
    let listed = pb::ListCasesRequest { at_least, ..Default::default() };
    assert!(district.board.list_cases(&outsider, listed).await.unwrap().cases.is_empty());
    let nobody = tonic::metadata::MetadataMap::new();
    assert_eq!(district.board.get_case(&nobody, asks(id)).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn the_timeline_tells_who_did_what_and_why() {
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &[]).await;
    district.sign("p-handler-enforcement", id, 1).await;
    district.contact("p-handler-enforcement", id, 1).await;
    district.dispose("p-handler-enforcement", id).await;
    let told =
        timeline(&district, "p-dispatcher", pb::GetTimelineRequest { without_clocks: true, ..of(id) }).await;
    let types: Vec<_> = told.entries.iter().map(|entry| entry.event_type.as_str()).collect();
    let expected = [
        "CaseRaised",
        "CaseAccepted",
        "CaseFiled",
        "CaseDispatched",
        "SignedFor",
        "ReporterContacted",
        "CaseDisposed",
    ];
    assert_eq!(types, expected);
    let signed = &told.entries[4];
    assert_eq!(
        (signed.what.as_str(), signed.what_en.as_str()),
        ("综合执法签收", "Enforcement signed for it")
    );
    let who = signed.who.as_ref().unwrap();
    assert_eq!(who.post.as_ref().unwrap().name, "承办人");
    assert_eq!(who.role.as_ref().unwrap().id, "handler");
    let said: Vec<_> = told.entries[6]
        .said
        .iter()
        .map(|said| (said.field.as_str(), said.words.as_ref().unwrap().text.as_str()))
        .collect();
    assert!(
        said.contains(&("measures", "划线、清障")) && said.contains(&("public_reply", "消防通道已恢复畅通"))
    );
    assert_eq!(told.entries[0].said[0].words.as_ref().unwrap().text, "消防通道被堵");
}

#[tokio::test]
async fn a_timeline_is_paged_whole_and_in_order() {
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &["traffic"]).await;
    let whole = timeline(&district, "p-dispatcher", of(id)).await;
    assert!(whole.next_page_token.is_empty() && whole.entries.len() > 6);
    let mut versions = Vec::new();
    let mut page_token = String::new();
    loop {
        let asked = pb::GetTimelineRequest { page_size: 3, page_token, ..of(id) };
        let page = timeline(&district, "p-dispatcher", asked).await;
        assert_eq!(page.custody.is_empty(), !versions.is_empty());
        versions.extend(page.entries.iter().map(|entry| entry.version));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(versions, (1..=whole.version).collect::<Vec<_>>());
    let wrong = pb::GetTimelineRequest { page_token: "nobody-gave-this".to_owned(), ..of(id) };
    let refused = district.board.get_timeline(&by("p-dispatcher"), wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn custody_sums_to_the_age_of_the_case() {
    let district = District::start().await;
    let id = district.raised(1, "消防通道被堵").await;
    district.later(7);
    district.accept(id).await;
    district.later(11);
    district.file(id, "fire-passage").await;
    district.later(13);
    district.dispatch(id, "enforcement", &[]).await;
    district.later(170);
    district.sign("p-handler-enforcement", id, 1).await;
    district.later(29);
    let told = timeline(&district, "p-dispatcher", of(id)).await;
    let minutes = |span: &pb::CustodySpan| span.duration.as_ref().unwrap().seconds / 60;
    let held: Vec<_> = told
        .custody
        .iter()
        .map(|span| (span.holder.as_ref().unwrap().org.as_ref().unwrap().id.as_str(), minutes(span)))
        .collect();
    assert_eq!(held, [("centre", 7), ("centre", 11), ("centre", 13), ("enforcement", 199)]);
    assert_eq!(held.iter().map(|(_, minutes)| minutes).sum::<i64>(), 7 + 11 + 13 + 170 + 29);
    assert!(told.custody[3].until_time.is_none());
}

#[tokio::test]
async fn erased_words_are_shown_as_erased() {
    let district = District::start().await;
    let id = district.raised(1, "井盖丢失").await;
    district.world.desk.vault.destroy_key(id, &KeyId::reporter(1)).await.unwrap();
    let by = By::Automatic { rule: None };
    district
        .happen("p-duty_leader", id, KeyDestroyed { by, request: None, key_id: KeyId::reporter(1) })
        .await;
    let text = seen(&district, "p-receptionist", id).await.text.unwrap();
    assert_eq!((text.text.as_str(), text.state()), ("[已删除 / erased]", TextState::Erased));
    let told = timeline(&district, "p-receptionist", of(id)).await;
    assert_eq!(told.entries[0].said[0].words.as_ref().unwrap().state(), TextState::Erased);
}

#[tokio::test]
async fn a_reminder_is_shown_where_it_belongs() {
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &[]).await;
    let by = By::Automatic { rule: None };
    district.happen("p-dispatcher", id, Reminded { by, obligation: Some(ObligationNo(1)) }).await;
    let view = seen(&district, "p-handler-enforcement", id).await;
    assert!(view.obligations[0].reminded_time.is_some());
    let told = timeline(&district, "p-handler-enforcement", of(id)).await;
    assert_eq!(told.entries.last().unwrap().what, "催办:综合执法");
}
