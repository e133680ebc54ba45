//! The rows of open clocks: what the clocks of each case are now, and when the next thing happens to each.

use case::Rules;
use case::escalation::timers;
use case::event::parts::Subject;
use case::ids::{CaseId, ClockNo};
use case::state::{Case, ClockPhase};
use case::time::At;
use jiff::Timestamp;
use projection::{Change, FoldError, Projection};
use rusqlite::{Connection, Transaction, params};
use service_kit::trace::TraceContext;
use uuid::Uuid;

/// Open clocks, by when the next timer of each fires.
pub(crate) struct Clocks;

/// A case with something due, and when the soonest of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueCase {
    pub case: CaseId,
    pub next_at: At,
    /// Of the commit that last changed the case, when that had one.
    pub trace: Option<TraceContext>,
}

impl Projection for Clocks {
    fn name(&self) -> &'static str {
        "escalation"
    }

    fn version(&self) -> u32 {
        2
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE clocks (
                case_id BLOB NOT NULL, clock INTEGER NOT NULL, generation INTEGER NOT NULL,
                kind TEXT NOT NULL, subject TEXT NOT NULL, subject_no INTEGER, org TEXT, area TEXT,
                start_us INTEGER NOT NULL, due_us INTEGER NOT NULL, breached INTEGER NOT NULL, paused INTEGER NOT NULL,
                PRIMARY KEY (case_id, clock)) WITHOUT ROWID;
             CREATE INDEX clocks_by_due ON clocks (due_us, case_id, clock);
             CREATE TABLE next (case_id BLOB PRIMARY KEY, next_us INTEGER NOT NULL, traceparent TEXT) WITHOUT ROWID;
             CREATE INDEX next_by_time ON next (next_us, case_id);",
        )
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        for one in &change.cases {
            let case = &one.after;
            let id = case.id.0.as_bytes().as_slice();
            if !one.is_new() {
                tx.prepare_cached("DELETE FROM clocks WHERE case_id = ?1")?.execute([id])?;
                tx.prepare_cached("DELETE FROM next WHERE case_id = ?1")?.execute([id])?;
            }
            insert_clocks(tx, case)?;
            let Some(registry) = change.registry else { continue };
            let mode = case.area().map(|area| change.modes.of(area)).unwrap_or_default();
            if let Some(first) = timers(case, &Rules { registry, mode }).first() {
                tx.prepare_cached("INSERT INTO next VALUES (?1, ?2, ?3)")?.execute(params![
                    id,
                    micros(first.at),
                    change.commit.traceparent
                ])?;
            }
        }
        Ok(())
    }
}

fn insert_clocks(tx: &Transaction<'_>, case: &Case) -> Result<(), FoldError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO clocks (case_id, clock, generation, kind, subject, subject_no, org, area, start_us, due_us, breached, paused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for clock in case.clocks.iter().filter(|clock| clock.is_open()) {
        let (subject, no, org) = match clock.subject {
            Subject::Case => ("CASE", None, case.lead().map(|lead| &lead.org)),
            Subject::Obligation(no) => {
                ("OBLIGATION", Some(no.0), case.obligation(no).map(|obligation| &obligation.org))
            }
            Subject::Whistle(no) => ("WHISTLE", Some(no.0), case.whistle(no).map(|whistle| &whistle.caller)),
            Subject::Request(no) => ("REQUEST", Some(no.0), None),
        };
        let kind = serde_json::to_value(clock.kind).map_err(|_| FoldError::Fact("clock kind".to_owned()))?;
        insert.execute(params![
            case.id.0.as_bytes().as_slice(),
            clock.no.0,
            clock.generation,
            kind.as_str().unwrap_or_default(),
            subject,
            no,
            org.map(registry::ids::OrgId::as_str),
            case.area().map(registry::ids::AreaCode::as_str),
            micros(clock.start_at),
            micros(clock.due_at),
            clock.breached,
            clock.phase == ClockPhase::Paused,
        ])?;
    }
    Ok(())
}

pub(crate) fn micros(at: At) -> i64 {
    at.instant().as_microsecond()
}

