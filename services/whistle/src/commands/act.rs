//! Doing something: raising, blowing, reporting in.

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;
use wire::pb::whistle::board::v1::ObligationView;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1 as intake;
use wire::pb::whistle::intake::v1::intake_service_client::IntakeServiceClient;
use wire::pb::whistle::routing::v1 as routing;
use wire::pb::whistle::routing::v1::routing_service_client::RoutingServiceClient;

use super::{case_id, find_case, short, value};
use crate::cli::Common;
use crate::client::command_id;
use crate::exit::{Exit, Failure};
use crate::lang::{Lang, Text};
use crate::output::{self, Format};

/// Raises a case (上报). What is missing or wrong is listed as defects; a citizen is never refused for it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  whistle raise --profile grid-worker --channel field-app --matter exposed-garbage \\
    --area 371002001001001 --text '前进街路口垃圾堆积'")]
pub(crate) struct Raise {
    /// The way it takes: hotline, grid-worker, public, whistle-only, consult, self-handled, list-item, care, inspection.
    #[arg(long, default_value = "grid-worker")]
    profile: String,
    /// How it came in: hotline, field-app, resident-app, window, visit, office, department, video, inspection.
    #[arg(long, default_value = "field-app")]
    channel: String,
    /// What was said.
    #[arg(long)]
    text: String,
    /// What is handled, as the registry names it.
    #[arg(long)]
    matter: Option<String>,
    /// Area code of 6, 9, 12 or 15 digits.
    #[arg(long)]
    area: Option<String>,
    /// Compound.
    #[arg(long)]
    compound: Option<String>,
    /// Building.
    #[arg(long)]
    building: Option<String>,
    /// The place in words.
    #[arg(long)]
    place: Option<String>,
    /// What kind of reporter stands behind it: resident, grid-worker, lane-steward, enterprise, organisation, anonymous.
    #[arg(long, requires = "phone")]
    reporter: Option<String>,
    /// What to call the reporter.
    #[arg(long, requires = "reporter")]
    name: Option<String>,
    /// How to call the reporter back.
    #[arg(long, requires = "reporter")]
    phone: Option<String>,
    /// Makes the command repeatable; the same id with the same content happens once.
    #[arg(long, value_name = "UUID")]
    command_id: Option<Uuid>,
}

/// Blows a whistle on a case (吹哨): everyone called gets a duty, once the whistle is active.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  whistle blow 0199-... --to society-work-committee --to traffic-police --to urban-enforcement \\
    --purpose '现场联合查看' --meet-at 2025-09-03T09:30:00+08:00 --meet-building qianjin-8

The case must be filed first: AcceptCase and FileCase of whistle.intake.v1.IntakeService. By its kind's policy a whistle may then
wait: in the sample districts a community's ROUTINE one for a leader of its street, by ApproveWhistle of
whistle.routing.v1.RoutingService. These are gRPC calls, described in proto/, for a token of the right role; `whistle task list`
shows each its own.")]
pub(crate) struct Blow {
    /// The case, by id or number.
    case: String,
    /// Who is called; the first leads.
    #[arg(long = "to", value_name = "ORG", required = true)]
    to: Vec<String>,
    /// The kind, a key of the policies: ROUTINE, HARD_CASE, JOINT_ENFORCEMENT, EMERGENCY, DRILL.
    #[arg(long, default_value = "ROUTINE")]
    kind: String,
    /// What for.
    #[arg(long)]
    purpose: String,
    /// What was tried alone.
    #[arg(long)]
    tried: Option<String>,
    /// When to meet, with its offset.
    #[arg(long, value_name = "TIME", requires = "meet_building")]
    meet_at: Option<Timestamp>,
    /// At which building to meet.
    #[arg(long, value_name = "BUILDING", requires = "meet_at")]
    meet_building: Option<String>,
    /// Makes the command repeatable.
    #[arg(long, value_name = "UUID")]
    command_id: Option<Uuid>,
}

/// Reports in for a duty (报到).
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  whistle report-in 0199-... --org traffic-police --code 413077")]
pub(crate) struct ReportIn {
    /// The case, by id or number.
    case: String,
    /// For which organisation's duty.
    #[arg(long, required_unless_present = "duty")]
    org: Option<String>,
    /// For which duty, by number.
    #[arg(long, conflicts_with = "org")]
    duty: Option<u32>,
    /// The code shown on site.
    #[arg(long)]
    code: Option<String>,
    /// When, with its offset; the moment of the case's last change when not given.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Makes the command repeatable.
    #[arg(long, value_name = "UUID")]
    command_id: Option<Uuid>,
}

