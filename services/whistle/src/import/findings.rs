//! What did not fit: where, of which kind, and why. Nothing is dropped without one.

use std::collections::BTreeMap;

use serde::Serialize;

/// Longest list shown to people; JSON has them all.
pub(super) const SHOWN_MAX: usize = 200;

/// The kinds of what did not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    /// The record has no number, or one too long to be one: not taken.
    NoId,
    /// The same number stood earlier in the file: not taken.
    DuplicateRecord,
    /// No time in the record reads: not taken.
    NoTime,
    /// The case was refused: not taken.
    RecordRefused,
    /// The record says something else than when it was imported; the case stays as it was.
    RecordChanged,
    /// A piece of history was refused; kept as a note.
    PieceRefused,
    /// A time does not read; the nearest known one is used, the original is kept.
    TimeUnreadable,
    /// A position does not read, or its area code is none; kept sealed.
    PlaceUnreadable,
    /// The map has no matter for this class.
    ClassUnknown,
    /// The map has no rule for this kind of note; kept as a note.
    NoteKindUnknown,
    /// The map has no organisation for this agency; kept as a note.
    AgencyUnknown,
    /// An order or its closing without a number; kept as a note.
    ReferenceMissing,
    /// An order's number was used before in the record, or is too long to be kept apart from the task.
    ReferenceUnusable,
    /// A closing of an order that this record never created; kept as a note.
    OrderNeverCreated,
    /// A closing of an order that could not be taken; kept as a note.
    OrderNotTaken,
    /// A closing of an order that was closed before; kept as a note.
    OrderClosedTwice,
    /// The source closed the record while an order was open; the order stays open.
    OrderLeftOpen,
    /// Closed, and closed again later: only the last counts, the others are notes.
    ClosedTwice,
    /// The status and the notes disagree on whether it is closed; the status is believed.
    StatusDisagrees,
    /// Longer than a text may be; it goes on in notes.
    TextContinued,
    /// Control characters, replaced by U+FFFD.
    TextDamaged,
}

impl Kind {
    /// The name in lists and JSON.
    pub(crate) fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }
}

/// One thing that did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// The source's number of the record, or `row N` when it has none.
    pub record: String,
    /// Where in the record; empty for the whole of it.
    pub path: String,
    /// Of which kind.
    pub kind: Kind,
    /// Why, and what was done instead.
    pub why: String,
}

/// How often each kind was found.
pub(super) fn by_kind(findings: &[Finding]) -> BTreeMap<Kind, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.kind).or_default() += 1;
    }
    counts
}
