//! `whistle bench`: how fast, beside a reference measured in the same run on the same machine.
//!
//! Rounds of ours and of the reference alternate, and medians are told, so that a machine that warms up or is shared tells on both.

mod acks;
mod bare;
mod caller;
mod district;
mod folds;
mod load;
mod machine;
pub(crate) mod own;
mod replay;
mod stats;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use service_kit::clock::Clock;
use service_kit::shutdown::Shutdown;

use self::acks::Acks;
use self::caller::Script;
use self::district::{District, Tokens};
use self::load::{Load, Loaded, Until};
use self::machine::Machine;
use self::own::Own;
use self::stats::Round;
use crate::client::Wire;
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::output;
use crate::sandbox::Sandbox;
use crate::seeds::HUANCUI;

/// How long the reference and its tasks may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Cases raised over gRPC, durable, the folds caught up; against a bare tonic server that stores nothing. 上报
    Raise,
    /// Cases from raised to closed, nine commands each; against the same calls on the bare server. 全流程
    Lifecycle,
    /// The board made anew from the log; against a bare scan of the same log. 重放
    Replay,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Raise => "raise",
            Self::Lifecycle => "lifecycle",
            Self::Replay => "replay",
        }
    }
}

/// What the command is told.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// What to measure. 测什么
    #[arg(value_enum)]
    pub what: What,
    /// Clients at one time, each with a connection of its own. 并发客户端
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub clients: u16,
    /// Seconds of load in each round, for ours and again for the reference. 每轮秒数
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub seconds: u32,
    /// Of raise and lifecycle: so many commands of each client in each round, however long they take. 每客户端指令数
    #[arg(long, value_name = "COUNT", conflicts_with = "seconds", value_parser = clap::value_parser!(u64).range(1..))]
    pub commands: Option<u64>,
    /// Rounds; the medians are told. 轮数
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    pub rounds: u16,
    /// A server that runs already, with the sample district and its sandbox tokens; else one is started in this process on a
    /// directory that goes afterwards (below TMPDIR, which should be on the disk to be measured). 已有服务器
    #[arg(long, value_name = "HOST:PORT")]
    pub connect: Option<String>,
    /// Write acknowledged case ids here, one a line, each as it is acknowledged; and beside it, in FILE.versions, every
    /// acknowledgement as "ID VERSION STATUS". 已确认清单
    #[arg(long, value_name = "FILE")]
    pub acks: Option<PathBuf>,
    /// Of replay: a data directory of a server that is not running; else a log is made. 重放的数据目录
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Of replay: how many events the log that is made has at least. 重放的事件数
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1000..=100_000_000))]
    pub events: u32,
    /// Ask again, under the same command id, while the server is away or busy, instead of stopping at the first failure. 不成不休
    #[arg(long)]
    pub insist: bool,
    /// One JSON object instead of a table. 输出 JSON
    #[arg(long)]
    pub json: bool,
}

const HELP: &str = "\
Examples:
  whistle bench raise
  whistle bench lifecycle --clients 16 --seconds 30 --json
  whistle bench lifecycle --connect 127.0.0.1:7600 --acks acked.txt --rounds 1
  whistle bench replay --events 1000000

Ours and the reference are measured alternately, ours first; with one round the server is under load for the first --seconds.
Operations are commands answered (raise, lifecycle) or events (replay, where p50 and p99 are microseconds an event over the
rounds). The rate of raise and lifecycle counts the time the folds took to catch up. Ends with 1 when a call failed.

With --token TOKEN every call is made with that token, which then needs every role; else with the sandbox tokens of the sample
district, as `whistle token sandbox seeds/huancui` prints them.";

/// The figures and what they are of.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Told {
    #[serde(flatten)]
    figures: stats::Result,
    clients: u16,
    seconds: u32,
    own_server: bool,
    machine: Machine,
}

/// Measures and prints.
///
/// # Errors
/// Arguments that do not go together, a server that is not reached or refuses the first command, a directory in use.
pub(crate) async fn run(
    args: &Args,
    token: Option<&str>,
    format: output::Format,
    lang: Lang,
) -> Result<Exit, Failure> {
    check(args)?;
    let machine = Machine::this();
    output::say(&format!("bench {}: {}", args.what.name(), machine.line()));
    let figures = match args.what {
        What::Raise => calls(args, token, Script::Raise).await?,
        What::Lifecycle => calls(args, token, Script::Lifecycle).await?,
        What::Replay => replay::measure(args).await?,
    };
    let failed = figures.errors > 0;
    let own_server = args.connect.is_none();
    let told = Told { figures, clients: args.clients, seconds: args.seconds, own_server, machine };
    if args.json || format == output::Format::Json {
        output::json(&told)?;
    } else {
        output::lines(&table(&told, lang))?;
    }
    Ok(if failed { Exit::Finding } else { Exit::Ok })
}

/// Refuses arguments that would be passed over.
fn check(args: &Args) -> Result<(), Failure> {
    let wrong = |what: &str| {
        Err(Failure::new(
            Exit::Usage,
            "ARGUMENTS",
            Text::new("参数互相矛盾", "the arguments do not go together"),
            Text::new("见 whistle bench --help", "see whistle bench --help"),
        )
        .with([what.to_owned()]))
    };
    match args.what {
        What::Replay if args.connect.is_some() => {
            wrong("replay reads a log itself: give --data, not --connect")
        }
        What::Replay if args.acks.is_some() => {
            wrong("replay sends no commands, so nothing is acknowledged: leave out --acks")
        }
        What::Replay if args.commands.is_some() => {
            wrong("replay reads what there is: --commands is for raise and lifecycle")
        }
        What::Raise | What::Lifecycle if args.data.is_some() => {
            wrong("--data is for replay; a server of our own has a directory that goes afterwards")
        }
        What::Raise | What::Lifecycle | What::Replay => Ok(()),
    }
}

