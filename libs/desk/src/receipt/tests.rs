use std::path::Path;

use case::event::{Event, Recorded, SCHEMA_VERSION};
use case::ids::CaseId;
use case::state::Case;
use case::time::At;
use jiff::Timestamp;
use wire::pb::whistle::case::v1::Made;

use super::note;

#[test]
fn a_receipt_names_the_request_that_an_event_opens_whatever_event_it_is() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../case/golden");
    let mut opened = 0;
    for entry in std::fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        let event_type = path.file_name().unwrap().to_str().unwrap().split('.').next().unwrap();
        let event = Event::decode(event_type, SCHEMA_VERSION, &std::fs::read(&path).unwrap()).unwrap();
        let mut made = Made::default();
        note(&event, &mut made);
        let (mut case, at) = (Case::new(CaseId::derived("test", &[])), At::new(Timestamp::UNIX_EPOCH));
        case.evolve(&Recorded { position: 1, version: 1, recorded_at: at, occurred_at: at, event });
        let of_case: Vec<u32> = case.requests.iter().map(|request| request.no.0).collect();
        assert_eq!(made.request_nos, of_case, "{event_type}");
        opened += of_case.len();
    }
    assert!(opened >= 13, "one for each kind of request, not {opened}");
}
