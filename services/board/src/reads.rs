//! What every read has in common: who asks, how fresh, which cases, off the async threads.

use std::sync::Arc;
use std::time::Duration;

use case::ids::CaseId;
use case::refusal::Violation;
use case::time::At;
use case::{Actor, Case, Refusal, actor};
use desk::of_vault;
use ledger::{LedgerError, Position};
use projection::{Behind, ReadError};
use registry::Registry;
use rusqlite::Connection;
use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::Failure;

use crate::Board;
use crate::filter::Reader;
use crate::fold::micros;
use crate::show::Shower;
use crate::sight::{self, Clause};
use crate::words::reads_words;

/// How long a read waits for the projection when the caller gives no deadline, and at most.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A caller, and what their question is answered by.
pub(crate) struct Asker {
    pub(crate) actor: Actor,
    pub(crate) registry: Arc<Registry>,
    pub(crate) now: At,
}

impl Asker {
    /// Whether a case is theirs to see.
    pub(crate) fn sees(&self, case: &Case) -> bool {
        case.exists() && actor::sees(&self.actor, case, &self.registry)
    }

    /// Whether what was read for another is read for this one: the same rights by the same registry.
    pub(crate) fn is_still(&self, other: &Self) -> bool {
        self.actor == other.actor && self.registry.version() == other.registry.version()
    }

    /// The same as SQL.
    pub(crate) fn seen(&self) -> Clause {
        sight::sees(&self.actor, &self.registry)
    }

    pub(crate) fn now_micros(&self) -> i64 {
        micros(self.now)
    }
}

/// A case with the number people know it by.
pub(crate) type Numbered = (Arc<Case>, String);

impl Board {
    /// Who asks. It is never earlier for them than when the ledger was last written: whoever wrote may have a clock that is ahead, and
    /// what was found overdue there is not due in time here.
    pub(crate) fn asker(&self, metadata: &MetadataMap) -> Result<Asker, Status> {
        let actor = self.desk.caller(metadata)?.actor;
        let now = self.desk.clock.now().max(self.desk.ledger.head().recorded_at);
        Ok(Asker { actor, registry: self.desk.published()?, now: At::new(now) })
    }

    /// Reads filters for somebody.
    pub(crate) fn reader<'a>(&'a self, asker: &'a Asker) -> Result<Reader<'a>, Status> {
        let (secrets, registry, actor) = (self.desk.secrets()?, &asker.registry, &asker.actor);
        Ok(Reader { secrets, registry, actor, now_micros: asker.now_micros() })
    }

