//! The demonstration: real problems of a sample district, told by real calls on a stepped clock, from failure to the last call-back.

mod act;
mod district;
mod picture;
mod play;
mod print;
mod report;
mod story;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use self::district::{District, Place};
use self::play::Telling;
use self::print::Page;
use self::report::DistrictReport;
use self::story::Story;
use crate::all::{Directory, Settings};
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::seeds::{BEIGANGYUAN, HUANCUI, Sample};
use crate::verify::{LEDGER, Verdict};
use crate::{output, serve, verify};

/// How long checking a demonstration's ledger may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(300);

/// Plays the sample districts' stories to their end, on a simulated clock from 1 September 2025: the parking fight nobody signs for
/// first, then five more. Nothing real happens, and without --data nothing is kept.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  whistle demo
  whistle demo --lang en
  whistle demo --json
  whistle demo --data ./demo-data
  whistle demo --nats nats://127.0.0.1:4222
  whistle demo --serve --listen 127.0.0.1:7600")]
pub(crate) struct Demo {
    /// Keeps everything in this directory, marked as simulated; `serve` refuses it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// One JSON object on standard output instead of the stories.
    #[arg(long, conflicts_with = "serve")]
    json: bool,
    /// Goes on serving the district afterwards, with fixed sandbox tokens. The clock stays simulated: from the end of the stories it
    /// runs on at the pace of a real one.
    #[arg(long)]
    serve: bool,
    /// Where to listen with --serve; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7600", requires = "serve")]
    listen: SocketAddr,
    /// Plays every role with connections of its own to this NATS server, as split processes do.
    #[arg(long, value_name = "URL", conflicts_with = "serve")]
    nats: Option<String>,
}

/// Where the demonstration keeps its files.
enum Home {
    Kept(PathBuf),
    Passing(TempDir),
}

impl Home {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Passing(dir) => dir.path(),
        }
    }
}

/// Runs `demo`.
pub(crate) async fn run(args: &Demo, lang: Lang) -> Result<Exit, Failure> {
    let home = home(args)?;
    let mut settings = serve::settings(None)?;
    let _telemetry = serve::telemetry("whistle-demo", "warn", settings.telemetry.json)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listen = if args.serve { args.listen } else { any };
    let in_one = args.nats.is_none();
    settings.bus.url = args.nats.clone().unwrap_or(settings.bus.url);
    let (main, told) = tell(HUANCUI, home.path(), in_one.then_some(listen), &settings, lang).await?;
    let beside = home.path().join(BEIGANGYUAN.name);
    let (second, second_told) = tell(BEIGANGYUAN, &beside, in_one.then_some(any), &settings, lang).await?;
    let page = Page { lang, zone: main.zone.clone(), coloured: output::coloured() };
    ended(second).await?;
    let reports = [told, second_told];
    if args.serve {
        show(&page, &reports)?;
        return go_on(main, lang).await;
    }
    ended(main).await?;
    let mut verdicts = Vec::with_capacity(reports.len());
    for dir in [home.path(), &beside] {
        verdicts.push(verify::check(&dir.join(LEDGER), None, CHECK_TIMEOUT).await?);
    }
    if args.json {
        output::json(&as_json(&reports, &verdicts, lang))?;
    } else {
        show(&page, &reports)?;
        output::lines(&summary(&reports, &verdicts, &home, lang))?;
    }
    if let Home::Passing(dir) = home {
        dir.close().map_err(|error| Failure::io(Path::new("the temporary directory"), &error))?;
    }
    let good = reports.iter().flat_map(|report| &report.stories).all(|story| story.differences.is_empty());
    Ok(if good && verdicts.iter().all(|verdict| verdict.ok) { Exit::Ok } else { Exit::Finding })
}

fn home(args: &Demo) -> Result<Home, Failure> {
    let home = match &args.data {
        Some(path) => Home::Kept(path.clone()),
        None => Home::Passing(tempfile::tempdir().map_err(|error| Failure::io(Path::new("."), &error))?),
    };
    for dir in [home.path().to_owned(), home.path().join(BEIGANGYUAN.name)] {
        let directory = Directory::new(&dir);
        if directory.is_used() {
            return Err(Failure::new(
                Exit::Usage,
                "DIRECTORY_IN_USE",
                Text::new("该目录里已有数据", "the directory holds data already"),
                Text::new("给出一个空目录", "give an empty one"),
            )
            .with([dir.display().to_string()]));
        }
        directory.mark_simulated().map_err(|error| Failure::io(&dir, &error))?;
    }
    Ok(home)
}

/// Starts a district and plays its stories.
async fn tell(
    sample: Sample,
    data: &Path,
    listen: Option<SocketAddr>,
    settings: &Settings,
    lang: Lang,
) -> Result<(District, DistrictReport), Failure> {
    let place = match listen {
        Some(listen) => {
            let bound = TcpListener::bind(listen).await.map_err(|error| serve::not_bound(listen, &error))?;
            Place::Listening(bound)
        }
        None => Place::OverNats,
    };
    let district = Box::pin(District::start(sample, data, place, settings.clone())).await?;
    let stories: Result<Vec<Story>, Failure> =
        sample.stories.iter().map(|(name, text)| Story::read(name, text)).collect();
    let mut tellings: Vec<Telling> = stories?.into_iter().map(Telling::new).collect();
    let bar = progress(sample.name);
    Box::pin(play::play(&district, &mut tellings, lang, |done, count| {
        bar.set_length(count as u64);
        bar.set_position(done as u64);
    }))
    .await?;
    bar.finish_and_clear();
    let report = report::read(&district, &tellings).await?;
    Ok((district, report))
}

