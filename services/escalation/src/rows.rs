//! The rows of running clocks: what runs in each case now, and when the next thing happens to it.
//!
//! A case's number here is the position it was raised at: unique, never changed, and growing, so that rows of new cases stand next
//! to each other.

use std::collections::BTreeSet;

use case::Rules;
use case::escalation::timers;
use case::event::parts::Subject;
use case::ids::{CaseId, ClockNo};
use case::state::{Case, ClockPhase, ClockState};
use case::time::At;
use jiff::Timestamp;
use projection::{CaseChange, Change, FoldError, Projection};
use registry::ids::{AreaCode, OrgId, RegistryVersion};
use rusqlite::{Connection, Row, Transaction, params};
use service_kit::trace::TraceContext;
use uuid::Uuid;

/// Running clocks, by when each is due, and their cases, by when the next timer of each fires.
pub(crate) struct Clocks;

/// A case in which a clock runs, as of the commit that last changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CaseRow {
    pub case: CaseId,
    /// When its next timer fires, by the rules it was made under; none when nothing fires by them.
    pub next_at: Option<At>,
    /// The rules it was made under: those in force as of the commit.
    pub rules: RegistryVersion,
    /// Of the commit, when that had one.
    pub trace: Option<TraceContext>,
    pub number: i64,
}

impl Projection for Clocks {
    fn name(&self) -> &'static str {
        "escalation"
    }

    fn version(&self) -> u32 {
        4
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE cases (
                number INTEGER PRIMARY KEY, case_id BLOB NOT NULL, area TEXT, next_us INTEGER, traceparent TEXT,
                rules INTEGER NOT NULL) STRICT;
             CREATE INDEX cases_by_next ON cases (next_us) WHERE next_us IS NOT NULL;
             CREATE TABLE clocks (
                due_us INTEGER NOT NULL, number INTEGER NOT NULL, clock INTEGER NOT NULL, org TEXT,
                PRIMARY KEY (due_us, number, clock)) STRICT, WITHOUT ROWID;
             CREATE TABLE rules (only INTEGER PRIMARY KEY CHECK (only = 0), version INTEGER NOT NULL) STRICT;",
        )
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        if change.published {
            tx.prepare_cached("INSERT OR REPLACE INTO rules VALUES (0, ?1)")?.execute([version(change)?])?;
        }
        change.cases.iter().try_for_each(|one| replace(tx, change, one))
    }
}

/// What is kept of a running clock.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Running<'a> {
    due_us: i64,
    clock: ClockNo,
    org: Option<&'a OrgId>,
}

fn running_of(case: &Case) -> BTreeSet<Running<'_>> {
    let running = case.clocks.iter().filter(|clock| clock.phase == ClockPhase::Running);
    running
        .map(|clock| Running { due_us: micros(clock.due_at), clock: clock.no, org: org_of(case, clock) })
        .collect()
}

fn org_of<'a>(case: &'a Case, clock: &ClockState) -> Option<&'a OrgId> {
    match clock.subject {
        Subject::Case => case.lead().map(|lead| &lead.org),
        Subject::Obligation(no) => case.obligation(no).map(|obligation| &obligation.org),
        Subject::Whistle(no) => case.whistle(no).map(|whistle| &whistle.caller),
        Subject::Request(_) => None,
    }
}

/// Brings the rows of a case from what it was to what it is.
fn replace(tx: &Transaction<'_>, change: &Change<'_>, one: &CaseChange<'_>) -> Result<(), FoldError> {
    let case = &one.after;
    let beyond = |_| FoldError::Fact("a position beyond 2⁶³".to_owned());
    let number = i64::try_from(case.raised_position).map_err(beyond)?;
    let (before, after) = (running_of(&one.before), running_of(case));
    for gone in before.difference(&after) {
        tx.prepare_cached("DELETE FROM clocks WHERE due_us = ?1 AND number = ?2 AND clock = ?3")?
            .execute(params![gone.due_us, number, gone.clock.0])?;
    }
    for new in after.difference(&before) {
        tx.prepare_cached("INSERT INTO clocks VALUES (?1, ?2, ?3, ?4)")?.execute(params![
            new.due_us,
            number,
            new.clock.0,
            new.org.map(OrgId::as_str)
        ])?;
    }
    if !before.is_empty() {
        tx.prepare_cached("DELETE FROM cases WHERE number = ?1")?.execute([number])?;
    }
    if !after.is_empty() {
        tx.prepare_cached("INSERT INTO cases VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
            number,
            case.id.0.as_bytes().as_slice(),
            case.area().map(AreaCode::as_str),
            next_us(change, case),
            change.commit.traceparent,
            version(change)?
        ])?;
    }
    Ok(())
}

/// The rules in force as of the commit; 0 before the first.
fn version(change: &Change<'_>) -> Result<i64, FoldError> {
    let version = change.registry.map_or(0, |registry| registry.version().0);
    i64::try_from(version).map_err(|_| FoldError::Fact("a registry version beyond 2⁶³".to_owned()))
}

/// When the first timer of a case fires, by the rules as of the commit.
fn next_us(change: &Change<'_>, case: &Case) -> Option<i64> {
    let mode = case.area().map(|area| change.modes.of(area)).unwrap_or_default();
    let timers = timers(case, &Rules { registry: change.registry?, mode });
    timers.first().map(|first| micros(first.at))
}

pub(crate) fn micros(at: At) -> i64 {
    at.instant().as_microsecond()
}

