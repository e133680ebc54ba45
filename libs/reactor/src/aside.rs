use std::collections::BTreeMap;
use std::time::Duration;

use case::ids::CaseId;
use ledger::ExecuteError;
use metrics::gauge;
use tokio::time::Instant;

/// The pauses before a case is tried again: doubled from the least to the most.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(64);
/// More at once are no fault of single cases.
const ASIDE_MAX: usize = 1024;

/// Cases that could not be worked for what is wrong with them alone. The others go on; these are tried again, each after a pause.
///
/// A round begins with [`Aside::open`], passes over the cases that are [waiting](Aside::is_waiting), [puts](Aside::put) those that
/// fail, and ends with [`Aside::close`].
#[derive(Debug)]
pub struct Aside {
    name: &'static str,
    cases: BTreeMap<CaseId, Pause>,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    length: Duration,
    /// None while the case may be tried.
    until: Option<Instant>,
}

/// The error is not about one case: nothing can be worked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no case can be worked now")]
pub struct AboutAll;

impl Aside {
    /// None yet; the name is that of the work, for operators.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let aside = Self { name, cases: BTreeMap::new() };
        aside.tell();
        aside
    }

    /// The cases whose pause is over: they may be tried until the round is closed.
    pub fn open(&mut self) -> Vec<CaseId> {
        let now = Instant::now();
        for pause in self.cases.values_mut() {
            pause.until = pause.until.filter(|until| *until > now);
        }
        let open = self.cases.iter().filter(|(_, pause)| pause.until.is_none());
        open.map(|(case, _)| *case).collect()
    }

    /// Whether the case is not to be tried in this round.
    #[must_use]
    pub fn is_waiting(&self, case: CaseId) -> bool {
        self.cases.get(&case).is_some_and(|pause| pause.until.is_some())
    }

    /// Sets a case aside that could not be worked.
    ///
    /// # Errors
    /// [`AboutAll`] when the error, or the number of such cases, says that it is not the case's own.
    pub fn put(&mut self, case: CaseId, error: &ExecuteError) -> Result<(), AboutAll> {
        let known = self.cases.get(&case);
        if is_about_all(error) || (known.is_none() && self.cases.len() >= ASIDE_MAX) {
            tracing::warn!(%error, role = self.name, case_id = %case, "will be tried again");
            return Err(AboutAll);
        }
        let length = known.map_or(PAUSE_MIN, |pause| pause.length.saturating_mul(2).min(PAUSE_MAX));
        tracing::warn!(%error, role = self.name, case_id = %case, "a case is set aside");
        self.cases.insert(case, Pause { length, until: Some(Instant::now() + length) });
        self.tell();
        Ok(())
    }

    /// Whatever was tried in this round and not put aside again was worked, or asks for nothing any more.
    pub fn close(&mut self) {
        self.cases.retain(|_, pause| pause.until.is_some());
        self.tell();
    }

    /// Whether every case that asked was worked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// Returns once a pause is over; never while there is none.
    pub async fn over(&self) {
        match self.cases.values().filter_map(|pause| pause.until).min() {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    fn tell(&self) {
        // Exact: there are few.
        let count = u32::try_from(self.cases.len()).unwrap_or(u32::MAX);
        gauge!("whistle_cases_set_aside", "work" => self.name).set(f64::from(count));
    }
}

/// Whether the next case would fare no better. What a read or a decision of one case meets alone is not.
fn is_about_all(error: &ExecuteError) -> bool {
    match error {
        ExecuteError::Busy | ExecuteError::Unavailable | ExecuteError::Away => true,
        ExecuteError::Ledger(error) => error.is_about_all(),
        ExecuteError::Refused(_)
        | ExecuteError::Conflict { .. }
        | ExecuteError::CommandIdReused
        | ExecuteError::StaleExpectedVersion { .. }
        | ExecuteError::TooLarge(_)
        | ExecuteError::Invalid(_)
        | ExecuteError::RiderRefused => false,
    }
}
