//! A case to be made. What a citizen left out or got wrong becomes a defect; only a faulty client is told off.

use std::borrow::Cow;

use case::event::parts::{Defect, Reporter, Ticket};
use case::ids::{CaseId, KeyId};
use case::intake::Raise;
use case::refusal::Violation;
use case::rules::PlaceGiven;
use case::time::At;
use registry::ids::SourceId;

use super::{given, intake};
use crate::check::TEXT_CHARS_MAX;
use crate::check::{Check, SOURCE_FIELDS_BYTES_MAX, has_controls, is_bad_control};
use crate::pb::whistle::case::v1 as pb;
use crate::pb::whistle::intake::v1::RaiseCaseRequest;
use crate::request::{NewCaseRequest, Request};
use crate::seal::Seal;

/// Longest name or phone of a reporter, in bytes: what the vault holds.
const CONTACT_BYTES_MAX: usize = 200;
/// Longest number of a ticket, in bytes.
const TICKET_BYTES_MAX: usize = 64;
/// Longest class of a source, in bytes.
const DEMAND_CLASS_BYTES_MAX: usize = 64;
/// Fewest and most digits of a phone number that can be called: a short service number, and E.164 with a trunk prefix.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 3..=20;

/// What a new case is not told by its request.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The system that calls, when it is one: only it gives tickets.
    pub source: Option<&'a SourceId>,
    /// Stands for the time it happened, when none is given. The same in both runs.
    pub now: At,
}

impl Told<'_> {
    /// For looking only at whether a request converts.
    pub(crate) fn nothing() -> Self {
        Self { source: None, now: At::new(jiff::Timestamp::UNIX_EPOCH) }
    }
}

/// How one reporter can be reached: for the vault, and nowhere else. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// The reporter's key in the case.
    pub key_id: KeyId,
    /// What to call them.
    pub name: Option<String>,
    /// How to call them back.
    pub phone: Option<String>,
}

impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Request for RaiseCaseRequest {
    const RPC: &'static str = concat!(intake!(), "/RaiseCase");

    fn command_id(&self) -> &str {
        &self.command_id
    }
}

impl NewCaseRequest for RaiseCaseRequest {
    type Command = Raise;

    fn ticket_number(&self) -> Option<&str> {
        ticket_number(self.new_case.as_ref())
    }

    fn contacts(&self) -> Vec<Contact> {
        self.new_case.as_ref().map(contacts).unwrap_or_default()
    }

    fn command(&self, told: &Told<'_>, seal: &mut dyn Seal) -> Result<Raise, Vec<Violation>> {
        match &self.new_case {
            Some(new_case) => raise(new_case, "new_case", told, seal),
            None => Err(vec![Violation::new("new_case", "REQUIRED", "the case")]),
        }
    }
}

pub(crate) fn ticket_number(new_case: Option<&pb::NewCase>) -> Option<&str> {
    new_case?.ticket.as_ref().map(|ticket| ticket.number.as_str())
}

/// The contacts of a new case, control characters replaced by spaces; of a reporter who gave neither name nor phone there is none.
#[must_use]
pub fn contacts(new_case: &pb::NewCase) -> Vec<Contact> {
    // A space takes no more room than what it stands for: what fits the request fits the vault.
    let told = |text: &str| given(text.replace(char::is_control, " ").trim());
    let contact = |(number, reporter): (u32, &pb::Reporter)| Contact {
        key_id: KeyId::reporter(number),
        name: told(&reporter.name),
        phone: told(&reporter.phone),
    };
    let all = (1_u32..).zip(&new_case.reporters).map(contact);
    all.filter(|contact| contact.name.is_some() || contact.phone.is_some()).collect()
}

/// A new case as the domain takes it. `field` is the path of the message in its request.
///
/// # Errors
/// Every violation: unspecified enums, texts and lists that are too long, malformed identifiers of a client. Never what a citizen
/// left out or got wrong.
pub fn raise(
    new_case: &pb::NewCase,
    field: &str,
    told: &Told<'_>,
    seal: &mut dyn Seal,
) -> Result<Raise, Vec<Violation>> {
    let c = &mut Check::new(seal);
    let mut defects = Vec::new();
    let profile = c.choice("profile", new_case.profile);
    let channel = c.choice("channel", new_case.channel);
    let reporters = c.reporters("reporters", &new_case.reporters, &mut defects);
    let key = if new_case.reporters.is_empty() { KeyId::case_file() } else { KeyId::reporter(1) };
    let text = c.citizens_words("text", &key, &new_case.text, &mut defects);
    let place = c.citizens_place("place", new_case.place.as_ref(), &key, &mut defects);
    let demand = c.optional_choice("demand", new_case.demand);
    c.plain("demand_class", &new_case.demand_class, DEMAND_CLASS_BYTES_MAX);
    let ticket = c.ticket("ticket", new_case.ticket.as_ref(), told.source);
    let external_due_at = c.optional_time("external_due_time", new_case.external_due_time.as_ref());
    let source_fields = c.source_fields("source_fields_json", &key, &new_case.source_fields_json);
    let about = c.ids("about_org_ids", &new_case.about_org_ids);
    let about_persons = c.ids("about_person_ids", &new_case.about_person_ids);
    let evidence = c.evidence("evidence", &new_case.evidence);
    let follows = match new_case.follows_case_id.as_str() {
        "" => Some(None),
        id => c.uuid("follows_case_id", id).map(|id| Some(CaseId(id))),
    };
    let occurred_at = c.optional_time("occurred_time", new_case.occurred_time.as_ref());
    let found: Option<Vec<Defect>> =
        c.items("defects", &new_case.defects, |c, path, defect| c.choice(path, *defect));
    let raise = c.done(|| {
        defects.extend(found?);
        Some(Raise {
            profile: profile?,
            channel: channel?,
            reporters: reporters?,
            text: text?,
            place: place?,
            matter: given(&new_case.matter_id),
            demand: demand?,
            demand_class: given(&new_case.demand_class),
            ticket: ticket?,
            external_due_at: external_due_at?,
            source_fields: source_fields?,
            about: about?,
            about_persons: about_persons?,
            evidence: evidence?,
            defects,
            confidential: new_case.confidential,
            split_from: None,
            follows: follows?,
            occurred_at: occurred_at?.unwrap_or(told.now),
        })
    });
    // The readers name the fields of the message; where the message is, is said only of those that are wrong.
    raise.map_err(|violations| violations.into_iter().map(|violation| within(field, violation)).collect())
}

