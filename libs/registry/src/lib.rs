//! Places, organisations, matters, responsibility matrix and policies; pure, with a linter.
//!
//! Belongs here: what the district has laid down as data, and the questions asked of it. Does not belong: cases, time of day, I/O.

pub mod ids;

mod content;
mod datum;
mod geometry;
mod lint;
pub mod load;
mod matrix;
mod matters;
mod orgs;
mod parts;
mod places;
mod policies;
mod registry;
mod resolve;
#[cfg(any(test, feature = "sample"))]
pub mod sample;

pub use crate::content::{Content, Jurisdiction, Source};
pub use crate::datum::{Datum, Position, bd09_to_gcj02, gcj02_to_bd09, gcj02_to_wgs84, wgs84_to_gcj02};
pub use crate::geometry::{CORNERS_MAX, Degrees, DegreesError, Point, Shape, ShapeError};
pub use crate::lint::{FINDINGS_MAX, Finding, Severity, lint};
pub use crate::load::LoadError;
pub use crate::matrix::{Assignee, MatrixQuery, MatrixRow, Responsibility};
pub use crate::matters::{Category, Grade, Matter, MatterKind, Mode, Ownership, Text};
pub use crate::orgs::{Lang, Org, OrgKind, Person, Post};
pub use crate::parts::{PARTS_MAX, Part, PartsError};
pub use crate::places::{Area, Building, Compound, Pairing, Places};
pub use crate::policies::{
    Catalogue, ClockKind, ClockQuery, ClockRule, ColourCut, LadderEffect, LadderStep, LadderWhen, Limits,
    Policies, Reason, Recipient, Scope, SettledBy, Step, Tier, WhistlePolicy, catalogue,
};
pub use crate::registry::Registry;
pub use crate::resolve::{ACCURACY_MAX_M, CANDIDATES_MAX, Candidate, PlaceMatch};

#[cfg(test)]
mod tests;
