//! What a call gets that takes too long, or comes on top of too many.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body as _, Frame};
use tokio::sync::mpsc;
use tokio::time::{Instant, advance};
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::server::NamedService;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::StatusExt as _;
use tower::{Layer as _, Service, service_fn};

use super::*;
use crate::server::limits::LimitsLayer;

const NEVER: &str = "/whistle.intake.v1.IntakeService/RaiseCase";
const UPLOAD: &str = "/whistle.intake.v1.IntakeService/PutEvidence";
/// What comes of a body before the next is asked for.
const FED_MAX: usize = 1;

/// A service that says when a call came, and never answers it.
#[derive(Clone)]
struct Never {
    came: mpsc::UnboundedSender<()>,
}

impl NamedService for Never {
    const NAME: &'static str = NAME;
}

impl Service<http::Request<Body>> for Never {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<Body>) -> Self::Future {
        self.came.send(()).unwrap();
        Box::pin(std::future::pending())
    }
}

fn never() -> (Routes, mpsc::UnboundedReceiver<()>) {
    let (came, arrivals) = mpsc::unbounded_channel();
    (Routes::new(Never { came }), arrivals)
}

async fn refused(channel: Channel) -> Status {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let request = Request::new(HealthCheckRequest { service: String::new() });
    let codec = wire::codec::Codec::<_, HealthCheckRequest>::default();
    client.unary(request, PathAndQuery::from_static(NEVER), codec).await.unwrap_err()
}

/// Code and reason of a status that says when to come again and in which trace it was.
fn told(status: &Status) -> (Code, String) {
    assert!(status.get_details_retry_info().is_some_and(|retry| retry.retry_delay.is_some()), "{status:?}");
    assert!(status.metadata().contains_key("x-trace-id"), "{status:?}");
    (status.code(), status.get_details_error_info().unwrap().reason)
}

#[tokio::test]
async fn a_call_whose_time_is_up_is_to_be_tried_again() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    kit.server.request_timeout_ms = 100;
    let (routes, _arrivals) = never();
    let (address, _server) = start_with(kit, routes, &shutdown).await;
    let status = refused(channel(address).await).await;
    assert_eq!(told(&status), (Code::Unavailable, "UNAVAILABLE".to_owned()));
    shutdown.start();
}

#[tokio::test]
async fn a_call_above_the_limit_of_its_connection_is_to_come_again() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    kit.server.requests_per_connection_max = 1;
    let (routes, mut arrivals) = never();
    let (address, _server) = start_with(kit, routes, &shutdown).await;
    let channel = channel(address).await;
    let first = shutdown.spawn("first", refused(channel.clone()));
    arrivals.recv().await.unwrap();
    let status = refused(channel).await;
    assert_eq!(told(&status), (Code::ResourceExhausted, "BUSY".to_owned()));
    first.abort();
    shutdown.start();
}

type Data = <Body as http_body::Body>::Data;
type Answered = JoinHandle<Result<http::Response<Body>, Infallible>>;

/// A body as a test feeds it.
struct Fed(mpsc::Receiver<Data>);

