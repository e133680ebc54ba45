//! `whistle bench`: how fast, beside a reference measured in the same run on the same machine.
//!
//! Rounds of ours and of the reference alternate, and medians are told, so that a machine that warms up or is shared tells on both.

mod acks;
mod args;
mod bare;
mod caller;
mod calls;
mod district;
mod folds;
mod hop;
mod lag;
mod load;
mod machine;
pub(crate) mod own;
mod processes;
mod reference;
mod replay;
mod stats;
mod system;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::Serialize;
use service_kit::shutdown::Shutdown;

pub(crate) use self::args::Args;
use self::args::{Topology, What, check};
use self::caller::Script;
use self::district::District;
use self::machine::Machine;
pub(crate) use self::reference::{Reference, serve as serve_reference};
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::output;
use crate::sandbox::Sandbox;
use crate::seeds::HUANCUI;

/// How long the reference and its tasks may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// The figures and what they are of.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    figures: &'a Figures,
    topology: Topology,
    clients: u16,
    seconds: u32,
    own_server: bool,
    machine: &'a Machine,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Figures {
    Rates(stats::Result),
    Lag(lag::Figures),
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
    output::say(&format!("bench {}, {}: {}", args.what.name(), args.topology.name(), machine.line()));
    let figures = match args.topology {
        Topology::All => Box::pin(measure(args, token)).await?,
        // Processes were started: they must not be left behind.
        Topology::Split => tokio::select! {
            figures = Box::pin(measure(args, token)) => figures?,
            stopped = stopped() => return Err(stopped),
        },
    };
    let failed = figures.errors() > 0;
    let told = Told::of(args, &figures, &machine);
    if args.json || format == output::Format::Json {
        output::json(&told)?;
    } else {
        let mut lines = figures.table(lang);
        lines.push(machine.line());
        output::lines(&lines)?;
    }
    Ok(if failed { Exit::Finding } else { Exit::Ok })
}

async fn measure(args: &Args, token: Option<&str>) -> Result<Figures, Failure> {
    Ok(match args.what {
        What::Raise => Figures::Rates(calls::measure(args, token, Script::Raise).await?),
        What::Lifecycle => Figures::Rates(calls::measure(args, token, Script::Lifecycle).await?),
        What::Replay => Figures::Rates(replay::measure(args).await?),
        What::Lag => Figures::Lag(lag::measure(args, token).await?),
    })
}

/// Waits for a signal to end.
async fn stopped() -> Failure {
    let stop = Shutdown::new();
    match stop.listen_to_signals() {
        Ok(()) => stop.started().await,
        Err(error) => return Failure::internal(error),
    }
    Failure::new(
        Exit::Again,
        "STOPPED",
        Text::new("中途停止,没有结果", "stopped on the way, without a result"),
        Text::new("重新运行即可", "run it again"),
    )
}

impl<'a> Told<'a> {
    fn of(args: &Args, figures: &'a Figures, machine: &'a Machine) -> Self {
        let Args { topology, clients, seconds, .. } = *args;
        Self { figures, topology, clients, seconds, own_server: args.connect.is_none(), machine }
    }
}

impl Figures {
    fn errors(&self) -> u64 {
        match self {
            Self::Rates(rates) => rates.errors,
            Self::Lag(lag) => lag.errors,
        }
    }

    fn table(&self, lang: Lang) -> Vec<String> {
        match self {
            Self::Rates(rates) => table(rates, lang),
            Self::Lag(lag) => lag.table(lang),
        }
    }
}

/// The sample district, with everybody in it.
fn sample() -> Result<(registry::Content, Sandbox, District), Failure> {
    let content = HUANCUI.content()?;
    let sandbox = Sandbox::of(&content)?;
    let district = District::of(&content, &sandbox)?;
    Ok((content, sandbox, district))
}

fn table(figures: &stats::Result, lang: Lang) -> Vec<String> {
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
    lines
}
