//! Lists of cases.

use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::pb::whistle::board::v1 as pb;

use case::refusal::Violation;

use crate::filter::{Filter, may_ask};
use crate::query::{self, Found, Order};
use crate::reads::{Asker, Numbered, aside, checked};
use crate::sight::Clause;
use crate::{Board, page};

/// Cases in a page, unless the caller says.
const CASES: usize = 50;

/// A page as it is asked for.
struct Page {
    size: usize,
    order: Order,
    question: String,
}

impl Board {
    pub(crate) async fn list_cases(
        &self,
        metadata: &MetadataMap,
        asked: pb::ListCasesRequest,
    ) -> Result<pb::ListCasesResponse, Status> {
        let asker = self.asker(metadata)?;
        let mut violations = Vec::new();
        let filter = self.reader(&asker)?.read(&asked.filter.clone().unwrap_or_default(), &mut violations);
        let order = pb::CaseOrder::try_from(asked.order);
        if order.is_err() {
            violations.push(Violation::new("order", "UNKNOWN", "an order of the API"));
        }
        let by_due = order == Ok(pb::CaseOrder::Due);
        let question = page::question(&["list", &filter.question, if by_due { "due" } else { "raised" }]);
        let keys = page::numbers(&asked.page_token, &question, &mut violations);
        let size = page::size(asked.page_size, CASES, &mut violations);
        checked(violations)?;
        let order = match (by_due, keys.as_deref()) {
            (true, Some([due, number])) => Order::Due { after: Some((*due, *number)) },
            (true, _) => Order::Due { after: None },
            (false, keys) => Order::Raised { before: keys.and_then(|keys| keys.first().copied()) },
        };
        self.reach(&asked.at_least, metadata).await?;
        let (cases, next_page_token, position_token) =
            self.page(&asker, filter, Page { size, order, question }).await?;
        Ok(pb::ListCasesResponse { cases, next_page_token, position_token })
    }

    pub(crate) async fn search_cases(
        &self,
        metadata: &MetadataMap,
        asked: pb::SearchCasesRequest,
    ) -> Result<pb::SearchCasesResponse, Status> {
        let asker = self.asker(metadata)?;
        let mut violations = Vec::new();
        if asked.text.is_empty() {
            violations.push(Violation::new("text", "REQUIRED", "what to look for"));
        }
        let wanted = pb::CaseFilter { text: asked.text, ..pb::CaseFilter::default() };
        let filter = self.reader(&asker)?.read(&wanted, &mut violations);
        for violation in violations.iter_mut().filter(|violation| violation.field == "filter.text") {
            "text".clone_into(&mut violation.field);
        }
        let question = page::question(&["search", &filter.question]);
        let keys = page::numbers(&asked.page_token, &question, &mut violations);
        let size = page::size(asked.page_size, CASES, &mut violations);
        checked(violations)?;
        let order = Order::Raised { before: keys.and_then(|keys| keys.first().copied()) };
        self.reach(&asked.at_least, metadata).await?;
        let (cases, next_page_token, position_token) =
            self.page(&asker, filter, Page { size, order, question }).await?;
        Ok(pb::SearchCasesResponse { cases, next_page_token, position_token })
    }

    /// A page of cases, the token of the next, and what it is as of.
    async fn page(
        &self,
        asker: &Asker,
        filter: Filter,
        page: Page,
    ) -> Result<(Vec<pb::CaseSummary>, String, String), Status> {
        may_ask(&filter, &asker.actor).map_err(|refusal| Status::from(wire::Failure::Refused(refusal)))?;
        let fits = Clause::all([asker.seen(), filter.clause]);
        let Page { size, order, question } = page;
        let (mut found, position) = self.ask(move |db| query::cases(db, &fits, order, size)).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next = found.last().filter(|_| more).map(|last| next_token(&question, order, last));
        let cases = self.cases_for(asker, found.iter().map(|found| found.case).collect()).await?;
        let summaries = self.summaries(asker, cases).await?;
        Ok((summaries, next.unwrap_or_default(), self.token(position)))
    }

    pub(crate) async fn summaries(
        &self,
        asker: &Asker,
        cases: Vec<Numbered>,
    ) -> Result<Vec<pb::CaseSummary>, Status> {
        let show = self.shower(asker, cases.iter().map(|(case, _)| case.as_ref())).await?;
        aside(move || cases.into_iter().map(|(case, number)| show.summary(&case, number)).collect()).await
    }
}

fn next_token(question: &str, order: Order, last: &Found) -> String {
    let number = last.number.to_string();
    match order {
        Order::Raised { .. } => page::token(question, &[&number]),
        Order::Due { .. } => page::token(question, &[&last.due.to_string(), &number]),
    }
}
