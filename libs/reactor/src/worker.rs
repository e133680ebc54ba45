//! The loop: rows in the order of their last change, and again those that could not be worked.

use std::time::Duration;

use desk::Desk;
use jiff::{SignedDuration, Timestamp};
use ledger::registry_stream::Modes;
use ledger::{ExecuteError, Position};
use projection::{ReadError, View};
use registry::ids::RegistryVersion;
use service_kit::trace;
use tracing::Instrument as _;

use crate::aside::Aside;
use crate::todo::{self, Row};
use crate::{Reactor, Trigger, command_id};

/// Rows worked before the next look at the clock of the shutdown.
const ROWS_MAX: u32 = 64;
/// How long to wait before trying again what could not be tried: the ledger was busy or away.
const RETRY_DELAY: Duration = Duration::from_millis(250);
/// How long what was refused is left alone while the rules stay the same: time alone may allow it, as when an organisation begins.
const REFUSED_FOR: SignedDuration = SignedDuration::from_hours(1);

pub(crate) struct Worker {
    reactor: Reactor,
    desk: Desk,
    view: View,
    /// Rows changed up to here were worked, or set aside.
    worked: Position,
    /// When all rows are worked again, whatever was refused.
    all_again_at: Timestamp,
    /// What the rows were worked under.
    registry: Option<RegistryVersion>,
    modes: Modes,
    aside: Aside,
}

/// Why a turn was not finished.
enum Stop {
    /// The rows stand still, or nobody makes them or follows the registry any more.
    Ended,
    /// What is needed is busy or away.
    Later,
}

impl Worker {
    pub(crate) fn new(reactor: Reactor, desk: Desk, view: View) -> Self {
        let (aside, all_again_at) = (Aside::new(reactor.name), desk.clock.now());
        let (worked, modes) = (Position::ZERO, Modes::default());
        Self { reactor, desk, view, worked, all_again_at, registry: None, modes, aside }
    }

    /// Works row after row; waits when there is none. Ends when the rows do.
    pub(crate) async fn run(mut self) {
        loop {
            match self.turn().await {
                Ok(()) => {}
                Err(Stop::Later) => tokio::time::sleep(RETRY_DELAY).await,
                Err(Stop::Ended) => return,
            }
        }
    }

    async fn turn(&mut self) -> Result<(), Stop> {
        self.begin_anew();
        let seen = self.view.position();
        let (again, next) = self.rows().await?;
        for row in &again {
            self.work(row).await?;
        }
        for row in &next {
            self.work(row).await?;
            self.worked = row.position;
        }
        self.aside.close();
        if next.is_empty() { self.wait(seen).await } else { Ok(()) }
    }

    /// Begins with the first row where what was refused may be allowed by now: by other rules, in another mode, or by the time.
    fn begin_anew(&mut self) {
        let registry = self.desk.registry.current().map(|registry| registry.version());
        let (modes, now) = (self.desk.registry.modes(), self.desk.clock.now());
        if registry == self.registry && modes == self.modes && now < self.all_again_at {
            return;
        }
        (self.registry, self.modes, self.worked) = (registry, modes, Position::ZERO);
        self.all_again_at = now.checked_add(REFUSED_FOR).unwrap_or(Timestamp::MAX);
    }

    /// What is to be tried again, and what comes next.
    async fn rows(&mut self) -> Result<(Vec<Row>, Vec<Row>), Stop> {
        let (open, worked) = (self.aside.open(), self.worked);
        let read = move |db: &rusqlite::Connection| {
            Ok((todo::of_cases(db, &open)?, todo::after(db, worked, ROWS_MAX)?))
        };
        self.view.read(read).await.map_err(|error| match error {
            ReadError::Parked { name, reason } => {
                tracing::error!(name, reason, "the rows stand still");
                Stop::Ended
            }
            error @ (ReadError::Sql(_) | ReadError::Aborted { .. }) => {
                tracing::warn!(%error, reactor = self.reactor.name, "rows could not be read");
                Stop::Later
            }
        })
    }

    /// Works a row, unless its case is to wait; stops at what is no fault of the case.
    async fn work(&mut self, row: &Row) -> Result<(), Stop> {
        if self.aside.is_waiting(row.case) {
            return Ok(());
        }
        match self.act(row).await {
            Ok(()) => Ok(()),
            Err(error) => self.aside.put(row.case, &error).map_err(|_about_all| Stop::Later),
        }
    }

    async fn act(&self, row: &Row) -> Result<(), ExecuteError> {
        let name = self.reactor.name;
        let trace = row.trace.map(|led_here| led_here.child());
        let trigger = Trigger { case: row.case, command_id: command_id(name, row), trace };
        let span = trace::automatic(name, row.trace, trace);
        match (self.reactor.act)(&self.desk, trigger).instrument(span).await {
            Ok(()) | Err(ExecuteError::CommandIdReused) => Ok(()),
            Err(ExecuteError::Refused(refusal)) => {
                tracing::debug!(%refusal, reactor = name, case_id = %row.case, "left to a person");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for a change of the rows or of the rules, which follow the log each by itself, for the end of a pause, or for the time.
    async fn wait(&self, seen: Position) -> Result<(), Stop> {
        tokio::select! {
            moved = self.view.changed_since(seen) => moved.map(|_position| ()).map_err(|_behind| Stop::Ended),
            changed = self.desk.registry.changed_from(self.registry, &self.modes) => {
                changed.map_err(|_gone| Stop::Ended)
            }
            () = self.desk.clock.sleep_until(self.all_again_at) => Ok(()),
            () = self.aside.over() => Ok(()),
        }
    }
}
