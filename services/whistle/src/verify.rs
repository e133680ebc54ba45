//! Checking a ledger: on a copy, in a child process, since the storage engine may crash on damaged files.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use event_store::OpenError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::process::Command;

use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::output;

/// Where a data directory keeps its log.
pub(crate) const LEDGER: &str = "ledger";

/// Checks that a data directory's ledger is whole: chain, positions, versions, command keys, watermark. Works on a copy, in a process
/// of its own; a crash of that process is a finding.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  whistle verify --data /var/lib/whistle
  whistle verify --data /var/lib/whistle --json | jq .head

Exits 0 only when the ledger is whole, 1 when something is wrong with it, 69 while a server has it open.")]
pub(crate) struct Verify {
    /// The data directory, as given to `serve` or `demo`.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// One JSON object on standard output.
    #[arg(long)]
    json: bool,
    /// Where the copy is made; the system's temporary directory when not given. It needs as much room as the ledger.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Minutes after which a check that does not end counts as a finding.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1440))]
    timeout_minutes: u64,
}

/// The part that may crash. Not for people: `verify` calls it on a copy.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  whistle verify-in-place COPY-OF-A-LEDGER")]
pub(crate) struct InPlace {
    /// A copy of a ledger's directory; it is written to.
    dir: PathBuf,
}

/// What came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// Whether the ledger is whole.
    pub ok: bool,
    /// Whose ledger it is.
    pub ledger: Option<String>,
    /// Whole commits read.
    pub commits: u64,
    /// Events in them.
    pub events: u64,
    /// The end of the log: epoch, position, chain hash.
    pub head: Value,
    /// What is wrong; each with kind, position, detail.
    pub findings: Vec<Value>,
    /// How many, listed or not.
    pub findings_total: u64,
}

impl Verdict {
    fn crashed(detail: String) -> Self {
        Self {
            ok: false,
            ledger: None,
            commits: 0,
            events: 0,
            head: Value::Null,
            findings: vec![serde_json::json!({ "kind": "crash", "position": null, "detail": detail })],
            findings_total: 1,
        }
    }
}

/// Runs `verify`.
pub(crate) async fn run(args: &Verify, lang: Lang) -> Result<Exit, Failure> {
    let limit = Duration::from_secs(args.timeout_minutes.saturating_mul(60));
    let verdict = check(&args.data.join(LEDGER), args.scratch.as_deref(), limit).await?;
    if args.json {
        output::json(&verdict)?;
    } else {
        output::lines(&describe(&verdict, lang))?;
    }
    Ok(if verdict.ok { Exit::Ok } else { Exit::Finding })
}

/// Copies a ledger nobody has open, and has a child look through the copy.
///
/// # Errors
/// [`Failure`] when there is no such ledger, it is in use, or the copy cannot be made. What is wrong with it is no error.
pub(crate) async fn check(dir: &Path, scratch: Option<&Path>, limit: Duration) -> Result<Verdict, Failure> {
    if !event_store::is_store(dir) {
        return Err(Failure::new(
            Exit::Usage,
            "NO_LEDGER",
            Text::new("该目录下没有总账", "there is no ledger in this directory"),
            Text::new("给出 serve 或 demo 用过的数据目录", "give the data directory that serve or demo used"),
        )
        .with([dir.display().to_string()]));
    }
    let aside = match scratch {
        Some(scratch) => tempfile::tempdir_in(scratch),
        None => tempfile::tempdir(),
    };
    let aside = aside.map_err(|error| Failure::io(scratch.unwrap_or(dir), &error))?;
    let (from, to) = (dir.to_owned(), aside.path().join(LEDGER));
    let copy = to.clone();
    let copied = tokio::task::spawn_blocking(move || event_store::copy_for_verify(&from, &copy)).await;
    copied.map_err(Failure::internal)?.map_err(|error| not_copied(&error))?;
    look_through(&to, limit).await
}

fn not_copied(error: &OpenError) -> Failure {
    let detail = [error.to_string()];
    if matches!(error, OpenError::Locked { .. }) {
        return Failure::new(
            Exit::Unavailable,
            "LEDGER_IN_USE",
            Text::new("总账正被另一个进程使用", "another process has the ledger open"),
            Text::new("先停止该进程再校验", "stop it first, then verify"),
        )
        .with(detail);
    }
    Failure::new(
        Exit::Io,
        "COPY_FAILED",
        Text::new("无法复制总账", "the ledger cannot be copied"),
        Text::new(
            "检查磁盘空间与权限,或用 --scratch 另选目录",
            "check space and permissions, or give --scratch",
        ),
    )
    .with(detail)
}

async fn look_through(copy: &Path, limit: Duration) -> Result<Verdict, Failure> {
    let program = std::env::current_exe().map_err(Failure::internal)?;
    let mut child = Command::new(program);
    child.arg("verify-in-place").arg(copy).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    child.kill_on_drop(true);
    let ended = match tokio::time::timeout(limit, child.output()).await {
        Ok(ended) => ended.map_err(Failure::internal)?,
        Err(_elapsed) => return Ok(Verdict::crashed(format!("the check did not end within {limit:?}"))),
    };
    match serde_json::from_slice::<Verdict>(&ended.stdout) {
        // A child that told its story and then crashed has not read everything it says it has.
        Ok(verdict) if ended.status.success() || !verdict.ok => Ok(verdict),
        Ok(_) | Err(_) => Ok(Verdict::crashed(format!("the check ended with {}", ended.status))),
    }
}

/// Runs `verify-in-place`.
pub(crate) fn in_place(args: &InPlace) -> Result<Exit, Failure> {
    let report = event_store::verify_copy_in_place(&args.dir);
    output::json(&report)?;
    Ok(if report.ok { Exit::Ok } else { Exit::Finding })
}

fn describe(verdict: &Verdict, lang: Lang) -> Vec<String> {
    let state = if verdict.ok { Text::new("完整", "whole") } else { Text::new("有问题", "not whole") };
    let head = |key: &str| verdict.head.get(key).map(Value::to_string).unwrap_or_default();
    let mut lines = vec![match lang {
        Lang::Zh => format!(
            "总账 {}:{},{} 次提交,{} 条事件,末位 {},链值 {}",
            verdict.ledger.as_deref().unwrap_or("?"),
            state.get(lang),
            verdict.commits,
            verdict.events,
            head("position"),
            head("chain").trim_matches('"'),
        ),
        Lang::En => format!(
            "ledger {}: {}, {} commits, {} events, head at {}, chain {}",
            verdict.ledger.as_deref().unwrap_or("?"),
            state.get(lang),
            verdict.commits,
            verdict.events,
            head("position"),
            head("chain").trim_matches('"'),
        ),
    }];
    for finding in &verdict.findings {
        let part = |key: &str| finding.get(key).filter(|value| !value.is_null()).map(|v| v.to_string());
        lines.push(format!(
            "  {} {} {}",
            part("kind").unwrap_or_default().trim_matches('"'),
            part("position").unwrap_or_else(|| "-".to_owned()),
            part("detail").unwrap_or_default().trim_matches('"'),
        ));
    }
    lines
}
