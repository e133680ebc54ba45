mod at_hand;
mod erasure;
mod failing;
mod files;
mod format_1;
mod rows;
mod sealing;

use std::path::Path;
use std::sync::Arc;

use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{Contact, Opened, Vault};

pub(crate) const LEDGER: &str = "huancui";
pub(crate) const FIELD: &str = "CaseRaised.text";
pub(crate) const WORDS: &str = "前进街8号楼下又为停车吵起来了";

/// A vault in a directory of its own, on a clock that stands until it is moved.
pub(crate) struct Sample {
    pub(crate) vault: Vault,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Arc<watch::Sender<Timestamp>>,
}

pub(crate) fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

pub(crate) fn sample() -> Sample {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(watch::Sender::new(at(0)));
    let vault = open(dir.path(), &clock).unwrap();
    Sample { vault, dir, clock }
}

pub(crate) fn open(dir: &Path, clock: &Arc<watch::Sender<Timestamp>>) -> Result<Vault, crate::Error> {
    let clock = Arc::clone(clock);
    Vault::open(dir, LEDGER, Arc::new(move || *clock.borrow()))
}

pub(crate) fn case(number: u128) -> CaseId {
    CaseId(Uuid::from_u128(number))
}

pub(crate) fn reporter() -> KeyId {
    KeyId::reporter(1)
}

pub(crate) fn contact() -> Contact {
    Contact { name: Some("刘女士".to_owned()), phone: Some("13800006310".to_owned()) }
}

pub(crate) fn text(words: &str) -> Opened {
    Opened::Text(words.to_owned())
}

/// All bytes of all files of the directory, as a forensic reader would see them.
pub(crate) fn raw_bytes(dir: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    bytes
}

pub(crate) fn holds(bytes: &[u8], part: &[u8]) -> bool {
    assert!(!part.is_empty());
    bytes.windows(part.len()).any(|window| window == part)
}
