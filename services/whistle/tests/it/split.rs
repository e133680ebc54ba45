//! The six roles over NATS: the same stories, the same promises, and what happens when a part of it is away or wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use event_store::{Append, Expected, NewCommit, NewEvent, Store, StreamName};
use nats_child::{NatsChild, Options};
use serde_json::Value;
use uuid::Uuid;

use crate::demo::told_once;
use crate::district::{District, Process, ROLES};
use crate::process::{json, run, text, told, whistle};

const WORKER: &str = "sandbox-qianjin-grid-worker-1";
const CENTRE: &str = "sandbox-centre-officer-1";

fn call(server: &str, token: &str, arguments: &[&str]) -> Value {
    json(&[arguments, &["--server", server, "--token", token, "-o", "json"]].concat())
}

fn raise(server: &str, words: &str) -> Value {
    call(server, WORKER, &["raise", "--text", words])
}

/// The words and people of every step of the stories, as they are told.
fn told_in_stories() -> Vec<String> {
    let (mut words, mut registry) = (Vec::new(), String::new());
    for sample in ["huancui", "beigangyuan"] {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seeds").join(sample);
        for file in std::fs::read_dir(&seeds).unwrap().map(|file| file.unwrap().path()) {
            if file.is_file() {
                registry += &std::fs::read_to_string(file).unwrap();
            }
        }
        for story in std::fs::read_dir(seeds.join("stories")).unwrap() {
            let story: toml::Table = std::fs::read_to_string(story.unwrap().path()).unwrap().parse().unwrap();
            collect(&story["steps"], "", &mut words);
        }
    }
    // The registry is published; who says the name of a matter says nothing more.
    words.retain(|word| !registry.contains(word.as_str()));
    words
}

fn collect(value: &toml::Value, key: &str, words: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| collect(value, key, words)),
        toml::Value::Array(items) => items.iter().for_each(|item| collect(item, key, words)),
        toml::Value::String(text) if ["zh", "name", "phone"].contains(&key) => words.push(text.clone()),
        toml::Value::String(_)
        | toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_) => {}
    }
}

/// Plays every story, with a nats-server that writes down everything that passes it.
#[test]
fn every_story_ends_as_in_one_process_and_nobody_is_named_on_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("nats.log");
    let args = ["--trace", "--log", text(&trace)].map(str::to_owned).to_vec();
    let nats = NatsChild::start_with(Options { args, ..Options::default() }).unwrap();
    let over_nats = json(&["demo", "--json", "--nats", &nats.url()]);
    let (_, in_one) = told_once();
    assert_eq!(over_nats["as_told"], true, "{}", over_nats["differences"]);
    for field in ["cases", "closed", "ended", "events", "chain_ok"] {
        assert_eq!(over_nats[field], in_one[field], "{field}");
    }
    let passed = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    for seen in ["whistle.huancui.log", "whistle.beigangyuan.ledger.commit", "CaseRaised", "ciphertext"] {
        assert!(passed.contains(seen), "{seen} was not seen, so nothing would have been");
    }
    let words = told_in_stories();
    assert!(words.len() > 50 && words.contains(&"0631-5550101".to_owned()));
    for word in words {
        assert!(!passed.contains(&word), "in the clear: {word}");
    }
}

#[test]
fn six_processes_take_a_case_and_show_it() {
    let district = District::start(1);
    let server = district.server();
    let raised = raise(&server, "路灯不亮");
    let id = raised["case_id"].as_str().unwrap();
    let shown = call(&server, CENTRE, &["case", "show", id]);
    assert!(shown.to_string().contains("路灯不亮"), "{shown}");
    let nobody = run(&["case", "show", id, "--server", &server, "--token", "nobody"]);
    assert_eq!(nobody.status.code(), Some(77), "{}", told(&nobody));
    district.stop();
}

#[test]
fn a_case_is_one_trace_through_the_processes() {
    let district = District::start(1);
    let server = district.server();
    let load = run(&[
        "bench",
        "lifecycle",
        "--connect",
        &server,
        "--clients",
        "1",
        "--seconds",
        "1",
        "--rounds",
        "1",
    ]);
    assert!(load.status.success(), "{}", told(&load));
    let traces = |role: &str, message: &str| -> Vec<String> {
        let process = district.processes.iter().find(|process| process.role == role).unwrap();
        let said = process.said();
        let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let wanted = lines.filter(|line| line["message"] == message).filter_map(|line| {
            let span = line["span"]["trace_id"].as_str();
            line["trace_id"].as_str().or(span).map(str::to_owned)
        });
        wanted.collect()
    };
    let (filed, dispatched) = (traces("intake", "committed"), traces("routing", "committed"));
    // What is filed at intake is dispatched by routing, by itself and in the same trace; the ledger stored both.
    let both: Vec<_> = filed.iter().filter(|trace| dispatched.contains(trace)).collect();
    assert!(!both.is_empty(), "{filed:?}\n{dispatched:?}");
    let stored = traces("ledger", "stored");
    for trace in both {
        assert!(stored.iter().filter(|stored| *stored == trace).count() >= 2, "{trace}");
    }
    district.stop();
}

