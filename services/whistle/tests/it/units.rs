//! The units of deploy, as systemd reads them.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{text, told};

const ROLES: [&str; 6] = ["board", "closure", "escalation", "intake", "ledger", "routing"];

fn deploy(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(deploy(name)).unwrap()
}

/// A root directory with the units of one role a process in it.
fn installed() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let units = root.path().join("etc/systemd/system");
    std::fs::create_dir_all(&units).unwrap();
    for entry in std::fs::read_dir(deploy("split/systemd")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, units.join(path.file_name().unwrap())).unwrap();
        }
    }
    root
}

/// Runs what is said after `systemctl enable`, for every role, on the machine below the root.
fn enable(root: &Path, said: &str) {
    let units = said.split_whitespace().flat_map(|unit| {
        let unit = unit.trim_end_matches(|end: char| !end.is_ascii_alphabetic());
        let count = if unit.contains("ROLE") { ROLES.len() } else { 1 };
        ROLES.iter().take(count).map(|role| unit.replace("ROLE", role)).collect::<Vec<_>>()
    });
    let mut command = Command::new("systemctl");
    let output = command.args(["--root", text(root), "enable"]).args(units).output();
    let output = output.unwrap_or_else(|error| panic!("systemctl: {error}: install package systemd"));
    assert!(output.status.success(), "{}", told(&output));
}

#[test]
fn what_one_is_told_to_enable_starts_with_the_machine() {
    for file in ["split/systemd/whistle.target", "split/RUNBOOK.md"] {
        let (root, told) = (installed(), read(file));
        let said = told.split_once("systemctl enable ").unwrap().1.split(['\n', '`']).next().unwrap();
        enable(root.path(), said);
        let wanted = |by: &str, unit: &str| {
            let link = root.path().join("etc/systemd/system").join(format!("{by}.wants")).join(unit);
            assert!(link.is_symlink(), "{file}: {by} does not want {unit}");
        };
        wanted("multi-user.target", "whistle.target");
        for role in ROLES {
            wanted("whistle.target", &format!("whistle-{role}.service"));
        }
    }
}

#[test]
fn a_role_that_ends_is_begun_anew_for_ever() {
    let common = read("split/systemd/whistle-.service.d/common.conf");
    for line in ["StartLimitIntervalSec=0", "Restart=always"] {
        assert!(common.lines().any(|said| said == line), "{line}");
    }
}
