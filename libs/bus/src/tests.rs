//! What needs no server.

use std::time::Duration;

use bytes::Bytes;

use async_nats::{ClientError, Event};

use crate::events::{self, is_refusal};
use crate::service::worker::header_text;
use crate::shared::{Shared, growing, jittered};
use crate::subscription::Queue;
use crate::{BadSubject, Message, Settings, State, Subject, message, state};

fn faults(settings: &Settings) -> Vec<String> {
    settings.faults().into_iter().map(|(key, _)| key).collect()
}

fn local() -> Settings {
    Settings::local("nats://127.0.0.1:4333")
}

#[test]
fn a_subject_is_its_tokens_joined_by_dots() {
    let subject = Subject::new(["whistle", "huancui_1", "ledger", "commit-2"]).unwrap();
    assert_eq!(subject.to_string(), "whistle.huancui_1.ledger.commit-2");
    assert_eq!(subject.as_str(), subject.to_string());
}

#[test]
fn hostile_tokens_make_no_subject() {
    let long = "a".repeat(300);
    for (token, bad) in [
        ("*", BadSubject::Character(1)),
        (">", BadSubject::Character(1)),
        (".", BadSubject::Character(1)),
        ("a.b", BadSubject::Character(1)),
        ("a b", BadSubject::Character(1)),
        (" ", BadSubject::Character(1)),
        ("a\r\nPUB x 0", BadSubject::Character(1)),
        ("a\0", BadSubject::Character(1)),
        ("$SRV", BadSubject::Character(1)),
        ("井盖", BadSubject::Character(1)),
        ("ａ", BadSubject::Character(1)),
        ("", BadSubject::Empty(1)),
        (&long, BadSubject::TooLong(1)),
    ] {
        assert_eq!(Subject::new(["whistle", token, "log"]), Err(bad), "{token:?}");
    }
    assert_eq!(Subject::new(Vec::<String>::new()), Err(BadSubject::NoTokens));
    assert_eq!(Subject::new(vec!["a".repeat(100); 3]), Err(BadSubject::TooLong(2)));
    assert!(Subject::new(vec!["a".repeat(127); 2]).is_ok());
}

#[test]
fn settings_that_fit_together_have_no_faults() {
    assert_eq!(faults(&local()), Vec::<String>::new());
    let secure = Settings {
        url: "tls://a.example:4222, tls://b.example:4222".into(),
        user: "board".into(),
        password_file: "p".into(),
        tls_ca_file: "ca".into(),
        tls_cert_file: "cert".into(),
        tls_key_file: "key".into(),
        ..local()
    };
    assert_eq!(faults(&secure), Vec::<String>::new());
    assert_eq!(secure.inbox(), "_INBOX_board");
    assert_eq!(secure.servers().unwrap().len(), 2);
    assert!(secure.demands_tls());
    assert!(!local().demands_tls());
}

#[test]
fn every_fault_of_the_settings_is_named() {
    for (key, settings) in [
        ("url", Settings { url: String::new(), ..local() }),
        ("url", Settings { url: "127.0.0.1".into(), ..local() }),
        ("url", Settings { url: "ws://127.0.0.1".into(), ..local() }),
        ("url", Settings { url: "nats://".into(), ..local() }),
        ("url", Settings { url: "nats://a:b@127.0.0.1".into(), ..local() }),
        ("url", Settings { url: "nats://a,,nats://b".into(), ..local() }),
        ("url", Settings { url: vec!["nats://a"; 17].join(","), ..local() }),
        ("user", Settings { user: "board".into(), ..local() }),
        ("user", Settings { password_file: "p".into(), ..local() }),
        ("user", Settings { user: "a.>".into(), password_file: "p".into(), ..local() }),
        (
            "credentials_file",
            Settings { credentials_file: "c".into(), nkey_seed_file: "n".into(), ..local() },
        ),
        ("tls_cert_file", Settings { tls_cert_file: "c".into(), ..local() }),
        ("tls_cert_file", Settings { tls_key_file: "k".into(), ..local() }),
        ("inbox_prefix", Settings { inbox_prefix: "_INBOX.".into(), ..local() }),
        ("inbox_prefix", Settings { inbox_prefix: ">".into(), ..local() }),
        ("request_timeout_ms", Settings { request_timeout_ms: 0, ..local() }),
        ("request_timeout_ms", Settings { request_timeout_ms: 600_001, ..local() }),
    ] {
        let found = faults(&settings);
        assert!(!found.is_empty() && found.iter().all(|fault| fault == key), "{key}: {settings:?} {found:?}");
    }
    let many = Settings { url: String::new(), request_timeout_ms: 0, user: "a b".into(), ..local() };
    assert_eq!(faults(&many), ["url", "user", "user", "request_timeout_ms"]);
}

