use std::fs;
use std::path::Path;

use event_store::{Append, Expected, NewCommit, NewEvent, Options, Store, StreamName};
use jiff::Timestamp;
use uuid::Uuid;

use crate::lab::{Site, Writer, run};
use crate::seed::{Dice, number_from_env, random_seed};

const COMMITS: u128 = 120;

fn mark(n: u128) -> String {
    format!("mark-{n:06}-mark")
}

fn options() -> Options {
    Options { ledger: "lab".to_owned(), cache_bytes: 16 << 20, queue_max: 1024 }
}

async fn fill(dir: &Path) {
    let store = Store::open(dir, &options()).unwrap();
    for n in 0..COMMITS {
        let event = NewEvent {
            event_type: "Noted".to_owned(),
            schema_version: 1,
            occurred_at: Timestamp::UNIX_EPOCH,
            payload: format!("{}{}", mark(n), "x".repeat(2000)).into_bytes(),
        };
        let stream = StreamName::new(format!("case/{}", n % 7)).unwrap();
        let commit = NewCommit {
            principal: "lab".to_owned(),
            on_behalf_of: None,
            command_id: Uuid::from_u128(n),
            request_mac: [0; 32],
            causation: None,
            correlation: Uuid::from_u128(n),
            traceparent: None,
            recorded_at: Timestamp::UNIX_EPOCH,
            appends: vec![Append { stream, expected: Expected::Any, events: vec![event] }],
            unchanged: Vec::new(),
        };
        store.commit(commit).await.unwrap();
    }
    store.close().await;
}

/// Flips a bit in every copy the file holds of one commit's payload: old page versions besides the one in use.
fn flip(db: &Path, mark: &str) -> usize {
    let mut bytes = fs::read(db).unwrap();
    let places: Vec<usize> = bytes
        .windows(mark.len())
        .enumerate()
        .filter(|(_, w)| *w == mark.as_bytes())
        .map(|(at, _)| at)
        .collect();
    for place in &places {
        bytes[place + 3] ^= 0x10;
    }
    fs::write(db, bytes).unwrap();
    places.len()
}

#[tokio::test]
async fn flipped_bit_on_disk_is_found_wherever_it_is() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("store");
    fill(&dir).await;
    let whole = root.path().join("whole");
    let report = run(&["verify", dir.to_str().unwrap(), whole.to_str().unwrap()]);
    assert!(report.status.success(), "{report:?}");
    for n in [0, 1, 40, 77, COMMITS - 2, COMMITS - 1] {
        let damaged = root.path().join(format!("damaged-{n}"));
        event_store::copy_for_verify(&dir, &damaged).unwrap();
        assert!(flip(&damaged.join("sled/db"), &mark(n)) > 0);
        let copy = root.path().join(format!("copy-{n}"));
        // A crash of the child is a finding as well: anything but success.
        let report = run(&["verify", damaged.to_str().unwrap(), copy.to_str().unwrap()]);
        assert!(!report.status.success(), "commit {n}: {report:?}");
    }
}

/// Flips a bit, zeroes a block or cuts the end off one file of a store, sled's data rather than another.
fn damage(dir: &Path, dice: &mut Dice) -> String {
    let files = ["sled/db", "sled/db", "sled/db", "sled/conf", "watermark", "format"];
    let name = files[usize::try_from(dice.below(6)).unwrap()];
    let path = dir.join(name);
    let mut bytes = fs::read(&path).unwrap();
    let at = usize::try_from(dice.below(bytes.len() as u64)).unwrap();
    let kind = dice.below(3);
    match kind {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes.iter_mut().skip(at / 4096 * 4096).take(4096).for_each(|byte| *byte = 0),
        _ => bytes.truncate(at),
    }
    fs::write(&path, bytes).unwrap();
    format!("{name}, kind {kind}, at {at}")
}

/// Each damage is refused or found, or it hit nothing that counts and then all is there. Drawn from
/// `WHISTLE_KILL_SEED` (random, printed).
#[test]
fn damage_is_never_served_silently() {
    let seed = number_from_env("WHISTLE_KILL_SEED").unwrap_or_else(random_seed);
    println!("WHISTLE_KILL_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut site = Site::new();
    let mut writer = Writer::start(&site.dir(), seed, &[]);
    writer.expect_line("opened");
    while writer.acks.len() < 300 {
        writer.line().expect("the writer ended by itself");
    }
    site.acks.extend(writer.kill());
    site.check("before any damage");
    for round in 0..12 {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
        event_store::copy_for_verify(&site.dir(), &root.path().join("store")).unwrap();
        let what = damage(&root.path().join("store"), &mut dice);
        let verified = run(&["verify", &path("store"), &path("copy")]);
        let checked = run(&["check", &path("store"), &site.acks_file()]);
        // 1 says: it opened and something acknowledged was missing.
        assert_ne!(checked.status.code(), Some(1), "seed {seed}, round {round}: {what}: {checked:?}");
        let silent = verified.status.success() && !checked.status.success();
        assert!(!silent, "seed {seed}, round {round}: {what}: {verified:?} {checked:?}");
    }
}
