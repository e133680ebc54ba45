//! Opening sealed words for one caller and one case.

use case::Case;
use case::actor::{Actor, is_accused};
use case::event::parts::By;
use case::ids::KeyId;
use case::sealed::Sealed;
use registry::Registry;
use registry::ids::{PersonId, Role};
use vault::{Keyring, Opened};
use wire::pb::whistle::board::v1::{TextState, Words};

/// Roles that read everything that is not personal.
const READ_NO_WORDS: [Role; 3] = [Role::Auditor, Role::Operator, Role::Registrar];

/// Fields whoever is complained of may read: what is asked of them, and what was answered. Everything else may tell who spoke.
const FOR_THE_ACCUSED: [&str; 10] = [
    "purpose",
    "task",
    "meeting",
    "advice",
    "result",
    "measures",
    "measure",
    "public_reply",
    "reply",
    "interim_measure",
];

const ERASED: &str = "[已删除 / erased]";
const WITHHELD: &str = "[不予显示 / withheld]";
const LOST: &str = "[无法打开 / cannot be opened]";

/// Whether an actor reads words at all.
pub(crate) fn reads_words(actor: &Actor) -> bool {
    actor.roles.iter().any(|role| !READ_NO_WORDS.contains(role))
}

/// What one caller may read of one case.
pub(crate) struct Reading<'a> {
    keyring: &'a Keyring,
    case: &'a Case,
    reads_words: bool,
    accused: bool,
    own: Option<&'a PersonId>,
}

impl<'a> Reading<'a> {
    /// The keyring covers [`Case::key_ids`].
    pub(crate) fn new(keyring: &'a Keyring, case: &'a Case, actor: &'a Actor, registry: &Registry) -> Self {
        Self {
            keyring,
            case,
            reads_words: reads_words(actor),
            accused: is_accused(actor, case, registry),
            own: actor.person.as_ref(),
        }
    }

    /// The words, or what to show instead. `field` is the name they were sealed for; two of them have names of their own here,
    /// because the accused may read them: the texts of measures come as `measure`, the note of a meeting as `meeting`.
    pub(crate) fn words(&self, field: &str, sealed: &Sealed) -> Words {
        if !self.may_read(field, &sealed.key_id) {
            return shown(WITHHELD, TextState::Withheld);
        }
        if self.case.destroyed_keys.contains(&sealed.key_id) {
            return shown(ERASED, TextState::Erased);
        }
        let sealed_for = match field {
            "measure" => "text",
            "meeting" => "note",
            own => own,
        };
        match self.keyring.open_text(self.case.id, sealed_for, sealed) {
            Ok(Opened::Text(text)) => Words { text, state: TextState::Shown.into() },
            Ok(Opened::Erased) => shown(ERASED, TextState::Erased),
            Ok(Opened::Lost) => shown(LOST, TextState::Lost),
            Err(error) => {
                tracing::error!(case = %self.case.id, field, %error, "sealed words do not open");
                shown(LOST, TextState::Lost)
            }
        }
    }

    fn may_read(&self, field: &str, key: &KeyId) -> bool {
        self.reads_words
            && (!self.accused || (*key == KeyId::case_file() && FOR_THE_ACCUSED.contains(&field)))
    }

    /// Whether the reporters may be shown, without contact. A reporter always sees themselves.
    pub(crate) fn sees_reporters(&self) -> bool {
        !self.accused
    }

    /// Whether naming this doer would name a reporter who is to stay unknown to the caller.
    pub(crate) fn hides(&self, by: &By, raised_it: bool) -> bool {
        let person = by.person();
        let is_self = person.is_some() && person == self.own;
        let reports =
            person.is_some() && self.case.reporters.iter().any(|reporter| reporter.person.as_ref() == person);
        let unknown = self.accused || self.case.confidential;
        unknown && !is_self && (reports || (raised_it && self.accused))
    }
}

fn shown(text: &str, state: TextState) -> Words {
    Words { text: text.to_owned(), state: state.into() }
}

/// The first characters of words that are shown; what stands instead of words stays whole.
pub(crate) fn shortened(words: Words, chars_max: usize) -> Words {
    if words.state != i32::from(TextState::Shown) || words.text.chars().count() <= chars_max {
        return words;
    }
    let text = words.text.chars().take(chars_max).chain(['…']).collect();
    Words { text, ..words }
}
