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
fn a_directory_of_one_role_is_not_rebuilt_and_left_as_it_is() {
    let (data, _) = told_once();
    let dir = tempfile::tempdir().unwrap();
    let names = |of: &Path| {
        let mut names: Vec<_> =
            std::fs::read_dir(of).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let refused = |of: &Path| {
        let before = names(of);
        let output = run(&["rebuild", "--data", text(of), "--lang", "en"]);
        assert_eq!(output.status.code(), Some(64), "{}", told(&output));
        assert_eq!(names(of), before);
        told(&output)
    };
    // As the ledger role leaves it: no key, no projections.
    let ledger = dir.path().join("ledger");
    crate::verify::copy(data, &ledger);
    std::fs::remove_file(ledger.join("vault/vault.key")).unwrap();
    std::fs::remove_dir_all(ledger.join("projections")).unwrap();
    std::fs::remove_dir_all(ledger.join("evidence")).unwrap();
    let said = refused(&ledger);
    assert!(said.contains("ONE_ROLE") && said.contains("put no key there"), "{said}");
    let board = dir.path().join("board");
    crate::verify::copy(&data.join("projections"), &board.join("projections"));
    let said = refused(&board);
    assert!(said.contains("ONE_ROLE") && said.contains("delete its projections/"), "{said}");
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
