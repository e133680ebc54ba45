use std::future::Future;

use prost::Message;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::pb::whistle::closure::v1::closure_service_client::ClosureServiceClient;
use crate::pb::whistle::closure::v1::closure_service_server::{ClosureService, ClosureServiceServer};
use crate::pb::whistle::closure::v1::{
    CallBackRequest, CallBackResponse, CheckCaseRequest, CheckCaseResponse, CloseCaseRequest,
    CloseCaseResponse, DisposeCaseRequest, DisposeCaseResponse, ExemptCallBackRequest,
    ExemptCallBackResponse, ReopenCaseRequest, ReopenCaseResponse,
};
use crate::{Explain, Failure};

const LIMIT: usize = 1024;

/// Answers reopening; everything else is a failure with details of its own.
struct Stub;

macro_rules! fails {
    ($($rpc:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl ClosureService for Stub {
            $(
                async fn $rpc(&self, _: Request<$request>) -> Result<Response<$response>, Status> {
                    Err(Failure::FutureToken { oldest: "w1".to_owned() }.into())
                }
            )*

            async fn reopen_case(
                &self,
                _: Request<ReopenCaseRequest>,
            ) -> Result<Response<ReopenCaseResponse>, Status> {
                Ok(Response::new(ReopenCaseResponse::default()))
            }
        }
    };
}

fails! {
    dispose_case(DisposeCaseRequest) -> DisposeCaseResponse;
    check_case(CheckCaseRequest) -> CheckCaseResponse;
    call_back(CallBackRequest) -> CallBackResponse;
    exempt_call_back(ExemptCallBackRequest) -> ExemptCallBackResponse;
    close_case(CloseCaseRequest) -> CloseCaseResponse;
}

/// Runs a client against a server of its own.
async fn served<F: Future<Output = T>, T>(client: impl FnOnce(Channel) -> F) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Explain(ClosureServiceServer::new(Stub).max_decoding_message_size(LIMIT));
    let server = Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    tokio::select! {
        ended = server => panic!("the server ended: {ended:?}"),
        answer = client(channel) => answer,
    }
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Sends bytes in the place of a request: as protobuf, a field 1 that should be text.
async fn send(channel: Channel, bytes: Vec<u8>) -> Result<ReopenCaseResponse, Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/whistle.closure.v1.ClosureService/ReopenCase");
    let codec: tonic_prost::ProstCodec<Vec<u8>, ReopenCaseResponse> = tonic_prost::ProstCodec::default();
    grpc.unary(Request::new(bytes), path, codec).await.map(Response::into_inner)
}

#[tokio::test]
async fn request_that_decodes_is_answered() {
    let answer = served(|channel| send(channel, b"an id".to_vec())).await;
    assert_eq!(answer.unwrap(), ReopenCaseResponse::default());
}

#[tokio::test]
async fn invalid_utf8_is_the_callers_mistake() {
    let status = served(|channel| send(channel, vec![0xB0, 0xA1])).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "UNDECODABLE"));
    assert!(status.message().contains("command_id"), "{}", status.message());
}

#[tokio::test]
async fn oversize_message_is_told_with_its_limit() {
    let request = ReopenCaseRequest { words: "长".repeat(LIMIT), ..ReopenCaseRequest::default() };
    let size = request.encoded_len().to_string();
    let answer =
        served(|channel| async move { ClosureServiceClient::new(channel).reopen_case(request).await });
    let status = answer.await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "TOO_LARGE"));
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata.get("limit_bytes").unwrap(), &LIMIT.to_string());
    assert_eq!(info.metadata.get("actual_bytes").unwrap(), &size);
    assert!(status.get_details_retry_info().is_none());
}

#[tokio::test]
async fn status_of_a_handler_goes_through_unchanged() {
    let answer = served(|channel| async move {
        ClosureServiceClient::new(channel).close_case(CloseCaseRequest::default()).await
    });
    let status = answer.await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::OutOfRange, "POSITION_OUT_OF_RANGE"));
    assert_eq!(status.get_details_localized_message().unwrap().locale, "zh-CN");
}

#[test]
fn statuses_that_are_nobodys_concern_stay_as_they_are() {
    for status in [Status::out_of_range("page"), Status::internal("bug"), Status::unimplemented("")] {
        let explained = crate::explain(status.clone());
        assert_eq!((explained.code(), explained.message()), (status.code(), status.message()));
        assert!(explained.details().is_empty());
    }
    let none = crate::explain(Status::internal("Missing request message."));
    assert_eq!((none.code(), reason(&none).as_str()), (Code::InvalidArgument, "UNDECODABLE"));
}
