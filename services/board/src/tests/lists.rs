use std::collections::BTreeSet;

use case::event::intake::KeyDestroyed;
use case::event::parts::By;
use case::ids::{CaseId, KeyId};
use tonic::Code;
use wire::pb::whistle::board::v1 as pb;
use wire::pb::whistle::case::v1::CaseStatus;

use super::district::{District, GRID_B1, by};

async fn listed(district: &District, person: &str, filter: pb::CaseFilter) -> Vec<pb::CaseSummary> {
    let at_least = district.now();
    let asked = pb::ListCasesRequest { filter: Some(filter), page_size: 200, at_least, ..Default::default() };
    district.board.list_cases(&by(person), asked).await.unwrap().cases
}

fn ids(cases: &[pb::CaseSummary]) -> Vec<String> {
    cases.iter().map(|case| case.case_id.clone()).collect()
}

async fn found(district: &District, person: &str, text: &str) -> Vec<String> {
    let asked =
        pb::SearchCasesRequest { text: text.to_owned(), at_least: district.now(), ..Default::default() };
    ids(&district.board.search_cases(&by(person), asked).await.unwrap().cases)
}

/// Cases of both subdistricts at different points of their life.
async fn busy(district: &District) -> Vec<CaseId> {
    let filed = district.raised(1, "垃圾成堆").await;
    district.accept(filed).await;
    district.file(filed, "garbage").await;
    let mut cases = vec![
        filed,
        district.raised(2, "井盖丢失").await,
        district.raised_in_b(3, "井盖松动").await,
        district.dispatched(4, "消防通道被堵", "enforcement", &["traffic"]).await,
    ];
    district.later(3 * 24 * 60);
    cases.push(district.dispatched(5, "通道又被堵", "enforcement", &[]).await);
    cases
}

#[tokio::test]
async fn filters_keep_what_fits_and_nothing_else() {
    let district = District::start().await;
    let cases = busy(&district).await;
    let person = "p-dispatcher";
    let id = |index: usize| cases[index].to_string();
    let filter = pb::CaseFilter::default;
    let list = async |filter| ids(&listed(&district, person, filter).await);
    assert_eq!(list(filter()).await, [id(4), id(3), id(2), id(1), id(0)]);
    let statuses = vec![CaseStatus::Filed.into(), CaseStatus::Raised.into()];
    assert_eq!(list(pb::CaseFilter { statuses, ..filter() }).await, [id(2), id(1), id(0)]);
    let area_code = "999900002".to_owned();
    assert_eq!(list(pb::CaseFilter { area_code, ..filter() }).await, [id(2)]);
    assert_eq!(list(pb::CaseFilter { org_id: "traffic".to_owned(), ..filter() }).await, [id(3)]);
    assert_eq!(list(pb::CaseFilter { matter_id: "garbage".to_owned(), ..filter() }).await, [id(0)]);
    assert_eq!(list(pb::CaseFilter { overdue_only: true, ..filter() }).await, [id(3), id(2), id(1), id(0)]);
    assert_eq!(list(pb::CaseFilter { ended: Some(true), ..filter() }).await, Vec::<String>::new());
    let raised_from_time = Some(wire::timestamp(district.case(cases[4]).await.raised_at));
    assert_eq!(list(pb::CaseFilter { raised_from_time, ..filter() }).await, [id(4)]);
    assert_eq!(list(pb::CaseFilter { raised_until_time: raised_from_time, ..filter() }).await.len(), 4);
    assert_eq!(list(pb::CaseFilter { text: "井盖".to_owned(), ..filter() }).await, [id(2), id(1)]);
}

#[tokio::test]
async fn by_due_instant_the_soonest_comes_first() {
    let district = District::start().await;
    busy(&district).await;
    let asked = pb::ListCasesRequest {
        order: pb::CaseOrder::Due.into(),
        at_least: district.now(),
        ..Default::default()
    };
    let cases = district.board.list_cases(&by("p-dispatcher"), asked).await.unwrap().cases;
    let due: Vec<_> = cases.iter().map(|case| case.due_time.as_ref().unwrap().seconds).collect();
    assert!(due.is_sorted() && due.len() == 5, "{due:?}");
}

