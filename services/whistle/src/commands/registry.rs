//! Showing and publishing the registry.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use uuid::Uuid;
use wire::pb::whistle::registry::v1 as registry;
use wire::pb::whistle::registry::v1::registry_service_client::RegistryServiceClient;

use crate::cli::Common;
use crate::client::command_id;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::seeds;

/// What can be done with the registry.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// Shows what is in force, and sections of it as JSON.
    #[command(after_help = "\
Examples:
  whistle registry show
  whistle registry show --section orgs -o json")]
    Show(Show),
    /// Publishes a registry: all of it, or nothing when the linter finds an error.
    #[command(after_help = "Example:\n  whistle registry publish seeds/huancui --note 'new grid codes'")]
    Publish(Publish),
}

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A section: jurisdiction, orgs, posts, categories, matters, matrix, policies, calendars, areas, compounds, pairings.
    #[arg(long)]
    section: Vec<String>,
}

/// What to publish.
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The directory of its files.
    dir: PathBuf,
    /// What changed; public.
    #[arg(long, default_value = "")]
    note: String,
    /// Makes the command repeatable.
    #[arg(long, value_name = "UUID")]
    command_id: Option<Uuid>,
}

/// Runs `registry`.
pub(crate) async fn run(command: &Registry, common: &Common) -> Result<Exit, Failure> {
    match command {
        Registry::Show(args) => show(args, common).await,
        Registry::Publish(args) => publish(args, common).await,
    }
}

async fn show(args: &Show, common: &Common) -> Result<Exit, Failure> {
    let client = common.connect().await?;
    let request = registry::GetRegistryRequest { sections: args.section.clone() };
    let answer =
        RegistryServiceClient::new(client.channel()).get_registry(client.call(request)).await?.into_inner();
    let summary = answer.summary.unwrap_or_default();
    let counts = [
        ("areas", summary.areas),
        ("grids", summary.grids),
        ("compounds", summary.compounds),
        ("organisations", summary.organisations),
        ("posts", summary.posts),
        ("matters", summary.matters),
        ("matrix_rows", summary.matrix_rows),
        ("clock_rules", summary.clock_rules),
        ("whistle_kinds", summary.whistle_kinds),
        ("calendars", summary.calendars),
    ];
    let section = |section: &registry::Section| {
        let content = serde_json::from_slice::<serde_json::Value>(&section.json).unwrap_or_default();
        (section.name.clone(), content)
    };
    let sections: serde_json::Map<_, _> = answer.sections.iter().map(section).collect();
    if common.output == Format::Json {
        let counts: serde_json::Map<_, _> =
            counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))).collect();
        output::json(&json!({
            "version": answer.version,
            "digest": answer.digest,
            "jurisdiction": answer.jurisdiction_id,
            "name": common.lang.pick(&answer.name, &answer.name_en),
            "note": answer.note,
            "counts": counts,
            "warnings": answer.warnings.iter().map(finding).collect::<Vec<_>>(),
            "sections": sections,
        }))?;
        return Ok(Exit::Ok);
    }
    let mut lines = vec![
        format!(
            "{} {} v{}",
            answer.jurisdiction_id,
            common.lang.pick(&answer.name, &answer.name_en),
            answer.version
        ),
        answer.note.trim().to_owned(),
    ];
    lines.extend(counts.iter().map(|(name, count)| format!("  {name} {count}")));
    lines.extend(answer.warnings.iter().map(finding));
    lines.extend(sections.iter().map(|(name, content)| format!("{name}: {content}")));
    output::lines(&lines)?;
    Ok(Exit::Ok)
}

fn finding(finding: &registry::Finding) -> String {
    format!("{}: {}; {}", finding.path, finding.problem, finding.advice)
}

async fn publish(args: &Publish, common: &Common) -> Result<Exit, Failure> {
    let content = seeds::from_dir(&args.dir)?;
    let request = registry::PublishRegistryRequest {
        command_id: command_id(args.command_id),
        content_json: content.canonical_json().into_bytes(),
        note: args.note.clone(),
    };
    let client = common.connect().await?;
    let answer = RegistryServiceClient::new(client.channel())
        .publish_registry(client.call(request))
        .await?
        .into_inner();
    match common.output {
        Format::Json => output::json(&json!({
            "version": answer.version,
            "warnings": answer.warnings.iter().map(finding).collect::<Vec<_>>(),
            "position_token": answer.position_token,
        }))?,
        Format::Table => {
            let mut lines = vec![format!("v{}", answer.version)];
            lines.extend(answer.warnings.iter().map(finding));
            output::lines(&lines)?;
        }
    }
    Ok(Exit::Ok)
}
