//! Fires timers: soonest first, page after page, one commit each, until nothing is due; then sleeps until something is.

use std::collections::BTreeMap;
use std::time::Duration;

use case::Rules;
use case::escalation::{Timer, fire, timers};
use case::ids::{CaseId, derived_uuid};
use case::time::At;
use desk::Desk;
use jiff::SignedDuration;
use ledger::{CommandContext, ExecuteError, Position};
use metrics::counter;
use projection::View;
use registry::ids::RegistryVersion;
use service_kit::trace::{self, TraceContext};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::rows::{self, DueCase};

/// Cases looked at in one step; commands of people run between the commits of a step as between any others.
const PAGE: u32 = 64;
/// Timers fired on one case before the next case has its turn.
const TIMERS_OF_A_CASE_MAX: u32 = 32;
/// How long to wait before trying again while the ledger is busy or away.
const RETRY_DELAY: Duration = Duration::from_millis(250);
/// Longest sleep without a look at the rows: a bound against a clock that was set.
const SLEEP_MAX: SignedDuration = SignedDuration::from_hours(1);

pub(crate) struct Timers {
    desk: Desk,
    view: View,
    quiet: watch::Sender<Quiet>,
    /// What the present rules say about cases whose rows were made under older ones.
    corrected: BTreeMap<CaseId, At>,
    registry: Option<RegistryVersion>,
}

/// What the timers know: of everything committed up to a position, nothing is due before an instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quiet {
    position: Position,
    /// None while nothing is known yet; within, none when nothing is due ever.
    until: Option<Option<At>>,
}

impl Quiet {
    pub(crate) const UNKNOWN: Self = Self { position: Position::ZERO, until: None };

    /// Whether everything due at an instant or before has fired, of what was committed up to a position.
    pub(crate) fn covers(self, at: At, position: Position) -> bool {
        self.position >= position && self.until.is_some_and(|until| until.is_none_or(|until| until > at))
    }
}

/// The rows stand still, or nobody makes them any more.
struct Ended;

impl Timers {
    pub(crate) fn new(desk: Desk, view: View, quiet: watch::Sender<Quiet>) -> Self {
        Self { desk, view, quiet, corrected: BTreeMap::new(), registry: None }
    }

    pub(crate) async fn run(mut self) {
        while self.round().await.is_ok() {}
    }

    /// Fires all that is due, then waits for what comes next.
    async fn round(&mut self) -> Result<(), Ended> {
        self.take_new_rules().await?;
        let now = At::new(self.desk.clock.now());
        // What was committed before this instant is in the rows before it is said that nothing is due.
        self.wait_for_rows(self.desk.ledger.head().position).await?;
        let seen = self.view.position();
        let reached = match self.fire_due(now).await? {
            Some(reached) => reached,
            None => {
                tokio::time::sleep(RETRY_DELAY).await;
                return Ok(());
            }
        };
        if reached > seen {
            // What was fired changes the rows; look again before sleeping.
            return self.wait_for_rows(reached).await;
        }
        let next = self.next_after(now).await?;
        self.quiet.send_replace(Quiet { position: seen, until: Some(next) });
        self.sleep_until(next, seen).await
    }

    /// Rows were made under the registry of their day; when another is published, whoever is due earlier or later by it is noted.
    async fn take_new_rules(&mut self) -> Result<(), Ended> {
        let Some(registry) = self.desk.registry.current() else { return Ok(()) };
        if self.registry == Some(registry.version()) {
            return Ok(());
        }
        if self.registry.is_some() {
            self.corrected.clear();
            let mut after = None;
            loop {
                let page = self.read(move |db| rows::all(db, after, PAGE)).await?;
                for (_, case) in &page {
                    if let Some(first) = self.soonest(*case).await {
                        self.corrected.insert(*case, first);
                    }
                }
                match page.last() {
                    Some((last, _)) => after = Some(*last),
                    None => break,
                }
            }
        }
        self.registry = Some(registry.version());
        Ok(())
    }

