//! Read, decide, commit at the version read; again on a conflict. A repeat gets the first success.

use std::sync::Arc;

use case::Refusal;
use case::event::{Event, SCHEMA_VERSION};
use case::ids::CaseId;
use case::state::Case;
use event_store::{Expected, NewCommit, NewEvent, StoredCommit, Unchanged, Version};
use jiff::Timestamp;

use crate::commit::{Commit, Stream, case_stream};
use crate::context::{Append, CommandContext, Committed, Done};
use crate::errors::{CommitError, ExecuteError, LedgerError, TooLarge};
use crate::handle::Ledger;

/// How often a command is decided before a conflict is answered. Inside one process cases are locked, so a conflict needs
/// a writer that is not.
pub const CONFLICT_TRIES: u32 = 5;
/// Most cases one command may touch.
pub const CASES_MAX: usize = 64;

impl Ledger {
    /// Commits events to streams, whole or not at all, once per (principal, command id).
    ///
    /// Takes no locks and decides nothing: what needs a decision on a case goes through [`Ledger::execute`].
    ///
    /// # Errors
    /// [`CommitError`]; the command id is looked up before versions are, so a repeat never conflicts.
    pub async fn commit(
        &self,
        context: &CommandContext,
        now: Timestamp,
        appends: Vec<Append>,
    ) -> Result<Committed, CommitError> {
        self.commit_if(context, now, appends, Vec::new()).await
    }

    async fn commit_if(
        &self,
        context: &CommandContext,
        now: Timestamp,
        appends: Vec<Append>,
        unchanged: Vec<Unchanged>,
    ) -> Result<Committed, CommitError> {
        let commit = new_commit(context, now, &appends, unchanged)?;
        let committed = self.inner.backend.commit(commit, context.rider.clone()).await?;
        let commit = if committed.repeated {
            self.decode(&committed.commit)?
        } else {
            let events = appends.into_iter().flat_map(|Append { stream, events, .. }| {
                events.into_iter().map(move |event| (stream.clone(), event))
            });
            let commit = Arc::new(Commit::just_stored(&committed.commit, events));
            self.keep(&commit);
            commit
        };
        Ok(Committed { commit, repeated: committed.repeated })
    }

    /// Decides on cases and commits what was decided, one vector of events per case in the order given. No events at all
    /// commit nothing.
    ///
    /// `decide` may be called up to [`CONFLICT_TRIES`] times, each time with the cases as they are then; a case that was
    /// never raised comes with version 0. A case that gets no event while another does must stand where it was decided on, too.
    /// When the future is dropped, the command happens whole or not at all.
    ///
    /// # Errors
    /// [`ExecuteError`]. Refusal, conflict and stale version are answered only when the command did not happen before.
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
        check_cases(cases)?;
        let _locked = self.inner.locks.lock(cases).await;
        let mut actual_version = 0;
        let mut presumed = context.makes_cases || self.inner.backend.is_distant();
        for _ in 0..CONFLICT_TRIES {
            let read = if presumed {
                self.presume_cases(context, cases).await
            } else {
                self.read_cases(cases).await
            }?;
            let decided = check_expected(context, &read).and_then(|()| Ok(decide(&read)?));
            let nothing = decided.as_ref().is_ok_and(|decided| decided.iter().all(Vec::is_empty));
            // Only a commit shows that what was presumed is so, of every case; any other answer is given on what was read.
            if std::mem::take(&mut presumed) && (nothing || decided.is_err()) {
                continue;
            }
            let decided = match decided {
                Ok(decided) => decided,
                Err(error) => return self.unless_repeated(context, cases, Err(error)).await,
            };
            check_decided(&read, &decided)?;
            if nothing {
                let position = self.ask_head().await?.position;
                let nothing = Done { commit: None, repeated: false, cases: read, position };
                return self.unless_repeated(context, cases, Ok(nothing)).await;
            }
            match self.commit_decided(context, now, cases, read, decided).await {
                Err(ExecuteError::Conflict { actual_version: actual }) => actual_version = actual,
                outcome => return outcome,
            }
        }
        self.unless_repeated(context, cases, Err(ExecuteError::Conflict { actual_version })).await
    }

    async fn read_cases(&self, cases: &[CaseId]) -> Result<Vec<Arc<Case>>, LedgerError> {
        let mut read = Vec::with_capacity(cases.len());
        for case in cases {
            read.push(self.read_case(*case).await?);
        }
        Ok(read)
    }

    /// The cases as they were last seen here, and new ones as new, without asking the log.
    async fn presume_cases(
        &self,
        context: &CommandContext,
        cases: &[CaseId],
    ) -> Result<Vec<Arc<Case>>, LedgerError> {
        let mut presumed = Vec::with_capacity(cases.len());
        for id in cases {
            presumed.push(match self.inner.cases.get(*id) {
                Some(case) => case,
                None if context.makes_cases => Arc::new(Case::new(*id)),
                None => self.read_case(*id).await?,
            });
        }
        Ok(presumed)
    }

    async fn commit_decided(
        &self,
        context: &CommandContext,
        now: Timestamp,
        cases: &[CaseId],
        read: Vec<Arc<Case>>,
        decided: Vec<Vec<Event>>,
    ) -> Result<Done, ExecuteError> {
        let (mut appends, mut unchanged) = (Vec::new(), Vec::new());
        for (case, events) in read.iter().zip(decided) {
            let version = Version(case.version);
            if events.is_empty() {
                unchanged.push(Unchanged { stream: case_stream(case.id), version });
            } else {
                let (stream, expected) = (Stream::Case(case.id), Expected::Exactly(version));
                appends.push(Append { stream, expected, events });
            }
        }
        let Committed { commit, repeated } = self.commit_if(context, now, appends, unchanged).await?;
        if repeated {
            return Ok(self.repeat(commit, cases).await?);
        }
        let cases = read.into_iter().map(|case| self.evolved(case, &commit)).collect();
        let position = commit.last;
        Ok(Done { commit: Some(commit), repeated, cases, position })
    }

    /// The case after its commit, kept for whoever asks next.
    fn evolved(&self, mut case: Arc<Case>, commit: &Commit) -> Arc<Case> {
        for recorded in commit.of_case(case.id) {
            debug_assert_eq!(recorded.version, case.version + 1, "committed at the version read");
            Arc::make_mut(&mut case).evolve(recorded);
        }
        if case.exists() {
            self.inner.cases.put(&case);
        }
        case
    }

    /// The answer to give, unless the command happened before: then that success.
    async fn unless_repeated(
        &self,
        context: &CommandContext,
        cases: &[CaseId],
        otherwise: Result<Done, ExecuteError>,
    ) -> Result<Done, ExecuteError> {
        let found = self.inner.backend.find_command(&context.principal, context.command_id).await;
        match found? {
            None => otherwise,
            Some(stored) if is_same_request(&stored, context) => {
                Ok(self.repeat(self.decode(&stored)?, cases).await?)
            }
            Some(_) => Err(ExecuteError::CommandIdReused),
        }
    }

    /// The first success, made again from its commit alone.
    async fn repeat(&self, commit: Arc<Commit>, cases: &[CaseId]) -> Result<Done, LedgerError> {
        let position = commit.last;
        let made = commit.cases();
        // The ids of new cases are derived, and not by every program in the same way: what was made then is answered.
        let names_it = made.is_empty() || cases.iter().any(|case| made.contains(case));
        let cases = if names_it { cases } else { &made };
        let mut replayed = Vec::with_capacity(cases.len());
        for case in cases {
            replayed.push(self.read_case_as_of(*case, position).await?);
        }
        Ok(Done { commit: Some(commit), repeated: true, cases: replayed, position })
    }
}

