//! In whose hands a case is (在谁手里), now and through its history.

use registry::Registry;
use registry::ids::{OrgId, PersonId, Role};

use crate::event::Recorded;
use crate::event::parts::{By, Profile};
use crate::flow::Status;
use crate::ids::{CaseId, ObligationNo};
use crate::state::{Case, Obligation, ObligationState, RequestKind, WhistlePhase};
use crate::time::At;

/// Somebody whose move it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The organisation; the district centre where no other is.
    pub org: OrgId,
    /// As what they are to act, where it is a post of the centre.
    pub role: Option<Role>,
    /// The person, where one was named.
    pub person: Option<PersonId>,
    /// The duty that holds them.
    pub obligation: Option<ObligationNo>,
}

impl Holder {
    fn post(org: &OrgId, role: Role) -> Self {
        Self { org: org.clone(), role: Some(role), person: None, obligation: None }
    }

    fn duty(obligation: &Obligation) -> Self {
        Self {
            org: obligation.org.clone(),
            role: None,
            person: obligation.person.clone(),
            obligation: Some(obligation.no),
        }
    }
}

/// In whose hands the case is. Several hold it in parallel; nobody holds what has ended.
///
/// Before dispatch the post whose step is next; then every holder whose open duty blocks the next edge, the lead when none blocks;
/// while something waits for a decision, whoever decides.
#[must_use]
pub fn in_hands(case: &Case, registry: &Registry) -> Vec<Holder> {
    let centre = registry.district_centre();
    let post = |role| vec![Holder::post(centre, role)];
    let deciding = deciders(case, registry);
    if !deciding.is_empty() {
        return deciding;
    }
    match case.status {
        Status::Untriaged | Status::Raised | Status::SelfHandled => post(Role::Receptionist),
        // Looked at: the receptionist decides what follows.
        Status::Verifying if case.genuine.is_some() => post(Role::Receptionist),
        Status::Verifying => {
            let person = case.inspector.clone();
            vec![Holder { person, ..Holder::post(centre, Role::Inspector) }]
        }
        Status::Accepted => post(Role::DutyLeader),
        Status::Filed => vec![whistles_next(case).unwrap_or_else(|| Holder::post(centre, Role::Dispatcher))],
        Status::Suspended => post(Role::DistrictCentre),
        Status::Disposed => post(Role::Inspector),
        Status::Checked => post(Role::CallerBack),
        Status::Dispatched | Status::InProgress => blocking(case, centre),
        Status::Closed
        | Status::Rejected
        | Status::Merged
        | Status::Split
        | Status::Withdrawn
        | Status::Voided
        | Status::Terminated
        | Status::ForceClosed => Vec::new(),
    }
}

/// A matter of one's own is not dispatched: whoever whistled for it, and got the whistle back, whistles again.
fn whistles_next(case: &Case) -> Option<Holder> {
    if case.profile != Profile::WhistleOnly {
        return None;
    }
    let whistle = case.whistles.last()?;
    match &whistle.blown_by {
        By::Person { role, .. } => Some(Holder::post(&whistle.caller, *role)),
        By::System { .. } | By::Automatic { .. } => None,
    }
}

/// Whoever must decide before anything goes on: a whistle to approve or triage, an exit, a suspension.
fn deciders(case: &Case, registry: &Registry) -> Vec<Holder> {
    let centre = registry.district_centre();
    let mut holders = Vec::new();
    for whistle in case.whistles.iter().filter(|whistle| whistle.phase.is_open()) {
        match whistle.phase {
            WhistlePhase::Drafted if whistle.needs_approval => {
                let area = registry.org(&whistle.caller).and_then(|org| org.area.as_ref());
                let street = area.and_then(|area| registry.subdistrict_of(area)).unwrap_or(centre);
                holders.push(Holder::post(street, Role::SubdistrictLeader));
            }
            WhistlePhase::Drafted | WhistlePhase::Approved => {
                holders.push(Holder::post(centre, Role::DistrictCentre));
            }
            WhistlePhase::Triaged
            | WhistlePhase::Active
            | WhistlePhase::StoodDown
            | WhistlePhase::Withdrawn
            | WhistlePhase::HandedBack
            | WhistlePhase::Invalid => {}
        }
    }
    for request in case.requests.iter().filter(|request| case.is_pending(request)) {
        let role = match request.kind {
            RequestKind::Suspension | RequestKind::Return(_) => Role::Dispatcher,
            RequestKind::Void | RequestKind::Termination | RequestKind::ForceClose => Role::DutyLeader,
            RequestKind::Objection(_)
            | RequestKind::Extension(..)
            | RequestKind::Exclusion
            | RequestKind::BreakGlass(_)
            | RequestKind::Erasure(_)
            | RequestKind::RatingAppeal(_)
            | RequestKind::Whistle(_)
            | RequestKind::Supervision(..) => continue,
        };
        holders.push(Holder::post(centre, role));
    }
    holders.sort_unstable();
    holders.dedup();
    holders
}

fn blocking(case: &Case, centre: &OrgId) -> Vec<Holder> {
    let lead = case.lead();
    if case.status == Status::Dispatched {
        return lead
            .map(|lead| vec![Holder::duty(lead)])
            .unwrap_or_else(|| vec![Holder::post(centre, Role::Dispatcher)]);
    }
    let is_lead = |obligation: &Obligation| lead.is_some_and(|lead| lead.no == obligation.no);
    let blocks = |o: &&Obligation| o.mandatory && !o.is_settled() && case.may_begin(o) && !is_lead(o);
    let mut holders: Vec<Holder> = Vec::new();
    for obligation in case.obligations.iter().filter(blocks) {
        // Reported done but not confirmed: the move is with whoever called.
        let caller = obligation.whistle.and_then(|no| case.whistle(no)).map(|whistle| &whistle.caller);
        match (obligation.state, caller) {
            (ObligationState::Completed, Some(caller)) => {
                holders.push(Holder::post(caller, Role::SubdistrictOfficer))
            }
            _ => holders.push(Holder::duty(obligation)),
        }
    }
    if holders.is_empty() {
        holders.extend(lead.map(Holder::duty));
    }
    holders.sort_unstable();
    holders.dedup();
    holders
}

/// A stretch of time in somebody's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Who.
    pub holder: Holder,
    /// From when.
    pub from: At,
    /// Until when; none while it lasts.
    pub until: Option<At>,
}

/// In whose hands a case was, from its first event on, in order of beginning.
#[must_use]
pub fn custody(id: CaseId, events: &[Recorded], registry: &Registry) -> Vec<Span> {
    let mut case = Case::new(id);
    let mut spans: Vec<Span> = Vec::new();
    let mut events = events.iter().peekable();
    while let Some(recorded) = events.next() {
        case.evolve(recorded);
        let at = recorded.recorded_at;
        // Within one commit hands may pass several times at the same instant; only where it ends counts.
        if events.peek().is_some_and(|next| next.recorded_at == at) {
            continue;
        }
        let holders = in_hands(&case, registry);
        for span in spans.iter_mut().filter(|span| span.until.is_none() && !holders.contains(&span.holder)) {
            span.until = Some(at);
        }
        for holder in holders {
            if !spans.iter().any(|span| span.until.is_none() && span.holder == holder) {
                spans.push(Span { holder, from: at, until: None });
            }
        }
    }
    spans
}
