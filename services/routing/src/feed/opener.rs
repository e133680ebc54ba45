//! Sealed texts on their way to a reader: opened for whoever may read them, else a mark in their place.

use case::actor::{Actor, is_accused};
use case::ids::CaseId;
use case::sealed::Sealed;
use case::state::Case;
use desk::of_vault;
use registry::Registry;
use registry::ids::Role;
use serde_json::{Map, Value};
use tonic::Status;
use vault::{Keyring, Opened, Vault};

/// Stands for a text that is not for this reader.
pub(super) const WITHHELD: &str = "[已隐去 / withheld]";
/// Stands for a text whose key was destroyed.
pub(super) const ERASED: &str = "[已删除 / erased]";
/// Stands for a text whose key this vault never had.
const LOST: &str = "[密钥缺失 / key missing]";
/// Stands for bytes that are not what was sealed, and for every text of a case that cannot be read.
pub(super) const DAMAGED: &str = "[已损坏 / damaged]";

/// The fields of a sealed text in JSON; an object with exactly these is one.
const SEALED: [&str; 4] = ["alg", "key_id", "nonce", "ciphertext"];
/// The raw fields of a source hold whatever it sent, names and phones too: never in a feed.
const NEVER: &str = "source_fields";

/// What a reader may read of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    Everything,
    /// What it is asked to do, and nothing that anybody said: it is complained of, or above who is.
    Tasks,
    Nothing,
    /// The case cannot be read: neither whom it is about is known, nor which keys its texts have.
    Unknown,
}

/// Opens the texts of one case for one reader, with keys that were fetched at once.
pub(super) struct Opener {
    keyring: Keyring,
    case: CaseId,
    may: May,
}

impl Opener {
    /// Fetches the case's keys, unless the reader may read nothing.
    ///
    /// # Errors
    /// UNAVAILABLE when the vault cannot be read.
    pub(super) async fn new(
        vault: &Vault,
        case: &Case,
        actor: &Actor,
        registry: &Registry,
    ) -> Result<Self, Status> {
        let may = if is_accused(actor, case, registry) {
            May::Tasks
        } else if actor.roles.iter().all(|role| *role == Role::Auditor) {
            May::Nothing
        } else {
            May::Everything
        };
        let wanted: Vec<_> =
            case.key_ids().filter(|_| may != May::Nothing).map(|key_id| (case.id, key_id)).collect();
        let keyring = vault.keyring(wanted).await.map_err(|error| of_vault(&error))?;
        Ok(Self { keyring, case: case.id, may })
    }

    /// For a case that cannot be read: every text is a mark.
    ///
    /// # Errors
    /// As [`Opener::new`].
    pub(super) async fn of_damaged(vault: &Vault, case: CaseId) -> Result<Self, Status> {
        let keyring = vault.keyring([]).await.map_err(|error| of_vault(&error))?;
        Ok(Self { keyring, case, may: May::Unknown })
    }

    /// Whether whoever reported may be told by what is shown.
    pub(super) fn hides_people(&self) -> bool {
        matches!(self.may, May::Tasks | May::Unknown)
    }

    /// One text, sealed for a field.
    ///
    /// # Errors
    /// UNAVAILABLE when the vault cannot be read.
    pub(super) fn text(&self, field: &str, sealed: &Sealed) -> Result<String, Status> {
        let readable = match self.may {
            May::Everything => field != NEVER,
            May::Tasks => field == "task",
            May::Nothing => false,
            May::Unknown => return Ok(DAMAGED.to_owned()),
        };
        if readable { self.open(field, sealed) } else { Ok(WITHHELD.to_owned()) }
    }

    /// The text of a measure: who has to do it reads it, whoever it is complained of.
    ///
    /// # Errors
    /// As [`Opener::text`].
    pub(super) fn measure(&self, sealed: &Sealed) -> Result<String, Status> {
        match self.may {
            May::Everything | May::Tasks => self.open("text", sealed),
            May::Nothing => Ok(WITHHELD.to_owned()),
            May::Unknown => Ok(DAMAGED.to_owned()),
        }
    }

    fn open(&self, field: &str, sealed: &Sealed) -> Result<String, Status> {
        match self.keyring.open_text(self.case, field, sealed) {
            Ok(Opened::Text(text)) => Ok(text),
            Ok(Opened::Erased) => Ok(ERASED.to_owned()),
            Ok(Opened::Lost) => Ok(LOST.to_owned()),
            Err(vault::Error::Damaged) => {
                tracing::error!(case = %self.case, field, "a sealed text is damaged");
                Ok(DAMAGED.to_owned())
            }
            Err(error) => Err(of_vault(&error)),
        }
    }

    /// A stored payload with its texts opened.
    ///
    /// # Errors
    /// As [`Opener::text`].
    pub(super) fn payload(&self, mut payload: Value) -> Result<String, Status> {
        if self.hides_people()
            && let Some(Value::Object(by)) = payload.get_mut("by")
        {
            by.remove("person");
        }
        Ok(self.walk(payload, "", false)?.to_string())
    }

    fn walk(&self, value: Value, key: &str, in_measures: bool) -> Result<Value, Status> {
        match value {
            Value::Object(object) if is_sealed(&object) => {
                let Ok(sealed) = serde_json::from_value::<Sealed>(Value::Object(object)) else {
                    return Ok(Value::String(DAMAGED.to_owned()));
                };
                let measure = in_measures && key == "text";
                let text = if measure { self.measure(&sealed) } else { self.text(key, &sealed) };
                text.map(Value::String)
            }
            Value::Object(object) => {
                let mut opened = Map::new();
                for (key, value) in object {
                    let in_measures = in_measures || key == "measures";
                    let value = self.walk(value, &key, in_measures)?;
                    opened.insert(key, value);
                }
                Ok(Value::Object(opened))
            }
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.walk(item, key, in_measures));
                items.collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => Ok(plain),
        }
    }
}

fn is_sealed(object: &Map<String, Value>) -> bool {
    object.len() == SEALED.len() && SEALED.iter().all(|key| object.contains_key(*key))
}