/// Runs `raise`.
pub(crate) async fn raise(args: &Raise, common: &Common) -> Result<Exit, Failure> {
    let number = |value: Option<i32>| value;
    let profile = value("profile", "PROFILE_", &args.profile, |name| {
        number(shared::Profile::from_str_name(name).map(i32::from))
    })?;
    let channel = value("channel", "CHANNEL_", &args.channel, |name| {
        number(shared::Channel::from_str_name(name).map(i32::from))
    })?;
    let mut reporters = Vec::new();
    if let Some(kind) = &args.reporter {
        let kind = value("reporter", "REPORTER_KIND_", kind, |name| {
            number(shared::ReporterKind::from_str_name(name).map(i32::from))
        })?;
        reporters.push(shared::Reporter {
            kind,
            person_id: String::new(),
            name: args.name.clone().unwrap_or_default(),
            phone: args.phone.clone().unwrap_or_default(),
        });
    }
    let given = |field: &Option<String>| field.clone().unwrap_or_default();
    let place = shared::Place {
        area_code: given(&args.area),
        compound_id: given(&args.compound),
        building_id: given(&args.building),
        note: given(&args.place),
        ..Default::default()
    };
    let new_case = shared::NewCase {
        profile,
        channel,
        reporters,
        text: args.text.clone(),
        place: Some(place),
        matter_id: given(&args.matter),
        ..Default::default()
    };
    let request =
        intake::RaiseCaseRequest { command_id: command_id(args.command_id), new_case: Some(new_case) };
    let client = common.connect().await?;
    let answer = IntakeServiceClient::new(client.channel()).raise_case(client.call(request)).await?;
    tell(answer.into_inner().receipt, common)
}

/// Runs `blow`.
pub(crate) async fn blow(args: &Blow, common: &Common) -> Result<Exit, Failure> {
    let client = common.connect().await?;
    let party = |(at, org): (usize, &String)| shared::Party {
        org_id: org.clone(),
        part: i32::from(if at == 0 { shared::Part::Lead } else { shared::Part::Co }),
        mandatory: true,
        task: String::new(),
    };
    let meeting = args.meet_at.map(|at| shared::Meeting {
        time: Some(wire::timestamp(at)),
        place: Some(shared::Place {
            building_id: args.meet_building.clone().unwrap_or_default(),
            ..Default::default()
        }),
    });
    let request = routing::BlowWhistleRequest {
        command_id: command_id(args.command_id),
        case_id: case_id(&client, &args.case).await?,
        kind: args.kind.clone(),
        purpose: args.purpose.clone(),
        tried: args.tried.clone().unwrap_or_default(),
        meeting,
        parties: args.to.iter().enumerate().map(party).collect(),
        ..Default::default()
    };
    let answer = RoutingServiceClient::new(client.channel()).blow_whistle(client.call(request)).await?;
    tell(answer.into_inner().receipt, common)
}

/// Runs `report-in`.
pub(crate) async fn report_in(args: &ReportIn, common: &Common) -> Result<Exit, Failure> {
    let client = common.connect().await?;
    let case = find_case(&client, &args.case, "").await?;
    let duty = duty_of(&case.obligations, args.duty, args.org.as_deref()).ok_or_else(|| {
        Failure::new(
            Exit::Finding,
            "NO_SUCH_DUTY",
            Text::new("该单位在本案没有任务", "there is no such duty in this case"),
            Text::new("用 whistle case show 看任务", "see the duties with whistle case show"),
        )
    })?;
    // This machine's clock may be ahead of the server's, which refuses what lies in its future.
    let seen = case.changed_time.or(duty.assigned_time);
    let request = routing::ReportInRequest {
        command_id: command_id(args.command_id),
        case_id: case.summary.clone().unwrap_or_default().case_id,
        obligation_no: duty.obligation_no,
        reported_time: args.at.map(wire::timestamp).or(seen),
        presence_code: args.code.clone().unwrap_or_default(),
        ..Default::default()
    };
    let answer = RoutingServiceClient::new(client.channel()).report_in(client.call(request)).await?;
    tell(answer.into_inner().receipt, common)
}

/// The duty of this number; or the organisation's: one that waits for it to report in before any other. Whether it still may is the
/// server's to say.
pub(super) fn duty_of<'a>(
    duties: &'a [ObligationView],
    no: Option<u32>,
    org: Option<&str>,
) -> Option<&'a ObligationView> {
    use shared::ObligationState::{Assigned, Contacted, SignedFor};
    if let Some(no) = no {
        return duties.iter().find(|duty| duty.obligation_no == no);
    }
    let own = || duties.iter().filter(|duty| duty.org.as_ref().map(|own| own.id.as_str()) == org);
    let waits = |duty: &&ObligationView| {
        duty.reported_in_time.is_none() && matches!(duty.state(), Assigned | SignedFor | Contacted)
    };
    own().find(waits).or_else(|| own().next_back())
}

/// Prints what is now durable.
fn tell(receipt: Option<shared::CommandReceipt>, common: &Common) -> Result<Exit, Failure> {
    let receipt = receipt.ok_or_else(|| Failure::internal("the server answered without a receipt"))?;
    let status = short(receipt.status().as_str_name(), "CASE_STATUS_");
    let defects: Vec<String> =
        receipt.defects().map(|defect| short(defect.as_str_name(), "DEFECT_")).collect();
    let made = receipt.made.clone().unwrap_or_default();
    if common.output == Format::Json {
        output::json(&json!({
            "case_id": receipt.case_id,
            "case_number": receipt.case_number,
            "version": receipt.version,
            "status": status,
            "defects": defects,
            "repeated": receipt.repeated,
            "position_token": receipt.position_token,
            "obligation_nos": made.obligation_nos,
            "whistle_nos": made.whistle_nos,
        }))?;
        return Ok(Exit::Ok);
    }
    let mut line = format!("{} {} {status}", receipt.case_number, receipt.case_id);
    if !defects.is_empty() {
        let label = match common.lang {
            Lang::Zh => "缺项",
            Lang::En => "defects",
        };
        line.push_str(&format!(" {label}: {}", defects.join(" ")));
    }
    output::lines(&[line])?;
    Ok(Exit::Ok)
}
