//! Taking a ticket: the first revision to arrive makes the case, every other is stored with it, each once.

use case::event::Event;
use case::event::parts::Ticket as StoredTicket;
use case::ids::{CaseId, KeyId, derived_uuid};
use case::intake::{Raise, Revision, revise};
use case::refusal::StateReason;
use case::state::Case;
use case::time::At;
use case::{Refusal, Rules};
use desk::{Caller, Desk, of_execute, of_ledger, of_vault};
use ledger::{CommandContext, Done, ExecuteError};
use registry::ids::SourceId;
use service_kit::trace::TraceContext;
use tonic::Status;
use wire::pb::whistle::case::v1::NewCase;
use wire::pb::whistle::intake::v1 as pb;
use wire::{CollectingSeal, Failure, ReplayingSeal, Told};

use super::body::{self, Body, Unreadable};
use super::receipt::{self, Reason};
use super::understand::{Purpose, Ticket, understand};

/// Longest number of a ticket, in bytes.
const NUMBER_BYTES_MAX: usize = 64;

/// Why a ticket was not taken, or not yet.
pub(super) enum NotTaken {
    /// The source has to do something about it.
    Refused(Reason),
    /// Nobody has to do anything but send it again.
    Failed(Status),
}

impl From<Reason> for NotTaken {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl From<Status> for NotTaken {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

/// Takes tickets of one source.
#[derive(Clone)]
pub(super) struct Taking {
    pub desk: Desk,
    pub caller: Caller,
    pub source: SourceId,
}

/// What a ticket became, sealed and ready to be decided on.
struct Prepared {
    raise: Raise,
    contacts: Vec<wire::Contact>,
    context: CommandContext,
}

impl Taking {
    /// Takes one ticket and says what became of it.
    pub(super) async fn take(&self, seq: u64, ticket: pb::SourceTicket) -> pb::TicketReceipt {
        let revision = ticket.revision.max(1);
        let frame = receipt::Frame { seq, ticket_number: ticket.number.clone(), revision };
        match self.taken(&ticket, revision).await {
            Ok((done, result)) => match self.desk.receipt_of(&done, 0).await {
                Ok(command) => frame.taken(result, command),
                Err(status) => frame.failed(&status),
            },
            Err(NotTaken::Refused(reason)) => frame.refused(reason),
            Err(NotTaken::Failed(status)) => frame.failed(&status),
        }
    }

    async fn taken(
        &self,
        ticket: &pb::SourceTicket,
        revision: u32,
    ) -> Result<(Done, pb::ReceiptResult), NotTaken> {
        if ticket.number.is_empty()
            || ticket.number.len() > NUMBER_BYTES_MAX
            || ticket.number.chars().any(char::is_control)
        {
            return Err(Reason::TicketNumberInvalid.into());
        }
        let body = body::read(&ticket.content_type, &ticket.body).map_err(|error| match error {
            Unreadable::ContentTypeUnknown => Reason::ContentTypeUnknown,
            Unreadable::TooLarge => Reason::TooLarge,
            Unreadable::Undecodable => Reason::Undecodable,
        })?;
        let id = self.desk.secrets()?.case_id_for_ticket(&self.source, &ticket.number);
        if !self.case(id).await?.exists()
            && let Some(taken) = self.raise(id, ticket, revision, &body).await?
        {
            return Ok(taken);
        }
        self.revise(id, ticket, revision, &body).await
    }

    /// Makes the case; none when somebody else just did.
    async fn raise(
        &self,
        id: CaseId,
        ticket: &pb::SourceTicket,
        revision: u32,
        body: &Body,
    ) -> Result<Option<(Done, pb::ReceiptResult)>, NotTaken> {
        let _turn = self.desk.ledger.turn(&[id]).await;
        let prepared = self.prepare(id, ticket, revision, body, Purpose::Raise).await?;
        let actor = &self.caller.actor;
        let done = self
            .execute(id, &prepared.context, |case, rules, now| {
                case::intake::raise(case, &prepared.raise, actor, rules, now)
            })
            .await;
        match done {
            Ok(done) => Ok(Some(named(done, pb::ReceiptResult::Accepted))),
            Err(ExecuteError::Refused(Refusal::StateForbids { why: StateReason::AlreadyDone, .. })) => {
                Ok(None)
            }
            Err(ExecuteError::CommandIdReused) => Err(Reason::RevisionReused.into()),
            Err(error) => Err(Status::from(of_execute(error)).into()),
        }
    }

