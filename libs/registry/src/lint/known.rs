//! What exists, by id; and what exists twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use worktime::{Calendar, CalendarId};

use crate::content::Content;
use crate::ids::{
    AreaCode, BuildingId, CategoryKey, CompoundId, MatterId, OrgId, PersonId, PostId, RuleId, TierKey,
    WhistleKind,
};
use crate::lint::Report;
use crate::matters::Matter;
use crate::orgs::{Org, Post};
use crate::places::Area;

pub(super) struct Known<'a> {
    pub(super) orgs: BTreeMap<&'a OrgId, &'a Org>,
    pub(super) posts: BTreeMap<&'a PostId, &'a Post>,
    pub(super) matters: BTreeMap<&'a MatterId, &'a Matter>,
    pub(super) categories: BTreeSet<&'a CategoryKey>,
    pub(super) areas: BTreeMap<&'a AreaCode, &'a Area>,
    pub(super) tiers: BTreeSet<&'a TierKey>,
    pub(super) whistles: BTreeSet<&'a WhistleKind>,
    pub(super) calendars: BTreeMap<&'a CalendarId, &'a Calendar>,
}

fn by_id<'a, K: Ord + Display + 'a, T>(
    report: &mut Report,
    section: &str,
    items: &'a [T],
    key: impl Fn(&'a T) -> &'a K,
) -> BTreeMap<&'a K, &'a T> {
    let mut known = BTreeMap::new();
    for item in items {
        if known.insert(key(item), item).is_some() {
            let path = format!("{section}[{}]", key(item));
            report.error(path, "is there twice", "keep one, or give the other an id of its own");
        }
    }
    known
}

impl<'a> Known<'a> {
    pub(super) fn of(content: &'a Content, report: &mut Report) -> Self {
        check_sizes(content, report);
        let places = &content.places;
        let policies = &content.policies;
        let _people: BTreeMap<&PersonId, _> = by_id(report, "people", &content.people, |person| &person.id);
        let _compounds: BTreeMap<&CompoundId, _> =
            by_id(report, "compounds", &places.compounds, |compound| &compound.id);
        let _pairings: BTreeMap<&AreaCode, _> =
            by_id(report, "pairings", &places.pairings, |pairing| &pairing.community);
        let _rows: BTreeMap<&RuleId, _> = by_id(report, "matrix", &content.matrix, |row| &row.rule);
        let _rules: BTreeMap<&RuleId, _> = by_id(report, "clocks", &policies.clocks, |rule| &rule.id);
        let _steps: BTreeMap<&RuleId, _> = by_id(report, "ladder", &policies.ladder, |step| &step.key);
        check_buildings(content, report);
        Self {
            orgs: by_id(report, "orgs", &content.orgs, |org| &org.id),
            posts: by_id(report, "posts", &content.posts, |post| &post.id),
            matters: by_id(report, "matters", &content.matters, |matter| &matter.id),
            categories: by_id(report, "categories", &content.categories, |category| &category.key)
                .into_keys()
                .collect(),
            areas: by_id(report, "areas", &places.areas, |area| &area.code),
            tiers: by_id(report, "tiers", &policies.tiers, |tier| &tier.key).into_keys().collect(),
            whistles: by_id(report, "whistles", &policies.whistles, |kind| &kind.key).into_keys().collect(),
            calendars: by_id(report, "calendars", &content.calendars, Calendar::id),
        }
    }
}

fn check_buildings(content: &Content, report: &mut Report) {
    let mut known: BTreeSet<&BuildingId> = BTreeSet::new();
    for building in content.places.compounds.iter().flat_map(|compound| &compound.buildings) {
        if !known.insert(&building.id) {
            let path = format!("buildings[{}]", building.id);
            report.error(path, "is there twice", "keep one, or give the other an id of its own");
        }
    }
}

/// Ten times a large district; the linter and the indexes stay fast below.
fn check_sizes(content: &Content, report: &mut Report) {
    let places = &content.places;
    let policies = &content.policies;
    for (section, count, max) in [
        ("areas", places.areas.len(), 50_000),
        ("compounds", places.compounds.len(), 50_000),
        ("pairings", places.pairings.len(), 10_000),
        ("orgs", content.orgs.len(), 20_000),
        ("posts", content.posts.len(), 100_000),
        ("people", content.people.len(), 100_000),
        ("categories", content.categories.len(), 500),
        ("matters", content.matters.len(), 5_000),
        ("matrix", content.matrix.len(), 20_000),
        ("tiers", policies.tiers.len(), 64),
        ("whistles", policies.whistles.len(), 32),
        ("clocks", policies.clocks.len(), 2_000),
        ("ladder", policies.ladder.len(), 32),
        ("colours", policies.colours.len(), 16),
        ("catalogues", policies.catalogues.len(), 64),
        ("calendars", content.calendars.len(), 64),
    ] {
        if count > max {
            report.error(
                section,
                format!("{count} entries, at most {max} are taken"),
                "split or thin it out",
            );
        }
    }
}
