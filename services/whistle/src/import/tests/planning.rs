use serde_json::{Value, json};

use super::{map, plan};
use crate::import::findings::Kind;
use crate::import::plan::{Plan, Planner, What};

const NOTES: &str = r#"
[agencies]
"Water" = "water-supply"
[notes]
path = "notes"
at = "at"
kind = "kind"
text = ["words"]
[notes.rules]
said = "note"
asked = { obligation_created = { ref = "ref", agency = "agency", task = ["task"] } }
done = { obligation_completed = { ref = "ref" } }
closed = "closed"
"#;

fn with_notes(notes: Value) -> Plan {
    plan(&map(NOTES), &json!({"id": "T-1", "at": "2026-03-01 08:00", "text": "words", "notes": notes}))
}

fn kinds(plan: &Plan) -> Vec<Kind> {
    plan.findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn a_closing_meets_its_order_by_the_sources_number() {
    let plan = with_notes(json!([
        {"at": "2026-03-01 09:00", "kind": "asked", "ref": "A", "agency": "Water", "task": "look"},
        {"at": "2026-03-01 09:01", "kind": "asked", "ref": "B", "agency": "Water"},
        {"at": "2026-03-01 10:00", "kind": "done", "ref": "B", "words": "looked"},
        {"at": "2026-03-01 11:00", "kind": "done", "ref": "A"},
        {"at": "2026-03-01 12:00", "kind": "closed", "words": "bye"}
    ]));
    assert_eq!(kinds(&plan), []);
    let done = |order: &str| What::Done { order: order.to_owned() };
    assert_eq!(plan.pieces[2].what, done("note/1"));
    assert_eq!(plan.pieces[3].what, done("note/0"));
    assert_eq!((plan.pieces[0].text.as_str(), plan.pieces[2].text.as_str()), ("look\nWater", "looked"));
    assert_eq!(plan.pieces[3].text, "done", "a result says at least what the source calls it");
    let last = plan.pieces.last().unwrap();
    assert_eq!((&last.what, last.key.as_str()), (&What::Closed, "closed"));
    assert_eq!(last.at, "2026-03-01T04:00:00Z".parse().unwrap());
}

#[test]
fn a_closing_of_an_order_never_created_is_a_note_and_reported() {
    let plan = with_notes(json!([{"at": "2026-03-01 09:00", "kind": "done", "ref": "Z", "words": "we did"}]));
    assert_eq!(kinds(&plan), [Kind::OrderNeverCreated]);
    assert_eq!(plan.findings[0].path, "notes[0]");
    let [piece] = plan.pieces.as_slice() else { panic!("{:?}", plan.pieces) };
    assert_eq!(piece.what, What::Note { finding: Some("closes an order that this record never created") });
    assert!(piece.text.contains("we did") && piece.text.contains("\"Z\""), "{}", piece.text);
}

#[test]
fn an_order_closed_twice_is_done_once() {
    let plan = with_notes(json!([
        {"at": "2026-03-01 09:00", "kind": "asked", "ref": "A", "agency": "Water"},
        {"at": "2026-03-01 10:00", "kind": "done", "ref": "A"},
        {"at": "2026-03-01 11:00", "kind": "done", "ref": "A"}
    ]));
    assert_eq!(kinds(&plan), [Kind::OrderClosedTwice]);
    assert_eq!(plan.pieces.iter().filter(|piece| matches!(piece.what, What::Done { .. })).count(), 1);
}

#[test]
fn an_order_nobody_here_can_hold_is_a_note_and_so_is_its_closing() {
    let plan = with_notes(json!([
        {"at": "2026-03-01 09:00", "kind": "asked", "ref": "A", "agency": "Moon", "task": "glow"},
        {"at": "2026-03-01 10:00", "kind": "done", "ref": "A"}
    ]));
    assert_eq!(kinds(&plan), [Kind::AgencyUnknown, Kind::OrderNotTaken]);
    assert!(
        plan.pieces[0].text.contains("glow") && plan.pieces[0].text.contains("Moon"),
        "{}",
        plan.pieces[0].text
    );
}

#[test]
fn an_order_without_a_number_is_still_an_order() {
    let plan =
        with_notes(json!([{"at": "2026-03-01 09:00", "kind": "asked", "agency": "Water"}, {"kind": "done"}]));
    assert_eq!(kinds(&plan), [Kind::ReferenceMissing, Kind::TimeUnreadable, Kind::ReferenceMissing]);
    let order = What::Order { org: registry::ids::OrgId::new("water-supply").unwrap(), external_ref: None };
    assert_eq!(plan.pieces[0].what, order);
    assert_eq!(plan.pieces[1].at, plan.pieces[0].at, "the time before it");
}

#[test]
fn only_the_last_closing_closes() {
    let plan = with_notes(json!([
        {"at": "2026-03-01 09:00", "kind": "closed"},
        {"at": "2026-03-01 10:00", "kind": "said", "words": "again"},
        {"at": "2026-03-01 11:00", "kind": "closed"}
    ]));
    assert_eq!(kinds(&plan), [Kind::ClosedTwice]);
    assert_eq!(plan.pieces.iter().filter(|piece| piece.what == What::Closed).count(), 1);
    assert_eq!(plan.pieces.last().unwrap().at, "2026-03-01T03:00:00Z".parse().unwrap());
}

#[test]
fn the_status_is_believed_over_the_notes() {
    let map = map(NOTES);
    let with_status = |status: &str, notes: Value| {
        let mut map = map.clone();
        map.record.status = Some("status".to_owned().try_into().unwrap());
        map.record.closed_statuses = ["closed".to_owned()].into();
        plan(
            &map,
            &json!({"id": "1", "at": "2026-03-01 08:00", "text": "t", "status": status, "notes": notes}),
        )
    };
    let closing = json!([{"at": "2026-03-01 09:00", "kind": "closed"}]);
    let open = with_status("open", closing);
    assert_eq!(kinds(&open), [Kind::StatusDisagrees]);
    assert!(open.pieces.iter().all(|piece| piece.what != What::Closed));
    let closed = with_status("closed", json!([]));
    assert_eq!((kinds(&closed), &closed.pieces[0].what), (vec![], &What::Closed));
}

#[test]
fn what_has_no_place_here_is_kept_sealed_and_named() {
    let plan = plan(
        &map(""),
        &json!({"id": 7, "at": "2026-03-01 08:00", "text": "t", "class": "none", "ward": "21", "x": {"y": null}, "z": [1]}),
    );
    assert_eq!(plan.id, "7");
    assert_eq!(plan.case.source_fields, r#"{"ward":"21","z":[1]}"#);
    assert_eq!(plan.kept, ["ward", "z"]);
    assert_eq!((plan.case.class.as_deref(), plan.case.matter.as_ref()), (Some("none"), None));
    assert_eq!(kinds(&plan), [Kind::ClassUnknown]);
}

#[test]
fn what_a_note_says_beside_its_rule_is_kept_in_it() {
    let plan =
        with_notes(json!([{"at": "2026-03-01 09:00", "kind": "said", "words": "hello", "by": "desk 4"}]));
    assert_eq!(plan.pieces[0].text, "hello\n{\"by\":\"desk 4\"}");
}

#[test]
fn long_text_goes_on_in_notes_and_loses_no_character() {
    let long: String = "吹哨报到".chars().cycle().take(9001).collect();
    let plan = plan(&map(""), &json!({"id": "1", "at": "2026-03-01 08:00", "text": long}));
    assert_eq!(kinds(&plan), [Kind::TextContinued]);
    let parts: Vec<&str> = std::iter::once(plan.case.text.as_str())
        .chain(plan.pieces.iter().map(|piece| piece.text.as_str()))
        .collect();
    assert!(parts.iter().all(|part| part.chars().count() <= 4000));
    assert_eq!(parts.concat(), long);
    assert_eq!(plan.pieces[1].key, "text/2");
}

#[test]
fn control_characters_are_replaced_and_reported() {
    let plan = plan(&map(""), &json!({"id": "1", "at": "2026-03-01 08:00", "text": "a\u{7}b\nc"}));
    assert_eq!((plan.case.text.as_str(), kinds(&plan)), ("a\u{fffd}b\nc", vec![Kind::TextDamaged]));
}

#[test]
fn records_that_cannot_be_taken_say_why() {
    let map = map("");
    let mut planner = Planner::new(&map).unwrap();
    let mut refused = |row, record: Value| {
        planner.plan(row, &record).map(|plan| plan.id).map_err(|finding| (finding.record, finding.kind))
    };
    assert_eq!(refused(1, json!({"at": "2026-03-01"})), Err(("row 1".to_owned(), Kind::NoId)));
    assert_eq!(
        refused(2, json!({"id": "x".repeat(65), "at": "2026-03-01"})),
        Err(("row 2".to_owned(), Kind::NoId))
    );
    assert_eq!(refused(3, json!({"id": "a", "at": "soon"})), Err(("a".to_owned(), Kind::NoTime)));
    assert_eq!(refused(4, json!({"id": "b", "at": "2026-03-01"})), Ok("b".to_owned()));
    assert_eq!(
        refused(5, json!({"id": "b", "at": "2026-03-02"})),
        Err(("b".to_owned(), Kind::DuplicateRecord))
    );
    assert_eq!(refused(6, json!("text")), Err(("row 6".to_owned(), Kind::NoId)));
}
