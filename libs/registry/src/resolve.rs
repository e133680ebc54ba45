//! From a point to the grids, compound and building it may lie in.

use geo::{Distance, Euclidean};
use jiff::Timestamp;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use crate::datum::{METRES_PER_DEGREE, Position};
use crate::geometry::{Point, Shape};
use crate::ids::{AreaCode, AreaLevel, BuildingId, CompoundId};
use crate::orgs::valid_at;
use crate::places::{Area, Compound, Places};

/// Accuracy beyond which a point says nothing more about its grid, in metres.
pub const ACCURACY_MAX_M: u32 = 1_000;
/// Most candidates given, nearest first.
pub const CANDIDATES_MAX: usize = 8;
/// How far from the middle of a building a point may lie and still mean it, in metres: half a long block.
const BUILDING_REACH_M: f64 = 30.0;
/// Rounding of coordinates to whole micro-degrees, and of metres in a plane, in metres.
const ROUNDING_M: f64 = 0.5;

/// An area a point may lie in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its code.
    pub code: AreaCode,
    /// How far outside it the point lies, in whole metres; 0 inside.
    pub distance_m: u32,
}

/// Where a point lies.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceMatch {
    /// The point in WGS84.
    pub wgs84: Position,
    /// The grids within its accuracy, nearest first; where no grid is drawn, the deepest areas that are.
    pub grids: Vec<Candidate>,
    /// The compound that encloses it, or the only one within its accuracy.
    pub compound: Option<CompoundId>,
    /// The nearest building of that compound, when near enough.
    pub building: Option<BuildingId>,
    /// Whether it lies in the district.
    pub inside_district: bool,
}

type Boxes = RTree<GeomWithData<Rectangle<[f64; 2]>, usize>>;

/// Outlines by their boxes.
#[derive(Debug)]
pub(crate) struct PlaceTree {
    areas: Boxes,
    compounds: Boxes,
}

fn boxes<'a>(shapes: impl Iterator<Item = (usize, Option<&'a Shape>)>) -> Boxes {
    let boxed = shapes.filter_map(|(at, shape)| {
        let (low, high) = shape?.bounds();
        Some(GeomWithData::new(Rectangle::from_corners(low, high), at))
    });
    RTree::bulk_load(boxed.collect())
}

impl PlaceTree {
    pub(crate) fn new(places: &Places) -> Self {
        let areas = places.areas.iter().map(|area| area.shape.as_ref());
        let compounds = places.compounds.iter().map(|compound| compound.shape.as_ref());
        Self { areas: boxes(areas.enumerate()), compounds: boxes(compounds.enumerate()) }
    }

    pub(crate) fn resolve(&self, places: &Places, point: &Point, at: Option<Timestamp>) -> PlaceMatch {
        let wgs84 = point.to_wgs84();
        let reach_m = f64::from(point.accuracy_m.unwrap_or(0).min(ACCURACY_MAX_M)) + ROUNDING_M;
        let mut areas: Vec<(f64, &Area)> = near(&self.areas, wgs84, reach_m, |index| {
            let area = places.areas.get(index)?;
            let valid = match at {
                Some(at) => valid_at(area.from, area.until, at),
                None => area.until.is_none(),
            };
            Some((area, area.shape.as_ref()?)).filter(|_| valid)
        });
        areas.sort_by(|(a, one), (b, other)| a.total_cmp(b).then_with(|| one.code.cmp(&other.code)));
        let compound = self.compound(places, wgs84, reach_m);
        PlaceMatch {
            wgs84,
            inside_district: inside_district(places, &areas),
            grids: candidates(&areas),
            building: compound.and_then(|compound| building(compound, wgs84, reach_m)),
            compound: compound.map(|compound| compound.id.clone()),
        }
    }

    fn compound<'a>(&self, places: &'a Places, at: Position, reach_m: f64) -> Option<&'a Compound> {
        let found = near(&self.compounds, at, reach_m, |index| {
            let compound = places.compounds.get(index)?;
            Some((compound, compound.shape.as_ref()?))
        });
        let enclosing = found.iter().filter(|(distance, _)| *distance <= ROUNDING_M);
        let enclosing = enclosing.min_by(|(_, one), (_, other)| one.id.cmp(&other.id));
        match (enclosing, found.as_slice()) {
            (Some((_, compound)), _) | (None, [(_, compound)]) => Some(compound),
            (None, _) => None,
        }
    }
}

/// What lies within reach, with its distance in metres.
fn near<'a, T>(
    boxes: &Boxes,
    at: Position,
    reach_m: f64,
    find: impl Fn(usize) -> Option<(&'a T, &'a Shape)>,
) -> Vec<(f64, &'a T)> {
    let lat = reach_m / METRES_PER_DEGREE;
    let lon = lat / at.lat.to_radians().cos().max(0.01);
    let envelope = AABB::from_corners([at.lon - lon, at.lat - lat], [at.lon + lon, at.lat + lat]);
    let hits = boxes.locate_in_envelope_intersecting(envelope);
    let measured = hits.filter_map(|entry| {
        let (item, shape) = find(entry.data)?;
        Some((Euclidean.distance(&geo::Point::new(0.0, 0.0), &shape.around(at)), item))
    });
    measured.filter(|(distance, _)| *distance <= reach_m).collect()
}

fn inside_district(places: &Places, areas: &[(f64, &Area)]) -> bool {
    let is_district = |area: &Area| area.code.level() == AreaLevel::District;
    let drawn = places.areas.iter().any(|area| is_district(area) && area.shape.is_some());
    areas.iter().any(|(distance, area)| *distance <= ROUNDING_M && (!drawn || is_district(area)))
}

fn candidates(areas: &[(f64, &Area)]) -> Vec<Candidate> {
    let below_district = areas.iter().filter(|(_, area)| area.code.level() != AreaLevel::District);
    let Some(deepest) = below_district.clone().map(|(_, area)| area.code.level()).max() else {
        return Vec::new();
    };
    let chosen = below_district.filter(|(_, area)| area.code.level() == deepest).take(CANDIDATES_MAX);
    let measured =
        chosen.map(|(distance, area)| Candidate { code: area.code.clone(), distance_m: whole(*distance) });
    measured.collect()
}

fn whole(metres: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to ACCURACY_MAX_M, and the cast saturates"
    )]
    let metres = metres.round() as u32;
    metres
}

fn building(compound: &Compound, at: Position, reach_m: f64) -> Option<BuildingId> {
    let measured = compound.buildings.iter().filter_map(|building| {
        let [east, north] = crate::datum::metres_from(at, building.at?.to_wgs84());
        Some((east.hypot(north), building))
    });
    let nearest = measured.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (nearest.0 <= reach_m + BUILDING_REACH_M).then(|| nearest.1.id.clone())
}
