//! `whistle serve`: all roles in one process, durable, until a signal.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use registry::Content;
use service_kit::clock::{Clock, Start, start_gap};
use service_kit::config::Faults;
use service_kit::ops::{Ops, Serving};
use service_kit::principals::Principals;
use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::all::{self, AllInOne, Directory, Options, Settings, StartError, keep_tick, last_tick};
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::{output, seeds};

/// Variables that are options of the command line and no settings.
const NO_SETTINGS: [&str; 2] = ["WHISTLE_SERVER", "WHISTLE_TOKEN"];

/// Serves every role on one port, from one data directory, until SIGTERM or SIGINT; open calls are let end. What was acknowledged
/// is on disk.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  whistle serve --data /var/lib/whistle --principals principals.toml --registry seeds/huancui
  whistle serve all --data /var/lib/whistle --principals principals.toml --listen 0.0.0.0:7600
  whistle serve --data D --principals P --ops 127.0.0.1:7601
  whistle serve --data D --principals P --config whistle.toml --print-config

The registry is published when none is yet; later ones go with `whistle registry publish`.
Settings: built-in defaults, then --config FILE, then WHISTLE_TABLE__KEY in the environment.")]
pub(crate) struct Serve {
    /// What to serve. One process with every role is all there is yet.
    #[arg(default_value = "all", value_parser = ["all"])]
    role: String,
    /// Where everything is kept; made when it is not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7600")]
    listen: SocketAddr,
    /// Where operators see /livez, /readyz and /metrics, over HTTP; over `ops.listen`. Nowhere unless given.
    #[arg(long, value_name = "ADDR")]
    ops: Option<SocketAddr>,
    /// Who may call: a TOML file of `[[principal]]` tables; `whistle token new` makes one.
    #[arg(long, value_name = "FILE")]
    principals: PathBuf,
    /// The registry to publish when none is published yet: a directory of TOML files.
    #[arg(long, value_name = "SEED_DIR")]
    registry: Option<PathBuf>,
    /// Settings that differ from the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints the settings in force and ends.
    #[arg(long)]
    print_config: bool,
    /// Lets timers fire although the process stood still for longer than `clock.start_gap_max_hours`.
    #[arg(long)]
    accept_gap: bool,
}

/// Runs `serve`.
pub(crate) async fn run(args: &Serve, lang: Lang) -> Result<Exit, Failure> {
    let settings = settings(args.config.as_deref())?;
    if args.print_config {
        return print_config(args.config.as_deref());
    }
    tracing::debug!(role = args.role, "role chosen");
    let directory = Directory::new(&args.data);
    if directory.is_simulated() {
        return Err(Failure::new(
            Exit::Usage,
            "SIMULATED_DATA",
            Text::new(
                "该目录是演示产生的模拟数据,拒绝作为正式数据服务",
                "the directory was made by a demonstration and is not served",
            ),
            Text::new("另选一个数据目录", "choose another data directory"),
        )
        .with([args.data.display().to_string()]));
    }
    let principals = principals(&args.principals)?;
    let first = args.registry.as_deref().map(seeds::from_dir).transpose()?;
    let filter = settings.telemetry.filter.clone();
    let _telemetry = telemetry("whistle", &filter, settings.telemetry.json)?;
    let (clock, frozen) = clock(args, &directory, &settings)?;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| not_bound(args.listen, &error))?;
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals().map_err(Failure::internal)?;
    let ops = operators(args, &settings, &shutdown).await?;
    let mut all = start(args, clock.clone(), principals, first, settings, listener, &shutdown).await?;
    if !frozen {
        keep_tick(directory.tick(), clock, &shutdown);
    }
    output::lines(&[format!("listening on http://{}", all.address)])?;
    // Kept to the end of the process: it is asked whether it is ready while it ends.
    if let Some((ops, _serving)) = &ops {
        ops.add(std::mem::take(&mut all.checks));
        ops.started();
    }
    if frozen {
        output::say(lang.pick(
            "距上次运行太久:照常服务,但时钟停在上次,不触发任何时限。核对系统时间后用 --accept-gap 重启。",
            "too long since the last run: serving, with the clock stopped there, and firing nothing. Check the machine's time, then start with --accept-gap.",
        ));
    }
    shutdown.started().await;
    let drained = all.stop().await;
    if drained.is_clean() {
        Ok(Exit::Ok)
    } else {
        Err(Failure::internal(format!("not everything ended: {drained:?}")))
    }
}

/// What operators see, before anything else starts: that it is starting is worth seeing too.
async fn operators(
    args: &Serve,
    settings: &Settings,
    shutdown: &Shutdown,
) -> Result<Option<(Ops, Serving)>, Failure> {
    let Some(address) = args.ops.or_else(|| settings.ops.address()) else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| not_bound(address, &error))?;
    let ops = Ops::install("all").map_err(Failure::internal)?;
    let serving = ops.serve(listener, shutdown).map_err(Failure::internal)?;
    output::lines(&[format!("ops on http://{}", serving.address())])?;
    Ok(Some((ops, serving)))
}

async fn start(
    args: &Serve,
    clock: Clock,
    principals: Principals,
    first: Option<Content>,
    settings: Settings,
    listener: TcpListener,
    shutdown: &Shutdown,
) -> Result<AllInOne, Failure> {
    let options = Options { data: args.data.clone(), clock, principals, first, settings };
    match Box::pin(AllInOne::start(options, listener, shutdown)).await {
        Ok(all) => Ok(all),
        Err(error) => {
            shutdown.start();
            Err(not_started(error))
        }
    }
}

