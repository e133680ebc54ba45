use case::event::parts::{Channel, Defect, DemandKind, Profile, Reporter, ReporterKind, Ticket};
use case::ids::{CaseId, KeyId};
use case::intake::Raise;
use case::rules::PlaceGiven;
use case::time::At;
use prost_types::Timestamp;
use registry::ids::SourceId;
use uuid::Uuid;

use super::{Readable, readable, told};
use crate::pb::whistle::case::v1 as pb;
use crate::pb::whistle::intake::v1::RaiseCaseRequest;
use crate::pb::whistle::routing::v1::RaiseAndBlowRequest;
use crate::{NewCaseRequest, Told, contacts};

fn now() -> At {
    At::new(jiff::Timestamp::from_second(1_790_000_000).unwrap())
}

fn told_of(source: Option<&SourceId>) -> Told<'_> {
    Told { source, now: now() }
}

fn least() -> pb::NewCase {
    pb::NewCase {
        profile: pb::Profile::GridWorker.into(),
        channel: pb::Channel::FieldApp.into(),
        ..Default::default()
    }
}

fn resident(phone: &str) -> pb::Reporter {
    pb::Reporter {
        kind: pb::ReporterKind::Resident.into(),
        name: "王女士".to_owned(),
        phone: phone.to_owned(),
        ..Default::default()
    }
}

fn raise(new_case: pb::NewCase) -> Result<Raise, Vec<case::refusal::Violation>> {
    crate::raise(&new_case, "new_case", &told_of(None), &mut Readable)
}

#[test]
fn citizen_who_says_next_to_nothing_is_taken() {
    let raised = raise(least()).unwrap();
    assert_eq!((raised.profile, raised.channel), (Profile::GridWorker, Channel::FieldApp));
    assert_eq!((raised.text, raised.matter, raised.place), (None, None, PlaceGiven::default()));
    assert_eq!((raised.defects, raised.occurred_at), (vec![], now()));
}

#[test]
fn everything_a_ticket_says_goes_into_the_case() {
    let source: SourceId = "hotline-12345".parse().unwrap();
    let new_case = pb::NewCase {
        profile: pb::Profile::Hotline.into(),
        channel: pb::Channel::Hotline.into(),
        reporters: vec![resident("138 0000 0000"), resident("")],
        text: "8号楼停车".to_owned(),
        place: Some(pb::Place {
            area_code: "no code".to_owned(),
            note: "楼下".to_owned(),
            ..Default::default()
        }),
        matter_id: "No Such Matter".to_owned(),
        demand: pb::DemandKind::Complaint.into(),
        demand_class: "城乡建设".to_owned(),
        ticket: Some(pb::Ticket { number: "T-1".to_owned(), revision: 0 }),
        external_due_time: Some(Timestamp { seconds: 1_790_000_060, nanos: 0 }),
        source_fields_json: "{\"x\":1}".to_owned(),
        about_org_ids: vec!["property-1".to_owned()],
        about_person_ids: vec!["p-1".to_owned()],
        confidential: true,
        follows_case_id: Uuid::from_u128(9).to_string(),
        occurred_time: Some(Timestamp { seconds: 1_789_999_940, nanos: 0 }),
        defects: vec![pb::Defect::SourceFieldUnreadable.into()],
        ..Default::default()
    };
    let reporter = |number, contactable| Reporter {
        key_id: KeyId::reporter(number),
        kind: ReporterKind::Resident,
        person: None,
        contactable,
    };
    let key = KeyId::reporter(1);
    let minute = jiff::SignedDuration::from_mins(1);
    let raised = crate::raise(&new_case, "new_case", &told_of(Some(&source)), &mut Readable).unwrap();
    assert_eq!(
        raised,
        Raise {
            profile: Profile::Hotline,
            channel: Channel::Hotline,
            reporters: vec![reporter(1, true), reporter(2, false)],
            text: Some(readable(&key, "text", "8号楼停车")),
            place: PlaceGiven {
                area: Some("no code".to_owned()),
                note: Some(readable(&key, "note", "楼下")),
                ..PlaceGiven::default()
            },
            matter: Some("No Such Matter".to_owned()),
            demand: Some(DemandKind::Complaint),
            demand_class: Some("城乡建设".to_owned()),
            ticket: Some(Ticket { source, number: "T-1".to_owned(), revision: 1 }),
            external_due_at: Some((now().instant() + minute).into()),
            source_fields: Some(readable(&key, "source_fields", "{\"x\":1}")),
            about: vec!["property-1".parse().unwrap()],
            about_persons: vec!["p-1".parse().unwrap()],
            evidence: vec![],
            defects: vec![Defect::SourceFieldUnreadable],
            confidential: true,
            split_from: None,
            follows: Some(CaseId(Uuid::from_u128(9))),
            occurred_at: (now().instant() - minute).into(),
        }
    );
}

#[test]
fn contact_that_cannot_be_one_is_a_defect_and_kept() {
    let raised = raise(pb::NewCase { reporters: vec![resident("找物业")], ..least() }).unwrap();
    assert_eq!(raised.defects, [Defect::ContactInvalid]);
    assert!(!raised.reporters[0].contactable);
    let kept = contacts(&pb::NewCase { reporters: vec![resident("找物业")], ..least() });
    assert_eq!(kept[0].phone.as_deref(), Some("找物业"));
}

