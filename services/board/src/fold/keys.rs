//! Keys for what is searched, fetched for a whole batch of commits at once where a fetch is a round trip.

use std::collections::BTreeSet;

use case::Case;
use case::event::intake::CaseRaised;
use case::event::{Event, Intake, Recorded};
use case::ids::{CaseId, KeyId};
use ledger::Commit;
use projection::FoldError;
use tokio::runtime::Handle;
use vault::{Keyring, Vault};

/// Most keys held for one batch; those beyond are fetched case by case. Some 200 bytes each.
const KEYS_MAX: usize = 8_192;

/// Fetches keys. Blocks, so only to be used where the projection's runner calls the fold.
pub(super) struct Keys {
    vault: Vault,
    /// Held from the fetch until the batch is done, so that no key outlives its destruction for longer.
    fetched: Option<Keyring>,
}

impl Keys {
    pub(super) fn new(vault: Vault) -> Self {
        Self { vault, fetched: None }
    }

    /// Fetches what the batch will most likely need.
    pub(super) fn fetch(&mut self, batch: &[&Commit]) -> Result<(), FoldError> {
        if self.vault.has_rows_here() {
            return Ok(());
        }
        let wanted: BTreeSet<_> = wanted(batch).take(KEYS_MAX).collect();
        if !wanted.is_empty() {
            self.fetched = Some(self.keyring(wanted)?);
        }
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        self.fetched = None;
    }

    /// Does something with the keys of a case.
    pub(super) fn with<T>(&self, case: &Case, work: impl FnOnce(&Keyring) -> T) -> Result<T, FoldError> {
        let fetched = self.fetched.as_ref();
        if let Some(keyring) =
            fetched.filter(|keyring| case.key_ids().all(|key| keyring.covers(case.id, &key)))
        {
            return Ok(work(keyring));
        }
        Ok(work(&self.keyring(case.key_ids().map(|key_id| (case.id, key_id)))?))
    }

    fn keyring(&self, wanted: impl IntoIterator<Item = (CaseId, KeyId)>) -> Result<Keyring, FoldError> {
        Handle::current().block_on(self.vault.keyring(wanted)).map_err(|error| of_vault(&error))
    }
}

/// The keys of the cases in which somebody said something. How many reporters a case has is known only where it is raised; for
/// those raised before, the first is guessed, as most have one.
fn wanted<'a>(batch: &'a [&Commit]) -> impl Iterator<Item = (CaseId, KeyId)> + 'a {
    let said = || {
        let entries = batch.iter().flat_map(|commit| &commit.entries);
        entries.filter_map(|entry| Some((entry.stream.case()?, &entry.recorded)))
    };
    let new_cases: BTreeSet<CaseId> =
        said().filter(|(_, recorded)| raised(recorded).is_some()).map(|(case, _)| case).collect();
    said().filter(|(_, recorded)| speaks(recorded)).flat_map(move |(case, recorded)| {
        let mut keys = vec![(case, KeyId::case_file())];
        if let Some(raised) = raised(recorded) {
            keys.extend(raised.reporters.iter().map(|reporter| (case, reporter.key_id.clone())));
        } else if !new_cases.contains(&case) {
            keys.push((case, KeyId::reporter(1)));
        }
        keys
    })
}

fn raised(recorded: &Recorded) -> Option<&CaseRaised> {
    if let Event::Intake(Intake::CaseRaised(raised)) = &recorded.event { Some(raised) } else { None }
}

/// Clocks say nothing, and most events are theirs.
fn speaks(recorded: &Recorded) -> bool {
    !matches!(recorded.event, Event::Clock(_))
}

pub(super) fn of_vault(error: &vault::Error) -> FoldError {
    if error.is_away() {
        return FoldError::Away("the vault");
    }
    FoldError::Fact(format!("the vault cannot be read: {error}"))
}
