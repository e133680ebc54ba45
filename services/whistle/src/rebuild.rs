//! Folding every projection anew from the ledger.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ledger::Ledger;
use service_kit::clock::Clock;
use service_kit::ops::Ready;
use service_kit::principals::Principals;
use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::all::{AllInOne, Directory, Options};
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::{output, serve};

/// Between two looks at how far a fold is: short beside a fold, long beside a look.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Deletes every projection of the data directory of all roles in one process, which no server has open, and folds them anew from
/// the ledger. The ledger is only read; the clock stands at its last event meanwhile, so nothing falls due.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  whistle rebuild --data /var/lib/whistle

Not for one role a process: stop the role, delete the projections/ in its data directory, and start it. The ledger role has none.")]
pub(crate) struct Rebuild {
    /// The data directory, as given to `serve all` or `demo`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// Runs `rebuild`.
pub(crate) async fn run(args: &Rebuild, lang: Lang) -> Result<Exit, Failure> {
    let directory = Directory::new(&args.data);
    refuse_one_roles(&directory)?;
    let mut settings = serve::settings(None)?;
    // Here a fold is ready when it is where the ledger ends, and not near it.
    settings.ops.follower_lag_max_events = 0;
    let _telemetry = serve::telemetry("whistle-rebuild", "warn", settings.telemetry.json)?;
    let at = end_of_ledger(&directory).await?;
    match std::fs::remove_dir_all(directory.projections()) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Failure::io(&directory.projections(), &error)),
    }
    let options = Options {
        data: args.data.clone(),
        clock: Clock::manual(at).0,
        // Nobody calls.
        principals: Principals::fixed(Vec::new()).map_err(Failure::internal)?,
        first: None,
        settings,
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.map_err(|error| serve::not_bound(any, &error))?;
    let shutdown = Shutdown::new();
    let all = Box::pin(AllInOne::start(options, listener, &shutdown)).await.map_err(serve::not_started)?;
    let folded = fold(&all, &shutdown, lang).await;
    let drained = all.stop().await;
    folded?;
    Failure::unless_clean(&drained)?;
    Ok(Exit::Ok)
}

/// Refuses what one role alone keeps, before anything is made or deleted there.
fn refuse_one_roles(directory: &Directory) -> Result<(), Failure> {
    let refused = |sentence, next| {
        let failure = Failure::new(Exit::Usage, "ONE_ROLE", sentence, next);
        Err(failure.with([directory.path().display().to_string()]))
    };
    if vault::has_rows_alone(&directory.vault()).map_err(|error| serve::not_started(error.into()))? {
        return refused(
            Text::new(
                "该目录有保险库的行而没有密钥:这是总账角色的目录,没有投影可重建",
                "the vault in this directory has rows and no key: it is the ledger role's, which has no projections",
            ),
            Text::new(
                "不要把密钥放进来;要重建哪个角色,就停掉它,删除它的 projections/,再启动。若是全部角色同一进程,\
                 则是密钥丢失:从备份恢复 vault/vault.key",
                "put no key there; to rebuild a role, stop it, delete its projections/, start it. Of all roles in one process \
                 the key was lost: put vault/vault.key back from its backup",
            ),
        );
    }
    let has_info = directory.info().map_err(|error| Failure::io(directory.path(), &error))?.is_some();
    if !has_info && (directory.projections().exists() || directory.tick().exists()) {
        return refused(
            Text::new("这是单个角色的目录,没有总账", "this directory is one role's, and has no ledger"),
            Text::new(
                "停掉该角色,删除它的 projections/,再启动",
                "stop that role, delete its projections/, start it",
            ),
        );
    }
    Ok(())
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

/// Waits until every fold is where the ledger ends, telling of each.
async fn fold(all: &AllInOne, shutdown: &Shutdown, lang: Lang) -> Result<(), Failure> {
    let head = all.desk.ledger.head().position.get();
    let mut every = tokio::time::interval(LOOK_EVERY);
    for (name, ask) in &all.checks {
        while let Ready::No(reason) = ask() {
            tokio::select! {
                () = shutdown.started() => return Err(Failure::internal(format!("{name}: {reason}"))),
                _ = every.tick() => {}
            }
        }
        output::say(&format!("{} {name}: {head}", lang.pick("已重建", "folded")));
    }
    Ok(())
}
