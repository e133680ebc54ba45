use std::path::Path;

use case::Case;
use case::event::Event;
use case::ids::CaseId;

use crate::timeline::lines::line;

/// Every event type as it is pinned, with everything in it and with as little as there may be.
fn pinned() -> Vec<Event> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../libs/case/golden");
    let mut events = Vec::new();
    for entry in std::fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let event_type = name.split('.').next().unwrap();
        events.push(Event::decode(event_type, 1, &std::fs::read(&path).unwrap()).unwrap());
    }
    events
}

#[test]
fn every_event_has_a_line_of_words_in_both_languages() {
    let registry = registry::sample::registry();
    let case = Case::new(CaseId(uuid::Uuid::nil()));
    let events = pinned();
    let types: usize = Event::FAMILIES.iter().map(|(_, types)| types.len()).sum();
    assert!(events.len() >= types);
    for event in events.iter().filter(|event| !matches!(event, Event::District(_))) {
        let line = line(event, &case, &registry);
        let (name, chinese) = (event.event_type(), |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(line.zh.contains(chinese), "{name}: {}", line.zh);
        assert!(!line.en.is_empty() && line.en != name, "{name}: {}", line.en);
        assert!(!line.zh.contains("{}") && !line.en.contains("{}"), "{name}: {} / {}", line.zh, line.en);
    }
}
