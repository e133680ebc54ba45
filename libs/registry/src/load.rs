//! From files people write to a registry's content. Reads no file itself: it is given names and texts.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use worktime::Calendar;

use crate::content::{Content, Jurisdiction};
use crate::matrix::MatrixRow;
use crate::matters::{Category, Matter};
use crate::orgs::{Org, Person, Post};
use crate::places::{Area, Compound, Pairing, Places};
use crate::policies::{Catalogue, ClockRule, ColourCut, LadderStep, Limits, Policies, Tier, WhistlePolicy};

/// Most files one registry is read from.
pub const FILES_MAX: usize = 256;
/// Most bytes of one file.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What is wrong with one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file's name as given.
    pub file: String,
    /// The line, from 1, where it can be told.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Everything that is wrong with the files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct LoadError {
    /// The faults, in the order of the files.
    pub faults: Vec<Fault>,
}

/// What one file may hold: any sections, in any file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    /// For the reader of the file.
    #[serde(rename = "note")]
    _note: Option<String>,
    jurisdiction: Option<Jurisdiction>,
    areas: Vec<Area>,
    compounds: Vec<Compound>,
    pairings: Vec<Pairing>,
    orgs: Vec<Org>,
    posts: Vec<Post>,
    people: Vec<Person>,
    categories: Vec<Category>,
    matters: Vec<Matter>,
    matrix: Vec<MatrixRow>,
    tiers: Vec<Tier>,
    whistles: Vec<WhistlePolicy>,
    clocks: Vec<ClockRule>,
    ladder: Vec<LadderStep>,
    colours: Vec<ColourCut>,
    limits: Option<Limits>,
    limit_sources: BTreeMap<String, String>,
    catalogues: Vec<Catalogue>,
    calendars: Vec<Calendar>,
}

/// Reads a registry from TOML files given as pairs of name and text. Sections add up across files.
///
/// # Errors
/// [`LoadError`] with every file that does not read, by line, and every section that is missing or there twice.
pub fn from_files(files: &[(String, String)]) -> Result<Content, LoadError> {
    let mut faults = Vec::new();
    if files.len() > FILES_MAX {
        let message = format!("more than {FILES_MAX} files");
        return Err(LoadError { faults: vec![Fault { file: String::from("."), line: None, message }] });
    }
    let mut whole = File::default();
    for (name, text) in files {
        match read(name, text) {
            Ok(file) => whole.add(name, file, &mut faults),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { whole.finish() } else { Err(LoadError { faults }) }
}

fn read(name: &str, text: &str) -> Result<File, Fault> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("larger than {FILE_BYTES_MAX} bytes");
        return Err(Fault { file: name.to_owned(), line: None, message });
    }
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map(|before| before.matches('\n').count() + 1);
        Fault { file: name.to_owned(), line, message: error.message().to_owned() }
    })
}

impl File {
    fn add(&mut self, name: &str, file: Self, faults: &mut Vec<Fault>) {
        let mut twice = |section: &str| {
            let message = format!("[{section}] is in another file already; keep one");
            faults.push(Fault { file: name.to_owned(), line: None, message });
        };
        if file.jurisdiction.is_some() && self.jurisdiction.is_some() {
            twice("jurisdiction");
        }
        if file.limits.is_some() && self.limits.is_some() {
            twice("limits");
        }
        self.jurisdiction = self.jurisdiction.take().or(file.jurisdiction);
        self.limits = self.limits.take().or(file.limits);
        self.areas.extend(file.areas);
        self.compounds.extend(file.compounds);
        self.pairings.extend(file.pairings);
        self.orgs.extend(file.orgs);
        self.posts.extend(file.posts);
        self.people.extend(file.people);
        self.categories.extend(file.categories);
        self.matters.extend(file.matters);
        self.matrix.extend(file.matrix);
        self.tiers.extend(file.tiers);
        self.whistles.extend(file.whistles);
        self.clocks.extend(file.clocks);
        self.ladder.extend(file.ladder);
        self.colours.extend(file.colours);
        self.limit_sources.extend(file.limit_sources);
        self.catalogues.extend(file.catalogues);
        self.calendars.extend(file.calendars);
    }

    fn finish(self) -> Result<Content, LoadError> {
        let missing = |section: &str| Fault {
            file: String::from("."),
            line: None,
            message: format!("no file has [{section}]; add it to one"),
        };
        let (Some(jurisdiction), Some(limits)) = (&self.jurisdiction, self.limits) else {
            let mut faults = Vec::new();
            faults.extend(self.jurisdiction.is_none().then(|| missing("jurisdiction")));
            faults.extend(self.limits.is_none().then(|| missing("limits")));
            return Err(LoadError { faults });
        };
        Ok(Content {
            jurisdiction: jurisdiction.clone(),
            places: Places { areas: self.areas, compounds: self.compounds, pairings: self.pairings },
            orgs: self.orgs,
            posts: self.posts,
            people: self.people,
            categories: self.categories,
            matters: self.matters,
            matrix: self.matrix,
            policies: Policies {
                tiers: self.tiers,
                whistles: self.whistles,
                clocks: self.clocks,
                ladder: self.ladder,
                colours: self.colours,
                limits,
                limit_sources: self.limit_sources,
                catalogues: self.catalogues,
            },
            calendars: self.calendars,
        })
    }
}
