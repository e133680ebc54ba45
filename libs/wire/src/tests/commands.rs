//! Every request becomes the command it says, field by field, and names everything that is missing.

mod closure;
mod intake;
mod routing;

use std::fmt::Debug;

use case::event::parts::{Evidence, EvidenceKind, Ground, Party};
use case::refusal::Violation;
use case::time::At;
use prost_types::Timestamp;

use super::{Readable, of_file, readable, told};
use crate::pb::whistle::case::v1 as pb;
use crate::{CollectingSeal, CommandRequest, ReplayingSeal};

/// Both runs give the command: the first collects, the second puts the texts where they belong.
fn becomes<R>(request: R, expected: R::Command)
where
    R: CommandRequest,
    R::Command: Debug + PartialEq,
{
    assert_eq!(request.command(&mut Readable), Ok(expected));
    let expected = request.command(&mut Readable);
    let mut collecting = CollectingSeal::default();
    assert!(request.command(&mut collecting).is_ok());
    let sealed = collecting.texts.iter().map(|(key, field, text)| readable(key, field, text)).collect();
    let macs = collecting.codes.iter().map(|code| format!("mac of {code}")).collect();
    let mut replaying = ReplayingSeal::new(sealed).with_code_macs(macs);
    assert_eq!(request.command(&mut replaying), expected);
}

/// What an empty request lacks.
fn lacks<R: CommandRequest + Default>(expected: &[&str])
where
    R::Command: Debug,
{
    violates(&R::default(), &expected.iter().map(|field| (*field, "REQUIRED")).collect::<Vec<_>>());
}

fn violates<R: CommandRequest>(request: &R, expected: &[(&str, &str)])
where
    R::Command: Debug,
{
    let found: Vec<Violation> = request.command(&mut Readable).err().unwrap_or_default();
    assert_eq!(told(&found), expected, "{}", R::RPC);
}

const NOON: Timestamp = Timestamp { seconds: 1_790_000_000, nanos: 0 };

fn noon() -> At {
    At::new(jiff::Timestamp::from_second(NOON.seconds).unwrap())
}

fn photo() -> pb::Evidence {
    let shows = pb::EvidenceKind::After.into();
    pb::Evidence { sha256: "ab".repeat(32), media_type: "image/jpeg".to_owned(), size_bytes: 4096, shows }
}

fn photo_of_it() -> Evidence {
    let (sha256, media_type) = ("ab".repeat(32), "image/jpeg".to_owned());
    Evidence { sha256, media_type, bytes: 4096, shows: EvidenceKind::After }
}

fn ground() -> pb::Ground {
    pb::Ground { code: "twice".to_owned(), words: "重复".to_owned(), evidence: vec![photo()] }
}

fn ground_of_it() -> Ground {
    let code = "twice".parse().unwrap();
    Ground { code, words: Some(of_file("words", "重复")), evidence: vec![photo_of_it()] }
}

fn party() -> pb::Party {
    let (org_id, task) = ("traffic-police".to_owned(), "疏导交通".to_owned());
    pb::Party { org_id, part: pb::Part::Lead.into(), mandatory: true, task }
}

fn party_of_it() -> Party {
    Party {
        org: "traffic-police".parse().unwrap(),
        part: case::event::parts::Part::Lead,
        mandatory: true,
        task: Some(of_file("task", "疏导交通")),
    }
}
