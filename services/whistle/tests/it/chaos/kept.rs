//! What is on disk afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use case::ids::CaseId;
use case::state::ClockPhase;
use ledger::{Ledger, LedgerInfo, Position};
use registry::ids::{AreaCode, JurisdictionId};
use rusqlite::Connection;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::process::{json, run, text, told};
use crate::verify::copy;

/// A page of the log, in bytes as stored.
const PAGE_BYTES: usize = 1024 * 1024;
/// Where the feed keeps what its readers acknowledged, which is folded from nothing.
const NOT_FOLDED: &str = "feed-acks.sqlite";

/// A running clock: of which case, and its number there.
type Running = (CaseId, u32);
/// How far a projection is, and the sum of its rows.
type Sum = (Position, String);

/// What the log says.
#[derive(Default)]
struct Log {
    /// Versions that commands of people brought cases to.
    commanded: BTreeSet<(String, u64)>,
    cases: BTreeSet<CaseId>,
    commits: u64,
    head: Position,
    running: BTreeSet<Running>,
}

/// Looks through what the processes left: the log is whole, has every acknowledged command once and no other command of people, and
/// folds to what every copy of every role has.
pub(super) fn check(dir: &Path, places: &[(&'static str, PathBuf)], acknowledged: &BTreeSet<(String, u64)>) {
    let ((_, ledger), roles) = places.split_first().unwrap();
    let verdict = json(&["verify", "--json", "--data", text(ledger)]);
    assert_eq!(verdict["ok"], true, "{verdict}");
    let folded = dir.join("folded");
    copy(ledger, &folded);
    std::fs::copy(dir.join("vault.key"), folded.join("vault/vault.key")).unwrap();
    let output = run(&["rebuild", "--data", text(&folded)]);
    assert!(output.status.success(), "{}", told(&output));
    let log = Runtime::new().unwrap().block_on(read(&folded, &people(dir)));
    assert_eq!(verdict["commits"], log.commits, "folding the log again wrote to it");
    assert_eq!(&log.commanded, acknowledged, "commanded and acknowledged");
    let rebuilt = sums(&folded);
    for (role, data) in roles {
        same_rows(role, &sums(data), &rebuilt, log.head);
        if *role == "escalation" {
            let rows = clocks(&data.join("projections/escalation/escalation.sqlite"));
            assert_eq!(rows, log.running, "clocks of {}", data.display());
        }
    }
    assert!(!log.running.is_empty(), "no clock was left running");
    let (commits, head, cases, clocks) = (log.commits, log.head, log.cases.len(), log.running.len());
    println!("chaos: {commits} commits to position {head}, {cases} cases, {clocks} clocks running");
}

/// Who commands, other than Whistle itself.
fn people(dir: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(dir.join("principals.toml")).unwrap();
    let file: toml::Table = text.parse().unwrap();
    let principals = file["principal"].as_array().unwrap();
    principals.iter().map(|principal| principal["id"].as_str().unwrap().to_owned()).collect()
}

async fn read(data: &Path, people: &BTreeSet<String>) -> Log {
    let district: Value =
        serde_json::from_slice(&std::fs::read(data.join("district.json")).unwrap()).unwrap();
    let info = LedgerInfo {
        jurisdiction: JurisdictionId::new(district["jurisdiction"].as_str().unwrap()).unwrap(),
        code: AreaCode::new(district["code"].as_str().unwrap()).unwrap(),
    };
    let ledger = Ledger::open(&data.join("ledger"), info, ledger::Options::DEFAULT).unwrap();
    let (mut log, mut commands) = (Log::default(), BTreeSet::new());
    loop {
        let page = ledger.read_log(log.head, PAGE_BYTES).await.unwrap();
        let Some(last) = page.last() else { break };
        log.head = last.last;
        for commit in &page {
            log.commits += 1;
            let command = (commit.principal.clone(), commit.command_id);
            assert!(commands.insert(command), "a command is there twice: {commit:?}");
            let cases: BTreeMap<CaseId, u64> = commit
                .entries
                .iter()
                .filter_map(|entry| Some((entry.stream.case()?, entry.recorded.version)))
                .collect();
            log.cases.extend(cases.keys());
            if people.contains(&commit.principal) {
                log.commanded.extend(cases.iter().map(|(case, version)| (case.to_string(), *version)));
            }
        }
    }
    for id in &log.cases {
        let case = ledger.read_case(*id).await.unwrap();
        log.running.extend(
            case.clocks
                .iter()
                .filter(|clock| clock.phase == ClockPhase::Running)
                .map(|clock| (*id, clock.no.0)),
        );
    }
    ledger.close().await;
    log
}

/// The projections in a data directory, by role and file.
fn sums(data: &Path) -> BTreeMap<(String, String), Sum> {
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let paths = |dir: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let mut sums = BTreeMap::new();
    for role in paths(&data.join("projections")) {
        for file in
            paths(&role).into_iter().filter(|file| file.extension().is_some_and(|end| end == "sqlite"))
        {
            if name(&file) == NOT_FOLDED {
                continue;
            }
            let db = Connection::open(&file).unwrap();
            let sum = (projection::position(&db).unwrap(), projection::checksum(&db).unwrap());
            sums.insert((name(&role), name(&file)), sum);
        }
    }
    sums
}

/// One copy against what was rebuilt: the same files, with the same rows, at the end of the log.
fn same_rows(
    role: &str,
    found: &BTreeMap<(String, String), Sum>,
    rebuilt: &BTreeMap<(String, String), Sum>,
    head: Position,
) {
    let of_role = rebuilt.iter().filter(|((of, _), _)| of == role);
    let wanted: BTreeMap<_, _> = of_role.map(|(key, sum)| (key.clone(), sum.clone())).collect();
    assert!(!wanted.is_empty(), "{role} has no projection");
    assert_eq!(found, &wanted, "live and rebuilt");
    assert!(found.values().all(|(position, _)| *position == head), "not at {head}: {found:?}");
}

fn clocks(path: &Path) -> BTreeSet<Running> {
    let db = Connection::open(path).unwrap();
    let mut query = db.prepare("SELECT case_id, clock FROM clocks JOIN cases USING (number)").unwrap();
    let rows = query.query_map([], |row| {
        let id: [u8; 16] = row.get(0)?;
        Ok((CaseId(uuid::Uuid::from_bytes(id)), row.get(1)?))
    });
    rows.unwrap().map(Result::unwrap).collect()
}
