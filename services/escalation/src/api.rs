//! What the API shows of clocks. Only of cases in the caller's sight: of any other there is nothing to be seen.

use std::sync::Arc;
use std::time::Duration;

use case::Rules;
use case::actor::sees;
use case::escalation::{Fire, Timer, timers};
use case::ids::CaseId;
use case::refusal::Violation;
use case::state::Case;
use case::time::At;
use desk::{Caller, of_ledger, token};
use jiff::Timestamp;
use projection::{Behind, ReadError};
use registry::Lang;
use registry::ids::{AreaCode, OrgId};
use tonic::{Request, Response, Status};
use uuid::Uuid;
use wire::pb::whistle::escalation::v1 as pb;
use wire::pb::whistle::escalation::v1::escalation_service_server::EscalationService;
use wire::{Failure, view};

use crate::Escalation;
use crate::rows::{self, DueRow, Place, Wanted};

/// Clocks on a page when none is asked for, and at most.
const PAGE_SIZE: i32 = 50;
const PAGE_SIZE_MAX: i32 = 200;
/// Rows looked at for one page; a caller who sees little gets a short page and a token to go on with.
const ROWS_LOOKED_AT_MAX: u32 = 1_000;
/// How long a read waits for its rows when the caller set no deadline of its own.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[tonic::async_trait]
impl EscalationService for Escalation {
    async fn get_case_clocks(
        &self,
        request: Request<pb::GetCaseClocksRequest>,
    ) -> Result<Response<pb::GetCaseClocksResponse>, Status> {
        let caller = self.desk.caller(request.metadata())?;
        let request = request.into_inner();
        let id = Uuid::try_parse(&request.case_id).map_err(|_| malformed("case_id", "a UUID"))?;
        let case = self.desk.ledger.read_case(CaseId(id)).await.map_err(|error| of_ledger(&error))?;
        let registry = self.desk.published()?;
        if !case.exists() || !sees(&caller.actor, &case, &registry) {
            return Err(Failure::Refused(case::Refusal::NotFound).into());
        }
        let mode = case.area().map(|area| self.desk.registry.mode_of(area)).unwrap_or_default();
        let now = self.desk.clock.now();
        let next = timers(&case, &Rules { registry: &registry, mode });
        Ok(Response::new(pb::GetCaseClocksResponse {
            clocks: case.clocks.iter().map(|clock| view::clock(clock, &registry, now)).collect(),
            next: next.iter().map(next_fire).collect(),
            version: case.version,
        }))
    }

    async fn list_due_clocks(
        &self,
        request: Request<pb::ListDueClocksRequest>,
    ) -> Result<Response<pb::ListDueClocksResponse>, Status> {
        let caller = self.desk.caller(request.metadata())?;
        let request = request.into_inner();
        let (wanted, page_size) = self.wanted(&request)?;
        if !request.at_least.is_empty() {
            let position = token::decode(&self.desk.ledger, &request.at_least).await?;
            self.view.wait_for(position, WAIT_MAX).await.map_err(|behind| of_behind(&behind))?;
        }
        let position = self.view.position();
        let rows = self.view.read(move |db| rows::due_clocks(db, &wanted, ROWS_LOOKED_AT_MAX)).await;
        let rows = rows.map_err(|error| of_read(&error))?;
        let exhausted = rows.len() < ROWS_LOOKED_AT_MAX as usize;
        let mut clocks = Vec::new();
        let mut last = None;
        for row in &rows {
            if clocks.len() >= page_size {
                break;
            }
            last = Some(*row);
            clocks.extend(self.due_clock(&caller, row).await?);
        }
        let went_through = last == rows.last().copied();
        let next_page_token =
            last.filter(|_| !(exhausted && went_through)).map(|row| row.place.token()).unwrap_or_default();
        let position_token = token::encode(&self.desk.ledger, position);
        Ok(Response::new(pb::ListDueClocksResponse { clocks, next_page_token, position_token }))
    }
}

impl Escalation {
    fn wanted(&self, request: &pb::ListDueClocksRequest) -> Result<(Wanted, usize), Status> {
        let mut violations = Vec::new();
        let mut note = |field: &str, what: &str| violations.push(Violation::new(field, "MALFORMED", what));
        let until = match &request.until_time {
            None => Some(At::new(Timestamp::MAX)),
            Some(until) => view::from_timestamp(until),
        };
        if until.is_none() {
            note("until_time", "a point in time");
        }
        let org = Some(request.org_id.as_str()).filter(|id| !id.is_empty());
        if org.is_some_and(|id| OrgId::new(id).is_err()) {
            note("org_id", "an organisation's id");
        }
        let area = Some(request.area_code.as_str()).filter(|code| !code.is_empty());
        if area.is_some_and(|code| AreaCode::new(code).is_err()) {
            note("area_code", "6, 9, 12 or 15 digits");
        }
        let after = Some(request.page_token.as_str()).filter(|token| !token.is_empty());
        let place = after.and_then(Place::from_token);
        if after.is_some() && place.is_none() {
            note("page_token", "the next_page_token of the page before");
        }
        if request.page_size < 0 {
            note("page_size", "0 for the default, or a number of clocks");
        }
        if !violations.is_empty() {
            return Err(Failure::Invalid(violations).into());
        }
        let wanted = Wanted {
            until: until.unwrap_or(At::new(Timestamp::UNIX_EPOCH)),
            org: org.map(ToOwned::to_owned),
            area: area.map(ToOwned::to_owned),
            after: place,
        };
        let page_size = if request.page_size == 0 { PAGE_SIZE } else { request.page_size.min(PAGE_SIZE_MAX) };
        Ok((wanted, usize::try_from(page_size).unwrap_or_default()))
    }

    async fn due_clock(&self, caller: &Caller, row: &DueRow) -> Result<Option<pb::DueClock>, Status> {
        let registry = self.desk.published()?;
        let case: Arc<Case> =
            self.desk.ledger.read_case(row.case).await.map_err(|error| of_ledger(&error))?;
        // The row may be older than the case; what counts is the case.
        let Some(clock) = case.clock(row.place.clock).filter(|clock| clock.is_open()) else {
            return Ok(None);
        };
        if !sees(&caller.actor, &case, &registry) {
            return Ok(None);
        }
        let org = case::escalation::holder(&case, clock, &registry);
        let number = self.desk.ledger.number(&case).await.map_err(|error| of_ledger(&error))?;
        Ok(Some(pb::DueClock {
            case_id: case.id.to_string(),
            case_number: number.unwrap_or_default(),
            clock: Some(view::clock(clock, &registry, self.desk.clock.now())),
            org_id: org.to_string(),
            org_name: registry.org_name(org, Lang::Zh).to_owned(),
        }))
    }
}

fn next_fire(timer: &Timer) -> pb::NextFire {
    let (what, step) = match &timer.fire {
        Fire::Warn(_) => ("WARN", String::new()),
        Fire::Breach => ("BREACH", String::new()),
        Fire::Step(step) => ("STEP", step.to_string()),
    };
    pb::NextFire {
        clock_no: timer.clock.0,
        time: Some(wire::timestamp(timer.at)),
        what: what.to_owned(),
        step,
    }
}

fn malformed(field: &str, expected: &str) -> Status {
    Failure::Invalid(vec![Violation::new(field, "MALFORMED", expected)]).into()
}

fn of_behind(behind: &Behind) -> Status {
    tracing::warn!(%behind, "the rows of clocks are behind");
    Failure::Unavailable.into()
}

fn of_read(error: &ReadError) -> Status {
    tracing::error!(%error, "the rows of clocks cannot be read");
    Failure::Unavailable.into()
}
