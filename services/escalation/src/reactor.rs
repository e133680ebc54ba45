//! Fires timers: soonest first, page after page, one commit each, until nothing is due; then sleeps until something is.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::time::Duration;

use case::Rules;
use case::escalation::{Timer, fire, timers};
use case::ids::{CaseId, derived_uuid};
use case::time::At;
use desk::Desk;
use jiff::SignedDuration;
use ledger::{CommandContext, ExecuteError, Position};
use metrics::counter;
use projection::{ReadError, View};
use reactor::Aside;
use registry::ids::RegistryVersion;
use service_kit::trace;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::older::Older;
use crate::rows::{self, CaseRow};

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
    older: Older,
    aside: Aside,
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

/// Why a round was not finished.
enum Stop {
    /// The rows stand still, or nobody makes them or follows the registry any more.
    Ended,
    /// The ledger could not be asked, or the rows not be read.
    Later,
}

impl Timers {
    pub(crate) fn new(desk: Desk, view: View, quiet: watch::Sender<Quiet>) -> Self {
        Self { desk, view, quiet, older: Older::default(), aside: Aside::new("escalation") }
    }

    /// Fires until the rows stand still, or nobody makes them or follows the registry any more.
    pub(crate) async fn run(mut self) {
        loop {
            match self.round().await {
                Ok(()) => {}
                Err(Stop::Later) => tokio::time::sleep(RETRY_DELAY).await,
                Err(Stop::Ended) => return,
            }
        }
    }

    /// Fires all that is due, then waits for what comes next.
    async fn round(&mut self) -> Result<(), Stop> {
        let now = At::new(self.desk.clock.now());
        // What was committed before this instant is in the rows before it is said that nothing is due.
        self.wait_for_rows(self.desk.ledger.head().position).await?;
        let seen = self.view.position();
        let rules = self.rules_of_rows().await?;
        self.older.compare_with(rules);
        self.aside.open();
        self.look_at_older(now).await?;
        let reached = self.fire_due(now).await?;
        self.aside.close();
        if reached > seen {
            // What was fired changes the rows; look again before sleeping.
            return self.wait_for_rows(reached).await;
        }
        if !self.older.is_whole() {
            return Ok(());
        }
        let next = self.next_after(now).await?;
        if self.aside.is_empty() {
            self.quiet.send_replace(Quiet { position: seen, until: Some(next) });
        }
        self.sleep_until(next, seen, rules).await
    }

    /// The rules in force, once the rows and whoever decides have the same ones: each follows the log by itself. From there on no row
    /// is made under older ones.
    async fn rules_of_rows(&self) -> Result<RegistryVersion, Stop> {
        loop {
            let seen = self.view.position();
            let of_rows = self.read(rows::rules).await?;
            let in_force = self.desk.registry.current().map_or(RegistryVersion(0), |found| found.version());
            match in_force.cmp(&of_rows) {
                Ordering::Equal => return Ok(of_rows),
                Ordering::Less => self.published(of_rows).await?,
                Ordering::Greater => self.rows_after(seen).await?,
            }
        }
    }

    /// Looks at some of the cases whose rows were made under older rules, and notes what the present ones say of them. Begins where it
    /// ended last, also after a failure. Of a case that cannot be read nothing is known, so it counts as due.
    async fn look_at_older(&mut self, now: At) -> Result<(), Stop> {
        let Some((rules, after)) = self.older.unseen() else { return Ok(()) };
        let page = self.read(move |db| rows::older(db, rules, after, PAGE)).await?;
        for row in &page {
            let next = match self.soonest(row.case).await {
                Ok(next) => next,
                Err(error) => {
                    self.put_aside(row, &error)?;
                    Some(now)
                }
            };
            self.older.see(row, next);
        }
        if page.is_empty() {
            self.older.end();
        }
        Ok(())
    }

    /// Fires everything due. Gives how far the log came by it.
    async fn fire_due(&mut self, now: At) -> Result<Position, Stop> {
        let mut reached = Position::ZERO;
        let mut after: Option<CaseRow> = None;
        loop {
            let page = self.read(move |db| rows::due(db, now, after, PAGE)).await?;
            for row in &page {
                if self.older.next_of(row).is_some_and(|at| at <= now) {
                    reached = reached.max(self.work(row, now).await?);
                }
            }
            match page.last() {
                Some(last) => after = Some(*last),
                None => break,
            }
        }
        for row in self.older.due(now) {
            reached = reached.max(self.work(&row, now).await?);
        }
        Ok(reached)
    }

    /// Fires what is due in one case, unless it is to wait; stops at what is no fault of the case.
    async fn work(&mut self, row: &CaseRow, now: At) -> Result<Position, Stop> {
        if self.aside.is_waiting(row.case) {
            return Ok(Position::ZERO);
        }
        match self.fire_case(row, now).await {
            Ok(reached) => Ok(reached),
            Err(error) => self.put_aside(row, &error).map(|()| Position::ZERO),
        }
    }

