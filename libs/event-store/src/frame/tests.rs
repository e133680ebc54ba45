use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Assigned, FrameError, encode};
use crate::chain::{ChainHash, EventIds};
use crate::{Append, Expected, NewCommit, NewEvent, Position, StoredCommit, StreamName, Version};

fn sample() -> NewCommit {
    let event = |event_type: &str, payload: &[u8]| NewEvent {
        event_type: event_type.to_owned(),
        schema_version: 3,
        occurred_at: Timestamp::from_microsecond(1_700_000_000_000_001).unwrap(),
        payload: payload.to_vec(),
    };
    NewCommit {
        principal: "p-1".to_owned(),
        on_behalf_of: Some("p-2".to_owned()),
        command_id: Uuid::from_u128(0xC0),
        request_mac: [0xAB; 32],
        causation: Some(Uuid::from_u128(0xCA)),
        correlation: Uuid::from_u128(0xC1),
        traceparent: Some("00-1-2-01".to_owned()),
        recorded_at: Timestamp::from_microsecond(1_700_000_000_000_002).unwrap(),
        appends: vec![
            Append {
                stream: StreamName::new("case/a").unwrap(),
                expected: Expected::Any,
                events: vec![event("CaseRaised", br#"{"a":1}"#), event("CaseFiled", b"{}")],
            },
            Append {
                stream: StreamName::new("case/b").unwrap(),
                expected: Expected::Any,
                events: vec![event("CaseMerged", b"")],
            },
        ],
        unchanged: Vec::new(),
    }
}

fn encoded(commit: &NewCommit, first: u64, versions: &[Version]) -> Bytes {
    let assigned = Assigned {
        epoch: 1,
        first: Position(first),
        previous: ChainHash([0x11; 32]),
        recorded_at: commit.recorded_at,
        versions: versions.to_vec(),
    };
    encode(commit, "huancui", &assigned).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is on disk for ever, computed once outside this crate from the table in `frame.rs`. A difference here means that stored logs are no longer read: do not adapt the bytes.
#[test]
fn bytes_of_format_1_never_change() {
    let raw = encoded(&sample(), 41, &[Version(7), Version(1)]);
    let golden = include_str!("golden_1.hex").split_whitespace().collect::<String>();
    assert_eq!(hex(&raw), golden);
}

#[test]
fn a_commit_is_made_again_from_what_was_asked_and_what_the_log_added() {
    let raw = encoded(&sample(), 41, &[Version(7), Version(1)]);
    let stored = StoredCommit::decode(raw).unwrap();
    assert_eq!(StoredCommit::assemble(&sample(), "huancui", &stored.assigned()).unwrap(), stored);
    let other = Assigned { versions: vec![Version(7)], ..stored.assigned() };
    assert_eq!(StoredCommit::assemble(&sample(), "huancui", &other), Err(FrameError::Field("appends")));
}

#[test]
fn chain_and_event_ids_of_algorithm_1_never_change() {
    let commit = StoredCommit::decode(encoded(&sample(), 41, &[Version(7), Version(1)])).unwrap();
    assert_eq!(commit.chain_hash.to_string(), include_str!("golden_1_chain.hex").trim());
    let StoredCommit { ledger, epoch, principal, command_id, first, .. } = &commit;
    let derived = EventIds { ledger, epoch: *epoch, principal, command_id: *command_id, first: *first };
    let ids: Vec<_> = commit.events.iter().map(|event| derived.at(event.position)).collect();
    let told: Vec<_> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(told, include_str!("golden_1_ids.txt").lines().collect::<Vec<_>>());
    assert!(ids.iter().all(|id| id.get_version_num() == 8));
}

#[test]
fn decoded_commit_says_what_was_encoded() {
    let new = sample();
    let commit = StoredCommit::decode(encoded(&new, 41, &[Version(7), Version(1)])).unwrap();
    assert_same(&commit, &new);
    let places: Vec<_> =
        commit.events.iter().map(|e| (e.position.0, e.stream.as_str(), e.version.0)).collect();
    assert_eq!(places, [(41, "case/a", 7), (42, "case/a", 8), (43, "case/b", 1)]);
}

fn assert_same(commit: &StoredCommit, new: &NewCommit) {
    assert_eq!(commit.ledger, "huancui");
    assert_eq!(commit.principal, new.principal);
    assert_eq!(commit.on_behalf_of, new.on_behalf_of);
    assert_eq!(commit.command_id, new.command_id);
    assert_eq!(commit.request_mac, new.request_mac);
    assert_eq!(commit.causation, new.causation);
    assert_eq!(commit.correlation, new.correlation);
    assert_eq!(commit.traceparent, new.traceparent);
    assert_eq!(commit.recorded_at, new.recorded_at);
    let events: Vec<&NewEvent> = new.appends.iter().flat_map(|append| &append.events).collect();
    assert_eq!(commit.events.len(), events.len());
    for (stored, new) in commit.events.iter().zip(events) {
        assert_eq!(stored.event_type, new.event_type);
        assert_eq!(stored.schema_version, new.schema_version);
        assert_eq!(stored.occurred_at, new.occurred_at);
        assert_eq!(stored.payload, new.payload);
    }
}

#[test]
fn size_foreseen_is_never_too_small() {
    let mut new = sample();
    assert!(encoded(&new, 41, &[Version(7), Version(1)]).len() <= new.encoded_len());
    new.on_behalf_of = None;
    new.causation = None;
    new.traceparent = None;
    assert!(encoded(&new, 41, &[Version(7), Version(1)]).len() <= new.encoded_len());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let raw = encoded(&sample(), 41, &[Version(7), Version(1)]);
    for bit in 0..raw.len() * 8 {
        let mut flipped = raw.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(StoredCommit::decode(flipped.into()).is_err(), "bit {bit}");
    }
}

#[test]
fn every_cut_is_noticed() {
    let raw = encoded(&sample(), 41, &[Version(7), Version(1)]);
    for length in 0..raw.len() {
        assert!(StoredCommit::decode(raw.slice(..length)).is_err(), "cut to {length}");
    }
}

/// Changes bytes and makes length and check value right again.
fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut raw = encoded(&sample(), 41, &[Version(7), Version(1)]).to_vec();
    raw.truncate(raw.len() - 4);
    change(&mut raw);
    let length = u32::try_from(raw.len() + 4).unwrap().to_be_bytes();
    raw[4..8].copy_from_slice(&length);
    raw.extend(crc32fast::hash(&raw).to_be_bytes());
    raw.into()
}

#[test]
fn later_formats_and_unknown_algorithms_are_named() {
    assert_eq!(StoredCommit::decode(forged(|raw| raw[2] = 2)).unwrap_err(), FrameError::NewerFormat(2));
    assert_eq!(StoredCommit::decode(forged(|raw| raw[3] = 9)).unwrap_err(), FrameError::Algorithm(9));
    assert_eq!(StoredCommit::decode(forged(|raw| raw[8] = 8)).unwrap_err(), FrameError::Field("flags"));
    assert_eq!(StoredCommit::decode(forged(|raw| raw.push(0))).unwrap_err(), FrameError::Field("count"));
}

fn text(max: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::char::range('a', 'z'), 1..max).prop_map(|chars| chars.into_iter().collect())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-60_000_000_000_000_000_i64..250_000_000_000_000_000)
        .prop_map(|micros| Timestamp::from_microsecond(micros).unwrap())
}

