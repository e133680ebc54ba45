//! The samples as a whole; each module has its own tests beside it.

use std::collections::BTreeSet;

use crate::ids::{AreaCode, AreaLevel, Role};
use crate::*;

mod answers;
mod datum;
mod lint;
mod load;
mod parts;
mod resolve;

macro_rules! seeds {
    ($sample:literal: $($file:literal)*) => {
        (
            include_str!(concat!("../../../seeds/", $sample, "/FILES")),
            vec![$(($file.to_owned(), include_str!(concat!("../../../seeds/", $sample, "/", $file)).to_owned())),*],
        )
    };
}

type Files = Vec<(String, String)>;

fn huancui_files() -> (&'static str, Files) {
    seeds!("huancui": "places.toml" "grids.toml" "orgs.toml" "posts.toml" "matters.toml" "matrix.toml"
        "policies.toml" "reasons.toml" "calendars.toml")
}

fn beigangyuan_files() -> (&'static str, Files) {
    seeds!("beigangyuan": "places.toml" "orgs.toml" "matters.toml" "matrix.toml" "../huancui/policies.toml"
        "../huancui/reasons.toml" "../huancui/calendars.toml")
}

fn build((list, files): (&str, Files)) -> Registry {
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(list.lines().collect::<Vec<_>>(), names, "FILES lists what is read");
    let content = crate::load::from_files(&files).unwrap_or_else(|error| panic!("{error}"));
    Registry::build(ids::RegistryVersion(1), content).unwrap_or_else(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

fn huancui() -> Registry {
    build(huancui_files())
}

fn beigangyuan() -> Registry {
    build(beigangyuan_files())
}

fn code(text: &str) -> AreaCode {
    AreaCode::new(text).unwrap()
}

fn areas(registry: &Registry, level: AreaLevel) -> Vec<&Area> {
    registry.content().places.areas.iter().filter(|area| area.code.level() == level).collect()
}

#[test]
fn all_samples_pass_the_linter_without_a_warning() {
    for registry in [huancui(), beigangyuan(), sample::registry()] {
        let unexpected: Vec<String> = registry.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(unexpected, Vec::<String>::new(), "{}", registry.content().jurisdiction.name);
    }
}

#[test]
fn the_sample_district_is_as_large_as_it_should_be() {
    let registry = huancui();
    let content = registry.content();
    assert_eq!(areas(&registry, AreaLevel::District).len(), 1);
    assert_eq!(areas(&registry, AreaLevel::Subdistrict).len(), 4);
    assert_eq!(areas(&registry, AreaLevel::Community).len(), 24);
    assert_eq!(areas(&registry, AreaLevel::Grid).len(), 144);
    assert!(content.places.compounds.len() >= 24);
    let departments = content.orgs.iter().filter(|org| org.kind == OrgKind::Department).count();
    assert!(departments >= 15, "{departments}");
    assert!(content.matters.len() >= 40, "{}", content.matters.len());
}

#[test]
fn every_role_has_a_post_that_somebody_holds_in_every_sample() {
    for registry in [huancui(), beigangyuan(), sample::registry()] {
        let people = &registry.content().people;
        let roles: BTreeSet<Role> = people
            .iter()
            .flat_map(|person| registry.posts_of(&person.id))
            .flat_map(|post| post.roles.clone())
            .collect();
        assert_eq!(roles, BTreeSet::from(Role::ALL));
    }
}

#[test]
fn every_name_has_its_english_beside_it_in_the_seeds() {
    for registry in [huancui(), beigangyuan()] {
        let content = registry.content();
        assert!(content.orgs.iter().all(|org| org.name_en.is_some()));
        assert!(content.posts.iter().all(|post| post.name_en.is_some()));
        assert!(content.matters.iter().all(|matter| matter.name_en.is_some()));
        assert!(content.places.areas.iter().all(|area| area.name_en.is_some()));
        assert!(content.places.compounds.iter().all(|compound| compound.name_en.is_some()));
        assert!(content.policies.whistles.iter().all(|whistle| whistle.name_en.is_some()));
        let mut reasons = content.policies.catalogues.iter().flat_map(|own| &own.reasons);
        assert!(reasons.all(|reason| reason.name_en.is_some()));
    }
}

#[test]
fn every_community_has_paired_units_a_committee_and_its_subdistrict() {
    for registry in [huancui(), beigangyuan()] {
        for area in areas(&registry, AreaLevel::Community) {
            assert!(!registry.paired_units(&area.code).is_empty(), "{}", area.name);
            let committee = registry.org_for_area(&area.code).unwrap();
            let office = registry.subdistrict_of(&area.code).unwrap();
            assert!(registry.is_same_or_above(office, committee));
            assert_ne!(registry.people_in(committee).count(), 0);
        }
    }
}

#[test]
fn the_public_calendar_has_the_announced_number_of_days_off() {
    let registry = huancui();
    let weekday = registry.calendar(&worktime::CalendarId::new("weekday").unwrap()).unwrap();
    let days = |year: i16| {
        let first = jiff::civil::date(year, 1, 1);
        let dates = first.series(jiff::Span::new().days(1)).take_while(move |date| date.year() == year);
        dates.filter(|date| weekday.day_off(*date).is_some()).count()
    };
    assert_eq!((days(2025), days(2026)), (28, 33));
    assert_eq!(weekday.data().days_worked.len(), 5 + 6);
}
