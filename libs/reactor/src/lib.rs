//! Level-triggered work: rows a projection holds, worked by commands whose ids derive from the trigger.
//!
//! Belongs here: finding the cases that ask for something nobody commands, and doing it once. Does not belong: what is decided
//! (`case`), when time is the trigger (the escalation service has its own rows).
//!
//! Invariants, as absences: running twice, rebuilding the rows, or two copies at work change nothing; a case that refuses, or that
//! has something wrong with it, does not keep others waiting; nothing is forgotten by a restart, because nothing is remembered but
//! the rows; nothing stays refused by rules, a mode or a day that have passed.

mod aside;
#[cfg(test)]
mod tests;
mod todo;
mod worker;

use std::path::Path;
use std::pin::Pin;

use case::event::Event;
use case::ids::{CaseId, derived_uuid};
use case::state::Case;
use case::time::At;
use case::{Refusal, Rules};
use desk::Desk;
use ledger::{CommandContext, ExecuteError};
use projection::{OpenError, Options, View};
use service_kit::shutdown::Shutdown;
use service_kit::trace::TraceContext;
use uuid::Uuid;

pub use crate::aside::{AboutAll, Aside};
pub use crate::todo::Wants;
use crate::todo::{Row, Todo};
use crate::worker::Worker;

/// A decision Whistle makes by itself, on one case.
pub type Decide = fn(&Case, &Rules<'_>, At) -> Result<Vec<Event>, Refusal>;

/// The work on one case, under a command id that derives from the trigger. A refusal is no error: a person has to look. It is asked
/// again under other rules, in another mode, after a restart, and every hour.
pub type Act = for<'a> fn(&'a Desk, Trigger) -> Acting<'a>;

/// Work under way.
pub type Acting<'a> = Pin<Box<dyn Future<Output = Result<(), ExecuteError>> + Send + 'a>>;

/// What asked for work.
#[derive(Debug, Clone, Copy)]
pub struct Trigger {
    /// The case that asks.
    pub case: CaseId,
    /// The id its command is to have.
    pub command_id: Uuid,
    /// The piece of work this is, in the trace of the commit that asked; none when that was in none.
    pub trace: Option<TraceContext>,
}

impl Trigger {
    /// What goes into the header of the commit.
    #[must_use]
    pub fn context(&self, role: &str) -> CommandContext {
        CommandContext {
            traceparent: self.trace.map(|trace| trace.to_string()),
            ..Desk::automatic(role, self.command_id)
        }
    }
}

/// One kind of work.
#[derive(Debug, Clone, Copy)]
pub struct Reactor {
    /// Names the projection's file and the commands' ids.
    pub name: &'static str,
    /// A change of what is wanted is a new version: the rows are made anew.
    pub version: u32,
    /// Which cases ask for it; looks at nothing but the case.
    pub wants: Wants,
    /// Whether a case may ask to which nothing happened yet but that it was raised. Else such commits are not even decoded.
    pub new_cases_ask: bool,
    /// What is done about them.
    pub act: Act,
}

impl Reactor {
    /// Starts the projection and the work. Both end with the shutdown.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(self, desk: &Desk, dir: &Path, shutdown: &Shutdown) -> Result<View, OpenError> {
        let Self { name, version, wants, new_cases_ask, .. } = self;
        let todo = Todo { name, version, wants, new_cases_ask };
        let stop = shutdown.token().clone();
        let (view, run) = projection::start(dir, todo, desk.ledger.clone(), Options::DEFAULT, stop).await?;
        let ending = shutdown.clone();
        shutdown.spawn(self.name, async move {
            if let Err(error) = run.await {
                tracing::error!(%error, reactor = self.name, "the rows cannot follow the ledger");
                ending.fail(self.name);
            }
        });
        let worker = Worker::new(self, desk.clone(), view.clone());
        let (rows, ending) = (view.clone(), shutdown.clone());
        shutdown.spawn(self.name, async move {
            tokio::select! {
                () = worker.run() => {}
                () = ending.started() => return,
            }
            // Rows that stand still keep the role from being ready. Whatever else ended the work would leave it ready without.
            if rows.status().parked.is_none() && !ending.is_started() {
                tracing::error!(reactor = self.name, "the work ended");
                ending.fail(self.name);
            }
        });
        Ok(view)
    }
}

/// Decides on the case that asks and on nothing else.
///
/// # Errors
/// [`ExecuteError`]
pub async fn decide_alone(
    desk: &Desk,
    role: &str,
    trigger: Trigger,
    decide: Decide,
) -> Result<(), ExecuteError> {
    let Some(registry) = desk.registry.current() else { return Err(ExecuteError::Unavailable) };
    let modes = desk.registry.modes();
    let now = desk.clock.now();
    let context = trigger.context(role);
    let cases = [trigger.case];
    let decided = desk.execute(&context, now, &cases, |cases| {
        let Some(case) = cases.first() else { return Ok(Vec::new()) };
        let mode = case.area().map(|area| modes.of(area)).unwrap_or_default();
        Ok(vec![decide(case, &Rules { registry: &registry, mode }, At::new(now))?])
    });
    decided.await.map(|_done| ())
}

/// The same row gives the same id, whoever works it.
fn command_id(name: &str, row: &Row) -> Uuid {
    let CaseId(case) = row.case;
    derived_uuid(&format!("whistle/reactor/{name}"), &[case.as_bytes(), &row.position.get().to_be_bytes()])
}