impl http_body::Body for Fed {
    type Data = Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Data>, Status>>> {
        self.0.poll_recv(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
    }
}

fn fed() -> (mpsc::Sender<Data>, Body) {
    let (feed, data) = mpsc::channel(FED_MAX);
    (feed, Body::new(Fed(data)))
}

/// A message of no bytes, as it is framed.
fn message() -> Data {
    Data::from_static(&[0; 5])
}

/// Answers once the last message came, with as many letters as there were.
async fn count(
    request: Request<Streaming<HealthCheckRequest>>,
) -> Result<Response<HealthCheckRequest>, Status> {
    let (mut messages, mut count) = (request.into_inner(), 0);
    while messages.message().await?.is_some() {
        count += 1;
    }
    Ok(Response::new(HealthCheckRequest { service: "m".repeat(count) }))
}

/// Begins a call within the limits: what takes longer than the settings say is cut, on a clock that stands until it is moved.
fn begin(path: &str, timeout: Option<&str>, body: Body) -> Answered {
    let counted = service_fn(async |request: http::Request<Body>| {
        let codec = wire::codec::Codec::<HealthCheckRequest, HealthCheckRequest>::default();
        Ok(tonic::server::Grpc::new(codec).client_streaming(service_fn(count), request).await)
    });
    let mut request = http::Request::post(path);
    if let Some(timeout) = timeout {
        request = request.header("grpc-timeout", timeout);
    }
    let mut limited = LimitsLayer::new(&kit().server).layer(counted);
    let answer = limited.call(request.body(body).unwrap());
    Shutdown::new().spawn("call", answer)
}

/// The status of what was refused.
async fn status(answered: Answered) -> Status {
    let response = answered.await.unwrap().unwrap();
    Status::from_header_map(response.headers()).expect("a status in the headers")
}

#[tokio::test(start_paused = true)]
async fn an_upload_may_take_longer_than_other_calls_while_it_goes_on() {
    let server = kit().server;
    let (feed, body) = fed();
    let answered = begin(UPLOAD, None, body);
    let pause = Duration::from_millis(u64::from(server.upload_idle_timeout_ms) * 2 / 3);
    let began = Instant::now();
    for _ in 0..6 {
        feed.send(message()).await.unwrap();
        advance(pause).await;
    }
    assert!(began.elapsed() > 3 * Duration::from_millis(server.request_timeout_ms.into()));
    drop(feed);
    let mut body = answered.await.unwrap().unwrap().into_body();
    let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await.unwrap().unwrap();
    assert!(frame.into_data().unwrap().ends_with(b"mmmmmm"), "every message came");
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stops_sending_is_cut_and_to_be_tried_again() {
    let (feed, body) = fed();
    let began = Instant::now();
    let answered = begin(UPLOAD, None, body);
    feed.send(message()).await.unwrap();
    let status = status(answered).await;
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.get_details_retry_info().is_some(), "{status:?}");
    let silence = Duration::from_millis(kit().server.upload_idle_timeout_ms.into());
    assert_eq!(began.elapsed(), silence);
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_drips_ends_all_the_same() {
    let server = kit().server;
    let (feed, body) = fed();
    let answered = begin(UPLOAD, None, body);
    let began = Instant::now();
    let pause = Duration::from_millis(u64::from(server.upload_idle_timeout_ms) * 2 / 3);
    while feed.send(message()).await.is_ok() {
        advance(pause).await;
    }
    assert_eq!(status(answered).await.code(), Code::Unavailable);
    let most = Duration::from_millis(server.upload_timeout_ms.into());
    assert!((most..most + 2 * pause).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_shorter_of_our_time_and_the_callers_counts() {
    let ours = Duration::from_millis(kit().server.request_timeout_ms.into());
    for (timeout, wanted) in [
        (Some("50m"), Duration::from_millis(50)),
        (Some("2S"), Duration::from_secs(2)),
        (Some("99999999H"), ours),
        (Some("999999999n"), ours),
        (Some("S"), ours),
        (Some("+1S"), ours),
        (Some("1"), ours),
        (Some(""), ours),
        (None, ours),
    ] {
        let (_feed, body) = fed();
        let began = Instant::now();
        assert_eq!(status(begin(NEVER, timeout, body)).await.code(), Code::Unavailable, "{timeout:?}");
        assert_eq!(began.elapsed(), wanted, "{timeout:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_began_may_go_on_as_long_as_it_likes() {
    let (feed, body) = fed();
    let mut answer = Some(http::Response::new(body));
    let stream = service_fn(move |_| std::future::ready(Ok::<_, Infallible>(answer.take().unwrap())));
    let request = http::Request::post(NEVER).body(Body::empty()).unwrap();
    let server = kit().server;
    let response = LimitsLayer::new(&server).layer(stream).call(request).await.unwrap();
    advance(2 * Duration::from_millis(server.request_timeout_ms.into())).await;
    feed.send(message()).await.unwrap();
    let mut body = response.into_body();
    let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
    assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), message());
}
