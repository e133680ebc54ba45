//! From the datums maps of China use to WGS84 and back.
//!
//! GCJ02 (maps sold in China) is WGS84 shifted by a fixed pseudo-random field; BD09 shifts that again. Both formulas are
//! public; the way back is found by iteration, to well under a metre.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// What coordinates are measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Datum {
    /// The satellites' own.
    #[default]
    Wgs84,
    /// China's geodetic datum of 2000. Treated as WGS84: they differ by centimetres to decimetres.
    Cgcs2000,
    /// The shifted datum of maps sold in China.
    Gcj02,
    /// GCJ02 shifted once more, by Baidu.
    Bd09,
}

/// A position in degrees, in whichever datum the context says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Latitude.
    pub lat: f64,
    /// Longitude.
    pub lon: f64,
}

const SEMI_MAJOR_AXIS_M: f64 = 6_378_245.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_693_421_622_965_943;
const BAIDU_TURN: f64 = PI * 3_000.0 / 180.0;
/// Enough for 1e-10 degrees anywhere in China; the shift is nearly constant, so each round gains two digits.
const ROUNDS: u32 = 8;

/// Shifts WGS84 to GCJ02; outside China the two are the same.
#[must_use]
pub fn wgs84_to_gcj02(at: Position) -> Position {
    let in_china = (72.004..=137.8347).contains(&at.lon) && (0.8293..=55.8271).contains(&at.lat);
    if !in_china {
        return at;
    }
    let (x, y) = (at.lon - 105.0, at.lat - 35.0);
    let common = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let root = x.abs().sqrt();
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + common
        + (20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin()) * 2.0 / 3.0
        + (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin()) * 2.0 / 3.0;
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + common
        + (20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin()) * 2.0 / 3.0
        + (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin()) * 2.0 / 3.0;
    let radians = at.lat.to_radians();
    let magic = 1.0 - ECCENTRICITY_SQUARED * radians.sin().powi(2);
    let meridian = SEMI_MAJOR_AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / (magic * magic.sqrt());
    let parallel = SEMI_MAJOR_AXIS_M / magic.sqrt() * radians.cos();
    Position { lat: at.lat + (north / meridian).to_degrees(), lon: at.lon + (east / parallel).to_degrees() }
}

/// Shifts GCJ02 back to WGS84.
#[must_use]
pub fn gcj02_to_wgs84(at: Position) -> Position {
    inverse(at, wgs84_to_gcj02)
}

/// Shifts GCJ02 to BD09.
#[must_use]
pub fn gcj02_to_bd09(at: Position) -> Position {
    let length = at.lon.hypot(at.lat) + 0.000_02 * (at.lat * BAIDU_TURN).sin();
    let angle = at.lat.atan2(at.lon) + 0.000_003 * (at.lon * BAIDU_TURN).cos();
    Position { lat: length * angle.sin() + 0.006, lon: length * angle.cos() + 0.006_5 }
}

/// Shifts BD09 back to GCJ02.
#[must_use]
pub fn bd09_to_gcj02(at: Position) -> Position {
    inverse(at, gcj02_to_bd09)
}

/// Finds the position that `shift` moves to `shifted`. Both shifts move by less than a hundredth of a degree and vary
/// slowly, so taking off the error of the last guess converges.
fn inverse(shifted: Position, shift: fn(Position) -> Position) -> Position {
    let mut guess = shifted;
    for _ in 0..ROUNDS {
        let there = shift(guess);
        guess.lat += shifted.lat - there.lat;
        guess.lon += shifted.lon - there.lon;
    }
    guess
}

pub(crate) fn to_wgs84(at: Position, datum: Datum) -> Position {
    match datum {
        Datum::Wgs84 | Datum::Cgcs2000 => at,
        Datum::Gcj02 => gcj02_to_wgs84(at),
        Datum::Bd09 => gcj02_to_wgs84(bd09_to_gcj02(at)),
    }
}

/// Metres in one degree of latitude, and of longitude at the equator, on a sphere of the mean radius.
pub(crate) const METRES_PER_DEGREE: f64 = 111_195.0;

/// Metres east and north of an origin; for places near each other.
pub(crate) fn metres_from(origin: Position, at: Position) -> [f64; 2] {
    let east = (at.lon - origin.lon) * METRES_PER_DEGREE * origin.lat.to_radians().cos();
    [east, (at.lat - origin.lat) * METRES_PER_DEGREE]
}
