//! Commands that make a case. Its id is known before it is, so its words are sealed first, or on the way with it.

use case::ids::{CaseId, KeyId};
use case::time::At;
use ledger::{Done, ExecuteError, Locked, Rider};
use tonic::{Request, Status};
use uuid::Uuid;
use wire::{
    CollectingSeal, Envelope, Failure, NewCaseRequest, ReplayingSeal, SealingAtOnce, Told, canonical,
    parse_command_id,
};

use crate::sealing::as_kept;
use crate::{Caller, Decide, Desk, Prepared, Undecided, caller, of_vault};

/// When the keys of a new case's words become durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// With the commit, where the log is in another process: one way there instead of two.
    Along,
    /// Before anything is decided.
    Before,
}

impl Desk {
    /// Takes a command that makes a case from request to commit. `adjust` may change what is prepared before it is decided.
    ///
    /// The case's id follows from source and ticket, else from ledger, caller and command id: a repeat names the same case.
    ///
    /// # Errors
    /// As [`Desk::prepare`] and [`Desk::decide_one`].
    pub async fn make<R>(
        &self,
        request: Request<R>,
        adjust: impl Fn(&mut Prepared<R::Command>),
        decide: Decide<R::Command>,
    ) -> Result<Done, Status>
    where
        R: NewCaseRequest,
        R::Command: Sync,
    {
        let caller = self.caller(request.metadata())?;
        let traceparent = caller::traceparent(request.metadata());
        self.make_for(caller, request.into_inner(), traceparent, adjust, decide).await
    }

    /// The same for one of several such requests of one call.
    ///
    /// # Errors
    /// As [`Desk::make`].
    pub async fn make_for<R>(
        &self,
        caller: Caller,
        request: R,
        traceparent: Option<String>,
        adjust: impl Fn(&mut Prepared<R::Command>),
        decide: Decide<R::Command>,
    ) -> Result<Done, Status>
    where
        R: NewCaseRequest,
        R::Command: Sync,
    {
        let (mut prepared, turn) = self.prepare_for(caller, &request, traceparent, Keys::Along).await?;
        adjust(&mut prepared);
        match self.try_one(&prepared, prepared.envelope.case_id, decide).await {
            // The keys are there already, from a try that ended between vault and log: these words are sealed under them.
            Err(Undecided::Ledger(ExecuteError::RiderRefused)) => {}
            done => return Ok(done?),
        }
        drop(turn);
        let Prepared { caller, context, .. } = prepared;
        let (mut prepared, _turn) =
            self.prepare_for(caller, &request, context.traceparent, Keys::Before).await?;
        adjust(&mut prepared);
        Ok(self.try_one(&prepared, prepared.envelope.case_id, decide).await?)
    }

    /// The steps before the decision alone: the words are sealed, and where the log is in this process their keys are durable.
    ///
    /// # Errors
    /// As [`Desk::prepare`].
    pub async fn prepare_new<R: NewCaseRequest>(
        &self,
        request: Request<R>,
    ) -> Result<Prepared<R::Command>, Status> {
        let caller = self.caller(request.metadata())?;
        let traceparent = caller::traceparent(request.metadata());
        let prepared = self.prepare_for(caller, &request.into_inner(), traceparent, Keys::Along).await;
        prepared.map(|(prepared, _turn)| prepared)
    }

    /// With the turn at the case where there are contacts.
    async fn prepare_for<R: NewCaseRequest>(
        &self,
        caller: Caller,
        request: &R,
        traceparent: Option<String>,
        keys: Keys,
    ) -> Result<(Prepared<R::Command>, Option<Locked<'_>>), Status> {
        let told = Told { source: caller.principal.source.as_ref(), now: At::new(self.clock.now()) };
        let command_id = parse_command_id(request.command_id()).map_err(|mut violations| {
            let others = request.command(&told, &mut CollectingSeal::default()).err();
            violations.extend(others.into_iter().flatten());
            Failure::Invalid(violations)
        })?;
        let case_id = self.new_case_id(&caller, request.ticket_number(), command_id)?;
        let seals = match keys {
            Keys::Along => self.vault.new_case(case_id).map_err(|error| of_vault(&error))?,
            Keys::Before => None,
        };
        // Until the commit, nobody else here keeps a contact of this case.
        let takes_turn = !request.contacts().is_empty();
        let turn = if takes_turn { Some(self.ledger.turn(&[case_id]).await) } else { None };
        let (command, rider) = match seals {
            Some(seals) => sealed_along(request, &told, seals)?,
            None => (self.sealed_before(request, &told, case_id).await?, None),
        };
        let envelope = Envelope { command_id, case_id, expected_version: None, occurred_at: None };
        let mac = self.secrets()?.request_mac(&canonical(R::RPC, request));
        let mut context = self.context(&caller, &envelope, mac, traceparent);
        (context.makes_cases, context.rider) = (true, rider);
        Ok((Prepared { caller, envelope, command, context }, turn))
    }

    /// The command, its words sealed and, where the case is new, its contacts kept under keys that are durable when this returns.
    async fn sealed_before<R: NewCaseRequest>(
        &self,
        request: &R,
        told: &Told<'_>,
        case: CaseId,
    ) -> Result<R::Command, Status> {
        let mut collecting = CollectingSeal::default();
        request.command(told, &mut collecting).map_err(Failure::Invalid)?;
        let sealed = self.seal_new(case, &collecting, request.contacts()).await?;
        Ok(request.command(told, &mut ReplayingSeal::new(sealed)).map_err(Failure::Invalid)?)
    }

    fn new_case_id(&self, caller: &Caller, ticket: Option<&str>, command_id: Uuid) -> Result<CaseId, Status> {
        match (&caller.principal.source, ticket.filter(|number| !number.is_empty())) {
            (Some(source), Some(number)) => Ok(self.secrets()?.case_id_for_ticket(source, number)),
            _ => Ok(CaseId::made_by(self.ledger.id(), &caller.principal.id, command_id)),
        }
    }
}

/// The command, its words sealed and its contacts kept under keys that go with the commit.
fn sealed_along<R: NewCaseRequest>(
    request: &R,
    told: &Told<'_>,
    mut seals: vault::NewCase<'_>,
) -> Result<(R::Command, Option<Rider>), Status> {
    let mut sealing = SealingAtOnce::new(|key: &KeyId, field: &str, text: &str| seals.seal(key, field, text));
    let command = request.command(told, &mut sealing).map_err(Failure::Invalid)?;
    let kept = sealing.done().and_then(|()| {
        let contacts = as_kept(request.contacts());
        contacts.iter().try_for_each(|(key_id, contact)| seals.keep(key_id, contact))
    });
    let rider = kept.and_then(|()| seals.rider()).map_err(|error| of_vault(&error))?;
    Ok((command, rider.map(|rider| Rider(rider.into()))))
}
