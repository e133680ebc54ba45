//! What a source says about its ticket later on.

use registry::ids::Role;

use crate::actor::Actor;
use crate::clocks;
use crate::event::Event;
use crate::event::intake::SourceRevised;
use crate::event::parts::Ticket;
use crate::refusal::{Refusal, StateReason};
use crate::rules::{Rules, forbids};
use crate::sealed::Sealed;
use crate::state::Case;
use crate::time::At;

/// A later word of a source on its ticket (来件更正).
#[derive(Debug, Clone, Copy)]
pub struct Revision<'a> {
    /// The ticket, with the revision this is.
    pub ticket: &'a Ticket,
    /// The text of that revision.
    pub text: Option<&'a Sealed>,
    /// Fields without a place here.
    pub source_fields: Option<&'a Sealed>,
}

/// Decides that a revision is stored: from every status, in any order, each once.
///
/// # Errors
/// [`Refusal`] when the ticket is not the caller's own, or the revision is there already.
pub fn revise(
    case: &Case,
    revision: &Revision<'_>,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<Vec<Event>, Refusal> {
    let by = actor.sign(&[Role::SourceSystem])?;
    let told = revision.ticket;
    let own = |ticket: &Ticket| ticket.source == told.source && ticket.number == told.number;
    if actor.source.as_ref() != Some(&told.source) || !case.ticket.as_ref().is_some_and(own) {
        return Err(Refusal::NotFound);
    }
    if case.revisions.contains(&told.revision) {
        return Err(forbids(format!("revision {}", told.revision), StateReason::AlreadyDone));
    }
    let (text, source_fields) = (revision.text.cloned(), revision.source_fields.cloned());
    let revised = SourceRevised { by, ticket: told.clone(), text, source_fields };
    Ok(clocks::with_clocks(case, vec![revised.into()], rules, now))
}
