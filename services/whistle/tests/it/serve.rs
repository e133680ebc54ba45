use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::{FEW_FILES, Server, get, json, raise, run, text, told};

/// Kills between batches of commands.
const ROUNDS: usize = 3;
/// Commands of one batch.
const BATCH: usize = 4;
/// Looks at whether a server is ready; each is a connection of its own, so this is far longer than any start takes.
const LOOKS_MAX: usize = 100_000;

/// A data directory with people who may call it.
struct Home {
    dir: TempDir,
    worker: String,
    centre: String,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut principals = String::new();
        let mut token = |id: &str, org: &str, role: &str| {
            let made = json(&["token", "new", "-o", "json"]);
            let digest = made["token_sha256"].as_str().unwrap();
            write!(
                principals,
                "[[principal]]\ntoken_sha256 = \"{digest}\"\nid = \"{id}\"\nperson = \"{id}\"\norg = \"{org}\"\nroles = [\"{role}\"]\n"
            )
            .unwrap();
            made["token"].as_str().unwrap().to_owned()
        };
        let worker = token("p-test-1", "qianjin", "grid_worker");
        let centre = token("p-test-2", "centre", "district_centre");
        std::fs::write(dir.path().join("principals.toml"), principals).unwrap();
        Self { dir, worker, centre }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn serve(&self) -> Server {
        self.serve_with(Server::start, &[])
    }

    fn serve_with(&self, start: fn(&[&str]) -> Server, more: &[&str]) -> Server {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seeds/huancui");
        let (data, principals) = (self.path("data"), self.path("principals.toml"));
        let own =
            ["serve", "--listen", "127.0.0.1:0", "--data", text(&data), "--principals", text(&principals)];
        start(&[&own, ["--registry", text(&seeds)].as_slice(), more].concat())
    }

    fn raise(&self, server: &Server, command_id: &str) -> serde_json::Value {
        raise(&server.address, &self.worker, command_id)
    }
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let home = Home::new();
    let mut acknowledged: Vec<(String, serde_json::Value)> = Vec::new();
    for round in 0..ROUNDS {
        let server = home.serve();
        for command in 0..BATCH {
            let command_id = format!("00000000-0000-4000-8000-0000000{round:02}{command:03}");
            let receipt = home.raise(&server, &command_id);
            assert_eq!(receipt["repeated"], false);
            acknowledged.push((command_id, receipt));
        }
        server.kill();
    }
    let server = home.serve();
    let centre = ["--server", server.address.as_str(), "--token", home.centre.as_str(), "-o", "json"];
    for (command_id, receipt) in &acknowledged {
        let again = home.raise(&server, command_id);
        assert_eq!((&again["repeated"], &again["case_id"]), (&true.into(), &receipt["case_id"]));
        let case = receipt["case_id"].as_str().unwrap();
        let token = receipt["position_token"].as_str().unwrap();
        let shown = json(&[&["case", "show", case, "--at-least", token], centre.as_slice()].concat());
        assert_eq!(shown["case"]["case_number"], receipt["case_number"]);
    }
    let last = acknowledged.last().unwrap().1["position_token"].as_str().unwrap();
    let cases = json(&[&["case", "list", "--at-least", last], centre.as_slice()].concat());
    assert_eq!(cases.as_array().unwrap().len(), ROUNDS * BATCH);
    let clocks = json(&[&["clock", "list", "--at-least", last], centre.as_slice()].concat());
    assert_eq!(
        clocks.as_array().unwrap().len(),
        ROUNDS * BATCH,
        "each case has its one clock armed: {clocks}"
    );
    let data = home.path("data");
    let busy = run(&["verify", "--data", text(&data)]);
    assert_eq!(busy.status.code(), Some(69), "{}", told(&busy));
    assert_eq!(server.terminate(), Some(0));
    let verdict = json(&["verify", "--json", "--data", text(&data)]);
    assert_eq!(verdict["ok"], true);
}

#[test]
fn settings_in_force_are_printed() {
    let output = run(&["serve", "--data", "unused", "--principals", "unused", "--print-config"]);
    assert!(output.status.success(), "{}", told(&output));
    let settings: toml::Table = String::from_utf8(output.stdout).unwrap().parse().unwrap();
    assert!(settings.contains_key("server"));
    let wrong = crate::process::whistle()
        .args(["serve", "--data", "unused", "--principals", "unused", "--print-config"])
        .env("WHISTLE_SERVER__NO_SUCH_KEY", "1")
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(64), "{}", told(&wrong));
}

