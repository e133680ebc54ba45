//! The last moment the process is known to have run, so that the next start can tell a stop from a leap of the clock.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use service_kit::clock::Clock;
use service_kit::shutdown::Shutdown;

use super::directory::replace;

/// Between two ticks: short beside the hours a gap is judged by, long beside the cost of one small durable write.
const EVERY: Duration = Duration::from_secs(30);

/// The last tick that was written down; none when there never was one.
///
/// # Errors
/// What the file system says, or that the file holds no instant.
pub(crate) fn last_tick(path: &Path) -> io::Result<Option<Timestamp>> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let instant = text.trim().parse();
            instant.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the tick from time to time, and once more at the end.
pub(crate) fn keep_tick(path: PathBuf, clock: Clock, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("tick", async move {
        let mut every = tokio::time::interval(EVERY);
        loop {
            let ending = tokio::select! {
                _ = every.tick() => false,
                () = stop.started() => true,
            };
            let (path, now) = (path.clone(), clock.now());
            let written =
                tokio::task::spawn_blocking(move || replace(&path, format!("{now}\n").as_bytes())).await;
            match written {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the tick cannot be written"),
                Err(error) => tracing::warn!(%error, "the tick cannot be written"),
            }
            if ending {
                return;
            }
        }
    });
}