fn any_event() -> impl Strategy<Value = NewEvent> {
    (text(64), any::<u16>(), time(), prop::collection::vec(any::<u8>(), 0..200)).prop_map(
        |(event_type, schema_version, occurred_at, payload)| NewEvent {
            event_type,
            schema_version,
            occurred_at,
            payload,
        },
    )
}

fn any_commit() -> impl Strategy<Value = NewCommit> {
    let append = (text(128), prop::collection::vec(any_event(), 1..4)).prop_map(|(name, events)| Append {
        stream: StreamName::new(name).unwrap(),
        expected: Expected::Any,
        events,
    });
    let ids = (any::<u128>(), prop::option::of(any::<u128>()), any::<u128>(), any::<[u8; 32]>());
    let texts = (text(128), prop::option::of(text(128)), prop::option::of(text(64)));
    (ids, texts, time(), prop::collection::vec(append, 1..4)).prop_map(
        |(ids, texts, recorded_at, appends)| NewCommit {
            principal: texts.0,
            on_behalf_of: texts.1,
            command_id: Uuid::from_u128(ids.0),
            request_mac: ids.3,
            causation: ids.1.map(Uuid::from_u128),
            correlation: Uuid::from_u128(ids.2),
            traceparent: texts.2,
            recorded_at,
            appends,
            unchanged: Vec::new(),
        },
    )
}

proptest! {
    #[test]
    fn any_commit_round_trips(new in any_commit(), first in 1..u64::MAX / 2) {
        let versions = vec![Version(1); new.appends.len()];
        let raw = encoded(&new, first, &versions);
        prop_assert!(raw.len() <= new.encoded_len());
        assert_same(&StoredCommit::decode(raw).unwrap(), &new);
    }

    #[test]
    fn garbage_is_refused_without_panic(garbage in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(StoredCommit::decode(garbage.into()).is_err());
    }

    /// Past the check value: every field gets to see garbage.
    #[test]
    fn forged_fields_do_not_panic(at in 8..400_usize, bytes in prop::collection::vec(any::<u8>(), 1..12)) {
        let forged = forged(|raw| {
            let at = at.min(raw.len() - 1);
            let end = (at + bytes.len()).min(raw.len());
            raw.splice(at..end, bytes);
        });
        if let Ok(commit) = StoredCommit::decode(forged) {
            prop_assert!(commit.last() >= commit.first);
        }
    }
}
