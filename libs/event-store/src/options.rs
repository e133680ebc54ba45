use std::fmt;
use std::io;
use std::sync::Arc;

use crate::errors::OpenError;
use crate::limits::NAME_BYTES_MAX;

/// What must be chosen to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// Id of the ledger this log is of, like `huancui`: 1 to 128 ASCII letters, digits and `-_`.
    pub ledger: String,
    /// sled's page cache, in bytes as stored (memory used is a multiple): 1 MiB to 1 TiB.
    pub cache_bytes: u64,
    /// Commits that may wait; one more is answered `Busy`. 1 to 65,536. Their bytes are bounded to 64 MiB besides.
    pub queue_max: usize,
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let bad = |what, detail| Err(OpenError::BadOption { what, detail });
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=NAME_BYTES_MAX).contains(&self.ledger.len()) || !self.ledger.bytes().all(plain) {
            return bad("ledger", "must be 1 to 128 ASCII letters, digits, `-` and `_`");
        }
        if !(1 << 20..=1 << 40).contains(&self.cache_bytes) {
            return bad("cache_bytes", "must be from 1 MiB to 1 TiB");
        }
        if !(1..=65_536).contains(&self.queue_max) {
            return bad("queue_max", "must be from 1 to 65536");
        }
        Ok(())
    }
}

/// The moments at which a store makes something durable, in the order of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPoint {
    /// The batch is in sled and handed to the operating system; the data file is about to be synced.
    Data,
    /// The data file is synced; the watermark is about to be written.
    WatermarkWrite,
    /// The watermark is written, about to be synced.
    WatermarkSync,
    /// All is durable, nothing is visible or answered yet.
    Durable,
}

/// Runs before each sync; an error counts as that sync's own.
pub type BeforeSync = Arc<dyn Fn(SyncPoint) -> io::Result<()> + Send + Sync>;
/// Told why the store must stop for good. The default does not come back.
pub type FailStop = Arc<dyn Fn(&str) + Send + Sync>;

/// Where tests take hold of a store; [`Seams::none`] is what serves.
#[derive(Clone)]
pub struct Seams {
    /// Fails or holds up a sync.
    pub before_sync: Option<BeforeSync>,
    /// Called once after a failed write or sync or a panic of the committer; no commit is answered from then on.
    pub fail_stop: FailStop,
}

impl Seams {
    /// Real syncs; a failure is logged and ends the process with exit code 70 (`EX_SOFTWARE`), because what the
    /// kernel holds after a failed sync is unknown and only recovery from the disk tells what is there.
    #[must_use]
    pub fn none() -> Seams {
        Seams {
            before_sync: None,
            fail_stop: Arc::new(|reason| {
                tracing::error!(
                    reason,
                    "the event store cannot go on; the process ends so that it recovers from disk"
                );
                std::process::exit(70);
            }),
        }
    }

    pub(crate) fn before(&self, point: SyncPoint) -> io::Result<()> {
        self.before_sync.as_ref().map_or(Ok(()), |hook| hook(point))
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seams").field("before_sync", &self.before_sync.is_some()).finish_non_exhaustive()
    }
}
