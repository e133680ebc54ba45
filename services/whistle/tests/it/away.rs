//! What a program that calls is told while NATS is away, as it finds it in the status: that it may come again, and when.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use wire::pb::whistle::case::v1::{Channel as Through, NewCase, Profile};
use wire::pb::whistle::intake::v1::intake_service_client::IntakeServiceClient;
use wire::pb::whistle::intake::v1::{RaiseCaseRequest, RaiseCaseResponse};

use crate::district::District;

const BEARER: &str = "Bearer sandbox-qianjin-grid-worker-1";
/// How long the caller waits: longer than a role does for an answer over NATS, unless it is set otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

/// A program that raises one case, again and again with the same command id.
struct Caller {
    runtime: Runtime,
    intake: IntakeServiceClient<Channel>,
}

impl Caller {
    fn connect(district: &District) -> Self {
        let intake = district.processes.iter().find(|process| process.role == "intake").unwrap();
        let runtime = Runtime::new().unwrap();
        let connecting = IntakeServiceClient::connect(format!("http://{}", intake.address));
        let intake = runtime.block_on(connecting).unwrap();
        Self { runtime, intake }
    }

    fn raise(&mut self, deadline: Duration) -> Result<RaiseCaseResponse, Status> {
        let new_case = NewCase {
            profile: Profile::GridWorker.into(),
            channel: Through::FieldApp.into(),
            text: "井盖丢失".to_owned(),
            ..NewCase::default()
        };
        let command_id = "00000000-0000-4000-8000-000000000043".to_owned();
        let mut request = Request::new(RaiseCaseRequest { command_id, new_case: Some(new_case) });
        request.set_timeout(deadline);
        request.metadata_mut().insert("authorization", BEARER.parse().unwrap());
        self.runtime.block_on(self.intake.raise_case(request)).map(tonic::Response::into_inner)
    }

    /// Raises, and is told in time when to come again.
    fn is_put_off(&mut self) {
        let begun = Instant::now();
        let refused = self.raise(DEADLINE).unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
        assert_eq!(refused.get_details_error_info().unwrap().reason, "UNAVAILABLE");
        let after = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
        assert!(after > Duration::ZERO, "{after:?}");
    }
}

#[test]
fn whoever_calls_while_nats_is_away_is_told_in_time_when_to_come_again() {
    let mut district = District::start(1);
    let mut caller = Caller::connect(&district);
    // It stands still, so nobody knows whether it carries what it was given.
    district.nats.pause().unwrap();
    caller.is_put_off();
    district.nats.resume().unwrap();
    district.nats.kill();
    caller.is_put_off();
    district.nats.restart().unwrap();
    district.settle();
    assert!(caller.raise(DEADLINE).unwrap().receipt.is_some());
    district.stop();
}
