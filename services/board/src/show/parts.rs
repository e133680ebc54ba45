//! The parts of a case.

use case::Case;
use case::event::parts::Place;
use case::state::{MeasureState, Obligation, Request, RequestKind, WhistleState};
use registry::Registry;
use registry::ids::AreaLevel;
use wire::pb::whistle::board::v1 as pb;
use wire::view;

use crate::words::Reading;

/// `note` is the name of the note for [`Reading::words`].
pub(super) fn place(place: &Place, note: &str, reading: &Reading<'_>, registry: &Registry) -> pb::PlaceView {
    let levels = [AreaLevel::District, AreaLevel::Subdistrict, AreaLevel::Community, AreaLevel::Grid];
    let areas = place.area.iter().flat_map(|code| levels.iter().filter_map(|level| code.at(*level)));
    pb::PlaceView {
        areas: areas.map(|code| view::area(&code, registry)).collect(),
        compound: place.compound.as_ref().map(|id| view::compound(id, registry)),
        building: place.building.as_ref().map(|id| view::building(id, registry)),
        point: place.point.as_ref().map(view::point),
        note: place.note.as_ref().map(|words| reading.words(note, words)),
    }
}

pub(super) fn reporters(case: &Case, reading: &Reading<'_>) -> Vec<pb::ReporterView> {
    if !reading.sees_reporters() {
        return Vec::new();
    }
    let shown = case.reporters.iter().map(|reporter| pb::ReporterView {
        key_id: reporter.key_id.to_string(),
        kind: view::code(reporter.kind),
        contactable: reporter.contactable,
    });
    shown.collect()
}

pub(super) fn call_backs(case: &Case, reading: &Reading<'_>) -> Vec<pb::CallBackView> {
    if !reading.sees_reporters() {
        return Vec::new();
    }
    let shown = case.callbacks.iter().map(|call| pb::CallBackView {
        key_id: call.reporter.to_string(),
        time: Some(wire::timestamp(call.at)),
        contacted: call.contacted,
        solved: call.solved,
        satisfaction: view::code_or_none(call.satisfied),
    });
    shown.collect()
}

pub(super) fn obligation(
    duty: &Obligation,
    reading: &Reading<'_>,
    registry: &Registry,
) -> pb::ObligationView {
    pb::ObligationView {
        obligation_no: duty.no.0,
        org: Some(view::org(&duty.org, registry)),
        person_id: duty.person.as_ref().map(ToString::to_string).unwrap_or_default(),
        part: view::code(duty.part),
        origin: view::code(duty.origin),
        parent_no: duty.parent.map_or(0, |no| no.0),
        after_nos: duty.after.iter().map(|no| no.0).collect(),
        mandatory: duty.mandatory,
        whistle_no: duty.whistle.map_or(0, |no| no.0),
        steps: duty.steps.iter().copied().map(view::code).collect(),
        state: view::code(duty.state),
        task: duty.task.as_ref().map(|task| reading.words("task", task)),
        assigned_time: Some(wire::timestamp(duty.assigned_at)),
        signed_time: duty.signed_at.map(wire::timestamp),
        signed_automatically: duty.signed_automatically,
        contacted_time: duty.contacted_at.map(wire::timestamp),
        reported_in_time: duty.reported_in_at.map(wire::timestamp),
        presence: view::code_or_none(duty.presence),
        completed_time: duty.completed_at.map(wire::timestamp),
        confirmed_time: duty.confirmed_at.map(wire::timestamp),
        score: duty.score.map_or(0, u32::from),
        external_ref: duty.external_ref.clone().unwrap_or_default(),
        reminded_time: duty.reminded_at.map(wire::timestamp),
    }
}

pub(super) fn whistle(whistle: &WhistleState, reading: &Reading<'_>, registry: &Registry) -> pb::WhistleView {
    let party = |party: &case::event::parts::Party| pb::PartyView {
        org: Some(view::org(&party.org, registry)),
        part: view::code(party.part),
        mandatory: party.mandatory,
        task: party.task.as_ref().map(|task| reading.words("task", task)),
    };
    let meeting = whistle.meeting.as_ref();
    pb::WhistleView {
        whistle_no: whistle.no.0,
        kind: Some(view::whistle_kind(&whistle.kind, registry)),
        caller: Some(view::org(&whistle.caller, registry)),
        blown_by: Some(view::who(&whistle.blown_by, registry)),
        blown_time: Some(wire::timestamp(whistle.blown_at)),
        phase: view::code(whistle.phase),
        phase_since_time: Some(wire::timestamp(whistle.phase_since)),
        purpose: Some(reading.words("purpose", &whistle.purpose)),
        meeting_time: meeting.map(|meeting| wire::timestamp(meeting.at)),
        meeting_place: meeting.map(|meeting| place(&meeting.place, "meeting", reading, registry)),
        parties: whistle.parties.iter().map(party).collect(),
        score: whistle.score.map_or(0, u32::from),
        awaits_confirmation: whistle.confirmed_afterwards && !whistle.confirmed && whistle.phase.is_open(),
    }
}

pub(super) fn measure(measure: &MeasureState, reading: &Reading<'_>) -> pb::MeasureView {
    pb::MeasureView {
        measure_no: measure.no.0,
        text: Some(reading.words("measure", &measure.text)),
        obligation_no: measure.responsible.0,
        mandatory: measure.mandatory,
        due_time: measure.due_at.map(wire::timestamp),
        struck_off_time: measure.struck_at.map(wire::timestamp),
    }
}

pub(super) fn request(request: &Request, reading: &Reading<'_>, registry: &Registry) -> pb::RequestView {
    let (obligation, clock) = match &request.kind {
        RequestKind::Return(no)
        | RequestKind::Objection(no)
        | RequestKind::RatingAppeal(no)
        | RequestKind::Whistle(no) => (Some(*no), None),
        RequestKind::Supervision(no, _) => (*no, None),
        RequestKind::Extension(no, _) => (None, Some(*no)),
        RequestKind::Suspension
        | RequestKind::Void
        | RequestKind::Termination
        | RequestKind::ForceClose
        | RequestKind::Exclusion
        | RequestKind::BreakGlass(_)
        | RequestKind::Erasure(_) => (None, None),
    };
    pb::RequestView {
        request_no: request.no.0,
        kind: Some(view::request_kind(&request.kind)),
        by: (!reading.hides(&request.by, false)).then(|| view::who(&request.by, registry)),
        asked_time: Some(wire::timestamp(request.asked_at)),
        decided_time: request.decided_at.map(wire::timestamp),
        granted: request.granted,
        obligation_no: obligation.map_or(0, |no| no.0),
        clock_no: clock.map_or(0, |no| no.0),
    }
}