#[tokio::test]
async fn every_violation_of_a_filter_is_named_at_once() {
    let district = District::start().await;
    let filter = pb::CaseFilter {
        statuses: vec![0, 999],
        area_code: "12345".to_owned(),
        org_id: "No Such".to_owned(),
        text: "井".to_owned(),
        ..Default::default()
    };
    let asked = pb::ListCasesRequest {
        filter: Some(filter),
        order: 77,
        page_size: 201,
        page_token: "x".repeat(1_000),
        ..Default::default()
    };
    let refused = district.board.list_cases(&by("p-dispatcher"), asked).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = tonic_types::StatusExt::get_error_details(&refused);
    let fields: BTreeSet<_> =
        details.bad_request().unwrap().field_violations.iter().map(|v| v.field.clone()).collect();
    for field in [
        "filter.statuses[0]",
        "filter.statuses[1]",
        "filter.area_code",
        "filter.org_id",
        "filter.text",
        "order",
        "page_size",
        "page_token",
    ] {
        assert!(fields.contains(field), "{field} in {fields:?}");
    }
}

#[tokio::test]
async fn counts_match_lists() {
    let district = District::start().await;
    busy(&district).await;
    for person in
        ["p-dispatcher", "p-subdistrict_officer-street-a", "p-handler-enforcement", "p-handler-housing"]
    {
        for by_what in [
            pb::CountBy::Status,
            pb::CountBy::Subdistrict,
            pb::CountBy::Community,
            pb::CountBy::Grid,
            pb::CountBy::Organisation,
            pb::CountBy::Matter,
        ] {
            let asked = pb::CountCasesRequest { filter: None, by: by_what.into(), at_least: district.now() };
            let counted = district.board.count_cases(&by(person), asked).await.unwrap();
            let all = listed(&district, person, pb::CaseFilter::default()).await;
            assert_eq!(counted.total, all.len() as u64);
            assert_eq!(counted.overdue, all.iter().filter(|case| case.overdue).count() as u64);
            for count in &counted.counts {
                let Some(filter) = filter_of(by_what, &count.of.as_ref().unwrap().id) else { continue };
                let fitting = listed(&district, person, filter).await;
                assert_eq!(count.cases, fitting.len() as u64, "{person} {count:?}");
                assert_eq!(count.overdue, fitting.iter().filter(|case| case.overdue).count() as u64);
            }
        }
    }
}

fn filter_of(by_what: pb::CountBy, id: &str) -> Option<pb::CaseFilter> {
    let (id, none) = (id.to_owned(), pb::CaseFilter::default());
    if id.is_empty() {
        return None;
    }
    Some(match by_what {
        pb::CountBy::Status => {
            let status = CaseStatus::from_str_name(&format!("CASE_STATUS_{id}")).unwrap();
            pb::CaseFilter { statuses: vec![status.into()], ..none }
        }
        pb::CountBy::Organisation => pb::CaseFilter { org_id: id, ..none },
        pb::CountBy::Matter => pb::CaseFilter { matter_id: id, ..none },
        pb::CountBy::Unspecified => return None,
        pb::CountBy::Subdistrict | pb::CountBy::Community | pb::CountBy::Grid => {
            pb::CaseFilter { area_code: id, ..none }
        }
    })
}

#[tokio::test]
async fn two_characters_find_a_case_and_erasure_takes_it_from_the_index() {
    let district = District::start().await;
    let id = district.raised(1, "小区门口的井盖丢失,很危险").await;
    district.raised(2, "路面破损").await;
    assert_eq!(found(&district, "p-receptionist", "井盖").await, [id.to_string()]);
    assert_eq!(found(&district, "p-receptionist", "门口 危险").await, [id.to_string()]);
    assert!(found(&district, "p-receptionist", "盖井").await.is_empty());
    assert!(found(&district, "p-receptionist", "失很").await.is_empty(), "no phrase reaches over a comma");
    assert!(found(&district, "p-handler-housing", "井盖").await.is_empty());

    let token = district.world.desk.vault.secrets().unwrap().search_token("井盖");
    assert!(on_disk(&district, &token));
    district.world.desk.vault.destroy_key(id, &KeyId::reporter(1)).await.unwrap();
    let by = By::Automatic { rule: None };
    district
        .happen("p-duty_leader", id, KeyDestroyed { by, request: None, key_id: KeyId::reporter(1) })
        .await;
    assert!(found(&district, "p-receptionist", "井盖").await.is_empty());
    assert!(!on_disk(&district, &token), "an erased text leaves no token in the files");
}

