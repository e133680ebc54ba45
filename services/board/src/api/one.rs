//! One case.

use case::ids::CaseId;
use case::refusal::{Refusal, Violation};
use case::{Case, event::Recorded};
use ledger::{Envelope, number};
use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::Failure;
use wire::pb::whistle::board::v1 as pb;

use crate::reads::{Asker, aside, case_id, checked};
use crate::show::case_view;
use crate::timeline::{Told, Wanted, custody, entries};
use crate::{Board, page, query};

/// Entries of a timeline in a page, unless the caller says.
const ENTRIES: usize = 100;
/// Events of a case read at once.
const HISTORY: usize = 10_000;
/// Most events of a case that a timeline goes through. The policies allow a case a few thousand.
const EVENTS_MAX: usize = 100_000;

impl Board {
    pub(crate) async fn get_case(
        &self,
        metadata: &MetadataMap,
        asked: pb::GetCaseRequest,
    ) -> Result<pb::GetCaseResponse, Status> {
        let asker = self.asker(metadata)?;
        let position = self.desk.ledger.head().position;
        let id = match (asked.case_id.as_str(), asked.case_number.as_str()) {
            ("", number) if !number.is_empty() => {
                self.reach(&asked.at_least, metadata).await?;
                self.numbered(number).await?
            }
            (id, "") => {
                self.known(&asked.at_least).await?;
                let mut violations = Vec::new();
                let id = case_id(id, &mut violations);
                checked(violations)?;
                id
            }
            _ => return Err(either_or()),
        };
        let id = id.ok_or_else(|| Status::from(Failure::Refused(Refusal::NotFound)))?;
        let (case, number) = self.case_for(&asker, id).await?;
        let show = self.shower(&asker, [case.as_ref()]).await?;
        let view = aside(move || case_view(&show, &case, number)).await?;
        Ok(pb::GetCaseResponse { case: Some(view), position_token: self.token(position) })
    }

    /// A single case is read from the ledger, which is as new as any token it gave; the token itself must still be one.
    async fn known(&self, at_least: &str) -> Result<(), Status> {
        if !at_least.is_empty() {
            desk::token::decode(&self.desk.ledger, at_least).await?;
        }
        Ok(())
    }

    /// The case of a display number.
    async fn numbered(&self, given: &str) -> Result<Option<CaseId>, Status> {
        let parsed = number::parse(given);
        let parsed = parsed.map_err(|error| {
            Failure::Invalid(vec![Violation::new("case_number", "MALFORMED", error.to_string())])
        })?;
        let Ok(position) = i64::try_from(parsed.position.get()) else { return Ok(None) };
        let (found, _) = self.ask(move |db| query::raised_at(db, position)).await?;
        let Some(id) = found else { return Ok(None) };
        let ledger = &self.desk.ledger;
        let case = ledger.read_case(id).await.map_err(|error| desk::of_ledger(&error))?;
        let own = ledger.number(&case).await.map_err(|error| desk::of_ledger(&error))?;
        Ok(Some(id).filter(|_| own == Some(parsed.to_string())))
    }

    pub(crate) async fn get_timeline(
        &self,
        metadata: &MetadataMap,
        asked: pb::GetTimelineRequest,
    ) -> Result<pb::GetTimelineResponse, Status> {
        let asker = self.asker(metadata)?;
        let mut violations = Vec::new();
        let id = case_id(&asked.case_id, &mut violations);
        let max = page::size(asked.page_size, ENTRIES, &mut violations);
        let question = page::question(&["timeline", &asked.case_id, &asked.without_clocks.to_string()]);
        let after = page::numbers(&asked.page_token, &question, &mut violations);
        checked(violations)?;
        self.known(&asked.at_least).await?;
        let id = id.ok_or_else(|| Status::from(Failure::Internal))?;
        self.case_for(&asker, id).await?;
        let history = self.history(id).await?;
        let case = Case::replay(id, history.iter().map(|(recorded, _)| recorded));
        let version = case.version;
        let after_version = after.as_ref().and_then(|keys| u64::try_from(*keys.first()?).ok());
        let wanted =
            Wanted { after_version: after_version.unwrap_or(0), max, without_clocks: asked.without_clocks };
        let (entries, next, custody) = self.tell(&asker, Told { case, history }, wanted).await?;
        let next_page_token =
            next.map(|version| page::token(&question, &[&version.to_string()])).unwrap_or_default();
        Ok(pb::GetTimelineResponse { entries, custody, next_page_token, version })
    }

    async fn tell(
        &self,
        asker: &Asker,
        told: Told,
        wanted: Wanted,
    ) -> Result<(Vec<pb::TimelineEntry>, Option<u64>, Vec<pb::CustodySpan>), Status> {
        let show = self.shower(asker, [&told.case]).await?;
        let work = move || {
            let (entries, next) = entries(&show, &told, wanted);
            let first = wanted.after_version == 0;
            let custody = if first { custody(&show, told.case.id, &told.history) } else { Vec::new() };
            (entries, next, custody)
        };
        aside(work).await
    }

    async fn history(&self, id: CaseId) -> Result<Vec<(Recorded, Envelope)>, Status> {
        let mut history: Vec<(Recorded, Envelope)> = Vec::new();
        loop {
            let after = history.last().map_or(0, |(recorded, _)| recorded.version);
            let page = self.desk.ledger.history(id, after, HISTORY).await;
            let page = page.map_err(|error| desk::of_ledger(&error))?;
            let last = page.len() < HISTORY;
            history.extend(page);
            if last || history.len() >= EVENTS_MAX {
                return Ok(history);
            }
        }
    }
}

fn either_or() -> Status {
    let expected = "exactly one of case_id and case_number";
    Failure::Invalid(vec![Violation::new("case_id", "REQUIRED", expected)]).into()
}
