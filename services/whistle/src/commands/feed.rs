//! Reading an organisation's feed.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tokio_stream::StreamExt as _;
use wire::pb::whistle::routing::v1 as routing;
use wire::pb::whistle::routing::v1::feed_message::Message;
use wire::pb::whistle::routing::v1::feed_service_client::FeedServiceClient;

use super::local;
use crate::cli::Common;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};

/// What can be done with a feed.
#[derive(Debug, Subcommand)]
pub(crate) enum Feed {
    /// Prints what an organisation has to do as it happens, until stopped.
    #[command(after_help = "\
Examples:
  whistle feed tail urban-enforcement
  whistle feed tail traffic-police --after TOKEN -o json")]
    Tail(Tail),
}

/// Which feed, and from where.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// The organisation; those below it are told as well.
    org: String,
    /// After this token.
    #[arg(long, value_name = "TOKEN", conflicts_with = "snapshot")]
    after: Option<String>,
    /// With the duties there are now first.
    #[arg(long)]
    snapshot: bool,
    /// Ends once everything there is was told.
    #[arg(long)]
    once: bool,
}

/// Runs `feed`.
pub(crate) async fn run(command: &Feed, common: &Common) -> Result<Exit, Failure> {
    let Feed::Tail(args) = command;
    let start = match (&args.after, args.snapshot) {
        (Some(token), _) => Some(routing::subscribe_request::Start::ResumeToken(token.clone())),
        (None, true) => Some(routing::subscribe_request::Start::SendSnapshot(true)),
        (None, false) => None,
    };
    let request = routing::SubscribeRequest { org_ids: vec![args.org.clone()], start, ..Default::default() };
    let client = common.connect().await?;
    let mut messages =
        FeedServiceClient::new(client.channel()).subscribe(client.stream(request)).await?.into_inner();
    while let Some(message) = messages.next().await {
        let message = message?;
        match common.output {
            Format::Json => output::json(&as_json(&message))?,
            Format::Table => output::lines(&[line(&message)])?,
        }
        if args.once && matches!(message.message, Some(Message::CaughtUp(_))) {
            break;
        }
    }
    Ok(Exit::Ok)
}

fn kind(message: &routing::FeedMessage) -> &'static str {
    match &message.message {
        Some(Message::DutyAssigned(_)) => "DUTY_ASSIGNED",
        Some(Message::DutyChanged(_)) => "DUTY_CHANGED",
        Some(Message::LeftYourScope(_)) => "LEFT_YOUR_SCOPE",
        Some(Message::WhistleCalled(_)) => "WHISTLE_CALLED",
        Some(Message::PlanAgreed(_)) => "PLAN_AGREED",
        Some(Message::MeasureStruckOff(_)) => "MEASURE_STRUCK_OFF",
        Some(Message::ClockWarned(_)) => "CLOCK_WARNED",
        Some(Message::ClockBreached(_)) => "CLOCK_BREACHED",
        Some(Message::Reminder(_)) => "REMINDER",
        Some(Message::CaseProgress(_)) => "CASE_PROGRESS",
        Some(Message::SnapshotEntry(_)) => "SNAPSHOT_ENTRY",
        Some(Message::SnapshotEnd(_)) => "SNAPSHOT_END",
        Some(Message::Bookmark(_)) => "BOOKMARK",
        Some(Message::FellBehind(_)) => "FELL_BEHIND",
        Some(Message::CaughtUp(_)) => "CAUGHT_UP",
        None => "UNKNOWN",
    }
}

fn line(message: &routing::FeedMessage) -> String {
    let event = message.event.clone().unwrap_or_default();
    let case = message.case.clone().unwrap_or_default();
    let duties: Vec<String> = message
        .duties
        .iter()
        .map(|duty| {
            format!(
                "{}#{} {}",
                duty.org_name,
                duty.obligation_no,
                super::short(duty.state().as_str_name(), "OBLIGATION_STATE_")
            )
        })
        .collect();
    let at = local(event.recorded_time.as_ref().map(|at| at.seconds));
    let parts = [
        at,
        kind(message).to_owned(),
        event.event_type,
        case.case_number,
        case.matter_name,
        duties.join(", "),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

fn as_json(message: &routing::FeedMessage) -> Value {
    let event = message.event.as_ref();
    let payload = event.and_then(|event| serde_json::from_str::<Value>(&event.payload_json).ok());
    let duty = |duty: &routing::Duty| {
        json!({
            "obligation_no": duty.obligation_no,
            "org_id": duty.org_id,
            "org_name": duty.org_name,
            "state": super::short(duty.state().as_str_name(), "OBLIGATION_STATE_"),
            "external_ref": duty.external_ref,
            "task": duty.task,
        })
    };
    json!({
        "kind": kind(message),
        "position_token": message.position_token,
        "event_id": event.map(|event| &event.event_id),
        "event_type": event.map(|event| &event.event_type),
        "case_id": message.case.as_ref().map(|case| &case.case_id),
        "case_number": message.case.as_ref().map(|case| &case.case_number),
        "matter": message.case.as_ref().map(|case| &case.matter_name),
        "duties": message.duties.iter().map(duty).collect::<Vec<_>>(),
        "payload": payload,
    })
}
