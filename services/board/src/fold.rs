//! The board's projection: rows to find and order cases by. What is shown of a case is read from the case itself.
//!
//! Every row is a function of the case after the commit and of the registry then in force, so that a rebuild makes the same
//! rows. Nothing personal lies here in the clear: search holds keyed tokens of bigrams.

mod keys;
mod rows;
mod schema;
mod search;

use case::Case;
use case::event::{Dispatch, Event, Recorded};
use case::time::At;
use ledger::Commit;
use projection::{CaseChange, Change, FoldError, Projection};
use registry::Registry;
use rusqlite::{Connection, Transaction, params};
use vault::Vault;

use keys::Keys;
use search::Tokens;

pub(crate) use schema::NEVER_DUE;
pub(crate) use search::{QUERY_CHARS_MAX, SAYING, phrases};

/// Folds cases into `board.sqlite`.
pub(crate) struct BoardFold {
    vault: Vault,
    keys: Keys,
    tokens: Tokens,
}

impl BoardFold {
    pub(crate) fn new(vault: Vault) -> Self {
        Self { keys: Keys::new(vault.clone()), tokens: Tokens::default(), vault }
    }

    fn replace(
        &mut self,
        tx: &Transaction<'_>,
        change: &CaseChange<'_>,
        registry: Option<&Registry>,
    ) -> Result<(), FoldError> {
        let case = change.after.as_ref();
        let Some(position) = change.events.last().map(|last| last.position) else { return Ok(()) };
        let id = number(case.raised_position)?;
        if !change.is_new() {
            rows::clear(tx, id)?;
        }
        rows::case(tx, id, change, number(position)?, reminded(&change.events))?;
        rows::sight(tx, id, &change.before, case)?;
        rows::obligations(tx, id, case, registry)?;
        if let Some(registry) = registry {
            rows::tasks(tx, id, case, registry)?;
        }
        let secrets = self.vault.secrets().map_err(|error| keys::of_vault(&error))?;
        let (keys, tokens) = (&self.keys, &mut self.tokens);
        let row = search::Row { case_no: id, number: if change.is_new() { id } else { number(position)? } };
        search::update(tx, row, change, search::With { keys, secrets, tokens })
    }
}

impl Projection for BoardFold {
    fn name(&self) -> &'static str {
        "board"
    }

    fn version(&self) -> u32 {
        3
    }

    fn create(&self, db: &Connection) -> rusqlite::Result<()> {
        db.execute_batch(schema::TABLES)
    }

    fn prepare(&mut self, batch: &[&Commit]) -> Result<(), FoldError> {
        self.keys.fetch(batch)
    }

    fn release(&mut self) {
        self.keys.forget();
    }

    fn apply(&mut self, tx: &Transaction<'_>, change: &Change<'_>) -> Result<(), FoldError> {
        let registry = change.registry.map(AsRef::as_ref);
        for case in &change.cases {
            self.replace(tx, case, registry)?;
        }
        Ok(())
    }
}

/// Whoever was reminded of the whole case, as no duty says so.
fn reminded(events: &[&Recorded]) -> Option<At> {
    let of_the_case = |recorded: &&&Recorded| matches!(&recorded.event, Event::Dispatch(Dispatch::Reminded(reminded)) if reminded.obligation.is_none());
    events.iter().rev().find(of_the_case).map(|recorded| recorded.recorded_at)
}

/// A position or version as SQLite counts.
fn number(value: u64) -> Result<i64, FoldError> {
    i64::try_from(value).map_err(|_beyond| FoldError::Fact("a position beyond 2⁶³".to_owned()))
}

/// Deletes a case's rows of a table that names it `case_no`.
fn clear(tx: &Transaction<'_>, sql: &str, id: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(sql)?.execute(params![id]).map(|_| ())
}

/// Instants are whole microseconds since 1970, UTC.
pub(crate) fn micros(at: At) -> i64 {
    at.instant().as_microsecond()
}

fn is_due(case: &Case) -> i64 {
    let running = case.clocks.iter().filter(|clock| clock.phase == case::state::ClockPhase::Running);
    running.map(|clock| micros(clock.due_at)).min().unwrap_or(NEVER_DUE)
}