fn within(field: &str, violation: Violation) -> Violation {
    Violation { field: format!("{field}.{}", violation.field), ..violation }
}

impl Check<'_> {
    fn reporters(
        &mut self,
        field: &str,
        reporters: &[pb::Reporter],
        defects: &mut Vec<Defect>,
    ) -> Option<Vec<Reporter>> {
        let mut number = 0_u32;
        self.items(field, reporters, |c, path, reporter| {
            number = number.saturating_add(1);
            let kind = c.choice(&format!("{path}.kind"), reporter.kind);
            let person = c.optional_id(&format!("{path}.person_id"), &reporter.person_id);
            for (name, text) in [("name", &reporter.name), ("phone", &reporter.phone)] {
                if text.len() > CONTACT_BYTES_MAX {
                    let expected = format!("at most {CONTACT_BYTES_MAX} bytes");
                    c.violated(&format!("{path}.{name}"), "TOO_LONG", expected);
                }
            }
            let contactable = can_be_called(&reporter.phone);
            if !contactable && !reporter.phone.is_empty() {
                defects.push(Defect::ContactInvalid);
            }
            Some(Reporter { key_id: KeyId::reporter(number), kind: kind?, person: person?, contactable })
        })
    }

    /// What a citizen said: characters that are no text are replaced and told as a defect.
    fn citizens_words(
        &mut self,
        path: &str,
        key: &KeyId,
        text: &str,
        defects: &mut Vec<Defect>,
    ) -> Option<Option<case::sealed::Sealed>> {
        let text = self.repaired(text, defects);
        self.sealed(path, "text", key, &text, TEXT_CHARS_MAX)
    }

    fn citizens_place(
        &mut self,
        path: &str,
        place: Option<&pb::Place>,
        key: &KeyId,
        defects: &mut Vec<Defect>,
    ) -> Option<PlaceGiven> {
        let Some(place) = place else { return Some(PlaceGiven::default()) };
        let note = self.repaired(&place.note, defects);
        self.place_noted(path, place, &note, key)
    }

    #[expect(clippy::unused_self, reason = "reads as the other readers do")]
    fn repaired<'t>(&self, text: &'t str, defects: &mut Vec<Defect>) -> Cow<'t, str> {
        if !has_controls(text) {
            return Cow::Borrowed(text);
        }
        defects.push(Defect::TextDamaged);
        Cow::Owned(cleaned(text))
    }

    fn ticket(
        &mut self,
        path: &str,
        ticket: Option<&pb::Ticket>,
        source: Option<&SourceId>,
    ) -> Option<Option<Ticket>> {
        let Some(ticket) = ticket else { return Some(None) };
        let Some(source) = source else {
            self.violated(path, "NOT_A_SOURCE", "no ticket: only the token of a source system gives tickets");
            return None;
        };
        let number = format!("{path}.number");
        if ticket.number.is_empty() {
            self.violated(&number, "REQUIRED", "the source's own number");
        }
        self.plain(&number, &ticket.number, TICKET_BYTES_MAX);
        let (source, number, revision) = (source.clone(), ticket.number.clone(), ticket.revision.max(1));
        Some(Some(Ticket { source, number, revision }))
    }

    fn source_fields(&mut self, path: &str, key: &KeyId, json: &str) -> Option<Option<case::sealed::Sealed>> {
        if json.len() > SOURCE_FIELDS_BYTES_MAX {
            self.violated(path, "TOO_LONG", format!("at most {SOURCE_FIELDS_BYTES_MAX} bytes"));
            return None;
        }
        self.sealed(path, "source_fields", key, json, SOURCE_FIELDS_BYTES_MAX)
    }
}

/// A text with whatever is no text replaced by U+FFFD.
fn cleaned(text: &str) -> String {
    text.replace("\r\n", "\n").replace(is_bad_control, "\u{FFFD}")
}

/// Whether somebody can be called under this: digits enough, and nothing that no keypad has.
fn can_be_called(phone: &str) -> bool {
    let digits = phone.chars().filter(char::is_ascii_digit).count();
    PHONE_DIGITS.contains(&digits)
        && phone
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '#' | '*' | ',' | 'x'))
}
