use proptest::prelude::*;

use crate::{Position, bd09_to_gcj02, gcj02_to_bd09, gcj02_to_wgs84, wgs84_to_gcj02};

fn near(one: Position, other: Position, degrees: f64) -> bool {
    (one.lat - other.lat).abs() < degrees && (one.lon - other.lon).abs() < degrees
}

#[test]
fn the_published_vectors_hold() {
    let wgs84 = Position { lat: 39.915, lon: 116.404 };
    let gcj02 = Position { lat: 39.916_404_281_501_64, lon: 116.410_244_499_169_38 };
    assert!(near(wgs84_to_gcj02(wgs84), gcj02, 1e-12), "{:?}", wgs84_to_gcj02(wgs84));
    assert!(near(gcj02_to_wgs84(gcj02), wgs84, 1e-9), "{:?}", gcj02_to_wgs84(gcj02));
    // The often published pair for the other step: GCJ02 of the same numbers to BD09.
    let bd09 = gcj02_to_bd09(wgs84);
    assert!(
        near(bd09, Position { lat: 39.921_336_993_510_21, lon: 116.410_369_493_710_29 }, 1e-9),
        "{bd09:?}"
    );
}

#[test]
fn outside_china_nothing_is_shifted() {
    let paris = Position { lat: 48.857, lon: 2.352 };
    assert_eq!(wgs84_to_gcj02(paris), paris);
}

proptest! {
    #[test]
    fn there_and_back_is_the_same_place(lat in 18.0..54.0_f64, lon in 74.0..135.0_f64) {
        let at = Position { lat, lon };
        prop_assert!(near(gcj02_to_wgs84(wgs84_to_gcj02(at)), at, 1e-8));
        prop_assert!(near(bd09_to_gcj02(gcj02_to_bd09(at)), at, 1e-8));
    }
}
