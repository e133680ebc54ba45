use std::io::Write as _;

use serde::Deserialize;

use super::{Fault, Faults, load, outside};

const DEFAULTS: &str = r#"
name = "whistle"
[server]
port = 7000
loud = false
peers = []
"#;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: String,
    server: Server,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    port: u16,
    loud: bool,
    peers: Vec<String>,
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(file: &str, env: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Settings, Faults> {
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    on_disk.write_all(file.as_bytes()).unwrap();
    load(DEFAULTS, Some(on_disk.path()), pairs(env).into_iter(), &pairs(flags))
}

#[test]
fn later_sources_win() {
    let server = |port, loud, peers: &[&str]| Server {
        port,
        loud,
        peers: peers.iter().map(|p| (*p).into()).collect(),
    };
    let settings = |name: &str, server| Settings { name: name.to_owned(), server };
    assert_eq!(read("", &[], &[]), Ok(settings("whistle", server(7000, false, &[]))));
    let file = "[server]\nport = 1\nloud = true";
    let env = [("WHISTLE_SERVER__PORT", "2"), ("WHISTLE_NAME", "7"), ("PATH", "elsewhere")];
    let flags = [("server.port", "3"), ("server.peers", "[\"a\", \"b\"]")];
    assert_eq!(read(file, &[], &[]).unwrap().server.port, 1);
    assert_eq!(read(file, &env, &[]).unwrap().server.port, 2);
    assert_eq!(read(file, &env, &flags), Ok(settings("7", server(3, true, &["a", "b"]))));
}

#[test]
fn all_faults_are_told_at_once() {
    let file = "colour = 1\n[server]\nport = \"x\"\nloudness = 3";
    let env = [("WHISTLE_SERVER__LOUD", "perhaps"), ("WHISTLE_SERVER", "1"), ("WHISTLE_SEVER__PORT", "1")];
    let flags = [("name.first", "x"), ("server.port", "1.5")];
    let Faults(faults) = read(file, &env, &flags).unwrap_err();
    let seen: Vec<&str> = faults.iter().map(|fault| fault.what.as_str()).collect();
    for expected in [
        "colour is not a setting",
        "server.port takes a whole number, not a text",
        "server.loudness is not a setting",
        "server takes a table",
        "server.loud takes true or false",
        "sever.port is not a setting",
        "name.first is not a setting",
        "server.port takes a whole number",
    ] {
        assert!(seen.contains(&expected), "{expected} is not among {seen:?}");
    }
    assert_eq!(seen.len(), 8);
}

#[test]
fn what_does_not_fit_the_struct_is_a_fault() {
    assert_eq!(read("", &[], &[("server.port", "70000")]).unwrap_err().0.len(), 1);
}

#[test]
fn a_missing_file_is_a_fault() {
    let gone = std::path::Path::new("no/such/file.toml");
    let faults = load::<Settings>(DEFAULTS, Some(gone), std::iter::empty(), &[]).unwrap_err();
    assert_eq!(faults.0.len(), 1);
}

#[test]
fn numbers_outside_their_bounds_are_named() {
    let faults = outside(&[("a", 1, 1..=2), ("b", 3, 1..=2), ("c", 0, 1..=2)]);
    let at: Vec<_> = faults.iter().map(|fault| fault.at.as_str()).collect();
    assert_eq!(at, ["b", "c"]);
    assert_eq!(Faults::check(vec![]), Ok(()));
    assert!(Faults::check(vec![Fault::new("b", "wrong")]).is_err());
}

#[test]
fn the_defaults_of_this_crate_are_within_their_own_bounds() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Kit {
        #[serde(rename = "bus")]
        _bus: toml::Table,
        clock: crate::clock::Settings,
        ops: crate::ops::Settings,
        server: crate::server::Settings,
        shutdown: crate::shutdown::Settings,
        telemetry: crate::telemetry::Settings,
    }
    let kit: Kit = load(crate::DEFAULTS, None, std::iter::empty(), &[]).unwrap();
    let faults = [kit.clock.faults(), kit.ops.faults(), kit.server.faults(), kit.shutdown.faults()].concat();
    assert_eq!(faults, vec![]);
    assert!(!kit.telemetry.json);
    let mut wrong = kit.server;
    wrong.connections_max = 0;
    assert_eq!(wrong.faults().len(), 1);
    let mut wrong = kit.ops;
    (wrong.listen, wrong.follower_lag_max_events) = ("localhost".to_owned(), 0);
    assert_eq!(wrong.faults().len(), 2);
}
