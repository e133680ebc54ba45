//! Coordinates and outlines as data: whole micro-degrees, so that what is stored reads back equal.

use geo::{Coord, LineString, Polygon};
use serde::{Deserialize, Serialize};

use crate::datum::{self, Datum, Position};

/// Most corners of one outline.
pub const CORNERS_MAX: usize = 4_096;
const MICRO: f64 = 1_000_000.0;

/// An angle in whole micro-degrees (about 11 cm on the ground), written as decimal degrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Degrees(i32);

/// Why a number is not an angle.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DegreesError {
    /// Not between -180 and 180, or no number.
    #[error("{0} is not between -180 and 180 degrees")]
    Range(f64),
}

impl Degrees {
    /// Rounds to the nearest micro-degree.
    ///
    /// # Errors
    /// [`DegreesError::Range`] outside -180 to 180, and for what is no number.
    pub fn new(degrees: f64) -> Result<Self, DegreesError> {
        if !(-180.0..=180.0).contains(&degrees) {
            return Err(DegreesError::Range(degrees));
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 180 million in size, checked above")]
        let micro = (degrees * MICRO).round() as i32;
        Ok(Self(micro))
    }

    /// The angle in degrees.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from(self.0) / MICRO
    }

    /// The angle in micro-degrees.
    #[must_use]
    pub fn micro(self) -> i32 {
        self.0
    }
}

impl TryFrom<f64> for Degrees {
    type Error = DegreesError;

    fn try_from(degrees: f64) -> Result<Self, DegreesError> {
        Self::new(degrees)
    }
}

impl From<Degrees> for f64 {
    fn from(degrees: Degrees) -> Self {
        degrees.get()
    }
}

/// A point as a device or a system gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Latitude.
    pub lat: Degrees,
    /// Longitude.
    pub lon: Degrees,
    /// What the numbers are measured against.
    #[serde(default)]
    pub datum: Datum,
    /// How far off it may be, in metres, where the device said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<u32>,
}

impl Point {
    /// Takes a point from decimal degrees.
    ///
    /// # Errors
    /// [`DegreesError::Range`] for a latitude beyond ±90, a longitude beyond ±180, and what is no number.
    pub fn new(lat: f64, lon: f64, datum: Datum, accuracy_m: Option<u32>) -> Result<Self, DegreesError> {
        if !(-90.0..=90.0).contains(&lat) {
            return Err(DegreesError::Range(lat));
        }
        Ok(Self { lat: Degrees::new(lat)?, lon: Degrees::new(lon)?, datum, accuracy_m })
    }

    /// The point in WGS84.
    #[must_use]
    pub fn to_wgs84(&self) -> Position {
        datum::to_wgs84(Position { lat: self.lat.get(), lon: self.lon.get() }, self.datum)
    }
}

/// An outline in WGS84.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// West, south, east, north.
    Rect([Degrees; 4]),
    /// Corners as longitude, latitude, in order; the last joins the first.
    Polygon(Vec<[Degrees; 2]>),
}

/// Why an outline encloses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// West is not west of east, or south not south of north.
    #[error("a rect is west, south, east, north, each side longer than nothing")]
    Rect,
    /// Fewer than three corners, or more than [`CORNERS_MAX`].
    #[error("a polygon has 3 to {CORNERS_MAX} corners")]
    Corners,
}

impl Shape {
    /// Checks that the outline encloses something.
    ///
    /// # Errors
    /// [`ShapeError`] says what is wrong.
    pub fn check(&self) -> Result<(), ShapeError> {
        match self {
            Self::Rect([west, south, east, north]) if west < east && south < north => Ok(()),
            Self::Rect(_) => Err(ShapeError::Rect),
            Self::Polygon(corners) if (3..=CORNERS_MAX).contains(&corners.len()) => Ok(()),
            Self::Polygon(_) => Err(ShapeError::Corners),
        }
    }

    /// The least and greatest longitude and latitude, as `[lon, lat]`.
    #[must_use]
    pub fn bounds(&self) -> ([f64; 2], [f64; 2]) {
        let mut low = [f64::MAX; 2];
        let mut high = [f64::MIN; 2];
        for [lon, lat] in self.corners() {
            low = [low[0].min(lon), low[1].min(lat)];
            high = [high[0].max(lon), high[1].max(lat)];
        }
        (low, high)
    }

    /// The outline in metres east and north of an origin. Good to a few parts in a thousand within a district.
    pub(crate) fn around(&self, origin: Position) -> Polygon<f64> {
        let metres = |[lon, lat]: [f64; 2]| datum::metres_from(origin, Position { lat, lon });
        let ring: Vec<Coord<f64>> =
            self.corners().into_iter().map(metres).map(|[x, y]| Coord { x, y }).collect();
        Polygon::new(LineString::new(ring), Vec::new())
    }

    fn corners(&self) -> Vec<[f64; 2]> {
        match self {
            Self::Rect([west, south, east, north]) => {
                let (west, south, east, north) = (west.get(), south.get(), east.get(), north.get());
                vec![[west, south], [east, south], [east, north], [west, north]]
            }
            Self::Polygon(corners) => corners.iter().map(|[lon, lat]| [lon.get(), lat.get()]).collect(),
        }
    }
}
