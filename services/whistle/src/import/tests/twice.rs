use std::path::Path;

use tonic::transport::Endpoint;

use crate::bench::own::Own;
use crate::client::Client;
use crate::exit::Failure;
use crate::import::findings::Kind;
use crate::import::report::Report;
use crate::import::{Args, import};
use crate::sandbox::Sandbox;
use crate::seeds::HUANCUI;

/// The sample's own source, which the sample district knows.
const TOKEN: &str = "sandbox-source-hotline-12345";

async fn district() -> Own {
    let content = HUANCUI.content().unwrap();
    let sandbox = Sandbox::of(&content).unwrap();
    Own::start(content, &sandbox).await.unwrap()
}

fn args(file: &Path, map: &Path) -> Args {
    Args { file: file.to_owned(), map: map.to_owned(), format: None, dry_run: false }
}

fn sample() -> Args {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seeds/import-example");
    args(&seeds.join("tickets.json"), &seeds.join("map.toml"))
}

async fn connected(own: &Own, token: &str) -> Result<Client, Failure> {
    let endpoint = Endpoint::from_shared(format!("http://{}", own.all.address)).unwrap();
    Client::on(endpoint.connect().await.unwrap().into(), Some(token))
}

async fn imported(own: &Own, args: &Args) -> Report {
    Box::pin(import(args, async || connected(own, TOKEN).await)).await.unwrap()
}

#[tokio::test]
async fn a_second_import_commits_nothing_and_tells_the_same() {
    let own = district().await;
    let first = imported(&own, &sample()).await;
    assert_eq!((first.records, first.cases_new, first.obligations, first.completed), (6, 5, 4, 2));
    assert_eq!((first.closings_of_orders_never_created, first.closed_at_source), (1, 4));
    let pieces = first.notes + first.obligations + first.completed + first.closed_at_source;
    assert_eq!(first.commits, first.cases_new + pieces, "{:?}", first.findings);
    let head = own.all.desk.ledger.head();
    let second = imported(&own, &sample()).await;
    assert_eq!((second.commits, second.cases_new, second.cases_existing), (0, 0, 5));
    assert_eq!(own.all.desk.ledger.head(), head);
    let but_for_commits = Report { commits: first.commits, cases_new: 5, cases_existing: 0, ..second };
    assert_eq!(but_for_commits, first);
    own.stop().await;
}

#[tokio::test]
async fn what_the_server_refuses_is_kept_as_a_note_and_what_changed_is_told() {
    let own = district().await;
    let dir = tempfile::tempdir().unwrap();
    let (file, map) = (dir.path().join("records.json"), dir.path().join("map.toml"));
    let text = format!("{}\n", super::SAMPLE_MAP.replace("records = \"data.tickets\"", ""));
    // The map knows the agency, the registry does not.
    std::fs::write(&map, text.replace("\"water-supply\"", "\"nobody-here\"")).unwrap();
    let record = |words: &str| {
        serde_json::json!([{"number": "X-1", "called_at": "2026-03-01 08:00", "title": words, "status": "办结", "log": [
            {"at": "2026-03-01 09:00", "kind": "order", "order": {"number": "O-1", "agency": "自来水公司", "task": "抢修"}},
            {"at": "2026-03-01 10:00", "kind": "order_done", "words": "已修", "order": {"number": "O-1"}},
            {"at": "2026-03-01 11:00", "kind": "closed"}]}])
        .to_string()
    };
    std::fs::write(&file, record("爆管")).unwrap();
    let first = imported(&own, &args(&file, &map)).await;
    let kinds: Vec<Kind> = first.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::PieceRefused, Kind::OrderNotTaken], "{:?}", first.findings);
    assert_eq!((first.obligations, first.completed, first.notes, first.closed_at_source), (0, 0, 3, 1));
    let head = own.all.desk.ledger.head();
    assert_eq!(imported(&own, &args(&file, &map)).await.commits, 0);
    std::fs::write(&file, record("爆管,又说别的")).unwrap();
    let changed = imported(&own, &args(&file, &map)).await;
    assert_eq!(
        changed.findings.iter().map(|finding| finding.kind).collect::<Vec<_>>(),
        [Kind::RecordChanged]
    );
    assert_eq!((changed.not_taken(), own.all.desk.ledger.head()), (1, head));
    own.stop().await;
}

#[tokio::test]
async fn a_token_of_no_source_takes_nothing_and_is_told_which_field() {
    let own = district().await;
    let head = own.all.desk.ledger.head();
    let report =
        Box::pin(import(&sample(), async || connected(&own, "sandbox-centre-receptionist-1").await)).await;
    let report = report.unwrap();
    assert_eq!((report.cases, report.commits, report.not_taken()), (0, 0, 6));
    let refused: Vec<_> =
        report.findings.iter().filter(|finding| finding.kind == Kind::RecordRefused).collect();
    assert_eq!((refused.len(), report.findings.len()), (5, 6), "what is not taken has no further findings");
    assert!(refused.iter().all(|finding| finding.why.contains("ticket")), "{refused:?}");
    assert_eq!(own.all.desk.ledger.head(), head);
    own.stop().await;
}

#[tokio::test]
async fn a_token_nobody_issued_ends_the_import_and_tells_how_far_it_came() {
    let own = district().await;
    let failure =
        Box::pin(import(&sample(), async || connected(&own, "no-such-token").await)).await.unwrap_err();
    assert_eq!(failure.exit, crate::exit::Exit::Denied);
    assert!(
        failure.details.iter().any(|detail| detail.starts_with("0 of 5 records")),
        "{:?}",
        failure.details
    );
    own.stop().await;
}
