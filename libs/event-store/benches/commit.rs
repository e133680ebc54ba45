//! What a durable commit costs beside a bare sled write of the same bytes with the same sync, at 1, 16 and 64 at a time.
//!
//! `cargo bench -p event-store`. The directory lies below TMPDIR, which should be on the disk to be measured.

use std::fs::File;
use std::path::Path;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use event_store::{Append, Expected, NewCommit, NewEvent, Options, Store, StreamName};
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Commits in flight at one time.
const BATCHES: [u64; 3] = [1, 16, 64];
/// About the size of an event of a case, in bytes.
const PAYLOAD_BYTES: usize = 400;
/// Cache of both, in bytes.
const CACHE_BYTES: u64 = 64 << 20;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    durable_commits(&mut criterion);
    bare_writes(&mut criterion);
    criterion.final_summary();
}

fn durable_commits(criterion: &mut Criterion) {
    let dir = done(tempfile::tempdir());
    let runtime = done(Runtime::new());
    let options = Options { ledger: "bench".to_owned(), cache_bytes: CACHE_BYTES, queue_max: 1024 };
    let store = done(Store::open(dir.path(), &options));
    let mut group = criterion.benchmark_group("durable commit");
    let mut number = 0_u128;
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch));
        group.bench_with_input(BenchmarkId::from_parameter(batch), &batch, |bencher, batch| {
            let commits = || {
                let next = |_| {
                    number += 1;
                    new_commit(number)
                };
                (0..*batch).map(next).collect::<Vec<NewCommit>>()
            };
            bencher.iter_batched(
                commits,
                |commits| runtime.block_on(commit_all(&store, commits)),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    runtime.block_on(store.close());
}

async fn commit_all(store: &Store, commits: Vec<NewCommit>) {
    let mut waiting = JoinSet::new();
    for commit in commits {
        let store = store.clone();
        waiting.spawn(async move { store.commit(commit).await });
    }
    while let Some(committed) = waiting.join_next().await {
        drop(done(done(committed)));
    }
}

/// A sled batch of as many values of the same size, flushed, and its file synced through a descriptor of its own.
fn bare_writes(criterion: &mut Criterion) {
    let dir = done(tempfile::tempdir());
    let db =
        done(sled::Config::new().path(dir.path()).cache_capacity(CACHE_BYTES).flush_every_ms(None).open());
    let file = done(File::open(data_file(dir.path())));
    let mut group = criterion.benchmark_group("bare sled write and fdatasync");
    let mut number = 0_u64;
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch));
        group.bench_with_input(BenchmarkId::from_parameter(batch), &batch, |bencher, batch| {
            bencher.iter(|| {
                let mut writes = sled::Batch::default();
                for _ in 0..*batch {
                    number += 1;
                    writes.insert(&number.to_be_bytes(), vec![b'x'; PAYLOAD_BYTES]);
                }
                done(db.apply_batch(writes));
                done(db.flush());
                done(file.sync_data());
            });
        });
    }
    group.finish();
}

/// Where sled keeps its log.
fn data_file(dir: &Path) -> std::path::PathBuf {
    dir.join("db")
}

fn new_commit(number: u128) -> NewCommit {
    let event = NewEvent {
        event_type: "Happened".to_owned(),
        schema_version: 1,
        occurred_at: Timestamp::UNIX_EPOCH,
        payload: vec![b'x'; PAYLOAD_BYTES],
    };
    NewCommit {
        principal: "bench".to_owned(),
        on_behalf_of: None,
        command_id: Uuid::from_u128(number),
        request_mac: [0; 32],
        causation: None,
        correlation: Uuid::from_u128(number),
        traceparent: None,
        recorded_at: Timestamp::UNIX_EPOCH,
        appends: vec![Append {
            stream: done(StreamName::new(format!("case/{number}"))),
            expected: Expected::NoStream,
            events: vec![event],
        }],
        unchanged: Vec::new(),
    }
}

fn done<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
