//! From a commit to what departments hear of it. Pure: the same commit under the same registry gives the same rows.

use case::event::Recorded;
use case::event::parts::Subject;
use case::flow::Status;
use case::ids::{ClockNo, MeasureNo, ObligationNo, RequestNo, WhistleNo};
use case::state::{Case, Obligation, RequestKind};
use projection::{CaseChange, Change};
use registry::Registry;
use registry::ids::OrgId;
use serde_json::Value;
use uuid::Uuid;

use super::kinds::{Kind, kind};
use super::row::{DueRow, DutyRow, EventRow};

/// The rows of everything a commit did to its cases, in order of position.
pub(super) fn rows(change: &Change<'_>) -> Vec<EventRow> {
    let registry = change.registry.map(AsRef::as_ref);
    let mut rows = Vec::new();
    for one in &change.cases {
        rows.extend(rows_of_case(one, registry, |position| change.commit.event_id(position)));
    }
    rows.sort_by_key(|row| row.position);
    rows
}

fn rows_of_case(
    change: &CaseChange<'_>,
    registry: Option<&Registry>,
    id_of: impl Fn(u64) -> Uuid,
) -> Vec<EventRow> {
    let mut step = change.before.as_ref().clone();
    let mut rows = Vec::new();
    for recorded in &change.events {
        let kind = kind(recorded.event.event_type());
        if kind == Kind::Silent {
            step.evolve(recorded);
            continue;
        }
        let (before, status) = (step.obligations.clone(), step.status);
        step.evolve(recorded);
        let fold = Fold { kind, before, step: &step, after: &change.after, registry };
        let row = fold.row(id_of(recorded.position), recorded, status);
        if !row.audience().is_empty() {
            rows.push(row);
        }
    }
    rows
}

/// One event between two states.
struct Fold<'a> {
    kind: Kind,
    before: Vec<Obligation>,
    step: &'a Case,
    after: &'a Case,
    registry: Option<&'a Registry>,
}

