use case::ids::CaseId;
use case::state::Case;
use ledger::Position;
use projection::{Change, FoldError, Projection};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use service_kit::trace::TraceContext;
use uuid::Uuid;

/// Which cases ask for something.
pub type Wants = fn(&Case) -> bool;

/// The cases that ask for one kind of work.
pub(crate) struct Todo {
    pub name: &'static str,
    pub version: u32,
    pub wants: Wants,
    pub new_cases_ask: bool,
}

/// A case that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub case: CaseId,
    /// Of the commit that last changed it.
    pub position: Position,
    /// Of the same commit, when that had one.
    pub trace: Option<TraceContext>,
}

impl Projection for Todo {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE todo (
                case_id BLOB PRIMARY KEY, position INTEGER NOT NULL UNIQUE, traceparent TEXT
             ) WITHOUT ROWID;",
        )
    }

    fn ignores_new_cases(&self) -> bool {
        !self.new_cases_ask
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        for case in &change.cases {
            let id = case.after.id.0.as_bytes().as_slice();
            if !(self.wants)(&case.after) {
                if (self.wants)(&case.before) {
                    tx.prepare_cached("DELETE FROM todo WHERE case_id = ?1")?.execute([id])?;
                }
                continue;
            }
            // Several cases of one commit each have a position of their own: that of their own last event in it.
            let last = case.events.last().map_or(change.commit.last.get(), |event| event.position);
            let position =
                i64::try_from(last).map_err(|_| FoldError::Fact("position beyond SQLite".to_owned()))?;
            tx.prepare_cached("INSERT OR REPLACE INTO todo VALUES (?1, ?2, ?3)")?.execute(params![
                id,
                position,
                change.commit.traceparent
            ])?;
        }
        Ok(())
    }
}

/// Rows changed after a position, in order of it.
pub(crate) fn after(db: &Connection, position: Position, limit: u32) -> rusqlite::Result<Vec<Row>> {
    let mut query = db.prepare_cached(
        "SELECT case_id, position, traceparent FROM todo WHERE position > ?1 ORDER BY position LIMIT ?2",
    )?;
    let after = i64::try_from(position.get()).unwrap_or(i64::MAX);
    let rows = query.query_map(params![after, limit], row)?;
    rows.collect()
}

/// The rows of these cases, of those that have one.
pub(crate) fn of_cases(db: &Connection, cases: &[CaseId]) -> rusqlite::Result<Vec<Row>> {
    let mut query =
        db.prepare_cached("SELECT case_id, position, traceparent FROM todo WHERE case_id = ?1")?;
    let mut rows = Vec::new();
    for case in cases {
        rows.extend(query.query_row([case.0.as_bytes().as_slice()], row).optional()?);
    }
    Ok(rows)
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let id: [u8; 16] = row.get(0)?;
    let position: i64 = row.get(1)?;
    let traceparent: Option<String> = row.get(2)?;
    let trace = traceparent.as_deref().and_then(TraceContext::parse);
    Ok(Row { case: CaseId(Uuid::from_bytes(id)), position: Position(position.unsigned_abs()), trace })
}
