use case::refusal::{Refusal, Violation};
use registry::ids::{AreaCode, AreaLevel, BuildingId, CompoundId, OrgId};
use registry::{Compound, Degrees, Point, Registry};
use tonic::Status;
use wire::pb::whistle::board::v1::Named;
use wire::pb::whistle::registry::v1 as pb;
use wire::{Failure, Wire, view};

/// Most places listed as lying in another.
const CONTAINS_MAX: usize = 500;

pub(super) fn resolve(
    registry: &Registry,
    asked: &pb::ResolvePlaceRequest,
) -> Result<pb::ResolvePlaceResponse, Status> {
    let found = registry.resolve_place(&point(asked)?);
    let candidate = |candidate: &registry::Candidate| {
        let named = view::area(&candidate.code, registry);
        pb::AreaCandidate {
            area_code: named.id,
            name: named.name,
            name_en: named.name_en,
            distance_m: candidate.distance_m,
        }
    };
    let compound = found.compound.as_ref().map(|id| view::compound(id, registry)).unwrap_or_default();
    let building = found.building.as_ref().map(|id| view::building(id, registry)).unwrap_or_default();
    Ok(pb::ResolvePlaceResponse {
        latitude_wgs84: found.wgs84.lat,
        longitude_wgs84: found.wgs84.lon,
        candidates: found.grids.iter().map(candidate).collect(),
        compound_id: compound.id,
        compound_name: compound.name,
        building_id: building.id,
        building_name: building.name,
        inside_district: found.inside_district,
    })
}

fn point(asked: &pb::ResolvePlaceRequest) -> Result<Point, Failure> {
    let mut violations = Vec::new();
    let mut wrong = |field: &str, expected: &str| {
        violations.push(Violation::new(field, "OUT_OF_RANGE", expected));
    };
    let Some(given) = &asked.point else {
        return Err(Failure::Invalid(vec![Violation::new("point", "REQUIRED", "a point")]));
    };
    let lat = Degrees::new(given.latitude).ok().filter(|lat| lat.micro().unsigned_abs() <= 90_000_000);
    let lon = Degrees::new(given.longitude).ok();
    let datum =
        wire::pb::whistle::case::v1::Datum::try_from(given.datum).ok().and_then(registry::Datum::from_pb);
    if lat.is_none() {
        wrong("point.latitude", "-90 to 90 degrees");
    }
    if lon.is_none() {
        wrong("point.longitude", "-180 to 180 degrees");
    }
    if datum.is_none() {
        wrong("point.datum", "the datum the device gives");
    }
    match (lat, lon, datum) {
        (Some(lat), Some(lon), Some(datum)) => Ok(Point { lat, lon, datum, accuracy_m: given.accuracy_m }),
        _ => Err(Failure::Invalid(violations)),
    }
}

pub(super) fn show(
    registry: &Registry,
    asked: &pb::ShowPlaceRequest,
) -> Result<pb::ShowPlaceResponse, Status> {
    let shown = match (asked.area_code.as_str(), asked.compound_id.as_str(), asked.building_id.as_str()) {
        (code, "", "") if !code.is_empty() => area(registry, code),
        ("", id, "") if !id.is_empty() => {
            let found = CompoundId::new(id).ok().and_then(|id| registry.compound(&id));
            found.map(|found| compound(registry, found))
        }
        ("", "", id) if !id.is_empty() => building(registry, id),
        _ => {
            let expected = "exactly one of area_code, compound_id and building_id";
            return Err(Failure::Invalid(vec![Violation::new("area_code", "REQUIRED", expected)]).into());
        }
    };
    shown.ok_or_else(|| Failure::Refused(Refusal::NotFound).into())
}

fn area(registry: &Registry, code: &str) -> Option<pb::ShowPlaceResponse> {
    let code = AreaCode::new(code).ok()?;
    registry.area(&code)?;
    let places = &registry.content().places;
    let areas = places.areas.iter().filter(|area| area.code.parent().as_ref() == Some(&code));
    let compounds = places.compounds.iter().filter(|compound| compound.community == code);
    let contains = areas.map(|area| view::area(&area.code, registry));
    let contains = contains.chain(compounds.map(|compound| view::compound(&compound.id, registry)));
    Some(pb::ShowPlaceResponse {
        place: Some(place(view::area(&code, registry))),
        contains: contains.take(CONTAINS_MAX).map(place).collect(),
        ..around(registry, &code, false)
    })
}

fn compound(registry: &Registry, found: &Compound) -> pb::ShowPlaceResponse {
    let org = |id: &Option<OrgId>| id.as_ref().map(|id| place(view::org(id, registry)));
    let buildings = found.buildings.iter().take(CONTAINS_MAX);
    pb::ShowPlaceResponse {
        place: Some(place(view::compound(&found.id, registry))),
        contains: buildings.map(|building| place(view::building(&building.id, registry))).collect(),
        owner: org(&found.owner),
        property: org(&found.property),
        owners: org(&found.owners),
        ..around(registry, &found.community, true)
    }
}

fn building(registry: &Registry, id: &str) -> Option<pb::ShowPlaceResponse> {
    let id = BuildingId::new(id).ok()?;
    let (outer, _) = registry.building(&id)?;
    let of_compound = compound(registry, outer);
    let mut within = of_compound.within;
    within.extend(of_compound.place);
    Some(pb::ShowPlaceResponse {
        place: Some(place(view::building(&id, registry))),
        contains: Vec::new(),
        within,
        ..of_compound
    })
}

/// What a place lies in, who answers there, and who is paired with its community.
fn around(registry: &Registry, code: &AreaCode, itself: bool) -> pb::ShowPlaceResponse {
    let levels = [AreaLevel::District, AreaLevel::Subdistrict, AreaLevel::Community, AreaLevel::Grid];
    let chain: Vec<AreaCode> = levels.iter().filter_map(|level| code.at(*level)).collect();
    let within = chain.iter().filter(|area| itself || *area != code);
    let answering = chain.iter().rev().filter_map(|area| registry.org_for_area(area));
    let paired = code.at(AreaLevel::Community).map(|community| registry.paired_units(&community).to_vec());
    let org = |id: &OrgId| place(view::org(id, registry));
    pb::ShowPlaceResponse {
        within: within.map(|area| place(view::area(area, registry))).collect(),
        answering: answering.map(org).collect(),
        paired_units: paired.unwrap_or_default().iter().map(org).collect(),
        ..pb::ShowPlaceResponse::default()
    }
}

fn place(named: Named) -> pb::NamedPlace {
    pb::NamedPlace { id: named.id, name: named.name, name_en: named.name_en }
}
