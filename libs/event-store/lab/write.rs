use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_store::{
    Append, CommitError, Expected, NewCommit, NewEvent, Seams, Store, StreamName, SyncPoint, Version,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Outcome, options, say};

const WRITERS: u64 = 16;

/// Commits from several tasks until the process is killed or the store stops.
pub(crate) fn run(dir: &Path, seed: &str, fault: Option<&str>) -> Outcome<bool> {
    let seed: u64 = seed.parse()?;
    let seams = match fault {
        None => Seams::none(),
        Some(fault) => faulty(fault)?,
    };
    say("opening")?;
    let store = Store::open_with(dir, &options(), seams)?;
    say("opened")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            writers.spawn(work(store.clone(), seed, writer));
        }
        while let Some(ended) = writers.join_next().await {
            ended??;
        }
        Ok(true)
    })
}

/// `fail-N` or `die-P-N`. Only that one sync fails: a store that went on would be found out.
fn faulty(fault: &str) -> Outcome<Seams> {
    let parts: Vec<&str> = fault.split('-').collect();
    let (at, nth, dies) = match parts.as_slice() {
        ["fail", nth] => (SyncPoint::Data, nth.parse::<u64>()?, false),
        ["die", at, nth] => (sync_point(at)?, nth.parse()?, true),
        _ => return Err("FAULT is fail-N or die-P-N".into()),
    };
    let count = AtomicU64::new(0);
    let before_sync = move |point| {
        if point != at || count.fetch_add(1, Ordering::SeqCst) + 1 != nth {
            return Ok(());
        }
        if dies {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
        }
        Err(io::Error::other("no medium"))
    };
    Ok(Seams { before_sync: Some(Arc::new(before_sync)), ..Seams::none() })
}

fn sync_point(number: &str) -> Outcome<SyncPoint> {
    match number {
        "0" => Ok(SyncPoint::Data),
        "1" => Ok(SyncPoint::WatermarkWrite),
        "2" => Ok(SyncPoint::WatermarkSync),
        "3" => Ok(SyncPoint::Durable),
        _ => Err("P is 0 to 3".into()),
    }
}

async fn work(store: Store, seed: u64, writer: u64) -> Outcome<()> {
    let own = StreamName::new(format!("case/{seed}-{writer}"))?;
    let shared = StreamName::new(format!("case/shared-{}", writer % 3))?;
    let mut dice = Dice(seed ^ (writer << 48));
    let mut version = Version::NONE;
    for n in 0_u64.. {
        let events = 1 + dice.below(3);
        let mut appends = vec![append(&own, Expected::Exactly(version), events, &mut dice)];
        if dice.below(4) == 0 {
            appends.push(append(&shared, Expected::Any, 1, &mut dice));
        }
        let commit = new_commit(seed, writer, n, appends);
        let repeat = (dice.below(20) == 0).then(|| commit.clone());
        let id = commit.command_id;
        let done = match store.commit(commit).await {
            Err(CommitError::Busy) => return Err("more writers than places in the queue".into()),
            done => done?,
        };
        say(&format!("ack {id}"))?;
        version = Version(version.0 + events);
        if let Some(repeat) = repeat
            && store.commit(repeat).await?.commit.first != done.commit.first
        {
            return Err(format!("command {id} happened twice").into());
        }
    }
    Ok(())
}

fn append(stream: &StreamName, expected: Expected, events: u64, dice: &mut Dice) -> Append {
    let event = |_| {
        // One in twelve needs chunks.
        let size = if dice.below(12) == 0 { 4_000 + dice.below(30_000) } else { 300 + dice.below(900) };
        NewEvent {
            event_type: "Noted".to_owned(),
            schema_version: 1,
            occurred_at: Timestamp::UNIX_EPOCH,
            payload: (0..size).map(|n| u8::try_from(n % 251).unwrap_or_default()).collect(),
        }
    };
    Append { stream: stream.clone(), expected, events: (0..events).map(event).collect() }
}

fn new_commit(seed: u64, writer: u64, n: u64, appends: Vec<Append>) -> NewCommit {
    NewCommit {
        principal: "lab".to_owned(),
        on_behalf_of: None,
        command_id: Uuid::from_u64_pair(seed, (writer << 48) | n),
        request_mac: [0; 32],
        causation: None,
        correlation: Uuid::from_u64_pair(seed, writer),
        traceparent: None,
        recorded_at: Timestamp::UNIX_EPOCH,
        appends,
        unchanged: Vec::new(),
    }
}

/// SplitMix64: numbers that look random and follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }
}
