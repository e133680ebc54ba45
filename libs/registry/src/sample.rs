//! A tiny complete registry for the tests of other crates: an invented district with two subdistricts, three communities
//! and six grids, a post for each role, five matters, and the policies of the larger sample.
//!
//! People are `p-<role>` where one will do (`p-receptionist`, with `p-receptionist-2` beside it at the centre) and
//! `p-<role>-<organisation>` where it matters whose they are (`p-handler-traffic`, `p-subdistrict_leader-street-a`,
//! `p-community_officer-community-a1`).

use crate::content::Content;
use crate::ids::RegistryVersion;
use crate::load;
use crate::registry::Registry;

const FILES: [(&str, &str); 4] = [
    ("example.toml", include_str!("sample/example.toml")),
    ("policies.toml", include_str!("../../../seeds/huancui/policies.toml")),
    ("reasons.toml", include_str!("../../../seeds/huancui/reasons.toml")),
    ("calendars.toml", include_str!("../../../seeds/huancui/calendars.toml")),
];

/// The content, to be changed at will before it is built.
#[must_use]
#[expect(clippy::expect_used, reason = "the files are compiled in, and a test reads them")]
pub fn content() -> Content {
    let files = FILES.map(|(name, text)| (name.to_owned(), text.to_owned()));
    load::from_files(&files).expect("the sample reads")
}

/// The registry, as version 1.
#[must_use]
#[expect(clippy::expect_used, reason = "the files are compiled in, and a test lints them")]
pub fn registry() -> Registry {
    Registry::build(RegistryVersion(1), content()).expect("the sample has no errors")
}