/// A bar on standard error; nothing where that is no terminal.
fn progress(name: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.with_message(name)
}

async fn ended(district: District) -> Result<(), Failure> {
    district.running.stop().await
}

fn show(page: &Page, reports: &[DistrictReport]) -> Result<(), Failure> {
    let head = match page.lang {
        Lang::Zh => "吹哨报到演示:以下全部是模拟事件,时间从 2025-09-01 08:00(北京时间)开始。",
        Lang::En => {
            "Whistle, a demonstration. Everything below is simulated, from 2025-09-01 08:00 (Beijing time) on."
        }
    };
    output::lines(&[head.to_owned()])?;
    let mut number = 0;
    for report in reports {
        for story in &report.stories {
            number += 1;
            output::lines(&page.story(number, story))?;
        }
        output::lines(&page.organisations(report))?;
    }
    Ok(())
}

fn totals(reports: &[DistrictReport]) -> (usize, usize, usize) {
    let stories = || reports.iter().flat_map(|report| &report.stories);
    let closed = stories().filter(|story| story.status == "CLOSED").count();
    (stories().count(), closed, stories().filter(|story| story.has_ended()).count())
}

fn summary(reports: &[DistrictReport], verdicts: &[Verdict], home: &Home, lang: Lang) -> Vec<String> {
    let (cases, closed, ended) = totals(reports);
    let events: u64 = verdicts.iter().map(|verdict| verdict.events).sum();
    let whole = verdicts.iter().all(|verdict| verdict.ok);
    let mut lines = vec![String::new()];
    lines.push(match lang {
        Lang::Zh => format!(
            "合计:案件 {cases},结案 {closed},终了 {ended};事件 {events};链校验{}。",
            if whole { "完整" } else { "不完整!" }
        ),
        Lang::En => format!(
            "In all: {cases} cases, {closed} closed, {ended} ended; {events} events; the chain is {}.",
            if whole { "whole" } else { "BROKEN" }
        ),
    });
    lines.extend(
        reports.iter().flat_map(|report| &report.stories).flat_map(|story| story.differences.clone()),
    );
    if let Home::Kept(path) = home {
        let label = lang.pick("数据(模拟)保留在", "kept, as simulated, in");
        lines.push(format!("{label} {}", path.display()));
    }
    lines
}

fn as_json(reports: &[DistrictReport], verdicts: &[Verdict], lang: Lang) -> serde_json::Value {
    let (cases, closed, ended) = totals(reports);
    let ledgers: Vec<_> = reports
        .iter()
        .zip(verdicts)
        .map(|(report, verdict)| {
            json!({ "ledger": report.name, "events": verdict.events, "head": verdict.head, "chain_ok": verdict.ok })
        })
        .collect();
    let stories: Vec<_> = reports.iter().flat_map(|report| &report.stories).collect();
    json!({
        "simulated": true,
        "cases": cases,
        "closed": closed,
        "ended": ended,
        "as_told": stories.iter().all(|story| story.differences.is_empty()),
        "differences": stories.iter().flat_map(|story| story.differences.clone()).collect::<Vec<_>>(),
        "events": verdicts.iter().map(|verdict| verdict.events).sum::<u64>(),
        "chain_ok": verdicts.iter().all(|verdict| verdict.ok),
        "ledgers": ledgers,
        "stories": stories.iter().map(|story| story.json(lang)).collect::<Vec<_>>(),
    })
}

/// Serves on, with the clock running from where the stories ended.
async fn go_on(district: District, lang: Lang) -> Result<Exit, Failure> {
    let (clock, stop) = (district.clock.clone(), district.shutdown.clone());
    let begun: Timestamp = district.running.desk().clock.now();
    district.shutdown.spawn("sandbox-clock", async move {
        let start = tokio::time::Instant::now();
        let mut every = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = every.tick() => {}
                () = stop.started() => return,
            }
            clock.advance_to(begun.saturating_add(start.elapsed()).unwrap_or(begun));
        }
    });
    district.shutdown.listen_to_signals().map_err(Failure::internal)?;
    let mut lines = vec![format!("listening on {}", district.running.server())];
    for (org, token) in district.sandbox.feed_tokens() {
        lines.push(format!("sandbox token for {org}: {token}"));
    }
    output::lines(&lines)?;
    output::say(lang.pick(
        "继续服务,时间仍是模拟的,从故事结束处按真实快慢走;Ctrl-C 结束。",
        "serving on; time stays simulated and runs on from the end of the stories; Ctrl-C ends it",
    ));
    district.shutdown.started().await;
    ended(district).await?;
    Ok(Exit::Ok)
}
