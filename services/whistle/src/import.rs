//! `whistle import`: history of another system, taken as it was.
//!
//! A file and a map become plans (`plan`), plans become commands (`send`), what did not fit is reported (`findings`, `report`).
//! Every command id derives from (source, record, piece), so a second import of the same file commits nothing.

mod field;
mod findings;
mod map;
mod plan;
mod read;
mod report;
mod retry;
mod send;
#[cfg(test)]
mod tests;
mod when;

use std::path::PathBuf;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use self::map::Map;
use self::plan::{Plan, Planner};
use self::read::Format;
use self::report::Report;
use self::send::Sender;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::output;

/// Records sent at one time. Each waits for its own commits; together they share syncs.
const RECORDS_AT_ONCE: usize = 16;

/// What the command is told.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// The file: JSON, lines of JSON, CSV or a workbook (xlsx, xls, xlsb, ods). 要导入的文件
    file: PathBuf,
    /// The map: which field of the source means what here (TOML, see below). 字段对照表
    #[arg(long, value_name = "MAP.toml")]
    map: PathBuf,
    /// How the file is written, when its name does not tell. 文件格式
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Read, map and report, but send nothing. 试运行
    #[arg(long)]
    dry_run: bool,
}

const HELP: &str = concat!(
    "Examples:\n",
    "  whistle import tickets.json --map map.toml --dry-run\n",
    "  whistle import tickets.json --map map.toml --server http://127.0.0.1:7600 --token TOKEN\n",
    "  whistle import export.xlsx --map map.toml -o json\n\n",
    "The token is one of the source (role source_system). Each record becomes one case that counts in no rate and has no\n",
    "clock; orders to other agencies become obligations, their closings complete them. Importing the same file again commits\n",
    "nothing. Fields without a place here are kept sealed with the case; what does not fit is listed.\n\n",
    "Ends with 0 when every record was taken, with 1 when one was not.\n\n",
    "A map, with every field explained (seeds/import-example/map.toml):\n\n",
    include_str!("../../../seeds/import-example/map.toml"),
);

/// Imports a file, and prints what came of it. A dry run never connects.
///
/// # Errors
/// A file or map that does not read, a server that is away or refuses the token. What was imported until then stays and is not
/// imported again.
pub(crate) async fn run(
    args: &Args,
    connect: impl AsyncFnOnce() -> Result<Client, Failure>,
    format: output::Format,
    lang: Lang,
) -> Result<Exit, Failure> {
    let report = import(args, connect).await?;
    match format {
        output::Format::Json => output::json(&report)?,
        output::Format::Table => output::lines(&report.lines(lang))?,
    }
    Ok(if report.not_taken() == 0 { Exit::Ok } else { Exit::Finding })
}

/// Imports a file.
async fn import(
    args: &Args,
    connect: impl AsyncFnOnce() -> Result<Client, Failure>,
) -> Result<Report, Failure> {
    let map = Map::load(&args.map).map_err(|error| unreadable(&error))?;
    let records = read::records(&args.file, args.format, &map).map_err(|error| unreadable(&error))?;
    let (plans, mut report) = planned(&map, &records).map_err(|error| unreadable(&error))?;
    drop(records);
    if args.dry_run {
        plans.iter().for_each(|plan| report.plan(plan));
        return Ok(Report { dry_run: true, ..report.finished() });
    }
    let sender = Sender::new(map.source.as_str(), connect().await?);
    let mut sent = stream::iter(&plans).map(|plan| sender.record(plan)).buffered(RECORDS_AT_ONCE);
    let mut done = 0_usize;
    while let Some(record) = sent.try_next().await.map_err(|status| interrupted(status, done, plans.len()))? {
        report.add(record);
        done += 1;
        if done.is_multiple_of(1000) {
            output::say(&format!("{done} / {}", plans.len()));
        }
    }
    Ok(report.finished())
}

/// Plans for the records that can be taken, and a report of those that cannot.
fn planned(map: &Map, records: &[Value]) -> anyhow::Result<(Vec<Plan>, Report)> {
    let mut planner = Planner::new(map)?;
    let mut report = Report { records: u64::try_from(records.len())?, ..Report::default() };
    let mut plans = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        match planner.plan(index + 1, record) {
            Ok(plan) => plans.push(plan),
            Err(finding) => report.findings.push(finding),
        }
    }
    Ok((plans, report))
}

fn unreadable(error: &anyhow::Error) -> Failure {
    Failure::new(
        Exit::BadData,
        "IMPORT_UNREADABLE",
        Text::new(
            "文件或对照表读不懂,什么都没有导入",
            "the file or the map does not read; nothing was imported",
        ),
        Text::new("见 whistle import --help 里的对照表示例", "see the map in whistle import --help"),
    )
    .with([format!("{error:#}")])
}

fn interrupted(status: tonic::Status, done: usize, all: usize) -> Failure {
    Failure::from(status)
        .with([format!("{done} of {all} records were imported; importing again goes on from there")])
}
