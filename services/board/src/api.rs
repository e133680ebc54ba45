//! The board's RPCs.

mod lists;
mod numbers;
mod one;
mod work;

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use wire::pb::whistle::board::v1 as pb;
use wire::pb::whistle::board::v1::board_service_server::BoardService;

use crate::Board;

macro_rules! answered_by {
    ($($name:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl BoardService for Board {
            type WatchCasesStream = ReceiverStream<Result<pb::CaseUpdate, Status>>;

            $(
                async fn $name(
                    &self,
                    request: Request<pb::$request>,
                ) -> Result<Response<pb::$response>, Status> {
                    let (metadata, _extensions, message) = request.into_parts();
                    self.$name(&metadata, message).await.map(Response::new)
                }
            )*

            async fn watch_cases(
                &self,
                request: Request<pb::WatchCasesRequest>,
            ) -> Result<Response<Self::WatchCasesStream>, Status> {
                let (metadata, _extensions, message) = request.into_parts();
                self.watch(&metadata, message).await.map(Response::new)
            }
        }
    };
}

answered_by! {
    get_case(GetCaseRequest) -> GetCaseResponse;
    get_timeline(GetTimelineRequest) -> GetTimelineResponse;
    list_cases(ListCasesRequest) -> ListCasesResponse;
    search_cases(SearchCasesRequest) -> SearchCasesResponse;
    count_cases(CountCasesRequest) -> CountCasesResponse;
    list_my_tasks(ListMyTasksRequest) -> ListMyTasksResponse;
    list_organisations(ListOrganisationsRequest) -> ListOrganisationsResponse;
}
