//! Routing: who has to do what, and whether they did; dispatching by the matrix; the departments' feed.
//!
//! Belongs here: the API of routing, the reactor that dispatches, the feed. Does not belong: what is decided (`case::routing`), who is
//! responsible (`registry`).

mod dispatch;
pub mod feed;
mod presence;

use std::path::Path;

use case::routing::decide;
use desk::{Desk, command_service};
use projection::{OpenError, View};
use service_kit::ops::Check;
use service_kit::shutdown::Shutdown;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status};
use wire::pb::whistle::routing::v1 as pb;
use wire::pb::whistle::routing::v1::routing_service_server::{RoutingService, RoutingServiceServer};

/// Full names of what this role serves.
pub const NAMES: &[&str] = &["whistle.routing.v1.RoutingService", "whistle.routing.v1.FeedService"];

/// The service.
#[derive(Clone)]
pub struct Routing {
    desk: Desk,
    feed: feed::Feed,
    to_dispatch: View,
}

impl Routing {
    /// Starts the reactor and the feed's index; both end with the shutdown.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(desk: Desk, dir: &Path, shutdown: &Shutdown) -> Result<Self, OpenError> {
        let to_dispatch = dispatch::start(&desk, dir, shutdown).await?;
        let feed = feed::Feed::start(desk.clone(), dir, shutdown).await?;
        Ok(Self { desk, feed, to_dispatch })
    }

    /// Whether the feed's index and the rows of what is to be dispatched are whole and recent enough.
    #[must_use]
    pub fn readiness(&self, lag_events_max: u64) -> Vec<Check> {
        let (feed, to_dispatch) = (self.feed.view().clone(), self.to_dispatch.clone());
        vec![
            ("routing-feed", Box::new(move || feed.status().ready(lag_events_max).into())),
            ("routing-dispatch", Box::new(move || to_dispatch.status().ready(lag_events_max).into())),
        ]
    }

    /// Adds the API.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        let server = RoutingServiceServer::new(self.clone())
            .max_decoding_message_size(desk::REQUEST_BYTES_MAX)
            .max_encoding_message_size(desk::RESPONSE_BYTES_MAX);
        routes.add_service(server);
        self.feed.add_to(routes);
    }
}

command_service! {
    impl RoutingService as Routing;
    messages pb;
    decide decide;
    commands {
        dispatch_case(DispatchCaseRequest) -> DispatchCaseResponse;
        call_co_handlers(CallCoHandlersRequest) -> CallCoHandlersResponse;
        assign_obligation(AssignObligationRequest) -> AssignObligationResponse;
        sign_for(SignForRequest) -> SignForResponse;
        record_contact(RecordContactRequest) -> RecordContactResponse;
        set_external_ref(SetExternalRefRequest) -> SetExternalRefResponse;
        blow_whistle(BlowWhistleRequest) -> BlowWhistleResponse;
        approve_whistle(ApproveWhistleRequest) -> ApproveWhistleResponse;
        triage_whistle(TriageWhistleRequest) -> TriageWhistleResponse;
        hand_back_whistle(HandBackWhistleRequest) -> HandBackWhistleResponse;
        withdraw_whistle(WithdrawWhistleRequest) -> WithdrawWhistleResponse;
        add_party(AddPartyRequest) -> AddPartyResponse;
        change_lead(ChangeLeadRequest) -> ChangeLeadResponse;
        stand_down_whistle(StandDownWhistleRequest) -> StandDownWhistleResponse;
        confirm_whistle(ConfirmWhistleRequest) -> ConfirmWhistleResponse;
        rate_whistle(RateWhistleRequest) -> RateWhistleResponse;
        report_in(ReportInRequest) -> ReportInResponse;
        raise_objection(RaiseObjectionRequest) -> RaiseObjectionResponse;
        decide_objection(DecideObjectionRequest) -> DecideObjectionResponse;
        record_joint_plan(RecordJointPlanRequest) -> RecordJointPlanResponse;
        record_deliberation(RecordDeliberationRequest) -> RecordDeliberationResponse;
        strike_off(StrikeOffRequest) -> StrikeOffResponse;
        complete(CompleteRequest) -> CompleteResponse;
        confirm(ConfirmRequest) -> ConfirmResponse;
        refuse_completion(RefuseCompletionRequest) -> RefuseCompletionResponse;
        rate_response(RateResponseRequest) -> RateResponseResponse;
    }
    others {
        async fn raise_and_blow(
            &self,
            request: Request<pb::RaiseAndBlowRequest>,
        ) -> Result<Response<pb::RaiseAndBlowResponse>, Status> {
            let receipt = self.raise_and_blow(request).await?;
            Ok(Response::new(pb::RaiseAndBlowResponse { receipt: Some(receipt) }))
        }

        async fn issue_presence_code(
            &self,
            request: Request<pb::IssuePresenceCodeRequest>,
        ) -> Result<Response<pb::IssuePresenceCodeResponse>, Status> {
            self.issue_presence_code(request).await.map(Response::new)
        }
    }
}
