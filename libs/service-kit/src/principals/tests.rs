use proptest::prelude::*;
use registry::ids::Role;
use tonic::metadata::MetadataMap;
use tonic_types::StatusExt as _;

use super::{AuthError, Principal, Principals, token_sha256};

const TOKEN: &str = "a-token-of-the-street";

fn officer(id: &str) -> Principal {
    Principal {
        id: id.to_owned(),
        person: Some("p-17".parse().unwrap()),
        source: None,
        org: Some("qianjin-street".parse().unwrap()),
        area: Some("371002001".parse().unwrap()),
        roles: vec![Role::SubdistrictOfficer],
    }
}

fn file(token_line: &str) -> String {
    format!(
        "[[principal]]\nid = \"officer-17\"\n{token_line}\nperson = \"p-17\"\norg = \"qianjin-street\"\n\
         area = \"371002001\"\nroles = [\"subdistrict_officer\"]\n"
    )
}

fn good_file() -> String {
    file(&format!("token_sha256 = \"{}\"", token_sha256(TOKEN)))
}

fn metadata(values: &[&str]) -> MetadataMap {
    let mut map = MetadataMap::new();
    for value in values {
        map.append("authorization", value.parse().unwrap());
    }
    map
}

fn bearer(token: &str) -> MetadataMap {
    metadata(&[&format!("Bearer {token}")])
}

#[test]
fn a_token_of_the_file_names_its_principal() {
    let principals = Principals::from_toml(&good_file(), "principals.toml").unwrap();
    let caller = principals.authenticate(&bearer(TOKEN)).unwrap();
    assert_eq!(*caller, officer("officer-17"));
    assert!(caller.has(Role::SubdistrictOfficer) && !caller.has(Role::Dispatcher));
    assert!(
        principals.authenticate(&metadata(&[&format!("bearer {TOKEN}")])).is_ok(),
        "the scheme ignores case"
    );
}

#[test]
fn everybody_else_is_refused_with_a_reason() {
    let principals = Principals::from_toml(&good_file(), "principals.toml").unwrap();
    let twice = format!("Bearer {TOKEN}");
    for (given, expected) in [
        (metadata(&[]), AuthError::Missing),
        (metadata(&[TOKEN]), AuthError::Malformed),
        (metadata(&["Basic YTpi"]), AuthError::Malformed),
        (metadata(&["Bearer "]), AuthError::Malformed),
        (metadata(&[&twice, &twice]), AuthError::Malformed),
        (bearer(&"x".repeat(257)), AuthError::Malformed),
        (bearer("another"), AuthError::Unknown),
        (bearer(&token_sha256(TOKEN)), AuthError::Unknown),
    ] {
        assert_eq!(principals.authenticate(&given).unwrap_err(), expected);
    }
    assert_eq!(Principals::nobody().authenticate(&bearer(TOKEN)).unwrap_err(), AuthError::Unknown);
}

#[test]
fn a_refusal_is_unauthenticated_and_carries_its_reason() {
    let status = tonic::Status::from(AuthError::Unknown);
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    let info = status.get_details_error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("TOKEN_UNKNOWN", "whistle"));
}

#[test]
fn all_faults_of_a_file_are_told_at_once() {
    let text = [
        good_file(),
        good_file(),
        file("token_sha256 = \"abc\""),
        file("token = \"plain\""),
        "[[principal]]\nid = \"No\"\ntoken_sha256 = \"".to_owned() + &"0".repeat(64) + "\"\nroles = []\n",
        "[other]\n".to_owned(),
    ]
    .concat();
    let faults = Principals::from_toml(&text, "p.toml").unwrap_err().to_string();
    for expected in [
        "this id is there twice",
        "this token is there twice",
        "64 hexadecimal digits",
        "token_sha256",
        "id must be",
        "give either person or source",
        "at least one role",
        "other is not known here",
    ] {
        assert!(faults.contains(expected), "{expected} is not in:\n{faults}");
    }
}

#[test]
fn unknown_fields_and_roles_are_faults() {
    for (good, bad) in [("person =", "persona ="), ("subdistrict_officer", "emperor"), ("371002001", "3710")]
    {
        assert!(Principals::from_toml(&good_file().replace(good, bad), "p.toml").is_err(), "{bad}");
    }
}

#[test]
fn a_source_system_is_a_source() {
    let mut system = officer("hotline");
    system.roles = vec![Role::SourceSystem];
    assert!(Principals::fixed(vec![("t".to_owned(), system.clone())]).is_err());
    system.person = None;
    system.source = Some("hotline-12345".parse().unwrap());
    assert!(Principals::fixed(vec![("t".to_owned(), system)]).is_ok());
}

#[test]
fn a_token_taken_back_is_unknown_in_every_copy() {
    let principals = Principals::fixed(vec![(TOKEN.to_owned(), officer("a"))]).unwrap();
    let copy = principals.clone();
    let caller = copy.authenticate(&bearer(TOKEN)).unwrap();
    assert!(copy.still_knows(&caller));
    principals.replace(&Principals::fixed(vec![("new".to_owned(), officer("b"))]).unwrap());
    assert_eq!(copy.authenticate(&bearer(TOKEN)).unwrap_err(), AuthError::Unknown);
    assert!(!copy.still_knows(&caller));
    assert!(copy.authenticate(&bearer("new")).is_ok());
}

#[test]
fn digests_stay_out_of_debug_texts() {
    let principals = Principals::from_toml(&good_file(), "p.toml").unwrap();
    assert!(!format!("{principals:?}").contains(&token_sha256(TOKEN)[..8]));
}

proptest! {
    #[test]
    fn no_text_is_taken_for_a_token(text in "\\PC{0,300}") {
        let principals = Principals::from_toml(&good_file(), "p.toml").unwrap();
        let mut map = MetadataMap::new();
        if let Ok(value) = format!("Bearer {text}").parse() {
            map.insert("authorization", value);
        }
        prop_assert!(text == TOKEN || principals.authenticate(&map).is_err());
    }
}
