//! `whistle serve`: all roles in one process, or one of them over NATS; durable, until a signal.

mod failures;
mod hands;
mod open_files;
mod served;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use registry::ids::JurisdictionId;
use service_kit::config::Faults;
use service_kit::ops::{Ops, Serving};
use service_kit::principals::Principals;
use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;

pub(crate) use self::failures::not_started;
use self::hands::Hands;
use self::served::Served;
use crate::all::{self, Directory, Settings, keep_tick};
use crate::exit::{Exit, Failure};
use crate::lang::Text;
use crate::output;
use crate::roles::Role;

/// Variables that are options of the command line, or say where a program is, and no settings.
const NO_SETTINGS: [&str; 4] =
    ["WHISTLE_SERVER", "WHISTLE_TOKEN", "WHISTLE_NATS_SERVER", "WHISTLE_ACCEPT_GAP"];

/// What one process serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Every role on one port, with the log in this process; needs no NATS.
    All,
    /// The log and the vault's rows, over NATS. No gRPC. 总账
    Ledger,
    /// Takes cases. 受理
    Intake,
    /// Dispatches, whistles, duties, feeds. 派遣
    Routing,
    /// Timers. 时限
    Escalation,
    /// Checks, calls back, closes. 结案
    Closure,
    /// Lists and views. 看板
    Board,
}

impl Part {
    fn role(self) -> Option<Role> {
        match self {
            Self::All | Self::Ledger => None,
            Self::Intake => Some(Role::Intake),
            Self::Routing => Some(Role::Routing),
            Self::Escalation => Some(Role::Escalation),
            Self::Closure => Some(Role::Closure),
            Self::Board => Some(Role::Board),
        }
    }

    fn name(self) -> &'static str {
        match (self, self.role()) {
            (Self::Ledger, _) => "ledger",
            (_, Some(role)) => role.name(),
            (_, None) => "all",
        }
    }
}

/// Serves every role on one port from one data directory, or one role over NATS, until SIGTERM or SIGINT; open calls are let end.
/// What was acknowledged is on disk.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  whistle serve --data /var/lib/whistle --principals principals.toml --registry seeds/huancui
  whistle serve all --data /var/lib/whistle --principals principals.toml --listen 0.0.0.0:7600
  whistle serve --data D --principals P --ops 127.0.0.1:7601
  whistle serve --data D --principals P --config whistle.toml --print-config

One role a process, over NATS (deploy/split has the whole):
  whistle serve ledger --data L --registry seeds/huancui --nats nats://127.0.0.1:4222
  whistle serve intake --data I --jurisdiction huancui --principals P --vault-key K --nats nats://127.0.0.1:4222

The registry is published when none is yet; later ones go with `whistle registry publish`.
Settings: built-in defaults, then --config FILE, then WHISTLE_TABLE__KEY in the environment.")]
pub(crate) struct Serve {
    /// What to serve.
    #[arg(value_enum, default_value_t = Part::All)]
    role: Part,
    /// Where everything of this process is kept; made when it is not there.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7600")]
    listen: SocketAddr,
    /// Where operators see /livez, /readyz and /metrics, over HTTP; over `ops.listen`. Nowhere unless given.
    #[arg(long, value_name = "ADDR")]
    ops: Option<SocketAddr>,
    /// Who may call: a TOML file of `[[principal]]` tables; `whistle token new` makes one. Not for the ledger, which nobody calls.
    #[arg(long, value_name = "FILE")]
    principals: Option<PathBuf>,
    /// The registry to publish when none is published yet: a directory of TOML files. For all and ledger.
    #[arg(long, value_name = "SEED_DIR")]
    registry: Option<PathBuf>,
    /// The NATS server of one role a process, over `bus.url`.
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// Whose ledger to work on, for one role a process; the ledger knows it from its registry.
    #[arg(long, value_name = "ID")]
    jurisdiction: Option<JurisdictionId>,
    /// The vault's key, for one role a process that seals or opens texts; `whistle vault-key new` makes one.
    #[arg(long, value_name = "FILE")]
    vault_key: Option<PathBuf>,
    /// Where intake keeps photos, when not in its data directory: copies on one machine share it.
    #[arg(long, value_name = "DIR")]
    evidence: Option<PathBuf>,
    /// Settings that differ from the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Prints the settings in force and ends.
    #[arg(long)]
    print_config: bool,
    /// Lets timers fire although the process stood still for longer than `clock.start_gap_max_hours`.
    #[arg(long, env = "WHISTLE_ACCEPT_GAP")]
    accept_gap: bool,
}

/// Runs `serve`.
pub(crate) async fn run(args: &Serve) -> Result<Exit, Failure> {
    let mut settings = settings(args.config.as_deref())?;
    if args.print_config {
        return print_config(args.config.as_deref());
    }
    settings.bus.url = args.nats.clone().unwrap_or(settings.bus.url);
    let directory = Directory::new(&args.data);
    refuse_simulated(&directory)?;
    let filter = settings.telemetry.filter.clone();
    let _telemetry = telemetry("whistle", &filter, settings.telemetry.json)?;
    open_files::allow(settings.server.connections_max);
    let hands = Hands::of(&directory, &settings, args.accept_gap)?;
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals().map_err(Failure::internal)?;
    let ops = operators(args, &settings, &shutdown).await?;
    // A role may wait for NATS for hours; being asked to end ends that as well.
    let served = tokio::select! {
        () = shutdown.started() => return Ok(Exit::Ok),
        served = Box::pin(Served::start(args, hands.clock.clone(), settings, &shutdown)) => served,
    };
    let mut served = served.inspect_err(|_| shutdown.start())?;
    // What stands keeps its last tick, so that the next start finds the same gap.
    if hands.stands_since.is_none() {
        keep_tick(directory.tick(), hands.clock.clone(), &shutdown);
    }
    output::lines(&[served.line()])?;
    // Kept to the end of the process: it is asked whether it is ready while it ends.
    if let Some((ops, _serving)) = &ops {
        ops.add([hands.check()]);
        ops.add(served.checks());
        ops.started();
    }
    shutdown.started().await;
    served.stop().await?;
    Ok(Exit::Ok)
}

fn refuse_simulated(directory: &Directory) -> Result<(), Failure> {
    if !directory.is_simulated() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Usage,
        "SIMULATED_DATA",
        Text::new(
            "该目录是演示产生的模拟数据,拒绝作为正式数据服务",
            "the directory was made by a demonstration and is not served",
        ),
        Text::new("另选一个数据目录", "choose another data directory"),
    )
    .with([directory.path().display().to_string()]))
}

/// What operators see, before anything else starts: that it is starting is worth seeing too.
async fn operators(
    args: &Serve,
    settings: &Settings,
    shutdown: &Shutdown,
) -> Result<Option<(Ops, Serving)>, Failure> {
    let Some(address) = args.ops.or_else(|| settings.ops.address()) else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| not_bound(address, &error))?;
    let ops = Ops::install(args.role.name()).map_err(Failure::internal)?;
    let serving = ops.serve(listener, shutdown).map_err(Failure::internal)?;
    output::lines(&[format!("ops on http://{}", serving.address())])?;
    Ok(Some((ops, serving)))
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

fn read_principals(path: &Path) -> Result<Principals, Failure> {
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
