use case::Actor;
use case::event::clock::ClockBreached;
use case::ids::CaseId;
use case::time::At;
use desk::Desk;
use service_kit::clock::Clock;
use service_kit::principals::{Principal, Principals};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::pb::whistle::board::v1 as pb;
use wire::pb::whistle::board::v1::UpdateKind;
use wire::pb::whistle::case::v1::CaseStatus;

use super::district::{District, by};
use crate::Board;
use crate::watch::BOOKMARK_AFTER;

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

/// A dispatched case whose next clock is breached after a month.
async fn overdue_case(district: &District) -> CaseId {
    let id = district.dispatched(1, "消防通道被堵", "traffic", &[]).await;
    let case = district.case(id).await;
    let clock = case.clocks.iter().min_by_key(|clock| clock.due_at).unwrap();
    let (no, generation) = (clock.no, clock.generation);
    district.later(60 * 24 * 30);
    let at = At::new(district.world.desk.clock.now());
    district.happen("p-dispatcher", id, ClockBreached { clock: no, generation, at }).await;
    id
}

#[tokio::test]
async fn a_case_that_becomes_overdue_while_it_is_watched_is_told() {
    let district = District::start().await;
    let filter = pb::CaseFilter { overdue_only: true, ..Default::default() };
    let overdue = pb::WatchCasesRequest { filter: Some(filter), ..Default::default() };
    let mut updates = watch(&district, "p-duty_leader", overdue).await;
    let id = overdue_case(&district).await;
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

/// The board knows of everything there is.
async fn caught_up(district: &District) {
    let head = district.world.desk.ledger.head().position;
    district.board.view.wait_for(head, test_kit::DEADLINE).await.unwrap();
}

/// Whoever holds a token is somebody of the other subdistrict from now on.
fn moved_to_b(district: &District, token: &str) {
    let actor = district.world.actor("p-community_officer-community-b1");
    let Actor { person, org, area, roles, .. } = actor;
    let moved = Principal { id: token.to_owned(), person, source: None, org, area, roles };
    let known = Principals::fixed(vec![(token.to_owned(), moved)]).unwrap();
    district.world.desk.principals.replace(&known);
}

/// A reader who resumes where much has happened since, and of it takes nothing.
async fn full(district: &District) -> Updates {
    let after = desk::token::encode(&district.world.desk.ledger, ledger::Position(0));
    for number in 1..=40 {
        district.raised(number, "井盖丢失").await;
    }
    caught_up(district).await;
    let asked = pb::WatchCasesRequest { after, ..Default::default() };
    let updates = watch(district, "p-receptionist", asked).await;
    test_kit::wait_until("a full channel", test_kit::DEADLINE, || updates.as_ref().len() == 16).await;
    updates
}

#[tokio::test]
async fn what_a_slow_reader_has_not_taken_is_judged_by_the_rights_it_has_when_it_does() {
    let district = District::start().await;
    let mut updates = full(&district).await;
    let seen = district.raised_in_b(41, "井盖丢失").await;
    caught_up(&district).await;
    moved_to_b(&district, "p-receptionist");
    for _ in 0..16 {
        assert_eq!(next(&mut updates).await.kind(), UpdateKind::Changed);
    }
    let update = next(&mut updates).await;
    assert_eq!(update.case.unwrap().case_id, seen.to_string(), "and nothing of what it sees no more");
    assert_eq!(next(&mut updates).await.kind(), UpdateKind::Bookmark);
}

#[tokio::test]
async fn the_watch_of_a_reader_who_takes_nothing_ends_with_its_token() {
    let mut district = District::start().await;
    district.board.check_after = std::time::Duration::from_millis(5);
    let places = district.board.watchers.available_permits();
    let mut updates = full(&district).await;
    district.world.desk.principals.replace(&Principals::nobody());
    let free = || district.board.watchers.available_permits() == places;
    test_kit::wait_until("the watch to end", test_kit::DEADLINE, free).await;
    for _ in 0..16 {
        assert_eq!(next(&mut updates).await.kind(), UpdateKind::Changed);
    }
    assert!(updates.next().await.is_none());
}

#[tokio::test]
async fn a_quiet_watch_ends_with_its_token() {
    let mut district = District::start().await;
    district.board.check_after = std::time::Duration::from_millis(5);
    caught_up(&district).await;
    let mut updates = watch(&district, "p-receptionist", pb::WatchCasesRequest::default()).await;
    assert_eq!(next(&mut updates).await.kind(), UpdateKind::Bookmark);
    district.world.desk.principals.replace(&Principals::nobody());
    let end = tokio::time::timeout(BOOKMARK_AFTER / 2, updates.next()).await;
    assert_eq!(end.unwrap().unwrap().unwrap_err().code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn a_damaged_case_is_named_and_stops_nothing_that_follows() {
    let district = District::start().await;
    let after = desk::token::encode(&district.world.desk.ledger, ledger::Position(0));
    let damaged = district.raised(1, "井盖丢失").await;
    let intact = district.raised(2, "井盖丢失").await;
    let district = district.restarted_with_damaged(damaged).await;
    let asked = pb::WatchCasesRequest { after, ..Default::default() };
    let mut updates = watch(&district, "p-receptionist", asked.clone()).await;
    let first = next(&mut updates).await;
    let only_the_id = pb::CaseSummary { case_id: damaged.to_string(), ..Default::default() };
    assert_eq!((first.kind(), first.case), (UpdateKind::Changed, Some(only_the_id)));
    let second = next(&mut updates).await;
    assert_eq!((second.kind(), second.case.unwrap().case_id), (UpdateKind::Changed, intact.to_string()));
    let mut updates = watch(&district, "p-community_officer-community-b1", asked).await;
    assert_eq!(next(&mut updates).await.kind(), UpdateKind::Bookmark, "whoever does not see it is not told");
}

#[tokio::test]
async fn a_case_watched_by_its_id_is_told_to_have_left_sight_by_its_first_change() {
    use case::event::dispatch::ObligationWithdrawn;
    use case::event::parts::By;
    use case::ids::ObligationNo;
    let district = District::start().await;
    let id = district.dispatched(1, "消防通道被堵", "enforcement", &["traffic"]).await;
    caught_up(&district).await;
    let one = pb::WatchCasesRequest { case_id: id.to_string(), ..Default::default() };
    let mut updates = watch(&district, "p-handler-traffic", one).await;
    assert_eq!(next(&mut updates).await.kind(), UpdateKind::Bookmark);
    let (by_rule, obligation) = (By::Automatic { rule: None }, ObligationNo(2));
    district.happen("p-dispatcher", id, ObligationWithdrawn { by: by_rule, obligation, words: None }).await;
    let update = tokio::time::timeout(test_kit::DEADLINE, change(&mut updates)).await.unwrap();
    let only_the_id = pb::CaseSummary { case_id: id.to_string(), ..Default::default() };
    assert_eq!((update.kind(), update.case.unwrap()), (UpdateKind::LeftYourScope, only_the_id));
}

#[tokio::test]
async fn a_case_found_overdue_by_a_clock_that_is_ahead_is_told_as_overdue() {
    let district = District::start().await;
    // The board of another machine, whose clock does not come as far in this test.
    let (clock, _still) = Clock::manual(district.world.desk.clock.now());
    let desk = Desk { clock, ..district.world.desk.clone() };
    let dir = district.world.dir("another-board");
    let board = Board::start(desk, &dir, &district.world.shutdown).await.unwrap();
    let filter = pb::CaseFilter { overdue_only: true, ..Default::default() };
    let overdue = pb::WatchCasesRequest { filter: Some(filter), ..Default::default() };
    let mut updates = board.watch(&by("p-duty_leader"), overdue).await.unwrap();
    let id = overdue_case(&district).await;
    let update = tokio::time::timeout(test_kit::DEADLINE, change(&mut updates)).await.unwrap();
    let shown = update.case.as_ref().unwrap();
    assert_eq!((update.kind(), &shown.case_id, shown.overdue), (UpdateKind::Changed, &id.to_string(), true));
}
