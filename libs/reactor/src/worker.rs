//! The loop: rows in the order of their last change, and again those that could not be worked.

use std::time::Duration;

use desk::Desk;
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

pub(crate) struct Worker {
    reactor: Reactor,
    desk: Desk,
    view: View,
    /// Rows changed up to here were worked, or set aside.
    worked: Position,
    registry: Option<RegistryVersion>,
    aside: Aside,
}

/// Why a turn was not finished.
enum Stop {
    /// The rows stand still, or nobody makes them any more.
    Ended,
    /// What is needed is busy or away.
    Later,
}

impl Worker {
    pub(crate) fn new(reactor: Reactor, desk: Desk, view: View) -> Self {
        let aside = Aside::new(reactor.name);
        Self { reactor, desk, view, worked: Position::ZERO, registry: None, aside }
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
        let current = self.desk.registry.current().map(|registry| registry.version());
        if current != self.registry {
            // Other rules may allow what was refused.
            (self.registry, self.worked) = (current, Position::ZERO);
        }
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

    /// Waits for a change of the rows, or for the end of a pause.
    async fn wait(&self, seen: Position) -> Result<(), Stop> {
        tokio::select! {
            moved = self.view.changed_since(seen) => moved.map(|_position| ()).map_err(|_behind| Stop::Ended),
            () = self.aside.over() => Ok(()),
        }
    }
}
