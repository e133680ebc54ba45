//! What a decision is made by, and the guards every decision shares.

use registry::ids::{AreaCode, BuildingId, CompoundId, MatterId, OrgId, ReasonCode};
use registry::{Degrees, Mode, Point, Registry};

use crate::actor::{Actor, sees};
use crate::event::Event;
use crate::event::parts::{By, Defect, Evidence, EvidenceKind, GeoPoint, Ground, Place};
use crate::evolve::Standing;
use crate::flow::{self, Status};
use crate::ids::{ObligationNo, RequestNo, WhistleNo};
use crate::refusal::{Refusal, StateReason, Violation};
use crate::sealed::Sealed;
use crate::state::{Case, Obligation, Request, WhistleState};
use crate::time::At;

/// The published rules a decision is pinned to, looked up before it is made.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The registry as published.
    pub registry: &'a Registry,
    /// The mode of the case's place.
    pub mode: Mode,
}

/// A place as somebody gave it, before the registry was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceGiven {
    /// Area code, as given.
    pub area: Option<String>,
    /// Compound id, as given.
    pub compound: Option<String>,
    /// Building id, as given.
    pub building: Option<String>,
    /// A point, as given.
    pub point: Option<GeoPoint>,
    /// The place in words.
    pub note: Option<Sealed>,
}

impl PlaceGiven {
    /// Looks the place up. What is wrong with it is listed, never refused: a citizen need not know our codes.
    #[must_use]
    pub fn resolve(&self, registry: &Registry) -> (Place, Vec<Defect>) {
        let mut defects = Vec::new();
        let mut place = Place { note: self.note.clone(), ..Place::default() };
        self.resolve_point(registry, &mut place, &mut defects);
        self.resolve_compound(registry, &mut place, &mut defects);
        if let Some(given) = &self.area {
            match AreaCode::new(given.as_str()).ok().filter(|code| registry.area(code).is_some()) {
                Some(code) if place.area.as_ref().is_none_or(|found| !code.contains(found)) => {
                    place.area = Some(code)
                }
                Some(_) => {}
                None => defects.push(Defect::AreaUnknown),
            }
        }
        if place.area.is_none() && place.point.is_none() && place.note.is_none() && defects.is_empty() {
            defects.push(Defect::PlaceMissing);
        }
        if place.area.is_none() && defects.is_empty() {
            // Words or a point alone name no area: somebody has to read them.
            defects.push(Defect::PlaceMissing);
        }
        (place, defects)
    }

    fn resolve_point(&self, registry: &Registry, place: &mut Place, defects: &mut Vec<Defect>) {
        let Some(given) = self.point else { return };
        let degrees = |micro: i32| Degrees::new(f64::from(micro) / 1_000_000.0).ok();
        let in_range = given.lat_microdeg.unsigned_abs() <= 90_000_000;
        let (Some(lat), Some(lon), true) =
            (degrees(given.lat_microdeg), degrees(given.lon_microdeg), in_range)
        else {
            defects.push(Defect::PointInvalid);
            return;
        };
        place.point = Some(given);
        let found =
            registry.resolve_place(&Point { lat, lon, datum: given.datum, accuracy_m: given.accuracy_m });
        if !found.inside_district {
            defects.push(Defect::OutsideDistrict);
        }
        place.area = found.grids.first().map(|grid| grid.code.clone());
        place.compound = found.compound;
        place.building = found.building;
    }

    fn resolve_compound(&self, registry: &Registry, place: &mut Place, defects: &mut Vec<Defect>) {
        if let Some(given) = &self.building {
            match BuildingId::new(given.as_str()).ok().and_then(|id| Some((registry.building(&id)?.0, id))) {
                Some((compound, id)) => {
                    place.building = Some(id);
                    place.compound = Some(compound.id.clone());
                }
                None => defects.push(Defect::CompoundUnknown),
            }
        }
        if let Some(given) = &self.compound {
            match CompoundId::new(given.as_str()).ok().filter(|id| registry.compound(id).is_some()) {
                Some(id) => place.compound = Some(id),
                None => defects.push(Defect::CompoundUnknown),
            }
        }
        let community =
            place.compound.as_ref().and_then(|id| registry.compound(id)).map(|found| &found.community);
        if let Some(community) = community
            && place.area.as_ref().is_none_or(|area| !community.contains(area))
        {
            place.area = Some(community.clone());
        }
        defects.dedup();
    }
}

/// Whether somebody may know of the case at all.
pub(crate) fn in_sight(case: &Case, actor: &Actor, rules: &Rules<'_>) -> Result<(), Refusal> {
    if case.exists() && sees(actor, case, rules.registry) { Ok(()) } else { Err(Refusal::NotFound) }
}

impl Case {
    /// Refuses an edge the flow does not have.
    pub(crate) fn may_go(&self, to: Status) -> Result<(), Refusal> {
        if flow::allows(self.profile, self.status, to) {
            return Ok(());
        }
        Err(self.status_forbids())
    }

