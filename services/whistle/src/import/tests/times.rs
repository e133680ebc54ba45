use jiff::Timestamp;

use crate::import::map::Map;
use crate::import::when::Times;

fn times(formats: &[&str], zone: Option<&str>) -> Times {
    let formats: Vec<String> = formats.iter().map(|format| (*format).to_owned()).collect();
    Times::new(&formats, zone.map(|zone| jiff::tz::TimeZone::get(zone).unwrap()))
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[test]
fn times_with_an_offset_need_no_zone() {
    assert_eq!(times(&[], None).read("2014-05-09T19:02:21-05:00"), at("2014-05-10T00:02:21Z"));
    assert_eq!(times(&[], None).read("2026-03-01 08:30:00"), None);
}

#[test]
fn common_forms_are_read_in_the_zone_of_the_source() {
    let times = times(&[], Some("Asia/Shanghai"));
    for text in ["2026-03-01 08:30:00", "2026-03-01T08:30:00", "2026/03/01 08:30", "2026年3月1日 08:30"] {
        assert_eq!(times.read(text), at("2026-03-01T00:30:00Z"), "{text}");
    }
    assert_eq!(times.read("2026-03-01"), at("2026-02-28T16:00:00Z"));
    assert_eq!(times.read("昨天"), None);
}

#[test]
fn patterns_of_the_map_come_first() {
    assert_eq!(times(&["%d/%m/%Y"], Some("UTC")).read("02/03/2026"), at("2026-03-02T00:00:00Z"));
    assert_eq!(times(&["%s"], None).read("1700000000"), at("2023-11-14T22:13:20Z"));
    assert_eq!(
        times(&["%m/%d/%Y %I:%M %p"], Some("America/Chicago")).read("03/02/2026 01:05 PM"),
        at("2026-03-02T19:05:00Z")
    );
}

#[test]
fn a_map_with_an_unknown_zone_or_no_pattern_is_refused() {
    let map = |line: &str| {
        let text = format!("source = \"test\"\n{line}\n[record]\nid = \"id\"\noccurred = \"at\"\n");
        format!("{:#}", Map::parse(&text).unwrap_err())
    };
    assert!(map("zone = \"Asia/Nowhere\"").contains("Asia/Shanghai"));
    assert!(map("time_formats = [\"YYYY\"]").contains("a pattern looks like"));
    assert!(map("colour = 1").contains("colour"));
}
