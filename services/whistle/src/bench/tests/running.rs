use std::sync::Arc;

use crate::bench::acks::Acks;
use crate::bench::args::{Args, Topology, What};
use crate::bench::caller::Script;
use crate::bench::load::{Load, Until, connect, url};
use crate::bench::own::Own;
use crate::bench::{Figures, Machine, Told, calls, lag, replay, sample};

fn args(what: What) -> Args {
    Args {
        insist: false,
        what,
        topology: Topology::All,
        rate: None,
        clients: 2,
        seconds: 1,
        commands: None,
        rounds: 1,
        connect: None,
        acks: None,
        data: None,
        events: 100,
        json: true,
    }
}

fn told(args: &Args, figures: &Figures) -> serde_json::Value {
    serde_json::to_value(Told::of(args, figures, &Machine::this())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn raising_for_a_second_gives_every_figure() {
    let args = args(What::Raise);
    let figures = Box::pin(calls::measure(&args, None, Script::Raise)).await.unwrap();
    let told = told(&args, &Figures::Rates(figures));
    for field in ["ops_per_s", "p50_us", "p99_us", "reference_ops_per_s", "ratio", "folds_caught_up_ms"] {
        assert!(told[field].is_number(), "{field} is not in {told}");
    }
    assert!(
        told["ops"].as_u64().unwrap() > 0 && told["reference_ops_per_s"].as_f64().unwrap() > 0.0,
        "{told}"
    );
    assert_eq!((told["bench"].as_str(), told["errors"].as_u64()), (Some("raise"), Some(0)));
    assert!(told["machine"]["cores"].as_u64().unwrap() > 0, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nine_commands_bring_a_case_to_its_end_and_each_is_written_down() {
    let (content, sandbox, district) = sample().unwrap();
    let own = Own::start(content, &sandbox).await.unwrap();
    let channels = connect(&url(own.all.address), 1).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acks");
    let load = Load {
        script: Script::Lifecycle,
        until: Until::Commands(9),
        district: Arc::new(district),
        now: own.all.desk.clock.now(),
        insist: false,
    };
    let loaded = load.put(&channels, &Arc::new(Acks::create(&path).unwrap())).await.unwrap();
    assert!(loaded.failures.is_empty(), "{:?}", loaded.failures);
    assert_eq!(loaded.latencies.count(), 9);
    let ids = std::fs::read_to_string(&path).unwrap();
    let versions = std::fs::read_to_string(dir.path().join("acks.versions")).unwrap();
    assert_eq!(ids.lines().count(), 1, "one case, once");
    let last = versions.lines().last().unwrap();
    assert!(last.starts_with(ids.trim()) && last.ends_with(" CLOSED"), "{versions}");
    drop(channels);
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_made_is_replayed_and_scanned() {
    let figures = Box::pin(replay::measure(&args(What::Replay))).await.unwrap();
    assert!(figures.ops >= 100, "{figures:?}");
    assert!(figures.ops_per_s > 0.0 && figures.reference_ops_per_s > 0.0, "{figures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_tells_of_what_was_acknowledged_and_each_is_timed() {
    let args = Args { rate: Some(100), ..args(What::Lag) };
    let figures = Box::pin(lag::measure(&args, None)).await.unwrap();
    let told = told(&args, &Figures::Lag(figures.clone()));
    assert_eq!((told["bench"].as_str(), told["topology"].as_str()), (Some("lag"), Some("all")), "{told}");
    assert!(figures.ops > 0 && figures.errors == 0, "{told}");
    assert!(figures.p50_us <= figures.p99_us && figures.reference_p99_us > 0, "{told}");
    assert!(
        figures.commands_per_s > figures.told_per_s,
        "not everything is the department's to know: {told}"
    );
}

#[tokio::test]
async fn nobody_at_the_address_is_told() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap().to_string();
    drop(closed);
    let args = Args { connect: Some(address), ..args(What::Raise) };
    let failure = Box::pin(calls::measure(&args, None, Script::Raise)).await.unwrap_err();
    assert_eq!(failure.reason, "NOT_REACHED");
}
