//! With a real nats-server.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;

use nats_child::{Error, NatsChild, Options};

fn greeting(child: &NatsChild) -> std::io::Result<String> {
    let stream = TcpStream::connect(("127.0.0.1", child.port()))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}

#[test]
fn it_listens_on_a_port_of_its_own_and_keeps_it_over_a_restart() {
    let mut child = NatsChild::start().unwrap();
    let other = NatsChild::start().unwrap();
    let (port, pid) = (child.port(), child.pid());
    assert_ne!(port, 4222);
    assert_ne!(port, other.port());
    assert!(greeting(&child).unwrap().starts_with("INFO "));
    assert!(matches!(child.restart(), Err(Error::State(_))));

    child.kill();
    assert!(greeting(&child).is_err());
    assert_eq!(child.pid(), None);
    assert!(matches!(child.pause(), Err(Error::State(_))));

    child.restart().unwrap();
    assert_eq!(child.port(), port);
    assert_ne!(child.pid(), pid);
    assert!(greeting(&child).unwrap().starts_with("INFO "));
}

#[test]
fn a_paused_server_stands_still_and_answers_once_it_goes_on() {
    let child = NatsChild::start().unwrap();
    for _ in 0..20 {
        child.pause().unwrap();
        let threads = PathBuf::from(format!("/proc/{}/task", child.pid().unwrap()));
        for thread in std::fs::read_dir(threads).unwrap() {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            assert!(status.contains("State:\tT"), "{status}");
        }
        child.resume().unwrap();
    }
    child.pause().unwrap();
    // The kernel still accepts for it.
    let stream = TcpStream::connect(("127.0.0.1", child.port())).unwrap();
    child.resume().unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.starts_with("INFO "));
}

#[test]
fn it_ends_with_its_value_even_while_paused() {
    let child = NatsChild::start().unwrap();
    let process = PathBuf::from(format!("/proc/{}", child.pid().unwrap()));
    let dir = child.dir().to_path_buf();
    assert!(process.exists());
    child.pause().unwrap();
    drop(child);
    assert!(!process.exists());
    assert!(!dir.exists());
}

#[test]
fn a_faulty_configuration_is_told_in_the_servers_words() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("nats.conf");
    std::fs::write(&config, "no_such_option: 1\n").unwrap();
    let fault = NatsChild::start_with(Options { config: Some(config), ..Options::default() }).unwrap_err();
    let Error::Ended { log } = fault else { panic!("{fault}") };
    assert!(log.contains("no_such_option"), "{log}");
}

#[test]
fn a_configuration_does_not_choose_the_port() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("nats.conf");
    std::fs::write(&config, "port: 4222\nhost: 0.0.0.0\nmax_payload: 65536\n").unwrap();
    let child = NatsChild::start_with(Options { config: Some(config), ..Options::default() }).unwrap();
    assert_ne!(child.port(), 4222);
    let greeting = greeting(&child).unwrap();
    assert!(greeting.contains("\"max_payload\":65536"), "{greeting}");
    assert!(greeting.contains("\"host\":\"127.0.0.1\""), "{greeting}");
}
