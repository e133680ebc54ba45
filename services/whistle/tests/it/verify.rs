use std::path::Path;

use serde_json::Value;

use crate::demo::told_once;
use crate::process::{run, text, told};

/// Copies a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Flips a bit in every place that holds these bytes, in every file below.
fn flip(dir: &Path, wanted: &[u8]) -> usize {
    let mut flipped = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            flipped += flip(&path, wanted);
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        let places: Vec<usize> = bytes
            .windows(wanted.len())
            .enumerate()
            .filter(|(_, found)| *found == wanted)
            .map(|(at, _)| at)
            .collect();
        for at in &places {
            bytes[*at] ^= 1;
        }
        if !places.is_empty() {
            std::fs::write(&path, bytes).unwrap();
        }
        flipped += places.len();
    }
    flipped
}

#[test]
fn a_whole_ledger_verifies_and_stays_as_it_is() {
    let (data, printed) = told_once();
    let output = run(&["verify", "--json", "--data", text(data)]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["ok"], true);
    assert_eq!(verdict["events"], printed["ledgers"][0]["events"]);
    assert_eq!(verdict["head"], printed["ledgers"][0]["head"]);
}

#[test]
fn a_flipped_bit_is_found() {
    let (data, _) = told_once();
    let dir = tempfile::tempdir().unwrap();
    copy(&data.join("ledger"), &dir.path().join("ledger"));
    assert!(flip(&dir.path().join("ledger"), b"WhistleBlown") > 0);
    let output = run(&["verify", "--json", "--data", text(dir.path())]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(verdict["ok"], false);
    assert!(!verdict["findings"].as_array().unwrap().is_empty());
}

#[test]
fn a_directory_without_a_ledger_is_wrong_usage() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(&["verify", "--data", text(dir.path())]);
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    // One level too high, where the ledger role's data directory lies under the name of a log.
    let role = dir.path().join("ledger");
    std::fs::create_dir_all(role.join("ledger")).unwrap();
    std::fs::write(role.join("district.json"), "{}").unwrap();
    let output = run(&["verify", "--data", text(dir.path())]);
    assert_eq!(output.status.code(), Some(64), "{}", told(&output));
    assert!(told(&output).contains("NO_LEDGER"), "{}", told(&output));
    assert!(!role.join("lock").exists());
}
