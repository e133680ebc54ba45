//! What the command is told, and what goes together.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::lang::Text;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Cases raised over gRPC, durable, the folds caught up; against a bare tonic server that stores nothing. 上报
    Raise,
    /// Cases from raised to closed, nine commands each; against the same calls on the bare server. 全流程
    Lifecycle,
    /// The board made anew from the log; against a bare scan of the same log. 重放
    Replay,
    /// From a command's acknowledgement to its message in the department's feed; against a bare tonic stream. 推送延迟
    Lag,
}

impl What {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Raise => "raise",
            Self::Lifecycle => "lifecycle",
            Self::Replay => "replay",
            Self::Lag => "lag",
        }
    }
}

/// How the roles that are measured run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Topology {
    /// All roles in one process; the reference makes no hop.
    All,
    /// One role a process, over a nats-server; the reference makes one hop over the same nats-server.
    Split,
}

impl Topology {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Split => "split",
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
    /// How the roles run; of replay all. 部署方式
    #[arg(long, value_enum, default_value_t = Topology::All)]
    pub topology: Topology,
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
    /// A server that runs already, with the sample district and its sandbox tokens: HOST:PORT, or ROLE=HOST:PORT,ROLE=HOST:PORT.
    /// Else one is started on a directory that goes afterwards (below TMPDIR, which should be on the disk to be measured): in this
    /// process, or of split with a nats-server of its own and a process a role. 已有服务器
    #[arg(long, value_name = "ADDR")]
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
    /// Of lag: commands a second, of all clients together; else half of what the machine takes, which is measured first. 每秒命令数
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: Option<u32>,
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
  whistle bench raise --topology split
  whistle bench lifecycle --clients 16 --seconds 30 --json
  whistle bench lifecycle --connect 127.0.0.1:7600 --acks acked.txt --rounds 1
  whistle bench replay --events 1000000
  whistle bench lag --topology split --rate 200

Ours and the reference are measured alternately, ours first; with one round the server is under load for the first --seconds.
With --topology split the reference is processes too: a bare server, which before it answers asks an echo over the same nats-server
once, with about as many bytes as a commit has. nats-server must be installed: WHISTLE_NATS_SERVER names it, else it is looked for in PATH.

lag sends whole cases, from raised to closed, at half the rate the machine takes, and reads the feed of the department that gets
them. For each command the feed tells of, it takes the time from the acknowledgement at its caller to the last message the feed
has of it, on one clock; what comes before the acknowledgement counts as nothing. Its reference is a bare tonic stream of the same
messages at the same rate, over one publish and subscribe of NATS with --topology split. Its ratio is that of the p99s, ours to
the reference: lower is better, and 5 at most is the aim.

Operations are commands answered (raise, lifecycle) or events (replay, where p50 and p99 are microseconds an event over the
rounds). The rate of raise and lifecycle counts the time the folds took to catch up. Ends with 1 when a call failed.

With --token TOKEN every call is made with that token, which then needs every role; else with the sandbox tokens of the sample
district, as `whistle token sandbox seeds/huancui` prints them.";

/// Refuses arguments that would be passed over.
pub(super) fn check(args: &Args) -> Result<(), Failure> {
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
        What::Replay if args.topology == Topology::Split => {
            wrong("replay reads a log in this process: leave out --topology split")
        }
        What::Replay | What::Lag if args.acks.is_some() => {
            wrong("--acks is for raise and lifecycle: replay sends no commands, and lag lists none")
        }
        What::Replay | What::Lag if args.commands.is_some() => {
            wrong("--commands is for raise and lifecycle: replay reads what there is, and lag has its rate")
        }
        What::Raise | What::Lifecycle | What::Lag if args.data.is_some() => {
            wrong("--data is for replay; a server of our own has a directory that goes afterwards")
        }
        What::Raise | What::Lifecycle | What::Replay if args.rate.is_some() => {
            wrong("--rate is for lag: the others go as fast as they are answered")
        }
        What::Raise | What::Lifecycle | What::Replay | What::Lag => Ok(()),
    }
}
