//! Intake: taking cases from field apps, windows and hotlines, sorting them, and the ways out before anybody works on them.
//!
//! Belongs here: the API of intake, the hotline's exchange, the photo store. Does not belong: what is decided (`case::intake`).

pub mod evidence;
mod family;
pub mod hotline;
mod photos;
mod raise;
#[cfg(test)]
mod tests;

use std::path::Path;

use case::intake::decide;
use desk::{Desk, command_service};
use projection::OpenError;
use service_kit::ops::Check;
use service_kit::shutdown::Shutdown;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status, Streaming};
use wire::pb::whistle::intake::v1 as pb;
use wire::pb::whistle::intake::v1::intake_service_server::{IntakeService, IntakeServiceServer};

use crate::evidence::EvidenceStore;

/// Full names of what this role serves.
pub const NAMES: &[&str] = &["whistle.intake.v1.IntakeService", "whistle.intake.v1.HotlineService"];

/// Largest request of intake, in bytes: a batch of 100 cases with texts of ordinary length. A longer batch is cut in two by the caller.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// The service.
#[derive(Clone)]
pub struct Intake {
    desk: Desk,
    evidence: EvidenceStore,
    hotline: hotline::Hotline,
}

impl Intake {
    /// Opens the photo store in `photos` and the rows of the hotline in `dir`; what runs ends with the shutdown.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(
        desk: Desk,
        dir: &Path,
        photos: &Path,
        shutdown: &Shutdown,
    ) -> Result<Self, OpenError> {
        let evidence = EvidenceStore::open(photos)?;
        let hotline = hotline::Hotline::start(desk.clone(), dir, shutdown).await?;
        Ok(Self { desk, evidence, hotline })
    }

    /// Whether the rows of the hotline's outcomes are whole and recent enough.
    #[must_use]
    pub fn readiness(&self, lag_events_max: u64) -> Vec<Check> {
        let view = self.hotline.view().clone();
        vec![("intake-hotline", Box::new(move || view.status().ready(lag_events_max).into()))]
    }

    /// Adds the API.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        let server = IntakeServiceServer::new(self.clone())
            .max_decoding_message_size(REQUEST_BYTES_MAX)
            .max_encoding_message_size(desk::RESPONSE_BYTES_MAX);
        routes.add_service(server);
        self.hotline.add_to(routes);
    }
}

command_service! {
    impl IntakeService as Intake;
    messages pb;
    decide decide;
    commands {
        triage_case(TriageCaseRequest) -> TriageCaseResponse;
        request_verification(RequestVerificationRequest) -> RequestVerificationResponse;
        verify_case(VerifyCaseRequest) -> VerifyCaseResponse;
        accept_case(AcceptCaseRequest) -> AcceptCaseResponse;
        reject_case(RejectCaseRequest) -> RejectCaseResponse;
        appeal_rejection(AppealRejectionRequest) -> AppealRejectionResponse;
        answer_directly(AnswerDirectlyRequest) -> AnswerDirectlyResponse;
        self_handle(SelfHandleRequest) -> SelfHandleResponse;
        audit_self_handled(AuditSelfHandledRequest) -> AuditSelfHandledResponse;
        file_case(FileCaseRequest) -> FileCaseResponse;
        withdraw_case(WithdrawCaseRequest) -> WithdrawCaseResponse;
        request_exit(RequestExitRequest) -> RequestExitResponse;
        decide_exit(DecideExitRequest) -> DecideExitResponse;
        add_note(AddNoteRequest) -> AddNoteResponse;
        attach_evidence(AttachEvidenceRequest) -> AttachEvidenceResponse;
        request_break_glass(RequestBreakGlassRequest) -> RequestBreakGlassResponse;
        decide_break_glass(DecideBreakGlassRequest) -> DecideBreakGlassResponse;
    }
    others {
        type GetEvidenceStream = photos::Chunks;

        async fn raise_case(
            &self,
            request: Request<pb::RaiseCaseRequest>,
        ) -> Result<Response<pb::RaiseCaseResponse>, Status> {
            let receipt = self.raise_one(request).await?;
            Ok(Response::new(pb::RaiseCaseResponse { receipt: Some(receipt) }))
        }

        async fn raise_cases(
            &self,
            request: Request<pb::RaiseCasesRequest>,
        ) -> Result<Response<pb::RaiseCasesResponse>, Status> {
            self.raise_many(request).await.map(Response::new)
        }

        async fn merge_case(
            &self,
            request: Request<pb::MergeCaseRequest>,
        ) -> Result<Response<pb::MergeCaseResponse>, Status> {
            self.merge(request).await.map(Response::new)
        }

        async fn split_case(
            &self,
            request: Request<pb::SplitCaseRequest>,
        ) -> Result<Response<pb::SplitCaseResponse>, Status> {
            self.split(request).await.map(Response::new)
        }

        async fn reveal_contact(
            &self,
            request: Request<pb::RevealContactRequest>,
        ) -> Result<Response<pb::RevealContactResponse>, Status> {
            self.reveal(request).await.map(Response::new)
        }

        async fn import_history(
            &self,
            request: Request<pb::ImportHistoryRequest>,
        ) -> Result<Response<pb::ImportHistoryResponse>, Status> {
            let receipt = self.desk.run(request, raise::import).await?;
            Ok(Response::new(pb::ImportHistoryResponse { receipt: Some(receipt) }))
        }

        async fn put_evidence(
            &self,
            request: Request<Streaming<pb::PutEvidenceRequest>>,
        ) -> Result<Response<pb::PutEvidenceResponse>, Status> {
            self.put_photo(request).await.map(Response::new)
        }

        async fn get_evidence(
            &self,
            request: Request<pb::GetEvidenceRequest>,
        ) -> Result<Response<photos::Chunks>, Status> {
            self.get_photo(request).await.map(Response::new)
        }
    }
}
