//! Reading deadlines.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use wire::pb::whistle::escalation::v1 as escalation;
use wire::pb::whistle::escalation::v1::escalation_service_client::EscalationServiceClient;

use super::{PAGE, case_id, local};
use crate::cli::Common;
use crate::exit::{Exit, Failure};
use crate::lang::Lang;
use crate::output::{self, Format};

/// What can be read of deadlines.
#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Lists running clocks in sight by due instant, or all clocks of one case.
    #[command(after_help = "\
Examples:
  whistle clock list --org urban-enforcement
  whistle clock list --case 0199-...")]
    List(List),
}

/// Which clocks.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// All clocks of this case, by id or number.
    #[arg(long, conflicts_with_all = ["org", "area"])]
    case: Option<String>,
    /// Of duties of this organisation and those below it.
    #[arg(long)]
    org: Option<String>,
    /// Of cases in this area.
    #[arg(long)]
    area: Option<String>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Due until then, with its offset; all running ones when not given.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Not older than this position token, which every command answers.
    #[arg(long, value_name = "TOKEN", default_value = "")]
    at_least: String,
}

const KEYS: [&str; 7] = ["case", "org", "clock", "due", "colour", "spent", "state"];

/// Runs `clock`.
pub(crate) async fn run(command: &Clock, common: &Common) -> Result<Exit, Failure> {
    let Clock::List(args) = command;
    let client = common.connect().await?;
    let mut reader = EscalationServiceClient::new(client.channel());
    let mut rows = Vec::new();
    if let Some(named) = &args.case {
        let case_id = case_id(&client, named).await?;
        let request = escalation::GetCaseClocksRequest { case_id, at_least: args.at_least.clone() };
        let answer = reader.get_case_clocks(client.call(request)).await?.into_inner();
        rows.extend(answer.clocks.iter().map(|clock| row(named, "", clock, common.lang)));
    } else {
        let mut page_token = String::new();
        while rows.len() < usize::from(args.limit) {
            let request = escalation::ListDueClocksRequest {
                org_id: args.org.clone().unwrap_or_default(),
                area_code: args.area.clone().unwrap_or_default(),
                page_size: PAGE,
                page_token,
                until_time: Some(wire::timestamp(args.until.unwrap_or(Timestamp::MAX))),
                at_least: args.at_least.clone(),
            };
            let page = reader.list_due_clocks(client.call(request)).await?.into_inner();
            for due in &page.clocks {
                let clock = due.clock.clone().unwrap_or_default();
                rows.push(row(&due.case_number, &due.org_name, &clock, common.lang));
            }
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    rows.truncate(args.limit.into());
    let headings = match common.lang {
        Lang::Zh => ["案件", "单位", "时限", "到期", "颜色", "已用", "状态"],
        Lang::En => ["case", "organisation", "clock", "due", "colour", "spent", "state"],
    };
    match common.output {
        Format::Json => output::json(&output::objects(&KEYS, rows))?,
        Format::Table => output::lines(&output::table(&headings, rows))?,
    }
    Ok(Exit::Ok)
}

fn row(case: &str, org: &str, clock: &escalation::Clock, lang: Lang) -> Vec<String> {
    let phase = super::short(clock.phase().as_str_name(), "CLOCK_PHASE_");
    let late = if clock.breached { lang.pick(" 超时", " late") } else { "" };
    vec![
        case.to_owned(),
        org.to_owned(),
        lang.pick(&clock.kind_name, &clock.kind_name_en).to_owned(),
        local(clock.due_time.as_ref().map(|at| at.seconds)),
        lang.pick(&clock.colour_name, &clock.colour).to_owned(),
        format!("{}%", clock.spent_permille / 10),
        format!("{phase}{late}"),
    ]
}
