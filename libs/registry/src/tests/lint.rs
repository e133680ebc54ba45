use worktime::Budget;

use crate::ids::*;
use crate::*;

use super::code;

/// What the linter says about the small sample once it was changed.
fn findings(change: impl FnOnce(&mut Content)) -> Vec<Finding> {
    let mut content = sample::content();
    change(&mut content);
    lint(&content)
}

fn check(severity: Severity, path: &str, problem: &str, change: impl FnOnce(&mut Content)) {
    let found = findings(change);
    let wanted = |finding: &Finding| {
        finding.severity == severity && finding.path == path && finding.problem.contains(problem)
    };
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.iter().any(wanted), "{path}: {problem} is not among\n{}", all.join("\n"));
    assert!(found.iter().all(|finding| !finding.advice.is_empty()));
}

fn error(path: &str, problem: &str, change: impl FnOnce(&mut Content)) {
    check(Severity::Error, path, problem, change);
}

fn warning(path: &str, problem: &str, change: impl FnOnce(&mut Content)) {
    check(Severity::Warning, path, problem, change);
}

fn id<T: std::str::FromStr<Err = IdError>>(text: &str) -> T {
    text.parse().unwrap()
}

#[test]
fn references_to_nothing_are_errors() {
    error("orgs[traffic].parent", "no organisation nobody", |c| {
        org(c, "traffic").parent = Some(id("nobody"))
    });
    error("posts[post-handler-traffic].org", "no organisation nobody", |c| {
        let post = c.posts.iter_mut().find(|post| post.id == id("post-handler-traffic")).unwrap();
        post.org = id("nobody");
    });
    error("people[p-inspector].posts", "no post none", |c| {
        c.people.iter_mut().find(|person| person.id == id("p-inspector")).unwrap().posts = vec![id("none")];
    });
    error("matters[road].category", "no category", |c| c.matters[2].category = id("none"));
    error("matters[road].tier", "no tier", |c| c.matters[2].tier = id("none"));
    error("matrix[parking].lead", "no organisation", |c| c.matrix[0].lead = Assignee::Org(id("nobody")));
    error("clocks[triage].calendar", "no calendar", |c| {
        c.policies.clocks[0].calendar = worktime::CalendarId::new("none").unwrap();
    });
    error("compounds[compound-a].property", "no organisation", |c| {
        c.places.compounds[0].property = Some(id("nobody"));
    });
    error("pairings[999900001001].units", "no organisation", |c| {
        c.places.pairings[0].units.push(id("nobody"));
    });
}

fn org<'a>(content: &'a mut Content, text: &str) -> &'a mut Org {
    content.orgs.iter_mut().find(|org| org.id.as_str() == text).unwrap()
}

#[test]
fn what_is_there_twice_is_an_error() {
    error("orgs[traffic]", "twice", |c| {
        let again = org(c, "traffic").clone();
        c.orgs.push(again);
    });
    error("matters[parking]", "twice", |c| c.matters.push(c.matters[0].clone()));
    error("clocks[triage]", "twice", |c| c.policies.clocks.push(c.policies.clocks[0].clone()));
    error("buildings[building-8]", "twice", |c| {
        let again = c.places.compounds[0].buildings[0].clone();
        c.places.compounds[0].buildings.push(again);
    });
}

#[test]
fn a_circle_in_the_tree_is_an_error() {
    error("orgs[housing].parent", "above itself", |c| {
        org(c, "housing").parent = Some(id("housing-section"));
    });
    error("orgs", "no root", |c| org(c, "district").parent = Some(id("district")));
}

#[test]
fn places_that_cannot_be_are_errors() {
    error("areas[999900003001]", "orphan", |c| {
        let mut area = c.places.areas[0].clone();
        area.code = code("999900003001");
        c.places.areas.push(area);
    });
    error("areas[888800]", "outside district", |c| {
        let mut area = c.places.areas[0].clone();
        area.code = code("888800");
        c.places.areas.push(area);
    });
    error("areas[999900].shape", "rect", |c| {
        let degrees = |value| Degrees::new(value).unwrap();
        c.places.areas[0].shape = Some(Shape::Rect([degrees(2.0), degrees(1.0), degrees(1.0), degrees(2.0)]));
    });
}

#[test]
fn overlapping_grids_and_undrawn_ones_are_warnings() {
    let grid = |c: &mut Content, text: &str| {
        c.places.areas.iter().position(|area| area.code.as_str() == text).unwrap()
    };
    warning("areas[999900001001001].shape", "overlaps grid 999900001001002", |c| {
        let (one, two) = (grid(c, "999900001001001"), grid(c, "999900001001002"));
        c.places.areas[two].shape = c.places.areas[one].shape.clone();
    });
    warning("areas[999900001001001].shape", "no outline", |c| {
        let at = grid(c, "999900001001001");
        c.places.areas[at].shape = None;
    });
}

#[test]
fn a_place_without_anybody_to_fall_back_to_is_an_error() {
    error("areas[999900002]", "no fallback", |c| org(c, "street-b").active = false);
    error("jurisdiction.district_centre", "not active", |c| org(c, "centre").active = false);
    warning("areas[999900002001]", "no community organisation", |c| org(c, "community-b1").active = false);
    error("orgs[street-b].area", "both answer", |c| org(c, "street-b").area = Some(code("999900001")));
}

#[test]
fn ties_are_errors() {
    error("matrix[again]", "ties with parking", |c| {
        let mut row = c.matrix[0].clone();
        row.rule = id("again");
        c.matrix.push(row);
    });
    error("clocks[again]", "ties with triage", |c| {
        let mut rule = c.policies.clocks[0].clone();
        rule.id = id("again");
        c.policies.clocks.push(rule);
    });
}

