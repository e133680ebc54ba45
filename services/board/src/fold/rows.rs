use std::collections::BTreeSet;

use case::Case;
use case::event::parts::Subject;
use case::event::parts::{By, Profile};
use case::ids::ObligationNo;
use case::state::{ClockPhase, ClockState, Obligation, ObligationState};
use case::time::At;
use projection::{CaseChange, FoldError};
use registry::ids::AreaCode;
use registry::{ClockKind, Registry};
use rusqlite::{Transaction, params};

use super::{NEVER_DUE, clear as clear_of, is_due, micros};
use crate::tasks;

const NEW_CASE: &str = "
INSERT INTO cases (id, case_id, position, status, ended, status_since, raised_at, matter, area, compound, due, reminded_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

const CHANGED_CASE: &str = "
UPDATE cases SET
    position = ?3, status = ?4, ended = ?5, status_since = ?6, raised_at = ?7, matter = ?8, area = ?9, compound = ?10,
    due = ?11,
    reminded_at = CASE WHEN ?12 IS NULL AND status = ?4 AND status_since = ?6 THEN reminded_at ELSE ?12 END
WHERE id = ?1";

/// The case's own row. A reminder of the whole case stands until its status changes.
pub(super) fn case(
    tx: &Transaction<'_>,
    id: i64,
    change: &CaseChange<'_>,
    position: i64,
    reminded: Option<At>,
) -> rusqlite::Result<()> {
    let case = &change.after;
    let write = if change.is_new() { NEW_CASE } else { CHANGED_CASE };
    tx.prepare_cached(write)?.execute(params![
        id,
        case.id.0.as_bytes().as_slice(),
        position,
        case.status.name(),
        case.status.is_ended(),
        micros(case.status_since),
        micros(case.raised_at),
        case.matter.as_ref().map(|matter| matter.as_str()),
        case.area().map(AreaCode::as_str),
        case.compound().map(|compound| compound.as_str()),
        is_due(case),
        reminded.map(micros),
    ])?;
    Ok(())
}

/// Who sees the case by more than its place, and who is complained of. Mirrors [`case::actor::sees`] and
/// [`case::actor::is_accused`]; a test holds them together.
pub(super) fn sight(tx: &Transaction<'_>, id: i64, before: &Case, after: &Case) -> rusqlite::Result<()> {
    let (before, after) = (sight_keys(before), sight_keys(after));
    for gone in before.difference(&after) {
        tx.prepare_cached("DELETE FROM sight WHERE key = ?1 AND case_no = ?2")?.execute(params![gone, id])?;
    }
    for new in after.difference(&before) {
        tx.prepare_cached("INSERT INTO sight VALUES (?1, ?2)")?.execute(params![new, id])?;
    }
    Ok(())
}

fn sight_keys(case: &Case) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    if !case.exists() {
        return keys;
    }
    match &case.raised_by {
        By::Person { person, .. } => keys.insert(format!("p:{person}")),
        By::System { source, .. } => keys.insert(format!("s:{source}")),
        By::Automatic { .. } => false,
    };
    let reporters = case.reporters.iter().filter_map(|reporter| reporter.person.as_ref());
    keys.extend(reporters.chain(&case.inspector).map(|person| format!("p:{person}")));
    keys.extend(case.ticket.iter().map(|ticket| format!("s:{}", ticket.source)));
    let held = case.obligations.iter().filter(|obligation| !obligation.state.is_gone());
    let callers = case.whistles.iter().map(|whistle| &whistle.caller);
    keys.extend(held.map(|obligation| &obligation.org).chain(callers).map(|org| format!("o:{org}")));
    keys.extend(case.about.iter().map(|org| format!("ao:{org}")));
    keys.extend(case.about_persons.iter().map(|person| format!("ap:{person}")));
    keys
}

const CLEAR_TASK_KEYS: &str = "
DELETE FROM task_keys WHERE (key, case_no, no) IN
    (SELECT each.value, tasks.case_no, tasks.no FROM tasks, json_each(tasks.keys) AS each WHERE tasks.case_no = ?1)";

