//! Rules of the house, as tests. Each rule is a function from text to faults, is run over the whole tree here, and is
//! shown a fault of its own making in `bad_samples.rs`, so that no rule can pass by not looking.

#[cfg(test)]
mod arrows;
#[cfg(test)]
mod bad_samples;
#[cfg(test)]
mod proto;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod tree;

use crate::tree::{Source, root, sources, with_ending};

/// Files above the hard limit, with their length and why they may stay. Lengths may only shrink; a file that came
/// under the limit must be taken off.
const LONG_FILES: [(&str, usize, &str); 0] = [];

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_tree_is_seen() {
    let sources = sources();
    for expected in
        ["Cargo.toml", "libs/case/src/lib.rs", "services/whistle/src/main.rs", "tests/run", ".ci/run"]
    {
        assert!(sources.iter().any(|source| source.path == expected), "{expected} was not found");
    }
}

#[test]
fn arrows_point_down() {
    let manifests: Vec<_> = with_ending("/Cargo.toml");
    assert!(manifests.len() >= 10);
    none(manifests.iter().flat_map(arrows::faults).collect());
}

#[test]
fn crates_are_named_for_what_they_hold() {
    none(with_ending("/Cargo.toml").iter().flat_map(arrows::name_faults).collect());
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    none(with_ending("/Cargo.toml").iter().flat_map(arrows::lint_faults).collect());
}

#[test]
fn every_library_says_what_it_is() {
    none(with_ending("/src/lib.rs").iter().flat_map(sources::header_faults).collect());
}

#[test]
fn files_stay_short() {
    none(sources::length_faults(&with_ending(".rs"), &LONG_FILES));
}

#[test]
fn what_is_left_to_do_has_an_issue() {
    none(sources().iter().filter(|s| !is_about_rules(s)).flat_map(sources::unfinished_faults).collect());
}

#[test]
fn no_machine_is_named() {
    none(sources().iter().filter(|s| !is_about_rules(s)).flat_map(sources::machine_faults).collect());
}

#[test]
fn the_lock_file_names_the_public_registry_alone() {
    none(with_ending("Cargo.lock").iter().flat_map(sources::lock_faults).collect());
}

#[test]
fn every_setting_has_a_comment() {
    none(with_ending("config.default.toml").iter().flat_map(sources::setting_faults).collect());
}

#[test]
fn everything_counted_is_described() {
    let families = with_ending("service-kit/src/ops/families.rs").pop().unwrap().text;
    let faults = |source: &Source| sources::metric_faults(source, &families);
    none(with_ending(".rs").iter().filter(|source| !is_about_rules(source)).flat_map(faults).collect());
}

#[test]
fn protos_keep_their_form() {
    none(with_ending(".proto").iter().flat_map(proto::faults).collect());
}

#[test]
fn commands_of_the_readme_exist() {
    let cli: String = with_ending(".rs")
        .into_iter()
        .filter(|source| source.path.starts_with("services/whistle/src/"))
        .map(|source| source.text)
        .collect();
    let readmes = with_ending("README.md");
    none(readmes.iter().flat_map(|source| readme::faults(source, &root(), &cli)).collect());
}

/// The rules have to spell what they forbid.
fn is_about_rules(source: &Source) -> bool {
    source.path.starts_with("tests/tidy/")
}
