//! The way every deciding service takes a command: who asks, what is asked, seal the words, decide, commit, answer.
//!
//! Belongs here: the steps that are the same for every command of every service, in their one order. Does not belong: what is decided
//! (`case`), what travels (`wire`), what is kept (`ledger`, `vault`).
//!
//! Invariants, as absences:
//! - nobody unknown gets further than their token;
//! - no word a person said goes into a decision unsealed;
//! - nothing is answered before it is durable;
//! - an answer depends on nothing but the commit it is about.

mod caller;
mod failure;
mod new_case;
mod receipt;
mod sealing;
mod service;
pub mod token;

use std::sync::Arc;

use case::event::Event;
use case::ids::CaseId;
use case::state::Case;
use case::time::At;
use case::{Actor, Refusal, Rules};
use jiff::Timestamp;
use ledger::registry_stream::RegistryView;
use ledger::{CommandContext, Done, ExecuteError, Ledger};
use registry::Registry;
use service_kit::clock::Clock;
use service_kit::principals::Principals;
use service_kit::trace::{Hex, TARGET, TraceContext};
use tonic::{Request, Status};
use tracing::field::{DisplayValue, display};
use uuid::Uuid;
use vault::{Secrets, Vault};
use wire::{CollectingSeal, CommandRequest, Envelope, Failure, ReplayingSeal, canonical, parse_envelope};

pub use crate::caller::{Caller, traceparent};
pub use crate::failure::{of_execute, of_ledger, of_vault};
pub use crate::receipt::receipt;

/// Largest request of a command, in bytes: texts of 4,000 characters and lists of 100 items fit many times over.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Largest answer of a unary call, in bytes.
pub const RESPONSE_BYTES_MAX: usize = 1024 * 1024;

/// A decision of the domain: pure, and called again when somebody else was faster.
pub type Decide<C> = fn(&Case, &C, &Actor, &Rules<'_>, At) -> Result<Vec<Event>, Refusal>;

/// What a deciding service works with. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Desk {
    /// Where facts are committed.
    pub ledger: Ledger,
    /// Where words are sealed.
    pub vault: Vault,
    /// The registry in force.
    pub registry: RegistryView,
    /// What time it is.
    pub clock: Clock,
    /// Who may call.
    pub principals: Principals,
}

/// A command once it is understood: its words are sealed, its decision is still to be made.
#[derive(Debug)]
pub struct Prepared<C> {
    /// Who asks.
    pub caller: Caller,
    /// Which case, under which id.
    pub envelope: Envelope,
    /// The command.
    pub command: C,
    /// What goes into the commit's header.
    pub context: CommandContext,
}

impl Desk {
    /// Takes a command on one case from request to receipt.
    ///
    /// # Errors
    /// The status the API documents for what went wrong.
    pub async fn run<R: CommandRequest>(
        &self,
        request: Request<R>,
        decide: Decide<R::Command>,
    ) -> Result<wire::pb::whistle::case::v1::CommandReceipt, Status>
    where
        R::Command: Sync,
    {
        let prepared = self.prepare(request).await?;
        let case = prepared.envelope.case_id;
        let done = self.decide_one(&prepared, case, decide).await?;
        self.receipt_of(&done, 0).await
    }

    /// Authenticates, checks and seals: everything before the decision.
    ///
    /// # Errors
    /// UNAUTHENTICATED, INVALID_ARGUMENT with every violation, NOT_FOUND when there are words about no case, UNAVAILABLE when the
    /// vault is.
    pub async fn prepare<R: CommandRequest>(
        &self,
        request: Request<R>,
    ) -> Result<Prepared<R::Command>, Status> {
        let caller = self.caller(request.metadata())?;
        let traceparent = traceparent(request.metadata());
        let request = request.into_inner();
        let mut collecting = CollectingSeal::default();
        let understood = request.command(&mut collecting);
        let envelope = match (parse_envelope(&request), understood) {
            (Ok(envelope), Ok(_)) => envelope,
            (envelope, understood) => {
                let violations = envelope.err().into_iter().chain(understood.err()).flatten().collect();
                return Err(Failure::Invalid(violations).into());
            }
        };
        if !collecting.texts.is_empty() {
            self.must_exist(envelope.case_id).await?;
        }
        let sealed = self.seal(envelope.case_id, &collecting).await?;
        let code_macs = collecting.codes.iter().map(|code| self.code_mac(envelope.case_id, code));
        let code_macs = code_macs.collect::<Result<_, _>>()?;
        let mut replaying = ReplayingSeal::new(sealed).with_code_macs(code_macs);
        let command = request.command(&mut replaying).map_err(Failure::Invalid)?;
        let mac = self.secrets()?.request_mac(&canonical(R::RPC, &request));
        let context = self.context(&caller, &envelope, mac, traceparent);
        Ok(Prepared { caller, envelope, command, context })
    }