/// The digests are keyed, so nobody learns from how long the comparison takes what to send next.
fn is_same_request(stored: &StoredCommit, context: &CommandContext) -> bool {
    stored.request_mac == context.request_mac
}

fn check_cases(cases: &[CaseId]) -> Result<(), ExecuteError> {
    if cases.len() > CASES_MAX {
        let (limit, actual) = (CASES_MAX, cases.len());
        return Err(TooLarge { what: "cases of a command", limit, actual }.into());
    }
    // Few enough to look at each beside each.
    let twice = cases.iter().enumerate().any(|(at, case)| cases.iter().take(at).any(|other| other == case));
    if cases.is_empty() || twice {
        return Err(ExecuteError::Invalid("a command names one or more cases, each once".to_owned()));
    }
    Ok(())
}

fn check_expected(context: &CommandContext, read: &[Arc<Case>]) -> Result<(), ExecuteError> {
    match (context.expected_version, read.first()) {
        (Some(expected), Some(case)) if case.version != expected => {
            Err(ExecuteError::StaleExpectedVersion { expected, actual: case.version })
        }
        _ => Ok(()),
    }
}

fn check_decided(read: &[Arc<Case>], decided: &[Vec<Event>]) -> Result<(), ExecuteError> {
    if read.len() == decided.len() {
        return Ok(());
    }
    let detail = format!("{} cases, but events for {}", read.len(), decided.len());
    Err(ExecuteError::Invalid(detail))
}

fn new_commit(
    context: &CommandContext,
    now: Timestamp,
    appends: &[Append],
    unchanged: Vec<Unchanged>,
) -> Result<NewCommit, CommitError> {
    let occurred_at = context.occurred_at.unwrap_or(now);
    let appends = appends.iter().map(|append| new_append(append, occurred_at)).collect::<Result<_, _>>()?;
    Ok(NewCommit {
        principal: context.principal.clone(),
        on_behalf_of: context.on_behalf_of.clone(),
        command_id: context.command_id,
        request_mac: context.request_mac,
        causation: context.causation,
        correlation: context.correlation.unwrap_or(context.command_id),
        traceparent: context.traceparent.clone(),
        recorded_at: now,
        appends,
        unchanged,
    })
}

fn new_append(append: &Append, occurred_at: Timestamp) -> Result<event_store::Append, CommitError> {
    let encode = |event: &Event| {
        let misplaced = matches!(event, Event::District(_)) == append.stream.case().is_some();
        if misplaced {
            let detail = format!("{} does not belong on {}", event.event_type(), append.stream);
            return Err(CommitError::Invalid(detail));
        }
        let unwritable = |_| CommitError::Invalid(format!("{} cannot be written", event.event_type()));
        Ok(NewEvent {
            event_type: event.event_type().to_owned(),
            schema_version: SCHEMA_VERSION,
            occurred_at,
            payload: event.encode().map_err(unwritable)?,
        })
    };
    let events = append.events.iter().map(encode).collect::<Result<_, _>>()?;
    Ok(event_store::Append { stream: append.stream.name(), expected: append.expected, events })
}
