//! Commands sent again while the server is away, busy or overtaken: their ids make that harmless.

use std::time::Duration;

use tonic::Status;

use crate::client::is_passing;

/// How often a command is sent before its failure counts.
const TRIES: u32 = 6;
/// Before the second try; doubled before each further one, so that all of them span about six seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The answer of a call, or of one of its repetitions.
pub(super) async fn retried<T>(call: impl AsyncFn() -> Result<T, Status>) -> Result<T, Status> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match call().await {
            Err(status) if is_passing(&status) => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    call().await
}