/// The machine's clock; or, after standing still too long, one that stands at the last tick, so that nothing fires.
fn clock(args: &Serve, directory: &Directory, settings: &Settings) -> Result<(Clock, bool), Failure> {
    let clock = Clock::system(settings.clock.leap_max());
    let path = directory.tick();
    let tick = last_tick(&path).map_err(|error| Failure::io(&path, &error))?;
    match (start_gap(tick, clock.now(), settings.clock.start_gap_max()), tick) {
        (Start::Gap { since_last_tick }, Some(tick)) if !args.accept_gap => {
            tracing::error!(gap = %since_last_tick, "stood still too long; timers wait for an operator");
            Ok((Clock::manual(tick).0, true))
        }
        (Start::Normal | Start::Gap { .. }, _) => Ok((clock, false)),
    }
}

/// The settings in force.
///
/// # Errors
/// Everything that is wrong with them, at once.
pub(crate) fn settings(file: Option<&Path>) -> Result<Settings, Failure> {
    all::settings(file, environment()).map_err(|faults| misconfigured(&faults))
}

fn environment() -> impl Iterator<Item = (String, String)> {
    let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(utf8).filter(|(name, _)| !NO_SETTINGS.contains(&name.as_str()))
}

fn print_config(file: Option<&Path>) -> Result<Exit, Failure> {
    let merged = service_kit::config::merge(service_kit::DEFAULTS, file, environment(), &[]);
    let merged = merged.map_err(|faults| misconfigured(&faults))?;
    output::lines(&[merged.to_string()])?;
    Ok(Exit::Ok)
}

/// Begins the log lines of a command that runs services.
///
/// # Errors
/// When the filter does not read.
pub(crate) fn telemetry(
    service: &'static str,
    filter: &str,
    json: bool,
) -> Result<service_kit::telemetry::Guard, Failure> {
    service_kit::telemetry::init(service, filter, json).map_err(|error| {
        misconfigured(&Faults(vec![service_kit::config::Fault::new("telemetry.filter", all::chain(&error))]))
    })
}

fn principals(path: &Path) -> Result<Principals, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, &error))?;
    Principals::from_toml(&text, &path.display().to_string()).map_err(|faults| misconfigured(&faults))
}

fn misconfigured(faults: &Faults) -> Failure {
    Failure::new(
        Exit::Usage,
        "BAD_CONFIGURATION",
        Text::new("配置有误", "the configuration is wrong"),
        Text::new("按所列各项修改", "mend what is listed"),
    )
    .with(faults.0.iter().map(ToString::to_string))
}

/// An address that cannot be listened on.
pub(crate) fn not_bound(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Unavailable,
        "NOT_BOUND",
        Text::new("无法监听该地址", "the address cannot be listened on"),
        Text::new("换一个 --listen,或停掉占用端口的进程", "choose another --listen, or stop who has it"),
    )
    .with([format!("{address}: {error}")])
}

/// Services that did not start.
pub(crate) fn not_started(error: StartError) -> Failure {
    let detail = [all::chain(&error)];
    let (exit, reason, sentence, next) = match &error {
        StartError::NoRegistry(_) => (
            Exit::Usage,
            "NO_REGISTRY",
            Text::new("尚未发布登记", "no registry was published yet"),
            Text::new("用 --registry 给出登记目录", "give the registry's directory with --registry"),
        ),
        StartError::OtherDistrict { .. } => (
            Exit::Usage,
            "OTHER_DISTRICT",
            Text::new("数据目录属于另一个区", "the data directory is another district's"),
            Text::new("核对 --data 与 --registry", "check --data and --registry"),
        ),
        StartError::Directory(_, io) if io.kind() == std::io::ErrorKind::WouldBlock => (
            Exit::Unavailable,
            "DIRECTORY_IN_USE",
            Text::new("数据目录正被另一个进程使用", "another process uses the data directory"),
            Text::new("先停止该进程", "stop it first"),
        ),
        StartError::Log(event_store::OpenError::Locked { .. })
        | StartError::Vault(vault::Error::Locked { .. }) => (
            Exit::Unavailable,
            "DIRECTORY_IN_USE",
            Text::new("数据目录正被另一个进程使用", "another process uses the data directory"),
            Text::new("先停止该进程", "stop it first"),
        ),
        StartError::Directory(..) => (
            Exit::Io,
            "IO",
            Text::new("无法使用数据目录", "the data directory cannot be used"),
            Text::new("检查路径、权限与磁盘空间", "check the path, the permissions and the space left"),
        ),
        StartError::Publish(_) => (
            Exit::BadData,
            "REGISTRY_REFUSED",
            Text::new("登记未能发布", "the registry was not published"),
            Text::new("按登记检查的结果修改", "mend what the linter found"),
        ),
        StartError::Log(_)
        | StartError::Vault(_)
        | StartError::Ledger(_)
        | StartError::Gone(_)
        | StartError::Service(..) => (
            Exit::Internal,
            "NOT_STARTED",
            Text::new("服务没有启动", "the services did not start"),
            Text::new(
                "按提示处理;必要时 whistle verify 检查总账",
                "do what it says; whistle verify checks the ledger",
            ),
        ),
    };
    Failure::new(exit, reason, sentence, next).with(detail)
}
