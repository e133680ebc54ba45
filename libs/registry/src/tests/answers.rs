use crate::ids::*;
use crate::*;

use super::{areas, beigangyuan, code, huancui};

fn org(text: &str) -> OrgId {
    OrgId::new(text).unwrap()
}

fn matter(text: &str) -> MatterId {
    MatterId::new(text).unwrap()
}

#[test]
fn the_matrix_answers_for_every_matter_at_every_community() {
    for registry in [huancui(), beigangyuan(), sample::registry()] {
        for area in areas(&registry, AreaLevel::Community) {
            for own in &registry.content().matters {
                for mode in Mode::ALL {
                    for ownership in [None, Some(Ownership::Public), Some(Ownership::LegacyOwner)] {
                        let query = MatrixQuery {
                            matter: Some(&own.id),
                            area: Some(&area.code),
                            ownership,
                            mode,
                            ..MatrixQuery::default()
                        };
                        let answer = registry.responsible(&query);
                        assert!(registry.org(&answer.lead).is_some_and(|org| org.active));
                        assert!(!answer.co.contains(&answer.lead));
                    }
                }
            }
        }
    }
}

#[test]
fn the_most_specific_row_wins() {
    let registry = sample::registry();
    let (road, area) = (matter("road"), code("999900001001001"));
    let compound = CompoundId::new("compound-a").unwrap();
    let plain = MatrixQuery { matter: Some(&road), area: Some(&area), ..MatrixQuery::default() };
    let ask = |query: MatrixQuery<'_>| {
        let answer = registry.responsible(&query);
        (answer.basis.as_str().to_owned(), answer.lead.as_str().to_owned(), answer.co)
    };
    assert_eq!(ask(plain), ("road".to_owned(), "housing".to_owned(), vec![org("street-a")]));
    let emergency = MatrixQuery { mode: Mode::Emergency, ..plain };
    assert_eq!(ask(emergency).0, "road-emergency");
    let legacy = MatrixQuery {
        ownership: Some(Ownership::LegacyOwner),
        compound: Some(&compound),
        mode: Mode::Emergency,
        ..plain
    };
    assert_eq!(ask(legacy), ("road-legacy".to_owned(), "owner-a".to_owned(), vec![org("housing")]));
    // Where no owning unit is known the row cannot be filled, and the next one answers.
    assert_eq!(ask(MatrixQuery { compound: None, ..legacy }).0, "road-emergency");
}

#[test]
fn the_place_fills_the_parts_a_row_leaves_open() {
    let registry = huancui();
    let (parking, area) = (matter("parking-occupied"), code("371002001001004"));
    let compound = CompoundId::new("qianjin-street").unwrap();
    let query = MatrixQuery {
        matter: Some(&parking),
        area: Some(&area),
        compound: Some(&compound),
        ..MatrixQuery::default()
    };
    let answer = registry.responsible(&query);
    assert_eq!(answer.lead, org("huancuilou"));
    assert_eq!(answer.co, [org("traffic-police"), org("urban-enforcement"), org("property-1")]);
    assert!(!answer.fallback);
}

#[test]
fn what_no_row_names_falls_to_the_subdistrict_and_then_to_the_centre() {
    let registry = sample::registry();
    let area = code("999900002001");
    let answer = registry.responsible(&MatrixQuery { area: Some(&area), ..MatrixQuery::default() });
    assert_eq!((answer.lead, answer.basis), (org("street-b"), RuleId::fallback_subdistrict()));
    assert!(answer.fallback);
    let answer = registry.responsible(&MatrixQuery::default());
    assert_eq!((&answer.lead, answer.basis), (registry.district_centre(), RuleId::fallback_district()));
}

#[test]
fn a_lead_that_takes_no_duties_is_passed_over() {
    let mut content = sample::content();
    content.orgs.iter_mut().find(|own| own.id == org("housing")).unwrap().active = false;
    let registry = Registry::build(RegistryVersion(2), content).unwrap();
    assert!(!registry.warnings().is_empty());
    let (road, area) = (matter("road"), code("999900001001001"));
    let query = MatrixQuery { matter: Some(&road), area: Some(&area), ..MatrixQuery::default() };
    let answer = registry.responsible(&query);
    assert_eq!((answer.lead, answer.fallback), (org("street-a"), true));
    assert!(!registry.is_active(&org("housing"), jiff::Timestamp::UNIX_EPOCH));
    assert!(registry.is_active(&org("traffic"), jiff::Timestamp::UNIX_EPOCH));
}

