//! Organisations, posts, people, and the jurisdiction itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::content::Content;
use crate::ids::{AreaCode, AreaLevel, OrgId, PostId};
use crate::lint::Report;
use crate::lint::known::Known;
use crate::registry::answers_for;

pub(super) fn check(content: &Content, known: &Known<'_>, report: &mut Report) {
    check_jurisdiction(content, known, report);
    check_orgs(content, known, report);
    check_answering(content, report);
    check_cycles(content, known, report);
    check_posts(content, known, report);
    check_people(content, known, report);
}

fn check_jurisdiction(content: &Content, known: &Known<'_>, report: &mut Report) {
    let jurisdiction = &content.jurisdiction;
    let path = "jurisdiction.district_centre";
    match known.orgs.get(&jurisdiction.district_centre) {
        None => report.unknown(path, "organisation", &jurisdiction.district_centre),
        Some(centre) if !centre.active => {
            report.error(path, "is not active, so nobody takes what nobody else does", "name an active one");
        }
        Some(_) => {}
    }
    if jurisdiction.code.level() != AreaLevel::District {
        report.error("jurisdiction.code", "is not a district's", "use six digits");
    }
    let mut seen = BTreeSet::new();
    for source in &jurisdiction.sources {
        let path = format!("jurisdiction.sources[{}]", source.id);
        if !known.orgs.contains_key(&source.org) {
            report.unknown(format!("{path}.org"), "organisation", &source.org);
        }
        if !seen.insert(&source.id) {
            report.error(path, "is there twice", "keep one, or give the other an id of its own");
        }
    }
}

fn check_orgs(content: &Content, known: &Known<'_>, report: &mut Report) {
    let mut roots = 0;
    for org in &content.orgs {
        let path = format!("orgs[{}]", org.id);
        match &org.parent {
            None => roots += 1,
            Some(parent) if !known.orgs.contains_key(parent) => {
                report.unknown(format!("{path}.parent"), "organisation", parent);
            }
            Some(_) => {}
        }
        if let Some(area) = &org.area {
            if !known.areas.contains_key(area) {
                report.unknown(format!("{path}.area"), "area", area);
            }
            if answers_for(org.kind).is_some_and(|level| level != area.level()) {
                let problem = format!("a {:?} cannot answer for {area}", org.kind);
                report.error(format!("{path}.area"), problem, "give the code of its own level");
            }
        }
        if let (Some(from), Some(until)) = (org.from, org.until)
            && from >= until
        {
            report.error(format!("{path}.until"), "is not after from", "correct the validity");
        }
        if org.name.trim().is_empty() {
            report.error(format!("{path}.name"), "is empty", "give it a name");
        }
    }
    if roots == 0 && !content.orgs.is_empty() {
        report.error("orgs", "the tree has no root", "leave one organisation without parent");
    }
}

fn check_answering(content: &Content, report: &mut Report) {
    let mut answering: BTreeMap<&AreaCode, &OrgId> = BTreeMap::new();
    let offices = content.orgs.iter().filter(|org| org.active && answers_for(org.kind).is_some());
    for (area, org) in offices.filter_map(|org| Some((org.area.as_ref()?, &org.id))) {
        if let Some(other) = answering.insert(area, org) {
            let problem = format!("{other} and {org} both answer for {area}");
            report.error(format!("orgs[{org}].area"), problem, "leave the area to one of them");
        }
    }
    for area in &content.places.areas {
        let path = || format!("areas[{}]", area.code);
        match area.code.level() {
            AreaLevel::Subdistrict if !answering.contains_key(&area.code) => report.error(
                path(),
                "no subdistrict office answers for it, so its duties have no fallback",
                "give an organisation of kind SUBDISTRICT this area",
            ),
            AreaLevel::Community if !answering.contains_key(&area.code) => report.warning(
                path(),
                "no community organisation answers for it",
                "give an organisation of kind COMMUNITY this area",
            ),
            AreaLevel::District | AreaLevel::Subdistrict | AreaLevel::Community | AreaLevel::Grid => {}
        }
    }
}

/// Follows each chain with a bound; an id is reported once, at its first member in the order of the content.
fn cycles<'a, K: Ord + 'a>(
    ids: impl Iterator<Item = &'a K>,
    next: impl Fn(&K) -> Option<&'a K>,
) -> Vec<&'a K> {
    let mut done: BTreeSet<&K> = BTreeSet::new();
    let mut found = Vec::new();
    for id in ids {
        let mut chain = BTreeSet::new();
        let mut at = Some(id);
        while let Some(here) = at {
            if done.contains(here) {
                break;
            }
            if !chain.insert(here) {
                found.push(here);
                break;
            }
            at = next(here);
        }
        done.extend(chain);
    }
    found
}

fn check_cycles(content: &Content, known: &Known<'_>, report: &mut Report) {
    let parent = |id: &OrgId| known.orgs.get(id).and_then(|org| org.parent.as_ref());
    for id in cycles(content.orgs.iter().map(|org| &org.id), parent) {
        let path = format!("orgs[{id}].parent");
        report.error(path, "is above itself", "cut the circle at the organisation that is really on top");
    }
    let deputy = |id: &PostId| known.posts.get(id).and_then(|post| post.deputy.as_ref());
    for id in cycles(content.posts.iter().map(|post| &post.id), deputy) {
        let path = format!("posts[{id}].deputy");
        report.warning(
            path,
            "is its own deputy in the end",
            "when all of them are away nobody acts; end the chain",
        );
    }
}

fn check_posts(content: &Content, known: &Known<'_>, report: &mut Report) {
    for post in &content.posts {
        let path = format!("posts[{}]", post.id);
        if !known.orgs.contains_key(&post.org) {
            report.unknown(format!("{path}.org"), "organisation", &post.org);
        }
        if let Some(deputy) = &post.deputy
            && !known.posts.contains_key(deputy)
        {
            report.unknown(format!("{path}.deputy"), "post", deputy);
        }
        if let Some(area) = &post.area
            && !known.areas.contains_key(area)
        {
            report.unknown(format!("{path}.area"), "area", area);
        }
        if post.roles.is_empty() {
            report.warning(format!("{path}.roles"), "its holder may do nothing", "give it a role");
        }
    }
}

fn check_people(content: &Content, known: &Known<'_>, report: &mut Report) {
    let mut held: BTreeSet<&PostId> = BTreeSet::new();
    for person in &content.people {
        let path = format!("people[{}].posts", person.id);
        if person.posts.is_empty() {
            report.warning(&path, "holds no post", "give the person a post, or leave the person out");
        }
        for post in &person.posts {
            if !known.posts.contains_key(post) {
                report.unknown(&path, "post", post);
            }
            held.insert(post);
        }
    }
    for post in content.posts.iter().filter(|post| !held.contains(&post.id) && post.deputy.is_none()) {
        let path = format!("posts[{}]", post.id);
        report.warning(path, "nobody holds it and it has no deputy", "name a person or a deputy");
    }
}
