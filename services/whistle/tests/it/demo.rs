use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Server, json, run, text, told};

/// One demonstration for all tests: its directory and what it printed.
pub(crate) fn told_once() -> (&'static Path, &'static Value) {
    static DEMO: OnceLock<(TempDir, PathBuf, Value)> = OnceLock::new();
    let (_, data, printed) = DEMO.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("demo");
        let printed = json(&["demo", "--json", "--data", text(&data)]);
        (dir, data, printed)
    });
    (data, printed)
}

#[test]
fn every_story_ends_as_it_is_told() {
    let (_, printed) = told_once();
    assert_eq!((&printed["cases"], &printed["closed"], &printed["ended"]), (&6.into(), &6.into(), &6.into()));
    assert_eq!(printed["chain_ok"], true);
    assert_eq!(printed["as_told"], true, "{}", printed["differences"]);
    for story in printed["stories"].as_array().unwrap() {
        assert_eq!((&story["status"], &story["outcome"]), (&"CLOSED".into(), &"SOLVED".into()), "{story}");
    }
}

#[test]
fn the_first_story_opens_on_a_failure() {
    let (_, printed) = told_once();
    let story = &printed["stories"][0];
    assert_eq!(story["id"], "parking");
    assert_eq!(story["signed_automatically"], 1);
    assert_eq!(story["late"], serde_json::json!(["urban-enforcement"]));
    assert!(story["breaches"].as_u64().unwrap() >= 2, "{story}");
    assert!(story["escalations"].as_u64().unwrap() >= 3, "{story}");
}

#[test]
fn a_directory_with_data_is_not_told_over() {
    let (data, _) = told_once();
    let output = run(&["demo", "--json", "--data", text(data)]);
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    assert!(told(&output).contains("DIRECTORY_IN_USE"));
}

#[test]
fn a_simulated_directory_is_not_served() {
    let (data, _) = told_once();
    let output = run(&["serve", "--data", text(data), "--principals", "none", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    assert!(told(&output).contains("SIMULATED_DATA"));
}

#[test]
fn projections_fold_anew_to_the_same_lists() {
    let (data, _) = told_once();
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    crate::verify::copy(data, &copy);
    let output = run(&["rebuild", "--data", text(&copy), "--lang", "en"]);
    assert!(output.status.success(), "{}", told(&output));
    for fold in ["board", "closure-split", "escalation", "intake-hotline", "routing-dispatch", "routing-feed"]
    {
        assert!(told(&output).contains(&format!("folded {fold}: ")), "{}", told(&output));
    }
}

#[test]
fn a_served_demonstration_answers_with_its_tokens() {
    let server = Server::start(&["demo", "--serve", "--listen", "127.0.0.1:0"]);
    let centre = ["--server", server.address.as_str(), "--token", "sandbox-centre-officer-1", "-o", "json"];
    let cases = json(&[&["case", "list"], centre.as_slice()].concat());
    assert_eq!(cases.as_array().unwrap().len(), 5);
    let number = cases[0]["case_number"].as_str().unwrap();
    let shown = json(&[&["case", "show", number], centre.as_slice()].concat());
    assert!(!shown["timeline"].as_array().unwrap().is_empty());
    let office = ["--server", server.address.as_str(), "--token", "sandbox-urban-enforcement-dispatcher"];
    let fed =
        run(&[&["feed", "tail", "urban-enforcement", "--once", "-o", "json"], office.as_slice()].concat());
    assert!(fed.status.success(), "{}", told(&fed));
    assert!(String::from_utf8_lossy(&fed.stdout).contains("WHISTLE_CALLED"));
    let registry = json(&[&["registry", "show"], centre.as_slice()].concat());
    assert_eq!(registry["jurisdiction"], "huancui");
    let nobody = run(&["case", "list", "--server", &server.address, "--token", "nobody"]);
    assert_eq!(nobody.status.code(), Some(77), "{}", told(&nobody));
    assert!(told(&nobody).contains("TOKEN_UNKNOWN"));
    assert_eq!(server.terminate(), Some(0));
}
