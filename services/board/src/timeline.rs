//! What happened to a case, entry by entry, and in whose hands it was for how long.

mod clocks;
mod closing;
mod duties;
pub(crate) mod lines;
mod said;
mod sorting;
mod whistles;

use case::Case;
use case::event::parts::By;
use case::event::{Clock, Event, Recorded};
use case::hands::{self, Span};
use case::ids::CaseId;
use case::time::At;
use ledger::Envelope;
use wire::pb::whistle::board::v1 as pb;
use wire::view;

use crate::show::Shower;

/// A case with everything that happened to it.
pub(crate) struct Told {
    pub(crate) case: Case,
    pub(crate) history: Vec<(Recorded, Envelope)>,
}

/// Which entries of a timeline.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) after_version: u64,
    pub(crate) max: usize,
    pub(crate) without_clocks: bool,
}

/// The entries after a version, and the version to go on from when there are more.
pub(crate) fn entries(show: &Shower, told: &Told, wanted: Wanted) -> (Vec<pb::TimelineEntry>, Option<u64>) {
    let mut case = Case::new(told.case.id);
    let mut entries = Vec::new();
    for (recorded, envelope) in &told.history {
        case.evolve(recorded);
        let skipped = wanted.without_clocks && is_clockwork(&recorded.event);
        if recorded.version <= wanted.after_version || skipped {
            continue;
        }
        if entries.len() >= wanted.max {
            return (entries, last_before(recorded.version));
        }
        entries.push(entry(show, told, &case, recorded, envelope));
    }
    (entries, None)
}

fn last_before(version: u64) -> Option<u64> {
    version.checked_sub(1)
}

/// What only moves a clock's hands. Breaches and steps of the ladder are news.
fn is_clockwork(event: &Event) -> bool {
    matches!(
        event,
        Event::Clock(
            Clock::ClockArmed(_)
                | Clock::ClockPaused(_)
                | Clock::ClockResumed(_)
                | Clock::ClockRebased(_)
                | Clock::ClockWarned(_)
                | Clock::ClockSettled(_)
                | Clock::ClockCancelled(_)
        )
    )
}

fn entry(
    show: &Shower,
    told: &Told,
    after: &Case,
    recorded: &Recorded,
    envelope: &Envelope,
) -> pb::TimelineEntry {
    // Judged by the case as it is now: whoever is complained of by now sees no reporter, however early.
    let reading = show.reading(&told.case);
    let line = lines::line(&recorded.event, after, &show.registry);
    let (by, said) = said::of(&recorded.event, &reading);
    let raised_it = recorded.version == 1;
    let by: Option<By> = by.filter(|by| !reading.hides(by, raised_it));
    pb::TimelineEntry {
        version: recorded.version,
        position_token: desk::token::encode(&show.ledger, ledger::Position(recorded.position)),
        recorded_time: Some(wire::timestamp(recorded.recorded_at)),
        occurred_time: Some(wire::timestamp(recorded.occurred_at)),
        event_type: recorded.event.event_type().to_owned(),
        what: line.zh,
        what_en: line.en,
        who: by.map(|by| view::who(&by, &show.registry)),
        said,
        command_id: envelope.command_id.to_string(),
    }
}

/// In whose hands for how long; what lasts is counted until now.
pub(crate) fn custody(show: &Shower, id: CaseId, history: &[(Recorded, Envelope)]) -> Vec<pb::CustodySpan> {
    let events: Vec<Recorded> = history.iter().map(|(recorded, _)| recorded.clone()).collect();
    let spans = hands::custody(id, &events, &show.registry);
    spans.into_iter().map(|span| custody_span(show, &span)).collect()
}

fn custody_span(show: &Shower, span: &Span) -> pb::CustodySpan {
    let until = span.until.unwrap_or(At::new(show.now)).max(span.from);
    pb::CustodySpan {
        holder: Some(view::holder(&span.holder, &show.registry)),
        from_time: Some(wire::timestamp(span.from)),
        until_time: span.until.map(wire::timestamp),
        duration: Some(view::duration(until.instant().duration_since(span.from.instant()))),
    }
}
