//! The notes of a record, each by the rule for its kind.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::words::Words;
use super::{Draft, NUMBER_BYTES_MAX, Piece, What};
use crate::import::field::{FieldPath, as_text, pruned};
use crate::import::findings::Kind;
use crate::import::map::{CompletedRule, CreatedRule, NotesMap, Rule};

/// Label of a note whose kind says nothing that can be one.
const UNNAMED: &str = "note";
/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 64;

/// The orders of a record, by the source's number for them.
#[derive(Default)]
struct Orders {
    /// Key of the piece that made it; none when it could not be taken.
    made: BTreeMap<String, Option<String>>,
    /// Those that are done.
    done: BTreeMap<String, ()>,
}

/// One note while it is planned.
struct Note<'a> {
    path: String,
    key: String,
    label: String,
    at: Timestamp,
    value: &'a Value,
    rest: Value,
    text: String,
}

impl Note<'_> {
    fn is(self, text: String, what: What) -> Piece {
        Piece { key: self.key, path: self.path, label: self.label, at: self.at, text, what }
    }
}

impl Draft<'_> {
    /// The earliest time that reads among the notes.
    pub(super) fn earliest_note(&self) -> Option<Timestamp> {
        let map = self.map.notes.as_ref()?;
        let notes = map.path.get(self.record)?.as_array()?;
        notes.iter().filter_map(|note| map.at.text(note)).filter_map(|text| self.times.read(&text)).min()
    }

    /// The record's history, in the order the source gives it; the closing comes last.
    pub(super) fn notes(&mut self, occurred: Timestamp) -> Vec<Piece> {
        let map = self.map;
        let listed = map.notes.as_ref().and_then(|notes| Some((notes, notes.path.get(self.record)?)));
        let mut pieces = Vec::new();
        let mut closings = Vec::new();
        if let Some((notes_map, Value::Array(notes))) = listed {
            // A list that is none stays among the sealed fields.
            notes_map.path.take(&mut self.rest);
            let mut orders = Orders::default();
            let mut last = occurred;
            for (index, value) in notes.iter().enumerate() {
                let (note, rule) = self.note(notes_map, index, value, last);
                last = note.at;
                if rule == Some(&Rule::Closed) {
                    closings.push(pieces.len());
                }
                pieces.extend(self.apply(note, rule, &mut orders));
            }
            self.left_open(&orders, !closings.is_empty());
        }
        self.close(&mut pieces, &closings, occurred);
        pieces
    }

    fn note<'n, 'm>(
        &mut self,
        map: &'m NotesMap,
        index: usize,
        value: &'n Value,
        last: Timestamp,
    ) -> (Note<'n>, Option<&'m Rule>) {
        let path = format!("{}[{index}]", map.path.as_str());
        let mut rest = value.clone();
        let kind = map.kind.text(value).unwrap_or_default();
        let rule = map.rules.get(&kind);
        if rule.is_none() {
            self.find(
                &path,
                Kind::NoteKindUnknown,
                format!("the map has no rule for {kind:?}; kept as a note"),
            );
        }
        let at = map.at.text(value).and_then(|text| self.times.read(&text));
        match at {
            Some(_) => map.at.take(&mut rest),
            None => self.find(&path, Kind::TimeUnreadable, format!("taken as {last}, the time before it")),
        }
        let fits = !kind.is_empty() && kind.len() <= LABEL_BYTES_MAX && !kind.contains(char::is_control);
        if fits {
            map.kind.take(&mut rest);
        }
        let text = joined(value, &mut rest, &map.text);
        let label = if fits { kind } else { UNNAMED.to_owned() };
        let key = format!("note/{index}");
        (Note { path, key, label, at: at.unwrap_or(last), value, rest, text }, rule)
    }

    fn apply(&mut self, note: Note<'_>, rule: Option<&Rule>, orders: &mut Orders) -> Vec<Piece> {
        match rule {
            None => self.plain(note, Some("the importer knows no such kind of note")),
            Some(Rule::Note | Rule::Closed) => self.plain(note, None),
            Some(Rule::ObligationCreated(rule)) => self.created(note, rule, orders),
            Some(Rule::ObligationCompleted(rule)) => self.completed(note, rule, orders),
        }
    }

    fn plain(&mut self, mut note: Note<'_>, finding: Option<&'static str>) -> Vec<Piece> {
        let text = self.said(&mut note);
        with_more(note, text, What::Note { finding })
    }

    /// What the note says and what is left of it, so that nothing is lost.
    fn said(&mut self, note: &mut Note<'_>) -> Words {
        let rest = pruned(std::mem::take(&mut note.rest)).map(|rest| as_text(&rest));
        let parts: Vec<String> = [std::mem::take(&mut note.text), rest.unwrap_or_default()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let words = Words::of(&parts.join("\n"));
        self.report(&words, &note.path);
        words
    }

    fn created(&mut self, mut note: Note<'_>, rule: &CreatedRule, orders: &mut Orders) -> Vec<Piece> {
        let reference = rule.r#ref.text(note.value);
        let agency = rule.agency.text(note.value).unwrap_or_default();
        let Some(org) = self.map.agencies.get(&agency).cloned() else {
            let why = format!("the map has no organisation for {agency:?}; kept as a note");
            self.find(&note.path, Kind::AgencyUnknown, why);
            if let Some(reference) = reference {
                orders.made.insert(reference, None);
            }
            return self.plain(note, Some("an order to an agency the importer does not know"));
        };
        let task = joined(note.value, &mut note.rest, &rule.task);
        note.text = [task, std::mem::take(&mut note.text)].join("\n").trim().to_owned();
        rule.agency.take(&mut note.rest);
        let external_ref = self.order_number(&mut note, rule, reference, orders);
        // The agency's own name goes on in the task: several of them may be one organisation here.
        note.text = [note.text, agency].join("\n").trim().to_owned();
        let text = self.said(&mut note);
        with_more(note, text, What::Order { org, external_ref })
    }

    /// Notes the order, and gives its number when it can be kept apart from the task.
    fn order_number(
        &mut self,
        note: &mut Note<'_>,
        rule: &CreatedRule,
        reference: Option<String>,
        orders: &mut Orders,
    ) -> Option<String> {
        let Some(reference) = reference else {
            self.find(&note.path, Kind::ReferenceMissing, "an order without a number; nothing can close it");
            return None;
        };
        if orders.made.insert(reference.clone(), Some(note.key.clone())).is_some() {
            self.find(
                &note.path,
                Kind::ReferenceUnusable,
                "this number was used before; a closing counts for the later order",
            );
            orders.done.remove(&reference);
        }
        if reference.len() > NUMBER_BYTES_MAX || reference.contains(char::is_control) {
            self.find(&note.path, Kind::ReferenceUnusable, "longer than 64 bytes; kept in the task");
            return None;
        }
        rule.r#ref.take(&mut note.rest);
        Some(reference)
    }

    fn completed(&mut self, mut note: Note<'_>, rule: &CompletedRule, orders: &mut Orders) -> Vec<Piece> {
        let Some(reference) = rule.r#ref.text(note.value) else {
            self.find(&note.path, Kind::ReferenceMissing, "a closing that names no order; kept as a note");
            return self.plain(note, Some("closes an order without naming it"));
        };
        let (kind, why, finding) = match orders.made.get(&reference) {
            Some(Some(order)) if !orders.done.contains_key(&reference) => {
                let what = What::Done { order: order.clone() };
                orders.done.insert(reference, ());
                rule.r#ref.take(&mut note.rest);
                let mut text = self.said(&mut note);
                if text.first.is_empty() {
                    // A result must say something; the source's own word for it is all there is.
                    text.first = note.label.clone();
                }
                return with_more(note, text, what);
            }
            Some(Some(_)) => {
                (Kind::OrderClosedTwice, "was closed before", "closes an order that was closed before")
            }
            Some(None) => {
                (Kind::OrderNotTaken, "could not be taken", "closes an order that could not be imported")
            }
            None => (
                Kind::OrderNeverCreated,
                "this record never created",
                "closes an order that this record never created",
            ),
        };
        self.find(&note.path, kind, format!("closes order {reference}, which {why}; kept as a note"));
        self.plain(note, Some(finding))
    }

    fn left_open(&mut self, orders: &Orders, closed: bool) {
        let open: Vec<String> = orders
            .made
            .iter()
            .filter(|(reference, made)| made.is_some() && !orders.done.contains_key(*reference))
            .map(|(reference, _)| reference.clone())
            .collect();
        if !closed {
            return;
        }
        for reference in open {
            self.find(
                "",
                Kind::OrderLeftOpen,
                format!("closed at source while order {reference} was open; it stays open"),
            );
        }
    }

    /// Makes the last closing the closing, when the status does not say otherwise.
    fn close(&mut self, pieces: &mut Vec<Piece>, closings: &[usize], occurred: Timestamp) {
        let record = &self.map.record;
        let status = record.status.as_ref().map(|path| path.text(self.record).unwrap_or_default());
        let says_closed = status.map(|status| record.closed_statuses.contains(&status));
        let earlier = closings.len().saturating_sub(1);
        if earlier > 0 {
            self.find("", Kind::ClosedTwice, format!("closed {} times; only the last counts", earlier + 1));
        }
        let by_status = record.closed_at.as_ref().and_then(|path| path.text(self.record));
        let by_status = by_status.and_then(|text| self.times.read(&text));
        let last_note = pieces.last().map_or(occurred, |piece| piece.at);
        let at = closings.last().and_then(|index| pieces.get(*index)).map(|piece| piece.at);
        let closed_at = match (says_closed, at) {
            (Some(false), None) | (None, None) => None,
            (None | Some(true), Some(at)) => Some(at),
            (Some(true), None) => Some(by_status.unwrap_or(last_note)),
            (Some(false), Some(_)) => {
                self.find("", Kind::StatusDisagrees, "a note closes it, the status does not; left open");
                None
            }
        };
        pieces.extend(closed_at.map(|at| Piece {
            key: "closed".to_owned(),
            path: String::new(),
            label: "closed".to_owned(),
            at,
            text: String::new(),
            what: What::Closed,
        }));
    }
}

/// Fields of a note joined by line ends and taken out of what is left of it.
fn joined(value: &Value, rest: &mut Value, paths: &[FieldPath]) -> String {
    let parts: Vec<String> = paths.iter().filter_map(|path| path.text(value)).collect();
    for path in paths {
        path.take(rest);
    }
    parts.join("\n")
}

/// The piece, and a note for each part of its text that did not fit.
fn with_more(note: Note<'_>, words: Words, what: What) -> Vec<Piece> {
    let template = Piece {
        key: String::new(),
        path: note.path.clone(),
        label: note.label.clone(),
        at: note.at,
        text: String::new(),
        what: What::Note { finding: Some("goes on from a text that was too long") },
    };
    let key = note.key.clone();
    let mut pieces = vec![note.is(words.first, what)];
    pieces.extend(words.more.into_iter().enumerate().map(|(index, text)| Piece {
        key: format!("{key}/{}", index + 1),
        text,
        ..template.clone()
    }));
    pieces
}