    /// Stores a further revision, or finds that it is there.
    async fn revise(
        &self,
        id: CaseId,
        ticket: &pb::SourceTicket,
        revision: u32,
        body: &Body,
    ) -> Result<(Done, pb::ReceiptResult), NotTaken> {
        // Until its contact is kept, so that two revisions keep theirs in the order they are committed.
        let _turn = self.desk.ledger.turn(&[id]).await;
        let prepared = self.prepare(id, ticket, revision, body, Purpose::Revise).await?;
        let stored = StoredTicket { source: self.source.clone(), number: ticket.number.clone(), revision };
        let actor = &self.caller.actor;
        let done = self
            .execute(id, &prepared.context, |case, rules, now| {
                let Raise { text, source_fields, .. } = &prepared.raise;
                let revised =
                    Revision { ticket: &stored, text: text.as_ref(), source_fields: source_fields.as_ref() };
                revise(case, &revised, actor, rules, now)
            })
            .await;
        match done {
            Ok(done) => {
                self.keep(id, revision, prepared.contacts).await?;
                Ok(named(done, pb::ReceiptResult::Revised))
            }
            // Under another token of the same source: what it said cannot be compared, but it is there.
            Err(ExecuteError::Refused(Refusal::StateForbids { why: StateReason::AlreadyDone, .. })) => {
                let cases = vec![self.case(id).await?];
                let head =
                    self.desk.ledger.ask_head().await.map_err(|error| Status::from(of_ledger(&error)))?;
                let position = head.position;
                Ok(named(
                    Done { commit: None, repeated: true, cases, position },
                    pb::ReceiptResult::Duplicate,
                ))
            }
            Err(ExecuteError::CommandIdReused) => Err(Reason::RevisionReused.into()),
            Err(error) => Err(Status::from(of_execute(error)).into()),
        }
    }

    /// Keeps how the caller of the highest revision can be reached, and of a lower one while nothing is kept of any; also when it
    /// comes again, since a try may have ended between its commit and this.
    async fn keep(&self, id: CaseId, revision: u32, contacts: Vec<wire::Contact>) -> Result<(), Status> {
        if contacts.is_empty() {
            return Ok(());
        }
        let case = self.case(id).await?;
        let highest = case.ticket.as_ref().is_some_and(|ticket| ticket.revision == revision);
        let mut to_keep = Vec::with_capacity(contacts.len());
        for contact in contacts {
            if highest || !self.is_kept(id, &contact.key_id).await? {
                to_keep.push(contact);
            }
        }
        match self.desk.keep_contacts(id, to_keep).await {
            // Erased since the words were sealed: the revision is there, and nobody is to be reached.
            Err(status) if status.code() == tonic::Code::FailedPrecondition => Ok(()),
            kept => kept,
        }
    }

    async fn is_kept(&self, id: CaseId, key_id: &KeyId) -> Result<bool, Status> {
        let kept = self.desk.vault.contact(id, key_id).await.map_err(|error| of_vault(&error))?;
        Ok(kept.is_some())
    }

