//! The reference: a bare tonic server of the same protos that stores nothing, checks nothing and answers a receipt; beside one role a
//! process it asks over NATS once before it answers.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use wire::codec::Codec;
use wire::pb::whistle::case::v1::{CaseStatus, CommandReceipt, Made};
use wire::pb::whistle::closure::v1::{
    CallBackRequest, CallBackResponse, CheckCaseRequest, CheckCaseResponse, CloseCaseRequest,
    CloseCaseResponse, DisposeCaseRequest, DisposeCaseResponse,
};
use wire::pb::whistle::intake::v1::{
    AcceptCaseRequest, AcceptCaseResponse, FileCaseRequest, FileCaseResponse, RaiseCaseRequest,
    RaiseCaseResponse,
};
use wire::pb::whistle::routing::v1::{
    DispatchCaseRequest, DispatchCaseResponse, SignForRequest, SignForResponse,
};

use super::hop::Hop;

/// A receipt of the size a real one has.
fn receipt() -> CommandReceipt {
    CommandReceipt {
        case_id: "01890a5d-ac96-8774-bcce-b302099a8057".to_owned(),
        case_number: "20260301-371002-0001-X".to_owned(),
        version: 3,
        position_token: "w1.huancui.1.123456".to_owned(),
        status: CaseStatus::Raised.into(),
        made: Some(Made { obligation_nos: vec![1], ..Made::default() }),
        ..CommandReceipt::default()
    }
}

/// Answers one call, the way generated code does.
struct Answer<Asked, Told> {
    told: fn() -> Told,
    hop: Option<Hop>,
    asked: PhantomData<fn(Asked)>,
}

impl<Asked, Told: 'static> UnaryService<Asked> for Answer<Asked, Told> {
    type Response = Told;
    type Future = BoxFuture<Response<Told>, Status>;

    fn call(&mut self, _request: Request<Asked>) -> Self::Future {
        let (told, hop) = (self.told, self.hop.clone());
        Box::pin(async move {
            if let Some(hop) = hop {
                hop.make().await?;
            }
            Ok(Response::new(told()))
        })
    }
}

async fn unary<Asked, Told: 'static>(
    request: http::Request<Body>,
    hop: Option<Hop>,
    told: fn() -> Told,
) -> http::Response<Body>
where
    Codec<Told, Asked>: tonic::codec::Codec<Encode = Told, Decode = Asked>,
{
    let answer = Answer { told, hop, asked: PhantomData };
    Grpc::new(Codec::<Told, Asked>::default()).unary(answer, request).await
}

macro_rules! bare {
    ($(#[$doc:meta])* $service:ident, $name:literal: $($method:literal $asked:ident $told:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        struct $service(Option<Hop>);

        impl NamedService for $service {
            const NAME: &'static str = $name;
        }

        impl Service<http::Request<Body>> for $service {
            type Response = http::Response<Body>;
            type Error = Infallible;
            type Future = BoxFuture<Self::Response, Infallible>;

            fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<Body>) -> Self::Future {
                let hop = self.0.clone();
                Box::pin(async move {
                    Ok(match request.uri().path() {
                        $(concat!("/", $name, "/", $method) => {
                            unary::<$asked, $told>(request, hop, || $told { receipt: Some(receipt()) }).await
                        })+
                        _ => Status::unimplemented("the reference knows no such call").into_http(),
                    })
                })
            }
        }
    };
}

bare!(
    /// Intake, as far as it is measured.
    Intake, "whistle.intake.v1.IntakeService":
    "RaiseCase" RaiseCaseRequest RaiseCaseResponse,
    "AcceptCase" AcceptCaseRequest AcceptCaseResponse,
    "FileCase" FileCaseRequest FileCaseResponse,
);
bare!(
    /// Routing, as far as it is measured.
    Routing, "whistle.routing.v1.RoutingService":
    "DispatchCase" DispatchCaseRequest DispatchCaseResponse,
    "SignFor" SignForRequest SignForResponse,
);
bare!(
    /// Closure, as far as it is measured.
    Closure, "whistle.closure.v1.ClosureService":
    "DisposeCase" DisposeCaseRequest DisposeCaseResponse,
    "CheckCase" CheckCaseRequest CheckCaseResponse,
    "CallBack" CallBackRequest CallBackResponse,
    "CloseCase" CloseCaseRequest CloseCaseResponse,
);

/// Serves the reference on a port of the loopback address, until the shutdown begins.
///
/// # Errors
/// When no port is free.
pub(super) async fn serve(shutdown: &Shutdown, hop: Option<Hop>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let stop = shutdown.clone();
    shutdown.spawn("reference", async move {
        let (intake, routing, closure) = (Intake(hop.clone()), Routing(hop.clone()), Closure(hop));
        let server = Server::builder().add_service(intake).add_service(routing).add_service(closure);
        if let Err(error) =
            server.serve_with_incoming_shutdown(incoming, async move { stop.started().await }).await
        {
            tracing::error!(%error, "the reference ended badly");
        }
    });
    Ok(address)
}
