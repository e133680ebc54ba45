use serde_json::json;

use super::map;
use crate::import::map::Map;
use crate::import::read::{Format, parse};

fn fault(bytes: &[u8], format: Format, map: &Map) -> String {
    format!("{:#}", parse(bytes, format, map).unwrap_err())
}

#[test]
fn json_is_a_list_or_holds_one_where_the_map_says() {
    let list = br#"[{"id": "1"}, {"id": "2"}]"#;
    assert_eq!(parse(list, Format::Json, &map("")).unwrap().len(), 2);
    let object = br#"{"data": {"rows": [{"id": "1"}]}}"#;
    let deep = Map { records: Some("data.rows".to_owned().try_into().unwrap()), ..map("") };
    assert_eq!(parse(object, Format::Json, &deep).unwrap(), vec![json!({"id": "1"})]);
    assert!(fault(object, Format::Json, &map("")).contains("records = "));
    assert!(fault(list, Format::Json, &deep).contains("nothing is there"));
}

#[test]
fn a_broken_line_is_named() {
    let lines = b"{\"id\": 1}\n\n{\"id\": 2\n";
    assert!(fault(lines, Format::Ndjson, &map("")).contains("line 3"));
    assert_eq!(parse(b"{\"id\": 1}\n\n", Format::Ndjson, &map("")).unwrap(), vec![json!({"id": 1})]);
}

#[test]
fn csv_rows_become_records_by_their_columns() {
    let rows = "id,at,\"No. of floors\"\n7,2026-03-01,\"a \"\"b\"\"\"\n".as_bytes();
    let expected = json!({"id": "7", "at": "2026-03-01", "No. of floors": "a \"b\""});
    assert_eq!(parse(rows, Format::Csv, &map("")).unwrap(), vec![expected]);
    let semicolons = Map { delimiter: ';', ..map("") };
    assert_eq!(
        parse(b"\xEF\xBB\xBFid;x\n1;2\n", Format::Csv, &semicolons).unwrap(),
        vec![json!({"id": "1", "x": "2"})]
    );
}

#[test]
fn csv_that_would_lose_a_cell_is_refused() {
    assert!(fault(b"id,x\n1,2,3\n", Format::Csv, &map("")).contains("row"));
    assert!(fault(b"id,x,x\n1,2,3\n", Format::Csv, &map("")).contains("two columns are called \"x\""));
    let unnamed = parse(b"id,\n1,2\n", Format::Csv, &map("")).unwrap();
    assert_eq!(unnamed, vec![json!({"id": "1", "column 2": "2"})]);
}

#[test]
fn gbk_is_read_when_the_map_says_so_and_explained_when_not() {
    let (gbk, _, _) = encoding_rs::GB18030.encode("id,text\n1,井盖\n");
    assert!(fault(&gbk, Format::Csv, &map("")).contains("gb18030"));
    let gb = Map { encoding: crate::import::map::Encoding::Gb18030, ..map("") };
    assert_eq!(parse(&gbk, Format::Csv, &gb).unwrap(), vec![json!({"id": "1", "text": "井盖"})]);
}

#[test]
fn what_is_no_workbook_is_refused() {
    assert!(fault(b"id,x\n", Format::Excel, &map("")).contains("no workbook"));
}

#[test]
fn the_format_follows_from_the_name() {
    let of = |name: &str| Format::of(std::path::Path::new(name)).ok();
    assert_eq!(of("a.JSON"), Some(Format::Json));
    assert_eq!(of("a.jsonl"), Some(Format::Ndjson));
    assert_eq!(of("b.xlsx"), Some(Format::Excel));
    assert_eq!(of("b"), None);
}
