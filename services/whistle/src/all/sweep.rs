//! Removing from the vault what no event names, hour by hour.

#[cfg(test)]
pub(crate) mod tests;

use case::ids::{CaseId, KeyId};
use jiff::{SignedDuration, Timestamp};
use ledger::{Ledger, LedgerError};
use service_kit::clock::Clock;
use service_kit::shutdown::Shutdown;
use vault::{Host, Swept, Vault};

/// Between two rounds: often beside the day that a row is kept.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Sweeps of one round, 500 rows each: some ten times what a large district adds in an hour.
const SWEEPS_MAX: usize = 20;
/// Events of a case looked through at a time.
const PAGE_EVENTS: usize = 100;

/// The rows of a vault that lie in this process.
pub(crate) enum Rows {
    /// Of a vault that has its key.
    Vault(Vault),
    /// Kept for others.
    Host(Host),
}

/// Why a round ended early; what it did stays done.
#[derive(Debug, thiserror::Error)]
enum NotSwept {
    #[error(transparent)]
    Vault(#[from] vault::Error),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("an event cannot be written: {0}")]
    Event(#[from] serde_json::Error),
}

/// Sweeps once an hour until the shutdown begins; a round that fails is tried again an hour later. The first comes after an hour,
/// so that nothing is removed by who opens the directory for a moment.
pub(crate) fn keep_swept(rows: Rows, ledger: &Ledger, clock: &Clock, shutdown: &Shutdown) {
    let (ledger, clock, stop) = (ledger.clone(), clock.clone(), shutdown.clone());
    shutdown.spawn("vault-sweep", async move {
        loop {
            let next = clock.now().saturating_add(EVERY).unwrap_or(Timestamp::MAX);
            let hourly = async {
                clock.sleep_until(next).await;
                round(&rows, &ledger, clock.now()).await
            };
            tokio::select! {
                () = stop.started() => return,
                swept = hourly => tell(swept),
            }
        }
    });
}

fn tell(swept: Result<Swept, NotSwept>) {
    match swept {
        Ok(Swept { removed: 0, unknown: 0, more: false, .. }) => {}
        Ok(Swept { named, removed, unknown, more }) => {
            tracing::info!(named, removed, unknown, more, "the vault was swept of what no event names");
        }
        Err(error) => tracing::warn!(%error, "the vault is not swept, and tried again in an hour"),
    }
}

async fn round(rows: &Rows, ledger: &Ledger, now: Timestamp) -> Result<Swept, NotSwept> {
    let mut round = Swept { more: true, ..Swept::default() };
    for _ in 0..SWEEPS_MAX {
        let is_named = |case, key_id| async move { if_known(case, is_named(ledger, case, key_id).await) };
        let swept = match rows {
            Rows::Vault(vault) => vault.sweep(now, round.unknown, is_named).await,
            Rows::Host(host) => host.sweep(now, round.unknown, is_named).await,
        }?;
        round.named += swept.named;
        round.removed += swept.removed;
        round.unknown += swept.unknown;
        round.more = swept.more;
        if !round.more {
            break;
        }
    }
    Ok(round)
}

/// What was found out; none where the case alone cannot be read, for its rows must not keep those of others.
fn if_known(case: CaseId, found: Result<bool, NotSwept>) -> Result<Option<bool>, NotSwept> {
    match found {
        Ok(is_named) => Ok(Some(is_named)),
        Err(NotSwept::Ledger(error)) if !error.is_about_all() => {
            tracing::warn!(%error, case_id = %case, "keys of a case are kept: it cannot be read");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether an event of the case holds the key's id. Its words are looked for, not the reporters of the case: a ticket's later
/// revision may be sealed for a caller the case was made without.
async fn is_named(ledger: &Ledger, case: CaseId, key_id: KeyId) -> Result<bool, NotSwept> {
    let named = serde_json::to_vec(&key_id)?;
    let mut after = 0;
    loop {
        let page = ledger.history(case, after, PAGE_EVENTS).await?;
        for (recorded, _) in &page {
            let event = recorded.event.encode()?;
            if event.windows(named.len()).any(|part| part == named.as_slice()) {
                return Ok(true);
            }
            after = recorded.version;
        }
        if page.len() < PAGE_EVENTS {
            return Ok(false);
        }
    }
}