#[test]
fn a_server_is_seen_from_outside_and_a_call_is_one_trace() {
    let home = Home::new();
    let server = home.serve_with(Server::start_traced, &["--ops", "127.0.0.1:0"]);
    let ops = server.ops.clone().expect("it says where operators look");
    home.raise(&server, "00000000-0000-4000-8000-000000000001");
    assert_eq!(get(&ops, "/livez"), ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
    // The projections of a new directory are made first; each look asks anew.
    let looks = || (0..LOOKS_MAX).map(|_| get(&ops, "/readyz"));
    let (_, checks) = looks().find(|(status, _)| status.ends_with(" 200 OK")).expect("it never was ready");
    let checks: Vec<&str> = checks.lines().collect();
    let names = [
        "start",
        "clock",
        "intake-hotline",
        "routing-feed",
        "routing-dispatch",
        "escalation",
        "closure-split",
        "board",
    ];
    assert_eq!(checks, names.map(|name| format!("{name}: ok")));
    let (_, metrics) = get(&ops, "/metrics");
    let raises = "whistle_grpc_requests_total{service=\"whistle.intake.v1.IntakeService\",method=\"RaiseCase\",code=\"OK\"} 1";
    for line in [raises, "whistle_commits_total ", "whistle_build_info{version=\"0.0.0\",role=\"all\"} 1"] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let lines = server.terminate_and_tell();
    let of_trace = |message: &str| {
        let wanted =
            |line: &&serde_json::Value| line["target"] == "whistle::trace" && line["message"] == message;
        lines.iter().filter(wanted).collect::<Vec<_>>()
    };
    let (committed, ended) = (of_trace("committed"), of_trace("call ended"));
    assert_eq!((committed.len(), ended.len()), (1, 1), "{committed:?} {ended:?}");
    assert_eq!((&ended[0]["method"], &ended[0]["code"]), (&"RaiseCase".into(), &"OK".into()));
    let trace = &ended[0]["span"]["trace_id"];
    assert_eq!(trace.as_str().map(str::len), Some(32), "{trace}");
    assert_eq!(&committed[0]["trace_id"], trace);
}

#[test]
fn a_clock_that_stands_after_a_long_stop_is_seen_from_outside_until_the_gap_is_accepted() {
    let home = Home::new();
    std::fs::create_dir(home.path("data")).unwrap();
    std::fs::write(home.path("data").join("tick"), "2020-01-01T00:00:00Z\n").unwrap();
    let clock = |more: &[&str]| {
        let server = home.serve_with(Server::start_traced, &[&["--ops", "127.0.0.1:0"], more].concat());
        let ops = server.ops.clone().expect("it says where operators look");
        let lines = |page: &str| get(&ops, page).1.lines().map(str::to_owned).collect::<Vec<_>>();
        let looks = || (0..LOOKS_MAX).map(|_| lines("/readyz"));
        let checks = looks().find(|checks| checks.iter().any(|line| line == "start: ok"));
        let check = checks.expect("it never started").into_iter().find(|line| line.starts_with("clock: "));
        let stands = lines("/metrics").into_iter().find(|line| line.starts_with("whistle_clock_stands "));
        // Every line of the log is read as JSON.
        (check.unwrap(), stands.unwrap(), server.terminate_and_tell())
    };
    let (check, stands, log) = clock(&[]);
    assert!(check.starts_with("clock: not ready: stands since 2020-01-01T00:00:00Z"), "{check}");
    assert!(check.ends_with("start once with --accept-gap"), "{check}");
    assert_eq!(stands, "whistle_clock_stands 1");
    let waits =
        |line: &&serde_json::Value| line["message"].to_string().contains("timers wait for an operator");
    assert_eq!(log.iter().filter(waits).count(), 1, "{log:?}");
    let (check, stands, log) = clock(&["--accept-gap"]);
    assert_eq!((check.as_str(), stands.as_str()), ("clock: ok", "whistle_clock_stands 0"));
    assert_eq!(log.iter().filter(waits).count(), 0, "{log:?}");
}

#[test]
fn one_role_that_is_away_is_named_and_keeps_nobody_from_the_others() {
    let home = Home::new();
    let server = home.serve();
    // Port 1 of the loopback address is never listened on by an ordinary user.
    let split = format!("intake={0},board=127.0.0.1:1,routing={0}", server.address);
    let receipt = raise(&split, &home.worker, "00000000-0000-4000-8000-000000000001");
    assert_eq!(receipt["repeated"], false);
    let listed = ["case", "list", "--lang", "en", "--server", &split, "--token", &home.centre];
    let away = run(&listed);
    assert_eq!(away.status.code(), Some(69), "{}", told(&away));
    let told = told(&away);
    for said in ["NOT_REACHED", "the role board is not reached", "http://127.0.0.1:1", "start that role"] {
        assert!(told.contains(said), "{said} is not in\n{told}");
    }
}

#[test]
fn it_may_open_as_many_files_as_the_system_lets_it() {
    let home = Home::new();
    let server = home.serve_with(Server::start_with_few_files, &[]);
    let [now, at_most] = server.files_max();
    assert_eq!(now, at_most);
    assert!(now.is_none_or(|now| now > FEW_FILES), "{now:?}");
    assert_eq!(server.terminate(), Some(0));
}