#[test]
fn reporter_who_gave_no_contact_leaves_none() {
    let silent = pb::Reporter { kind: pb::ReporterKind::Anonymous.into(), ..Default::default() };
    let found = contacts(&pb::NewCase { reporters: vec![silent, resident("12345")], ..least() });
    let keys: Vec<&str> = found.iter().map(|contact| contact.key_id.as_str()).collect();
    assert_eq!(keys, ["reporter-2"]);
    assert!(!format!("{found:?}").contains("12345"));
}

#[test]
fn contact_has_no_control_characters_and_is_no_longer_than_it_was_given() {
    let long = format!("{}\u{1}", "x".repeat(199));
    let nothing = pb::Reporter { phone: "\u{7f}".repeat(200), ..resident("") };
    let reporters = vec![
        pb::Reporter { name: "王\r\n\u{85}女士\t".to_owned(), ..resident(&long) },
        pb::Reporter { name: "\u{1}".repeat(200), ..nothing },
    ];
    let found = contacts(&pb::NewCase { reporters, ..least() });
    let told: Vec<_> =
        found.iter().map(|contact| (contact.name.as_deref(), contact.phone.as_deref())).collect();
    assert_eq!(told, [(Some("王   女士"), Some(&long[..199]))], "and of nothing else nothing is kept");
}

#[test]
fn damaged_text_is_mended_and_told_as_a_defect() {
    let raised = raise(pb::NewCase { text: "车\u{0}位\r\n满".to_owned(), ..least() }).unwrap();
    assert_eq!(raised.text, Some(readable(&KeyId::case_file(), "text", "车\u{FFFD}位\n满")));
    assert_eq!(raised.defects, [Defect::TextDamaged]);
}

#[test]
fn point_nobody_can_be_at_is_left_to_the_registry() {
    let at = |latitude| {
        let point = pb::Point { latitude, datum: pb::Datum::Wgs84.into(), ..Default::default() };
        let place = pb::Place { point: Some(point), ..Default::default() };
        let raised = raise(pb::NewCase { place: Some(place), ..least() }).unwrap();
        raised.place.point.unwrap().lat_microdeg
    };
    for nowhere in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -91.0] {
        assert!(at(nowhere).unsigned_abs() > 90_000_000, "{nowhere} became {}", at(nowhere));
    }
    assert_eq!(at(-0.000_000_6), -1);
}

#[test]
fn faulty_client_is_told_everything_at_once() {
    let wrong = raise(pb::NewCase {
        channel: 77,
        reporters: vec![pb::Reporter { name: "长".repeat(100), ..Default::default() }],
        text: "字".repeat(5000),
        place: Some(pb::Place { point: Some(pb::Point::default()), ..Default::default() }),
        ticket: Some(pb::Ticket::default()),
        follows_case_id: "x".to_owned(),
        occurred_time: Some(Timestamp { seconds: i64::MAX, nanos: 0 }),
        ..Default::default()
    });
    assert_eq!(
        told(&wrong.unwrap_err()),
        [
            ("new_case.profile", "REQUIRED"),
            ("new_case.channel", "UNKNOWN"),
            ("new_case.reporters[0].kind", "REQUIRED"),
            ("new_case.reporters[0].name", "TOO_LONG"),
            ("new_case.text", "TOO_LONG"),
            ("new_case.place.point.datum", "REQUIRED"),
            ("new_case.ticket", "NOT_A_SOURCE"),
            ("new_case.follows_case_id", "MALFORMED"),
            ("new_case.occurred_time", "MALFORMED"),
        ]
    );
}

#[test]
fn raise_without_a_case_says_so() {
    let request = RaiseCaseRequest::default();
    let wrong = request.command(&told_of(None), &mut Readable).unwrap_err();
    assert_eq!(told(&wrong), [("new_case", "REQUIRED")]);
    assert_eq!((request.ticket_number(), request.contacts()), (None, vec![]));
}

#[test]
fn own_matter_is_raised_filed_and_blown_from_one_request() {
    let request = RaiseAndBlowRequest {
        new_case: Some(pb::NewCase { profile: pb::Profile::WhistleOnly.into(), ..least() }),
        matter_id: "parking".to_owned(),
        grade: pb::Grade::ExtraUrgent.into(),
        kind: "EMERGENCY".to_owned(),
        purpose: "停车".to_owned(),
        ..Default::default()
    };
    let own = request.command(&told_of(None), &mut Readable).unwrap();
    assert_eq!((own.raise.profile, own.matter.as_str()), (Profile::WhistleOnly, "parking"));
    assert_eq!((own.grade, own.blow.kind.as_str()), (Some(registry::Grade::ExtraUrgent), "EMERGENCY"));
    let wrong = RaiseAndBlowRequest { new_case: Some(pb::NewCase::default()), ..Default::default() };
    assert_eq!(
        told(&wrong.command(&told_of(None), &mut Readable).unwrap_err()),
        [
            ("new_case.profile", "REQUIRED"),
            ("new_case.channel", "REQUIRED"),
            ("matter_id", "REQUIRED"),
            ("kind", "REQUIRED"),
            ("purpose", "REQUIRED"),
        ]
    );
}
