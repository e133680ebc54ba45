//! Areas, compounds and pairings.

use geo::Relate;
use geo::coordinate_position::CoordPos;
use geo::dimensions::Dimensions;
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree, RTreeObject};

use crate::content::Content;
use crate::datum::Position;
use crate::geometry::Shape;
use crate::ids::{AreaLevel, OrgId};
use crate::lint::Report;
use crate::lint::known::Known;
use crate::orgs::OrgKind;
use crate::places::{Area, Compound};

/// Overlaps looked at; beyond, the drawing as a whole is wrong.
const OVERLAPS_MAX: usize = 100;

pub(super) fn check(content: &Content, known: &Known<'_>, report: &mut Report) {
    for area in &content.places.areas {
        check_area(content, known, area, report);
    }
    if !content.places.areas.iter().any(|area| area.code == content.jurisdiction.code) {
        report.unknown("jurisdiction.code", "area", &content.jurisdiction.code);
    }
    for compound in &content.places.compounds {
        check_compound(known, compound, report);
    }
    for pairing in &content.places.pairings {
        let path = format!("pairings[{}]", pairing.community);
        if pairing.community.level() != AreaLevel::Community || !known.areas.contains_key(&pairing.community)
        {
            report.unknown(&path, "community", &pairing.community);
        }
        for unit in pairing.units.iter().filter(|unit| !known.orgs.contains_key(unit)) {
            report.unknown(format!("{path}.units"), "organisation", unit);
        }
    }
    check_overlaps(content, report);
}

fn check_area(content: &Content, known: &Known<'_>, area: &Area, report: &mut Report) {
    let path = format!("areas[{}]", area.code);
    match area.code.parent() {
        Some(parent) if !known.areas.contains_key(&parent) => {
            let advice = "add the area one level up, or correct the code";
            report.error(&path, format!("an orphan: there is no area {parent}"), advice);
        }
        None if area.code != content.jurisdiction.code => {
            let problem = format!("lies outside district {}", content.jurisdiction.code);
            report.error(&path, problem, "leave other districts out");
        }
        Some(_) | None => {}
    }
    if let (Some(from), Some(until)) = (area.from, area.until)
        && from >= until
    {
        report.error(format!("{path}.until"), "is not after from", "correct the validity");
    }
    check_shape(&path, area.shape.as_ref(), report);
    if area.shape.is_none() && area.code.level() == AreaLevel::Grid {
        let advice = "draw it, so that points can be resolved to it";
        report.warning(format!("{path}.shape"), "the grid has no outline", advice);
    }
}

fn check_shape(path: &str, shape: Option<&Shape>, report: &mut Report) {
    if let Some(Err(error)) = shape.map(Shape::check) {
        report.error(format!("{path}.shape"), error.to_string(), "correct the outline");
    }
}

fn check_compound(known: &Known<'_>, compound: &Compound, report: &mut Report) {
    let path = format!("compounds[{}]", compound.id);
    if compound.community.level() != AreaLevel::Community || !known.areas.contains_key(&compound.community) {
        report.unknown(format!("{path}.community"), "community", &compound.community);
    }
    check_shape(&path, compound.shape.as_ref(), report);
    let mut org = |field: &str, id: Option<&OrgId>, kind: Option<OrgKind>| {
        let Some(id) = id else { return };
        match (known.orgs.get(id), kind) {
            (None, _) => report.unknown(format!("{path}.{field}"), "organisation", id),
            (Some(org), Some(kind)) if org.kind != kind => {
                let advice = "correct the reference, or the kind of the organisation";
                report.warning(format!("{path}.{field}"), format!("{id} is a {:?}", org.kind), advice);
            }
            (Some(_), _) => {}
        }
    };
    org("owner", compound.owner.as_ref(), None);
    org("property", compound.property.as_ref(), Some(OrgKind::Property));
    org("owners", compound.owners.as_ref(), Some(OrgKind::Owners));
}

/// Grids that hold at the same time must not share ground: a point there would belong to two people.
fn check_overlaps(content: &Content, report: &mut Report) {
    let drawn = |area: &&Area| {
        area.code.level() == AreaLevel::Grid && area.shape.as_ref().is_some_and(|shape| shape.check().is_ok())
    };
    let grids: Vec<&Area> = content.places.areas.iter().filter(drawn).collect();
    let boxed = grids.iter().enumerate().filter_map(|(at, grid)| {
        let (low, high) = grid.shape.as_ref()?.bounds();
        Some(GeomWithData::new(Rectangle::from_corners(low, high), at))
    });
    let tree = RTree::bulk_load(boxed.collect());
    let mut found = 0;
    for entry in tree.iter() {
        let envelope: AABB<[f64; 2]> = entry.envelope();
        let later = tree.locate_in_envelope_intersecting(envelope).filter(|other| other.data > entry.data);
        for other in later {
            let (Some(one), Some(two)) = (grids.get(entry.data), grids.get(other.data)) else { continue };
            if found < OVERLAPS_MAX && hold_together(one, two) && share_ground(one, two) {
                found += 1;
                let path = format!("areas[{}].shape", one.code);
                report.warning(path, format!("overlaps grid {}", two.code), "draw the border once, for both");
            }
        }
    }
}

fn hold_together(one: &Area, two: &Area) -> bool {
    let ends_before =
        |a: &Area, b: &Area| matches!((a.until, b.from), (Some(end), Some(start)) if end <= start);
    !ends_before(one, two) && !ends_before(two, one)
}

fn share_ground(one: &Area, two: &Area) -> bool {
    let (Some(first), Some(second)) = (&one.shape, &two.shape) else { return false };
    let ([lon, lat], _) = first.bounds();
    let origin = Position { lat, lon };
    let relation = first.around(origin).relate(&second.around(origin));
    relation.get(CoordPos::Inside, CoordPos::Inside) == Dimensions::TwoDimensional
}
