//! The registry that answers: content that passed the linter, with its indexes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use worktime::{Calendar, CalendarId};

use crate::content::{Content, Source};
use crate::geometry::Point;
use crate::ids::{
    AreaCode, AreaLevel, BuildingId, CompoundId, MatterId, OrgId, PersonId, PostId, RegistryVersion, Role,
    SourceId, WhistleKind,
};
use crate::lint::{Finding, Severity, lint};
use crate::matters::Matter;
use crate::orgs::{Lang, Org, OrgKind, Person, Post, valid_at};
use crate::places::{Area, Building, Compound};
use crate::policies::{ClockKind, ClockRule, ColourCut, LadderStep, Limits, Reason, WhistlePolicy};
use crate::resolve::{PlaceMatch, PlaceTree};

mod answers;

/// One published version of everything the district has laid down: immutable, indexed, linted.
#[derive(Debug)]
pub struct Registry {
    version: RegistryVersion,
    content: Content,
    warnings: Vec<Finding>,
    orgs: BTreeMap<OrgId, usize>,
    answering: BTreeMap<AreaCode, OrgId>,
    posts: BTreeMap<PostId, usize>,
    posts_of_org: BTreeMap<OrgId, Vec<usize>>,
    people: BTreeMap<PersonId, usize>,
    people_of_org: BTreeMap<OrgId, Vec<usize>>,
    matters: BTreeMap<MatterId, usize>,
    areas: BTreeMap<AreaCode, usize>,
    compounds: BTreeMap<CompoundId, usize>,
    buildings: BTreeMap<BuildingId, (usize, usize)>,
    pairings: BTreeMap<AreaCode, usize>,
    calendars: BTreeMap<CalendarId, usize>,
    whistles: BTreeMap<WhistleKind, usize>,
    /// Rows of the matrix, most specific first.
    matrix: Vec<usize>,
    /// Rules of each clock, most specific first.
    clocks: BTreeMap<ClockKind, Vec<usize>>,
    places: PlaceTree,
}

fn index<K: Ord + Clone, T>(items: &[T], key: impl Fn(&T) -> &K) -> BTreeMap<K, usize> {
    items.iter().enumerate().map(|(at, item)| (key(item).clone(), at)).collect()
}

/// Which organisation answers for which area: the office, not its sections.
fn answering(orgs: &[Org]) -> BTreeMap<AreaCode, OrgId> {
    let answers = |org: &&Org| answers_for(org.kind).is_some() && org.active;
    let pairs = orgs.iter().filter(answers).filter_map(|org| Some((org.area.clone()?, org.id.clone())));
    pairs.filter(|(area, _)| area.level() != AreaLevel::Grid).collect()
}

/// The level of area that organisations of a kind answer for.
pub(crate) fn answers_for(kind: OrgKind) -> Option<AreaLevel> {
    match kind {
        OrgKind::District => Some(AreaLevel::District),
        OrgKind::Subdistrict => Some(AreaLevel::Subdistrict),
        OrgKind::Community => Some(AreaLevel::Community),
        OrgKind::Centre
        | OrgKind::Department
        | OrgKind::Committee
        | OrgKind::Section
        | OrgKind::Company
        | OrgKind::Property
        | OrgKind::Owners
        | OrgKind::OwningUnit
        | OrgKind::TaskForce
        | OrgKind::PairedUnit
        | OrgKind::Hotline => None,
    }
}