    pub(crate) fn status_forbids(&self) -> Refusal {
        Refusal::StatusForbids {
            status: self.status,
            allowed: flow::next(self.profile, self.status).collect(),
        }
    }

    /// Refuses unless the case stands in one of these.
    pub(crate) fn stands_in(&self, statuses: &[Status]) -> Result<(), Refusal> {
        if statuses.contains(&self.status) { Ok(()) } else { Err(self.status_forbids()) }
    }

    /// Refuses when the case has ended.
    pub(crate) fn is_still_open(&self) -> Result<(), Refusal> {
        if self.status.is_ended() { Err(self.status_forbids()) } else { Ok(()) }
    }

    pub(crate) fn find_obligation(&self, no: ObligationNo) -> Result<&Obligation, Refusal> {
        self.obligation(no).ok_or_else(|| Refusal::NoSuchPart { part: format!("obligation {no}") })
    }

    pub(crate) fn find_whistle(&self, no: WhistleNo) -> Result<&WhistleState, Refusal> {
        self.whistle(no).ok_or_else(|| Refusal::NoSuchPart { part: format!("whistle {no}") })
    }

    /// The open request of that number that asks for the right thing, and whose asker is not the one who decides.
    pub(crate) fn decidable(
        &self,
        no: RequestNo,
        by: &By,
        fits: impl Fn(&Request) -> bool,
    ) -> Result<&Request, Refusal> {
        let part = || format!("request {no}");
        let request = self.request(no).filter(|request| fits(request));
        let request = request.ok_or_else(|| Refusal::NoSuchPart { part: part() })?;
        if request.decided_at.is_some() {
            return Err(Refusal::StateForbids { part: part(), why: StateReason::AlreadyDone });
        }
        if request.lapsed_at.is_some() {
            return Err(Refusal::StateForbids { part: part(), why: StateReason::Ended });
        }
        let same = request.by.person().is_some() && request.by.person() == by.person();
        if same || request.by == *by {
            return Err(Refusal::StateForbids { part: part(), why: StateReason::SamePerson });
        }
        Ok(request)
    }

    pub(crate) fn next_request(&self) -> RequestNo {
        self.requests.last().map_or(RequestNo(1), |last| last.no.next())
    }

    pub(crate) fn next_obligation(&self) -> ObligationNo {
        self.obligations.last().map_or(ObligationNo(1), |last| last.no.next())
    }

    /// The case as it will be once these events are recorded now.
    #[must_use]
    pub fn after(&self, events: &[Event], now: At) -> Self {
        let mut case = self.clone();
        for event in events {
            let version = case.version.saturating_add(1);
            case.evolve_by(event, Standing { position: 0, version, recorded_at: now, occurred_at: now });
        }
        case
    }
}

pub(crate) fn forbids(part: impl Into<String>, why: StateReason) -> Refusal {
    Refusal::StateForbids { part: part.into(), why }
}

/// A code of a published catalogue.
pub(crate) fn reason(rules: &Rules<'_>, catalogue: &'static str, code: &ReasonCode) -> Result<(), Refusal> {
    if rules.registry.reason(catalogue, code.as_str()) {
        return Ok(());
    }
    Err(Refusal::Unregistered { what: "reason", code: format!("{catalogue}/{code}") })
}

pub(crate) fn ground(rules: &Rules<'_>, catalogue: &'static str, ground: &Ground) -> Result<(), Refusal> {
    reason(rules, catalogue, &ground.code)?;
    evidence(&ground.evidence, "ground.evidence", rules)
}

pub(crate) fn active_org(rules: &Rules<'_>, org: &OrgId, now: At) -> Result<(), Refusal> {
    if rules.registry.is_active(org, now.instant()) {
        return Ok(());
    }
    Err(Refusal::Unregistered { what: "organisation", code: org.to_string() })
}

pub(crate) fn known_matter(rules: &Rules<'_>, id: &MatterId) -> Result<(), Refusal> {
    if rules.registry.matter(id).is_some() {
        return Ok(());
    }
    Err(Refusal::Unregistered { what: "matter", code: id.to_string() })
}

/// Evidence is named by content: a hash of 64 hexadecimal digits, and not too many of it.
pub(crate) fn evidence(evidence: &[Evidence], field: &str, rules: &Rules<'_>) -> Result<(), Refusal> {
    let limit = rules.registry.limits().evidence_max;
    if evidence.len() > limit as usize {
        return Err(Refusal::Limit { name: "evidence_max", limit });
    }
    let is_hash = |text: &str| {
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let bad = evidence.iter().enumerate().filter(|(_, piece)| !is_hash(&piece.sha256));
    let violations: Vec<_> = bad
        .map(|(at, _)| {
            Violation::new(format!("{field}[{at}].sha256"), "MALFORMED", "64 lower-case hexadecimal digits")
        })
        .collect();
    if violations.is_empty() { Ok(()) } else { Err(Refusal::Invalid(violations)) }
}

pub(crate) fn shows(evidence: &[Evidence], kind: EvidenceKind) -> bool {
    evidence.iter().any(|piece| piece.shows == kind)
}
