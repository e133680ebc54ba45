//! What is told of a case that is damaged where nothing but its numbers is known: marks stand for its texts.

use case::ids::{CaseId, MeasureNo, ObligationNo, WhistleNo};
use registry::ids::OrgId;
use registry::{Lang, Registry};
use wire::pb::whistle::routing::v1 as pb;
use wire::pb::whistle::routing::v1::feed_message::Message;

use super::opener::DAMAGED;

/// A duty of a snapshot: its number and its holder.
pub(super) fn entry(registry: &Registry, org: &OrgId, id: CaseId, no: ObligationNo) -> pb::FeedMessage {
    let case = pb::FeedCase {
        case_id: id.to_string(),
        place_note: DAMAGED.to_owned(),
        text: DAMAGED.to_owned(),
        ..pb::FeedCase::default()
    };
    let duty = pb::Duty {
        obligation_no: no.0,
        org_id: org.to_string(),
        org_name: registry.org_name(org, Lang::Zh).to_owned(),
        task: DAMAGED.to_owned(),
        ..pb::Duty::default()
    };
    pb::FeedMessage {
        case: Some(case),
        duties: vec![duty],
        message: Some(Message::SnapshotEntry(pb::SnapshotEntry::default())),
        ..pb::FeedMessage::default()
    }
}

pub(super) fn called(no: WhistleNo) -> pb::WhistleCalled {
    pb::WhistleCalled { whistle_no: no.0, purpose: DAMAGED.to_owned(), ..pb::WhistleCalled::default() }
}

pub(super) fn measure(no: MeasureNo) -> pb::Measure {
    pb::Measure { measure_no: no.0, text: DAMAGED.to_owned(), ..pb::Measure::default() }
}
