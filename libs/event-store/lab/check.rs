use std::collections::HashSet;
use std::fs;
use std::path::Path;

use event_store::{ChainHash, Position, Store};
use uuid::Uuid;

use crate::{Outcome, options, say};

const PAGE_BYTES: usize = 1 << 20;

/// Recovers a store and looks for what was acknowledged: every commit there, once, found by its command id, positions
/// without gap, chain unbroken.
pub(crate) fn run(dir: &Path, acks: &Path) -> Outcome<bool> {
    let acked = read_acks(acks)?;
    let store = Store::open(dir, &options())?;
    let mut problems = Vec::new();
    let stored = walk(&store, &mut problems)?;
    for id in &acked {
        if !stored.contains(id) {
            problems.push(format!("{id} was acknowledged and is not in the log"));
        } else if store.find_command("lab", *id)?.is_none_or(|commit| commit.command_id != *id) {
            problems.push(format!("{id} is in the log and not found by its id"));
        }
    }
    let ok = problems.is_empty();
    let found = problems.len();
    problems.truncate(20);
    let result = serde_json::json!({
        "ok": ok,
        "acked": acked.len(),
        "commits": stored.len(),
        "events": store.head().position.0,
        "problems": found,
        "first_problems": problems,
    });
    say(&result.to_string())?;
    Ok(ok)
}

fn walk(store: &Store, problems: &mut Vec<String>) -> Outcome<HashSet<Uuid>> {
    let mut stored = HashSet::new();
    let mut after = Position::ZERO;
    let mut chain = ChainHash::GENESIS;
    loop {
        let page = store.read_log(after, PAGE_BYTES)?;
        for commit in &page.commits {
            if commit.first != after.next() || commit.previous != chain {
                problems.push(format!("the commit at {} does not follow", commit.first));
            }
            if !stored.insert(commit.command_id) {
                problems.push(format!("{} happened twice", commit.command_id));
            }
            after = commit.last();
            chain = commit.chain_hash;
        }
        if !page.more {
            break;
        }
    }
    if store.head().chain != chain {
        problems.push("the head has another chain hash than the last commit".to_owned());
    }
    Ok(stored)
}

/// The ids acknowledged; a last line without its end was cut off by the kill and says nothing.
fn read_acks(path: &Path) -> Outcome<HashSet<Uuid>> {
    let text = fs::read_to_string(path)?;
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let ids = whole.lines().filter_map(|line| line.strip_prefix("ack "));
    Ok(ids.map(str::parse).collect::<Result<_, _>>()?)
}
