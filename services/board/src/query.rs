//! Questions to the projection. They find cases; what is shown of them is read from the cases themselves.

mod counts;
mod orgs;

use case::ids::CaseId;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

pub(crate) use counts::{By, Counts, counts};
pub(crate) use orgs::{Asked, Standing, standings};

use crate::sight::Clause;

/// Where a list goes on, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Newest first; before this case's number.
    Raised { before: Option<i64> },
    /// Soonest due first; after this due instant and number.
    Due { after: Option<(i64, i64)> },
}

/// A case found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) number: i64,
    pub(crate) due: i64,
    pub(crate) position: i64,
    pub(crate) case: CaseId,
}

const COLUMNS: &str = "c.id, c.due, c.position, c.case_id";

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found { number: row.get(0)?, due: row.get(1)?, position: row.get(2)?, case: case_id(row, 3)? })
}

fn case_id(row: &Row<'_>, column: usize) -> rusqlite::Result<CaseId> {
    row.get(column).map(|bytes| CaseId(uuid::Uuid::from_bytes(bytes)))
}

/// Cases that fit, in order, one more than a page has when there are more.
pub(crate) fn cases(
    db: &Connection,
    fits: &Clause,
    order: Order,
    size: usize,
) -> rusqlite::Result<Vec<Found>> {
    let mut params = fits.params.clone();
    let (after, by) = match order {
        Order::Raised { before } => {
            params.push(Value::Integer(before.unwrap_or(i64::MAX)));
            ("c.id < ?", "c.id DESC")
        }
        Order::Due { after } => {
            let (due, number) = after.unwrap_or((i64::MIN, i64::MIN));
            params.extend([Value::Integer(due), Value::Integer(number)]);
            ("(c.due, c.id) > (?, ?)", "c.due, c.id")
        }
    };
    params.push(limit(size));
    let sql = format!("SELECT {COLUMNS} FROM cases c WHERE ({}) AND {after} ORDER BY {by} LIMIT ?", fits.sql);
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(params), found)?;
    rows.collect()
}

/// A page and one more, which tells that there is another page.
fn limit(size: usize) -> Value {
    Value::Integer(i64::try_from(size.saturating_add(1)).unwrap_or(i64::MAX))
}

/// A case raised at a position.
pub(crate) fn raised_at(db: &Connection, position: i64) -> rusqlite::Result<Option<CaseId>> {
    let mut select = db.prepare_cached("SELECT case_id FROM cases WHERE id = ?")?;
    select.query_row([position], |row| case_id(row, 0)).optional()
}

/// A case that changed, and how it stands to a filter and to somebody's sight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changed {
    pub(crate) found: Found,
    pub(crate) seen: bool,
    pub(crate) fits: bool,
}

/// Cases changed after a position, by their last change.
pub(crate) fn changed(
    db: &Connection,
    after: i64,
    seen: &Clause,
    fits: &Clause,
    size: usize,
) -> rusqlite::Result<Vec<Changed>> {
    let sql = format!(
        "SELECT {COLUMNS}, ({}), ({}) FROM cases c WHERE c.position > ? ORDER BY c.position LIMIT ?",
        seen.sql, fits.sql
    );
    let mut params: Vec<Value> = seen.params.iter().chain(&fits.params).cloned().collect();
    params.extend([Value::Integer(after), limit(size)]);
    let mut select = db.prepare_cached(&sql)?;
    let is_true = |row: &Row<'_>, column| row.get::<_, Option<bool>>(column).map(|value| value == Some(true));
    let read =
        |row: &Row<'_>| Ok(Changed { found: found(row)?, seen: is_true(row, 4)?, fits: is_true(row, 5)? });
    let rows = select.query_map(params_from_iter(params), read)?;
    rows.collect()
}

/// Where a list of tasks goes on: whether reminded, due instant, case, number of the task.
pub(crate) type TaskKey = [i64; 4];

/// A task found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundTask {
    pub(crate) key: TaskKey,
    pub(crate) case: CaseId,
    pub(crate) command: String,
    pub(crate) obligation: Option<u32>,
    pub(crate) whistle: Option<u32>,
    pub(crate) request: Option<u32>,
}

/// Tasks of these keys in sight, reminded first, then by due instant, one more than a page has when there are more.
pub(crate) fn tasks(
    db: &Connection,
    keys: Value,
    seen: &Clause,
    after: Option<TaskKey>,
    size: usize,
) -> rusqlite::Result<Vec<FoundTask>> {
    let sql = format!(
        "WITH mine AS (
            SELECT t.*, t.reminded_at IS NULL AND c.reminded_at IS NULL AS calm, c.case_id
            FROM tasks t JOIN cases c ON c.id = t.case_no
            WHERE (t.case_no, t.no) IN
                (SELECT case_no, no FROM task_keys WHERE key IN (SELECT value FROM json_each(?)))
            AND ({}))
         SELECT calm, due, case_no, no, case_id, command, obligation, whistle, request FROM mine
         WHERE (calm, due, case_no, no) > (?, ?, ?, ?) ORDER BY calm, due, case_no, no LIMIT ?",
        seen.sql
    );
    let mut params = vec![keys];
    params.extend(seen.params.iter().cloned());
    params.extend(after.unwrap_or([i64::MIN; 4]).map(Value::Integer));
    params.push(limit(size));
    let mut select = db.prepare_cached(&sql)?;
    let read = |row: &Row<'_>| {
        Ok(FoundTask {
            key: [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?],
            case: case_id(row, 4)?,
            command: row.get(5)?,
            obligation: row.get(6)?,
            whistle: row.get(7)?,
            request: row.get(8)?,
        })
    };
    let rows = select.query_map(params_from_iter(params), read)?;
    rows.collect()
}
