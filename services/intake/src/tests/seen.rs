//! A case as it is seen from outside: its trace, and what is counted of it.

use service_kit::ops::Ops;
use service_kit::trace::TraceContext;
use test_kit::{DEADLINE, TestServer, wait_until};
use tonic::service::RoutesBuilder;
use wire::pb::whistle::intake::v1::intake_service_client::IntakeServiceClient;

use super::*;

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn served(desk: &Desk) -> TestServer {
    let mut routes = RoutesBuilder::default();
    desk.intake.add_to(&mut routes);
    TestServer::start(routes.routes(), &desk.world.shutdown).await
}

/// Raises a case over the wire and gives the trace context its commit keeps.
async fn raised_in(desk: &Desk, server: &TestServer, traceparent: Option<&'static str>) -> TraceContext {
    let message = pb::RaiseCaseRequest { command_id: desk.command_id(), new_case: Some(report()) };
    let mut request = desk.request("p-grid_worker", message);
    if let Some(given) = traceparent {
        request.metadata_mut().insert("traceparent", given.parse().expect("ASCII"));
    }
    let mut client = IntakeServiceClient::new(server.channel().await);
    let receipt = client.raise_case(request).await.expect("raised").into_inner().receipt.expect("a receipt");
    let id = case::ids::CaseId(receipt.case_id.parse().expect("a UUID"));
    let history = desk.world.desk.ledger.history(id, 0, 1).await.expect("reads");
    let kept = history.first().and_then(|(_, envelope)| envelope.traceparent.as_deref());
    TraceContext::parse(kept.expect("kept")).expect("well formed")
}

#[tokio::test]
async fn a_commit_keeps_the_server_s_span_in_the_caller_s_trace() {
    let desk = Desk::open().await;
    let server = served(&desk).await;
    let given = TraceContext::parse(GIVEN).expect("well formed");
    let kept = raised_in(&desk, &server, Some(GIVEN)).await;
    assert_eq!(kept.trace_id, given.trace_id);
    assert_ne!(kept.span_id, given.span_id);
}

#[tokio::test]
async fn a_malformed_or_missing_context_begins_a_trace() {
    let desk = Desk::open().await;
    let server = served(&desk).await;
    let given = TraceContext::parse(GIVEN).expect("well formed");
    let malformed = raised_in(&desk, &server, Some("00-4bf92f3577b34da6a3ce929d0e0e4736-xyz-01")).await;
    let missing = raised_in(&desk, &server, None).await;
    assert_ne!(malformed.trace_id, given.trace_id);
    assert_ne!(malformed.trace_id, missing.trace_id);
}

#[tokio::test]
async fn all_of_a_batch_are_in_the_trace_of_its_call() {
    let desk = Desk::open().await;
    let item = || pb::RaiseCaseRequest { command_id: desk.command_id(), new_case: Some(report()) };
    let mut request = desk.request("p-grid_worker", pb::RaiseCasesRequest { items: vec![item(), item()] });
    request.metadata_mut().insert("traceparent", GIVEN.parse().expect("ASCII"));
    let before = desk.world.desk.ledger.head().position;
    desk.intake.raise_cases(request).await.expect("raised");
    let commits = desk.world.desk.ledger.read_log(before, usize::MAX).await.expect("reads");
    let traces: Vec<_> = commits.iter().map(|commit| commit.traceparent.as_deref()).collect();
    assert_eq!(traces, [Some(GIVEN); 2]);
}

#[tokio::test]
async fn a_commit_is_counted_and_followed() {
    let ops = Ops::install("test").expect("counts");
    let desk = Desk::open().await;
    let server = served(&desk).await;
    raised_in(&desk, &server, None).await;
    ops.add(desk.intake.readiness(0));
    ops.started();
    wait_until("the hotline's rows to follow", DEADLINE, || {
        ops.ask().iter().all(|(_, ready)| *ready == service_kit::ops::Ready::Yes)
    })
    .await;
    let families = [
        "# HELP whistle_commits_total ",
        "# TYPE whistle_events_total counter",
        "# TYPE whistle_commit_batch_size histogram",
        "# TYPE whistle_commit_sync_seconds histogram",
        "# TYPE whistle_commit_queue_depth gauge",
        "# TYPE whistle_ledger_head_position gauge",
        "whistle_follower_lag_events{projection=\"hotline\"} ",
        "whistle_follower_position{projection=\"hotline\"} ",
        "whistle_projection_parked{projection=\"hotline\"} 0",
        "whistle_grpc_requests_total{service=\"whistle.intake.v1.IntakeService\",method=\"RaiseCase\",code=\"OK\"} ",
        "whistle_grpc_request_seconds_count{service=\"whistle.intake.v1.IntakeService\",method=\"RaiseCase\"} ",
    ];
    // Counted after the answers, so a little later than those.
    wait_until("everything to be counted", DEADLINE, || {
        let text = ops.metrics();
        families.iter().all(|family| text.contains(family))
    })
    .await;
}
