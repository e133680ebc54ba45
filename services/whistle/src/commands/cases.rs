//! Reading cases and tasks.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;
use wire::pb::whistle::board::v1 as board;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;
use wire::pb::whistle::case::v1 as shared;

use super::{PAGE, case_id, find_case, local, name, short, value};
use crate::cli::Common;
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::output::{self, Format};

/// What can be read of cases.
#[derive(Debug, Subcommand)]
pub(crate) enum Case {
    /// Lists cases in sight, newest first.
    #[command(after_help = "\
Examples:
  whistle case list --status IN_PROGRESS --overdue
  whistle case list --org urban-enforcement -o json
  whistle case list --text 井盖")]
    List(List),
    /// Shows one case: duties, clocks, and what happened.
    #[command(after_help = "Example:\n  whistle case show 20250901-371002-00000P-S")]
    Show(Show),
    /// Tells changes as they happen, until stopped.
    #[command(after_help = "\
Examples:
  whistle case watch
  whistle case watch 0199-... -o json")]
    Watch(Watch),
}

/// Whose tasks.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Lists what is the caller's to do now: reminded first, then by due instant.
    #[command(after_help = "Example:\n  whistle task list --token sandbox-urban-enforcement-handler")]
    List,
}

/// Which cases.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// In one of these statuses, such as IN_PROGRESS.
    #[arg(long)]
    status: Vec<String>,
    /// In this area or below.
    #[arg(long)]
    area: Option<String>,
    /// With an open duty of this organisation.
    #[arg(long)]
    org: Option<String>,
    /// Of this matter.
    #[arg(long)]
    matter: Option<String>,
    /// With a clock past its due instant.
    #[arg(long)]
    overdue: bool,
    /// In whose words this is said; at least two characters.
    #[arg(long)]
    text: Option<String>,
    /// Soonest due first.
    #[arg(long)]
    by_due: bool,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Not older than this position token, which every command answers.
    #[arg(long, value_name = "TOKEN", default_value = "")]
    at_least: String,
}

/// Which case.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The case, by id or number.
    case: String,
    /// Also what clocks did.
    #[arg(long)]
    clocks: bool,
    /// Not older than this position token.
    #[arg(long, value_name = "TOKEN", default_value = "")]
    at_least: String,
}

/// Which changes.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// One case, by id or number; all in sight when not given.
    case: Option<String>,
    /// Whatever changed since this token first.
    #[arg(long, value_name = "TOKEN")]
    after: Option<String>,
}

/// Runs `case`.
pub(crate) async fn run(command: &Case, common: &Common) -> Result<Exit, Failure> {
    match command {
        Case::List(args) => list(args, common).await,
        Case::Show(args) => show(args, common).await,
        Case::Watch(args) => watch(args, common).await,
    }
}

const CASE_KEYS: [&str; 8] =
    ["case_number", "status", "colour", "matter", "place", "in_hands", "due", "case_id"];

