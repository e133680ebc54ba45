use proptest::prelude::*;

use super::TraceContext;

const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[test]
fn the_specification_s_example_reads_and_writes_itself() {
    let context = TraceContext::parse(GIVEN).unwrap();
    assert_eq!(context.to_string(), GIVEN);
    assert_eq!(context.text(), GIVEN);
    assert_eq!(context.trace().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(context.span().to_string(), "00f067aa0ba902b7");
    assert!(context.sampled);
}

#[test]
fn what_is_not_version_00_is_nothing() {
    let not_one = [
        "",
        "00",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-000f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1g",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7--1",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
    ];
    for text in not_one {
        assert_eq!(TraceContext::parse(text), None, "{text}");
    }
}

#[test]
fn a_child_is_another_span_of_the_same_trace() {
    let parent = TraceContext::parse(&GIVEN.replace("-01", "-00")).unwrap();
    let child = parent.child();
    assert_eq!((child.trace_id, child.sampled), (parent.trace_id, false));
    assert_ne!(child.span_id, parent.span_id);
}

#[test]
fn every_new_one_is_another() {
    let (one, other) = (TraceContext::new(), TraceContext::new());
    assert_ne!(one.trace_id, other.trace_id);
    assert_ne!(one.span_id, other.span_id);
    assert_eq!(TraceContext::parse(&one.to_string()), Some(one));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_reads_writes_itself(text in "\\PC{0,80}|00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]") {
        if let Some(context) = TraceContext::parse(&text) {
            prop_assert_eq!(context.to_string(), text);
        }
    }
}
