//! Calls counted, timed and traced.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckResponse;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::ops::Ops;
use crate::trace::TraceContext;

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

type Answer = Result<Response<HealthCheckResponse>, Status>;

/// A call of any path, with some trace context or none.
async fn call(address: SocketAddr, path: &'static str, traceparent: Option<&'static str>) -> Answer {
    let mut client = Grpc::new(channel(address).await);
    client.ready().await.unwrap();
    let mut request = Request::new(HealthCheckRequest { service: String::new() });
    if let Some(given) = traceparent {
        request.metadata_mut().insert("traceparent", given.parse().unwrap());
    }
    client.unary(request, PathAndQuery::from_static(path), wire::codec::Codec::default()).await
}

const CHECK: &str = "/grpc.health.v1.Health/Check";

fn trace_of(answer: &Answer) -> String {
    let metadata = match answer {
        Ok(response) => response.metadata(),
        Err(status) => status.metadata(),
    };
    metadata.get("x-trace-id").unwrap().to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_names_the_trace_it_was_asked_in() {
    let shutdown = Shutdown::new();
    let (address, _server) = start(kit(), &shutdown).await;
    assert_eq!(trace_of(&call(address, CHECK, Some(GIVEN)).await), GIVEN[3..35]);
    let refused = call(address, "/whistle.intake.v1.IntakeService/NoSuch", Some(GIVEN)).await;
    assert_eq!(refused.as_ref().unwrap_err().code(), Code::Unimplemented);
    assert_eq!(trace_of(&refused), GIVEN[3..35]);
    shutdown.start();
}

#[tokio::test]
async fn what_is_no_trace_context_begins_another_trace() {
    let shutdown = Shutdown::new();
    let (address, _server) = start(kit(), &shutdown).await;
    let malformed = "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01";
    let traces = [
        trace_of(&call(address, CHECK, Some(malformed)).await),
        trace_of(&call(address, CHECK, None).await),
        GIVEN[3..35].to_owned(),
    ];
    for (index, trace) in traces.iter().enumerate() {
        assert!(TraceContext::parse(&format!("00-{trace}-00f067aa0ba902b7-01")).is_some(), "{trace}");
        assert!(!traces[..index].contains(trace), "{traces:?}");
    }
    shutdown.start();
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code_and_nobody_makes_up_names() {
    let ops = Ops::install("test").unwrap();
    let shutdown = Shutdown::new();
    let (address, _server) = start(kit(), &shutdown).await;
    call(address, CHECK, None).await.unwrap();
    for path in ["/whistle.intake.v1.IntakeService/MadeUpMethod", "/made.up.Service/Call", "/nothing"] {
        assert_eq!(call(address, path, None).await.unwrap_err().code(), Code::Unimplemented);
    }
    // Of the API, though not offered here.
    let known = call(address, "/whistle.intake.v1.IntakeService/RaiseCase", None).await;
    assert_eq!(known.unwrap_err().code(), Code::Unimplemented);
    let text = ops.metrics();
    for line in [
        "# TYPE whistle_grpc_requests_total counter",
        "# TYPE whistle_grpc_request_seconds histogram",
        "whistle_grpc_requests_total{service=\"grpc.health.v1.Health\",method=\"Check\",code=\"OK\"}",
        "whistle_grpc_requests_total{service=\"other\",method=\"other\",code=\"UNIMPLEMENTED\"}",
        "whistle_grpc_requests_total{service=\"whistle.intake.v1.IntakeService\",method=\"RaiseCase\",code=\"UNIMPLEMENTED\"} 1",
        "whistle_grpc_request_seconds_bucket{service=\"grpc.health.v1.Health\",method=\"Check\",le=\"0.001\"}",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    for made_up in ["MadeUpMethod", "made.up", "nothing"] {
        assert!(!text.contains(made_up), "{made_up} is in\n{text}");
    }
    shutdown.start();
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn each_call_writes_one_line_with_its_trace() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::EnvFilter::new("info,whistle::trace=debug"))
        .with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(lines.clone()));
    // While there are two, a place that writes asks both what they want, and not only that of the thread that came by first.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _written = tracing::subscriber::set_default(subscriber);
    let shutdown = Shutdown::new();
    let (address, server) = start(kit(), &shutdown).await;
    call(address, CHECK, Some(GIVEN)).await.unwrap();
    shutdown.start();
    server.await.unwrap().unwrap();
    let written = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let mut calls = written.lines().filter(|line| line.contains("call ended"));
    let line: serde_json::Value = serde_json::from_str(calls.next().expect(&written)).unwrap();
    assert_eq!(calls.next(), None, "{written}");
    assert_eq!((&line["target"], &line["method"]), (&"whistle::trace".into(), &"Check".into()));
    assert_eq!(line["code"], "OK");
    assert!(line["duration_us"].is_u64(), "{line}");
    let span = &line["span"];
    assert_eq!((&span["trace_id"], &span["parent_span_id"]), (&GIVEN[3..35].into(), &GIVEN[36..52].into()));
    assert_ne!(span["span_id"], span["parent_span_id"]);
}