    /// The constant secrets of the ledger.
    ///
    /// # Errors
    /// UNAVAILABLE in a role that may not have the vault's key, which takes no commands.
    pub fn secrets(&self) -> Result<&Secrets, Status> {
        self.vault.secrets().map_err(|error| of_vault(&error))
    }

    /// What is kept of a code that proves presence: keyed, because six digits are soon guessed from a plain digest.
    ///
    /// # Errors
    /// As [`Desk::secrets`].
    pub fn code_mac(&self, case: CaseId, code: &str) -> Result<String, Status> {
        let mac = self.secrets()?.request_mac(format!("whistle/presence/{case}/{code}").as_bytes());
        Ok(mac.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What goes into the header of the commit.
    #[must_use]
    pub fn context(
        &self,
        caller: &Caller,
        envelope: &Envelope,
        request_mac: [u8; 32],
        traceparent: Option<String>,
    ) -> CommandContext {
        CommandContext {
            expected_version: envelope.expected_version,
            occurred_at: envelope.occurred_at.map(At::instant),
            traceparent,
            ..CommandContext::new(caller.principal.id.clone(), envelope.command_id, request_mac)
        }
    }

    /// Decides one command on one case and commits.
    ///
    /// # Errors
    /// The status of the refusal or of what failed.
    pub async fn decide_one<C: Sync>(
        &self,
        prepared: &Prepared<C>,
        case: CaseId,
        decide: Decide<C>,
    ) -> Result<Done, Status> {
        self.try_one(prepared, case, decide).await.map_err(Status::from)
    }

    async fn try_one<C: Sync>(
        &self,
        prepared: &Prepared<C>,
        case: CaseId,
        decide: Decide<C>,
    ) -> Result<Done, Undecided> {
        let actor = &prepared.caller.actor;
        self.try_many(&prepared.context, &[case], |cases, desk| {
            let events = match cases {
                [case] => decide(case, &prepared.command, actor, &desk.rules(case), desk.now)?,
                _ => Vec::new(),
            };
            Ok(vec![events])
        })
        .await
    }

    /// Whether a command would be allowed on the case as it is now, as whoever asks is now; nothing is committed. What an answer
    /// shows beside a receipt needs it on a repeat, whose receipt is of a right there was once.
    ///
    /// # Errors
    /// The status of the refusal or of what failed.
    pub async fn allows_now<C: Sync>(
        &self,
        prepared: &Prepared<C>,
        case: CaseId,
        decide: Decide<C>,
    ) -> Result<(), Status> {
        let case = self.ledger.read_case(case).await.map_err(|error| of_ledger(&error))?;
        let registry = self.published()?;
        let modes = self.registry.modes();
        let ruling = Ruling { registry: &registry, modes: &modes, now: At::new(self.clock.now()) };
        let actor = &prepared.caller.actor;
        let decided = decide(&case, &prepared.command, actor, &ruling.rules(&case), ruling.now);
        Ok(decided.map(|_| ()).map_err(Failure::Refused)?)
    }

    /// Decides on several cases at once and commits them at once.
    ///
    /// # Errors
    /// The status of the refusal or of what failed.
    pub async fn decide_many<F>(
        &self,
        context: &CommandContext,
        cases: &[CaseId],
        decide: F,
    ) -> Result<Done, Status>
    where
        F: Fn(&[Arc<Case>], &Ruling<'_>) -> Result<Vec<Vec<Event>>, Refusal> + Send + Sync,
    {
        self.try_many(context, cases, decide).await.map_err(Status::from)
    }

    async fn try_many<F>(
        &self,
        context: &CommandContext,
        cases: &[CaseId],
        decide: F,
    ) -> Result<Done, Undecided>
    where
        F: Fn(&[Arc<Case>], &Ruling<'_>) -> Result<Vec<Vec<Event>>, Refusal> + Send + Sync,
    {
        let registry = self.published()?;
        let modes = self.registry.modes();
        let now = self.clock.now();
        let ruling = Ruling { registry: &registry, modes: &modes, now: At::new(now) };
        Ok(self.execute(context, now, cases, |cases| decide(cases, &ruling)).await?)
    }

    /// [`Ledger::execute`], and one line in the trace for what was committed. For people's commands and automatic ones alike.
    ///
    /// # Errors
    /// [`ExecuteError`]
    pub async fn execute<F>(
        &self,
        context: &CommandContext,
        now: Timestamp,
        cases: &[CaseId],
        decide: F,
    ) -> Result<Done, ExecuteError>
    where
        F: Fn(&[Arc<Case>]) -> Result<Vec<Vec<Event>>, Refusal> + Send,
    {
        let done = self.ledger.execute(context, now, cases, decide).await?;
        if let Some(commit) = &done.commit {
            let (position, repeated) = (commit.last.get(), done.repeated);
            let trace_id = trace_id(commit.traceparent.as_deref());
            tracing::debug!(target: TARGET, trace_id, position, repeated, "committed");
        }
        Ok(done)
    }

    /// The registry in force.
    ///
    /// # Errors
    /// FAILED_PRECONDITION before the first was published.
    pub fn published(&self) -> Result<Arc<Registry>, Status> {
        self.registry.current().ok_or_else(|| Failure::NoRegistry.into())
    }

    /// The receipt for one of the cases of a commit.
    ///
    /// # Errors
    /// INTERNAL when the commit touched no such case, which no caller can bring about; DATA_LOSS when the log cannot be read.
    pub async fn receipt_of(
        &self,
        done: &Done,
        index: usize,
    ) -> Result<wire::pb::whistle::case::v1::CommandReceipt, Status> {
        let case = done.cases.get(index).ok_or_else(|| Status::from(Failure::Internal))?;
        receipt(&self.ledger, case, done).await.map_err(|error| of_ledger(&error).into())
    }

    /// A context for what Whistle does by itself: the id follows from the trigger, so a second run or a second copy repeats it.
    #[must_use]
    pub fn automatic(role: &str, command_id: Uuid) -> CommandContext {
        CommandContext::new(format!("whistle-{role}"), command_id, [0; 32])
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("ledger", &self.ledger.id()).finish_non_exhaustive()
    }
}

/// The trace a commit says it belongs to: of a repeat that of the first.
fn trace_id(traceparent: Option<&str>) -> Option<DisplayValue<Hex<16>>> {
    traceparent.and_then(TraceContext::parse).map(|context| display(context.trace()))
}

/// Why there is no decision.
enum Undecided {
    Ledger(ExecuteError),
    Answer(Status),
}

impl From<ExecuteError> for Undecided {
    fn from(error: ExecuteError) -> Self {
        Self::Ledger(error)
    }
}

impl From<Status> for Undecided {
    fn from(status: Status) -> Self {
        Self::Answer(status)
    }
}

impl From<Undecided> for Status {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Ledger(error) => of_execute(error).into(),
            Undecided::Answer(status) => status,
        }
    }
}

/// What a decision is made by, fixed for all its tries.
#[derive(Debug, Clone, Copy)]
pub struct Ruling<'a> {
    /// The registry in force.
    pub registry: &'a Registry,
    modes: &'a ledger::registry_stream::Modes,
    /// The time of the decision.
    pub now: At,
}

impl Ruling<'_> {
    /// The rules for one case: the registry, and the mode of the case's place.
    #[must_use]
    pub fn rules(&self, case: &Case) -> Rules<'_> {
        let mode = case.area().map(|area| self.modes.of(area)).unwrap_or_default();
        Rules { registry: self.registry, mode }
    }
}
