use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::families::FAMILIES;
use super::{Ops, Ready, Serving};
use crate::shutdown::Shutdown;

async fn serve(ops: &Ops, shutdown: &Shutdown) -> Serving {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    ops.serve(listener, shutdown).unwrap()
}

/// The status and the body of a page.
async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn a_process_that_turns_lives_whatever_it_is_ready_for() {
    let ops = Ops::install("test").unwrap();
    let shutdown = Shutdown::new();
    let serving = serve(&ops, &shutdown).await;
    ops.check("never", || Ready::No("by nature".to_owned()));
    assert_eq!(get(serving.address(), "/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(get(serving.address(), "/else").await.0, 404);
}

#[tokio::test]
async fn readiness_says_what_is_missing_until_nothing_is() {
    let ops = Ops::install("test").unwrap();
    let shutdown = Shutdown::new();
    let serving = serve(&ops, &shutdown).await;
    let follows = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&follows);
    ops.check("bus", || Ready::Yes);
    ops.check("feed", move || match asked.load(Ordering::Relaxed) {
        true => Ready::Yes,
        false => Ready::No("20000 events behind,\nat most 10000".to_owned()),
    });
    let page = |path: &'static str| get(serving.address(), path);
    let not_yet =
        "start: not ready: still starting\nbus: ok\nfeed: not ready: 20000 events behind, at most 10000\n";
    assert_eq!(page("/readyz").await, (503, not_yet.to_owned()));
    ops.started();
    let (status, json) = page("/readyz?format=json").await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &json["ready"]), (503, &false.into()));
    assert_eq!(json["checks"][1], serde_json::json!({ "name": "bus", "ready": true }));
    assert_eq!(json["checks"][2]["reason"], "20000 events behind,\nat most 10000");
    follows.store(true, Ordering::Relaxed);
    assert_eq!(page("/readyz").await, (200, "start: ok\nbus: ok\nfeed: ok\n".to_owned()));
    shutdown.start();
    let (status, lines) = page("/readyz").await;
    assert_eq!((status, lines.lines().last()), (503, Some("shutdown: not ready: shutting down")));
    assert_eq!(page("/livez").await.0, 200);
}

#[tokio::test]
async fn metrics_are_told_with_what_they_mean_however_often_they_were_installed() {
    let first = Ops::install("test").unwrap();
    metrics::counter!("whistle_commits_total").increment(2);
    metrics::histogram!("whistle_commit_batch_size").record(3.0);
    let second = Ops::install("test").unwrap();
    metrics::counter!("whistle_commits_total").increment(1);
    let shutdown = Shutdown::new();
    let serving = serve(&second, &shutdown).await;
    let (status, text) = get(serving.address(), "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "# HELP whistle_commits_total Commits made durable",
        "whistle_commits_total 3",
        "whistle_commit_batch_size_bucket{le=\"4\"} 1",
        "whistle_build_info{version=\"0.0.0\",role=\"test\"} 1",
        "whistle_ready 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(first.metrics().contains("whistle_commits_total 3"));
}

#[tokio::test]
async fn nothing_is_answered_once_it_is_dropped() {
    let ops = Ops::install("test").unwrap();
    let serving = serve(&ops, &Shutdown::new()).await;
    let address = serving.address();
    drop(serving);
    let gone = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), gone).await.unwrap();
}

#[test]
fn every_family_is_named_and_described_as_prometheus_wants_it() {
    for (index, family) in FAMILIES.iter().enumerate() {
        let name = family.name;
        assert!(name.starts_with("whistle_") && family.help.ends_with('.'), "{name}");
        assert_eq!(name.ends_with("_total"), family.kind == super::families::Kind::Counter, "{name}");
        assert!(FAMILIES[..index].iter().all(|other| other.name != name), "{name} twice");
    }
}
