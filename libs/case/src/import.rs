//! History from another system: taken as it was, with no clock, outside the rates, closed at source. Nothing is invented.

use registry::Step;
use registry::ids::{OrgId, Role};

use crate::actor::Actor;
use crate::event::Event;
use crate::event::closure::CaseClosed;
use crate::event::dispatch::{ObligationCompleted, ObligationsAdded};
use crate::event::intake::SourceNoteRecorded;
use crate::event::parts::{NewObligation, Origin, Outcome, Part, Profile};
use crate::flow::Status;
use crate::ids::ObligationNo;
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{Rules, forbids, in_sight};
use crate::sealed::Sealed;
use crate::state::Case;

/// Longest word of the importer on one piece of history, in bytes.
const FINDING_BYTES_MAX: usize = 1_000;

/// One piece of history. Its time goes into the envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A note of the source.
    Note {
        /// The source's name for what it is.
        label: String,
        /// What it says.
        text: Option<Sealed>,
        /// What did not fit, in the importer's words; never personal.
        finding: Option<String>,
    },
    /// A duty another organisation was given.
    Obligation {
        /// Whose.
        org: OrgId,
        /// The source's own number for it.
        external_ref: Option<String>,
        /// What was asked.
        task: Option<Sealed>,
    },
    /// The duty was done.
    Completed {
        /// Which.
        obligation: ObligationNo,
        /// What was done.
        result: Sealed,
    },
    /// The source closed the case.
    ClosedAtSource,
}

/// Decides a piece of history.
///
/// # Errors
/// [`Refusal`] when the case was not imported, or the piece does not fit what came before.
pub fn decide(
    case: &Case,
    command: &Command,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Result<Vec<Event>, Refusal> {
    in_sight(case, actor, rules)?;
    let by = actor.sign(&[Role::SourceSystem, Role::Operator, Role::Registrar])?;
    if case.profile != Profile::Imported {
        return Err(forbids("case", StateReason::ProfileForbids));
    }
    Ok(vec![match command {
        Command::Note { label, text, finding } => {
            let limit = rules.registry.limits().notes_max;
            if case.notes >= limit {
                return Err(Refusal::Limit { name: "notes_max", limit });
            }
            if label.len() > 64 {
                return Err(Refusal::Invalid(vec![Violation::new("label", "TOO_LONG", "at most 64 bytes")]));
            }
            if finding.as_ref().is_some_and(|finding| finding.len() > FINDING_BYTES_MAX) {
                let violation = Violation::new("finding", "TOO_LONG", "at most 1,000 bytes");
                return Err(Refusal::Invalid(vec![violation]));
            }
            SourceNoteRecorded { by, label: label.clone(), text: text.clone(), finding: finding.clone() }
                .into()
        }
        Command::Obligation { org, external_ref, task } => {
            return obligation(case, by, org, external_ref.as_deref(), task.as_ref(), rules);
        }
        Command::Completed { obligation, result } => {
            if !case.find_obligation(*obligation)?.is_open() {
                return Err(forbids(format!("obligation {obligation}"), StateReason::AlreadyDone));
            }
            ObligationCompleted { by, obligation: *obligation, result: result.clone(), evidence: Vec::new() }
                .into()
        }
        Command::ClosedAtSource => {
            case.may_go(Status::Closed)?;
            CaseClosed { by, outcome: Outcome::ClosedAtSource, reply: None }.into()
        }
    }])
}

fn obligation(
    case: &Case,
    by: crate::event::parts::By,
    org: &OrgId,
    external_ref: Option<&str>,
    task: Option<&Sealed>,
    rules: &Rules<'_>,
) -> Result<Vec<Event>, Refusal> {
    case.is_still_open()?;
    if rules.registry.org(org).is_none() {
        return Err(Refusal::Unregistered { what: "organisation", code: org.to_string() });
    }
    let limit = rules.registry.limits().obligations_max;
    if case.obligations.len() >= limit as usize {
        return Err(Refusal::Limit { name: "obligations_max", limit });
    }
    let no = case.next_obligation();
    let new = NewObligation {
        no,
        org: org.clone(),
        person: None,
        part: Part::Co,
        origin: Origin::Import,
        parent: None,
        after: Vec::new(),
        mandatory: false,
        steps: vec![Step::Complete],
        whistle: None,
        task: task.cloned(),
    };
    let mut events: Vec<Event> =
        vec![ObligationsAdded { by: by.clone(), obligations: vec![new], words: None }.into()];
    if let Some(external_ref) = external_ref {
        let mut external_ref: String = external_ref.chars().filter(|c| !c.is_control()).collect();
        while external_ref.len() > 64 {
            external_ref.pop();
        }
        events.push(crate::event::dispatch::ExternalRefSet { by, obligation: no, external_ref }.into());
    }
    Ok(events)
}