#[test]
fn a_slow_reader_keeps_the_oldest_messages_and_is_told_how_many_are_missing() {
    let queue = Queue::default();
    let message = |text: String| Message { payload: text.into(), trace: None };
    let taken = (0..5_000).filter(|number| queue.put(message(number.to_string()))).count();
    assert_eq!(taken, 4_096);
    assert_eq!(queue.dropped(), 904);
    queue.end();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        for number in 0..4_096 {
            assert_eq!(queue.take().await, Some(message(number.to_string())));
        }
        assert_eq!(queue.take().await, None);
    });
}

#[test]
fn a_slow_reader_holds_a_bounded_number_of_bytes() {
    let queue = Queue::default();
    let megabyte = Message { payload: Bytes::from(vec![0; 1024 * 1024]), trace: None };
    assert_eq!((0..100).filter(|_| queue.put(megabyte.clone())).count(), 32);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(queue.take());
    assert!(queue.put(megabyte.clone()));
    assert!(!queue.put(megabyte));

    let huge = Message { payload: Bytes::from(vec![0; 40 * 1024 * 1024]), trace: None };
    let queue = Queue::default();
    assert!(queue.put(huge.clone()));
    assert!(!queue.put(huge));
}

#[test]
fn a_trace_stands_in_a_header_only_if_it_can() {
    assert_eq!(message::trace(Some(&message::headers(Some("00-ab-cd-01")))), Some("00-ab-cd-01".into()));
    let long = "a".repeat(129);
    for broken in ["", " ", "a b", "a\r\nb: c", "井盖", &long] {
        assert!(message::headers(Some(broken)).is_empty(), "{broken:?}");
    }
    let mut foreign = async_nats::HeaderMap::new();
    foreign.insert("traceparent", long.as_str());
    assert_eq!(message::trace(Some(&foreign)), None);
    assert_eq!(message::trace(None), None);
}

#[test]
fn a_reason_is_made_fit_for_a_header() {
    assert_eq!(header_text(" too\r\nlate\t"), "too  late");
    assert_eq!(header_text("太晚了"), "太晚了");
    let cut = header_text(&"晚".repeat(1_000));
    assert_eq!(cut.len(), 1_023);
}

#[test]
fn pauses_grow_to_a_cap_and_differ_between_processes() {
    let pauses: Vec<_> = (1..=9).map(|attempt| growing(attempt).as_millis()).collect();
    assert_eq!(pauses, [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert_eq!(growing(usize::MAX).as_millis(), 5_000);
    let whole = Duration::from_secs(5);
    let jittered: Vec<_> = (0..100).map(|_| jittered(whole)).collect();
    assert!(jittered.iter().all(|pause| *pause > whole / 2 && *pause <= whole));
    assert!(jittered.iter().any(|pause| *pause != jittered[0]));
}

#[test]
fn the_first_attempt_is_made_at_once_and_a_connection_that_flaps_is_slowed_down() {
    let shared = Shared::new("test");
    assert_eq!(shared.pause(1), Duration::ZERO);
    // Each time the first attempt succeeds and the connection is lost again at once.
    let pauses: Vec<_> = (0..12).map(|_| shared.pause(1)).collect();
    assert!(pauses[0] >= Duration::from_millis(50), "{pauses:?}");
    assert!(pauses[11] >= Duration::from_millis(2_500), "{pauses:?}");
    shared.close();
    assert!(shared.pause(1) > Duration::from_secs(3_600));
    assert_eq!(*shared.state.borrow(), State::Closed);
}

#[test]
fn refusals_are_told_from_other_complaints() {
    for refusal in [
        "Permissions Violation for Publish to \"a.b\"",
        "permissions violation for subscription to \"a\"",
        "User Authentication Expired",
        "authorization violation",
    ] {
        assert!(is_refusal(refusal), "{refusal}");
    }
    for other in ["Stale Connection", "Maximum Payload Violation", "Slow Consumer"] {
        assert!(!is_refusal(other), "{other}");
    }
    let shared = Shared::new("test");
    events::heard(&shared, Event::ClientError(ClientError::Other("DNS error".into())));
    assert_eq!((shared.reason(), shared.refusals.borrow().count), ("DNS error".into(), 0));
    for number in 0..3 {
        shared.refused(&format!("no {number} {}", "x".repeat(1_000)));
    }
    let refusals = shared.refusals.borrow().clone();
    assert_eq!(refusals.count, 3);
    assert!(refusals.last.starts_with("no 2") && refusals.last.len() == 300, "{refusals:?}");
}

#[test]
fn the_share_of_headers_never_takes_more_than_half() {
    assert_eq!(state::payload_max(1024 * 1024), 1024 * 1024 - 8 * 1024);
    assert_eq!(state::payload_max(1_000), 500);
    assert_eq!(state::payload_max(0), 0);
}
