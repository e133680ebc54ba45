use case::refusal::Violation;
use case::time::At;
use registry::ids::{AreaLevel, OrgId};
use registry::{Content, Registry};
use serde_json::Value;
use tonic::Status;
use wire::pb::whistle::registry::v1 as pb;
use wire::{Failure, view};

use super::{SECTIONS_BYTES_MAX, finding};
use crate::page;

/// Rows in a page, unless the caller says.
const ROWS: usize = 50;
/// The sections there are.
const SECTIONS: [&str; 11] = [
    "jurisdiction",
    "orgs",
    "posts",
    "categories",
    "matters",
    "matrix",
    "policies",
    "calendars",
    "areas",
    "compounds",
    "pairings",
];

pub(super) fn registry(
    registry: &Registry,
    asked: &pb::GetRegistryRequest,
) -> Result<pb::GetRegistryResponse, Status> {
    let content = registry.content();
    let jurisdiction = &content.jurisdiction;
    Ok(pb::GetRegistryResponse {
        version: registry.version().0,
        digest: content.digest(),
        jurisdiction_id: jurisdiction.id.to_string(),
        name: jurisdiction.name.clone(),
        name_en: jurisdiction.name_en.clone().unwrap_or_default(),
        note: jurisdiction.note.clone().unwrap_or_default(),
        summary: Some(summary(content)),
        sections: sections(content, &asked.sections)?,
        warnings: registry.warnings().iter().map(finding).collect(),
    })
}

fn summary(content: &Content) -> pb::RegistrySummary {
    let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
    let is_grid = |area: &&registry::Area| area.code.level() == AreaLevel::Grid;
    pb::RegistrySummary {
        areas: count(content.places.areas.len()),
        grids: count(content.places.areas.iter().filter(is_grid).count()),
        compounds: count(content.places.compounds.len()),
        organisations: count(content.orgs.len()),
        posts: count(content.posts.len()),
        matters: count(content.matters.len()),
        matrix_rows: count(content.matrix.len()),
        clock_rules: count(content.policies.clocks.len()),
        whistle_kinds: count(content.policies.whistles.len()),
        calendars: count(content.calendars.len()),
    }
}

fn sections(content: &Content, names: &[String]) -> Result<Vec<pb::Section>, Failure> {
    let unknown = |name: &&String| !SECTIONS.contains(&name.as_str());
    if let Some(name) = names.iter().find(unknown).or(names.get(SECTIONS.len())) {
        let expected = format!("{name} is none of: {}", SECTIONS.join(", "));
        return Err(Failure::Invalid(vec![Violation::new("sections", "UNKNOWN", expected)]));
    }
    let mut bytes = 0;
    let mut sections = Vec::new();
    for name in names {
        let json = section(content, name).map_err(|_unwritable| Failure::Internal)?;
        bytes += json.len();
        if bytes > SECTIONS_BYTES_MAX {
            let (limit, actual) = (SECTIONS_BYTES_MAX as u64, bytes as u64);
            return Err(Failure::TooLarge { what: "sections", limit, actual });
        }
        sections.push(pb::Section { name: name.clone(), json });
    }
    Ok(sections)
}

fn section(content: &Content, name: &str) -> serde_json::Result<Vec<u8>> {
    match name {
        "jurisdiction" => serde_json::to_vec(&content.jurisdiction),
        "orgs" => serde_json::to_vec(&content.orgs),
        "posts" => serde_json::to_vec(&content.posts),
        "categories" => serde_json::to_vec(&content.categories),
        "matters" => serde_json::to_vec(&content.matters),
        "matrix" => serde_json::to_vec(&content.matrix),
        "policies" => serde_json::to_vec(&content.policies),
        "calendars" => serde_json::to_vec(&content.calendars),
        "areas" => serde_json::to_vec(&content.places.areas),
        "compounds" => serde_json::to_vec(&content.places.compounds),
        "pairings" => serde_json::to_vec(&content.places.pairings),
        _ => serde_json::to_vec(&Value::Null),
    }
}

/// Items after the last page's last id, in order of ids, and the token of the next page.
fn paged<'a, T>(
    mut items: Vec<&'a T>,
    id: impl Fn(&T) -> &str,
    question: &str,
    (size, token): (i32, &str),
) -> Result<(Vec<&'a T>, String), Failure> {
    let mut violations = Vec::new();
    let size = page::size(size, ROWS, &mut violations);
    let after = page::keys(token, question, &mut violations);
    if !violations.is_empty() {
        return Err(Failure::Invalid(violations));
    }
    let after = after.and_then(|keys| keys.into_iter().next()).unwrap_or_default();
    items.retain(|item| *id(item) > *after);
    items.sort_by(|a, b| id(a).cmp(id(b)));
    let more = items.len() > size;
    items.truncate(size);
    let next = items.last().filter(|_| more).map(|last| page::token(question, &[id(last)]));
    Ok((items, next.unwrap_or_default()))
}