    /// Fires everything due. Gives how far the log came by it; none when the ledger could not be asked.
    async fn fire_due(&mut self, now: At) -> Result<Option<Position>, Ended> {
        let mut reached = Position::ZERO;
        let mut after: Option<DueCase> = None;
        loop {
            let page = self.read(move |db| rows::due(db, now, after, PAGE)).await?;
            for due in &page {
                if self.corrected.get(&due.case).is_some_and(|at| *at > now) {
                    continue;
                }
                match self.fire_case(due.case, due.trace, now).await {
                    Ok(position) => reached = reached.max(position),
                    Err(error) => {
                        tracing::warn!(%error, case_id = %due.case, "a timer will be tried again");
                        return Ok(None);
                    }
                }
            }
            match page.last() {
                Some(last) => after = Some(*last),
                None => break,
            }
        }
        let early: Vec<CaseId> =
            self.corrected.iter().filter(|(_, at)| **at <= now).map(|(case, _)| *case).collect();
        for case in early {
            match self.fire_case(case, None, now).await {
                Ok(position) => reached = reached.max(position),
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(reached))
    }

    /// Fires the timers of one case that are due, soonest first, each in a commit of its own, in the trace that led to them.
    async fn fire_case(
        &mut self,
        id: CaseId,
        led_here: Option<TraceContext>,
        now: At,
    ) -> Result<Position, ExecuteError> {
        let mut reached = Position::ZERO;
        self.corrected.remove(&id);
        for _ in 0..TIMERS_OF_A_CASE_MAX {
            let Some(registry) = self.desk.registry.current() else { return Err(ExecuteError::Unavailable) };
            let modes = self.desk.registry.modes();
            let case = self.desk.ledger.read_case(id).await.map_err(ExecuteError::Ledger)?;
            let mode = case.area().map(|area| modes.of(area)).unwrap_or_default();
            let rules = Rules { registry: &registry, mode };
            let Some(timer) = timers(&case, &rules).into_iter().next() else { return Ok(reached) };
            if timer.at > now {
                if reached == Position::ZERO {
                    // Its row says earlier, made under older rules: this is what counts until the row changes.
                    self.corrected.insert(id, timer.at);
                }
                return Ok(reached);
            }
            let own = led_here.map(|led_here| led_here.child());
            let context = CommandContext {
                traceparent: own.map(|own| own.to_string()),
                ..Desk::automatic("escalation", command_id(id, &timer))
            };
            let cases = [id];
            let decided = self.desk.execute(&context, now.instant(), &cases, |cases| {
                let Some(case) = cases.first() else { return Ok(Vec::new()) };
                Ok(vec![fire(case, &timer, &rules, now)?])
            });
            match decided.instrument(trace::automatic("escalation", led_here, own)).await {
                Ok(done) => {
                    if done.commit.is_some() && !done.repeated {
                        counter!("whistle_timers_fired_total").increment(1);
                    }
                    reached = reached.max(done.position);
                }
                // Somebody else was faster, or the clock moved on: the next look says what is left.
                Err(ExecuteError::Refused(refusal)) => {
                    tracing::debug!(%refusal, case_id = %id, "a timer had nothing to do");
                    return Ok(reached);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(reached)
    }

    async fn soonest(&self, id: CaseId) -> Option<At> {
        let registry = self.desk.registry.current()?;
        let case = self.desk.ledger.read_case(id).await.ok()?;
        let mode = case.area().map(|area| self.desk.registry.mode_of(area)).unwrap_or_default();
        timers(&case, &Rules { registry: &registry, mode }).first().map(|timer| timer.at)
    }

    async fn next_after(&self, now: At) -> Result<Option<At>, Ended> {
        let row = self.read(move |db| rows::next_after(db, now)).await?;
        Ok(row.into_iter().chain(self.corrected.values().copied().filter(|at| *at > now)).min())
    }

    /// Sleeps until an instant, a change of the rows, or another registry.
    async fn sleep_until(&self, next: Option<At>, seen: Position) -> Result<(), Ended> {
        let now = self.desk.clock.now();
        let latest = now.checked_add(SLEEP_MAX).unwrap_or(now);
        let until = next.map_or(latest, |next| next.instant().min(latest));
        let published = RegistryVersion(self.registry.map_or(1, |version| version.0.saturating_add(1)));
        tokio::select! {
            () = self.desk.clock.sleep_until(until) => Ok(()),
            moved = self.view.changed_since(seen) => moved.map(|_| ()).map_err(|_| Ended),
            _registry = self.desk.registry.wait(published) => Ok(()),
        }
    }

    async fn wait_for_rows(&self, position: Position) -> Result<(), Ended> {
        let mut at = self.view.position();
        while at < position {
            at = self.view.changed_since(at).await.map_err(|_| Ended)?;
        }
        Ok(())
    }

    async fn read<T, F>(&self, read: F) -> Result<T, Ended>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.view.read(read).await.map_err(|error| {
            tracing::error!(%error, "no timer fires: the rows of clocks cannot be read");
            Ended
        })
    }
}

/// The same timer gives the same id, whoever fires it.
fn command_id(case: CaseId, timer: &Timer) -> uuid::Uuid {
    derived_uuid("whistle/timer", &[case.0.as_bytes(), timer.key().as_bytes()])
}
