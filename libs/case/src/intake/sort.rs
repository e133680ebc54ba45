//! Sorting a case: triage, verification, acceptance, filing.

use registry::ids::{MatterId, PersonId, ReasonCode, Role};
use registry::{Grade, catalogue};

use crate::actor::Actor;
use crate::event::Event;
use crate::event::intake::{
    CaseAccepted, CaseAnswered, CaseFiled, CaseRejected, CaseTriaged, CaseVerified, EvidenceAttached,
    NoteAdded, RejectionAppealed, SelfHandled, SelfHandlingAudited, VerificationRequested,
};
use crate::event::parts::{By, Classification, Defect, Evidence, EvidenceKind, Profile};
use crate::flow::Status;
use crate::refusal::{Refusal, StateReason, Violation};
use crate::rules::{
    PlaceGiven, Rules, evidence as check_evidence, forbids, known_matter, reason as check_reason, shows,
};
use crate::sealed::Sealed;
use crate::state::Case;

type Decision = Result<Vec<Event>, Refusal>;

const OF_PLACE: [Defect; 5] = [
    Defect::PlaceMissing,
    Defect::AreaUnknown,
    Defect::CompoundUnknown,
    Defect::OutsideDistrict,
    Defect::PointInvalid,
];
const OF_MATTER: [Defect; 2] = [Defect::MatterMissing, Defect::MatterUnknown];

pub(super) fn triage(
    case: &Case,
    matter: Option<&MatterId>,
    place: Option<&PlaceGiven>,
    dismissed: &[Defect],
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::Receptionist, Role::Dispatcher])?;
    case.stands_in(&[Status::Untriaged])?;
    let mut remaining = case.defects.clone();
    if let Some(matter) = matter {
        known_matter(rules, matter)?;
        remaining.retain(|defect| !OF_MATTER.contains(defect));
    }
    let place = match place {
        Some(given) => {
            let (place, found) = given.resolve(rules.registry);
            remaining.retain(|defect| !OF_PLACE.contains(defect));
            remaining.extend(found);
            place
        }
        None => case.place.clone(),
    };
    // Without a matter there is nothing to file, so that defect is never let pass.
    remaining.retain(|defect| OF_MATTER.contains(defect) || !dismissed.contains(defect));
    remaining.sort_unstable();
    remaining.dedup();
    let classification =
        Classification { matter: matter.or(case.matter.as_ref()).cloned(), grade: case.grade };
    if remaining == case.defects && classification.matter == case.matter && place == case.place {
        return Err(Refusal::Invalid(vec![Violation::new(
            "command",
            "NO_EFFECT",
            "settles at least one defect",
        )]));
    }
    let registry_version = rules.registry.version();
    Ok(vec![CaseTriaged { by, classification, place, remaining, registry_version }.into()])
}

pub(super) fn request_verification(
    case: &Case,
    inspector: &PersonId,
    note: Option<&Sealed>,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::Receptionist, Role::Dispatcher])?;
    case.may_go(Status::Verifying)?;
    let may_verify = |role: &Role| matches!(role, Role::Inspector | Role::GridWorker);
    if !rules.registry.posts_of(inspector).any(|post| post.roles.iter().any(may_verify)) {
        return Err(Refusal::Unregistered { what: "inspector", code: inspector.to_string() });
    }
    Ok(vec![VerificationRequested { by, inspector: inspector.clone(), note: note.cloned() }.into()])
}

pub(super) fn verify(
    case: &Case,
    genuine: bool,
    finding: Option<&Sealed>,
    evidence: &[Evidence],
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::Inspector, Role::GridWorker])?;
    case.stands_in(&[Status::Verifying])?;
    if case.inspector.is_none() || case.inspector.as_ref() != by.person() {
        return Err(forbids("verification", StateReason::NotTheHolder));
    }
    if case.genuine.is_some() {
        return Err(forbids("verification", StateReason::AlreadyDone));
    }
    check_evidence(evidence, "evidence", rules)?;
    let evidence = evidence.to_vec();
    Ok(vec![CaseVerified { by, genuine, finding: finding.cloned(), evidence }.into()])
}

pub(super) fn accept(case: &Case, actor: &Actor) -> Decision {
    let by = actor.sign(&[Role::Receptionist, Role::CallTaker])?;
    case.stands_in(&[Status::Raised, Status::Verifying])?;
    case.may_go(Status::Accepted)?;
    if case.status == Status::Verifying && case.genuine != Some(true) {
        return Err(forbids("verification", StateReason::NotCompleted));
    }
    Ok(vec![CaseAccepted { by }.into()])
}

pub(super) fn reject(
    case: &Case,
    code: &ReasonCode,
    reply: &Sealed,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::Receptionist, Role::CallTaker])?;
    case.may_go(Status::Rejected)?;
    check_reason(rules, catalogue::REJECT, code)?;
    Ok(vec![CaseRejected { by, reason: code.clone(), reply: reply.clone() }.into()])
}

pub(super) fn appeal(case: &Case, words: Option<&Sealed>, actor: &Actor) -> Decision {
    let by = actor.sign(&[Role::Receptionist, Role::DutyLeader])?;
    case.stands_in(&[Status::Rejected])?;
    Ok(vec![RejectionAppealed { by, words: words.cloned() }.into()])
}

pub(super) fn answer(case: &Case, reply: &Sealed, actor: &Actor) -> Decision {
    let by = actor.sign(&[Role::CallTaker, Role::Receptionist])?;
    case.stands_in(&[Status::Accepted])?;
    case.may_go(Status::Closed)?;
    Ok(vec![CaseAnswered { by, reply: reply.clone() }.into()])
}