#[test]
fn the_rule_of_the_whistle_beats_the_mode_that_beats_the_tier_that_beats_the_grade() {
    let registry = huancui();
    let tier = TierKey::new("e0").unwrap();
    let emergency = WhistleKind::new("EMERGENCY").unwrap();
    let ask = |kind, grade, whistle, mode| {
        let query = ClockQuery { kind, grade, tier: Some(&tier), whistle, mode };
        registry.clock_rule(&query).unwrap().id.as_str()
    };
    let sign = ClockKind::SignFor;
    assert_eq!(ask(sign, None, None, Mode::Normal), "sign-for");
    assert_eq!(ask(sign, Some(Grade::ExtraUrgent), None, Mode::Normal), "sign-for-extra-urgent");
    assert_eq!(ask(sign, Some(Grade::ExtraUrgent), None, Mode::Emergency), "sign-for-emergency-mode");
    let whistled = ask(sign, Some(Grade::ExtraUrgent), Some(&emergency), Mode::Emergency);
    assert_eq!(whistled, "sign-for-emergency");
    assert_eq!(ask(ClockKind::Contact, None, None, Mode::Normal), "contact-e0");
    let external = ClockQuery {
        kind: ClockKind::ExternalDue,
        grade: None,
        tier: None,
        whistle: None,
        mode: Mode::Normal,
    };
    assert_eq!(registry.clock_rule(&external), None);
}

#[test]
fn whistles_run_on_the_published_figures() {
    let registry = huancui();
    let budget = |whistle: &str| {
        let whistle = WhistleKind::new(whistle).unwrap();
        let query = ClockQuery {
            kind: ClockKind::ReportIn,
            grade: None,
            tier: None,
            whistle: Some(&whistle),
            mode: Mode::Normal,
        };
        registry.clock_rule(&query).unwrap().budget
    };
    assert_eq!(budget("ROUTINE"), worktime::Budget::WorkingDays { days: 3 });
    assert_eq!(budget("HARD_CASE"), worktime::Budget::WorkingDays { days: 5 });
    assert_eq!(budget("EMERGENCY"), worktime::Budget::Natural { minutes: 30 });
    let routine = registry.whistle_kind(&WhistleKind::new("ROUTINE").unwrap()).unwrap();
    assert!(routine.needs_approval_from.contains(&Role::CommunityOfficer));
    assert_eq!(routine.settled_by, SettledBy::All);
}

#[test]
fn colours_turn_at_four_fifths_and_beyond_the_whole() {
    let registry = sample::registry();
    let colour = |spent| registry.colour(spent).unwrap().name.as_str();
    assert_eq!([colour(0), colour(799), colour(800), colour(1_000)], ["GREEN", "GREEN", "YELLOW", "YELLOW"]);
    assert_eq!([colour(1_001), colour(u32::MAX)], ["RED", "RED"]);
}

#[test]
fn every_step_of_the_ladder_finds_somebody_for_every_lead() {
    for registry in [huancui(), beigangyuan(), sample::registry()] {
        for area in areas(&registry, AreaLevel::Community) {
            for own in &registry.content().matters {
                let query =
                    MatrixQuery { matter: Some(&own.id), area: Some(&area.code), ..MatrixQuery::default() };
                let lead = registry.responsible(&query).lead;
                for step in registry.ladder() {
                    let heard = |to| !registry.recipients(to, Some(&lead), Some(&area.code)).is_empty();
                    assert!(step.to.iter().all(heard), "{lead} {}", step.key);
                }
            }
        }
        let unowned = registry.ladder().iter().find(|step| step.first_for_unowned).unwrap();
        assert!(unowned.to.iter().any(|to| !registry.recipients(to, None, None).is_empty()));
    }
}

#[test]
fn people_are_found_by_post_and_by_organisation() {
    let registry = sample::registry();
    let handler = PersonId::new("p-handler-traffic").unwrap();
    let posts: Vec<_> =
        registry.posts_of(&handler).map(|post| (post.org.as_str(), post.roles.as_slice())).collect();
    assert_eq!(posts, [("traffic", [Role::Handler].as_slice())]);
    assert!(registry.people_in(&org("traffic")).any(|person| person.id == handler));
    let unknown = PersonId::new("p-nobody").unwrap();
    assert_eq!(registry.posts_of(&unknown).count(), 0);
    let dispatchers: Vec<_> = registry.posts_with_role(&org("traffic"), Role::OrgDispatcher).collect();
    assert_eq!(dispatchers.len(), 1);
}

#[test]
fn the_tree_of_organisations_is_followed_upwards_only() {
    let registry = sample::registry();
    let (district, street, community) = (org("district"), org("street-a"), org("community-a1"));
    assert!(registry.is_same_or_above(&district, &community));
    assert!(registry.is_same_or_above(&street, &street));
    assert!(!registry.is_same_or_above(&community, &street));
    assert!(!registry.is_same_or_above(&org("street-b"), &community));
    assert!(!registry.is_same_or_above(&street, &org("nobody")));
}

#[test]
fn names_reasons_and_admission_are_looked_up() {
    let registry = sample::registry();
    let (traffic, nobody) = (org("traffic"), org("nobody"));
    assert_eq!(registry.org_name(&traffic, Lang::Zh), "交管");
    assert_eq!(registry.org_name(&traffic, Lang::En), "Traffic police");
    assert_eq!(registry.org_name(&nobody, Lang::En), "nobody");
    assert!(registry.reason(catalogue::CLOSE, "solved"));
    assert!(!registry.reason(catalogue::CLOSE, "whatever") && !registry.reason("whatever", "solved"));
    assert!(registry.community_admits(&matter("parking")));
    assert!(!registry.community_admits(&matter("road")) && !registry.community_admits(&matter("nothing")));
}
