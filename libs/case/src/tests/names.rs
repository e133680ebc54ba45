//! Names of stored enums: a golden file shows one value at a time, these are all of them.

use serde::Serialize;

use crate::event::clock::{CancelCause, Family, RebaseCause};
use crate::event::closure::{CostBearer, ReopenCause};
use crate::event::parts::{
    Channel, Defect, DemandKind, EvidenceKind, Origin, Outcome, Part, Presence, Profile, ReporterKind,
    Satisfaction,
};
use crate::event::whistle::DeliberationForm;
use crate::flow::Status;
use crate::sealed::SealAlgorithm;

fn names<T: Serialize>(values: &[T]) -> String {
    let names = values.iter().map(|value| serde_json::to_value(value).unwrap());
    names.map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
}

#[test]
fn names_of_profiles_and_channels_never_change() {
    assert_eq!(
        names(&Profile::ALL),
        "HOTLINE GRID_WORKER PUBLIC WHISTLE_ONLY CONSULT SELF_HANDLED LIST_ITEM CARE INSPECTION IMPORTED"
    );
    use Channel::{
        Department, FieldApp, Hotline, Import, Inspection, Office, ResidentApp, Video, Visit, Window,
    };
    assert_eq!(
        names(&[
            Hotline,
            FieldApp,
            ResidentApp,
            Window,
            Visit,
            Office,
            Department,
            Video,
            Inspection,
            Import
        ]),
        "HOTLINE FIELD_APP RESIDENT_APP WINDOW VISIT OFFICE DEPARTMENT VIDEO INSPECTION IMPORT"
    );
}

#[test]
fn names_of_what_reporters_say_never_change() {
    use DemandKind::{Complaint, Consult, Help, Praise, Suggestion, Tip};
    assert_eq!(
        names(&[Consult, Help, Complaint, Tip, Suggestion, Praise]),
        "CONSULT HELP COMPLAINT TIP SUGGESTION PRAISE"
    );
    use ReporterKind::{Anonymous, Enterprise, GridWorker, LaneSteward, Organisation, Resident};
    assert_eq!(
        names(&[Resident, GridWorker, LaneSteward, Enterprise, Organisation, Anonymous]),
        "RESIDENT GRID_WORKER LANE_STEWARD ENTERPRISE ORGANISATION ANONYMOUS"
    );
    use Satisfaction::{Basically, Satisfied, Unsatisfied};
    assert_eq!(names(&[Satisfied, Basically, Unsatisfied]), "SATISFIED BASICALLY UNSATISFIED");
    use EvidenceKind::{After, Before, OnSite, Other, Paper};
    assert_eq!(names(&[Before, After, OnSite, Paper, Other]), "BEFORE AFTER ON_SITE PAPER OTHER");
    assert_eq!(names(&[SealAlgorithm::Chacha20Poly1305]), "CHACHA20_POLY1305");
}

#[test]
fn names_of_duties_never_change() {
    assert_eq!(names(&[Part::Lead, Part::Co]), "LEAD CO");
    use Origin::{Arbitration, Assignment, CoCall, Dispatch, Import, Reopening, Whistle};
    assert_eq!(
        names(&[Dispatch, Whistle, Arbitration, Assignment, CoCall, Reopening, Import]),
        "DISPATCH WHISTLE ARBITRATION ASSIGNMENT CO_CALL REOPENING IMPORT"
    );
    assert_eq!(names(&[Presence::Code, Presence::Position, Presence::Unproved]), "CODE POSITION UNPROVED");
    use DeliberationForm::{DoorToDoor, Hearing, JointConference, Other, ResidentsCouncil};
    assert_eq!(
        names(&[JointConference, ResidentsCouncil, Hearing, DoorToDoor, Other]),
        "JOINT_CONFERENCE RESIDENTS_COUNCIL HEARING DOOR_TO_DOOR OTHER"
    );
}

