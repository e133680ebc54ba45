//! What became of each source's tickets, in order: every change of a case's status, and nothing else.

use std::collections::BTreeMap;

use case::event::parts::Ticket;
use case::ids::CaseId;
use case::sealed::Sealed;
use case::state::Case;
use case::time::At;
use projection::{CaseChange, Change, FoldError, Projection, ReadError, View};
use registry::ids::{OrgId, SourceId};
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Outcomes read in one step.
const PAGE: u32 = 128;

/// A change of a case's status, as of its event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OutcomeRow {
    pub position: u64,
    pub case: CaseId,
    pub event_id: Uuid,
    pub recorded_at: At,
    pub from: String,
    pub to: String,
    pub ended: bool,
    pub outcome: Option<String>,
    /// The field it was sealed for, and the text.
    pub reply: Option<(String, Sealed)>,
    pub solved: Option<bool>,
    pub satisfaction: Option<String>,
    pub lead: Option<OrgId>,
    /// Numbers by source: the case's own ticket, and those of cases merged into it.
    pub tickets: BTreeMap<SourceId, Vec<String>>,
}

/// The fold.
#[derive(Debug)]
pub(super) struct Index;

impl Projection for Index {
    fn name(&self) -> &'static str {
        "hotline"
    }

    fn version(&self) -> u32 {
        1
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE outcome (position INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
             CREATE TABLE source (
                 source TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (source, position)
             ) STRICT, WITHOUT ROWID;",
        )
    }

    /// The receipt told where a new case stands.
    fn ignores_new_cases(&self) -> bool {
        true
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        for one in &change.cases {
            for row in rows(one, change) {
                let body = serde_json::to_string(&row).map_err(|error| FoldError::Fact(error.to_string()))?;
                let position = stored(row.position);
                tx.prepare_cached("INSERT INTO outcome VALUES (?1, ?2)")?.execute(params![position, body])?;
                let mut insert = tx.prepare_cached("INSERT INTO source VALUES (?1, ?2)")?;
                for source in row.tickets.keys() {
                    insert.execute(params![source.as_str(), position])?;
                }
            }
        }
        Ok(())
    }
}

fn tickets(case: &Case) -> BTreeMap<SourceId, Vec<String>> {
    let mut tickets: BTreeMap<SourceId, Vec<String>> = BTreeMap::new();
    for Ticket { source, number, .. } in case.ticket.iter().chain(&case.linked_tickets) {
        tickets.entry(source.clone()).or_default().push(number.clone());
    }
    tickets
}

fn rows(one: &CaseChange<'_>, change: &Change<'_>) -> Vec<OutcomeRow> {
    if tickets(&one.after).is_empty() {
        return Vec::new();
    }
    let mut step = one.before.as_ref().clone();
    let mut rows = Vec::new();
    for recorded in &one.events {
        let (existed, from) = (step.exists(), step.status);
        step.evolve(recorded);
        // The receipt told where a new case stands.
        if !existed || step.status == from {
            continue;
        }
        let called = step.callbacks.iter().rev().find(|call| call.contacted);
        rows.push(OutcomeRow {
            position: recorded.position,
            case: step.id,
            event_id: change.commit.event_id(recorded.position),
            recorded_at: recorded.recorded_at,
            from: from.name().to_owned(),
            to: step.status.name().to_owned(),
            ended: step.status.is_ended(),
            outcome: step.outcome.as_ref().map(stored_name),
            reply: reply(&recorded.event, &step),
            solved: called.and_then(|call| call.solved),
            satisfaction: called.and_then(|call| call.satisfied).as_ref().map(stored_name),
            lead: step.lead().map(|lead| lead.org.clone()),
            tickets: tickets(&step),
        });
    }
    rows
}

/// The reply an event brings, or the one the lead gave when it disposed.
fn reply(event: &case::event::Event, case: &Case) -> Option<(String, Sealed)> {
    let payload: Option<serde_json::Value> =
        event.encode().ok().and_then(|json| serde_json::from_slice(&json).ok());
    let brought = payload.and_then(|payload| serde_json::from_value(payload.get("reply")?.clone()).ok());
    let disposed = || {
        let reply = case.disposal.as_ref().map(|disposal| disposal.public_reply.clone());
        reply.map(|reply| ("public_reply".to_owned(), reply))
    };
    brought.map(|sealed| ("reply".to_owned(), sealed)).or_else(disposed)
}

fn stored_name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

fn stored(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// Some outcomes of a source, in order.
#[derive(Debug)]
pub(super) struct Page {
    pub rows: Vec<OutcomeRow>,
    /// Everything of the source up to here is in the rows.
    pub covered: u64,
    pub more: bool,
}

/// Reads a source's outcomes after a position.
pub(super) async fn page(view: &View, source: SourceId, after: u64) -> Result<Page, ReadError> {
    let read = move |db: &Connection| {
        let mut statement = db.prepare_cached(
            "SELECT body FROM source JOIN outcome USING (position)
             WHERE source = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
        )?;
        let mut rows = Vec::new();
        let found = statement.query_map(params![source.as_str(), stored(after), PAGE], read_body)?;
        for row in found {
            rows.push(row?);
        }
        let more = rows.len() == PAGE as usize;
        Ok((rows, more))
    };
    let ((rows, more), as_of) = view.read_as_of(read).await?;
    let last = rows.last().map_or(0, |row: &OutcomeRow| row.position);
    let covered = if more { last } else { last.max(as_of.get()) };
    Ok(Page { rows, covered, more })
}

fn read_body(row: &rusqlite::Row<'_>) -> rusqlite::Result<OutcomeRow> {
    let body: String = row.get(0)?;
    let unreadable =
        |error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error));
    serde_json::from_str(&body).map_err(unreadable)
}
