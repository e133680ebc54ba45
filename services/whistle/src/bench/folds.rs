//! Waiting until what was acknowledged can be read from the folds that people read.

use std::time::Duration;

use tokio::time::Instant;
use tonic::{Code, Status};
use wire::pb::whistle::board::v1::GetCaseRequest;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;
use wire::pb::whistle::escalation::v1::GetCaseClocksRequest;
use wire::pb::whistle::escalation::v1::escalation_service_client::EscalationServiceClient;

use crate::client::{Client, Wire, is_passing};
use crate::exit::Failure;

/// Longer behind than this is no measurement any more.
const BEHIND_MAX: Duration = Duration::from_secs(300);

/// How long the board and the clocks took to come to every one of these cases at its position. One that insists asks again also
/// where a connection broke: a copy that was killed under the load is heard of at the first call to it, which may be this one.
///
/// # Errors
/// When they do not come there in five minutes, or cannot be read.
pub(super) async fn caught_up(
    channel: &Wire,
    token: &str,
    last: &[(String, String)],
    insists: bool,
) -> Result<Duration, Failure> {
    let began = Instant::now();
    let client = Client::on(channel.clone(), Some(token))?;
    let board = BoardServiceClient::new(channel.clone());
    let clocks = EscalationServiceClient::new(channel.clone());
    for (case_id, position) in last {
        until_read(began, insists, async || {
            let request = GetCaseRequest {
                case_id: case_id.clone(),
                at_least: position.clone(),
                ..GetCaseRequest::default()
            };
            board.clone().get_case(client.call(request)).await.map(|_| ())
        })
        .await?;
        until_read(began, insists, async || {
            let request = GetCaseClocksRequest { case_id: case_id.clone(), at_least: position.clone() };
            clocks.clone().get_case_clocks(client.call(request)).await.map(|_| ())
        })
        .await?;
    }
    Ok(began.elapsed())
}

async fn until_read(
    began: Instant,
    insists: bool,
    read: impl AsyncFn() -> Result<(), Status>,
) -> Result<(), Failure> {
    let asks_again = |status: &Status| is_behind(status) || (insists && is_passing(status));
    loop {
        match read().await {
            Ok(()) => return Ok(()),
            Err(status) if asks_again(&status) && began.elapsed() < BEHIND_MAX => {}
            Err(status) => return Err(status.into()),
        }
    }
}

/// The fold is not there yet; the server has waited as long as the call let it.
fn is_behind(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled)
}
