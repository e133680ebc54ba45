//! Where the nats-server program is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::Error;

/// Names the program to use before every other place.
pub(crate) const VARIABLE: &str = "WHISTLE_NATS_SERVER";

/// Where tests/run leaves a copy, from the root of the workspace.
const INSTALLED: &str = "target/tools/nats-server/nats-server";

/// Debian installs the server where only root's PATH looks.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"];

/// The program named by `named`, else the one installed under `root`, else the first in the folders of `path`.
pub(crate) fn find(named: Option<&OsStr>, root: &Path, path: Option<&OsStr>) -> Result<PathBuf, Error> {
    if let Some(named) = named.filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        return if named.is_file() { Ok(named) } else { Err(Error::NotAFile(named)) };
    }
    let listed = path.map(std::env::split_paths).into_iter().flatten();
    let folders = listed.chain(SYSTEM_FOLDERS.iter().map(PathBuf::from));
    let candidates = std::iter::once(root.join(INSTALLED)).chain(folders.map(|dir| dir.join("nats-server")));
    candidates.into_iter().find(|candidate| candidate.is_file()).ok_or(Error::Missing)
}

/// [`find`] for this process.
pub(crate) fn locate() -> Result<PathBuf, Error> {
    // The two folders above this crate's manifest are the workspace; a copy of the binary elsewhere just finds nothing there.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    find(std::env::var_os(VARIABLE).as_deref(), &root, std::env::var_os("PATH").as_deref())
}
