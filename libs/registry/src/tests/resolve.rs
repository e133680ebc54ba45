use proptest::prelude::*;

use crate::ids::{AreaLevel, BuildingId};
use crate::*;

use super::{beigangyuan, code, huancui};

fn grids(found: &PlaceMatch) -> Vec<&str> {
    found.grids.iter().map(|grid| grid.code.as_str()).collect()
}

fn point(lat: f64, lon: f64, datum: Datum, accuracy_m: u32) -> Point {
    Point::new(lat, lon, datum, Some(accuracy_m)).unwrap()
}

#[test]
fn a_point_at_the_building_of_the_first_story_finds_grid_compound_and_building() {
    let registry = huancui();
    let id = BuildingId::new("qianjin-8").unwrap();
    let (compound, building) = registry.building(&id).unwrap();
    assert_eq!((compound.id.as_str(), building.name.as_str()), ("qianjin-street", "前进街8号楼"));
    let at = building.at.unwrap();
    let found = registry.resolve_place(&at);
    assert_eq!(found.building, Some(id));
    assert_eq!(found.compound.as_ref(), Some(&compound.id));
    assert!(found.inside_district);
    assert!(compound.community.contains(&found.grids[0].code));
}

#[test]
fn every_datum_leads_to_the_same_place() {
    let registry = huancui();
    let at = registry.building(&BuildingId::new("qianjin-8").unwrap()).unwrap().1.at.unwrap();
    let expected = registry.resolve_place(&at);
    let wgs84 = Position { lat: at.lat.get(), lon: at.lon.get() };
    let gcj02 = wgs84_to_gcj02(wgs84);
    let bd09 = gcj02_to_bd09(gcj02);
    for (position, datum) in [(wgs84, Datum::Cgcs2000), (gcj02, Datum::Gcj02), (bd09, Datum::Bd09)] {
        let found = registry.resolve_place(&point(position.lat, position.lon, datum, 0));
        assert_eq!((&found.grids, &found.building), (&expected.grids, &expected.building), "{datum:?}");
    }
}

#[test]
fn near_a_border_all_grids_within_the_accuracy_are_candidates_nearest_first() {
    let registry = huancui();
    // Some ten metres west of the border between the first two grids of the first community.
    let at = |accuracy_m| point(37.508, 122.124 - 0.000_113, Datum::Wgs84, accuracy_m);
    let certain = registry.resolve_place(&at(0));
    assert_eq!(grids(&certain), ["371002001001001"]);
    let doubtful = registry.resolve_place(&at(20));
    assert_eq!(grids(&doubtful), ["371002001001001", "371002001001002"]);
    assert_eq!((doubtful.grids[0].distance_m, doubtful.grids[1].distance_m), (0, 10));
}

#[test]
fn a_point_outside_the_district_is_told_so() {
    let registry = huancui();
    let found = registry.resolve_place(&point(39.915, 116.404, Datum::Wgs84, 1_000));
    assert!(!found.inside_district);
    assert_eq!((found.grids, found.compound, found.building), (Vec::new(), None, None));
}

#[test]
fn a_polygon_encloses_what_its_box_does_not_decide() {
    let registry = beigangyuan();
    let inside = registry.resolve_place(&point(36.616, 114.444, Datum::Wgs84, 0));
    assert_eq!(inside.compound.unwrap().as_str(), "beigangyuan");
    // In the box of the outline, beyond its cut corner.
    let corner = registry.resolve_place(&point(36.617_4, 114.442_1, Datum::Wgs84, 0));
    assert_eq!(corner.compound, None);
    assert_eq!(grids(&corner), ["130404001001001"]);
}

#[test]
fn a_grid_that_has_ended_is_found_only_in_its_time() {
    let mut content = sample::content();
    let end: jiff::Timestamp = "2025-01-01T00:00:00+08:00".parse().unwrap();
    let old = content.places.areas.iter_mut().find(|area| area.code == code("999900001001001")).unwrap();
    old.until = Some(end);
    let mut new = old.clone();
    (new.code, new.from, new.until) = (code("999900001001003"), Some(end), None);
    content.places.areas.push(new);
    let registry = Registry::build(ids::RegistryVersion(2), content).unwrap();
    assert_eq!(registry.warnings(), []);
    let at = point(36.005, 120.001, Datum::Wgs84, 0);
    assert_eq!(grids(&registry.resolve_place(&at)), ["999900001001003"]);
    let before: jiff::Timestamp = "2024-06-01T00:00:00Z".parse().unwrap();
    assert_eq!(grids(&registry.resolve_place_at(&at, before)), ["999900001001001"]);
}

proptest! {
    #[test]
    fn a_point_in_the_raster_lies_in_one_of_its_candidates(
        lat in 37.494..37.526_f64,
        lon in 122.084..122.156_f64,
        accuracy_m in 0_u32..2_000,
    ) {
        thread_local!(static REGISTRY: Registry = huancui());
        REGISTRY.with(|registry| {
            let found = registry.resolve_place(&point(lat, lon, Datum::Wgs84, accuracy_m));
            assert!(found.inside_district);
            assert!(found.grids.len() <= CANDIDATES_MAX);
            let first = &found.grids[0];
            assert_eq!((first.distance_m, first.code.level()), (0, AreaLevel::Grid));
            let (low, high) = registry.area(&first.code).unwrap().shape.as_ref().unwrap().bounds();
            let slack = 0.000_01;
            assert!(low[0] - slack <= lon && lon <= high[0] + slack);
            assert!(low[1] - slack <= lat && lat <= high[1] + slack);
            assert!(found.grids.iter().all(|grid| grid.distance_m <= accuracy_m.min(ACCURACY_MAX_M) + 1));
            assert!(found.grids.is_sorted_by_key(|grid| grid.distance_m));
        });
    }
}