/// Both copies of a role are called in turn, and one of each is killed under load.
#[test]
fn one_of_two_copies_killed_loses_nothing_that_was_acknowledged() {
    let mut district = District::start(2);
    let server = district.server();
    let acks = district.path().join("acks.txt");
    let load = ["bench", "lifecycle", "--connect", &server, "--insist", "--acks", text(&acks)];
    let amount = ["--clients", "4", "--seconds", "8", "--rounds", "1"];
    let mut load = whistle().args(load).args(amount).spawn().unwrap();
    let acknowledged = || {
        let lines = std::fs::read_to_string(acks.with_extension("txt.versions")).unwrap_or_default();
        lines.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for role in ["intake", "routing", "closure"] {
        let before = acknowledged().len();
        district.processes[0].wait("at work", |_| acknowledged().len() > before + 3);
        let copy = district.processes.iter().position(|process| process.role == role).unwrap();
        district.kill(copy);
        let before = acknowledged().len();
        district.processes[0].wait("at work", |_| acknowledged().len() > before + 2);
        district.start_again(copy);
    }
    assert!(load.wait().unwrap().success(), "every command was answered in the end");
    district.settle();
    assert_eq!(district.processes[0].metric("whistle_nats_connected"), Some(1.0));
    for line in acknowledged() {
        let [id, version, _status] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let shown = call(&server, CENTRE, &["case", "show", id]);
        let reached = shown["version"].as_u64().unwrap();
        assert!(reached >= version.parse().unwrap(), "{line}: {reached}");
    }
    district.stop();
}

#[test]
fn nats_away_is_told_at_once_and_everything_catches_up() {
    let mut district = District::start(1);
    let server = district.server();
    let first = raise(&server, "井盖松动");
    // An empty list needs no words.
    let is_listed = |_: &_| call(&server, CENTRE, &["case", "list"]).as_array().unwrap().len() == 1;
    district.processes[0].wait("the case in the list", is_listed);
    district.nats.kill();
    let command = "00000000-0000-4000-8000-000000000042";
    let asked =
        ["raise", "--text", "井盖丢失", "--command-id", command, "--server", &server, "--token", WORKER];
    let away = run(&asked);
    assert_eq!(away.status.code(), Some(69), "{}", told(&away));
    assert!(told(&away).contains("UNAVAILABLE"), "{}", told(&away));
    // A case is read from the ledger and its words are opened with keys of the vault there; the registry is at hand.
    let listed = run(&["case", "list", "--lang", "en", "--server", &server, "--token", CENTRE]);
    assert_eq!(listed.status.code(), Some(69), "{}", told(&listed));
    assert!(told(&listed).contains("next: try again"), "{}", told(&listed));
    call(&server, CENTRE, &["registry", "show"]);
    for process in &district.processes {
        process.wait("not ready without NATS", lacks_nats);
    }
    district.nats.restart().unwrap();
    district.settle();
    let second = json(&[asked.as_slice(), &["-o", "json"]].concat());
    for raised in [first, second] {
        call(&server, CENTRE, &["case", "show", raised["case_id"].as_str().unwrap()]);
    }
    let listed = call(&server, CENTRE, &["case", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    district.stop();
}

/// Whether a process says that it is not ready for want of NATS.
fn lacks_nats(process: &Process) -> bool {
    let (ready, why) = process.ready();
    !ready && why.contains("NATS is away")
}

#[test]
fn a_ledger_waits_for_a_server_that_is_away_at_its_start() {
    let mut nats = NatsChild::start().unwrap();
    nats.kill();
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(&nats, dir.path());
    ledger.wait("not ready without NATS", lacks_nats);
    nats.restart().unwrap();
    ledger.wait_ready();
}

#[test]
fn a_second_ledger_is_refused_on_the_same_directory_and_on_the_same_subjects() {
    let nats = NatsChild::start().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let first = ledger(&nats, dir.path());
    first.wait_ready();
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seeds/huancui");
    let serve = |data: &Path| {
        run(&["serve", "ledger", "--data", text(data), "--nats", &nats.url(), "--registry", text(&seeds)])
    };
    let same_directory = serve(&dir.path().join("data"));
    assert_eq!(same_directory.status.code(), Some(69), "{}", told(&same_directory));
    assert!(told(&same_directory).contains("DIRECTORY_IN_USE"));
    assert_eq!(told(&same_directory).matches("uses this data directory").count(), 1, "said once");
    let same_subjects = serve(&dir.path().join("other"));
    assert_eq!(same_subjects.status.code(), Some(69), "{}", told(&same_subjects));
    assert!(told(&same_subjects).contains("LEDGER_IN_USE"));
    assert!(told(&same_subjects).contains("another process serves ledger huancui"));
    assert!(first.ready().0, "the first goes on");
}

#[test]
fn a_role_stops_at_what_a_newer_program_wrote() {
    let district = District::start(1);
    let (nats, seeds) = (NatsChild::start().unwrap(), district.path().join("principals.toml"));
    let key = district.path().join("vault.key");
    let (ledger_dir, board_dir) = (district.path().join("ledger-0"), district.path().join("board-0"));
    let (dir, _places) = district.stop();
    write_newer(&ledger_dir.join("ledger"));

    let log = dir.path().join("newer.log");
    let mut command = whistle();
    command.args([
        "serve",
        "ledger",
        "--data",
        text(&ledger_dir),
        "--nats",
        &nats.url(),
        "--ops",
        "127.0.0.1:0",
    ]);
    let served = Process::spawn(&mut command, "ledger", ledger_dir, log);
    served.wait_ready();
    let board = [
        "serve",
        "board",
        "--data",
        text(&board_dir),
        "--nats",
        &nats.url(),
        "--jurisdiction",
        "huancui",
        "--principals",
        text(&seeds),
        "--vault-key",
        text(&key),
        "--listen",
        "127.0.0.1:0",
    ];
    let board = run(&board);
    assert_eq!(board.status.code(), Some(70), "{}", told(&board));
    assert!(told(&board).contains("written by a newer program"), "{}", told(&board));
    assert!(served.ready().0, "the ledger goes on");
    drop(dir);
}

/// A role whose disk is full stands still and says so; the others go on. A limit on the size of files stands for the disk.
#[test]
fn a_full_disk_at_one_role_stops_that_role_alone() {
    let mut district = District::start(1);
    let index = district.processes.iter().position(|process| process.role == "board").unwrap();
    district.kill(index);
    let board = &district.processes[index];
    let (data, log) = (board.data.clone(), district.path().join("full.log"));
    let [principals, key] = ["principals.toml", "vault.key"].map(|name| district.path().join(name));
    let limited = "trap '' XFSZ; ulimit -f 512; exec \"$@\"";
    let mut command = Command::new("bash");
    command.args(["-c", limited, "bash", env!("CARGO_BIN_EXE_whistle"), "serve", "board"]);
    command.args(["--data", text(&data), "--jurisdiction", "huancui", "--nats", &district.nats.url()]);
    command.args(["--listen", &board.address, "--ops", &board.ops, "--principals", text(&principals)]);
    command.args(["--vault-key", text(&key)]);
    district.processes[index] = Process::spawn(&mut command, "board", data, log);
    let server = district.server();
    let load =
        ["bench", "lifecycle", "--connect", &server, "--clients", "4", "--seconds", "2", "--rounds", "1"];
    // It waits for the board to catch up, which this one never does.
    let mut load = whistle().args(load).spawn().unwrap();
    district.processes[index].wait("parked", |process| {
        let (ready, why) = process.ready();
        !ready && why.contains("parked")
    });
    load.kill().unwrap();
    load.wait().unwrap();
    raise(&server, "别的照常");
    for process in &district.processes {
        assert!(process.role == "board" || process.ready().0, "{}: {:?}", process.role, process.ready());
    }
    assert_eq!(ROLES.len() + 1, district.processes.len());
}

fn ledger(nats: &NatsChild, dir: &Path) -> Process {
    let seeds: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seeds/huancui");
    let data = dir.join("data");
    let mut command = whistle();
    command.args(["serve", "ledger", "--data", text(&data), "--nats", &nats.url()]);
    command.args(["--ops", "127.0.0.1:0", "--registry", text(&seeds)]);
    Process::spawn(&mut command, "ledger", data, dir.join("ledger.log"))
}

fn write_newer(log: &Path) {
    let options = event_store::Options { ledger: "huancui".to_owned(), cache_bytes: 1 << 23, queue_max: 64 };
    let store = Store::open(log, &options).unwrap();
    let event = NewEvent {
        event_type: "CaseTeleported".to_owned(),
        schema_version: 1,
        occurred_at: jiff::Timestamp::UNIX_EPOCH,
        payload: b"{}".to_vec(),
    };
    let stream = StreamName::new(format!("case/{}", Uuid::from_u128(7))).unwrap();
    let commit = NewCommit {
        principal: "p-later".to_owned(),
        on_behalf_of: None,
        command_id: Uuid::from_u128(1),
        request_mac: [0; 32],
        causation: None,
        correlation: Uuid::from_u128(1),
        traceparent: None,
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        appends: vec![Append { stream, expected: Expected::NoStream, events: vec![event] }],
        unchanged: Vec::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.commit(commit)).unwrap();
    runtime.block_on(store.close());
}
