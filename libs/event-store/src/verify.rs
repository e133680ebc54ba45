//! Walks a whole log and says what is wrong with it.
//!
//! sled may panic on damaged files, and opening writes: work on a copy ([`copy_for_verify`]), in a child process
//! ([`verify_copy_in_place`]), and take a crash of the child as a finding.

mod walk;

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::dir;
use crate::errors::OpenError;
use crate::limits::FINDINGS_MAX;
use crate::open::{guarded, open_engine};
use crate::store::Head;
use crate::watermark::Watermark;
use walk::Walk;

/// sled's cache while verifying: the walk is in order, more would not help.
const CACHE_BYTES: u64 = 64 << 20;

/// What a verification found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Nothing was found wrong.
    pub ok: bool,
    /// The ledger, if its marker could be read.
    pub ledger: Option<String>,
    /// Whole commits read.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// Where the log ends.
    pub head: ReportHead,
    /// What is wrong, at most 1,000 entries.
    pub findings: Vec<Finding>,
    /// How many there are, listed or not.
    pub findings_total: u64,
}

/// The head of a log, for a report.
#[derive(Debug, Clone, Serialize)]
pub struct ReportHead {
    /// The last epoch.
    pub epoch: u32,
    /// The last position; zero when there is none.
    pub position: u64,
    /// The chain there, in hexadecimal digits.
    pub chain: String,
}

/// One thing wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which promise does not hold.
    pub kind: FindingKind,
    /// First position of the commit concerned, where there is one.
    pub position: Option<u64>,
    /// What is wrong.
    pub detail: String,
}

/// Which promise does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Files are missing, malformed, or the engine cannot read them.
    Files,
    /// A commit cannot be read.
    Commit,
    /// Positions, times, epochs or hashes do not continue.
    Chain,
    /// Versions or index of a stream do not match the commits.
    Stream,
    /// Command keys do not match the commits.
    Command,
    /// The watermark does not match the log.
    Watermark,
}

impl Report {
    fn new() -> Report {
        let head = report_head(&Head::EMPTY);
        Report {
            ok: false,
            ledger: None,
            commits: 0,
            events: 0,
            head,
            findings: Vec::new(),
            findings_total: 0,
        }
    }

    fn find(&mut self, kind: FindingKind, position: Option<u64>, detail: impl Into<String>) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { kind, position, detail: detail.into() });
        }
    }
}

fn report_head(head: &Head) -> ReportHead {
    ReportHead { epoch: head.epoch, position: head.position.0, chain: head.chain.to_string() }
}

/// Copies a store that nobody has open to a new or empty directory. Holds the store's lock meanwhile.
///
/// # Errors
/// [`OpenError::Locked`] when it is open; otherwise what the file system says.
pub fn copy_for_verify(src: &Path, dst: &Path) -> Result<(), OpenError> {
    if !src.is_dir() {
        return Err(dir::damaged(src, "it is not a directory"));
    }
    let _lock = dir::take_lock_to_read(src)?;
    if fs::read_dir(dst).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(dir::damaged(dst, "the directory to copy to is not empty"));
    }
    copy_dir(src, dst, 0)
}

fn copy_dir(src: &Path, dst: &Path, depth: usize) -> Result<(), OpenError> {
    fs::create_dir_all(dst).map_err(dir::io_error("create", dst))?;
    for entry in fs::read_dir(src).map_err(dir::io_error("list", src))? {
        let entry = entry.map_err(dir::io_error("list", src))?;
        let (from, to) = (entry.path(), dst.join(entry.file_name()));
        let kind = entry.file_type().map_err(dir::io_error("look at", &from))?;
        // The store's own files lie at most two directories deep; the lock is not copied.
        if kind.is_dir() && depth < 2 {
            copy_dir(&from, &to, depth + 1)?;
        } else if kind.is_file() && entry.file_name() != dir::LOCK {
            fs::copy(&from, &to).map_err(dir::io_error("copy", &from))?;
        }
    }
    Ok(())
}

/// Verifies the store in `dir`, a copy that may be written to: chain, positions, times, versions and index of every
/// stream, command keys, watermark. Memory does not grow with the log. Blocks; may crash or hang where sled does, so run
/// it in a child process.
#[must_use]
pub fn verify_copy_in_place(dir: &Path) -> Report {
    let mut report = Report::new();
    let marked = check_files(dir, &mut report);
    if report.findings.is_empty() {
        let walked = guarded(|| {
            let log = open_engine(dir, CACHE_BYTES)?;
            Walk::new(&log, &mut report, marked).run().map_err(|error| OpenError::Engine(error.to_string()))
        });
        if let Err(error) = walked {
            report.find(FindingKind::Files, None, error.to_string());
        }
    }
    report.ok = report.findings_total == 0;
    report
}

fn check_files(dir: &Path, report: &mut Report) -> Option<Head> {
    match dir::read_format(dir) {
        Ok(ledger) => report.ledger = Some(ledger),
        Err(error) => report.find(FindingKind::Files, None, error.to_string()),
    }
    if let Err(error) = dir::prepare_engine(dir) {
        report.find(FindingKind::Files, None, error.to_string());
    }
    match Watermark::read(&dir::watermark_path(dir)) {
        Ok(Some(marked)) => return Some(marked),
        Ok(None) => report.find(FindingKind::Watermark, None, "no slot is valid"),
        Err(error) => report.find(FindingKind::Watermark, None, error.to_string()),
    }
    None
}
