//! The registry's API: publishing it as a whole, and showing it. What it holds is public to every known caller.

mod places;
mod publish;
mod tables;

use std::sync::Arc;

use desk::Desk;
use registry::{Finding, Registry, Severity};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};
use wire::pb::whistle::registry::v1 as pb;
use wire::pb::whistle::registry::v1::registry_service_server::RegistryService;

/// Largest content of a registry in one request, in bytes.
pub(crate) const CONTENT_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest request: the content and what stands around it.
pub(crate) const REQUEST_BYTES_MAX: usize = CONTENT_BYTES_MAX + 64 * 1024;
/// Largest sections given at once, in bytes.
pub(crate) const SECTIONS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest answer: the sections, and as many findings as there may be.
pub(crate) const ANSWER_BYTES_MAX: usize = SECTIONS_BYTES_MAX + 1024 * 1024;

/// The service.
#[derive(Clone)]
pub(crate) struct RegistryApi {
    desk: Desk,
}

impl RegistryApi {
    pub(crate) fn new(desk: Desk) -> Self {
        Self { desk }
    }

    /// The registry in force, for somebody known.
    fn for_anybody(&self, metadata: &MetadataMap) -> Result<Arc<Registry>, Status> {
        self.desk.caller(metadata)?;
        self.desk.published()
    }
}

macro_rules! shown_by {
    ($($name:ident($request:ident) -> $response:ident: $show:path;)*) => {
        #[tonic::async_trait]
        impl RegistryService for RegistryApi {
            async fn publish_registry(
                &self,
                request: Request<pb::PublishRegistryRequest>,
            ) -> Result<Response<pb::PublishRegistryResponse>, Status> {
                self.publish(request).await.map(Response::new)
            }

            $(
                async fn $name(
                    &self,
                    request: Request<pb::$request>,
                ) -> Result<Response<pb::$response>, Status> {
                    let registry = self.for_anybody(request.metadata())?;
                    let message = request.into_inner();
                    crate::reads::aside(move || $show(&registry, &message)).await?.map(Response::new)
                }
            )*
        }
    };
}

shown_by! {
    get_registry(GetRegistryRequest) -> GetRegistryResponse: tables::registry;
    resolve_place(ResolvePlaceRequest) -> ResolvePlaceResponse: places::resolve;
    show_place(ShowPlaceRequest) -> ShowPlaceResponse: places::show;
    list_matters(ListMattersRequest) -> ListMattersResponse: tables::matters;
    list_registered_organisations(ListRegisteredOrganisationsRequest) -> ListRegisteredOrganisationsResponse:
        tables::organisations;
}

fn finding(finding: &Finding) -> pb::Finding {
    pb::Finding {
        path: finding.path.clone(),
        severity: match finding.severity {
            Severity::Error => pb::FindingSeverity::Error,
            Severity::Warning => pb::FindingSeverity::Warning,
        }
        .into(),
        problem: finding.problem.clone(),
        advice: finding.advice.clone(),
    }
}
