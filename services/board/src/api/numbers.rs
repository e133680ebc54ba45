//! Counts.

use case::flow::Status as CaseStatus;
use case::refusal::Violation;
use jiff::SignedDuration;
use registry::Registry;
use registry::ids::{AreaCode, MatterId, OrgId};
use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::pb::whistle::board::v1 as pb;
use wire::{Failure, view};

use crate::filter::may_ask;
use crate::fold::micros;
use crate::query::{self, Asked, By, Counts, Standing};
use crate::reads::checked;
use crate::sight::Clause;
use crate::{Board, sight};

impl Board {
    pub(crate) async fn count_cases(
        &self,
        metadata: &MetadataMap,
        asked: pb::CountCasesRequest,
    ) -> Result<pb::CountCasesResponse, Status> {
        let asker = self.asker(metadata)?;
        let mut violations = Vec::new();
        let filter = self.reader(&asker)?.read(&asked.filter.clone().unwrap_or_default(), &mut violations);
        let by = by(asked.by);
        if by.is_none() {
            violations.push(Violation::new("by", "REQUIRED", "by what cases are counted"));
        }
        checked(violations)?;
        let by = by.ok_or_else(|| Status::from(Failure::Internal))?;
        may_ask(&filter, &asker.actor).map_err(|refusal| Status::from(Failure::Refused(refusal)))?;
        self.reach(&asked.at_least, metadata).await?;
        let (fits, now) = (Clause::all([asker.seen(), filter.clause]), asker.now_micros());
        let (counts, position) = self.ask(move |db| query::counts(db, &fits, by, now)).await?;
        let Counts { counts, total, overdue } = counts;
        let named = |id: Option<String>| match id {
            Some(id) => heading(by, &id, &asker.registry),
            None => pb::Named::default(),
        };
        let counts = counts.into_iter().map(|count| pb::CaseCount {
            of: Some(named(count.of)),
            cases: count.cases,
            overdue: count.overdue,
        });
        let position_token = self.token(position);
        Ok(pb::CountCasesResponse { counts: counts.collect(), total, overdue, position_token })
    }

    pub(crate) async fn list_organisations(
        &self,
        metadata: &MetadataMap,
        asked: pb::ListOrganisationsRequest,
    ) -> Result<pb::ListOrganisationsResponse, Status> {
        let asker = self.asker(metadata)?;
        let mut violations = Vec::new();
        let instant = |given: Option<_>, field, otherwise, violations: &mut Vec<Violation>| match given {
            None => otherwise,
            Some(given) => view::from_timestamp(&given).map(micros).unwrap_or_else(|| {
                violations.push(Violation::new(field, "MALFORMED", "a point in time"));
                otherwise
            }),
        };
        let from_micros = instant(asked.assigned_from_time, "assigned_from_time", i64::MIN, &mut violations);
        let until_micros =
            instant(asked.assigned_until_time, "assigned_until_time", i64::MAX, &mut violations);
        let orgs = under(&asked.under_org_id, &asker.registry, &mut violations);
        checked(violations)?;
        self.reach(&asked.at_least, metadata).await?;
        let seen = asker.seen();
        let wanted = Asked { orgs, from_micros, until_micros, now_micros: asker.now_micros() };
        let (standings, position) = self.ask(move |db| query::standings(db, &seen, wanted)).await?;
        let organisations = standings.into_iter().map(|standing| shown(standing, &asker.registry)).collect();
        Ok(pb::ListOrganisationsResponse { organisations, position_token: self.token(position) })
    }
}

fn by(given: i32) -> Option<By> {
    match pb::CountBy::try_from(given).ok()? {
        pb::CountBy::Unspecified => None,
        pb::CountBy::Status => Some(By::Status),
        pb::CountBy::Subdistrict => Some(By::Subdistrict),
        pb::CountBy::Community => Some(By::Community),
        pb::CountBy::Grid => Some(By::Grid),
        pb::CountBy::Organisation => Some(By::Organisation),
        pb::CountBy::Matter => Some(By::Matter),
    }
}

/// What cases were counted under, with its name; what is no id, such as the rest, stands for itself.
fn heading(by: By, id: &str, registry: &Registry) -> pb::Named {
    let found = match by {
        By::Status => CaseStatus::from_name(id).map(view::status),
        By::Subdistrict | By::Community | By::Grid => {
            AreaCode::new(id).ok().map(|code| view::area(&code, registry))
        }
        By::Organisation => OrgId::new(id).ok().map(|id| view::org(&id, registry)),
        By::Matter => MatterId::new(id).ok().map(|id| view::matter(&id, registry)),
    };
    found.unwrap_or_else(|| pb::Named { id: id.to_owned(), name: id.to_owned(), name_en: id.to_owned() })
}

fn under(given: &str, registry: &Registry, violations: &mut Vec<Violation>) -> Option<Vec<String>> {
    if given.is_empty() {
        return None;
    }
    match OrgId::new(given) {
        Ok(org) => Some(sight::below(&org, registry).iter().map(ToString::to_string).collect()),
        Err(error) => {
            violations.push(Violation::new("under_org_id", "MALFORMED", error.to_string()));
            None
        }
    }
}

fn shown(standing: Standing, registry: &Registry) -> pb::OrganisationStanding {
    let average = |sum: u64, of: u64| sum.checked_div(of);
    let reported = i64::try_from(standing.reported_in).ok().filter(|reported| *reported > 0);
    let report_in = reported.and_then(|reported| standing.report_in_micros.checked_div(reported));
    let rating = average(standing.rating_sum.saturating_mul(100), standing.ratings);
    pb::OrganisationStanding {
        org: Some(heading(By::Organisation, &standing.org, registry)),
        duties: standing.duties,
        open: standing.open,
        overdue: standing.overdue,
        signed_late: standing.signed_late,
        reported_in: standing.reported_in,
        reported_in_late: standing.reported_late,
        report_in_average: report_in.map(|micros| view::duration(SignedDuration::from_micros(micros))),
        completed: standing.completed,
        completed_late: standing.completed_late,
        ratings: standing.ratings,
        rating_average_hundredths: rating.and_then(|rating| u32::try_from(rating).ok()).unwrap_or(0),
    }
}
