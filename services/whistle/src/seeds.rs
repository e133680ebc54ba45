//! The sample districts that travel with the binary, so that the demonstration needs no other file.

use std::path::Path;

use registry::Content;

use crate::exit::{Exit, Failure};
use crate::lang::Text;

/// One sample district: its registry's files and its stories, as name and text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// The folder's name.
    pub name: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// Stories, in the order they are told.
    pub stories: &'static [(&'static str, &'static str)],
}

macro_rules! seed {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../../seeds/", $path)))),*]
    };
}

/// The sample district of the demonstration.
pub(crate) const HUANCUI: Sample = Sample {
    name: "huancui",
    files: seed![
        "huancui/places.toml",
        "huancui/grids.toml",
        "huancui/orgs.toml",
        "huancui/posts.toml",
        "huancui/matters.toml",
        "huancui/matrix.toml",
        "huancui/policies.toml",
        "huancui/reasons.toml",
        "huancui/calendars.toml",
    ],
    stories: seed![
        "huancui/stories/01-parking.toml",
        "huancui/stories/02-locks.toml",
        "huancui/stories/03-road.toml",
        "huancui/stories/04-ebike-wires.toml",
        "huancui/stories/05-snack-street.toml",
    ],
};

/// A second, smaller one, with a ledger of its own.
pub(crate) const BEIGANGYUAN: Sample = Sample {
    name: "beigangyuan",
    files: seed![
        "beigangyuan/places.toml",
        "beigangyuan/orgs.toml",
        "beigangyuan/matters.toml",
        "beigangyuan/matrix.toml",
        "huancui/policies.toml",
        "huancui/reasons.toml",
        "huancui/calendars.toml",
    ],
    stories: seed!["beigangyuan/stories/01-renewal.toml"],
};

impl Sample {
    /// Its registry.
    ///
    /// # Errors
    /// When a seed does not read, which a test would have told.
    pub(crate) fn content(&self) -> Result<Content, Failure> {
        let files: Vec<(String, String)> =
            self.files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        read(&files)
    }

    /// Writes its registry's files into a directory, for [`from_dir`].
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn write_to(&self, dir: &Path) -> Result<(), Failure> {
        for (path, text) in self.files {
            let name = path.rsplit('/').next().unwrap_or(path);
            let path = dir.join(name);
            std::fs::write(&path, text).map_err(|error| Failure::io(&path, &error))?;
        }
        Ok(())
    }
}

/// The registry a directory describes: the files its `FILES` lists, else every `.toml` in it.
///
/// # Errors
/// A file that cannot be read, or all that is wrong with what the files say.
pub(crate) fn from_dir(dir: &Path) -> Result<Content, Failure> {
    let mut names: Vec<String> = match std::fs::read_to_string(dir.join("FILES")) {
        Ok(list) => list.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => toml_files(dir)?,
        Err(error) => return Err(Failure::io(&dir.join("FILES"), &error)),
    };
    names.dedup();
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let path = dir.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::io(&path, &error))?;
        files.push((name, text));
    }
    read(&files)
}

fn toml_files(dir: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| Failure::io(dir, &error))? {
        let entry = entry.map_err(|error| Failure::io(dir, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".toml") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read(files: &[(String, String)]) -> Result<Content, Failure> {
    registry::load::from_files(files).map_err(|error| {
        Failure::new(
            Exit::BadData,
            "REGISTRY_UNREADABLE",
            Text::new("登记文件读不懂", "the registry's files do not read"),
            Text::new("按下列文件和行号修改", "mend them at the lines named"),
        )
        .with(error.faults.iter().map(ToString::to_string))
    })
}
