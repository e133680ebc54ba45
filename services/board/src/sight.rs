//! What a caller sees, as SQL. The same rule as [`case::actor::sees`] and [`case::actor::is_accused`], which single cases are
//! judged by; a test holds them together over many cases and callers.

use case::ids::CaseId;
use case::{Actor, Case, actor};
use registry::Registry;
use registry::ids::{AreaCode, OrgId};
use rusqlite::types::Value;

/// A condition with its parameters, in the order of the question marks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clause {
    pub(crate) sql: String,
    pub(crate) params: Vec<Value>,
}

impl Clause {
    pub(crate) fn new(sql: impl Into<String>, params: Vec<Value>) -> Self {
        Self { sql: sql.into(), params }
    }

    /// What nothing fits.
    pub(crate) fn nothing() -> Self {
        Self::new("0", Vec::new())
    }

    /// What everything fits.
    pub(crate) fn everything() -> Self {
        Self::new("1", Vec::new())
    }

    /// All of them.
    pub(crate) fn all(clauses: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(clauses, " AND ").unwrap_or_else(Self::everything)
    }

    /// Any of them.
    pub(crate) fn any(clauses: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(clauses, " OR ").unwrap_or_else(Self::nothing)
    }

    fn joined(clauses: impl IntoIterator<Item = Self>, with: &str) -> Option<Self> {
        let mut params = Vec::new();
        let mut parts = Vec::new();
        for clause in clauses {
            parts.push(format!("({})", clause.sql));
            params.extend(clause.params);
        }
        (!parts.is_empty()).then(|| Self { sql: parts.join(with), params })
    }
}

/// A list as one parameter, to be read with `json_each`.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> Value {
    let items: Vec<serde_json::Value> = items.into_iter().map(serde_json::Value::String).collect();
    Value::Text(serde_json::Value::Array(items).to_string())
}

/// Cases `c` in an actor's sight. Nothing by default.
pub(crate) fn sees(actor: &Actor, registry: &Registry) -> Clause {
    let mut clauses = Vec::new();
    match (&actor.area, by_roles(actor, None, registry)) {
        (None, true) => return Clause::everything(),
        (None, false) => {}
        (Some(area), unplaced) => {
            if by_roles(actor, Some(area), registry) {
                clauses.push(around(area));
            }
            if unplaced {
                clauses.push(Clause::new("c.area IS NULL", Vec::new()));
            }
        }
    }
    let mut keys: Vec<String> = actor.person.iter().map(|person| format!("p:{person}")).collect();
    keys.extend(actor.source.iter().map(|source| format!("s:{source}")));
    if actor.acts_for_its_org() {
        keys.extend(actor.org.iter().flat_map(|org| below(org, registry)).map(|org| format!("o:{org}")));
    }
    if !keys.is_empty() {
        clauses.push(keyed("IN", keys));
    }
    Clause::any(clauses)
}

/// Whether an actor's roles alone, with their area, let them see a case that lies there. The domain is asked, so that which roles
/// do is written down once.
fn by_roles(actor: &Actor, place: Option<&AreaCode>, registry: &Registry) -> bool {
    let roles_alone = Actor { person: None, source: None, post: None, org: None, ..actor.clone() };
    let mut case = Case::new(CaseId(uuid::Uuid::nil()));
    case.place.area = place.cloned();
    actor::sees(&roles_alone, &case, registry)
}

/// Cases `c` in which the actor is not complained of.
pub(crate) fn not_accused(actor: &Actor, registry: &Registry) -> Clause {
    let mut keys: Vec<String> = actor.person.iter().map(|person| format!("ap:{person}")).collect();
    if let Some(own) = &actor.org {
        let related =
            |org: &OrgId| registry.is_same_or_above(own, org) || registry.is_same_or_above(org, own);
        let known =
            registry.content().orgs.iter().map(|org| &org.id).filter(|org| *org != own && related(org));
        keys.extend(std::iter::once(own).chain(known).map(|org| format!("ao:{org}")));
        for org in below(own, registry) {
            keys.extend(registry.people_in(&org).map(|person| format!("ap:{}", person.id)));
        }
    }
    if keys.is_empty() { Clause::everything() } else { keyed("NOT IN", keys) }
}

fn keyed(with: &str, keys: Vec<String>) -> Clause {
    let sql =
        format!("c.id {with} (SELECT case_no FROM sight WHERE key IN (SELECT value FROM json_each(?)))");
    Clause::new(sql, vec![list(keys)])
}

/// The organisation and all below it. One the registry does not know acts for itself.
pub(crate) fn below(own: &OrgId, registry: &Registry) -> Vec<OrgId> {
    let orgs = registry.content().orgs.iter().map(|org| &org.id);
    let below = orgs.filter(|org| *org != own && registry.is_same_or_above(own, org));
    std::iter::once(own).chain(below).cloned().collect()
}

/// Cases in an area, and cases whose place is only known by an area that has it in it.
pub(crate) fn around(area: &AreaCode) -> Clause {
    let mut above = Vec::new();
    let mut code = area.parent();
    while let Some(next) = code {
        above.push(next.as_str().to_owned());
        code = next.parent();
    }
    let inside = inside(area);
    let mut params = inside.params;
    params.push(list(above));
    Clause::new(format!("{} OR c.area IN (SELECT value FROM json_each(?))", inside.sql), params)
}

/// Cases in an area. Codes are digits, and `:` follows 9.
pub(crate) fn inside(area: &AreaCode) -> Clause {
    let (low, high) = (area.as_str().to_owned(), format!("{area}:"));
    Clause::new("(c.area >= ? AND c.area < ?)", vec![Value::Text(low), Value::Text(high)])
}
