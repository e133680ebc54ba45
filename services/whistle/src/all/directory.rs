//! What lies where in a data directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ledger::LedgerInfo;
use registry::ids::{AreaCode, JurisdictionId};
use serde::{Deserialize, Serialize};

use crate::verify::LEDGER;

/// Marks a directory whose events are simulated.
const SIMULATED: &str = "SIMULATED";
/// What the mark says to whoever opens it.
const SIMULATED_TEXT: &str = "\
这个目录里的事件是演示产生的,不是真实案件;serve 拒绝使用它。
The events in this directory were made by a demonstration. They are not real cases, and serve refuses the directory.
";

/// A data directory.
#[derive(Debug, Clone)]
pub(crate) struct Directory(PathBuf);

/// Held while a process uses a data directory.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

#[derive(Serialize, Deserialize)]
struct District {
    jurisdiction: JurisdictionId,
    code: AreaCode,
}

impl Directory {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.0.join(LEDGER)
    }

    pub(crate) fn vault(&self) -> PathBuf {
        self.0.join("vault")
    }

    pub(crate) fn evidence(&self) -> PathBuf {
        self.0.join("evidence")
    }

    /// Everything that can be folded again from the ledger.
    pub(crate) fn projections(&self) -> PathBuf {
        self.0.join("projections")
    }

    pub(crate) fn projection(&self, role: &str) -> PathBuf {
        self.projections().join(role)
    }

    pub(crate) fn tick(&self) -> PathBuf {
        self.0.join("tick")
    }

    /// Takes the directory for this process; made when it is not there.
    ///
    /// # Errors
    /// What the file system says; [`io::ErrorKind::WouldBlock`] when another process has it.
    pub(crate) fn lock(&self) -> io::Result<Lock> {
        std::fs::create_dir_all(&self.0)?;
        let path = self.0.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        file.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::WouldBlock, "another process uses this data directory")
            }
            std::fs::TryLockError::Error(error) => error,
        })?;
        Ok(Lock { _file: file })
    }

    /// Whose ledger it holds; none when it was never started.
    ///
    /// # Errors
    /// What the file system says, or that the file is none of ours.
    pub(crate) fn info(&self) -> io::Result<Option<LedgerInfo>> {
        let text = match std::fs::read_to_string(self.district()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let district: District = serde_json::from_str(&text).map_err(io::Error::from)?;
        Ok(Some(LedgerInfo { jurisdiction: district.jurisdiction, code: district.code }))
    }

    /// Writes down whose ledger it holds.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn write_info(&self, info: &LedgerInfo) -> io::Result<()> {
        let district = District { jurisdiction: info.jurisdiction.clone(), code: info.code.clone() };
        let text = serde_json::to_string(&district).map_err(io::Error::from)?;
        replace(&self.district(), text.as_bytes())
    }

    fn district(&self) -> PathBuf {
        self.0.join("district.json")
    }

    /// Marks the directory as simulated, for good.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn mark_simulated(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        replace(&self.0.join(SIMULATED), SIMULATED_TEXT.as_bytes())
    }

    pub(crate) fn is_simulated(&self) -> bool {
        self.0.join(SIMULATED).exists()
    }

    /// Whether anything is in it, besides the mark and the lock of a demonstration that did not get far.
    pub(crate) fn is_used(&self) -> bool {
        self.ledger().exists() || self.vault().exists() || self.district().exists()
    }
}

/// Replaces a small file so that after a crash it is the old one or the new one.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