    fn put_aside(&mut self, row: &CaseRow, error: &ExecuteError) -> Result<(), Stop> {
        self.aside.put(row.case, error).map_err(|_about_all| Stop::Later)
    }

    /// Fires the timers of one case that are due, soonest first, each in a commit of its own, in the trace that led to them.
    async fn fire_case(&mut self, row: &CaseRow, now: At) -> Result<Position, ExecuteError> {
        let (id, led_here) = (row.case, row.trace);
        let mut reached = Position::ZERO;
        for _ in 0..TIMERS_OF_A_CASE_MAX {
            let Some(registry) = self.desk.registry.current() else { return Err(ExecuteError::Unavailable) };
            let modes = self.desk.registry.modes();
            let case = self.desk.ledger.read_case(id).await.map_err(ExecuteError::Ledger)?;
            let mode = case.area().map(|area| modes.of(area)).unwrap_or_default();
            let rules = Rules { registry: &registry, mode };
            let soonest = timers(&case, &rules).into_iter().next();
            let Some(timer) = soonest.as_ref().filter(|timer| timer.at <= now) else {
                if reached == Position::ZERO {
                    // Its row says earlier, made under older rules.
                    self.older.correct(row, soonest.map(|timer| timer.at));
                }
                return Ok(reached);
            };
            let own = led_here.map(|led_here| led_here.child());
            let context = CommandContext {
                traceparent: own.map(|own| own.to_string()),
                ..Desk::automatic("escalation", command_id(id, timer))
            };
            let cases = [id];
            let decided = self.desk.execute(&context, now.instant(), &cases, |cases| {
                let Some(case) = cases.first() else { return Ok(Vec::new()) };
                Ok(vec![fire(case, timer, &rules, now)?])
            });
            match decided.instrument(trace::automatic("escalation", led_here, own)).await {
                Ok(done) => {
                    if done.commit.is_some() && !done.repeated {
                        counter!("whistle_timers_fired_total").increment(1);
                    }
                    // The row is made anew.
                    self.older.forget(id);
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

    /// When the next timer of a case fires by the rules in force.
    async fn soonest(&self, id: CaseId) -> Result<Option<At>, ExecuteError> {
        let Some(registry) = self.desk.registry.current() else { return Err(ExecuteError::Unavailable) };
        let case = self.desk.ledger.read_case(id).await?;
        let mode = case.area().map(|area| self.desk.registry.mode_of(area)).unwrap_or_default();
        Ok(timers(&case, &Rules { registry: &registry, mode }).first().map(|timer| timer.at))
    }

    async fn next_after(&self, now: At) -> Result<Option<At>, Stop> {
        let of_rows = self.read(move |db| rows::next_after(db, now)).await?;
        Ok(of_rows.into_iter().chain(self.older.next_after(now)).min())
    }

    /// Sleeps until an instant, a change of the rows, other rules than these, or the end of a pause.
    async fn sleep_until(
        &self,
        next: Option<At>,
        seen: Position,
        rules: RegistryVersion,
    ) -> Result<(), Stop> {
        let now = self.desk.clock.now();
        let latest = now.checked_add(SLEEP_MAX).unwrap_or(now);
        let until = next.map_or(latest, |next| next.instant().min(latest));
        tokio::select! {
            () = self.desk.clock.sleep_until(until) => Ok(()),
            moved = self.rows_after(seen) => moved,
            () = self.aside.over() => Ok(()),
            published = self.published(RegistryVersion(rules.0.saturating_add(1))) => published,
        }
    }

    async fn published(&self, rules: RegistryVersion) -> Result<(), Stop> {
        self.desk.registry.wait(rules).await.map(|_registry| ()).map_err(|_gone| Stop::Ended)
    }

    async fn rows_after(&self, position: Position) -> Result<(), Stop> {
        self.view.changed_since(position).await.map(|_position| ()).map_err(|_behind| Stop::Ended)
    }

    async fn wait_for_rows(&self, position: Position) -> Result<(), Stop> {
        loop {
            let at = self.view.position();
            if at >= position {
                return Ok(());
            }
            self.rows_after(at).await?;
        }
    }

    async fn read<T, F>(&self, read: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.view.read(read).await.map_err(|error| match error {
            ReadError::Parked { name, reason } => {
                tracing::error!(name, reason, "no timer fires: the rows of clocks stand still");
                Stop::Ended
            }
            // As when there is no descriptor left for a reader: what passes must not keep a clock from firing for ever.
            error @ (ReadError::Sql(_) | ReadError::Aborted { .. }) => {
                tracing::warn!(%error, "no timer fires until the rows of clocks can be read");
                Stop::Later
            }
        })
    }
}

/// The same timer gives the same id, whoever fires it.
fn command_id(case: CaseId, timer: &Timer) -> uuid::Uuid {
    derived_uuid("whistle/timer", &[case.0.as_bytes(), timer.key().as_bytes()])
}
