use case::Actor;
use case::actor::{is_accused, sees};
use case::event::intake::KeyDestroyed;
use case::event::parts::By;
use case::ids::{CaseId, KeyId};
use projection::{Options, checksum, rebuild};
use registry::ids::{AreaCode, OrgId, PersonId, Role, SourceId};

use super::district::{District, GRID_A1};
use crate::fold::BoardFold;
use crate::query::{self, Order};
use crate::sight;

/// Cases of every kind of sight: of two subdistricts, unplaced, complained of, with duties, whistles and an inspector.
pub(super) async fn varied(district: &District) -> Vec<CaseId> {
    let whole = district.dispatched(1, "消防通道被堵", "enforcement", &["traffic"]).await;
    district.sign("p-handler-enforcement", whole, 1).await;
    let whistled = district.raised(2, "停车纠纷").await;
    district.accept(whistled).await;
    district.file(whistled, "parking").await;
    district.blow(whistled).await;
    district.approve(whistled).await;
    let unplaced = CaseId::derived("test", &[b"unplaced"]);
    let mut raise = district.told(unplaced, "999900009009009", "不知道在哪里").await;
    raise.reporters[0].person = Some(PersonId::new("p-resident").unwrap());
    district.raise_as("p-grid_worker", unplaced, raise).await;
    let complaint = CaseId::derived("test", &[b"complaint"]);
    let mut raise = district.told(complaint, GRID_A1, "住建科室不作为").await;
    raise.about = vec![OrgId::new("housing-section").unwrap()];
    raise.about_persons = vec![PersonId::new("p-handler-traffic").unwrap()];
    district.raise_as("p-grid_worker", complaint, raise).await;
    let erased = district.raised(3, "井盖丢失").await;
    district.world.desk.vault.destroy_key(erased, &KeyId::reporter(1)).await.unwrap();
    let by = By::Automatic { rule: None };
    district
        .happen("p-duty_leader", erased, KeyDestroyed { by, request: None, key_id: KeyId::reporter(1) })
        .await;
    let closed = district.dispatched(4, "又被堵", "enforcement", &[]).await;
    district.sign("p-handler-enforcement", closed, 1).await;
    district.contact("p-handler-enforcement", closed, 1).await;
    district.dispose("p-handler-enforcement", closed).await;
    district.check(closed).await;
    district.call_back(closed).await;
    district.close(closed).await;
    vec![whole, whistled, unplaced, complaint, erased, closed, district.raised_in_b(5, "乙街道的事").await]
}

/// Everybody of the sample, and callers no registry has.
fn callers(district: &District) -> Vec<Actor> {
    let registry = district.world.desk.registry.current().unwrap();
    let people = registry.content().people.iter().map(|person| person.id.as_str());
    let mut callers: Vec<Actor> = people
        .filter(|person| *person != "p-source_system")
        .map(|person| district.world.actor(person))
        .collect();
    callers.push(district.world.actor("hotline"));
    let nobody =
        Actor { person: None, source: None, post: None, org: None, area: None, roles: vec![Role::Handler] };
    for org in ["district", "housing", "somewhere-else"] {
        callers.push(Actor { org: Some(OrgId::new(org).unwrap()), ..nobody.clone() });
    }
    for area in ["999900001", "999900001001001", "999900002"] {
        for role in Role::ALL {
            let area = Some(AreaCode::new(area).unwrap());
            callers.push(Actor { area, roles: vec![role], ..nobody.clone() });
        }
    }
    let source = Some(SourceId::new("hotline").unwrap());
    callers.push(Actor { source, roles: vec![Role::SourceSystem], ..nobody.clone() });
    callers.push(nobody);
    callers
}

#[tokio::test]
async fn lists_see_what_the_domain_lets_them_see() {
    let district = District::start().await;
    let cases = varied(&district).await;
    let registry = district.world.desk.registry.current().unwrap();
    let head = district.world.desk.ledger.head().position;
    district.board.view().wait_for(head, test_kit::DEADLINE).await.unwrap();
    let (mut seen_at_all, mut unseen_at_all) = (0, 0);
    for actor in callers(&district) {
        let (seen, free) = (sight::sees(&actor, &registry), sight::not_accused(&actor, &registry));
        let order = Order::Raised { before: None };
        let read = district
            .board
            .view()
            .read(move |db| Ok((query::cases(db, &seen, order, 100)?, query::cases(db, &free, order, 100)?)));
        let (seen, free) = read.await.unwrap();
        for id in &cases {
            let case = district.case(*id).await;
            let listed = seen.iter().any(|found| found.case == *id);
            assert_eq!(listed, sees(&actor, &case, &registry), "{actor:?} {case:?}");
            let accused = !free.iter().any(|found| found.case == *id);
            assert_eq!(accused, is_accused(&actor, &case, &registry), "{actor:?} {case:?}");
            if listed { seen_at_all += 1 } else { unseen_at_all += 1 }
        }
    }
    assert!(seen_at_all > 100 && unseen_at_all > 100, "{seen_at_all} {unseen_at_all}");
}

#[tokio::test]
async fn a_rebuild_equals_what_was_folded_live() {
    let district = District::start().await;
    varied(&district).await;
    let ledger = district.world.desk.ledger.clone();
    district.board.view().wait_for(ledger.head().position, test_kit::DEADLINE).await.unwrap();
    let live = district.board.view().read(checksum).await.unwrap();
    let dir = district.world.dir("rebuilt");
    let fold = BoardFold::new(district.world.desk.vault.clone());
    rebuild(&dir, fold, ledger, Options::DEFAULT, |_| {}).await.unwrap();
    let rebuilt = rusqlite::Connection::open(dir.join("board.sqlite")).unwrap();
    assert_eq!(checksum(&rebuilt).unwrap(), live);
    let count = |sql: &str| rebuilt.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(count("SELECT count(*) FROM tasks") > 0);
    let of_tasks = "SELECT DISTINCT each.value, case_no, no FROM tasks, json_each(tasks.keys) AS each";
    assert_eq!(count(&format!("SELECT count(*) FROM ({of_tasks} EXCEPT SELECT * FROM task_keys)")), 0);
    assert_eq!(count(&format!("SELECT count(*) FROM (SELECT * FROM task_keys EXCEPT {of_tasks})")), 0);
}
