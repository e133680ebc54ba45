//! What reading services show: names beside ids, clocks with their colour, instants and lengths of time.

mod clock;
mod named;
#[cfg(test)]
mod tests;

pub use clock::{clock, is_overdue, spent_permille, worst_colour};
pub use named::{
    area, building, clock_kind, compound, matter, org, post, request_kind, role, source, status, whistle_kind,
};

use case::event::parts::{By, GeoPoint};
use case::hands::Holder;
use case::time::At;
use jiff::SignedDuration;
use prost_types as google;
use registry::Registry;

use crate::Wire;
use crate::pb::whistle::board::v1 as board;
use crate::pb::whistle::case::v1 as shared;
use crate::pb::whistle::registry::v1::PublishRegistryRequest;

/// The number of an enum's value on the wire.
pub fn code<T: Wire>(value: T) -> i32 {
    value.to_pb().into()
}

/// The same where there may be none.
pub fn code_or_none<T: Wire>(value: Option<T>) -> i32 {
    value.map_or(0, code)
}

/// The instant a caller gave, cut to microseconds; none for what no calendar has.
#[must_use]
pub fn from_timestamp(at: &google::Timestamp) -> Option<At> {
    crate::instant::at(at)
}

/// A length of time.
#[must_use]
pub fn duration(length: SignedDuration) -> google::Duration {
    google::Duration { seconds: length.as_secs(), nanos: length.subsec_nanos() }
}

/// Who did something, without their person.
#[must_use]
pub fn who(by: &By, registry: &Registry) -> board::Who {
    match by {
        By::Person { post: held, org: own, role: acted_as, .. } => board::Who {
            kind: "PERSON".to_owned(),
            org: own.as_ref().map(|id| org(id, registry)),
            post: held.as_ref().map(|id| post(id, registry)),
            role: Some(role(*acted_as)),
            ..board::Who::default()
        },
        By::System { source: id, org: own } => board::Who {
            kind: "SYSTEM".to_owned(),
            org: own.as_ref().map(|id| org(id, registry)),
            source: Some(source(id, registry)),
            ..board::Who::default()
        },
        By::Automatic { rule } => board::Who {
            kind: "AUTOMATIC".to_owned(),
            rule_id: rule.as_ref().map(ToString::to_string).unwrap_or_default(),
            ..board::Who::default()
        },
    }
}

/// Somebody whose move it is.
#[must_use]
pub fn holder(holder: &Holder, registry: &Registry) -> board::Holder {
    board::Holder {
        org: Some(org(&holder.org, registry)),
        role: holder.role.map(role),
        person_id: holder.person.as_ref().map(ToString::to_string).unwrap_or_default(),
        obligation_no: holder.obligation.map_or(0, |no| no.0),
    }
}

/// A point as it was given.
#[must_use]
pub fn point(point: &GeoPoint) -> shared::Point {
    shared::Point {
        latitude: f64::from(point.lat_microdeg) / 1_000_000.0,
        longitude: f64::from(point.lon_microdeg) / 1_000_000.0,
        datum: code(point.datum),
        accuracy_m: point.accuracy_m,
    }
}

impl crate::Request for PublishRegistryRequest {
    const RPC: &'static str = "whistle.registry.v1.RegistryService/PublishRegistry";

    fn command_id(&self) -> &str {
        &self.command_id
    }
}