/// Whether a name, in either language, has a text in it.
fn named(name: &str, name_en: Option<&String>, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    name.to_lowercase().contains(&wanted) || name_en.is_some_and(|name| name.to_lowercase().contains(&wanted))
}

pub(super) fn matters(
    registry: &Registry,
    asked: &pb::ListMattersRequest,
) -> Result<pb::ListMattersResponse, Status> {
    let content = registry.content();
    let fits = |matter: &&registry::Matter| {
        (asked.category.is_empty() || matter.category.as_str() == asked.category)
            && named(&matter.name, matter.name_en.as_ref(), &asked.name_contains)
    };
    let question = page::question(&["matters", &asked.category, &asked.name_contains]);
    let found = content.matters.iter().filter(fits).collect();
    let asked = (asked.page_size, asked.page_token.as_str());
    let (found, next_page_token) = paged(found, |matter| matter.id.as_str(), &question, asked)?;
    let matters = found.into_iter().map(|matter| shown(matter, content)).collect();
    Ok(pb::ListMattersResponse { matters, next_page_token })
}

fn shown(matter: &registry::Matter, content: &Content) -> pb::Matter {
    let category = content.categories.iter().find(|category| category.key == matter.category);
    let kind = serde_json::to_value(matter.kind).unwrap_or_default();
    pb::Matter {
        matter_id: matter.id.to_string(),
        name: matter.name.clone(),
        name_en: matter.name_en.clone().unwrap_or_else(|| matter.name.clone()),
        category: matter.category.to_string(),
        category_name: category.map(|category| category.name.clone()).unwrap_or_default(),
        subcategory: matter.subcategory.clone(),
        kind: kind.as_str().unwrap_or_default().to_owned(),
        filing_condition: matter.filing_condition.zh.clone(),
        filing_condition_en: matter.filing_condition.en.clone(),
        tier: matter.tier.to_string(),
        self_handling: matter.self_handling,
        community_may_be_assigned: matter.community_may_be_assigned,
    }
}

pub(super) fn organisations(
    registry: &Registry,
    asked: &pb::ListRegisteredOrganisationsRequest,
) -> Result<pb::ListRegisteredOrganisationsResponse, Status> {
    let above = OrgId::new(asked.under_org_id.as_str()).ok();
    let under = |org: &OrgId| match &above {
        Some(above) => registry.is_same_or_above(above, org),
        None => asked.under_org_id.is_empty(),
    };
    let fits =
        |org: &&registry::Org| under(&org.id) && named(&org.name, org.name_en.as_ref(), &asked.name_contains);
    let question = page::question(&["orgs", &asked.under_org_id, &asked.name_contains]);
    let found = registry.content().orgs.iter().filter(fits).collect();
    let (found, next_page_token) =
        paged(found, |org| org.id.as_str(), &question, (asked.page_size, &asked.page_token))?;
    let organisations = found.into_iter().map(|org| organisation(org, registry)).collect();
    Ok(pb::ListRegisteredOrganisationsResponse { organisations, next_page_token })
}

fn organisation(org: &registry::Org, registry: &Registry) -> pb::RegisteredOrganisation {
    let kind = serde_json::to_value(org.kind).unwrap_or_default();
    let post = |post: &registry::Post| pb::Post {
        post_id: post.id.to_string(),
        name: post.name.clone(),
        name_en: post.name_en.clone().unwrap_or_else(|| post.name.clone()),
        roles: post.roles.iter().map(|role| view::role(*role).id).collect(),
        area_code: post.area.as_ref().map(ToString::to_string).unwrap_or_default(),
    };
    pb::RegisteredOrganisation {
        org_id: org.id.to_string(),
        name: org.name.clone(),
        name_en: org.name_en.clone().unwrap_or_else(|| org.name.clone()),
        kind: kind.as_str().unwrap_or_default().to_owned(),
        parent_org_id: org.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        area_code: org.area.as_ref().map(ToString::to_string).unwrap_or_default(),
        active: org.active,
        from_time: org.from.map(|at| wire::timestamp(At::new(at))),
        until_time: org.until.map(|at| wire::timestamp(At::new(at))),
        posts: registry.posts_in(&org.id).map(post).collect(),
    }
}