    async fn execute<F>(&self, id: CaseId, context: &CommandContext, decide: F) -> Result<Done, ExecuteError>
    where
        F: Fn(&Case, &Rules<'_>, At) -> Result<Vec<Event>, Refusal> + Send + Sync,
    {
        let Some(registry) = self.desk.registry.current() else { return Err(ExecuteError::Unavailable) };
        let (modes, now) = (self.desk.registry.modes(), self.desk.clock.now());
        let decide = |cases: &[std::sync::Arc<Case>]| {
            let Some(case) = cases.first() else { return Ok(Vec::new()) };
            let mode = case.area().map(|area| modes.of(area)).unwrap_or_default();
            Ok(vec![decide(case, &Rules { registry: &registry, mode }, At::new(now))?])
        };
        self.desk.execute(context, now, &[id], decide).await
    }

    async fn prepare(
        &self,
        id: CaseId,
        ticket: &pb::SourceTicket,
        revision: u32,
        body: &Body,
        purpose: Purpose,
    ) -> Result<Prepared, NotTaken> {
        let registry = self.desk.published()?;
        let envelope = Ticket {
            number: &ticket.number,
            revision,
            content_type: &ticket.content_type,
            original: &ticket.body,
        };
        let new_case = understand(&envelope, body, purpose, &registry);
        let (raise, contacts) = self.seal(id, &new_case, purpose).await?;
        let parts: [&[u8]; 3] =
            [self.source.as_str().as_bytes(), ticket.number.as_bytes(), &revision.to_be_bytes()];
        let command_id = derived_uuid("hotline-ticket", &parts);
        let mac = self.desk.secrets()?.request_mac(&canonical(&self.source, ticket, revision));
        let now = self.desk.clock.now();
        let context = CommandContext {
            // A time that cannot be is a defect of the case; the envelope then says when it was written down.
            occurred_at: Some(raise.occurred_at.instant().min(now)),
            // The stream goes on for hours; a ticket is a piece of work of its own, and so is its trace.
            traceparent: Some(TraceContext::new().text()),
            ..CommandContext::new(self.caller.principal.id.clone(), command_id, mac)
        };
        Ok(Prepared { raise, contacts, context })
    }

    /// Seals the words, and for a case to be made keeps the contact in the same durable step; else gives back what is to be kept
    /// once the revision is there.
    async fn seal(
        &self,
        id: CaseId,
        new_case: &NewCase,
        purpose: Purpose,
    ) -> Result<(Raise, Vec<wire::Contact>), NotTaken> {
        let told = Told { source: Some(&self.source), now: At::new(self.desk.clock.now()) };
        let convert = |seal: &mut dyn wire::Seal| wire::raise(new_case, "ticket", &told, seal);
        let unfit = |violations: Vec<case::refusal::Violation>| {
            tracing::error!(?violations, "a ticket was made into a case that does not convert");
            NotTaken::Failed(Failure::Internal.into())
        };
        let mut collecting = CollectingSeal::default();
        convert(&mut collecting).map_err(unfit)?;
        let contacts = wire::contacts(new_case);
        let (now, later) = match purpose {
            Purpose::Raise => (contacts, Vec::new()),
            Purpose::Revise => (Vec::new(), contacts),
        };
        let sealed = self.desk.seal_new(id, &collecting, now).await.map_err(|status| {
            if status.code() == tonic::Code::FailedPrecondition {
                NotTaken::Refused(Reason::Erased)
            } else {
                NotTaken::Failed(status)
            }
        })?;
        Ok((convert(&mut ReplayingSeal::new(sealed)).map_err(unfit)?, later))
    }

    async fn case(&self, id: CaseId) -> Result<std::sync::Arc<Case>, Status> {
        self.desk.ledger.read_case(id).await.map_err(|error| of_ledger(&error).into())
    }
}

/// A repeat is a duplicate, whatever it was the first time.
fn named(done: Done, result: pb::ReceiptResult) -> (Done, pb::ReceiptResult) {
    let result = if done.repeated { pb::ReceiptResult::Duplicate } else { result };
    (done, result)
}

/// The bytes a request's MAC is over: what the source said, as it said it.
fn canonical(source: &SourceId, ticket: &pb::SourceTicket, revision: u32) -> Vec<u8> {
    let mut bytes = b"hotline-ticket/1".to_vec();
    let parts =
        [source.as_str().as_bytes(), ticket.number.as_bytes(), ticket.content_type.as_bytes(), &ticket.body];
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(part);
    }
    bytes.extend(revision.to_be_bytes());
    bytes
}