#[tokio::test]
async fn words_said_at_different_times_are_found_together_until_one_of_them_is_erased() {
    let district = District::start().await;
    let id = district.dispatched(1, "楼道口堆满杂物", "enforcement", &[]).await;
    district.sign("p-handler-enforcement", id, 1).await;
    district.contact("p-handler-enforcement", id, 1).await;
    assert!(found(&district, "p-receptionist", "杂物 畅通").await.is_empty());
    district.dispose("p-handler-enforcement", id).await;
    assert_eq!(found(&district, "p-receptionist", "杂物 畅通").await, [id.to_string()]);

    let by = By::Automatic { rule: None };
    district
        .happen("p-duty_leader", id, KeyDestroyed { by, request: None, key_id: KeyId::reporter(1) })
        .await;
    assert!(found(&district, "p-receptionist", "杂物").await.is_empty());
    assert_eq!(
        found(&district, "p-receptionist", "畅通").await,
        [id.to_string()],
        "the reply is the centre's own"
    );
}

/// Whether a text stands in the projection's file or its journal.
fn on_disk(district: &District, text: &str) -> bool {
    let files = std::fs::read_dir(district.world.dir("board")).unwrap();
    files.into_iter().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn paging_never_loses_or_repeats_rows_while_cases_change() {
    let district = District::start().await;
    let mut cases = Vec::new();
    for number in 1..=23 {
        cases.push(district.raised(number, "井盖丢失").await);
    }
    let mut met = Vec::new();
    let mut page_token = String::new();
    for round in 0.. {
        let asked =
            pb::ListCasesRequest { page_size: 4, page_token, at_least: district.now(), ..Default::default() };
        let page = district.board.list_cases(&by("p-receptionist"), asked).await.unwrap();
        met.extend(ids(&page.cases));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        // What was listed and what was not changes, and new cases come in.
        district.accept(cases[round]).await;
        district.accept(cases[22 - round]).await;
        district.raised(100 + u8::try_from(round).unwrap(), "新来的").await;
    }
    let expected: Vec<_> = cases.iter().rev().map(ToString::to_string).collect();
    assert_eq!(met, expected);
}

#[tokio::test]
async fn a_page_token_is_of_one_question() {
    let district = District::start().await;
    busy(&district).await;
    let asked = pb::ListCasesRequest { page_size: 2, at_least: district.now(), ..Default::default() };
    let token = district.board.list_cases(&by("p-dispatcher"), asked).await.unwrap().next_page_token;
    let filter = Some(pb::CaseFilter { area_code: GRID_B1.to_owned(), ..Default::default() });
    let other = pb::ListCasesRequest { filter, page_size: 2, page_token: token, ..Default::default() };
    let refused = district.board.list_cases(&by("p-dispatcher"), other).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_read_with_a_receipts_token_always_sees_the_command() {
    let district = District::start().await;
    for number in 1..=30 {
        let id = district.raised(number, "井盖丢失").await;
        let cases = listed(&district, "p-receptionist", pb::CaseFilter::default()).await;
        assert_eq!(cases[0].case_id, id.to_string());
    }
    let future = pb::ListCasesRequest { at_least: format!("{}9", district.now()), ..Default::default() };
    let refused = district.board.list_cases(&by("p-receptionist"), future).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
}

#[tokio::test]
async fn organisations_stand_by_their_duties_in_sight() {
    let district = District::start().await;
    let id = district.raised(1, "停车纠纷").await;
    district.accept(id).await;
    district.file(id, "parking").await;
    district.blow(id).await;
    district.approve(id).await;
    district.later(30);
    district.report_in("p-handler-traffic", id, 1).await;
    district.later(7 * 24 * 60);
    district.report_in("p-handler-enforcement", id, 2).await;
    let standing = async |person: &str| {
        let asked = pb::ListOrganisationsRequest { at_least: district.now(), ..Default::default() };
        district.board.list_organisations(&by(person), asked).await.unwrap().organisations
    };
    let all = standing("p-supervisor").await;
    let of = |id: &str| all.iter().find(|standing| standing.org.as_ref().unwrap().id == id).unwrap();
    let (traffic, enforcement) = (of("traffic"), of("enforcement"));
    assert_eq!(
        (traffic.open, traffic.signed_late, traffic.reported_in, traffic.reported_in_late),
        (1, 0, 1, 0)
    );
    assert_eq!(traffic.report_in_average.as_ref().unwrap().seconds, 30 * 60);
    assert_eq!((enforcement.signed_late, enforcement.reported_in_late), (1, 1));
    assert!(standing("p-handler-housing").await.is_empty());
}
