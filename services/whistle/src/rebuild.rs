//! Folding every projection anew from the ledger.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ledger::{Ledger, Position};
use registry::ids::{PersonId, Role};
use service_kit::clock::Clock;
use service_kit::principals::{Principal, Principals};
use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;
use tonic::transport::Endpoint;
use wire::pb::whistle::board::v1 as board;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;
use wire::pb::whistle::escalation::v1 as escalation;
use wire::pb::whistle::escalation::v1::escalation_service_client::EscalationServiceClient;
use wire::pb::whistle::routing::v1 as routing;
use wire::pb::whistle::routing::v1::feed_service_client::FeedServiceClient;

use crate::all::{AllInOne, Directory, Options};
use crate::client::{Client, new_command_id};
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::{output, serve};

/// Between two looks at how far a fold is: short beside a fold, long beside a look.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Deletes every projection of a data directory that no server has open, and folds them anew from the ledger. The ledger is only
/// read; the clock stands at its last event meanwhile, so nothing falls due.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  whistle rebuild --data /var/lib/whistle")]
pub(crate) struct Rebuild {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Runs `rebuild`.
pub(crate) async fn run(args: &Rebuild, lang: Lang) -> Result<Exit, Failure> {
    let directory = Directory::new(&args.data);
    let settings = serve::settings(None)?;
    let _telemetry = serve::telemetry("whistle-rebuild", "warn", settings.telemetry.json)?;
    let at = end_of_ledger(&directory).await?;
    match std::fs::remove_dir_all(directory.projections()) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::io(&directory.projections(), &error)),
    }
    let token = new_command_id()?;
    let options = Options {
        data: args.data.clone(),
        clock: Clock::manual(at).0,
        principals: reader(&token)?,
        first: None,
        settings,
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.map_err(|error| serve::not_bound(any, &error))?;
    let shutdown = Shutdown::new();
    let all = Box::pin(AllInOne::start(options, listener, &shutdown)).await.map_err(serve::not_started)?;
    let folded = fold(&all, &token, lang).await;
    let drained = all.stop().await;
    folded?;
    if drained.is_clean() {
        Ok(Exit::Ok)
    } else {
        Err(Failure::internal(format!("not everything ended: {drained:?}")))
    }
}

/// When the last event was recorded.
async fn end_of_ledger(directory: &Directory) -> Result<jiff::Timestamp, Failure> {
    let info = directory.info().map_err(|error| Failure::io(directory.path(), &error))?;
    let info = info.ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "NO_LEDGER",
            Text::new("该目录下没有总账", "there is no ledger in this directory"),
            Text::new("给出 serve 或 demo 用过的数据目录", "give the data directory that serve or demo used"),
        )
        .with([directory.path().display().to_string()])
    })?;
    let dir = directory.ledger();
    let opened =
        tokio::task::spawn_blocking(move || Ledger::open(&dir, info, ledger::Options::DEFAULT)).await;
    let opened = opened.map_err(Failure::internal)?.map_err(|error| serve::not_started(error.into()))?;
    let at = opened.head().recorded_at;
    opened.close().await;
    Ok(at)
}

/// Somebody who may read everything, for as long as this process runs.
fn reader(token: &str) -> Result<Principals, Failure> {
    let principal = Principal {
        id: "whistle-rebuild".to_owned(),
        person: Some(PersonId::new("whistle-rebuild").map_err(Failure::internal)?),
        source: None,
        org: None,
        area: None,
        roles: vec![Role::DistrictCentre],
    };
    Principals::fixed(vec![(token.to_owned(), principal)]).map_err(Failure::internal)
}

/// Waits until every fold is where the ledger ends, telling of each.
async fn fold(all: &AllInOne, token: &str, lang: Lang) -> Result<(), Failure> {
    let endpoint = Endpoint::from_shared(format!("http://{}", all.address)).map_err(Failure::internal)?;
    let client = Client::on(endpoint.connect().await.map_err(Failure::internal)?.into(), Some(token))?;
    let head = all.desk.ledger.head().position;
    let at_least = desk::token::encode(&all.desk.ledger, head);
    let tell = |role: &str| output::say(&format!("{} {role}: {}", lang.pick("已重建", "folded"), head.get()));
    loop {
        let request =
            board::ListCasesRequest { page_size: 1, at_least: at_least.clone(), ..Default::default() };
        let asked = BoardServiceClient::new(client.channel()).list_cases(client.call(request)).await;
        if reached(asked.map(|_| ()))? {
            break;
        }
    }
    tell("board");
    loop {
        let request = escalation::ListDueClocksRequest {
            page_size: 1,
            at_least: at_least.clone(),
            ..Default::default()
        };
        let asked =
            EscalationServiceClient::new(client.channel()).list_due_clocks(client.call(request)).await;
        if reached(asked.map(|_| ()))? {
            break;
        }
    }
    tell("escalation");
    let mut every = tokio::time::interval(LOOK_EVERY);
    loop {
        every.tick().await;
        let request = routing::GetFeedPositionRequest { feed_name: String::new() };
        let answer = FeedServiceClient::new(client.channel()).get_feed_position(client.call(request)).await?;
        let is = desk::token::decode(&all.desk.ledger, &answer.into_inner().head_token).await;
        if is.unwrap_or(Position(0)) >= head {
            break;
        }
    }
    tell("routing");
    Ok(())
}

/// Whether the answer is there; not yet when the reader waited as long as its deadline let it.
fn reached(asked: Result<(), tonic::Status>) -> Result<bool, Failure> {
    match asked {
        Ok(()) => Ok(true),
        Err(status) if matches!(status.code(), tonic::Code::Unavailable | tonic::Code::DeadlineExceeded) => {
            Ok(false)
        }
        Err(status) => Err(status.into()),
    }
}
