//! Which crate may name which.

use crate::tree::Source;

/// What our crates may depend on among ourselves, bottom up. The services differ only in name.
const ARROWS: [(&str, &[&str]); 16] = [
    ("worktime", &[]),
    ("registry", &["worktime"]),
    ("case", &["registry", "worktime"]),
    ("event-store", &[]),
    ("bus", &[]),
    ("nats-child", &[]),
    ("ledger", &["event-store", "bus", "case", "registry"]),
    ("projection", &["ledger", "case", "registry"]),
    ("vault", &["bus", "case", "registry"]),
    ("wire", &["case", "registry", "worktime"]),
    ("service-kit", &["wire", "case", "registry", "worktime"]),
    ("desk", &["ledger", "vault", "service-kit", "wire", "case", "registry", "worktime"]),
    ("reactor", &["desk", "projection", "ledger", "service-kit", "case", "registry"]),
    (
        "test-kit",
        &["case", "registry", "worktime", "ledger", "projection", "vault", "wire", "service-kit", "desk"],
    ),
    ("ledgerd", &["event-store", "bus", "ledger", "vault", "service-kit", "wire", "case", "registry"]),
    ("whistle-tests", &EVERYTHING),
];

const SERVICES: [&str; 6] = ["board", "closure", "escalation", "intake", "ledgerd", "routing"];

const SERVICE_ARROWS: [&str; 10] = [
    "desk",
    "reactor",
    "ledger",
    "projection",
    "registry",
    "worktime",
    "case",
    "vault",
    "service-kit",
    "wire",
];

const EVERYTHING: [&str; 21] = [
    "worktime",
    "registry",
    "case",
    "event-store",
    "bus",
    "nats-child",
    "ledger",
    "projection",
    "vault",
    "wire",
    "service-kit",
    "desk",
    "reactor",
    "test-kit",
    "board",
    "closure",
    "escalation",
    "intake",
    "ledgerd",
    "routing",
    "whistle",
];

/// Crates of others that only some of ours may name.
const KEPT_IN: [(&str, &[&str]); 11] = [
    ("sled", &["event-store", "test-kit"]),
    ("rusqlite", &["projection", "reactor", "vault", "board", "closure", "escalation", "intake", "routing"]),
    ("async-nats", &["bus"]),
    ("axum", &["service-kit"]),
    ("metrics-exporter-prometheus", &["service-kit"]),
    ("prost", &["wire"]),
    ("prost-types", &["wire"]),
    ("tonic-prost", &["wire"]),
    ("tonic-prost-build", &["wire"]),
    ("protox", &["wire"]),
    ("anyhow", &["whistle", "whistle-tests"]),
];

/// Pure crates: no input or output, no runtime.
const PURE: [&str; 3] = ["worktime", "registry", "case"];
const IMPURE: [&str; 6] = ["tokio", "tonic", "rusqlite", "sled", "tracing", "rustix"];

const BANNED_NAMES: [&str; 7] = ["common", "utils", "util", "types", "core", "helpers", "misc"];

fn table(source: &Source) -> toml::Table {
    source.text.parse().unwrap_or_else(|fault| panic!("{}: {fault}", source.path))
}

fn name(manifest: &toml::Table) -> String {
    manifest["package"]["name"].as_str().unwrap().to_owned()
}

fn named_in(manifest: &toml::Table, section: &str) -> Vec<String> {
    let listed = manifest.get(section).and_then(toml::Value::as_table);
    listed.map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

fn allowed_for(name: &str) -> Vec<&'static str> {
    if name == "whistle" {
        return EVERYTHING.into_iter().filter(|other| *other != "test-kit" && *other != "whistle").collect();
    }
    match ARROWS.iter().find(|(crate_name, _)| *crate_name == name) {
        Some((_, allowed)) => allowed.to_vec(),
        None if SERVICES.contains(&name) => SERVICE_ARROWS.to_vec(),
        None => Vec::new(),
    }
}

/// Dependencies against the tables above. Tests may also use `nats-child`, and `test-kit` and `bus` where the crate is not below
/// the former.
pub(crate) fn faults(source: &Source) -> Vec<String> {
    let manifest = table(source);
    let name = name(&manifest);
    let mut faults = Vec::new();
    if !EVERYTHING.contains(&name.as_str()) && name != "whistle-tests" {
        faults.push(format!("{}: {name} is not in tests/tidy/arrows.rs; give it its arrows", source.path));
    }
    let allowed = allowed_for(&name);
    for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
        let in_tests = section == "dev-dependencies";
        for other in named_in(&manifest, section) {
            let above_test_kit =
                SERVICES.contains(&name.as_str()) || ["whistle", "reactor", "desk"].contains(&name.as_str());
            let helps_tests = in_tests
                && (other == "nats-child"
                    || (["test-kit", "bus"].contains(&other.as_str()) && above_test_kit));
            if EVERYTHING.contains(&other.as_str()) && !allowed.contains(&other.as_str()) && !helps_tests {
                faults.push(format!("{}: {name} may not depend on {other}", source.path));
            }
            let keepers = KEPT_IN.iter().find(|(kept, _)| *kept == other);
            if let Some((_, keepers)) =
                keepers.filter(|(_, keepers)| !keepers.contains(&name.as_str()) && !in_tests)
            {
                faults.push(format!(
                    "{}: only {} may name {other}, not {name}",
                    source.path,
                    keepers.join(", ")
                ));
            }
            if PURE.contains(&name.as_str()) && IMPURE.contains(&other.as_str()) {
                faults.push(format!("{}: {name} is pure and may not name {other}", source.path));
            }
        }
    }
    faults
}

/// The folder is the package's name, and the name says something.
pub(crate) fn name_faults(source: &Source) -> Vec<String> {
    let name = name(&table(source));
    let folder = source.path.rsplit('/').nth(1).unwrap_or_default();
    let mut faults = Vec::new();
    if BANNED_NAMES.contains(&name.as_str()) {
        faults.push(format!("{}: {name} is a name for anything; say what the crate holds", source.path));
    }
    if folder != name && folder != "tests" {
        faults.push(format!("{}: the package is called {name}, its folder {folder}", source.path));
    }
    faults
}

/// `[lints] workspace = true`, since a crate without it silently has none.
pub(crate) fn lint_faults(source: &Source) -> Vec<String> {
    let manifest = table(source);
    let taken = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
    if taken == Some(true) {
        Vec::new()
    } else {
        vec![format!("{}: [lints] workspace = true is missing", source.path)]
    }
}
