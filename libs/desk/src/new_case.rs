//! Commands that make a case. Its id is known before it is, so its words are sealed first, or on the way with it.

use case::ids::CaseId;
use case::sealed::Sealed;
use case::time::At;
use ledger::{Done, ExecuteError, Rider};
use tonic::{Request, Status};
use uuid::Uuid;
use vault::{Contact, NewContact, SealRequest};
use wire::{
    CollectingSeal, Envelope, Failure, NewCaseRequest, ReplayingSeal, Told, canonical, parse_command_id,
};

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
        R: NewCaseRequest + Clone,
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
        R: NewCaseRequest + Clone,
        R::Command: Sync,
    {
        let again = (caller.clone(), request.clone(), traceparent.clone());
        let mut prepared = self.prepare_for(caller, request, traceparent, Keys::Along).await?;
        adjust(&mut prepared);
        match self.try_one(&prepared, prepared.envelope.case_id, decide).await {
            // The keys are there already, from a try that ended between vault and log: these words are sealed under them.
            Err(Undecided::Ledger(ExecuteError::RiderRefused)) => {}
            done => return Ok(done?),
        }
        let (caller, request, traceparent) = again;
        let mut prepared = self.prepare_for(caller, request, traceparent, Keys::Before).await?;
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
        self.prepare_for(caller, request.into_inner(), traceparent, Keys::Along).await
    }

    async fn prepare_for<R: NewCaseRequest>(
        &self,
        caller: Caller,
        request: R,
        traceparent: Option<String>,
        keys: Keys,
    ) -> Result<Prepared<R::Command>, Status> {
        let told = Told { source: caller.principal.source.as_ref(), now: At::new(self.clock.now()) };
        let mut collecting = CollectingSeal::default();
        let understood = request.command(&told, &mut collecting);
        let command_id = match (parse_command_id(request.command_id()), understood) {
            (Ok(command_id), Ok(_)) => command_id,
            (command_id, understood) => {
                let violations = command_id.err().into_iter().chain(understood.err()).flatten().collect();
                return Err(Failure::Invalid(violations).into());
            }
        };
        let case_id = self.new_case_id(&caller, request.ticket_number(), command_id)?;
        let contacts: Vec<_> = request
            .contacts()
            .into_iter()
            .map(|told| (told.key_id, Contact { name: told.name, phone: told.phone }))
            .collect();
        let kept: Vec<_> =
            contacts.iter().map(|(key_id, contact)| NewContact { case: case_id, key_id, contact }).collect();
        let (sealed, rider) = self.seal_new(case_id, &collecting, &kept, keys).await?;
        let command = request.command(&told, &mut ReplayingSeal::new(sealed)).map_err(Failure::Invalid)?;
        let envelope = Envelope { command_id, case_id, expected_version: None, occurred_at: None };
        let mac = self.secrets()?.request_mac(&canonical(R::RPC, &request));
        let mut context = self.context(&caller, &envelope, mac, traceparent);
        (context.makes_cases, context.rider) = (true, rider);
        Ok(Prepared { caller, envelope, command, context })
    }

    async fn seal_new(
        &self,
        case: CaseId,
        collected: &CollectingSeal,
        contacts: &[NewContact<'_>],
        keys: Keys,
    ) -> Result<(Vec<Sealed>, Option<Rider>), Status> {
        let nothing = collected.texts.is_empty() && contacts.is_empty();
        if keys == Keys::Before || nothing {
            return Ok((self.seal(case, collected, contacts).await?, None));
        }
        let requests: Vec<SealRequest<'_>> = collected
            .texts
            .iter()
            .map(|(key_id, field, plaintext)| SealRequest { case, key_id, field, plaintext })
            .collect();
        let sealed = self.vault.seal_new(&requests, contacts).await.map_err(|error| of_vault(&error))?;
        Ok((sealed.sealed, sealed.rider.map(|rider| Rider(rider.to_vec()))))
    }

    fn new_case_id(&self, caller: &Caller, ticket: Option<&str>, command_id: Uuid) -> Result<CaseId, Status> {
        match (&caller.principal.source, ticket.filter(|number| !number.is_empty())) {
            (Some(source), Some(number)) => Ok(self.secrets()?.case_id_for_ticket(source, number)),
            _ => {
                let (ledger, principal) = (self.ledger.id().as_bytes(), caller.principal.id.as_bytes());
                Ok(CaseId::derived("whistle/case", &[ledger, principal, command_id.as_bytes()]))
            }
        }
    }
}
