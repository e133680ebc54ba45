use std::path::Path;

use crate::process::{told, whistle};

/// Processes whose command line names a path.
fn naming(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path().join("cmdline"));
    let lines = entries.filter_map(|path| std::fs::read(path).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(path.to_str().unwrap())).collect()
}

#[test]
fn raising_in_six_processes_is_measured_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let arguments =
        ["bench", "raise", "--topology", "split", "--seconds", "1", "--clients", "2", "--rounds", "1"];
    let output = whistle().args(arguments).arg("--json").env("TMPDIR", dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (figures["topology"].as_str(), figures["errors"].as_u64()),
        (Some("split"), Some(0)),
        "{figures}"
    );
    for rate in ["ops_per_s", "reference_ops_per_s", "ratio"] {
        assert!(figures[rate].as_f64().unwrap() > 0.0, "{figures}");
    }
    assert_eq!(naming(dir.path()), [""; 0]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn without_a_nats_server_it_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = ["bench", "lag", "--topology", "split", "--seconds", "1", "--lang", "en"];
    let output =
        whistle().args(arguments).env("WHISTLE_NATS_SERVER", dir.path().join("none")).output().unwrap();
    assert_eq!(output.status.code(), Some(69), "{}", told(&output));
    let told = told(&output);
    assert!(told.contains("NO_NATS") && told.contains("install nats-server"), "{told}");
}