#[test]
fn a_community_is_not_made_to_lead_what_it_does_not_admit() {
    error("matrix[road].lead", "admission", |c| {
        c.matrix.iter_mut().find(|row| row.rule == id("road")).unwrap().lead = Assignee::Community;
    });
    warning("matters[road]", "no row", |c| {
        c.matrix.retain(|row| row.matter.as_ref().is_none_or(|matter| matter.as_str() != "road"));
    });
}

#[test]
fn whistles_nobody_can_blow_approve_or_end_are_errors() {
    error("whistles[ROUTINE].may_blow", "nobody may blow", |c| c.policies.whistles[0].may_blow.clear());
    error("whistles[ROUTINE].approve", "nobody can give", |c| c.policies.whistles[0].approve.clear());
    error("whistles[ROUTINE].steps", "never be completed", |c| {
        c.policies.whistles[0].steps = vec![Step::SignFor];
    });
    error("whistles[ROUTINE].steps", "out of order", |c| c.policies.whistles[0].steps.reverse());
    error("whistles[ROUTINE].settled_by", "no count", |c| {
        c.policies.whistles[0].settled_by = SettledBy::Quorum(0);
    });
    warning("whistles[DRILL].may_blow", "no post", |c| {
        for post in &mut c.posts {
            post.roles.retain(|role| *role != Role::DistrictCentre);
        }
    });
}

#[test]
fn a_step_that_no_clock_rule_covers_is_an_error() {
    error("clocks", "no rule for ReportIn of whistle ROUTINE", |c| {
        c.policies.clocks.retain(|rule| rule.id.as_str() != "report-in-routine");
    });
    error("clocks", "no rule for Check", |c| {
        c.policies.clocks.retain(|rule| rule.kind != ClockKind::Check);
    });
    error("clocks", "no rule for Contact", |c| {
        c.policies.clocks.retain(|rule| rule.id.as_str() != "contact");
    });
}

#[test]
fn clock_rules_that_make_no_sense_are_errors() {
    error("clocks[triage].warn_permille", "not ascend", |c| {
        c.policies.clocks[0].warn_permille = vec![800, 500];
    });
    error("clocks[triage].warn_permille", "not a share", |c| {
        c.policies.clocks[0].warn_permille = vec![1_500];
    });
    error("clocks[triage].budget", "nothing", |c| {
        c.policies.clocks[0].budget = Budget::WorkingDays { days: 0 };
    });
    error("clocks[triage].budget", "does not reach", |c| {
        c.policies.clocks[0].budget = Budget::WorkingDays { days: 2_000 };
    });
    error("clocks[triage].source", "empty", |c| c.policies.clocks[0].source.clear());
}

#[test]
fn ladder_steps_nobody_hears_or_reaches_are_errors() {
    error("ladder[l2].to", "nobody hears", |c| c.policies.ladder[2].to.clear());
    error("ladder[l1].to", "street-b has no post", |c| {
        c.posts.retain(|post| post.id.as_str() != "post-subdistrict_officer-street-b");
    });
    error("ladder[l2].when", "not later", |c| c.policies.ladder[2].when = LadderWhen::Breach);
    error("ladder[l2].calendar", "missing", |c| c.policies.ladder[2].calendar = None);
    error("ladder[l2].reply", "answer", |c| c.policies.ladder[2].reply = None);
    error("ladder", "nobody holds", |c| c.policies.ladder[1].first_for_unowned = false);
    error("ladder", "no step", |c| c.policies.ladder.clear());
}

#[test]
fn colours_limits_and_catalogues_are_checked() {
    error("colours", "not ascend", |c| c.policies.colours.reverse());
    error("colours", "has no colour", |c| c.policies.colours.clear());
    error("limits.parties_max", "is 0", |c| c.policies.limits.parties_max = 0);
    error("limit_sources.parties_max", "missing", |c| {
        c.policies.limit_sources.remove("parties_max");
    });
    error("catalogues[close]", "missing", |c| c.policies.catalogues.retain(|own| own.key != "close"));
    error("catalogues[reject].reasons[no-facts]", "twice", |c| {
        let again = c.policies.catalogues[0].reasons[1].clone();
        c.policies.catalogues[0].reasons.push(again);
    });
}

#[test]
fn a_calendar_nothing_falls_due_on_is_an_error() {
    error("calendars[weekday]", "no working time", |c| {
        let mut data = c.calendars[0].data().clone();
        data.weekly.clear();
        c.calendars[0] = data.try_into().unwrap();
    });
    warning("calendars[weekday].covered_until", "until when", |c| {
        let mut data = c.calendars[0].data().clone();
        data.covered_until = None;
        c.calendars[0] = data.try_into().unwrap();
    });
}

#[test]
fn everything_is_told_at_once_errors_first_and_no_more_than_fits() {
    let found = findings(|c| {
        c.posts[0].roles.clear();
        c.matters[0].tier = id("none");
        c.policies.colours.clear();
    });
    assert!(found.len() >= 3);
    assert!(found.is_sorted_by_key(|finding| finding.severity));
    let found = findings(|c| c.posts.clear());
    assert!(Registry::build(RegistryVersion(1), sample::content()).is_ok());
    let flood = findings(|c| {
        let area = c.places.areas[0].clone();
        for serial in 0..600 {
            let mut orphan = area.clone();
            orphan.code = code(&format!("888800{serial:09}"));
            c.places.areas.push(orphan);
        }
    });
    assert!(!found.is_empty());
    assert_eq!(flood.len(), FINDINGS_MAX);
    assert!(flood.last().unwrap().problem.contains("more findings"));
}

#[test]
fn a_registry_with_an_error_is_not_built() {
    let mut content = sample::content();
    content.policies.colours.clear();
    let findings = Registry::build(RegistryVersion(1), content).unwrap_err();
    assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
}
