//! Which cases somebody asks for.

use case::Actor;
use case::flow::Status;
use case::refusal::{Refusal, Violation};
use registry::Registry;
use registry::ids::{AreaCode, CompoundId, MatterId, OrgId, Role};
use rusqlite::types::Value;
use vault::Secrets;
use wire::pb::whistle::board::v1::CaseFilter;
use wire::{Wire, view};

use crate::fold::{QUERY_CHARS_MAX, SAYING, micros, phrases};
use crate::sight::{Clause, inside, list, not_accused};
use crate::words::reads_words;

/// Most statuses of one filter.
const STATUSES_MAX: usize = 32;
/// Longest number of another system, in bytes.
const EXTERNAL_REF_BYTES_MAX: usize = 64;

/// A filter that reads, as SQL over cases `c`.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) clause: Clause,
    /// What it asks, for page tokens; the instant of overdue is left out.
    pub(crate) question: String,
    /// Whether it asks for words, which not everybody may.
    pub(crate) asks_words: bool,
}

/// What a filter is read with.
pub(crate) struct Reader<'a> {
    pub(crate) secrets: &'a Secrets,
    pub(crate) registry: &'a Registry,
    pub(crate) actor: &'a Actor,
    pub(crate) now_micros: i64,
}

impl Reader<'_> {
    /// Reads a filter; every violation is noted.
    pub(crate) fn read(&self, filter: &CaseFilter, violations: &mut Vec<Violation>) -> Filter {
        let mut clauses = Vec::new();
        clauses.extend(statuses(filter, violations));
        clauses.extend(places(filter, violations));
        clauses.extend(parties(filter, violations));
        clauses.extend(times(filter, violations));
        if let Some(ended) = filter.ended {
            clauses.push(Clause::new("c.ended = ?", vec![Value::Integer(ended.into())]));
        }
        let mut question = format!("{clauses:?}");
        if filter.overdue_only {
            clauses.push(Clause::new("c.due < ?", vec![Value::Integer(self.now_micros)]));
            question.push_str("overdue");
        }
        let asks_words = !filter.text.is_empty();
        if asks_words {
            clauses.extend(self.text(&filter.text, violations));
            question.push_str(&filter.text);
        }
        Filter { clause: Clause::all(clauses), question, asks_words }
    }

    /// Cases in whose words something is said, but for those in which the caller is complained of.
    fn text(&self, text: &str, violations: &mut Vec<Violation>) -> Option<Clause> {
        let phrases =
            (text.chars().count() <= QUERY_CHARS_MAX).then(|| phrases(text, self.secrets)).flatten();
        let Some(phrases) = phrases else {
            let expected = format!("2 to {QUERY_CHARS_MAX} characters, two of them next to each other");
            violations.push(Violation::new("filter.text", "OUT_OF_RANGE", expected));
            return None;
        };
        let saying = |phrase| Clause::new(format!("c.id IN ({SAYING})"), vec![Value::Text(phrase)]);
        let said = phrases.into_iter().map(saying);
        Some(Clause::all(said.chain([not_accused(self.actor, self.registry)])))
    }
}

/// Whoever reads no words finds nothing by words.
pub(crate) fn may_ask(filter: &Filter, actor: &Actor) -> Result<(), Refusal> {
    if filter.asks_words && !reads_words(actor) {
        return Err(Refusal::RoleMissing { needed: vec![Role::Receptionist, Role::Handler] });
    }
    Ok(())
}

fn statuses(filter: &CaseFilter, violations: &mut Vec<Violation>) -> Option<Clause> {
    if filter.statuses.is_empty() {
        return None;
    }
    if filter.statuses.len() > STATUSES_MAX {
        violations.push(Violation::new("filter.statuses", "TOO_MANY", format!("at most {STATUSES_MAX}")));
        return None;
    }
    let mut names = Vec::new();
    for (index, given) in filter.statuses.iter().enumerate() {
        let status = <Status as Wire>::Pb::try_from(*given).ok().and_then(Status::from_pb);
        match status {
            Some(status) => names.push(status.name().to_owned()),
            None => violations.push(Violation::new(
                format!("filter.statuses[{index}]"),
                "UNKNOWN",
                "a status, not unspecified",
            )),
        }
    }
    Some(Clause::new("c.status IN (SELECT value FROM json_each(?))", vec![list(names)]))
}

fn places(filter: &CaseFilter, violations: &mut Vec<Violation>) -> Vec<Clause> {
    let mut clauses = Vec::new();
    if let Some(area) = id("area_code", &filter.area_code, AreaCode::new, violations) {
        clauses.push(inside(&area));
    }
    if let Some(compound) = id("compound_id", &filter.compound_id, CompoundId::new, violations) {
        clauses.push(Clause::new("c.compound = ?", vec![Value::Text(compound.to_string())]));
    }
    if let Some(matter) = id("matter_id", &filter.matter_id, MatterId::new, violations) {
        clauses.push(Clause::new("c.matter = ?", vec![Value::Text(matter.to_string())]));
    }
    clauses
}

fn parties(filter: &CaseFilter, violations: &mut Vec<Violation>) -> Vec<Clause> {
    let mut clauses = Vec::new();
    if let Some(org) = id("org_id", &filter.org_id, OrgId::new, violations) {
        let sql = "c.id IN (SELECT case_no FROM obligations WHERE org = ? AND open)";
        clauses.push(Clause::new(sql, vec![Value::Text(org.to_string())]));
    }
    if filter.external_ref.len() > EXTERNAL_REF_BYTES_MAX {
        let expected = format!("at most {EXTERNAL_REF_BYTES_MAX} bytes");
        violations.push(Violation::new("filter.external_ref", "TOO_LONG", expected));
    } else if !filter.external_ref.is_empty() {
        let sql = "c.id IN (SELECT case_no FROM obligations WHERE external_ref = ?)";
        clauses.push(Clause::new(sql, vec![Value::Text(filter.external_ref.clone())]));
    }
    clauses
}

fn times(filter: &CaseFilter, violations: &mut Vec<Violation>) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let given = [
        ("filter.raised_from_time", &filter.raised_from_time, "c.raised_at >= ?"),
        ("filter.raised_until_time", &filter.raised_until_time, "c.raised_at < ?"),
    ];
    for (field, given, sql) in given {
        let Some(given) = given else { continue };
        match view::from_timestamp(given) {
            Some(at) => clauses.push(Clause::new(sql, vec![Value::Integer(micros(at))])),
            None => violations.push(Violation::new(field, "MALFORMED", "a point in time")),
        }
    }
    clauses
}

/// An id of a filter; none when none is given or it is none.
fn id<T, E: std::fmt::Display>(
    field: &str,
    given: &str,
    read: impl Fn(String) -> Result<T, E>,
    violations: &mut Vec<Violation>,
) -> Option<T> {
    if given.is_empty() {
        return None;
    }
    let read = read(given.to_owned());
    if let Err(error) = &read {
        violations.push(Violation::new(format!("filter.{field}"), "MALFORMED", error.to_string()));
    }
    read.ok()
}
