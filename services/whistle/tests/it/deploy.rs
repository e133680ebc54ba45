//! deploy/split as an operator uses it: the whole system up on one machine, seen, restarted in parts, and down again.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::nats_line::Line;
use crate::process::{get, json, raise, run, text, told};

const DECIDING: [&str; 5] = ["intake", "routing", "escalation", "closure", "board"];
const PROCESSES: [&str; 7] = ["board", "closure", "escalation", "intake", "ledger", "nats", "routing"];

/// Those that are killed and come back.
const DIED: [&str; 2] = ["intake", "ledger"];

/// Command ids.
const FIRST: &str = "00000000-0000-4000-8000-000000000001";
const SECOND: &str = "00000000-0000-4000-8000-000000000002";

const WORKER: &str = "sandbox-qianjin-grid-worker-1";
const OFFICER: &str = "sandbox-centre-officer-1";

fn split(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/split").join(name)
}

/// A directory with the whole system below it, ended when dropped.
struct Deployed {
    dir: TempDir,
}

impl Deployed {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(split(name));
        command.args(arguments).arg(self.dir.path()).stdin(Stdio::null()).output().unwrap()
    }

    /// Brings it up, and gives the addresses printed.
    fn up(&self) -> BTreeMap<String, String> {
        let output = self.script("up", &["--whistle", env!("CARGO_BIN_EXE_whistle")]);
        assert!(output.status.success(), "{}", told(&output));
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, std::fs::read_to_string(self.path("addresses")).unwrap());
        let pairs = printed.lines().map(|line| line.split_once('=').unwrap());
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn down(&self) -> String {
        let output = self.script("down", &[]);
        assert!(output.status.success(), "{}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The process ids up wrote down, by name.
    fn processes(&self) -> BTreeMap<String, String> {
        let mut processes = BTreeMap::new();
        for entry in std::fs::read_dir(self.path("run")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "pid") {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                let pid = std::fs::read_to_string(&path).unwrap();
                processes.insert(name, pid.split(' ').next().unwrap().to_owned());
            }
        }
        processes
    }
}

impl Drop for Deployed {
    fn drop(&mut self) {
        // After a test that went well there is nothing left to end.
        drop(self.script("down", &[]));
    }
}

/// Whether a process has the directory among its arguments; one that has ended has none.
fn is_alive(pid: &str, dir: &Path) -> bool {
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&arguments).contains(text(dir))
}