async fn list(args: &List, common: &Common) -> Result<Exit, Failure> {
    let status = |name: &String| {
        value("status", "CASE_STATUS_", name, |full| shared::CaseStatus::from_str_name(full).map(i32::from))
    };
    let filter = board::CaseFilter {
        statuses: args.status.iter().map(status).collect::<Result<_, _>>()?,
        area_code: args.area.clone().unwrap_or_default(),
        org_id: args.org.clone().unwrap_or_default(),
        matter_id: args.matter.clone().unwrap_or_default(),
        overdue_only: args.overdue,
        text: args.text.clone().unwrap_or_default(),
        ..Default::default()
    };
    let order = if args.by_due { board::CaseOrder::Due } else { board::CaseOrder::Raised };
    let client = common.connect().await?;
    let mut reader = BoardServiceClient::new(client.channel());
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    while rows.len() < usize::from(args.limit) {
        let request = board::ListCasesRequest {
            filter: Some(filter.clone()),
            order: order.into(),
            page_size: PAGE,
            page_token,
            at_least: args.at_least.clone(),
        };
        let page = reader.list_cases(client.call(request)).await?.into_inner();
        rows.extend(page.cases.iter().map(|case| row(case, common.lang)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    rows.truncate(args.limit.into());
    let headings = match common.lang {
        Lang::Zh => ["编号", "状态", "颜色", "事项", "地点", "在谁手里", "到期", "案件"],
        Lang::En => ["number", "status", "colour", "matter", "place", "in hands", "due", "case"],
    };
    print(&headings, &CASE_KEYS, rows, common)
}

fn row(case: &board::CaseSummary, lang: Lang) -> Vec<String> {
    let place = case.building.as_ref().or(case.compound.as_ref()).or(case.area.as_ref());
    let mut hands: Vec<String> = case.in_hands.iter().map(|holder| name(holder.org.as_ref(), lang)).collect();
    hands.dedup();
    vec![
        case.case_number.clone(),
        short(case.status().as_str_name(), "CASE_STATUS_"),
        lang.pick(&case.colour_name, &case.colour).to_owned(),
        name(case.matter.as_ref(), lang),
        name(place, lang),
        hands.join(", "),
        local(case.due_time.as_ref().map(|at| at.seconds)),
        case.case_id.clone(),
    ]
}

fn print(headings: &[&str], keys: &[&str], rows: Vec<Vec<String>>, common: &Common) -> Result<Exit, Failure> {
    match common.output {
        Format::Json => output::json(&output::objects(keys, rows))?,
        Format::Table => output::lines(&output::table(headings, rows))?,
    }
    Ok(Exit::Ok)
}

async fn show(args: &Show, common: &Common) -> Result<Exit, Failure> {
    let client = common.connect().await?;
    let case = find_case(&client, &args.case, &args.at_least).await?;
    let summary = case.summary.clone().unwrap_or_default();
    let mut reader = BoardServiceClient::new(client.channel());
    let (mut entries, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = board::GetTimelineRequest {
            case_id: summary.case_id.clone(),
            page_size: PAGE,
            page_token,
            at_least: args.at_least.clone(),
            without_clocks: !args.clocks,
        };
        let page = reader.get_timeline(client.call(request)).await?.into_inner();
        entries.extend(page.entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    if common.output == Format::Json {
        output::json(&as_json(&case, &entries, common.lang))?;
        return Ok(Exit::Ok);
    }
    let mut lines = vec![row(&summary, common.lang).join("  ")];
    lines.extend(case.text.iter().map(|text| format!("  “{}”", text.text)));
    let duties = case.obligations.iter().map(|duty| duty_row(duty, common.lang)).collect();
    let headings = match common.lang {
        Lang::Zh => ["任务", "单位", "主协办", "状态", "签收", "报到", "办结"],
        Lang::En => ["duty", "organisation", "part", "state", "signed", "reported in", "completed"],
    };
    lines.extend(output::table(&headings, duties));
    for entry in &entries {
        let at = local(entry.recorded_time.as_ref().map(|at| at.seconds));
        lines.push(format!("{at}  {}", common.lang.pick(&entry.what, &entry.what_en)));
        let words = entry.said.iter().filter_map(|said| said.words.as_ref());
        lines.extend(words.map(|words| format!("{:width$}  “{}”", "", words.text, width = at.len())));
    }
    output::lines(&lines)?;
    Ok(Exit::Ok)
}

fn duty_row(duty: &board::ObligationView, lang: Lang) -> Vec<String> {
    let automatic = if duty.signed_automatically { lang.pick(" 自动", " by the clock") } else { "" };
    vec![
        duty.obligation_no.to_string(),
        name(duty.org.as_ref(), lang),
        short(duty.part().as_str_name(), "PART_"),
        short(duty.state().as_str_name(), "OBLIGATION_STATE_"),
        format!("{}{automatic}", local(duty.signed_time.as_ref().map(|at| at.seconds))),
        local(duty.reported_in_time.as_ref().map(|at| at.seconds)),
        local(duty.completed_time.as_ref().map(|at| at.seconds)),
    ]
}

fn as_json(case: &board::CaseView, entries: &[board::TimelineEntry], lang: Lang) -> Value {
    let summary = case.summary.clone().unwrap_or_default();
    let keys = ["obligation_no", "org", "part", "state", "signed", "reported_in", "completed"];
    let duties = case.obligations.iter().map(|duty| duty_row(duty, lang)).collect();
    let entry = |entry: &board::TimelineEntry| {
        json!({
            "version": entry.version,
            "recorded_at": entry.recorded_time.as_ref().map(|at| at.seconds),
            "event_type": entry.event_type,
            "what": lang.pick(&entry.what, &entry.what_en),
            "said": entry.said.iter().filter_map(|said| Some(json!({ "field": said.field, "text": said.words.as_ref()?.text })))
                .collect::<Vec<_>>(),
        })
    };
    json!({
        "case": output::objects(&CASE_KEYS, vec![row(&summary, lang)]).get(0),
        "version": summary.version,
        "text": case.text.as_ref().map(|words| &words.text),
        "obligations": output::objects(&keys, duties),
        "timeline": entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

async fn watch(args: &Watch, common: &Common) -> Result<Exit, Failure> {
    let client = common.connect().await?;
    let case_id = match &args.case {
        Some(named) => case_id(&client, named).await?,
        None => String::new(),
    };
    let request =
        board::WatchCasesRequest { case_id, filter: None, after: args.after.clone().unwrap_or_default() };
    let mut updates =
        BoardServiceClient::new(client.channel()).watch_cases(client.stream(request)).await?.into_inner();
    while let Some(update) = updates.next().await {
        let update = update?;
        let kind = short(update.kind().as_str_name(), "UPDATE_KIND_");
        let case = update.case.clone().unwrap_or_default();
        match common.output {
            Format::Json => output::json(&json!({
                "kind": kind,
                "case": update.case.as_ref().map(|case| output::objects(&CASE_KEYS, vec![row(case, common.lang)])),
                "position_token": update.position_token,
            }))?,
            Format::Table if update.case.is_some() => {
                output::lines(&[format!("{kind}  {}", row(&case, common.lang).join("  "))])?;
            }
            Format::Table => {}
        }
    }
    Ok(Exit::Ok)
}

/// Runs `task`.
pub(crate) async fn tasks(command: &Task, common: &Common) -> Result<Exit, Failure> {
    let Task::List = command;
    let client = common.connect().await?;
    let mut reader = BoardServiceClient::new(client.channel());
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = board::ListMyTasksRequest { page_size: PAGE, page_token, at_least: String::new() };
        let page = reader.list_my_tasks(client.call(request)).await?.into_inner();
        rows.extend(page.tasks.iter().map(|task| task_row(task, common.lang)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let headings = match common.lang {
        Lang::Zh => ["案件", "做什么", "命令", "任务", "到期", "颜色"],
        Lang::En => ["case", "what", "command", "duty", "due", "colour"],
    };
    print(&headings, &["case_number", "what", "command", "obligation_no", "due", "colour"], rows, common)
}

fn task_row(task: &board::Task, lang: Lang) -> Vec<String> {
    let clock = task.clock.clone().unwrap_or_default();
    vec![
        task.summary.as_ref().map(|case| case.case_number.clone()).unwrap_or_default(),
        lang.pick(&task.what, &task.what_en).to_owned(),
        task.command.clone(),
        task.obligation_no.to_string(),
        local(clock.due_time.as_ref().map(|at| at.seconds)),
        lang.pick(&clock.colour_name, &clock.colour).to_owned(),
    ]
}
