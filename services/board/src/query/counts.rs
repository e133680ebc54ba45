use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use crate::sight::Clause;

/// Most groups given; the rest are put together.
const COUNTS_MAX: usize = 1_000;

/// What the rest stands under.
const REST: &str = "…";

/// By what cases are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Status,
    Subdistrict,
    Community,
    Grid,
    Organisation,
    Matter,
}

impl By {
    /// What a case is counted under, and what has to be joined for it.
    fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::Status => ("c.status", ""),
            Self::Subdistrict => ("c.subdistrict", ""),
            Self::Community => ("c.community", ""),
            Self::Grid => ("c.grid", ""),
            Self::Matter => ("c.matter", ""),
            Self::Organisation => (
                "o.org",
                "LEFT JOIN (SELECT DISTINCT case_no, org FROM obligations WHERE open) o ON o.case_no = c.id",
            ),
        }
    }
}

/// How many under one heading; none is for cases without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) of: Option<String>,
    pub(crate) cases: u64,
    pub(crate) overdue: u64,
}

/// Counts and their total, each case once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) counts: Vec<Count>,
    pub(crate) total: u64,
    pub(crate) overdue: u64,
}

/// Counts cases that fit, most first. What is beyond [`COUNTS_MAX`] is put together under [`REST`].
pub(crate) fn counts(db: &Connection, fits: &Clause, by: By, now_micros: i64) -> rusqlite::Result<Counts> {
    let (heading, join) = by.sql();
    let mut params = vec![Value::Integer(now_micros)];
    params.extend(fits.params.iter().cloned());
    let read = |row: &Row<'_>| {
        let (cases, overdue): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
        Ok((
            u64::try_from(cases).unwrap_or(0),
            overdue.and_then(|count| u64::try_from(count).ok()).unwrap_or(0),
        ))
    };
    let sql = format!(
        "SELECT count(*) AS n, sum(c.due < ?), {heading} FROM cases c {join} WHERE {} GROUP BY 3 ORDER BY n DESC, 3",
        fits.sql
    );
    let mut select = db.prepare_cached(&sql)?;
    let rows = select.query_map(params_from_iter(params.clone()), |row| {
        let (cases, overdue) = read(row)?;
        Ok(Count { of: row.get(2)?, cases, overdue })
    })?;
    let counts = gathered(rows)?;
    let sql = format!("SELECT count(*), sum(c.due < ?) FROM cases c WHERE {}", fits.sql);
    let (total, overdue) = db.prepare_cached(&sql)?.query_row(params_from_iter(params), |row| read(row))?;
    Ok(Counts { counts, total, overdue })
}

fn gathered(rows: impl Iterator<Item = rusqlite::Result<Count>>) -> rusqlite::Result<Vec<Count>> {
    let mut counts: Vec<Count> = Vec::new();
    let mut rest = Count { of: Some(REST.to_owned()), cases: 0, overdue: 0 };
    for row in rows {
        let row = row?;
        if counts.len() < COUNTS_MAX {
            counts.push(row);
        } else {
            rest.cases = rest.cases.saturating_add(row.cases);
            rest.overdue = rest.overdue.saturating_add(row.overdue);
        }
    }
    counts.extend((rest.cases > 0).then_some(rest));
    Ok(counts)
}