/// Takes the port as soon as whoever has it is gone.
fn bind_once_free(port: u16) -> TcpListener {
    loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => return listener,
            Err(error) if error.kind() == ErrorKind::AddrInUse => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The names of all services that NATS knows.
fn services(district: &Deployed, nats: &str) -> Vec<String> {
    let password = std::fs::read_to_string(district.path("secrets/operator.password")).unwrap();
    let mut operator = Line::connect(nats, "operator", password.trim()).unwrap();
    let pings = operator.ask("$SRV.PING", "_INBOX_operator.ping", 6);
    let mut names: Vec<_> = pings.iter().map(|ping| ping["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn show(server: &str, receipt: &Value) -> Value {
    let (case, position) =
        (receipt["case_id"].as_str().unwrap(), receipt["position_token"].as_str().unwrap());
    let command = ["case", "show", case, "--at-least", position, "-o", "json"];
    json(&[&command[..], &["--server", server, "--token", OFFICER]].concat())
}

/// Every role is ready, and NATS refused it nothing: what it needs is in nats.conf.
fn assert_well(addresses: &BTreeMap<String, String>) {
    for (name, address) in addresses.iter().filter(|(key, _)| key.starts_with("ops.")) {
        assert_eq!(get(address, "/readyz").0, "HTTP/1.1 200 OK", "{name}");
        let metrics = get(address, "/metrics").1;
        assert!(metrics.contains("\nwhistle_nats_connected 1\n"), "{name}: {metrics}");
        let refused = metrics.lines().find(|line| line.starts_with("whistle_nats_refusals_total "));
        assert!(
            refused.is_none_or(|line| line.ends_with(" 0")),
            "{name} needs what nats.conf does not allow"
        );
    }
}

/// A command to each role that the command line knows, and what the others make of it.
fn assert_at_work(server: &str) -> Value {
    let receipt = raise(server, WORKER, FIRST);
    let shown = show(server, &receipt);
    assert_eq!(shown["case"]["case_number"], receipt["case_number"]);
    assert_eq!(shown["text"], "前进街路口垃圾堆积", "the board opens what intake sealed");
    let position = receipt["position_token"].as_str().unwrap();
    let with = ["--server", server, "--token", OFFICER];
    let clocks = json(&[&["clock", "list", "--at-least", position, "-o", "json"], &with[..]].concat());
    assert_eq!(clocks.as_array().unwrap().len(), 1, "{clocks}");
    // Routing knows the case too, and that it is not to be whistled about yet.
    let case = receipt["case_id"].as_str().unwrap();
    let early = ["blow", case, "--to", "traffic-police", "--purpose", "现场联合查看", "--lang", "en"];
    let early = run(&[&early[..], &["--server", server, "--token", "sandbox-qianjin-officer-1"]].concat());
    assert!(told(&early).contains("STATUS_FORBIDS"), "{}", told(&early));
    receipt
}

#[test]
fn the_split_system_comes_up_works_is_mended_and_goes_down() {
    let district = Deployed::new();
    let addresses = district.up();
    let server = addresses["server"].as_str();
    assert!(DECIDING.iter().all(|role| server.contains(&format!("{role}=127.0.0.1:"))), "{server}");
    let mut expected: Vec<_> =
        DECIDING.iter().chain(&["ledger"]).map(|role| format!("whistle-{role}")).collect();
    expected.sort();
    assert_eq!(services(&district, &addresses["nats"]), expected);
    let receipt = assert_at_work(server);
    assert_well(&addresses);

    let before = district.processes();
    assert_eq!(before.keys().collect::<Vec<_>>(), PROCESSES.iter().collect::<Vec<_>>());
    for died in DIED {
        assert!(Command::new("kill").args(["-KILL", &before[died]]).status().unwrap().success());
    }
    assert_eq!(district.up(), addresses, "what came back listens where it did");
    let after = district.processes();
    for name in PROCESSES {
        assert_eq!(before[name] == after[name], !DIED.contains(&name), "{name}");
    }
    let again = raise(server, WORKER, FIRST);
    assert_eq!((&again["repeated"], &again["case_id"]), (&true.into(), &receipt["case_id"]));
    let second = raise(server, WORKER, SECOND);
    assert_eq!(show(server, &second)["case"]["case_number"], second["case_number"]);

    let said = district.down();
    for name in PROCESSES {
        assert!(said.contains(&format!("{name} ended")), "{said}");
        assert!(!is_alive(&after[name], district.dir.path()), "{name} still runs");
    }
    assert_eq!(district.processes(), BTreeMap::new());
    let data = district.path("data/ledger");
    assert_eq!(json(&["verify", "--json", "--data", text(&data)])["ok"], true);
}

#[test]
fn the_split_system_finds_another_port_when_that_of_nats_was_taken_meanwhile() {
    let district = Deployed::new();
    let before = district.up();
    district.down();
    let port = std::fs::read_to_string(district.path("run/nats.port")).unwrap();
    let _taken = TcpListener::bind(("127.0.0.1", port.trim().parse().unwrap())).unwrap();
    let after = district.up();
    assert_ne!(before["nats"], after["nats"]);
    assert_well(&after);
    district.down();
}

#[test]
fn while_roles_run_nats_takes_no_other_port_than_they_know() {
    let district = Deployed::new();
    district.up();
    let nats = &district.processes()["nats"];
    let port = std::fs::read_to_string(district.path("run/nats.port")).unwrap();
    assert!(Command::new("kill").args(["-KILL", nats]).status().unwrap().success());
    let _taken = bind_once_free(port.trim().parse().unwrap());
    let output = district.script("up", &["--whistle", env!("CARGO_BIN_EXE_whistle")]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let told = told(&output);
    assert!(told.contains(port.trim()) && told.contains("deploy/split/down"), "{told}");
    assert_eq!(std::fs::read_to_string(district.path("run/nats.port")).unwrap(), port);
    district.down();
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    let district = Deployed::new();
    std::fs::write(district.path("theirs"), "").unwrap();
    for name in ["up", "down"] {
        let output = district.script(name, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    }
    let left: Vec<_> =
        std::fs::read_dir(district.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["theirs"]);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let district = Deployed::new();
    let output = district.script("up", &["--whistle", "/no/such/whistle"]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("/no/such/whistle"), "{}", told(&output));
    let there = env!("CARGO_BIN_EXE_whistle");
    let output = district.script("up", &["--whistle", there, "--nats-server", "/no/such/nats"]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("/no/such/nats"), "{}", told(&output));
}

#[test]
fn every_configuration_file_loads_and_says_nothing_that_is_built_in() {
    let mut listening = Vec::new();
    for role in ["ledger", "intake", "routing", "escalation", "closure", "board"] {
        let path = split(&format!("{role}.toml"));
        let shown = |more: &[&str]| -> toml::Table {
            let output = run(&[&["serve", role, "--data", "unused", "--print-config"], more].concat());
            assert!(output.status.success(), "{role}: {}", told(&output));
            String::from_utf8(output.stdout).unwrap().parse().unwrap()
        };
        let (built_in, in_force) = (shown(&[]), shown(&["--config", text(&path)]));
        assert_eq!(in_force["bus"]["user"].as_str(), Some(role));
        let file: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        for (table, settings) in &file {
            for (key, value) in settings.as_table().unwrap() {
                assert_eq!(&in_force[table][key], value, "{role}: {table}.{key}");
                assert_ne!(&built_in[table][key], value, "{role}: {table}.{key} is built in");
            }
        }
        listening.push(in_force["ops"]["listen"].clone());
    }
    let roles = listening.len();
    listening.sort_by_key(ToString::to_string);
    listening.dedup();
    assert_eq!(listening.len(), roles, "each has a port of its own");
}
