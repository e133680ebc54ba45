//! The feed index: which organisation hears of which event, so that resuming is a walk along one key and not a scan of the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use case::ids::{CaseId, ObligationNo};
use case::state::Case;
use projection::{CaseChange, Change, FoldError, Projection, View};
use registry::ids::OrgId;
use rusqlite::{Connection, Transaction, params};
use uuid::Uuid;

use super::fold;
use super::row::EventRow;

/// Events read in one step; each is some KiB.
const PAGE_EVENTS: u32 = 128;
/// Duties of a snapshot read in one step.
const PAGE_DUTIES: u32 = 256;

/// The last position each organisation has something at, since this process began. A hint alone: it spares a quiet reader the
/// look into the index, and may be ahead of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Latest(Arc<RwLock<HashMap<OrgId, u64>>>);

impl Latest {
    /// Whether one of the organisations may have something after a position.
    pub(super) fn is_after(&self, orgs: &[OrgId], position: u64) -> bool {
        let latest = self.0.read().unwrap_or_else(PoisonError::into_inner);
        orgs.iter().any(|org| latest.get(org).is_some_and(|last| *last > position))
    }

    pub(super) fn raise<'a>(&self, orgs: impl IntoIterator<Item = &'a OrgId>, position: u64) {
        let mut latest = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for org in orgs {
            latest.insert(org.clone(), position);
        }
    }
}

/// The fold into the index.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub latest: Latest,
}

impl Projection for Index {
    fn name(&self) -> &'static str {
        "feed"
    }

    fn version(&self) -> u32 {
        1
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(
            "CREATE TABLE event (position INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
             CREATE TABLE feed (
                 org TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (org, position)
             ) STRICT, WITHOUT ROWID;
             CREATE TABLE duty (
                 case_id TEXT NOT NULL, no INTEGER NOT NULL, org TEXT NOT NULL, PRIMARY KEY (case_id, no)
             ) STRICT, WITHOUT ROWID;
             CREATE INDEX duty_by_org ON duty (org, case_id, no);",
        )
    }

    /// A feed tells of duties, and a new case has none.
    fn ignores_new_cases(&self) -> bool {
        true
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        for row in fold::rows(change) {
            let body = serde_json::to_string(&row).map_err(|error| FoldError::Fact(error.to_string()))?;
            let position = stored(row.position);
            tx.prepare_cached("INSERT INTO event VALUES (?1, ?2)")?.execute(params![position, body])?;
            let mut insert = tx.prepare_cached("INSERT INTO feed VALUES (?1, ?2)")?;
            let audience = row.audience();
            for org in &audience {
                insert.execute(params![org.as_str(), position])?;
            }
            self.latest.raise(audience, row.position);
        }
        change.cases.iter().try_for_each(|one| replace_duties(tx, one))
    }
}

/// The duties a snapshot shows: those still with their holder, of cases that have not ended.
pub(super) fn is_current(case: &Case, no: ObligationNo) -> bool {
    !case.status.is_ended() && case.obligation(no).is_some_and(|duty| !duty.state.is_gone())
}

fn replace_duties(tx: &Transaction<'_>, change: &CaseChange<'_>) -> Result<(), FoldError> {
    let (before, after) = (current(&change.before), current(&change.after));
    if before == after {
        return Ok(());
    }
    let id = change.after.id.to_string();
    tx.prepare_cached("DELETE FROM duty WHERE case_id = ?1")?.execute([&id])?;
    let mut insert = tx.prepare_cached("INSERT INTO duty VALUES (?1, ?2, ?3)")?;
    for (no, org) in after {
        insert.execute(params![id, no.0, org.as_str()])?;
    }
    Ok(())
}

fn current(case: &Case) -> Vec<(ObligationNo, &OrgId)> {
    let duties = case.obligations.iter().filter(|duty| is_current(case, duty.no));
    duties.map(|duty| (duty.no, &duty.org)).collect()
}

/// SQLite counts to 2^63; the ledger does not come so far.
fn stored(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// Some of what organisations hear, in order.
#[derive(Debug)]
pub(super) struct Page {
    pub rows: Vec<EventRow>,
    /// Everything for them up to here is in the rows.
    pub covered: u64,
    pub more: bool,
}

/// Reads what organisations hear after a position.
pub(super) async fn page(view: &View, orgs: Arc<[OrgId]>, after: u64) -> Result<Page, projection::ReadError> {
    let read = move |db: &Connection| {
        let mut positions = BTreeSet::new();
        let mut next = db.prepare_cached(
            "SELECT position FROM feed WHERE org = ?1 AND position > ?2 ORDER BY position LIMIT ?3",
        )?;
        for org in orgs.iter() {
            let found =
                next.query_map(params![org.as_str(), stored(after), PAGE_EVENTS + 1], |row| row.get(0))?;
            for position in found {
                positions.insert(position?);
            }
        }
        let more = positions.len() > PAGE_EVENTS as usize;
        let mut rows = Vec::new();
        let mut body = db.prepare_cached("SELECT body FROM event WHERE position = ?1")?;
        for position in positions.into_iter().take(PAGE_EVENTS as usize) {
            let position: i64 = position;
            rows.push(body.query_row([position], read_body)?);
        }
        Ok((rows, more))
    };
    let ((rows, more), as_of) = view.read_as_of(read).await?;
    let last = rows.last().map_or(0, |row: &EventRow| row.position);
    let covered = if more { last } else { last.max(as_of.get()) };
    Ok(Page { rows, covered, more })
}

fn read_body(row: &rusqlite::Row<'_>) -> rusqlite::Result<EventRow> {
    let body: String = row.get(0)?;
    let unreadable =
        |error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error));
    serde_json::from_str(&body).map_err(unreadable)
}

/// Where a snapshot goes on.
pub(super) type AfterDuty = Option<(CaseId, ObligationNo)>;

/// Reads the duties one organisation holds now, after one of them.
pub(super) async fn duties(
    view: &View,
    org: OrgId,
    after: AfterDuty,
) -> Result<Vec<(CaseId, ObligationNo)>, projection::ReadError> {
    view.read(move |db| {
        let (case, no) = after.map_or((String::new(), 0), |(case, no)| (case.to_string(), no.0));
        let mut statement = db.prepare_cached(
            "SELECT case_id, no FROM duty WHERE org = ?1 AND (case_id, no) > (?2, ?3)
             ORDER BY case_id, no LIMIT ?4",
        )?;
        let found = statement.query_map(params![org.as_str(), case, no, PAGE_DUTIES], |row| {
            Ok((row.get::<_, String>(0)?, ObligationNo(row.get(1)?)))
        })?;
        let mut duties = Vec::new();
        for duty in found {
            let (case, no) = duty?;
            duties.extend(Uuid::try_parse(&case).ok().map(|id| (CaseId(id), no)));
        }
        Ok(duties)
    })
    .await
}
