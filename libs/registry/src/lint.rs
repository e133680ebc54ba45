//! The linter: what is wrong or odd about a registry, all at once, each with where and what to do.

use std::fmt;

use crate::content::Content;
use crate::lint::known::Known;

mod calendars;
mod clocks;
mod known;
mod ladder;
mod matrix;
mod orgs;
mod places;
mod policies;

/// Most findings listed; the last one says that there are more.
pub const FINDINGS_MAX: usize = 500;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The registry cannot be published.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// One thing the linter found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where, such as `matrix[parking-public].lead`.
    pub path: String,
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}: {}; {}", self.path, self.problem, self.advice)
    }
}

/// Looks at everything and tells every finding, errors first, at most [`FINDINGS_MAX`].
#[must_use]
pub fn lint(content: &Content) -> Vec<Finding> {
    let mut report = Report::default();
    let known = Known::of(content, &mut report);
    orgs::check(content, &known, &mut report);
    places::check(content, &known, &mut report);
    matrix::check(content, &known, &mut report);
    calendars::check(content, &mut report);
    policies::check(content, &known, &mut report);
    clocks::check(content, &known, &mut report);
    ladder::check(content, &known, &mut report);
    report.finish()
}

/// Findings being gathered.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn error(&mut self, path: impl Into<String>, problem: impl Into<String>, advice: impl Into<String>) {
        self.add(Severity::Error, path.into(), problem.into(), advice.into());
    }

    fn warning(&mut self, path: impl Into<String>, problem: impl Into<String>, advice: impl Into<String>) {
        self.add(Severity::Warning, path.into(), problem.into(), advice.into());
    }

    fn unknown(&mut self, path: impl Into<String>, what: &str, id: impl fmt::Display) {
        self.error(path, format!("no {what} {id}"), format!("add the {what}, or correct the reference"));
    }

    fn add(&mut self, severity: Severity, path: String, problem: String, advice: String) {
        self.findings.push(Finding { path, severity, problem, advice });
    }

    fn finish(mut self) -> Vec<Finding> {
        // Stable, so that findings of one severity keep the order of the content.
        self.findings.sort_by_key(|finding| finding.severity);
        if self.findings.len() > FINDINGS_MAX {
            let more = self.findings.len() + 1 - FINDINGS_MAX;
            let severity = self.findings.get(FINDINGS_MAX - 1).map_or(Severity::Warning, |f| f.severity);
            self.findings.truncate(FINDINGS_MAX - 1);
            let advice = String::from("mend the listed ones and look again");
            self.add(severity, String::from("."), format!("{more} more findings"), advice);
        }
        self.findings
    }
}