/// The sample district, with everybody in it.
fn sample() -> Result<(registry::Content, Sandbox, District), Failure> {
    let content = HUANCUI.content()?;
    let sandbox = Sandbox::of(&content)?;
    let district = District::of(&content, &sandbox)?;
    Ok((content, sandbox, district))
}

async fn calls(args: &Args, token: Option<&str>, script: Script) -> Result<stats::Result, Failure> {
    let (content, sandbox, mut district) = sample()?;
    if let Some(token) = token {
        district.tokens = Tokens::one(token);
    }
    let acks = match &args.acks {
        None => Acks::none(),
        Some(path) => Acks::create(path).map_err(|error| Failure::io(path, &error))?,
    };
    let shutdown = Shutdown::new();
    let reference = bare::serve(&shutdown).await.map_err(Failure::internal)?;
    let own = match &args.connect {
        None => Some(Own::start(content, &sandbox).await?),
        Some(_) => None,
    };
    let address = match (&own, &args.connect) {
        (Some(own), _) => load::url(own.all.address),
        (None, Some(address)) => address.clone(),
        (None, None) => String::new(),
    };
    let sides = Sides {
        ours: load::connect(&address, args.clients.into()).await?,
        reference: load::connect(&load::url(reference), args.clients.into()).await?,
        acks: Arc::new(acks),
    };
    let measured = sides.measure(args, script, Arc::new(district)).await;
    shutdown.drain(GRACE).await;
    if let Some(own) = own {
        own.stop().await;
    }
    measured
}

/// Both servers, connected.
struct Sides {
    ours: Vec<Wire>,
    reference: Vec<Wire>,
    acks: Arc<Acks>,
}

/// One round on ours.
struct Ours {
    round: Round,
    /// How long the clients were at it.
    busy: Duration,
    /// Clients that stopped at a failure.
    failed: u64,
}

impl Sides {
    async fn measure(
        &self,
        args: &Args,
        script: Script,
        district: Arc<District>,
    ) -> Result<stats::Result, Failure> {
        let clock = Clock::system(Duration::from_secs(60));
        let mut rounds = Vec::new();
        let mut errors = 0;
        let time = Duration::from_secs(args.seconds.into());
        for number in 1..=args.rounds {
            let now = clock.now();
            let load = Load {
                script,
                until: args.commands.map_or(Until::Time(time), Until::Commands),
                district: Arc::clone(&district),
                run: format!("{}/{}/{number}", now.as_nanosecond(), std::process::id()),
                now,
                insist: args.insist,
            };
            let Ours { round: ours, busy, failed } = self.ours(&load).await?;
            // As long as ours: a server that was killed under the load does not keep anybody waiting.
            let until = args.commands.map_or(Until::Time(busy.min(time)), Until::Commands);
            let as_long = Load { until, ..load };
            let theirs = as_long.put(&self.reference, &Arc::new(Acks::none())).await?;
            let theirs = Round::of(&theirs.latencies, theirs.busy, Duration::ZERO);
            errors += failed;
            output::say(&format!(
                "round {number}: {:.0}/s, folds {} ms behind; reference {:.0}/s",
                ours.ops_per_s, ours.folds_caught_up_ms, theirs.ops_per_s
            ));
            rounds.push((ours, theirs));
            if failed > 0 {
                break;
            }
        }
        Ok(stats::Result::of(args.what.name(), &rounds, errors))
    }

    async fn ours(&self, load: &Load) -> Result<Ours, Failure> {
        let Loaded { latencies, busy, last, failures } = load.put(&self.ours, &self.acks).await?;
        let failed = u64::try_from(failures.len()).unwrap_or(u64::MAX);
        let behind = match (failures.into_iter().next(), self.ours.first()) {
            (Some(first), _) if latencies.count() == 0 => return Err(first.into()),
            (Some(first), _) => {
                output::say(&format!("{failed} clients stopped: {:?}: {}", first.code(), first.message()));
                Duration::ZERO
            }
            (None, Some(channel)) => {
                folds::caught_up(channel, &load.district.tokens.receptionist, &last, load.insist).await?
            }
            (None, None) => Duration::ZERO,
        };
        Ok(Ours { round: Round::of(&latencies, busy, behind), busy, failed })
    }
}

fn table(told: &Told, lang: Lang) -> Vec<String> {
    let figures = &told.figures;
    let headings = [
        "",
        lang.pick("每秒操作", "ops/s"),
        lang.pick("中位 µs", "p50 µs"),
        lang.pick("99% µs", "p99 µs"),
        lang.pick("视图追上 ms", "folds ms"),
    ];
    let row = |name: &str, rate: f64, p50: u64, p99: u64, folds: String| {
        vec![name.to_owned(), format!("{rate:.1}"), p50.to_string(), p99.to_string(), folds]
    };
    let folds = figures.folds_caught_up_ms.to_string();
    let rows = vec![
        row(figures.bench, figures.ops_per_s, figures.p50_us, figures.p99_us, folds),
        row(
            lang.pick("参照", "reference"),
            figures.reference_ops_per_s,
            figures.reference_p50_us,
            figures.reference_p99_us,
            String::new(),
        ),
    ];
    let mut lines = output::table(&headings, rows);
    lines.push(format!("{} {:.3}", lang.pick("比值", "ratio"), figures.ratio));
    lines.push(told.machine.line());
    lines
}
