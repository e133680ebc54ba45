//! Cases whose rows were made under older rules than those in force, and when their next timer fires by those in force.
//!
//! A row says when the next timer fires by the rules as of its commit. A publication changes no row; whoever is due earlier or later
//! by it is noted here, in memory alone: after a restart the same rows are looked at again.

use std::collections::BTreeMap;

use case::ids::CaseId;
use case::time::At;
use registry::ids::RegistryVersion;

use crate::rows::CaseRow;

#[derive(Default)]
pub(crate) struct Older {
    rules: Option<RegistryVersion>,
    seen: Seen,
    corrected: BTreeMap<CaseId, Corrected>,
}

/// How far the rows were looked at, in order of their numbers.
#[derive(Clone, Copy)]
enum Seen {
    UpTo(i64),
    All,
}

impl Default for Seen {
    fn default() -> Self {
        Self::UpTo(0)
    }
}

struct Corrected {
    row: CaseRow,
    /// None when nothing fires any more.
    next_at: Option<At>,
}

impl Older {
    /// The rules in force. Under others than the last time all rows are looked at again.
    pub(crate) fn compare_with(&mut self, rules: RegistryVersion) {
        if self.rules != Some(rules) {
            *self = Self { rules: Some(rules), ..Self::default() };
        }
    }

    /// Whether every row was looked at. Rows made since are made under the rules in force.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.seen, Seen::All)
    }

    /// Which rows were not looked at: those of older rules than these, after that number.
    pub(crate) fn unseen(&self) -> Option<(RegistryVersion, i64)> {
        match self.seen {
            Seen::UpTo(number) => self.rules.map(|rules| (rules, number)),
            Seen::All => None,
        }
    }

    /// The next row in order was looked at.
    pub(crate) fn see(&mut self, row: &CaseRow, next_at: Option<At>) {
        self.correct(row, next_at);
        self.seen = Seen::UpTo(row.number);
    }

    /// There was no further row.
    pub(crate) fn end(&mut self) {
        self.seen = Seen::All;
    }

    /// Notes when the next timer fires by the rules in force; of a row made under them, the row says so itself.
    pub(crate) fn correct(&mut self, row: &CaseRow, next_at: Option<At>) {
        if next_at == row.next_at || !self.is_older(row) {
            self.corrected.remove(&row.case);
        } else {
            self.corrected.insert(row.case, Corrected { row: *row, next_at });
        }
    }

    /// The row is made anew, under the rules in force.
    pub(crate) fn forget(&mut self, case: CaseId) {
        self.corrected.remove(&case);
    }

    /// When the next timer of a row's case fires, as far as is known.
    pub(crate) fn next_of(&self, row: &CaseRow) -> Option<At> {
        let corrected = self.corrected.get(&row.case).filter(|_| self.is_older(row));
        corrected.map_or(row.next_at, |corrected| corrected.next_at)
    }

    /// Cases that are due by what was noted, as they were noted.
    pub(crate) fn due(&self, now: At) -> Vec<CaseRow> {
        let due = self.corrected.values().filter(|own| own.next_at.is_some_and(|at| at <= now));
        due.map(|corrected| corrected.row).collect()
    }

    /// The soonest instant noted after this one.
    pub(crate) fn next_after(&self, now: At) -> Option<At> {
        self.corrected.values().filter_map(|corrected| corrected.next_at).filter(|at| *at > now).min()
    }

    fn is_older(&self, row: &CaseRow) -> bool {
        self.rules.is_some_and(|rules| row.rules < rules)
    }
}
