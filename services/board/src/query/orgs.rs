use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::sight::{Clause, list};

/// Most organisations given.
const ORGS_MAX: usize = 1_000;

/// One organisation's duties, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) org: String,
    pub(crate) duties: u64,
    pub(crate) open: u64,
    pub(crate) overdue: u64,
    pub(crate) signed_late: u64,
    pub(crate) reported_in: u64,
    pub(crate) reported_late: u64,
    /// Sum over the duties reported in for, in microseconds.
    pub(crate) report_in_micros: i64,
    pub(crate) completed: u64,
    pub(crate) completed_late: u64,
    pub(crate) ratings: u64,
    pub(crate) rating_sum: u64,
}

/// Which duties count.
pub(crate) struct Asked {
    /// Of these organisations; of all when none.
    pub(crate) orgs: Option<Vec<String>>,
    pub(crate) from_micros: i64,
    pub(crate) until_micros: i64,
    pub(crate) now_micros: i64,
}

/// Counts the duties of cases in sight, by organisation, most open first. An average of a sum cannot overflow: 2⁶³ microseconds
/// are 292,000 years.
pub(crate) fn standings(db: &Connection, seen: &Clause, asked: Asked) -> rusqlite::Result<Vec<Standing>> {
    let among = if asked.orgs.is_some() { "AND o.org IN (SELECT value FROM json_each(?))" } else { "" };
    let sql = format!(
        "SELECT o.org, count(*), sum(o.open) AS n, sum(o.open AND o.due < ?), sum(o.signed_late),
            count(o.reported_in_at), sum(o.reported_late), sum(o.reported_in_at - o.assigned_at),
            sum(o.completed), sum(o.completed_late), count(o.score), sum(o.score)
         FROM obligations o JOIN cases c ON c.id = o.case_no
         WHERE o.counts AND ({}) AND o.assigned_at >= ? AND o.assigned_at < ? {among}
         GROUP BY o.org ORDER BY n DESC, o.org LIMIT ?",
        seen.sql
    );
    let mut params = vec![Value::Integer(asked.now_micros)];
    params.extend(seen.params.iter().cloned());
    params.extend([Value::Integer(asked.from_micros), Value::Integer(asked.until_micros)]);
    params.extend(asked.orgs.map(list));
    params.push(Value::Integer(i64::try_from(ORGS_MAX).unwrap_or(i64::MAX)));
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(params), standing)?;
    rows.collect()
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let count = |column: usize| -> rusqlite::Result<u64> {
        let value: Option<i64> = row.get(column)?;
        Ok(value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0))
    };
    Ok(Standing {
        org: row.get(0)?,
        duties: count(1)?,
        open: count(2)?,
        overdue: count(3)?,
        signed_late: count(4)?,
        reported_in: count(5)?,
        reported_late: count(6)?,
        report_in_micros: row.get::<_, Option<i64>>(7)?.unwrap_or(0),
        completed: count(8)?,
        completed_late: count(9)?,
        ratings: count(10)?,
        rating_sum: count(11)?,
    })
}
