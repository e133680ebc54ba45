//! The files of the workspace.

use std::path::{Path, PathBuf};

/// What is looked at: everything that is ours. Build output, data directories and editors' files are not listed.
const ROOTS: [&str; 8] = ["proto", "libs", "services", "deploy", "tests", "seeds", "docs", ".ci"];

/// One file of the tree, with its path from the root of the workspace.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", ".git", "__pycache__", "node_modules"].contains(&name.as_str()) {
            collect(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Every text file below [`ROOTS`] and beside them, sorted by path. Files that are not UTF-8 (fixtures) are left out.
pub(crate) fn sources() -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for name in ROOTS {
        collect(&root.join(name), &mut found);
    }
    for entry in std::fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    let relative = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
    found
        .iter()
        .filter_map(|path| Some(Source { path: relative(path), text: std::fs::read_to_string(path).ok()? }))
        .collect()
}

/// Sources whose path ends so.
pub(crate) fn with_ending(ending: &str) -> Vec<Source> {
    sources().into_iter().filter(|source| source.path.ends_with(ending)).collect()
}
