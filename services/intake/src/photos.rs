//! Photos and papers over gRPC: any who may write may put; who sees a case may get what the case names.

use std::pin::Pin;

use case::actor::sees;
use case::ids::CaseId;
use case::refusal::Violation;
use desk::of_ledger;
use futures_util::{Stream, StreamExt as _};
use tonic::{Request, Status, Streaming};
use uuid::Uuid;
use wire::Failure;
use wire::pb::whistle::intake::v1 as pb;
use wire::pb::whistle::intake::v1::get_evidence_response::Part as Sent;
use wire::pb::whistle::intake::v1::put_evidence_request::Part as Received;

use crate::Intake;
use crate::evidence::Metadata;

/// Events looked through at a time for the piece that is asked for.
const PAGE: usize = 256;

/// A photo on its way out.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<pb::GetEvidenceResponse, Status>> + Send>>;

impl Intake {
    pub(crate) async fn put_photo(
        &self,
        request: Request<Streaming<pb::PutEvidenceRequest>>,
    ) -> Result<pb::PutEvidenceResponse, Status> {
        // Whoever has a token may put; what nobody names in an event is nobody's to get.
        let caller = self.desk.caller(request.metadata())?;
        let mut parts = request.into_inner();
        let first = parts.message().await?.and_then(|first| first.part);
        let Some(Received::Metadata(told)) = first else {
            return Err(violated("part", "the metadata, first and once"));
        };
        let metadata =
            Metadata { sha256: told.sha256, media_type: told.media_type, size_bytes: told.size_bytes };
        let content = parts.map(|part| match part?.part {
            Some(Received::Chunk(chunk)) => Ok(chunk.into()),
            Some(Received::Metadata(_)) | None => Err(violated("part", "a chunk")),
        });
        let put = self.evidence.put(&caller.principal.id, &metadata, content).await?;
        let stored = told_of(put.stored);
        Ok(pb::PutEvidenceResponse { stored: Some(stored), repeated: put.repeated })
    }

    pub(crate) async fn get_photo(&self, request: Request<pb::GetEvidenceRequest>) -> Result<Chunks, Status> {
        let caller = self.desk.caller(request.metadata())?;
        let request = request.into_inner();
        let id = Uuid::try_parse(&request.case_id).map_err(|_| violated("case_id", "a UUID"))?;
        let not_found = || Status::from(Failure::Refused(case::Refusal::NotFound));
        let case = self.desk.ledger.read_case(CaseId(id)).await.map_err(|error| of_ledger(&error))?;
        let registry = self.desk.published()?;
        if !case.exists()
            || !sees(&caller.actor, &case, &registry)
            || !self.names(case.id, &request.sha256).await?
        {
            return Err(not_found());
        }
        let content =
            self.evidence.get(&caller.principal.id, &request.sha256).await?.ok_or_else(not_found)?;
        let first = Sent::Metadata(told_of(content.metadata.clone()));
        let chunks = content.into_chunks().map(|chunk| Ok(Sent::Chunk(chunk?.into())));
        let parts = futures_util::stream::once(async { Ok(first) }).chain(chunks);
        Ok(Box::pin(parts.map(|part| part.map(|part| pb::GetEvidenceResponse { part: Some(part) }))))
    }

    /// Whether an event of the case names the content.
    async fn names(&self, case: CaseId, sha256: &str) -> Result<bool, Status> {
        if sha256.len() != 64 {
            return Ok(false);
        }
        let mut after = 0;
        loop {
            let page =
                self.desk.ledger.history(case, after, PAGE).await.map_err(|error| of_ledger(&error))?;
            let Some((last, _)) = page.last() else { return Ok(false) };
            after = last.version;
            let named =
                |payload: Vec<u8>| payload.windows(sha256.len()).any(|window| window == sha256.as_bytes());
            if page.iter().any(|(recorded, _)| recorded.event.encode().is_ok_and(named)) {
                return Ok(true);
            }
        }
    }
}

fn told_of(metadata: Metadata) -> pb::EvidenceMetadata {
    let Metadata { sha256, media_type, size_bytes } = metadata;
    pb::EvidenceMetadata { sha256, media_type, size_bytes }
}

fn violated(field: &str, expected: &str) -> Status {
    Failure::Invalid(vec![Violation::new(field, "MALFORMED", expected)]).into()
}
