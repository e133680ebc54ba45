//! What every request of a command has in common.

use std::borrow::Cow;

use case::ids::CaseId;
use case::refusal::Violation;
use case::time::At;
use prost_types::Timestamp;
use uuid::Uuid;

use crate::check::uuid;
use crate::instant;
use crate::intake::{Contact, Told};
use crate::seal::Seal;

/// A request that changes something.
pub trait Request: prost::Message + Clone {
    /// Full name, such as `whistle.intake.v1.IntakeService/AcceptCase`.
    const RPC: &'static str;

    /// The command id, as given.
    fn command_id(&self) -> &str;

    /// The request without the version that was expected, see [`canonical`](crate::canonical()).
    fn unconditional(&self) -> Cow<'_, Self> {
        Cow::Borrowed(self)
    }
}

/// A command on a case that exists.
pub trait CommandRequest: Request {
    /// What is decided on.
    type Command;

    /// The case, as given.
    fn case_id(&self) -> &str;

    /// The version the caller last saw.
    fn expected_version(&self) -> Option<u64>;

    /// When it happened, as told, where that is not now.
    fn occurred_time(&self) -> Option<&Timestamp> {
        None
    }

    /// The command. Deterministic: it is run twice, to collect the texts and with the texts sealed.
    ///
    /// # Errors
    /// Every violation of the request but those of the envelope.
    fn command(&self, seal: &mut dyn Seal) -> Result<Self::Command, Vec<Violation>>;
}

/// A command that makes a case.
pub trait NewCaseRequest: Request {
    /// What is decided on.
    type Command;

    /// Number of the ticket it comes from; the case id derives from it, else from caller and command id.
    fn ticket_number(&self) -> Option<&str>;

    /// How its reporters can be reached: for the vault, before the command is decided.
    fn contacts(&self) -> Vec<Contact>;

    /// The command. Deterministic: where a text cannot be sealed as it is met, it is run twice, to collect the texts and with the
    /// texts sealed.
    ///
    /// # Errors
    /// Every violation of the request but that of the command id. Never for what a citizen left out.
    fn command(&self, told: &Told<'_>, seal: &mut dyn Seal) -> Result<Self::Command, Vec<Violation>>;
}

/// The part that is the same in every command on a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// Makes the command repeatable.
    pub command_id: Uuid,
    /// The case.
    pub case_id: CaseId,
    /// The version it must stand at.
    pub expected_version: Option<u64>,
    /// When it happened, where that is not now.
    pub occurred_at: Option<At>,
}

/// Reads the envelope.
///
/// # Errors
/// Every violation of it; to be told together with those of the command.
pub fn parse_envelope<R: CommandRequest>(request: &R) -> Result<Envelope, Vec<Violation>> {
    let mut violations = Vec::new();
    let command_id = uuid("command_id", request.command_id(), &mut violations);
    let case_id = uuid("case_id", request.case_id(), &mut violations).map(CaseId);
    let occurred_at = request.occurred_time().map(instant::at);
    if occurred_at == Some(None) {
        violations.push(Violation::new("occurred_time", "MALFORMED", "a point in time"));
    }
    let (occurred_at, expected_version) = (occurred_at.flatten(), request.expected_version());
    match (command_id, case_id) {
        (Some(command_id), Some(case_id)) if violations.is_empty() => {
            Ok(Envelope { command_id, case_id, expected_version, occurred_at })
        }
        _ => Err(violations),
    }
}

/// Reads a command id alone, where the case is still to be made.
///
/// # Errors
/// Its violation.
pub fn parse_command_id(command_id: &str) -> Result<Uuid, Vec<Violation>> {
    let mut violations = Vec::new();
    uuid("command_id", command_id, &mut violations).ok_or(violations)
}

/// Implements [`CommandRequest`] for a message: its RPC, what it becomes, and how.
macro_rules! command {
    ($service:ident: $($request:ident / $rpc:literal => $command:ty, |$r:ident, $c:ident| $body:block)*) => {$(
        impl crate::request::Request for $request {
            const RPC: &'static str = concat!($service!(), "/", $rpc);

            fn command_id(&self) -> &str {
                &self.command_id
            }

            fn unconditional(&self) -> std::borrow::Cow<'_, Self> {
                match self.expected_version {
                    Some(_) => std::borrow::Cow::Owned(Self { expected_version: None, ..self.clone() }),
                    None => std::borrow::Cow::Borrowed(self),
                }
            }
        }

        impl crate::request::CommandRequest for $request {
            type Command = $command;

            fn case_id(&self) -> &str {
                &self.case_id
            }

            fn expected_version(&self) -> Option<u64> {
                self.expected_version
            }

            fn command(
                &self,
                seal: &mut dyn crate::seal::Seal,
            ) -> Result<$command, Vec<case::refusal::Violation>> {
                let ($r, $c) = (self, &mut crate::check::Check::new(seal));
                $body
            }
        }
    )*};
}
pub(crate) use command;
