use case::Case;
use case::event::parts::Subject;
use case::event::parts::{By, Profile};
use case::ids::ObligationNo;
use case::state::{ClockPhase, ClockState, Obligation, ObligationState};
use case::time::At;
use registry::ids::{AreaCode, AreaLevel};
use registry::{ClockKind, Registry};
use rusqlite::{Transaction, params};

use super::{NEVER_DUE, clear as clear_of, is_due, micros};
use crate::tasks;

const CASE: &str = "
INSERT INTO cases (id, case_id, version, position, status, ended, status_since, raised_at, ended_at, profile, matter,
    area, subdistrict, community, grid, compound, due, reminded_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version, position = excluded.position, status = excluded.status, ended = excluded.ended,
    raised_at = excluded.raised_at, ended_at = excluded.ended_at, profile = excluded.profile,
    matter = excluded.matter, area = excluded.area, subdistrict = excluded.subdistrict,
    community = excluded.community, grid = excluded.grid, compound = excluded.compound, due = excluded.due,
    reminded_at = CASE
        WHEN excluded.reminded_at IS NOT NULL THEN excluded.reminded_at
        WHEN cases.status = excluded.status AND cases.status_since = excluded.status_since THEN cases.reminded_at
    END,
    status_since = excluded.status_since";

/// The case's own row. A reminder of the whole case stands until its status changes.
pub(super) fn case(
    tx: &Transaction<'_>,
    id: i64,
    case: &Case,
    position: i64,
    reminded: Option<At>,
) -> rusqlite::Result<()> {
    let area = case.area();
    let at = |level| area.and_then(|area| level_of(area, level));
    let profile = serde_json::to_value(case.profile).unwrap_or_default();
    tx.prepare_cached(CASE)?.execute(params![
        id,
        case.id.to_string(),
        super::number(case.version).unwrap_or(i64::MAX),
        position,
        case.status.name(),
        case.status.is_ended(),
        micros(case.status_since),
        micros(case.raised_at),
        case.ended_at.map(micros),
        profile.as_str().unwrap_or_default(),
        case.matter.as_ref().map(|matter| matter.as_str()),
        area.map(AreaCode::as_str),
        at(AreaLevel::Subdistrict),
        at(AreaLevel::Community),
        at(AreaLevel::Grid),
        case.compound().map(|compound| compound.as_str()),
        is_due(case),
        reminded.map(micros),
    ])?;
    Ok(())
}

fn level_of(area: &AreaCode, level: AreaLevel) -> Option<String> {
    area.at(level).map(|code| code.as_str().to_owned())
}

/// Who sees the case by more than its place, and who is complained of. Mirrors [`case::actor::sees`] and
/// [`case::actor::is_accused`]; a test holds them together.
pub(super) fn sight(tx: &Transaction<'_>, id: i64, before: &Case, after: &Case) -> rusqlite::Result<()> {
    let keys = sight_keys(after);
    if sight_keys(before) == keys {
        return Ok(());
    }
    if before.exists() {
        clear_of(tx, "DELETE FROM sight WHERE case_no = ?1", id)?;
    }
    let mut insert = tx.prepare_cached("INSERT INTO sight (key, case_no) VALUES (?1, ?2)")?;
    for key in keys {
        insert.execute(params![key, id])?;
    }
    Ok(())
}

fn sight_keys(case: &Case) -> std::collections::BTreeSet<String> {
    let mut keys = std::collections::BTreeSet::new();
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

/// Removes the rows that are made anew at every change.
pub(super) fn clear(tx: &Transaction<'_>, id: i64) -> rusqlite::Result<()> {
    clear_of(tx, "DELETE FROM obligations WHERE case_no = ?1", id)?;
    clear_of(tx, "DELETE FROM tasks WHERE case_no = ?1", id)?;
    clear_of(tx, "DELETE FROM task_keys WHERE case_no = ?1", id)
}

/// Duties, each with what is counted about it.
pub(super) fn obligations(
    tx: &Transaction<'_>,
    id: i64,
    case: &Case,
    registry: Option<&Registry>,
) -> rusqlite::Result<()> {
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
pub(super) fn tasks(tx: &Transaction<'_>, id: i64, case: &Case, registry: &Registry) -> rusqlite::Result<()> {
    let mut task = tx.prepare_cached("INSERT INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    let mut keys = tx.prepare_cached("INSERT OR IGNORE INTO task_keys VALUES (?1, ?2, ?3)")?;
    for (no, found) in (1_i64..).zip(tasks::of_case(case, registry)) {
        let clock = found.clock.and_then(|no| case.clock(no));
        task.execute(params![
            id,
            no,
            found.command.name(),
            found.obligation.map(|no| no.0),
            found.whistle.map(|no| no.0),
            found.request.map(|no| no.0),
            found.clock.map(|no| no.0),
            clock.map_or(NEVER_DUE, |clock| micros(clock.due_at)),
            found.reminded_at.map(micros),
        ])?;
        for key in found.keys {
            keys.execute(params![key, id, no])?;
        }
    }
    Ok(())
}
