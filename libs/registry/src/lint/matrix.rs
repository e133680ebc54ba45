//! Matters and the responsibility matrix.

use std::collections::BTreeMap;

use crate::content::Content;
use crate::ids::{MatterId, OrgId, Role, RuleId};
use crate::lint::Report;
use crate::lint::known::Known;
use crate::matrix::{Assignee, MatrixRow};
use crate::orgs::OrgKind;

pub(super) fn check(content: &Content, known: &Known<'_>, report: &mut Report) {
    for matter in &content.matters {
        let path = format!("matters[{}]", matter.id);
        if !known.categories.contains(&matter.category) {
            report.unknown(format!("{path}.category"), "category", &matter.category);
        }
        if !known.tiers.contains(&matter.tier) {
            report.unknown(format!("{path}.tier"), "tier", &matter.tier);
        }
    }
    for row in &content.matrix {
        check_row(known, row, report);
    }
    check_ties(content, report);
    check_rowless(content, report);
    check_desks(content, known, report);
}

fn check_row(known: &Known<'_>, row: &MatrixRow, report: &mut Report) {
    let path = format!("matrix[{}]", row.rule);
    if row.rule == RuleId::fallback_subdistrict() || row.rule == RuleId::fallback_district() {
        report.error(&path, "the id is that of a fallback", "give the row another id");
    }
    if row.matter.is_some() && row.category.is_some() {
        report.error(&path, "names a matter and a category", "keep the matter, which says it all");
    }
    if let Some(matter) = &row.matter
        && !known.matters.contains_key(matter)
    {
        report.unknown(format!("{path}.matter"), "matter", matter);
    }
    if let Some(category) = &row.category
        && !known.categories.contains(category)
    {
        report.unknown(format!("{path}.category"), "category", category);
    }
    if let Some(area) = &row.area
        && !known.areas.contains_key(area)
    {
        report.unknown(format!("{path}.area"), "area", area);
    }
    check_assignee(known, &format!("{path}.lead"), &row.lead, report);
    for helper in &row.co {
        check_assignee(known, &format!("{path}.co"), helper, report);
        if *helper == row.lead {
            report.warning(format!("{path}.co"), format!("{helper} leads already"), "leave it out of co");
        }
    }
    if leads_as_community(known, row) && !admitted(known, row) {
        let problem = "a community would lead what the admission list keeps from it";
        report.error(format!("{path}.lead"), problem, "admit the matter, or name another lead");
    }
    if row.source.trim().is_empty() {
        report.error(format!("{path}.source"), "is empty", "say where the row comes from");
    }
}

fn check_assignee(known: &Known<'_>, path: &str, assignee: &Assignee, report: &mut Report) {
    let Assignee::Org(id) = assignee else { return };
    match known.orgs.get(id) {
        None => report.unknown(path, "organisation", id),
        Some(org) if !org.active => {
            report.warning(
                path,
                format!("{id} takes no duties, so the row is passed over"),
                "name an active one",
            );
        }
        Some(_) => {}
    }
}

fn leads_as_community(known: &Known<'_>, row: &MatrixRow) -> bool {
    match &row.lead {
        Assignee::Community => true,
        Assignee::Org(id) => known.orgs.get(id).is_some_and(|org| org.kind == OrgKind::Community),
        Assignee::Subdistrict
        | Assignee::Property
        | Assignee::Owner
        | Assignee::Owners
        | Assignee::Centre => false,
    }
}

fn admitted(known: &Known<'_>, row: &MatrixRow) -> bool {
    let concerned = known.matters.values().filter(|matter| match (&row.matter, &row.category) {
        (Some(id), _) => matter.id == *id,
        (None, Some(category)) => matter.category == *category,
        (None, None) => true,
    });
    concerned.into_iter().all(|matter| matter.community_may_be_assigned)
}

/// With the order of specificity the matrix has, two rows tie exactly when their conditions are the same.
fn check_ties(content: &Content, report: &mut Report) {
    let mut seen = BTreeMap::new();
    for row in &content.matrix {
        let conditions = (&row.matter, &row.category, &row.area, row.ownership, row.mode);
        if let Some(first) = seen.insert(conditions, &row.rule) {
            let problem = format!("ties with {first}: both hold under the same conditions");
            report.error(format!("matrix[{}]", row.rule), problem, "narrow one of them, or drop it");
        }
    }
}

fn check_rowless(content: &Content, report: &mut Report) {
    let covered = |id: &MatterId, category| {
        content.matrix.iter().any(|row| match (&row.matter, &row.category) {
            (Some(own), _) => own == id,
            (None, Some(own)) => own == category,
            (None, None) => true,
        })
    };
    for matter in content.matters.iter().filter(|matter| !covered(&matter.id, &matter.category)) {
        let path = format!("matters[{}]", matter.id);
        let problem = "no row of the matrix names it or its category, so it always falls to the place";
        report.warning(path, problem, "add a row, or confirm that this is meant");
    }
}

/// Whoever leads must have somebody who opens the in-tray.
fn check_desks(content: &Content, known: &Known<'_>, report: &mut Report) {
    let named = content.matrix.iter().flat_map(|row| std::iter::once(&row.lead).chain(&row.co));
    let mut orgs: Vec<&OrgId> = named
        .filter_map(|assignee| match assignee {
            Assignee::Org(id) => Some(id),
            Assignee::Subdistrict
            | Assignee::Community
            | Assignee::Property
            | Assignee::Owner
            | Assignee::Owners
            | Assignee::Centre => None,
        })
        .collect();
    orgs.sort();
    orgs.dedup();
    for id in orgs.into_iter().filter(|id| known.orgs.contains_key(id)) {
        let mut desks = known.posts.values().filter(|post| post.roles.contains(&Role::OrgDispatcher));
        if !desks.any(|post| post.org == *id) {
            let advice = "add one, so that its duties reach somebody";
            report.warning(format!("orgs[{id}]"), "is in the matrix but has no org_dispatcher post", advice);
        }
    }
}
