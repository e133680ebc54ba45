use case::event::closure::{CostBearer, ReopenCause};
use case::event::parts::{
    Channel, Defect, DemandKind, EvidenceKind, Origin, Outcome, Part, Presence, Profile, ReporterKind,
    Satisfaction,
};
use case::event::whistle::DeliberationForm;
use case::flow::Status;
use case::intake::Exit;
use case::state::{ObligationState, WhistlePhase};
use registry::{Datum, Grade, Step};

use crate::enums::Wire;

/// Every number of the twin after its zero comes back as itself, and there are as many as expected.
fn round_trips<T: Wire>(values: i32) {
    for number in 1..=values {
        let Ok(pb) = T::Pb::try_from(number) else { panic!("{number} is no value") };
        let Some(value) = T::from_pb(pb) else { panic!("{number} has no value of the domain") };
        assert_eq!(value.to_pb().into(), number);
    }
    assert!(T::Pb::try_from(values + 1).is_err(), "there are more than {values}");
    assert!(T::Pb::try_from(0).is_ok_and(|zero| T::from_pb(zero).is_none()), "zero says nothing");
}

#[test]
fn every_value_of_the_wire_is_one_of_the_domain() {
    round_trips::<Status>(19);
    round_trips::<Profile>(10);
    round_trips::<Channel>(10);
    round_trips::<DemandKind>(6);
    round_trips::<ReporterKind>(6);
    round_trips::<Grade>(3);
    round_trips::<Defect>(12);
    round_trips::<EvidenceKind>(5);
    round_trips::<Part>(2);
    round_trips::<Origin>(7);
    round_trips::<ObligationState>(9);
    round_trips::<Step>(5);
    round_trips::<WhistlePhase>(8);
    round_trips::<Presence>(3);
    round_trips::<DeliberationForm>(5);
    round_trips::<Satisfaction>(3);
    round_trips::<Outcome>(9);
    round_trips::<CostBearer>(4);
    round_trips::<ReopenCause>(5);
    round_trips::<Exit>(4);
    round_trips::<Datum>(4);
}

#[test]
fn names_on_the_wire_are_the_stored_names() {
    for status in Status::ALL {
        assert_eq!(status.to_pb().as_str_name(), format!("CASE_STATUS_{}", status.name()));
    }
    for profile in Profile::ALL {
        let stored = serde_json::to_value(profile).unwrap();
        assert_eq!(profile.to_pb().as_str_name(), format!("PROFILE_{}", stored.as_str().unwrap()));
    }
}
