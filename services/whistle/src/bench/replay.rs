//! The board made anew from the log, against a bare scan of the same log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use board::Board;
use desk::Desk;
use event_store::{Position, Store};
use ledger::registry_stream::RegistryView;
use ledger::{Ledger, LedgerInfo};
use registry::ids::{Role, SourceId};
use service_kit::clock::Clock;
use service_kit::principals::{Principal, Principals};
use service_kit::shutdown::Shutdown;
use tempfile::TempDir;
use tokio::time::Instant;
use tonic::Code;
use tonic::service::{Routes, RoutesBuilder};
use vault::Vault;
use wire::pb::whistle::board::v1::ListCasesRequest;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;

use super::acks::Acks;
use super::args::Args;
use super::caller::Script;
use super::load::{self, Load, Until};
use super::own::Own;
use super::stats::{Latencies, Result as Figures, Round, precise};
use super::{GRACE, sample};
use crate::all::{Directory, Lock};
use crate::exit::{Exit, Failure};
use crate::lang::Text;
use crate::output;

/// Page cache of the log, in bytes as stored.
const CACHE_BYTES: u64 = 256 << 20;
/// Bytes of the log read at once by the bare scan; the store gives no more.
const PAGE_BYTES: usize = 4 << 20;
/// Token of the one who asks the board whether it is there.
const TOKEN: &str = "bench";

/// A log that nobody writes.
struct Still {
    store: Store,
    vault: Vault,
    info: LedgerInfo,
    _lock: Lock,
}

/// Measures both, alternately.
pub(super) async fn measure(args: &Args) -> Result<Figures, Failure> {
    // Kept until the end: the directory goes with it.
    let (path, _made): (PathBuf, Option<TempDir>) = match &args.data {
        Some(path) => (path.clone(), None),
        None => {
            let made = make_log(args).await?;
            (made.path().to_owned(), Some(made))
        }
    };
    let still = Still::open(&path).await?;
    let events = still.store.head().position.get();
    if events == 0 {
        return Err(Failure::internal("the log is empty: there is nothing to replay"));
    }
    // The first to read pays for bringing the log into memory; that is neither's to pay.
    scan(&still.store).await?;
    let mut rounds = Vec::new();
    for number in 1..=args.rounds {
        let ours = round(events, fold(&still).await?)?;
        let theirs = round(events, scan(&still.store).await?)?;
        output::say(&format!(
            "round {number}: {events} events; board {:.0}/s, bare scan {:.0}/s",
            ours.ops_per_s, theirs.ops_per_s
        ));
        rounds.push((ours, theirs));
    }
    still.store.close().await;
    Ok(Figures::of(args.what.name(), &rounds, 0))
}

/// A round of so many events; its latency is the time of one event.
fn round(events: u64, took: Duration) -> Result<Round, Failure> {
    let mut latencies = Latencies::new().map_err(Failure::internal)?;
    latencies.record(took / u32::try_from(events).unwrap_or(u32::MAX));
    let one = Round::of(&latencies, took, Duration::ZERO);
    let ops_per_s = precise(events) / took.as_secs_f64().max(f64::MIN_POSITIVE);
    Ok(Round { ops_per_s, ops: events, ..one })
}

/// A log of cases from raised to closed, of at least as many events as asked for.
async fn make_log(args: &Args) -> Result<TempDir, Failure> {
    let (content, sandbox, district) = sample()?;
    let own = Own::start(content, &sandbox).await?;
    let channels = load::connect(&load::url(own.all.address), args.clients.into()).await?;
    let district = Arc::new(district);
    let wanted = u64::from(args.events);
    loop {
        let have = own.all.desk.ledger.head().position.get();
        output::say(&format!("making a log: {have} of {wanted} events"));
        if have >= wanted {
            break;
        }
        let load = Load {
            script: Script::Lifecycle,
            until: Until::Commands(9 * 8),
            district: Arc::clone(&district),
            now: own.all.desk.clock.now(),
            insist: false,
        };
        let loaded = load.put(&channels, &Arc::new(Acks::none())).await?;
        if let Some(first) = loaded.failures.into_iter().next() {
            return Err(first.into());
        }
    }
    drop(channels);
    Ok(own.stop().await)
}

