use crate::ids::{CaseId, KeyId, derived_uuid};
use crate::time::At;

fn at(text: &str) -> At {
    At::new(text.parse().unwrap())
}

#[test]
fn an_instant_has_one_spelling() {
    assert_eq!(at("2026-03-02T09:00:00+08:00").to_string(), "2026-03-02T01:00:00.000000Z");
    assert_eq!(at("2026-03-02T01:00:00.1234569Z").to_string(), "2026-03-02T01:00:00.123456Z");
    assert_eq!(at("2026-03-02T01:00:00.1234569Z"), at("2026-03-02T01:00:00.123456Z"));
    let read: At = serde_json::from_str("\"2026-03-02T09:00:00.5+08:00\"").unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), "\"2026-03-02T01:00:00.500000Z\"");
    assert!(serde_json::from_str::<At>("\"yesterday\"").is_err());
    assert!(serde_json::from_str::<At>("1234").is_err());
}

#[test]
fn a_stream_names_its_case_and_no_other() {
    let id = CaseId::derived("test", &[b"case"]);
    assert_eq!(CaseId::from_stream(&id.stream()), Some(id));
    assert_eq!(CaseId::from_stream("registry"), None);
    assert_eq!(CaseId::from_stream("case/"), None);
    assert_eq!(CaseId::from_stream(&format!("case/{}", id.0.simple())), None, "another spelling");
}

#[test]
fn derived_ids_tell_parts_apart() {
    assert_eq!(derived_uuid("t", &[b"ab", b"c"]), derived_uuid("t", &[b"ab", b"c"]));
    assert_ne!(derived_uuid("t", &[b"ab", b"c"]), derived_uuid("t", &[b"a", b"bc"]));
    assert_ne!(derived_uuid("t", &[b"ab"]), derived_uuid("u", &[b"ab"]));
    assert_eq!(derived_uuid("t", &[]).get_version_num(), 8);
}

#[test]
fn a_key_is_named_in_plain_letters() {
    assert_eq!(KeyId::try_from("reporter-12".to_owned()).unwrap(), KeyId::reporter(12));
    assert!(KeyId::try_from("Reporter 12".to_owned()).is_err());
    assert!(KeyId::try_from(String::new()).is_err());
}