/// Removes the rows that are made anew at every change.
pub(super) fn clear(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    clear_of(tx, "DELETE FROM obligations WHERE case_no = ?1", id)?;
    clear_of(tx, CLEAR_TASK_KEYS, id)?;
    clear_of(tx, "DELETE FROM tasks WHERE case_no = ?1", id)
}

/// Duties, each with what is counted about it.
pub(super) fn obligations(
    tx: &Transaction<'_>,
    id: i64,
    case: &Case,
    registry: Option<&Registry>,
) -> rusqlite::Result<()> {
    if case.obligations.is_empty() {
        return Ok(());
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO obligations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    for duty in &case.obligations {
        let late = |kind| is_late(case, duty.no, kind);
        let completed = matches!(duty.state, ObligationState::Completed | ObligationState::Confirmed);
        insert.execute(params![
            id,
            duty.no.0,
            duty.org.as_str(),
            duty.state.name(),
            duty.is_open(),
            counts(case, duty, registry),
            micros(duty.assigned_at),
            due(case, duty.no),
            duty.signed_automatically || late(ClockKind::SignFor),
            duty.reported_in_at.map(micros),
            duty.reported_in_at.is_some() && late(ClockKind::ReportIn),
            completed,
            completed && late(ClockKind::Complete),
            duty.score,
            duty.external_ref.as_deref(),
        ])?;
    }
    Ok(())
}

/// Whether a duty counts in what organisations are measured by: no history, no drill, nothing taken out.
fn counts(case: &Case, duty: &Obligation, registry: Option<&Registry>) -> bool {
    let kind = duty.whistle.and_then(|no| case.whistle(no)).map(|whistle| &whistle.kind);
    let policy = kind.and_then(|kind| registry?.whistle_kind(kind));
    !case.excluded && case.profile != Profile::Imported && policy.is_none_or(|policy| policy.in_rates)
}

fn clocks_of(case: &Case, no: ObligationNo) -> impl Iterator<Item = &ClockState> {
    case.clocks.iter().filter(move |clock| clock.subject == Subject::Obligation(no))
}

fn due(case: &Case, no: ObligationNo) -> i64 {
    let running = clocks_of(case, no).filter(|clock| clock.phase == ClockPhase::Running);
    running.map(|clock| micros(clock.due_at)).min().unwrap_or(NEVER_DUE)
}

/// Whether what a clock of the duty waited for came after its due instant, or has not come yet and the instant passed.
fn is_late(case: &Case, no: ObligationNo, kind: ClockKind) -> bool {
    let late = |clock: &ClockState| {
        clock.breached
            || clock.ended_at.is_some_and(|ended| clock.phase == ClockPhase::Settled && ended > clock.due_at)
    };
    clocks_of(case, no).any(|clock| clock.kind == kind && late(clock))
}

/// What somebody is to do now, and who: by the registry in force when the case last changed.
pub(super) fn tasks(
    tx: &Transaction<'_>,
    id: i64,
    case: &Case,
    registry: &Registry,
) -> Result<(), FoldError> {
    let mut task = tx.prepare_cached("INSERT INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    let mut of_key = tx.prepare_cached("INSERT OR IGNORE INTO task_keys VALUES (?1, ?2, ?3)")?;
    for (no, found) in (1_i64..).zip(tasks::of_case(case, registry)) {
        let clock = found.clock.and_then(|no| case.clock(no));
        let keys = serde_json::to_string(&found.keys).map_err(|error| FoldError::Fact(error.to_string()))?;
        task.execute(params![
            id,
            no,
            found.command.name(),
            found.obligation.map(|no| no.0),
            found.whistle.map(|no| no.0),
            found.request.map(|no| no.0),
            clock.map_or(NEVER_DUE, |clock| micros(clock.due_at)),
            found.reminded_at.map(micros),
            keys,
        ])?;
        for key in found.keys {
            of_key.execute(params![key, id, no])?;
        }
    }
    Ok(())
}
