use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Append, CommitError, Committed, Expected, NewCommit, NewEvent, Options, Position, Seams, Store,
    StreamName, SyncPoint, Version,
};

pub(crate) const PAGE: usize = 1 << 20;

pub(crate) fn options() -> Options {
    Options { ledger: "test".to_owned(), cache_bytes: 8 << 20, queue_max: 64 }
}

/// Failures of the store come back as texts instead of ending the test process.
pub(crate) fn recording_seams() -> (Seams, Arc<Mutex<Vec<String>>>) {
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let recorder = Arc::clone(&reasons);
    let fail_stop = Arc::new(move |reason: &str| recorder.lock().unwrap().push(reason.to_owned()));
    (Seams { before_sync: None, fail_stop }, reasons)
}

/// Holds every group at one point until told to go on.
pub(crate) struct Gate {
    arrived: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
}

impl Gate {
    pub(crate) fn at(point: SyncPoint) -> (Seams, Gate) {
        let (arrive, arrived) = mpsc::channel();
        let (go_on, told) = mpsc::channel::<()>();
        let ends = Mutex::new((arrive, told));
        let (mut seams, _) = recording_seams();
        seams.before_sync = Some(Arc::new(move |here| {
            if here == point {
                let (arrive, told) = &*ends.lock().unwrap();
                // Either end is gone once the test is over; then nothing is held any more.
                arrive.send(()).ok();
                told.recv().ok();
            }
            Ok(())
        }));
        (seams, Gate { arrived, go_on })
    }

    pub(crate) fn wait(&self) {
        self.arrived.recv().unwrap();
    }

    pub(crate) fn open(&self) {
        self.go_on.send(()).unwrap();
    }
}

pub(crate) fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(crate) fn event(event_type: &str, payload: impl Into<Vec<u8>>) -> NewEvent {
    NewEvent {
        event_type: event_type.to_owned(),
        schema_version: 1,
        occurred_at: at(0),
        payload: payload.into(),
    }
}

pub(crate) fn append(name: &str, expected: Expected, payloads: &[&str]) -> Append {
    let events = payloads.iter().map(|payload| event("Noted", *payload)).collect();
    Append { stream: stream(name), expected, events }
}

pub(crate) fn command(id: u128, appends: Vec<Append>) -> NewCommit {
    NewCommit {
        principal: "p-1".to_owned(),
        on_behalf_of: None,
        command_id: Uuid::from_u128(id),
        request_mac: [1; 32],
        causation: None,
        correlation: Uuid::from_u128(99),
        traceparent: None,
        recorded_at: at(1),
        appends,
        unchanged: Vec::new(),
    }
}

/// One event on one stream, whatever its version.
pub(crate) fn note(id: u128, name: &str) -> NewCommit {
    command(id, vec![append(name, Expected::Any, &["x"])])
}

pub(crate) async fn commit_ok(store: &Store, commit: NewCommit) -> Committed {
    store.commit(commit).await.unwrap()
}

pub(crate) async fn commit_err(store: &Store, commit: NewCommit) -> CommitError {
    store.commit(commit).await.unwrap_err()
}

/// All events of a stream as (version, payload), read page by page.
pub(crate) fn stream_events(store: &Store, name: &str, page_bytes: usize) -> Vec<(u64, Vec<u8>)> {
    let mut events = Vec::new();
    let mut after = Version::NONE;
    loop {
        let page = store.read_stream(&stream(name), after, page_bytes).unwrap();
        for read in &page.events {
            after = read.event.version;
            events.push((after.0, read.event.payload.to_vec()));
        }
        if !page.more {
            return events;
        }
    }
}

/// Positions of all events of the log, read page by page.
pub(crate) fn positions(store: &Store, page_bytes: usize) -> Vec<u64> {
    let mut positions = Vec::new();
    let mut after = Position::ZERO;
    loop {
        let page = store.read_log(after, page_bytes).unwrap();
        for commit in &page.commits {
            after = commit.last();
            positions.extend(commit.events.iter().map(|event| event.position.0));
        }
        if !page.more {
            return positions;
        }
    }
}

/// What a kill of the process would leave: the files as they are while the store is open and idle.
pub(crate) fn copy_open(src: &Path, dst: &Path) {
    fs::create_dir_all(dst).unwrap();
    for entry in fs::read_dir(src).unwrap() {
        let entry = entry.unwrap();
        let to = dst.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_open(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
