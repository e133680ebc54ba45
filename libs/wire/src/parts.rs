//! Parts of commands: places, parties, grounds, meetings.

use case::event::parts::{GeoPoint, Ground, Meeting, Party, Place};
use case::ids::KeyId;
use case::rules::PlaceGiven;
use case::time::At;

use crate::check::{Check, PLACE_NOTE_CHARS_MAX, TEXT_CHARS_MAX};
use crate::pb::whistle::case::v1 as pb;

const MICRO: f64 = 1_000_000.0;

/// Degrees in millionths. What is no number, or beyond what 32 bits hold, becomes an end nobody can be at, which is a defect later.
fn microdegrees(degrees: f64) -> i32 {
    if degrees.is_nan() {
        return i32::MAX;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and the ends are no place")]
    let micro = (degrees * MICRO).round() as i32;
    micro
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

impl Check<'_> {
    /// A point as given; only its datum is insisted on.
    pub(crate) fn point(&mut self, field: &str, point: Option<&pb::Point>) -> Option<Option<GeoPoint>> {
        let Some(point) = point else { return Some(None) };
        let datum = self.choice(&format!("{field}.datum"), point.datum)?;
        Some(Some(GeoPoint {
            lat_microdeg: microdegrees(point.latitude),
            lon_microdeg: microdegrees(point.longitude),
            datum,
            accuracy_m: point.accuracy_m,
        }))
    }

    /// A point somebody can be at.
    pub(crate) fn real_point(&mut self, field: &str, point: Option<&pb::Point>) -> Option<Option<GeoPoint>> {
        let read = self.point(field, point)?;
        let on_earth = |point: &GeoPoint| {
            point.lat_microdeg.unsigned_abs() <= 90_000_000
                && point.lon_microdeg.unsigned_abs() <= 180_000_000
        };
        if read.as_ref().is_some_and(|point| !on_earth(point)) {
            self.violated(field, "OUT_OF_RANGE", "latitude -90 to 90, longitude -180 to 180");
            return None;
        }
        Some(read)
    }

    /// A place as given, to be looked up by the registry.
    pub(crate) fn place_given(&mut self, field: &str, place: &pb::Place, key: &KeyId) -> Option<PlaceGiven> {
        self.place_noted(field, place, &place.note, key)
    }

    /// The same with another note than the place's own.
    pub(crate) fn place_noted(
        &mut self,
        field: &str,
        place: &pb::Place,
        note: &str,
        key: &KeyId,
    ) -> Option<PlaceGiven> {
        let point = self.point(&format!("{field}.point"), place.point.as_ref());
        let note = self.sealed(&format!("{field}.note"), "note", key, note, PLACE_NOTE_CHARS_MAX);
        Some(PlaceGiven {
            area: given(&place.area_code),
            compound: given(&place.compound_id),
            building: given(&place.building_id),
            point: point?,
            note: note?,
        })
    }

    /// A place that may be missing, as given.
    pub(crate) fn optional_place(
        &mut self,
        field: &str,
        place: Option<&pb::Place>,
    ) -> Option<Option<PlaceGiven>> {
        match place {
            Some(place) => self.place_given(field, place, &KeyId::case_file()).map(Some),
            None => Some(None),
        }
    }

    fn exact_place(&mut self, field: &str, place: &pb::Place) -> Option<Place> {
        let area = self.optional_id(&format!("{field}.area_code"), &place.area_code);
        let compound = self.optional_id(&format!("{field}.compound_id"), &place.compound_id);
        let building = self.optional_id(&format!("{field}.building_id"), &place.building_id);
        let point = self.real_point(&format!("{field}.point"), place.point.as_ref());
        let (path, key) = (format!("{field}.note"), KeyId::case_file());
        let note = self.sealed(&path, "note", &key, &place.note, PLACE_NOTE_CHARS_MAX)?;
        Some(Place { area: area?, compound: compound?, building: building?, point: point?, note })
    }

    pub(crate) fn meeting(&mut self, field: &str, meeting: Option<&pb::Meeting>) -> Option<Option<Meeting>> {
        let Some(meeting) = meeting else { return Some(None) };
        let at: Option<At> = self.time(&format!("{field}.time"), meeting.time.as_ref());
        let path = format!("{field}.place");
        let Some(place) = &meeting.place else {
            self.violated(&path, "REQUIRED", "where to meet");
            return None;
        };
        let place = self.exact_place(&path, place);
        Some(Some(Meeting { at: at?, place: place? }))
    }

    pub(crate) fn party(&mut self, field: &str, party: &pb::Party) -> Option<Party> {
        let org = self.id(&format!("{field}.org_id"), &party.org_id);
        let part = self.choice(&format!("{field}.part"), party.part);
        let (path, key) = (format!("{field}.task"), KeyId::case_file());
        let task = self.sealed(&path, "task", &key, &party.task, TEXT_CHARS_MAX)?;
        Some(Party { org: org?, part: part?, mandatory: party.mandatory, task })
    }

    pub(crate) fn parties(&mut self, field: &str, parties: &[pb::Party]) -> Option<Vec<Party>> {
        self.items(field, parties, Self::party)
    }

    pub(crate) fn ground(&mut self, field: &str, ground: Option<&pb::Ground>) -> Option<Ground> {
        let Some(ground) = ground else {
            self.violated(field, "REQUIRED", "a ground");
            return None;
        };
        let code = self.id(&format!("{field}.code"), &ground.code);
        let (path, key) = (format!("{field}.words"), KeyId::case_file());
        let words = self.sealed(&path, "words", &key, &ground.words, TEXT_CHARS_MAX);
        let evidence = self.evidence(&format!("{field}.evidence"), &ground.evidence);
        Some(Ground { code: code?, words: words?, evidence: evidence? })
    }
}
