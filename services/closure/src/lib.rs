//! Closure: disposing, checking, calling back, closing, reopening; and ending a split case once every child has.
//!
//! Belongs here: the API of closure and its reactor. Does not belong: what is decided (`case::closure`).

mod split;

use std::path::Path;

use case::closure::decide;
use desk::{Desk, command_service};
use projection::{OpenError, View};
use service_kit::ops::Check;
use service_kit::shutdown::Shutdown;
use tonic::service::RoutesBuilder;
use wire::pb::whistle::closure::v1 as pb;
use wire::pb::whistle::closure::v1::closure_service_server::{ClosureService, ClosureServiceServer};

/// Full names of what this role serves.
pub const NAMES: &[&str] = &["whistle.closure.v1.ClosureService"];

/// The service.
#[derive(Clone)]
pub struct Closure {
    desk: Desk,
    to_close: View,
}

impl Closure {
    /// Starts the reactor; it ends with the shutdown.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(desk: Desk, dir: &Path, shutdown: &Shutdown) -> Result<Self, OpenError> {
        let to_close = split::start(&desk, dir, shutdown).await?;
        Ok(Self { desk, to_close })
    }

    /// Whether the rows of split cases are whole and recent enough.
    #[must_use]
    pub fn readiness(&self, lag_events_max: u64) -> Vec<Check> {
        let view = self.to_close.clone();
        vec![("closure-split", Box::new(move || view.status().ready(lag_events_max).into()))]
    }

    /// Adds the API.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        let server = ClosureServiceServer::new(self.clone())
            .max_decoding_message_size(desk::REQUEST_BYTES_MAX)
            .max_encoding_message_size(desk::RESPONSE_BYTES_MAX);
        routes.add_service(server);
    }
}

command_service! {
    impl ClosureService as Closure;
    messages pb;
    decide decide;
    commands {
        dispose_case(DisposeCaseRequest) -> DisposeCaseResponse;
        check_case(CheckCaseRequest) -> CheckCaseResponse;
        call_back(CallBackRequest) -> CallBackResponse;
        exempt_call_back(ExemptCallBackRequest) -> ExemptCallBackResponse;
        close_case(CloseCaseRequest) -> CloseCaseResponse;
        reopen_case(ReopenCaseRequest) -> ReopenCaseResponse;
    }
    others {}
}
