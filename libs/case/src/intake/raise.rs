//! Taking a case. A citizen is never refused: what is missing or wrong is listed, and the case waits for somebody to settle it.

use registry::ids::{MatterId, OrgId, PersonId, Role};

use crate::actor::Actor;
use crate::clocks;
use crate::event::Event;
use crate::event::intake::CaseRaised;
use crate::event::parts::{Channel, Defect, DemandKind, Evidence, Profile, Reporter, Ticket};
use crate::ids::CaseId;
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{PlaceGiven, Rules, evidence, forbids};
use crate::sealed::Sealed;
use crate::state::Case;
use crate::time::At;

/// A case to be made (上报).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raise {
    /// The way it takes.
    pub profile: Profile,
    /// How it came in.
    pub channel: Channel,
    /// Who stands behind it.
    pub reporters: Vec<Reporter>,
    /// What was said.
    pub text: Option<Sealed>,
    /// Where, as given.
    pub place: PlaceGiven,
    /// What is handled, as given.
    pub matter: Option<String>,
    /// What the reporter wants.
    pub demand: Option<DemandKind>,
    /// The source's own class, at most 64 bytes.
    pub demand_class: Option<String>,
    /// The source's ticket.
    pub ticket: Option<Ticket>,
    /// The source's own deadline.
    pub external_due_at: Option<At>,
    /// Fields of the source without a place here.
    pub source_fields: Option<Sealed>,
    /// Organisations complained of.
    pub about: Vec<OrgId>,
    /// Persons complained of.
    pub about_persons: Vec<PersonId>,
    /// Photos and papers, by content.
    pub evidence: Vec<Evidence>,
    /// Defects whoever decoded the message found: damaged text, a contact that is none, unreadable fields.
    pub defects: Vec<Defect>,
    /// Whether the reporter asked to stay unknown.
    pub confidential: bool,
    /// The case it is split from.
    pub split_from: Option<CaseId>,
    /// The ended case it takes up again.
    pub follows: Option<CaseId>,
    /// When it happened, as told.
    pub occurred_at: At,
}

/// Who may raise a case of a profile.
fn raisers(profile: Profile) -> &'static [Role] {
    match profile {
        Profile::Hotline => &[Role::CallTaker, Role::SourceSystem, Role::Receptionist],
        Profile::GridWorker | Profile::SelfHandled => &[Role::GridWorker],
        Profile::Public => &[Role::Resident, Role::LaneSteward, Role::Receptionist, Role::CommunityOfficer],
        Profile::WhistleOnly => &[
            Role::CommunityOfficer,
            Role::SubdistrictOfficer,
            Role::SubdistrictLeader,
            Role::DistrictCentre,
            Role::GridWorker,
        ],
        Profile::Consult => &[Role::CallTaker, Role::Receptionist, Role::SourceSystem],
        Profile::ListItem | Profile::Inspection => &[Role::Supervisor, Role::DistrictCentre],
        Profile::Care => &[Role::CommunityOfficer, Role::SubdistrictOfficer],
        Profile::Imported => &[Role::SourceSystem, Role::Operator, Role::Registrar],
    }
}

/// Decides that a case is made.
///
/// # Errors
/// [`Refusal`] when the caller may not raise such a case, or the case exists already. Never for what a citizen left out.
pub fn raise(
    case: &Case,
    raise: &Raise,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<Vec<Event>, Refusal> {
    let events = raised(case, raise, actor, rules, now)?;
    Ok(clocks::with_clocks(case, events, rules, now))
}

/// The raising alone, without its clocks.
pub(crate) fn raised(
    case: &Case,
    raise: &Raise,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<Vec<Event>, Refusal> {
    let by = actor.sign(raisers(raise.profile))?;
    if case.exists() {
        return Err(forbids("case", StateReason::AlreadyDone));
    }
    bounds(raise, rules)?;
    let (place, mut defects) = raise.place.resolve(rules.registry);
    let known = |id: &MatterId| rules.registry.matter(id).is_some();
    let matter = raise.matter.as_ref().and_then(|given| MatterId::new(given.as_str()).ok()).filter(known);
    if raise.matter.is_some() && matter.is_none() {
        defects.push(Defect::MatterUnknown);
    } else if matter.is_none() && raise.profile == Profile::Hotline {
        defects.push(Defect::MatterMissing);
    }
    if raise.profile == Profile::Consult {
        // A question need not lie anywhere.
        defects.retain(|defect| *defect != Defect::PlaceMissing);
    }
    if raise.text.is_none() {
        defects.push(Defect::TextMissing);
    }
    if !plausible(raise.occurred_at, rules, now) {
        defects.push(Defect::TimeImplausible);
    }
    defects.extend(raise.defects.iter().copied());
    defects.sort_unstable();
    defects.dedup();
    if raise.profile == Profile::Imported {
        // History is taken as it is: nobody will triage it.
        defects.clear();
    }
    Ok(vec![
        CaseRaised {
            by,
            profile: raise.profile,
            channel: raise.channel,
            reporters: raise.reporters.clone(),
            text: raise.text.clone(),
            place,
            matter,
            demand: raise.demand,
            demand_class: raise.demand_class.clone(),
            ticket: raise.ticket.clone(),
            external_due_at: raise.external_due_at,
            source_fields: raise.source_fields.clone(),
            about: raise.about.clone(),
            about_persons: raise.about_persons.clone(),
            evidence: raise.evidence.clone(),
            defects,
            confidential: raise.confidential,
            split_from: raise.split_from,
            follows: raise.follows,
            registry_version: rules.registry.version(),
        }
        .into(),
    ])
}

/// Whether something can have happened then: not later than a device's clock may run ahead, not before there were records.
fn plausible(occurred_at: At, rules: &Rules<'_>, now: At) -> bool {
    let skew_s = i64::from(rules.registry.limits().occurred_skew_minutes).saturating_mul(60);
    let ahead_s = occurred_at.instant().as_second().saturating_sub(now.instant().as_second());
    ahead_s <= skew_s && occurred_at.instant().as_second() > 0
}

fn bounds(raise: &Raise, rules: &Rules<'_>) -> Result<(), Refusal> {
    let limits = rules.registry.limits();
    if raise.reporters.len() > limits.reporters_max as usize {
        return Err(Refusal::Limit { name: "reporters_max", limit: limits.reporters_max });
    }
    let mut violations = Vec::new();
    if raise.demand_class.as_ref().is_some_and(|class| class.len() > 64) {
        violations.push(Violation::new("demand_class", "TOO_LONG", "at most 64 bytes"));
    }
    if raise.ticket.as_ref().is_some_and(|ticket| ticket.number.is_empty() || ticket.number.len() > 64) {
        violations.push(Violation::new("ticket.number", "OUT_OF_RANGE", "1 to 64 bytes"));
    }
    if raise.about.len() > limits.parties_max as usize
        || raise.about_persons.len() > limits.parties_max as usize
    {
        violations.push(Violation::new("about", "TOO_MANY", "as many as a whistle may call"));
    }
    if !violations.is_empty() {
        return Err(Refusal::Invalid(violations));
    }
    evidence(&raise.evidence, "evidence", rules)
}