pub(crate) fn instant(micros: i64) -> At {
    At::new(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
}

const CASE_ROW: &str = "SELECT case_id, next_us, rules, traceparent, number FROM cases";

fn case_row(row: &Row<'_>) -> rusqlite::Result<CaseRow> {
    let (next_us, rules): (Option<i64>, i64) = (row.get(1)?, row.get(2)?);
    let traceparent: Option<String> = row.get(3)?;
    Ok(CaseRow {
        case: case_id(row, 0)?,
        next_at: next_us.map(instant),
        rules: RegistryVersion(rules.unsigned_abs()),
        trace: traceparent.as_deref().and_then(TraceContext::parse),
        number: row.get(4)?,
    })
}

/// Cases with something due until an instant by the rules of their rows, soonest first, after a place in that order.
pub(crate) fn due(
    db: &Connection,
    until: At,
    after: Option<CaseRow>,
    limit: u32,
) -> rusqlite::Result<Vec<CaseRow>> {
    let after_us = after.and_then(|after| after.next_at).map_or(i64::MIN, micros);
    let after_number = after.map_or(0, |after| after.number);
    let mut query = db.prepare_cached(&format!(
        "{CASE_ROW} WHERE next_us <= ?1 AND (next_us, number) > (?2, ?3) ORDER BY next_us, number LIMIT ?4"
    ))?;
    let rows = query.query_map(params![micros(until), after_us, after_number, limit], case_row)?;
    rows.collect()
}

/// The rules in force as of the rows; 0 before the first.
pub(crate) fn rules(db: &Connection) -> rusqlite::Result<RegistryVersion> {
    let mut query = db.prepare_cached("SELECT coalesce(max(version), 0) FROM rules")?;
    let version: i64 = query.query_row([], |row| row.get(0))?;
    Ok(RegistryVersion(version.unsigned_abs()))
}

/// Cases whose rows were made under older rules than these, after a number, in order of it.
pub(crate) fn older(
    db: &Connection,
    rules: RegistryVersion,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<CaseRow>> {
    let rules = i64::try_from(rules.0).unwrap_or(i64::MAX);
    let mut query =
        db.prepare_cached(&format!("{CASE_ROW} WHERE number > ?1 AND rules < ?2 ORDER BY number LIMIT ?3"))?;
    let rows = query.query_map(params![after, rules, limit], case_row)?;
    rows.collect()
}

/// How many clocks run whose due instant is after an instant, and how many whose is not. One walk over all of them.
pub(crate) fn running(db: &Connection, now: At) -> rusqlite::Result<(u64, u64)> {
    let mut query =
        db.prepare_cached("SELECT count(*), count(CASE WHEN due_us <= ?1 THEN 1 END) FROM clocks")?;
    query.query_row([micros(now)], |row| {
        let (all, overdue): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (all, overdue) = (all.unsigned_abs(), overdue.unsigned_abs());
        Ok((all.saturating_sub(overdue), overdue))
    })
}

/// When the next thing after an instant happens to any case.
pub(crate) fn next_after(db: &Connection, now: At) -> rusqlite::Result<Option<At>> {
    let mut query = db.prepare_cached("SELECT min(next_us) FROM cases WHERE next_us > ?1")?;
    let next: Option<i64> = query.query_row([micros(now)], |row| row.get(0))?;
    Ok(next.map(instant))
}

fn case_id(row: &Row<'_>, column: usize) -> rusqlite::Result<CaseId> {
    row.get(column).map(|bytes| CaseId(Uuid::from_bytes(bytes)))
}

/// A clock, with its place in the order of due instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueRow {
    pub place: Place,
    pub case: CaseId,
}

/// A place in the order of due instants; of one instant, in that of raising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    due_us: i64,
    number: i64,
    pub clock: ClockNo,
}

impl Place {
    /// For a page token.
    pub(crate) fn token(self) -> String {
        format!("{}.{}.{}", self.due_us, self.number, self.clock)
    }

    pub(crate) fn from_token(token: &str) -> Option<Self> {
        let mut parts = token.splitn(3, '.');
        let (due_us, number) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { due_us, number, clock: ClockNo(parts.next()?.parse().ok()?) })
    }
}

/// Which clocks are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub until: At,
    pub org: Option<String>,
    pub area: Option<String>,
    pub after: Option<Place>,
}

/// Running clocks due until an instant, soonest first.
pub(crate) fn due_clocks(db: &Connection, wanted: &Wanted, limit: u32) -> rusqlite::Result<Vec<DueRow>> {
    let (after_us, after_number, after_clock) =
        wanted.after.map_or((i64::MIN, 0, 0), |place| (place.due_us, place.number, place.clock.0));
    // In this order, so that as many clocks are looked at as are wanted, and not all of them sorted.
    let mut query = db.prepare_cached(
        "SELECT due_us, number, clock, case_id FROM clocks CROSS JOIN cases USING (number)
         WHERE due_us <= ?1 AND (?2 IS NULL OR org = ?2)
           AND (?3 IS NULL OR substr(area, 1, length(?3)) = ?3)
           AND (due_us, number, clock) > (?4, ?5, ?6)
         ORDER BY due_us, number, clock LIMIT ?7",
    )?;
    let until = micros(wanted.until);
    let rows = query.query_map(
        params![until, wanted.org, wanted.area, after_us, after_number, after_clock, limit],
        |row| {
            let (due_us, number, clock) = (row.get(0)?, row.get(1)?, ClockNo(row.get(2)?));
            Ok(DueRow { place: Place { due_us, number, clock }, case: case_id(row, 3)? })
        },
    )?;
    rows.collect()
}