impl Registry {
    /// Lints the content and indexes it.
    ///
    /// # Errors
    /// Every finding, warnings too, when at least one is an error: the author mends the data and publishes again.
    pub fn build(version: RegistryVersion, content: Content) -> Result<Self, Vec<Finding>> {
        let warnings = lint(&content);
        if warnings.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(warnings);
        }
        let posts = index(&content.posts, |post| &post.id);
        let mut posts_of_org: BTreeMap<OrgId, Vec<usize>> = BTreeMap::new();
        for (at, post) in content.posts.iter().enumerate() {
            posts_of_org.entry(post.org.clone()).or_default().push(at);
        }
        let mut people_of_org: BTreeMap<OrgId, Vec<usize>> = BTreeMap::new();
        for (at, person) in content.people.iter().enumerate() {
            let held = person.posts.iter().filter_map(|post| content.posts.get(*posts.get(post)?));
            for org in held.map(|post| &post.org).collect::<BTreeSet<_>>() {
                people_of_org.entry(org.clone()).or_default().push(at);
            }
        }
        let buildings = content.places.compounds.iter().enumerate().flat_map(|(outer, compound)| {
            compound
                .buildings
                .iter()
                .enumerate()
                .map(move |(inner, building)| (building.id.clone(), (outer, inner)))
        });
        let mut matrix: Vec<usize> = (0..content.matrix.len()).collect();
        matrix.sort_by_key(|at| std::cmp::Reverse(content.matrix.get(*at).map(|row| row.specificity())));
        let mut rules: Vec<(usize, &ClockRule)> = content.policies.clocks.iter().enumerate().collect();
        rules.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.specificity()));
        let mut clocks: BTreeMap<ClockKind, Vec<usize>> = BTreeMap::new();
        for (at, rule) in rules {
            clocks.entry(rule.kind).or_default().push(at);
        }
        Ok(Self {
            version,
            warnings,
            orgs: index(&content.orgs, |org| &org.id),
            answering: answering(&content.orgs),
            posts,
            posts_of_org,
            people: index(&content.people, |person| &person.id),
            people_of_org,
            matters: index(&content.matters, |matter| &matter.id),
            areas: index(&content.places.areas, |area| &area.code),
            compounds: index(&content.places.compounds, |compound| &compound.id),
            buildings: buildings.collect(),
            pairings: index(&content.places.pairings, |pairing| &pairing.community),
            calendars: index(&content.calendars, Calendar::id),
            whistles: index(&content.policies.whistles, |whistle| &whistle.key),
            matrix,
            clocks,
            places: PlaceTree::new(&content.places),
            content,
        })
    }

    /// The version it was published as.
    #[must_use]
    pub fn version(&self) -> RegistryVersion {
        self.version
    }

    /// What was published.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// What the linter did not refuse but thinks worth a look.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The organisation of that id.
    #[must_use]
    pub fn org(&self, id: &OrgId) -> Option<&Org> {
        self.content.orgs.get(*self.orgs.get(id)?)
    }

    /// The organisation's name in a language, or its id when the registry does not know it.
    #[must_use]
    pub fn org_name<'a>(&'a self, id: &'a OrgId, lang: Lang) -> &'a str {
        self.org(id).map_or(id.as_str(), |org| org.name_in(lang))
    }

    /// Whether the organisation exists, takes duties, and is within its validity then.
    #[must_use]
    pub fn is_active(&self, id: &OrgId, at: Timestamp) -> bool {
        self.org(id).is_some_and(|org| org.active && valid_at(org.from, org.until, at))
    }

    /// Whether `upper` is `lower` or above it in the tree.
    #[must_use]
    pub fn is_same_or_above(&self, upper: &OrgId, lower: &OrgId) -> bool {
        let mut at = Some(lower);
        // The linter refuses cycles; the bound holds all the same.
        for _ in 0..=self.content.orgs.len() {
            match at {
                Some(id) if id == upper => return true,
                Some(id) => at = self.org(id).and_then(|org| org.parent.as_ref()),
                None => return false,
            }
        }
        false
    }

    /// The organisation that answers for that area itself: a community's committee, a subdistrict's office, the district.
    #[must_use]
    pub fn org_for_area(&self, area: &AreaCode) -> Option<&OrgId> {
        self.answering.get(area)
    }

    /// The office of the subdistrict the area lies in (属地).
    #[must_use]
    pub fn subdistrict_of(&self, area: &AreaCode) -> Option<&OrgId> {
        self.answering.get(&area.at(AreaLevel::Subdistrict)?)
    }

    /// The organisation that takes what nobody else does (兜底).
    #[must_use]
    pub fn district_centre(&self) -> &OrgId {
        &self.content.jurisdiction.district_centre
    }

    /// The system of that id.
    #[must_use]
    pub fn source(&self, id: &SourceId) -> Option<&Source> {
        self.content.jurisdiction.sources.iter().find(|source| source.id == *id)
    }

    /// The post of that id.
    #[must_use]
    pub fn post(&self, id: &PostId) -> Option<&Post> {
        self.content.posts.get(*self.posts.get(id)?)
    }

    /// The posts of one organisation, not of those below it.
    pub fn posts_in(&self, org: &OrgId) -> impl Iterator<Item = &Post> {
        self.posts_of_org.get(org).into_iter().flatten().filter_map(|at| self.content.posts.get(*at))
    }

    /// The posts of one organisation whose holders may act in a role.
    pub fn posts_with_role(&self, org: &OrgId, role: Role) -> impl Iterator<Item = &Post> {
        self.posts_in(org).filter(move |post| post.roles.contains(&role))
    }

    /// The person of that id.
    #[must_use]
    pub fn person(&self, id: &PersonId) -> Option<&Person> {
        self.content.people.get(*self.people.get(id)?)
    }

    /// The people who hold a post in one organisation, not in those below it.
    pub fn people_in(&self, org: &OrgId) -> impl Iterator<Item = &Person> {
        self.people_of_org.get(org).into_iter().flatten().filter_map(|at| self.content.people.get(*at))
    }

    /// The posts a person holds.
    pub fn posts_of(&self, id: &PersonId) -> impl Iterator<Item = &Post> {
        self.person(id).into_iter().flat_map(|person| &person.posts).filter_map(|post| self.post(post))
    }

    /// The matter of that id.
    #[must_use]
    pub fn matter(&self, id: &MatterId) -> Option<&Matter> {
        self.content.matters.get(*self.matters.get(id)?)
    }

    /// Whether a community may be given the matter as the lead (工作准入).
    #[must_use]
    pub fn community_admits(&self, id: &MatterId) -> bool {
        self.matter(id).is_some_and(|matter| matter.community_may_be_assigned)
    }

    /// The calendar of that id.
    #[must_use]
    pub fn calendar(&self, id: &CalendarId) -> Option<&Calendar> {
        self.content.calendars.get(*self.calendars.get(id)?)
    }

    /// The policy of a kind of whistle.
    #[must_use]
    pub fn whistle_kind(&self, key: &WhistleKind) -> Option<&WhistlePolicy> {
        self.content.policies.whistles.get(*self.whistles.get(key)?)
    }

    /// The bounds of what may happen to one case.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.content.policies.limits
    }

    /// The escalation ladder, first step first.
    #[must_use]
    pub fn ladder(&self) -> &[LadderStep] {
        &self.content.policies.ladder
    }

    /// The colours, ascending.
    #[must_use]
    pub fn colours(&self) -> &[ColourCut] {
        &self.content.policies.colours
    }

    /// The colour of a clock that has spent that share of its budget.
    #[must_use]
    pub fn colour(&self, spent_permille: u32) -> Option<&ColourCut> {
        self.colours().iter().rev().find(|cut| u32::from(cut.from_permille) <= spent_permille)
    }

    /// The reasons of a catalogue; none when there is no such catalogue.
    #[must_use]
    pub fn reasons(&self, catalogue: &str) -> &[Reason] {
        let found = self.content.policies.catalogues.iter().find(|own| own.key == catalogue);
        found.map_or(&[], |own| own.reasons.as_slice())
    }

    /// Whether a catalogue has a reason.
    #[must_use]
    pub fn reason(&self, catalogue: &str, code: &str) -> bool {
        self.reasons(catalogue).iter().any(|reason| reason.code.as_str() == code)
    }

    /// The area of that code.
    #[must_use]
    pub fn area(&self, code: &AreaCode) -> Option<&Area> {
        self.content.places.areas.get(*self.areas.get(code)?)
    }

    /// The compound of that id.
    #[must_use]
    pub fn compound(&self, id: &CompoundId) -> Option<&Compound> {
        self.content.places.compounds.get(*self.compounds.get(id)?)
    }

    /// The building of that id, with its compound.
    #[must_use]
    pub fn building(&self, id: &BuildingId) -> Option<(&Compound, &Building)> {
        let (outer, inner) = self.buildings.get(id)?;
        let compound = self.content.places.compounds.get(*outer)?;
        Some((compound, compound.buildings.get(*inner)?))
    }

    /// The units that report in to a community when it whistles (双报到); empty for any other area.
    #[must_use]
    pub fn paired_units(&self, community: &AreaCode) -> &[OrgId] {
        let found = self.pairings.get(community).and_then(|at| self.content.places.pairings.get(*at));
        found.map_or(&[], |pairing| pairing.units.as_slice())
    }

    /// Finds the places of a point among the areas and compounds that have no end.
    #[must_use]
    pub fn resolve_place(&self, point: &Point) -> PlaceMatch {
        self.places.resolve(&self.content.places, point, None)
    }

    /// Finds the places of a point as they were divided then.
    #[must_use]
    pub fn resolve_place_at(&self, point: &Point, at: Timestamp) -> PlaceMatch {
        self.places.resolve(&self.content.places, point, Some(at))
    }
}