pub(crate) fn instant(micros: i64) -> At {
    At::new(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Cases with something due until an instant, soonest first, after a place in that order.
pub(crate) fn due(
    db: &Connection,
    until: At,
    after: Option<DueCase>,
    limit: u32,
) -> rusqlite::Result<Vec<DueCase>> {
    let (after_us, after_case) =
        after.map_or((i64::MIN, Uuid::nil()), |after| (micros(after.next_at), after.case.0));
    let mut query = db.prepare_cached(
        "SELECT case_id, next_us, traceparent FROM next
         WHERE next_us <= ?1 AND (next_us, case_id) > (?2, ?3) ORDER BY next_us, case_id LIMIT ?4",
    )?;
    let rows = query.query_map(
        params![micros(until), after_us, after_case.as_bytes().as_slice(), limit],
        |row| {
            let traceparent: Option<String> = row.get(2)?;
            let trace = traceparent.as_deref().and_then(TraceContext::parse);
            Ok(DueCase { case: case_id(row.get(0)?), next_at: instant(row.get(1)?), trace })
        },
    )?;
    rows.collect()
}

/// How many clocks run whose due instant is after an instant, and how many whose is not. One walk over all of them: by the index of
/// due instants each would be looked up once more.
pub(crate) fn running(db: &Connection, now: At) -> rusqlite::Result<(u64, u64)> {
    let mut query = db.prepare_cached(
        "SELECT count(*), count(CASE WHEN due_us <= ?1 THEN 1 END) FROM clocks WHERE paused = 0",
    )?;
    query.query_row([micros(now)], |row| {
        let (all, overdue): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (all, overdue) = (all.unsigned_abs(), overdue.unsigned_abs());
        Ok((all.saturating_sub(overdue), overdue))
    })
}

/// When the next thing after an instant happens to any case.
pub(crate) fn next_after(db: &Connection, now: At) -> rusqlite::Result<Option<At>> {
    let mut query = db.prepare_cached("SELECT min(next_us) FROM next WHERE next_us > ?1")?;
    let next: Option<i64> = query.query_row([micros(now)], |row| row.get(0))?;
    Ok(next.map(instant))
}

/// All cases that have open timers, after a case, in order of their ids.
pub(crate) fn all(db: &Connection, after: Option<CaseId>, limit: u32) -> rusqlite::Result<Vec<CaseId>> {
    let after = after.map_or(Uuid::nil(), |case| case.0);
    let mut query = db
        .prepare_cached("SELECT DISTINCT case_id FROM clocks WHERE case_id > ?1 ORDER BY case_id LIMIT ?2")?;
    let rows =
        query.query_map(params![after.as_bytes().as_slice(), limit], |row| Ok(case_id(row.get(0)?)))?;
    rows.collect()
}

fn case_id(bytes: [u8; 16]) -> CaseId {
    CaseId(Uuid::from_bytes(bytes))
}

/// A clock with its place in the order of due instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DueRow {
    pub due_at: At,
    pub case: CaseId,
    pub clock: ClockNo,
}

impl DueRow {
    /// The place, for a page token.
    pub(crate) fn token(self) -> String {
        format!("{}.{}.{}", micros(self.due_at), self.case.0.as_simple(), self.clock)
    }

    pub(crate) fn from_token(token: &str) -> Option<Self> {
        let mut parts = token.splitn(3, '.');
        let due_us: i64 = parts.next()?.parse().ok()?;
        let case = CaseId(Uuid::try_parse(parts.next()?).ok()?);
        Some(Self { due_at: instant(due_us), case, clock: ClockNo(parts.next()?.parse().ok()?) })
    }
}

/// Which clocks are asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub until: At,
    pub org: Option<String>,
    pub area: Option<String>,
    pub after: Option<DueRow>,
}

/// Running clocks due until an instant, soonest first.
pub(crate) fn due_clocks(db: &Connection, wanted: &Wanted, limit: u32) -> rusqlite::Result<Vec<DueRow>> {
    let after = wanted.after;
    let (after_us, after_case, after_clock) =
        after.map_or((i64::MIN, Uuid::nil(), 0), |row| (micros(row.due_at), row.case.0, row.clock.0));
    let mut query = db.prepare_cached(
        "SELECT due_us, case_id, clock FROM clocks
         WHERE paused = 0 AND due_us <= ?1 AND (?2 IS NULL OR org = ?2)
           AND (?3 IS NULL OR substr(area, 1, length(?3)) = ?3)
           AND (due_us, case_id, clock) > (?4, ?5, ?6)
         ORDER BY due_us, case_id, clock LIMIT ?7",
    )?;
    let rows = query.query_map(
        params![
            micros(wanted.until),
            wanted.org,
            wanted.area,
            after_us,
            after_case.as_bytes().as_slice(),
            after_clock,
            limit
        ],
        |row| {
            Ok(DueRow {
                due_at: instant(row.get(0)?),
                case: case_id(row.get(1)?),
                clock: ClockNo(row.get(2)?),
            })
        },
    )?;
    rows.collect()
}
