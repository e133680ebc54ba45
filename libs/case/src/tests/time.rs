use crate::ids::{CaseId, KeyId, derived_uuid};
use crate::time::At;
use uuid::Uuid;

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
fn a_case_begins_with_the_time_of_the_command_that_makes_it() {
    let command: Uuid = "019aa7b2-6c00-7abc-8def-0123456789ab".parse().unwrap();
    let case = CaseId::made_by("371002", "person-1", command);
    assert_eq!(case, CaseId::made_by("371002", "person-1", command), "a repeat");
    assert_eq!(case.0.as_bytes()[..6], command.as_bytes()[..6]);
    assert_eq!(case.0.get_version_num(), 8);
    assert_eq!(case.to_string(), "019aa7b2-6c00-82cd-ab28-eadddca220c5");
    let at_once = "019aa7b2-6c00-7abc-8def-0123456789ac".parse().unwrap();
    let others =
        [("371003", "person-1", command), ("371002", "person-2", command), ("371002", "person-1", at_once)];
    for (ledger, principal, command) in others {
        assert_ne!(CaseId::made_by(ledger, principal, command), case);
    }
}

#[test]
fn a_command_id_without_a_time_leaves_the_whole_digest() {
    let command: Uuid = "6f0b7c1e-53c1-4a6e-9d1b-2f6a0c5f7a11".parse().unwrap();
    let digest = CaseId::derived("whistle/case", &[b"371002", b"person-1", command.as_bytes()]);
    assert_eq!(CaseId::made_by("371002", "person-1", command), digest);
}

#[test]
fn a_key_is_named_in_plain_letters() {
    assert_eq!(KeyId::try_from("reporter-12".to_owned()).unwrap(), KeyId::reporter(12));
    assert!(KeyId::try_from("Reporter 12".to_owned()).is_err());
    assert!(KeyId::try_from(String::new()).is_err());
}
