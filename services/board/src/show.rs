//! A case as the API shows it to one caller.

mod case_view;
mod parts;

use std::sync::Arc;

use case::Case;
use case::actor::Actor;
use case::hands;
use jiff::Timestamp;
use ledger::Ledger;
use registry::Registry;
use vault::Keyring;
use wire::pb::whistle::board::v1 as pb;
use wire::view;

use crate::words::{Reading, shortened};

pub(crate) use case_view::case_view;

/// Characters of a title.
const TITLE_CHARS_MAX: usize = 60;

/// Everything that goes into showing cases to one caller.
pub(crate) struct Shower {
    /// The keys of the cases that are shown.
    pub(crate) keyring: Keyring,
    pub(crate) ledger: Ledger,
    pub(crate) registry: Arc<Registry>,
    pub(crate) actor: Actor,
    pub(crate) now: Timestamp,
}

impl Shower {
    pub(crate) fn reading<'a>(&'a self, case: &'a Case) -> Reading<'a> {
        Reading::new(&self.keyring, case, &self.actor, &self.registry)
    }

    /// The case in one line.
    pub(crate) fn summary(&self, case: &Case, number: String) -> pb::CaseSummary {
        let (registry, now) = (self.registry.as_ref(), self.now);
        let reading = self.reading(case);
        let running = case.clocks.iter().filter(|clock| clock.phase == case::state::ClockPhase::Running);
        let colour = view::worst_colour(&case.clocks, registry, now);
        pb::CaseSummary {
            case_id: case.id.to_string(),
            case_number: number,
            version: case.version,
            status: view::code(case.status),
            status_since_time: Some(wire::timestamp(case.status_since)),
            raised_time: Some(wire::timestamp(case.raised_at)),
            ended_time: case.ended_at.map(wire::timestamp),
            profile: view::code(case.profile),
            channel: view::code(case.channel),
            grade: view::code_or_none(case.grade),
            matter: case.matter.as_ref().map(|id| view::matter(id, registry)),
            area: case.area().map(|code| view::area(code, registry)),
            compound: case.compound().map(|id| view::compound(id, registry)),
            building: case.place.building.as_ref().map(|id| view::building(id, registry)),
            title: case.text.as_ref().map(|text| shortened(reading.words("text", text), TITLE_CHARS_MAX)),
            in_hands: hands::in_hands(case, registry)
                .iter()
                .map(|holder| view::holder(holder, registry))
                .collect(),
            lead: case.lead().map(|lead| view::org(&lead.org, registry)),
            due_time: running.map(|clock| clock.due_at).min().map(wire::timestamp),
            colour: colour.map(|cut| cut.name.clone()).unwrap_or_default(),
            colour_name: colour.map(|cut| cut.name_zh.clone()).unwrap_or_default(),
            overdue: case.clocks.iter().any(|clock| view::is_overdue(clock, now)),
            outcome: view::code_or_none(case.outcome),
            whistles_open: count(case.whistles.iter().filter(|whistle| whistle.phase.is_open()).count()),
        }
    }
}

/// Parts of a case are bounded by the policies, far below 2³².
fn count(parts: usize) -> u32 {
    u32::try_from(parts).unwrap_or(u32::MAX)
}