impl Still {
    async fn open(path: &Path) -> Result<Self, Failure> {
        let unusable = |what: String| {
            Failure::new(
                Exit::Unavailable,
                "DATA_UNUSABLE",
                Text::new("数据目录不能用", "the data directory cannot be used"),
                Text::new("先停掉使用它的服务,或换一个目录", "stop the server that uses it, or name another"),
            )
            .with([format!("{}: {what}", path.display())])
        };
        let directory = Directory::new(path);
        let info = directory.info().map_err(|error| unusable(error.to_string()))?;
        let info = info.ok_or_else(|| unusable("no server was ever started on it".to_owned()))?;
        let lock = directory.lock().map_err(|error| unusable(error.to_string()))?;
        let options = event_store::Options {
            ledger: info.jurisdiction.to_string(),
            cache_bytes: CACHE_BYTES,
            queue_max: 1,
        };
        let (log, keys, district) = (directory.ledger(), directory.vault(), info.jurisdiction.to_string());
        let clock = clock();
        let opened = tokio::task::spawn_blocking(move || -> anyhow::Result<(Store, Vault)> {
            Ok((Store::open(&log, &options)?, Vault::open(&keys, &district, Arc::new(move || clock.now()))?))
        });
        let opened = opened.await.map_err(Failure::internal)?;
        let (store, vault) = opened.map_err(|error| unusable(format!("{error:#}")))?;
        Ok(Self { store, vault, info, _lock: lock })
    }
}

fn clock() -> Clock {
    Clock::system(Duration::from_secs(60))
}

/// How long a bare scan of the whole log takes.
async fn scan(store: &Store) -> Result<Duration, Failure> {
    let store = store.clone();
    let scanned = tokio::task::spawn_blocking(move || -> Result<Duration, event_store::ReadError> {
        let began = Instant::now();
        let mut after = Position::ZERO;
        loop {
            let page = store.read_log(after, PAGE_BYTES)?;
            after = page.commits.last().map_or(after, |commit| commit.last());
            if !page.more {
                return Ok(began.elapsed());
            }
        }
    });
    scanned.await.map_err(Failure::internal)?.map_err(Failure::internal)
}

/// How long the board takes from an empty directory to the end of the log.
async fn fold(still: &Still) -> Result<Duration, Failure> {
    let dir = tempfile::tempdir().map_err(|error| Failure::io(&std::env::temp_dir(), &error))?;
    let shutdown = Shutdown::new();
    // A handle of its own, with nothing remembered from the round before.
    let ledger = Ledger::local(still.store.clone(), still.info.clone());
    let (registry, follow) = RegistryView::start(&ledger).await.map_err(Failure::internal)?;
    let desk =
        Desk { ledger, vault: still.vault.clone(), registry, clock: clock(), principals: principals()? };
    let began = Instant::now();
    let board = Board::start(desk.clone(), dir.path(), &shutdown).await;
    let board = board.map_err(|error| Failure::internal(crate::all::chain(&error)))?;
    let mut routes = RoutesBuilder::default();
    board.add_to(&mut routes);
    until_there(routes.routes(), &desk).await?;
    let took = began.elapsed();
    drop(follow);
    drop(board);
    drop(desk);
    shutdown.drain(GRACE).await;
    Ok(took)
}

/// Asks the board for a list that must not be older than the end of the log, until it has one.
async fn until_there(routes: Routes, desk: &Desk) -> Result<(), Failure> {
    let mut board = BoardServiceClient::new(routes);
    let at_least = desk::token::encode(&desk.ledger, desk.ledger.head().position);
    loop {
        let asked =
            ListCasesRequest { page_size: 1, at_least: at_least.clone(), ..ListCasesRequest::default() };
        let mut request = tonic::Request::new(asked);
        let bearer = format!("Bearer {TOKEN}").parse().map_err(Failure::internal)?;
        request.metadata_mut().insert("authorization", bearer);
        match board.list_cases(request).await {
            Ok(_) => return Ok(()),
            Err(status) if matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) => {}
            Err(status) => return Err(status.into()),
        }
    }
}

fn principals() -> Result<Principals, Failure> {
    let asker = Principal {
        id: "bench".to_owned(),
        person: None,
        source: Some(SourceId::new("bench").map_err(Failure::internal)?),
        org: None,
        area: None,
        roles: vec![Role::Auditor],
    };
    Principals::fixed(vec![(TOKEN.to_owned(), asker)]).map_err(Failure::internal)
}
