//! Escalation: warns, breaches, signs automatically, climbs the ladder; and says which clocks run.
//!
//! Belongs here: the rows of open clocks, the timers that fire from them, the API that shows them. Does not belong: what a timer
//! does (`case::escalation`), how a deadline is counted (`worktime`).
//!
//! Invariants, as absences:
//! - no timer is remembered anywhere but in the log: the rows are a projection of it;
//! - nothing fires before its instant by the fenced clock, and nothing twice: the command's id is made of case, clock and generation;
//! - a case that cannot be escalated does not keep the next one waiting.

mod api;
mod older;
mod reactor;
mod rows;
mod seen;
#[cfg(test)]
mod tests;

use std::path::Path;

use case::time::At;
use desk::Desk;
use projection::{OpenError, Options, View};
use service_kit::ops::Check;
use service_kit::shutdown::Shutdown;
use tokio::sync::watch;
use tonic::service::RoutesBuilder;
use wire::pb::whistle::escalation::v1::escalation_service_server::EscalationServiceServer;

use crate::reactor::{Quiet, Timers};
use crate::rows::Clocks;

/// Full names of what this role serves.
pub const NAMES: &[&str] = &["whistle.escalation.v1.EscalationService"];

/// The service.
#[derive(Clone)]
pub struct Escalation {
    desk: Desk,
    view: View,
    quiet: watch::Receiver<Quiet>,
}

impl Escalation {
    /// Opens the rows of clocks in `dir` and begins to fire timers, until the shutdown.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(desk: Desk, dir: &Path, shutdown: &Shutdown) -> Result<Self, OpenError> {
        let stop = shutdown.token().clone();
        let (view, run) = projection::start(dir, Clocks, desk.ledger.clone(), Options::DEFAULT, stop).await?;
        let ending = shutdown.clone();
        shutdown.spawn("escalation-rows", async move {
            if let Err(error) = run.await {
                tracing::error!(%error, "the rows of clocks cannot follow the ledger");
                ending.fail("clocks");
            }
        });
        let (sender, quiet) = watch::channel(Quiet::UNKNOWN);
        let timers = Timers::new(desk.clone(), view.clone(), sender);
        let (rows, ending) = (view.clone(), shutdown.clone());
        shutdown.spawn("escalation-timers", async move {
            tokio::select! {
                () = timers.run() => {}
                () = ending.started() => return,
            }
            // Rows that stand still keep the role from being ready. Whatever else ended the timers would leave it ready without them.
            if rows.status().parked.is_none() && !ending.is_started() {
                tracing::error!("the timers ended");
                ending.fail("timers");
            }
        });
        let (looking, ending) = (seen::keep(desk.clock.clone(), view.clone()), shutdown.clone());
        shutdown.spawn("escalation-gauges", async move {
            tokio::select! {
                () = looking => {}
                () = ending.started() => {}
            }
        });
        Ok(Self { desk, view, quiet })
    }

    /// Adds the API.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        let server = EscalationServiceServer::new(self.clone())
            .max_decoding_message_size(desk::REQUEST_BYTES_MAX)
            .max_encoding_message_size(desk::RESPONSE_BYTES_MAX);
        routes.add_service(server);
    }

    /// Whether its rows are whole and recent enough.
    #[must_use]
    pub fn readiness(&self, lag_events_max: u64) -> Vec<Check> {
        let view = self.view.clone();
        vec![("escalation", Box::new(move || view.status().ready(lag_events_max).into()))]
    }

    /// Waits until every timer due at this instant or before has fired, of everything committed before the call; so
    /// never while a case is set aside. For whoever steps the clock by hand.
    pub async fn settled(&self, until: At) {
        let position = self.desk.ledger.head().position;
        let mut quiet = self.quiet.clone();
        // An error means the timers have ended: then nothing more will fire.
        let _ended = quiet.wait_for(|quiet| quiet.covers(until, position)).await.is_err();
    }
}
