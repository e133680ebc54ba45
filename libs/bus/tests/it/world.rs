//! What the tests share.

use std::path::PathBuf;
use std::time::Duration;

use bus::{Asked, Bus, Endpoint, Refused, Service, Serving, Settings, State, Subject};
use bytes::Bytes;
use nats_child::{NatsChild, Options};
use tempfile::TempDir;

/// Long enough for a loaded machine with two cores; nothing waits for it that goes well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn subject(tokens: &[&str]) -> Subject {
    Subject::new(tokens).unwrap()
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// A connection that is there.
pub(crate) async fn bus(server: &NatsChild, name: &str) -> Bus {
    let bus = Bus::connect(&Settings::local(server.url()), name).await.unwrap();
    soon(bus.connected()).await;
    assert!(bus.is_connected());
    bus
}

pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("did not happen in time")
}

pub(crate) async fn until(bus: &Bus, wanted: impl Fn(&State) -> bool) -> State {
    soon(bus.state().wait_for(|state| wanted(state))).await.unwrap().clone()
}

pub(crate) fn is_away(state: &State) -> bool {
    matches!(state, State::Away { .. })
}

pub(crate) fn is_connected(state: &State) -> bool {
    matches!(state, State::Connected { .. })
}

/// Files in a directory of their own.
pub(crate) struct Files {
    dir: TempDir,
}

impl Files {
    pub(crate) fn new() -> Files {
        Files { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn server(&self, config: &str) -> NatsChild {
        let config = Some(self.write("nats.conf", config));
        NatsChild::start_with(Options { config, ..Options::default() }).unwrap()
    }
}

/// Answers with what it was asked, its trace in front; refuses "refuse" and panics over "panic".
pub(crate) async fn echo(asked: Asked) -> Result<Bytes, Refused> {
    match &asked.payload[..] {
        b"refuse" => Err(Refused { code: 409, reason: "not\r\nthis one".to_owned() }),
        b"panic" => panic!("as asked"),
        payload => {
            let trace = asked.trace.unwrap_or_default();
            Ok([trace.as_bytes(), b"|", payload].concat().into())
        }
    }
}

pub(crate) async fn serve_echo(bus: &Bus) -> Serving {
    let endpoint = Endpoint::new("echo", subject(&["test", "echo"]), 4, echo);
    bus.serve(service("whistle-echo", vec![endpoint])).await.unwrap()
}

pub(crate) fn service(name: &str, endpoints: Vec<Endpoint>) -> Service {
    Service { name: name.into(), version: "1.2.3".into(), description: "repeats".into(), endpoints }
}
