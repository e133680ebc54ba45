//! Making cases, one or many at a time; showing a contact; bringing in history.

use case::event::Event;
use case::intake::{Command, Raise};
use case::refusal::Violation;
use case::state::Case;
use case::time::At;
use case::{Actor, Refusal, Rules};
use desk::{Prepared, of_vault};
use futures_util::future::join_all;
use tonic::{Request, Status};
use wire::Failure;
use wire::pb::whistle::case::v1::CommandReceipt;
use wire::pb::whistle::intake::v1 as pb;
use wire::pb::whistle::intake::v1::raise_result::Result as Raised;

use crate::Intake;

/// Most cases of one batch; all of them are decided at once and share their syncs.
const BATCH_MAX: usize = 100;

/// A piece of another system's history; it has no clock, so it is decided without the time.
pub(crate) fn import(
    case: &Case,
    command: &case::import::Command,
    actor: &Actor,
    rules: &Rules<'_>,
    _now: At,
) -> Result<Vec<Event>, Refusal> {
    case::import::decide(case, command, actor, rules)
}

impl Intake {
    pub(crate) async fn raise_one(
        &self,
        request: Request<pb::RaiseCaseRequest>,
    ) -> Result<CommandReceipt, Status> {
        let done = self.desk.make(request, |prepared| self.date(prepared), case::intake::raise).await?;
        self.desk.receipt_of(&done, 0).await
    }

    /// A time that cannot be is listed as a defect; the envelope then says when it was written down.
    fn date(&self, prepared: &mut Prepared<Raise>) {
        let told = prepared.command.occurred_at.instant();
        prepared.context.occurred_at = Some(told.min(self.desk.clock.now()));
    }

    pub(crate) async fn raise_many(
        &self,
        request: Request<pb::RaiseCasesRequest>,
    ) -> Result<pb::RaiseCasesResponse, Status> {
        let caller = self.desk.caller(request.metadata())?;
        let traceparent = desk::traceparent(request.metadata());
        let items = request.into_inner().items;
        if items.is_empty() || items.len() > BATCH_MAX {
            let violation = Violation::new("items", "OUT_OF_RANGE", format!("1 to {BATCH_MAX}"));
            return Err(Failure::Invalid(vec![violation]).into());
        }
        let each = items.into_iter().map(|item| {
            let (caller, traceparent) = (caller.clone(), traceparent.clone());
            async move {
                let date = |prepared: &mut Prepared<Raise>| self.date(prepared);
                let done = self.desk.make_for(caller, item, traceparent, date, case::intake::raise).await?;
                self.desk.receipt_of(&done, 0).await
            }
        });
        let results = join_all(each).await.into_iter().map(|outcome| {
            let result =
                outcome.map_or_else(|status| Raised::Error(wire::raise_error(&status)), Raised::Receipt);
            pb::RaiseResult { result: Some(result) }
        });
        Ok(pb::RaiseCasesResponse { results: results.collect() })
    }

    /// Writes down that the contact is shown, then shows it; again only to who would be shown it now.
    pub(crate) async fn reveal(
        &self,
        request: Request<pb::RevealContactRequest>,
    ) -> Result<pb::RevealContactResponse, Status> {
        let prepared = self.desk.prepare(request).await?;
        let case = prepared.envelope.case_id;
        let done = self.desk.decide_one(&prepared, case, case::intake::decide).await?;
        if done.repeated {
            self.desk.allows_now(&prepared, case, case::intake::decide).await?;
        }
        let receipt = self.desk.receipt_of(&done, 0).await?;
        let Command::RevealContact { key_id, .. } = &prepared.command else {
            return Err(Failure::Internal.into());
        };
        let contact = self.desk.vault.contact(case, key_id).await.map_err(|error| of_vault(&error))?;
        let (name, phone) = contact.map(|contact| (contact.name, contact.phone)).unwrap_or_default();
        Ok(pb::RevealContactResponse {
            receipt: Some(receipt),
            name: name.unwrap_or_default(),
            phone: phone.unwrap_or_default(),
        })
    }
}