#[test]
fn names_of_ends_and_clocks_never_change() {
    use Outcome::{
        Answered, ChildrenEnded, ClosedAtSource, Duplicate, ExplainedNotSolved, NotGenuine, OutOfScope,
        SelfHandled, Solved,
    };
    assert_eq!(
        names(&[
            Solved,
            ExplainedNotSolved,
            NotGenuine,
            OutOfScope,
            Duplicate,
            Answered,
            SelfHandled,
            ChildrenEnded,
            ClosedAtSource
        ]),
        "SOLVED EXPLAINED_NOT_SOLVED NOT_GENUINE OUT_OF_SCOPE DUPLICATE ANSWERED SELF_HANDLED CHILDREN_ENDED \
         CLOSED_AT_SOURCE"
    );
    use CostBearer::{Government, Owner, Property, TitleHolder};
    assert_eq!(names(&[Government, TitleHolder, Owner, Property]), "GOVERNMENT TITLE_HOLDER OWNER PROPERTY");
    use ReopenCause::{CallBack, FalseReply, Inspection, Reporter, Source};
    assert_eq!(
        names(&[Reporter, CallBack, Inspection, Source, FalseReply]),
        "REPORTER CALL_BACK INSPECTION SOURCE FALSE_REPLY"
    );
    assert_eq!(names(&[Family::Whole, Family::Stage]), "WHOLE STAGE");
    use RebaseCause::{CalendarPublished, Extended, ModeSwitched, Reclassified, SourceMoved};
    assert_eq!(
        names(&[Extended, Reclassified, CalendarPublished, SourceMoved, ModeSwitched]),
        "EXTENDED RECLASSIFIED CALENDAR_PUBLISHED SOURCE_MOVED MODE_SWITCHED"
    );
    use CancelCause::{CaseEnded, Overtaken, SubjectEnded};
    assert_eq!(names(&[CaseEnded, SubjectEnded, Overtaken]), "CASE_ENDED SUBJECT_ENDED OVERTAKEN");
}

#[test]
fn names_of_defects_never_change() {
    use Defect::{
        AreaUnknown, CompoundUnknown, ContactInvalid, MatterMissing, MatterUnknown, OutsideDistrict,
        PlaceMissing, PointInvalid, SourceFieldUnreadable, TextDamaged, TextMissing, TimeImplausible,
    };
    assert_eq!(
        names(&[
            MatterMissing,
            MatterUnknown,
            PlaceMissing,
            AreaUnknown,
            CompoundUnknown,
            OutsideDistrict,
            PointInvalid,
            TimeImplausible,
            TextDamaged,
            TextMissing,
            ContactInvalid,
            SourceFieldUnreadable
        ]),
        "MATTER_MISSING MATTER_UNKNOWN PLACE_MISSING AREA_UNKNOWN COMPOUND_UNKNOWN OUTSIDE_DISTRICT \
         POINT_INVALID TIME_IMPLAUSIBLE TEXT_DAMAGED TEXT_MISSING CONTACT_INVALID SOURCE_FIELD_UNREADABLE"
    );
}

#[test]
fn the_public_name_of_a_status_is_the_serialised_one() {
    assert_eq!(names(&Status::ALL), Status::ALL.map(Status::name).join(" "));
    assert!(Status::ALL.into_iter().all(|status| Status::from_name(status.name()) == Some(status)));
    assert_eq!(Status::from_name("OPEN"), None);
}

#[test]
fn names_of_the_registry_that_events_store_never_change() {
    assert_eq!(
        names(&registry::ClockKind::ALL),
        "TRIAGE ACCEPT VERIFY FILE DISPATCH SIGN_FOR CONTACT REPORT_IN COMPLETE CONFIRM WHOLE CHECK CALL_BACK CLOSE \
         WHISTLE_APPROVAL WHISTLE_TRIAGE SUSPENSION_REVIEW RETURN_DECISION OBJECTION_DECISION \
         EXTENSION_DECISION EXTERNAL_DUE"
    );
    assert_eq!(
        names(&registry::ids::Role::ALL),
        "grid_worker lane_steward resident call_taker receptionist duty_leader dispatcher org_dispatcher handler \
         inspector caller_back supervisor district_centre community_officer subdistrict_officer \
         subdistrict_leader source_system auditor registrar operator"
    );
    use registry::{Datum, Grade, Mode, SettledBy, Step};
    assert_eq!(
        names(&[Datum::Wgs84, Datum::Cgcs2000, Datum::Gcj02, Datum::Bd09]),
        "WGS84 CGCS2000 GCJ02 BD09"
    );
    assert_eq!(names(&[Grade::ExtraUrgent, Grade::Urgent, Grade::Ordinary]), "EXTRA_URGENT URGENT ORDINARY");
    assert_eq!(names(&[Mode::Normal, Mode::Emergency]), "NORMAL EMERGENCY");
    assert_eq!(
        names(&[Step::SignFor, Step::Contact, Step::ReportIn, Step::Complete, Step::Confirm]),
        "SIGN_FOR CONTACT REPORT_IN COMPLETE CONFIRM"
    );
    assert_eq!(
        names(&[SettledBy::All, SettledBy::LeadPlusMandatory, SettledBy::Any]),
        "ALL LEAD_PLUS_MANDATORY ANY"
    );
    assert_eq!(serde_json::to_string(&SettledBy::Quorum(3)).unwrap(), "{\"QUORUM\":3}");
}