impl Fold<'_> {
    fn row(&self, event_id: Uuid, recorded: &Recorded, from: Status) -> EventRow {
        let mut row = EventRow::begin(event_id, recorded, self.after, from.name());
        row.to_status = self.step.status.name().to_owned();
        row.outcome = self.step.outcome.as_ref().map(super::row::stored_name);
        row.whistle = row.number("whistle").map(WhistleNo);
        row.measures = measures(&row);
        let clock = row.number("clock").and_then(|no| self.after.clock(ClockNo(no)));
        row.clock = clock.map(DueRow::of);
        row.reply_due_at =
            row.payload.get("reply_due_at").cloned().and_then(|at| serde_json::from_value(at).ok());
        row.told = self.told(&row);
        let concerned = self.concerned(&row);
        row.duties = self.after.obligations.iter().filter_map(|duty| self.duty(duty, &concerned)).collect();
        row
    }

    /// The duties the event names, by whichever number it has.
    fn named(&self, row: &EventRow) -> Vec<ObligationNo> {
        let mut named: Vec<ObligationNo> = row.number("obligation").map(ObligationNo).into_iter().collect();
        if let Some(clock) = row.number("clock").and_then(|no| self.step.clock(ClockNo(no))) {
            named.extend(self.of_subject(clock.subject));
        }
        if let Some(request) = row.number("request") {
            named.extend(self.of_request(RequestNo(request)));
        }
        if self.kind == Kind::StruckOff {
            let measures = self.step.measures.iter().filter(|measure| row.measures.contains(&measure.no));
            named.extend(measures.map(|measure| measure.responsible));
        }
        named
    }

    fn of_subject(&self, subject: Subject) -> Option<ObligationNo> {
        match subject {
            Subject::Case => self.step.lead,
            Subject::Obligation(no) => Some(no),
            Subject::Request(no) => self.of_request(no),
            Subject::Whistle(_) => None,
        }
    }

    fn of_request(&self, no: RequestNo) -> Option<ObligationNo> {
        match self.step.request(no)?.kind {
            RequestKind::Return(no)
            | RequestKind::Objection(no)
            | RequestKind::RatingAppeal(no)
            | RequestKind::Whistle(no)
            | RequestKind::Supervision(Some(no), _) => Some(no),
            RequestKind::Extension(clock, _) => self.of_subject(self.step.clock(clock)?.subject),
            RequestKind::Supervision(None, _) | RequestKind::Suspension => self.step.lead,
            RequestKind::Void
            | RequestKind::Termination
            | RequestKind::ForceClose
            | RequestKind::Exclusion
            | RequestKind::BreakGlass(_)
            | RequestKind::Erasure(_) => None,
        }
    }

    /// The duties that stand in the message besides those the event changed.
    fn concerned(&self, row: &EventRow) -> Vec<ObligationNo> {
        let live = |duty: &&Obligation| !duty.state.is_gone() || self.held_before(duty.no).is_some();
        let all = || self.step.obligations.iter().filter(live).map(|duty| duty.no);
        let named = self.named(row);
        match self.kind {
            Kind::Case | Kind::Plan => all().collect(),
            Kind::Reminded if named.is_empty() => all().collect(),
            Kind::Called | Kind::Whistle => {
                let of_it = |no: &ObligationNo| {
                    self.step.obligation(*no).is_some_and(|duty| duty.whistle == row.whistle)
                };
                all().filter(of_it).collect()
            }
            Kind::Silent
            | Kind::Duty
            | Kind::StruckOff
            | Kind::Warned
            | Kind::Breached
            | Kind::Reminded
            | Kind::SupervisionOrdered
            | Kind::SupervisionReplied
            | Kind::Escalated => named,
        }
    }

    fn held_before(&self, no: ObligationNo) -> Option<&Obligation> {
        self.before.iter().find(|duty| duty.no == no && !duty.state.is_gone())
    }

    fn duty(&self, after: &Obligation, concerned: &[ObligationNo]) -> Option<DutyRow> {
        let step = self.step.obligation(after.no)?;
        let was = self.before.iter().find(|duty| duty.no == after.no);
        let touched = was != Some(step);
        if !touched && !concerned.contains(&after.no) {
            return None;
        }
        let mut row = DutyRow::of(self.after, after);
        row.touched = touched;
        row.held_before = self.held_before(after.no).map(|duty| self.line(&duty.org)).unwrap_or_default();
        if !step.state.is_gone() {
            row.held_after = self.line(&step.org);
        }
        row.watched_by = self.watchers(step);
        Some(row)
    }

    fn watchers(&self, duty: &Obligation) -> Vec<OrgId> {
        let watched =
            matches!(self.kind, Kind::Duty | Kind::Called | Kind::Whistle | Kind::StruckOff | Kind::Breached);
        if !watched {
            return Vec::new();
        }
        let caller = duty.whistle.and_then(|no| self.step.whistle(no)).map(|whistle| &whistle.caller);
        let lead = self.step.lead().filter(|lead| !lead.state.is_gone()).map(|lead| &lead.org);
        let parent = duty.parent.and_then(|no| self.step.obligation(no)).map(|parent| &parent.org);
        self.lines([caller, lead, parent].into_iter().flatten())
    }

    /// Organisations that hear of the event itself, duty or not.
    fn told(&self, row: &EventRow) -> Vec<OrgId> {
        let callers = || self.step.whistles.iter().map(|whistle| &whistle.caller);
        let this_caller = || row.whistle.and_then(|no| self.step.whistle(no)).map(|whistle| &whistle.caller);
        match self.kind {
            Kind::Case | Kind::Plan => self.lines(callers()),
            Kind::Called | Kind::Whistle => self.lines(this_caller().into_iter()),
            Kind::Warned | Kind::Breached => {
                let clock = row.number("clock").and_then(|no| self.step.clock(ClockNo(no)));
                match clock.map(|clock| clock.subject) {
                    Some(Subject::Whistle(no)) => {
                        self.lines(self.step.whistle(no).map(|whistle| &whistle.caller).into_iter())
                    }
                    Some(Subject::Case | Subject::Obligation(_) | Subject::Request(_)) | None => Vec::new(),
                }
            }
            Kind::Escalated => {
                let recipients = row.payload.get("recipients").and_then(Value::as_array);
                let orgs = recipients.into_iter().flatten().filter_map(|told| told.get("org")?.as_str());
                let orgs: Vec<OrgId> = orgs.filter_map(|org| OrgId::new(org).ok()).collect();
                self.lines(orgs.iter())
            }
            Kind::Silent
            | Kind::Duty
            | Kind::StruckOff
            | Kind::Reminded
            | Kind::SupervisionOrdered
            | Kind::SupervisionReplied => Vec::new(),
        }
    }

    fn lines<'a>(&self, orgs: impl Iterator<Item = &'a OrgId>) -> Vec<OrgId> {
        let mut lines: Vec<OrgId> = orgs.flat_map(|org| self.line(org)).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// An organisation and those above it, as the tree stood then: whoever reads for one reads for those below.
    fn line(&self, org: &OrgId) -> Vec<OrgId> {
        let mut line = vec![org.clone()];
        let above = |org: &OrgId| self.registry.and_then(|registry| registry.org(org)?.parent.clone());
        let mut next = above(org);
        while let Some(parent) = next.filter(|parent| !line.contains(parent)) {
            next = above(&parent);
            line.push(parent);
        }
        line
    }
}

/// The numbers of the measures an event names: one struck off, or all of a plan.
fn measures(row: &EventRow) -> Vec<MeasureNo> {
    let one = row.number("measure").map(MeasureNo);
    let plan = row.payload.get("measures").and_then(Value::as_array);
    let of_plan = plan.into_iter().flatten().filter_map(|measure| measure.get("no")?.as_u64());
    one.into_iter().chain(of_plan.filter_map(|no| u32::try_from(no).ok()).map(MeasureNo)).collect()
}
