//! The one recorder of the process: buckets, descriptions, upkeep.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::families::{FAMILIES, Family, Kind};

/// The library keeps single observations until somebody reads them or they are gathered up; so often they are.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// From a cached answer on the loopback interface to the longest time a call may take.
const SECONDS: [f64; 17] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// A group is between one commit and the most that event-store lets share one sync.
const BATCH: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// `metrics` has one recorder a process and does not give it back.
static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Why this process does not count through here.
#[derive(Debug, thiserror::Error)]
#[error("metrics cannot be recorded")]
pub struct InstallError(#[from] BuildError);

pub(super) fn install() -> Result<PrometheusHandle, InstallError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_batch_size".to_owned()), &BATCH)?
        .set_buckets_for_metric(Matcher::Suffix("_commits_a_message".to_owned()), &BATCH)?
        .install_recorder()?;
    FAMILIES.iter().for_each(describe);
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe(family: &Family) {
    let Family { name, kind, help } = *family;
    match kind {
        Kind::Counter => metrics::describe_counter!(name, help),
        Kind::Gauge => metrics::describe_gauge!(name, help),
        Kind::Histogram => metrics::describe_histogram!(name, help),
    }
}

/// Bounds the memory of observations that nobody reads.
pub(super) async fn keep_up(recorder: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP_EVERY).await;
        recorder.run_upkeep();
    }
}