    /// Shows these cases to somebody; their keys are fetched at once, unless it is somebody who reads no words.
    pub(crate) async fn shower<'a>(
        &self,
        asker: &Asker,
        cases: impl IntoIterator<Item = &'a Case>,
    ) -> Result<Shower, Status> {
        let readable = cases.into_iter().filter(|_| reads_words(&asker.actor));
        let wanted: Vec<_> =
            readable.flat_map(|case| case.key_ids().map(|key_id| (case.id, key_id))).collect();
        let keyring = self.desk.vault.keyring(wanted).await.map_err(|error| of_vault(&error))?;
        Ok(Shower {
            keyring,
            ledger: self.desk.ledger.clone(),
            registry: Arc::clone(&asker.registry),
            actor: asker.actor.clone(),
            now: asker.now.instant(),
        })
    }

    /// Waits until the projection is not older than a position token; none waits for nothing.
    pub(crate) async fn reach(&self, at_least: &str, metadata: &MetadataMap) -> Result<(), Status> {
        if at_least.is_empty() {
            return Ok(());
        }
        let position = desk::token::decode(&self.desk.ledger, at_least).await?;
        let within = deadline(metadata).map_or(WAIT_MAX, |deadline| deadline.min(WAIT_MAX));
        self.view.wait_for(position, within).await.map_err(|behind| of_behind(&behind))
    }

    /// Asks the projection; the answer comes with the position it is as of.
    pub(crate) async fn ask<T, F>(&self, read: F) -> Result<(T, Position), Status>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.view.read_as_of(read).await.map_err(|error| of_read(&error))
    }

    /// A position as callers see it.
    pub(crate) fn token(&self, position: Position) -> String {
        desk::token::encode(&self.desk.ledger, position)
    }

    /// A case in somebody's sight, with its number.
    pub(crate) async fn case_for(&self, asker: &Asker, id: CaseId) -> Result<Numbered, Status> {
        let found = self.case_if_seen(asker, id).await?;
        found.ok_or_else(|| Failure::Refused(Refusal::NotFound).into())
    }

    /// The same; none when it is out of their sight.
    pub(crate) async fn case_if_seen(&self, asker: &Asker, id: CaseId) -> Result<Option<Numbered>, Status> {
        self.read_if_seen(asker, id).await.map_err(|error| desk::of_ledger(&error).into())
    }

    /// The same, with the ledger's own word when it cannot be read.
    pub(crate) async fn read_if_seen(
        &self,
        asker: &Asker,
        id: CaseId,
    ) -> Result<Option<Numbered>, LedgerError> {
        let ledger = &self.desk.ledger;
        let case = ledger.read_case(id).await?;
        if !asker.sees(&case) {
            return Ok(None);
        }
        let number = ledger.number(&case).await?;
        Ok(Some((case, number.unwrap_or_default())))
    }

    /// Cases that a query found, as they are now; those out of sight by now are left out.
    pub(crate) async fn cases_for(&self, asker: &Asker, ids: Vec<CaseId>) -> Result<Vec<Numbered>, Status> {
        let mut cases = Vec::new();
        for id in ids {
            cases.extend(self.case_if_seen(asker, id).await?);
        }
        Ok(cases)
    }
}

/// Does what takes a moment, such as opening many words, off the async threads.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_ended| Failure::Unavailable.into())
}

/// Refuses what has violations, all at once.
pub(crate) fn checked(violations: Vec<Violation>) -> Result<(), Status> {
    if violations.is_empty() { Ok(()) } else { Err(Failure::Invalid(violations).into()) }
}

/// A case id as given.
pub(crate) fn case_id(given: &str, violations: &mut Vec<Violation>) -> Option<CaseId> {
    let parsed = uuid::Uuid::try_parse(given).ok().map(CaseId);
    if parsed.is_none() {
        violations.push(Violation::new("case_id", "MALFORMED", "a UUID"));
    }
    parsed
}

pub(crate) fn of_behind(behind: &Behind) -> Status {
    match behind {
        Behind::Late { name, at, wanted } => tracing::warn!(name, %at, %wanted, "a read waited in vain"),
        Behind::Parked { .. } | Behind::Stopped { .. } => {
            tracing::error!(%behind, "a read cannot be answered")
        }
    }
    Failure::Unavailable.into()
}

fn of_read(error: &ReadError) -> Status {
    tracing::error!(%error, "the board cannot be read");
    match error {
        ReadError::Sql(_) => Failure::Internal.into(),
        ReadError::Parked { .. } | ReadError::Aborted { .. } => Failure::Unavailable.into(),
    }
}

/// How long the caller waits, by the `grpc-timeout` of the call: digits and a unit.
fn deadline(metadata: &MetadataMap) -> Option<Duration> {
    let given = metadata.get("grpc-timeout")?.to_str().ok()?;
    let unit = given.chars().next_back()?;
    let amount: u64 = given.strip_suffix(unit)?.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(amount.saturating_mul(3_600))),
        'M' => Some(Duration::from_secs(amount.saturating_mul(60))),
        'S' => Some(Duration::from_secs(amount)),
        'm' => Some(Duration::from_millis(amount)),
        'u' => Some(Duration::from_micros(amount)),
        'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}
