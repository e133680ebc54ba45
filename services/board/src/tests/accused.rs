use case::ids::CaseId;
use registry::ids::OrgId;
use tonic::Code;
use wire::pb::whistle::board::v1 as pb;
use wire::pb::whistle::board::v1::TextState;

use super::district::{District, GRID_A1, by};

/// A complaint about traffic, which traffic has to handle together with enforcement.
async fn complaint(district: &District) -> CaseId {
    let id = CaseId::derived("test", &[b"complaint"]);
    let mut raise = district.told(id, GRID_A1, "交管队员收钱放行").await;
    raise.about = vec![OrgId::new("traffic").unwrap()];
    district.raise_as("p-grid_worker", id, raise).await;
    district.accept(id).await;
    district.file(id, "fire-passage").await;
    district.dispatch(id, "enforcement", &["traffic"]).await;
    id
}

async fn seen(district: &District, person: &str, id: CaseId) -> pb::CaseView {
    let asked = pb::GetCaseRequest { case_id: id.to_string(), ..Default::default() };
    district.board.get_case(&by(person), asked).await.unwrap().case.unwrap()
}

async fn found(district: &District, person: &str, text: &str) -> Vec<String> {
    let asked =
        pb::SearchCasesRequest { text: text.to_owned(), at_least: district.now(), ..Default::default() };
    let cases = district.board.search_cases(&by(person), asked).await.unwrap().cases;
    cases.into_iter().map(|case| case.case_id).collect()
}

#[tokio::test]
async fn whoever_is_complained_of_sees_no_words_and_no_reporter() {
    let district = District::start().await;
    let id = complaint(&district).await;
    let view = seen(&district, "p-handler-traffic", id).await;
    assert_eq!(view.text.unwrap().state(), TextState::Withheld);
    assert_eq!(view.summary.unwrap().title.unwrap().state(), TextState::Withheld);
    assert!(view.reporters.is_empty() && view.raised_by.is_none());
    let asked = pb::GetTimelineRequest { case_id: id.to_string(), ..Default::default() };
    let told = district.board.get_timeline(&by("p-handler-traffic"), asked).await.unwrap();
    assert!(told.entries[0].who.is_none());
    let said = told.entries.iter().flat_map(|entry| &entry.said);
    assert!(said.clone().count() > 0);
    assert!(said.into_iter().all(|said| said.words.as_ref().unwrap().state() == TextState::Withheld));
    let view = seen(&district, "p-handler-enforcement", id).await;
    assert_eq!(view.text.unwrap().text, "交管队员收钱放行");
    assert!(view.raised_by.is_some() && view.reporters.len() == 1);
}

#[tokio::test]
async fn whoever_is_complained_of_finds_nothing_by_what_was_said() {
    let district = District::start().await;
    let id = complaint(&district).await;
    assert_eq!(found(&district, "p-handler-enforcement", "收钱").await, [id.to_string()]);
    assert!(found(&district, "p-handler-traffic", "收钱").await.is_empty());
    let filter = Some(pb::CaseFilter { text: "收钱".to_owned(), ..Default::default() });
    let by_status = pb::CountBy::Status.into();
    let asked = pb::CountCasesRequest { filter, by: by_status, at_least: district.now() };
    let counted = district.board.count_cases(&by("p-handler-traffic"), asked).await.unwrap();
    assert_eq!(counted.total, 0);
}

#[tokio::test]
async fn an_auditor_sees_the_case_but_no_words() {
    let district = District::start().await;
    let id = complaint(&district).await;
    let view = seen(&district, "p-auditor", id).await;
    assert_eq!(view.text.unwrap().state(), TextState::Withheld);
    assert_eq!(view.obligations.len(), 2);
    let asked = pb::SearchCasesRequest { text: "收钱".to_owned(), ..Default::default() };
    let refused = district.board.search_cases(&by("p-auditor"), asked).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
