use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::pb::whistle::board::v1 as pb;
use wire::pb::whistle::board::v1::UpdateKind;
use wire::pb::whistle::case::v1::CaseStatus;

use super::district::{District, by};

type Updates = ReceiverStream<Result<pb::CaseUpdate, Status>>;

async fn watch(district: &District, person: &str, asked: pb::WatchCasesRequest) -> Updates {
    district.board.watch(&by(person), asked).await.unwrap()
}

async fn next(updates: &mut Updates) -> pb::CaseUpdate {
    tokio::time::timeout(test_kit::DEADLINE, updates.next()).await.unwrap().unwrap().unwrap()
}

/// The next update of a case; bookmarks are passed over.
async fn change(updates: &mut Updates) -> pb::CaseUpdate {
    loop {
        let update = next(updates).await;
        if update.kind() != UpdateKind::Bookmark {
            return update;
        }
    }
}

fn filed() -> pb::WatchCasesRequest {
    let filter = pb::CaseFilter { statuses: vec![CaseStatus::Accepted.into()], ..Default::default() };
    pb::WatchCasesRequest { filter: Some(filter), ..Default::default() }
}

#[tokio::test]
async fn a_watcher_is_told_of_what_enters_its_filter_and_of_what_leaves() {
    let district = District::start().await;
    let mut updates = watch(&district, "p-duty_leader", filed()).await;
    assert_eq!(next(&mut updates).await.kind(), UpdateKind::Bookmark);
    let id = district.raised(1, "消防通道被堵").await;
    district.accept(id).await;
    let update = change(&mut updates).await;
    assert_eq!(update.kind(), UpdateKind::Changed);
    assert_eq!(update.case.unwrap().case_id, id.to_string());
    district.file(id, "fire-passage").await;
    let update = change(&mut updates).await;
    assert_eq!(update.kind(), UpdateKind::LeftFilter);
    assert_eq!(update.case.unwrap().status(), CaseStatus::Filed);
}

#[tokio::test]
async fn resuming_at_a_token_tells_whatever_changed_since() {
    let district = District::start().await;
    let everything = pb::WatchCasesRequest::default();
    let mut updates = watch(&district, "p-receptionist", everything).await;
    let first = district.raised(1, "第一件").await;
    let token = change(&mut updates).await.position_token;
    drop(updates);
    let mut changed: Vec<_> = Vec::new();
    for number in 2..=150 {
        changed.push(district.raised(number, "后来的").await.to_string());
    }
    district.accept(first).await;
    changed.push(first.to_string());
    let resumed = pb::WatchCasesRequest { after: token, ..Default::default() };
    let mut updates = watch(&district, "p-receptionist", resumed).await;
    for expected in changed {
        assert_eq!(change(&mut updates).await.case.unwrap().case_id, expected);
    }
}

#[tokio::test]
async fn a_slow_reader_gets_every_case_as_it_is_now() {
    let district = District::start().await;
    let mut updates = watch(&district, "p-receptionist", pb::WatchCasesRequest::default()).await;
    assert_eq!(next(&mut updates).await.kind(), UpdateKind::Bookmark);
    let mut cases = Vec::new();
    for number in 1..=100 {
        cases.push(district.raised(number, "井盖丢失").await);
    }
    for id in &cases {
        district.accept(*id).await;
    }
    // Sixteen wait in the channel as they were; whatever comes after them is read again.
    let mut accepted = std::collections::BTreeSet::new();
    let mut told = 0;
    while accepted.len() < cases.len() {
        let case = change(&mut updates).await.case.unwrap();
        told += 1;
        if case.status() == CaseStatus::Accepted {
            accepted.insert(case.case_id);
        }
    }
    assert!((100..=200).contains(&told), "{told}");
}

#[tokio::test]
async fn whoever_loses_sight_of_a_case_is_told_its_id_alone() {
    use case::event::dispatch::ObligationWithdrawn;
    use case::event::parts::By;
    use case::ids::ObligationNo;
    let district = District::start().await;
    let mut updates = watch(&district, "p-handler-traffic", pb::WatchCasesRequest::default()).await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &["traffic"]).await;
    assert_eq!(change(&mut updates).await.kind(), UpdateKind::Changed);
    let (by_rule, obligation) = (By::Automatic { rule: None }, ObligationNo(2));
    district.happen("p-dispatcher", id, ObligationWithdrawn { by: by_rule, obligation, words: None }).await;
    let update = change(&mut updates).await;
    assert_eq!(update.kind(), UpdateKind::LeftYourScope);
    let only_the_id = pb::CaseSummary { case_id: id.to_string(), ..Default::default() };
    assert_eq!(update.case.unwrap(), only_the_id);
}

#[tokio::test]
async fn a_case_that_becomes_overdue_while_it_is_watched_is_told() {
    use case::event::clock::ClockBreached;
    use case::time::At;
    let district = District::start().await;
    let filter = pb::CaseFilter { overdue_only: true, ..Default::default() };
    let overdue = pb::WatchCasesRequest { filter: Some(filter), ..Default::default() };
    let mut updates = watch(&district, "p-duty_leader", overdue).await;
    let id = district.dispatched(1, "消防通道被堵", "traffic", &[]).await;
    let case = district.case(id).await;
    let clock = case.clocks.iter().min_by_key(|clock| clock.due_at).unwrap();
    let (no, generation) = (clock.no, clock.generation);
    district.later(60 * 24 * 30);
    let at = At::new(district.world.desk.clock.now());
    district.happen("p-dispatcher", id, ClockBreached { clock: no, generation, at }).await;
    let update = tokio::time::timeout(test_kit::DEADLINE, change(&mut updates)).await.unwrap();
    assert_eq!((update.kind(), update.case.unwrap().case_id), (UpdateKind::Changed, id.to_string()));
}

#[tokio::test]
async fn a_watcher_whom_nothing_concerns_is_told_where_it_stands_while_all_else_changes() {
    use case::event::dispatch::Reminded;
    use case::event::parts::By;
    let mut district = District::start().await;
    district.board.bookmark_after = std::time::Duration::from_millis(500);
    let other = district.raised(1, "消防通道被堵").await;
    let filter = pb::CaseFilter { statuses: vec![CaseStatus::Closed.into()], ..Default::default() };
    let closed = pb::WatchCasesRequest { filter: Some(filter), ..Default::default() };
    let mut updates = watch(&district, "p-duty_leader", closed).await;
    let first = next(&mut updates).await;
    let changing = async {
        loop {
            let reminded = Reminded { by: By::Automatic { rule: None }, obligation: None };
            district.happen("p-dispatcher", other, reminded).await;
        }
    };
    let second = tokio::select! {
        update = next(&mut updates) => update,
        () = changing => unreachable!(),
    };
    assert_eq!((first.kind(), second.kind()), (UpdateKind::Bookmark, UpdateKind::Bookmark));
    assert_ne!(first.position_token, second.position_token, "and has come further");
}

#[tokio::test]
async fn streams_end_with_the_role() {
    let district = District::start().await;
    let mut updates = watch(&district, "p-receptionist", pb::WatchCasesRequest::default()).await;
    assert_eq!(next(&mut updates).await.kind(), UpdateKind::Bookmark);
    let drained = district.world.shutdown.drain(test_kit::DEADLINE).await;
    assert!(drained.is_clean(), "{drained:?}");
    let last = updates.next().await.unwrap().unwrap_err();
    assert_eq!(last.code(), tonic::Code::Unavailable);
    assert!(updates.next().await.is_none());
}