pub(super) fn self_handle(
    case: &Case,
    evidence: &[Evidence],
    note: Option<&Sealed>,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::GridWorker, Role::LaneSteward])?;
    let mut events = Vec::new();
    if case.status == Status::Raised && case.profile == Profile::SelfHandled {
        events.push(CaseAccepted { by: By::Automatic { rule: None } }.into());
    } else {
        case.stands_in(&[Status::Accepted])?;
        case.may_go(Status::SelfHandled)?;
    }
    let allowed =
        case.matter.as_ref().and_then(|id| rules.registry.matter(id)).is_some_and(|m| m.self_handling);
    if !allowed {
        return Err(forbids("matter", StateReason::NoSuchStep));
    }
    check_evidence(evidence, "evidence", rules)?;
    let mut violations = Vec::new();
    for (kind, name) in [(EvidenceKind::Before, "BEFORE"), (EvidenceKind::After, "AFTER")] {
        if !shows(evidence, kind) {
            violations.push(Violation::new("evidence", "REQUIRED", format!("one piece that shows {name}")));
        }
    }
    if !violations.is_empty() {
        return Err(Refusal::Invalid(violations));
    }
    events.push(SelfHandled { by, evidence: evidence.to_vec(), note: note.cloned() }.into());
    Ok(events)
}

pub(super) fn audit(case: &Case, passed: bool, note: Option<&Sealed>, actor: &Actor) -> Decision {
    let by = actor.sign(&[Role::Receptionist, Role::DutyLeader])?;
    case.stands_in(&[Status::SelfHandled])?;
    Ok(vec![SelfHandlingAudited { by, passed, note: note.cloned() }.into()])
}

pub(super) fn file(
    case: &Case,
    matter: Option<&MatterId>,
    grade: Option<Grade>,
    place: Option<&PlaceGiven>,
    actor: &Actor,
    rules: &Rules<'_>,
) -> Decision {
    let by = actor.sign(&[Role::DutyLeader, Role::DistrictCentre])?;
    filed(case, matter, grade, place, by, rules)
}

/// The filing itself; blowing a whistle on one's own matter files it on the way.
pub(crate) fn filed(
    case: &Case,
    matter: Option<&MatterId>,
    grade: Option<Grade>,
    place: Option<&PlaceGiven>,
    by: By,
    rules: &Rules<'_>,
) -> Decision {
    case.stands_in(&[Status::Accepted, Status::Raised])?;
    case.may_go(Status::Filed)?;
    let mut violations = Vec::new();
    let matter = matter.or(case.matter.as_ref());
    if matter.is_none() {
        violations.push(Violation::new("matter", "REQUIRED", "a filed case has a matter"));
    }
    let place = match place {
        Some(given) => {
            let (place, defects) = given.resolve(rules.registry);
            let wrong =
                defects.iter().map(|defect| Violation::new("place", "UNKNOWN", format!("{defect:?}")));
            violations.extend(wrong);
            place
        }
        None => case.place.clone(),
    };
    if place.area.is_none() && violations.is_empty() {
        violations.push(Violation::new("place.area", "REQUIRED", "a filed case lies in an area"));
    }
    let (Some(matter), true) = (matter, violations.is_empty()) else {
        return Err(Refusal::Invalid(violations));
    };
    known_matter(rules, matter)?;
    let own = rules.registry.matter(matter).map_or(Grade::Ordinary, |matter| matter.default_grade);
    Ok(vec![
        CaseFiled {
            by,
            matter: matter.clone(),
            grade: grade.unwrap_or(own),
            place,
            registry_version: rules.registry.version(),
        }
        .into(),
    ])
}

/// Whoever takes part may write; who only reads may not.
const WRITERS: [Role; 18] = [
    Role::Handler,
    Role::OrgDispatcher,
    Role::GridWorker,
    Role::LaneSteward,
    Role::Resident,
    Role::CallTaker,
    Role::Receptionist,
    Role::DutyLeader,
    Role::Dispatcher,
    Role::Inspector,
    Role::CallerBack,
    Role::Supervisor,
    Role::DistrictCentre,
    Role::CommunityOfficer,
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
    Role::SourceSystem,
    Role::Operator,
];

pub(super) fn note(case: &Case, text: &Sealed, public: bool, actor: &Actor, rules: &Rules<'_>) -> Decision {
    let by = actor.sign(&WRITERS)?;
    let limit = rules.registry.limits().notes_max;
    if case.notes >= limit {
        return Err(Refusal::Limit { name: "notes_max", limit });
    }
    Ok(vec![NoteAdded { by, text: text.clone(), public }.into()])
}

pub(super) fn attach(case: &Case, evidence: &[Evidence], actor: &Actor, rules: &Rules<'_>) -> Decision {
    let by = actor.sign(&WRITERS)?;
    if evidence.is_empty() {
        return Err(Refusal::Invalid(vec![Violation::new("evidence", "REQUIRED", "at least one piece")]));
    }
    let limit = rules.registry.limits().evidence_max;
    if (case.evidence as usize).saturating_add(evidence.len()) > limit as usize {
        return Err(Refusal::Limit { name: "evidence_max", limit });
    }
    check_evidence(evidence, "evidence", rules)?;
    Ok(vec![EvidenceAttached { by, evidence: evidence.to_vec() }.into()])
}
