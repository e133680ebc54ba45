use std::collections::BTreeMap;

use proptest::prelude::*;

use super::support::{
    PAGE, append, at, command, copy_open, event, options, positions, stream, stream_events,
};
use crate::limits::EVENT_BYTES_MAX;
use crate::{Append, CommitError, Expected, NewCommit, Position, Store, Version, verify_copy_in_place};

const STREAMS: [&str; 3] = ["case/a", "case/b", "registry/x"];

#[derive(Debug, Clone)]
enum Op {
    /// One or two streams with payloads of some size, expecting the model's version plus an error.
    Commit {
        id: u8,
        mac: u8,
        second: u32,
        appends: Vec<(usize, i8, Vec<usize>)>,
    },
    Oversize {
        id: u8,
    },
    Reopen,
    /// The process is killed between two groups: only its files are left.
    Kill,
}

fn op() -> impl Strategy<Value = Op> {
    let sizes = prop::collection::vec(prop_oneof![4 => 0..200_usize, 1 => 4000..9000_usize], 1..4);
    let wrong = prop_oneof![6 => Just(0_i8), 1 => Just(1), 1 => Just(-1), 2 => Just(i8::MAX)];
    let part = (0..STREAMS.len(), wrong, sizes);
    let commit =
        (0..24_u8, prop_oneof![9 => Just(0_u8), 1 => Just(1)], 0..50_u32, prop::collection::vec(part, 1..3));
    prop_oneof![
        20 => commit.prop_map(|(id, mac, second, appends)| Op::Commit { id, mac, second, appends }),
        1 => any::<u8>().prop_map(|id| Op::Oversize { id }),
        1 => Just(Op::Reopen),
        1 => Just(Op::Kill),
    ]
}

/// What a store should hold, in plain maps.
#[derive(Default)]
struct Model {
    streams: BTreeMap<&'static str, Vec<Vec<u8>>>,
    /// Per command id: MAC, first and last position.
    commands: BTreeMap<u8, (u8, u64, u64)>,
    position: u64,
}

impl Model {
    fn version(&self, name: &str) -> u64 {
        self.streams.get(name).map_or(0, |events| events.len() as u64)
    }

    fn expected(&self, name: &str, wrong: i8) -> Expected {
        match wrong {
            i8::MAX => Expected::Any,
            wrong => Expected::Exactly(Version(self.version(name).saturating_add_signed(wrong.into()))),
        }
    }

    /// The same rules as the store's, said once more.
    fn apply(&mut self, id: u8, mac: u8, appends: &[Append]) -> Result<(u64, u64, bool), &'static str> {
        if let Some((known, first, last)) = self.commands.get(&id) {
            return if *known == mac { Ok((*first, *last, true)) } else { Err("reused") };
        }
        if appends.len() == 2 && appends[0].stream == appends[1].stream {
            return Err("invalid");
        }
        if appends.iter().any(|a| !a.expected.is_met_by(Version(self.version(a.stream.as_str())))) {
            return Err("conflict");
        }
        let first = self.position + 1;
        for append in appends {
            let name = STREAMS.into_iter().find(|name| *name == append.stream.as_str()).unwrap();
            let events = append.events.iter().map(|event| event.payload.clone());
            self.streams.entry(name).or_default().extend(events);
            self.position += append.events.len() as u64;
        }
        self.commands.insert(id, (mac, first, self.position));
        Ok((first, self.position, false))
    }
}

fn new_commit(model: &Model, id: u8, mac: u8, second: u32, parts: &[(usize, i8, Vec<usize>)]) -> NewCommit {
    let appends = parts.iter().map(|(name, wrong, sizes)| Append {
        stream: stream(STREAMS[*name]),
        expected: model.expected(STREAMS[*name], *wrong),
        events: sizes.iter().map(|size| event("Noted", vec![id; *size])).collect(),
    });
    let recorded_at = at(second.into());
    NewCommit { request_mac: [mac; 32], recorded_at, ..command(id.into(), appends.collect()) }
}

async fn check_commit(store: &Store, model: &mut Model, new: NewCommit, id: u8, mac: u8) {
    // A malformed commit is refused before its command id is looked at.
    let twice = new.appends.len() == 2 && new.appends[0].stream == new.appends[1].stream;
    let expected = if twice { Err("invalid") } else { model.apply(id, mac, &new.appends) };
    let actual = match store.commit(new).await {
        Ok(done) => Ok((done.commit.first.0, done.commit.last().0, done.repeated)),
        Err(CommitError::Conflict { .. }) => Err("conflict"),
        Err(CommitError::CommandIdReused) => Err("reused"),
        Err(CommitError::Invalid(_)) => Err("invalid"),
        Err(CommitError::TooLarge { .. }) => Err("too large"),
        Err(other @ (CommitError::Busy | CommitError::Stopped)) => panic!("{other}"),
    };
    assert_eq!(actual, expected);
}

fn check_all(store: &Store, model: &Model) {
    assert_eq!(store.head().position, Position(model.position));
    assert_eq!(positions(store, 1000), (1..=model.position).collect::<Vec<_>>());
    for name in STREAMS {
        let expected = model.streams.get(name).into_iter().flatten().cloned();
        let expected: Vec<(u64, Vec<u8>)> = (1..).zip(expected).collect();
        assert_eq!(stream_events(store, name, 3000), expected);
    }
    for (id, (_, first, last)) in &model.commands {
        let key = command((*id).into(), vec![]);
        let commit = store.find_command(&key.principal, key.command_id).unwrap().unwrap();
        assert_eq!((commit.first.0, commit.last().0), (*first, *last));
    }
    let mut recorded = store.read_log(Position::ZERO, PAGE).unwrap().commits;
    recorded.dedup_by_key(|commit| commit.recorded_at);
    assert!(recorded.is_sorted_by_key(|commit| commit.recorded_at));
}

async fn run(ops: Vec<Op>) {
    let root = tempfile::tempdir().unwrap();
    let mut dir = root.path().join("0");
    let mut store = Store::open(&dir, &options()).unwrap();
    let mut model = Model::default();
    for (step, op) in ops.into_iter().enumerate() {
        match op {
            Op::Commit { id, mac, second, appends } => {
                let new = new_commit(&model, id, mac, second, &appends);
                check_commit(&store, &mut model, new, id, mac).await;
            }
            Op::Oversize { id } => {
                let mut new = command(id.into(), vec![append("case/a", Expected::Any, &["x"])]);
                new.appends[0].events[0].payload = vec![0; EVENT_BYTES_MAX + 1];
                assert!(matches!(store.commit(new).await, Err(CommitError::TooLarge { .. })));
            }
            Op::Reopen => {
                store.close().await;
                store = Store::open(&dir, &options()).unwrap();
                check_all(&store, &model);
            }
            Op::Kill => {
                let left = root.path().join(format!("{}", step + 1));
                copy_open(&dir, &left);
                store = Store::open(&left, &options()).unwrap();
                dir = left;
                check_all(&store, &model);
            }
        }
    }
    check_all(&store, &model);
    store.close().await;
    let report = verify_copy_in_place(&dir);
    assert!(report.ok, "{:?}", report.findings);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn store_does_what_plain_maps_do(ops in prop::collection::vec(op(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run(ops));
    }
}
