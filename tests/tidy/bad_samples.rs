//! One sample of each fault, to see that its rule sees it.

use std::path::Path;

use crate::tree::Source;
use crate::{arrows, proto, readme, sources};

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn manifest(name: &str, rest: &str) -> Source {
    source(&format!("libs/{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n{rest}"))
}

#[test]
fn an_arrow_upwards_is_seen() {
    let faults = |name: &str, rest: &str| arrows::faults(&manifest(name, rest));
    for (name, rest) in [
        ("registry", "[dependencies]\nworktime.workspace = true"),
        ("ledger", "[dev-dependencies]\nnats-child.workspace = true"),
        ("board", "[dev-dependencies]\nbus.workspace = true"),
        ("whistle", "[dependencies]\nnats-child.workspace = true"),
    ] {
        assert_eq!(faults(name, rest), Vec::<String>::new(), "{name}: {rest}");
    }
    for (name, rest) in [
        ("registry", "[dependencies]\ncase.workspace = true"),
        ("intake", "[dependencies]\nrouting.workspace = true"),
        ("intake", "[dev-dependencies]\nrouting.workspace = true"),
        ("ledger", "[dependencies]\nsled.workspace = true"),
        ("board", "[build-dependencies]\nprost.workspace = true"),
        ("ledger", "[dependencies]\nrusqlite = \"0.41\""),
        ("case", "[dev-dependencies]\ntokio = \"1\""),
        ("event-store", "[dependencies]\ncase.workspace = true"),
        ("ledger", "[dependencies]\nnats-child.workspace = true"),
        ("board", "[dependencies]\nbus.workspace = true"),
        ("stranger", ""),
    ] {
        assert_eq!(faults(name, rest).len(), 1, "{name}: {rest}");
    }
}

#[test]
fn a_crate_named_for_anything_is_seen() {
    assert_eq!(arrows::name_faults(&manifest("common", "")).len(), 1);
    assert_eq!(arrows::name_faults(&source("libs/clock/Cargo.toml", "[package]\nname = \"time\"")).len(), 1);
    assert_eq!(arrows::name_faults(&manifest("vault", "")).len(), 0);
}

#[test]
fn missing_lints_are_seen() {
    assert_eq!(arrows::lint_faults(&manifest("vault", "")).len(), 1);
    assert_eq!(arrows::lint_faults(&manifest("vault", "[lints]\nworkspace = true")).len(), 0);
}

#[test]
fn a_long_file_is_seen_and_its_exception_may_only_shrink() {
    let long = [source("a.rs", &"x\n".repeat(501))];
    assert_eq!(sources::length_faults(&long, &[]).len(), 1);
    assert_eq!(sources::length_faults(&long, &[("a.rs", 501, "a table")]).len(), 0);
    assert_eq!(sources::length_faults(&long, &[("a.rs", 500, "a table")]).len(), 1);
    let short = [source("a.rs", &"x\n".repeat(500))];
    assert_eq!(sources::length_faults(&short, &[]).len(), 0);
    assert_eq!(sources::length_faults(&short, &[("a.rs", 501, "a table")]).len(), 1);
    assert_eq!(sources::length_faults(&short, &[("b.rs", 501, "a table")]).len(), 1);
}

#[test]
fn faults_of_single_lines_are_seen() {
    assert_eq!(sources::header_faults(&source("src/lib.rs", "use std::fmt;")).len(), 1);
    assert_eq!(sources::unfinished_faults(&source("a.rs", "// FIXME later\n// FIXME #12: later")).len(), 1);
    assert_eq!(sources::machine_faults(&source("a.md", "see /home/me/notes\nsee docs/notes")).len(), 1);
    let lock = "source = \"registry+https://mirror.example/index\"";
    assert_eq!(sources::lock_faults(&source("Cargo.lock", lock)).len(), 1);
    let counted = "counter!(\"whistle_a_total\");\ngauge!(\"whistle_b\", \"projection\" => name);";
    assert_eq!(sources::metric_faults(&source("a.rs", counted), "gauge(\"whistle_b\", \"B.\")").len(), 1);
    let settings = "[server]\n# Milliseconds.\ngrace_ms = 1\nport = 2\n";
    assert_eq!(sources::setting_faults(&source("config.default.toml", settings)).len(), 1);
}

const GOOD_PROTO: &str = "\
syntax = \"proto3\";
package whistle.intake.v1;
// Takes cases.
service IntakeService {
  // Raises one.
  rpc Raise(RaiseRequest) returns (RaiseResponse);
  // Both ways.
  rpc Exchange(stream FromSource)
      returns (stream ToSource) {}
}
// Colours.
enum Colour {
  // None given.
  COLOUR_UNSPECIFIED = 0;
  COLOUR_RED = 1;
}
";

#[test]
fn each_fault_of_a_proto_is_seen() {
    let faults = |text: &str| proto::faults(&source("proto/whistle/intake/v1/intake.proto", text)).len();
    assert_eq!(faults(GOOD_PROTO), 0);
    for (good, bad) in [
        ("package whistle.intake.v1", "package whistle.intake.v2"),
        ("service IntakeService", "service Intake"),
        ("(RaiseRequest)", "(CaseRequest)"),
        ("(RaiseResponse)", "(Case)"),
        ("COLOUR_UNSPECIFIED", "COLOUR_GREEN"),
        ("  // Raises one.\n", ""),
        ("// Colours.\n", ""),
    ] {
        assert_eq!(faults(&GOOD_PROTO.replace(good, bad)), 1, "{bad}");
    }
}

#[test]
fn commands_that_do_not_exist_are_seen() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let faults = |command: &str| {
        let page = source("README.md", &format!("text\n```sh\n{command}\n```\nnowhere/at-all\n"));
        readme::faults(&page, root, "enum Command { Demo(Demo), ReportIn { case: String } }").len()
    };
    for good in
        ["tests/run", "$ cargo run --release -- demo", "whistle report-in CASE", "cargo test", "# words"]
    {
        assert_eq!(faults(good), 0, "{good}");
    }
    for bad in ["tests/walk", "cargo run -- dance", "target/release/whistle dance"] {
        assert_eq!(faults(bad), 1, "{bad}");
    }
}
