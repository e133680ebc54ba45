//! Merging and splitting: commands on several cases at once.

use std::sync::Arc;

use case::ids::CaseId;
use case::intake::{Raise, merge, split};
use case::time::At;
use desk::Prepared;
use tonic::{Request, Status};
use wire::pb::whistle::intake::v1 as pb;
use wire::{CollectingSeal, Failure, ReplayingSeal, Told};

use crate::Intake;

impl Intake {
    pub(crate) async fn merge(
        &self,
        request: Request<pb::MergeCaseRequest>,
    ) -> Result<pb::MergeCaseResponse, Status> {
        let prepared = self.desk.prepare(request).await?;
        let (child, parent) = (prepared.envelope.case_id, prepared.command);
        if child == parent {
            let violation = case::refusal::Violation::new("into_case_id", "SAME", "another case");
            return Err(Failure::Invalid(vec![violation]).into());
        }
        let (actor, ids) = (&prepared.caller.actor, [child, parent]);
        let done = self.desk.decide_many(&prepared.context, &ids, |cases, ruling| {
            let [child, parent] = cases else { return Ok(Vec::new()) };
            let (of_child, of_parent) = merge(child, parent, actor, &ruling.rules(child), ruling.now)?;
            Ok(vec![of_child, of_parent])
        });
        let done = done.await?;
        Ok(pb::MergeCaseResponse {
            receipt: Some(self.desk.receipt_of(&done, 0).await?),
            into: Some(self.desk.receipt_of(&done, 1).await?),
        })
    }

    pub(crate) async fn split(
        &self,
        request: Request<pb::SplitCaseRequest>,
    ) -> Result<pb::SplitCaseResponse, Status> {
        let asked = request.get_ref().children.clone();
        let prepared = self.desk.prepare(request).await?;
        let parent = prepared.envelope.case_id;
        self.desk.must_exist(parent).await?;
        let born: Vec<CaseId> =
            (0_u32..).zip(&asked).map(|(number, _)| child_id(&prepared, number)).collect();
        let _turn = self.desk.ledger.turn(&born).await;
        let mut children = Vec::with_capacity(asked.len());
        for ((number, child), id) in asked.iter().enumerate().zip(&born) {
            children.push((*id, self.child(*id, number, child).await?));
        }
        let ids: Vec<CaseId> = std::iter::once(parent).chain(born).collect();
        let actor = &prepared.caller.actor;
        let done = self.desk.decide_many(&prepared.context, &ids, |cases: &[Arc<_>], ruling| {
            let Some(parent) = cases.first() else { return Ok(Vec::new()) };
            let (of_parent, born) = split(parent, &children, actor, &ruling.rules(parent), ruling.now)?;
            Ok(std::iter::once(of_parent).chain(born).collect())
        });
        let done = done.await?;
        let mut receipts = Vec::with_capacity(children.len());
        for index in 1..ids.len() {
            receipts.push(self.desk.receipt_of(&done, index).await?);
        }
        Ok(pb::SplitCaseResponse { receipt: Some(self.desk.receipt_of(&done, 0).await?), children: receipts })
    }

    /// A child with its words sealed anew under keys of its own: erasing one child's leaves the others.
    async fn child(
        &self,
        id: CaseId,
        number: usize,
        asked: &wire::pb::whistle::case::v1::NewCase,
    ) -> Result<Raise, Status> {
        let told = Told { source: None, now: At::new(self.desk.clock.now()) };
        let field = format!("children[{number}]");
        let mut collecting = CollectingSeal::default();
        wire::raise(asked, &field, &told, &mut collecting).map_err(Failure::Invalid)?;
        let sealed = self.desk.seal_new(id, &collecting, wire::contacts(asked)).await?;
        Ok(wire::raise(asked, &field, &told, &mut ReplayingSeal::new(sealed)).map_err(Failure::Invalid)?)
    }
}

/// Follows from the command, so that a repeat names the same child.
fn child_id(prepared: &Prepared<()>, number: u32) -> CaseId {
    let (parent, command) = (prepared.envelope.case_id, prepared.envelope.command_id);
    CaseId::derived("whistle/child", &[parent.0.as_bytes(), command.as_bytes(), &number.to_be_bytes()])
}
