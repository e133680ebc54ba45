//! Opening: recover, check the chain's tail, sync, advance the watermark, and only then serve.

use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::commit::StoredCommit;
use crate::dir;
use crate::errors::{OpenError, ReadError};
use crate::ids::Position;
use crate::limits::{PAGE_BYTES_MAX, TAIL_EVENTS};
use crate::log::Log;
use crate::options::Options;
use crate::store::Head;
use crate::watermark::Watermark;

/// How often, 10 ms apart, sled's own lock is asked for while we hold ours.
const ENGINE_LOCK_TRIES: u32 = 300;

pub(crate) struct Opened {
    pub log: Log,
    pub lock: File,
    pub data: File,
    pub watermark: Watermark,
    pub head: Head,
}

pub(crate) fn open_dir(dir: &Path, options: &Options) -> Result<Opened, OpenError> {
    options.check()?;
    let lock = dir::take_lock(dir)?;
    let new = dir::begin_if_new(dir, &options.ledger)?;
    let found = dir::read_format(dir)?;
    if found != options.ledger {
        return Err(OpenError::OtherLedger { dir: dir.to_owned(), found, asked: options.ledger.clone() });
    }
    dir::prepare_engine(dir)?;
    let path = dir::watermark_path(dir);
    if !path.exists() {
        return Err(dir::damaged(dir, "the file `watermark` is missing"));
    }
    let (mut watermark, marked) = Watermark::open(&path).map_err(dir::io_error("open", &path))?;
    let marked = marked.ok_or_else(|| dir::damaged(dir, "no slot of `watermark` is valid"))?;
    let (log, head) = guarded(|| {
        let log = open_engine(dir, options.cache_bytes)?;
        let head = check_tail(&log, &options.ledger, &marked)?;
        log.db.flush().map_err(|error| OpenError::Engine(error.to_string()))?;
        Ok((log, head))
    })?;
    let data = sync_recovered(dir)?;
    if head.position > marked.position {
        watermark.write(&head).and_then(|()| watermark.sync()).map_err(dir::io_error("write", &path))?;
    }
    if new {
        dir::finish_new(dir)?;
    }
    tracing::info!(position = head.position.0, epoch = head.epoch, "event store open");
    Ok(Opened { log, lock, data, watermark, head })
}

/// What recovery read may be in the page cache only. Gives back the descriptor that syncs the data from now on.
fn sync_recovered(dir: &Path) -> Result<File, OpenError> {
    let path = dir::data_path(dir);
    let data = File::open(&path).map_err(dir::io_error("open", &path))?;
    data.sync_all().map_err(dir::io_error("sync", &path))?;
    dir::sync_engine(dir)?;
    Ok(data)
}

/// Turns a panic of sled into an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(OpenError::Engine(panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    format!("it panicked: {}", text.unwrap_or("without a text"))
}

/// Opens sled. Its own lock may be held for a moment yet by the threads of a store this process just dropped; ours is
/// taken by now, so nobody else can have it for long.
pub(crate) fn open_engine(dir: &Path, cache_bytes: u64) -> Result<Log, OpenError> {
    let config =
        || sled::Config::new().path(dir::engine_path(dir)).cache_capacity(cache_bytes).flush_every_ms(None);
    let mut tries = 0;
    loop {
        match config().open() {
            Ok(db) => return Ok(Log { db }),
            Err(sled::Error::Io(error))
                if tries < ENGINE_LOCK_TRIES && error.to_string().contains("could not acquire lock") =>
            {
                tries += 1;
                std::thread::park_timeout(Duration::from_millis(10));
            }
            Err(error) => return Err(OpenError::Engine(error.to_string())),
        }
    }
}

/// Walks the end of the log, from some way before the watermark, and gives back its head.
fn check_tail(log: &Log, ledger: &str, marked: &Head) -> Result<Head, OpenError> {
    let last = log.last_commit().map_err(broken)?;
    let head = last.map_or(Head::EMPTY, |commit| Head::of(&commit));
    if head.position < marked.position {
        return Err(OpenError::BehindWatermark { log: head.position, watermark: marked.position });
    }
    let start = Position(marked.position.0.saturating_sub(TAIL_EVENTS));
    let mut before: Option<Arc<StoredCommit>> = None;
    let mut end = start;
    let mut met_mark = marked.position == Position::ZERO;
    while end < head.position {
        let page = log.commits(end, head.position, PAGE_BYTES_MAX).map_err(broken)?;
        for commit in &page {
            // The walk's first commit has nothing to be compared with, unless it is the ledger's first.
            if before.is_some() || start == Position::ZERO {
                let link = commit.check_follows(before.as_deref());
                link.map_err(|error| broken_at(commit.first, error.to_string()))?;
            }
            if commit.ledger != ledger {
                return Err(broken_at(commit.first, format!("it is of ledger {:?}", commit.ledger)));
            }
            met_mark |= commit.last() == marked.position && commit.chain_hash == marked.chain;
            end = commit.last();
            before = Some(Arc::clone(commit));
        }
        if page.is_empty() {
            return Err(broken_at(end.next(), "nothing is stored here".to_owned()));
        }
    }
    if !met_mark {
        return Err(broken_at(
            marked.position,
            "no commit ends here with the watermark's chain hash".to_owned(),
        ));
    }
    Ok(head)
}

fn broken_at(at: Position, detail: String) -> OpenError {
    OpenError::BrokenChain { at, detail }
}

fn broken(error: ReadError) -> OpenError {
    match error {
        ReadError::Damaged { at, detail } => broken_at(at, detail),
        ReadError::Engine(detail) => OpenError::Engine(detail),
        other @ (ReadError::Future { .. } | ReadError::FutureVersion { .. } | ReadError::Stopped) => {
            OpenError::Engine(other.to_string())
        }
    }
}
