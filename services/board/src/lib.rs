//! The board: cases, what happened to them, lists, tasks and counts; and the registry's own API until it has a service of its own.
//!
//! Belongs here: what is shown and to whom, the rows to find cases by. Does not belong: any decision on a case.
//!
//! Invariants, as absences:
//! - nothing is shown of a case outside the caller's sight, not even that there is one;
//! - no contact detail is shown, and no words of a reporter to whoever is complained of;
//! - no page, count or stream is unbounded;
//! - nothing personal lies in the projection in the clear.

mod api;
mod filter;
mod fold;
mod page;
mod query;
mod reads;
mod registry_api;
mod show;
mod sight;
mod tasks;
mod timeline;
mod watch;
mod words;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use desk::Desk;
use projection::{OpenError, Options, View};
use service_kit::ops::Check;
use service_kit::shutdown::Shutdown;
use tokio::sync::Semaphore;
use tonic::service::RoutesBuilder;
use wire::pb::whistle::board::v1::board_service_server::BoardServiceServer;
use wire::pb::whistle::registry::v1::registry_service_server::RegistryServiceServer;

use crate::fold::BoardFold;
use crate::registry_api::RegistryApi;

/// Full names of what this role serves.
pub const NAMES: &[&str] = &["whistle.board.v1.BoardService", "whistle.registry.v1.RegistryService"];

/// Largest answer of the board, in bytes: 200 cases in one line, or one case with everything the policies allow it.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Streams of changes at once. Each holds a few rows and waits.
const WATCHERS_MAX: usize = 1_024;

/// The service.
#[derive(Clone)]
pub struct Board {
    desk: Desk,
    view: View,
    shutdown: Shutdown,
    watchers: Arc<Semaphore>,
    bookmark_after: Duration,
    check_after: Duration,
}

impl Board {
    /// Opens the projection in `dir` and keeps it current until the shutdown, which it begins itself when the ledger cannot be
    /// followed.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(desk: Desk, dir: &Path, shutdown: &Shutdown) -> Result<Self, OpenError> {
        let fold = BoardFold::new(desk.vault.clone());
        let stop = shutdown.token().clone();
        let (view, run) = projection::start(dir, fold, desk.ledger.clone(), Options::DEFAULT, stop).await?;
        let ending = shutdown.clone();
        shutdown.spawn("board projection", async move {
            if let Err(error) = run.await {
                tracing::error!(%error, "the board's projection ended");
                ending.fail("board");
            }
        });
        let watchers = Arc::new(Semaphore::new(WATCHERS_MAX));
        let (bookmark_after, check_after) = (watch::BOOKMARK_AFTER, watch::CHECK_AFTER);
        Ok(Self { desk, view, shutdown: shutdown.clone(), watchers, bookmark_after, check_after })
    }

    /// Adds the API.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        let board = BoardServiceServer::new(self.clone())
            .max_decoding_message_size(desk::REQUEST_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX);
        let registry = RegistryServiceServer::new(RegistryApi::new(self.desk.clone()))
            .max_decoding_message_size(registry_api::REQUEST_BYTES_MAX)
            .max_encoding_message_size(registry_api::ANSWER_BYTES_MAX);
        routes.add_service(board).add_service(registry);
    }

    /// Whether the projection is whole and recent enough.
    #[must_use]
    pub fn readiness(&self, lag_events_max: u64) -> Vec<Check> {
        let view = self.view.clone();
        vec![("board", Box::new(move || view.status().ready(lag_events_max).into()))]
    }

    /// The projection, for whoever looks after it.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }
}
