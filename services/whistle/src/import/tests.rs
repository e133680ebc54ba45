mod formats;
mod planning;
mod times;
mod twice;

use serde_json::Value;

use super::map::Map;
use super::plan::{Plan, Planner};
use super::read::{Format, parse};
use super::report::Report;
use crate::lang::Lang;

pub(super) const SAMPLE_MAP: &str = include_str!("../../../../seeds/import-example/map.toml");
pub(super) const SAMPLE: &str = include_str!("../../../../seeds/import-example/tickets.json");

/// The smallest map, and what a test adds to it.
fn map(more: &str) -> Map {
    let base = "source = \"test\"\nzone = \"Asia/Shanghai\"\n";
    let record = "[record]\nid = \"id\"\noccurred = \"at\"\ntext = [\"text\"]\nclass = \"class\"\n";
    Map::parse(&format!("{base}{record}{more}")).unwrap()
}

fn plan(map: &Map, record: &Value) -> Plan {
    Planner::new(map).unwrap().plan(1, record).unwrap()
}

#[test]
fn the_sample_comes_to_what_its_tickets_say() {
    let map = Map::parse(SAMPLE_MAP).unwrap();
    let records = parse(SAMPLE.as_bytes(), Format::Json, &map).unwrap();
    let (plans, report) = super::planned(&map, &records).unwrap();
    assert_eq!(plans.len(), 5);
    let mut report = report;
    for plan in &plans {
        report.plan(plan);
    }
    let report = report.finished();
    let counts = (report.records, report.cases, report.obligations, report.completed);
    assert_eq!(counts, (6, 5, 4, 2));
    assert_eq!((report.closings_of_orders_never_created, report.closed_at_source), (1, 4));
    let kinds: Vec<String> =
        report.findings_by_kind.iter().map(|(kind, count)| format!("{} {count}", kind.name())).collect();
    let expected = [
        "NO_ID 1",
        "TIME_UNREADABLE 1",
        "PLACE_UNREADABLE 1",
        "CLASS_UNKNOWN 2",
        "NOTE_KIND_UNKNOWN 1",
        "AGENCY_UNKNOWN 1",
        "ORDER_NEVER_CREATED 1",
        "ORDER_NOT_TAKEN 1",
        "ORDER_LEFT_OPEN 1",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn a_report_reads_for_people_and_for_programs() {
    let map = Map::parse(SAMPLE_MAP).unwrap();
    let records = parse(SAMPLE.as_bytes(), Format::Json, &map).unwrap();
    let (plans, mut report) = super::planned(&map, &records).unwrap();
    plans.iter().for_each(|plan| report.plan(plan));
    let report = Report { dry_run: true, ..report.finished() };
    let text = report.lines(Lang::En).join("\n");
    for part in ["closings of orders never created", "ORD-99", "channel ×1", "row 6", "Nothing was sent"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["findings_by_kind"]["ORDER_NEVER_CREATED"], 1);
    assert_eq!(json["findings"].as_array().unwrap().len(), report.findings.len());
}
