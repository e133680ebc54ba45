//! What was acknowledged, written down as it is, for whoever kills the server and looks what is there afterwards.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use wire::pb::whistle::case::v1::CommandReceipt;

/// Two files: the ids of acknowledged cases, one a line, and beside it (`FILE.versions`) every acknowledgement as
/// `ID VERSION STATUS`. A line is handed to the system before the next command is sent, so it outlives this process.
pub(super) struct Acks {
    files: Option<Mutex<(File, File)>>,
}

impl Acks {
    /// Keeps nothing.
    pub(super) fn none() -> Self {
        Self { files: None }
    }

    /// Starts both files anew.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut versions = path.as_os_str().to_owned();
        versions.push(".versions");
        let files = (File::create(path)?, File::create(Path::new(&versions))?);
        Ok(Self { files: Some(Mutex::new(files)) })
    }

    /// Writes one acknowledgement down; `first` when it is the first of its case.
    pub(super) fn note(&self, receipt: &CommandReceipt, first: bool) -> io::Result<()> {
        let Some(files) = &self.files else { return Ok(()) };
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        let (ids, versions) = &mut *files;
        if first {
            ids.write_all(format!("{}\n", receipt.case_id).as_bytes())?;
        }
        let status = receipt.status().as_str_name().trim_start_matches("CASE_STATUS_");
        versions.write_all(format!("{} {} {status}\n", receipt.case_id, receipt.version).as_bytes())
    }
}
