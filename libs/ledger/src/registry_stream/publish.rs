use std::sync::Arc;

use case::event::Event;
use case::event::district::{RegistryPartStaged, RegistryPublished};
use case::event::parts::By;
use case::ids::derived_uuid;
use event_store::{Expected, Version};
use jiff::Timestamp;
use registry::ids::RegistryVersion;
use registry::{Content, Finding, PartsError, Registry};

use crate::commit::Commit;
use crate::context::{Append, CommandContext};
use crate::errors::{CommitError, LedgerError};
use crate::execute::CONFLICT_TRIES;
use crate::handle::Ledger;
use crate::registry_stream::fold::RegistryFold;
use crate::registry_stream::stream;

/// Largest part, in bytes; with its envelope it stays below the 64 KiB an event may have.
pub const PART_BYTES_MAX: usize = 48 * 1024;
/// Bytes of parts in one commit, which may have 512 KiB.
const COMMIT_BYTES_MAX: usize = 400 * 1024;
/// Parts in one commit, which may have 1,024 events.
const COMMIT_PARTS_MAX: usize = 512;
/// What an event's envelope takes at most beside the items, in bytes.
const ENVELOPE_BYTES: usize = 512;

/// Why a registry was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The linter refuses it; warnings are listed too.
    #[error("the registry has {} findings", .0.len())]
    Findings(Vec<Finding>),
    /// It cannot be cut into parts.
    #[error(transparent)]
    Parts(#[from] PartsError),
    /// It was not committed. [`CommitError::Unavailable`] leaves that open.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The log cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Publishes a registry: all of it or nothing takes effect, as one version more than the last. What is in force already is
/// given back and commits nothing; a repeat of a command gets what it published the first time.
///
/// # Errors
/// [`PublishError`]. Parts staged before a failure mean nothing and are used when it is tried again.
pub async fn publish(
    ledger: &Ledger,
    context: &CommandContext,
    by: &By,
    now: Timestamp,
    content: Content,
    note: Option<String>,
) -> Result<Arc<Registry>, PublishError> {
    let digest = content.digest();
    let staging = stage(&digest, content.clone())?;
    let mut fold = RegistryFold::load(ledger, None).await?;
    let mut conflict = None;
    for _ in 0..CONFLICT_TRIES {
        if let Some(current) = fold.current().filter(|_| fold.digest() == Some(digest.as_str())) {
            return Ok(Arc::clone(current));
        }
        let version = RegistryVersion(fold.current().map_or(0, |current| current.version().0) + 1);
        let registry = build(version, content.clone()).await?;
        let last = stage_all_but_last(ledger, context, now, &fold, &staging).await?;
        fold.read_on(ledger, None).await?;
        fold = fold.settled().await?;
        let overtaken = fold.current().is_some_and(|current| current.version() >= version);
        if overtaken {
            continue;
        }
        let parts = u32::try_from(staging.len()).map_err(|_many| PartsError::TooMany)?;
        let digest = digest.clone();
        let published = RegistryPublished { by: by.clone(), version, digest, parts, note: note.clone() };
        let events = last.into_iter().map(Event::from).chain([published.into()]).collect();
        let expected = Expected::Exactly(Version(fold.version()));
        let append = Append { stream: stream(), expected, events };
        match ledger.commit(context, now, vec![append]).await {
            Ok(committed) if committed.repeated => return first_success(&committed.commit, content).await,
            Ok(_) => return Ok(Arc::new(registry)),
            Err(error @ CommitError::Conflict { .. }) => conflict = Some(error),
            Err(error) => return Err(error.into()),
        }
        fold.read_on(ledger, None).await?;
        fold = fold.settled().await?;
    }
    Err(conflict.unwrap_or(CommitError::Busy).into())
}

async fn build(version: RegistryVersion, content: Content) -> Result<Registry, PublishError> {
    let built = tokio::task::spawn_blocking(move || Registry::build(version, content)).await;
    built.map_err(|error| LedgerError::Storage(error.to_string()))?.map_err(PublishError::Findings)
}

/// What the command published when it happened; the same request has the same content.
async fn first_success(commit: &Commit, content: Content) -> Result<Arc<Registry>, PublishError> {
    let published = commit.entries.iter().find_map(|entry| match &entry.recorded.event {
        Event::District(case::event::District::RegistryPublished(published)) => Some(published),
        Event::District(_)
        | Event::Intake(_)
        | Event::Dispatch(_)
        | Event::Whistle(_)
        | Event::Clock(_)
        | Event::Closure(_) => None,
    });
    match published.filter(|published| published.digest == content.digest()) {
        Some(published) => Ok(Arc::new(build(published.version, content).await?)),
        None => Err(CommitError::CommandIdReused.into()),
    }
}

fn stage(digest: &str, content: Content) -> Result<Vec<RegistryPartStaged>, PublishError> {
    let parts = content.into_parts(PART_BYTES_MAX)?;
    let of = u32::try_from(parts.len()).map_err(|_many| PartsError::TooMany)?;
    let stage = |(part, index): (registry::Part, u32)| {
        let items = serde_json::from_str(&part.json).map_err(PartsError::Unreadable)?;
        Ok(RegistryPartStaged { digest: digest.to_owned(), index, of, section: part.name, items })
    };
    parts.into_iter().zip(0..of).map(stage).collect()
}

/// Stages what is missing, except for the last commit's worth, which is given back.
async fn stage_all_but_last(
    ledger: &Ledger,
    context: &CommandContext,
    now: Timestamp,
    fold: &RegistryFold,
    staging: &[RegistryPartStaged],
) -> Result<Vec<RegistryPartStaged>, PublishError> {
    let missing = staging.iter().filter(|part| !fold.has_staged(&part.digest, part.index));
    let mut chunks = chunks(missing.cloned());
    let last = chunks.pop().unwrap_or_default();
    for chunk in chunks {
        let command_id = staging_id(context, fold.version(), &chunk);
        let context = CommandContext { command_id, ..context.clone() };
        let events = chunk.into_iter().map(Event::from).collect();
        let append = Append { stream: stream(), expected: Expected::Any, events };
        ledger.commit(&context, now, vec![append]).await?;
    }
    Ok(last)
}

/// Follows from what is staged and from how far the stream was when it was found missing. Another try that finds it missing
/// again, because a publication used it up meanwhile, must not pass for a repeat that has nothing to stage.
fn staging_id(context: &CommandContext, version: u64, chunk: &[RegistryPartStaged]) -> uuid::Uuid {
    let digest = chunk.first().map_or("", |part| part.digest.as_str());
    let indexes: Vec<u8> = chunk.iter().flat_map(|part| part.index.to_be_bytes()).collect();
    let parts = [context.command_id.as_bytes(), digest.as_bytes(), &version.to_be_bytes(), &indexes];
    derived_uuid("registry-staging", &parts)
}

fn chunks(parts: impl Iterator<Item = RegistryPartStaged>) -> Vec<Vec<RegistryPartStaged>> {
    let mut chunks = Vec::new();
    let mut open = Vec::new();
    let mut bytes = 0;
    for part in parts {
        let size = part.items.to_string().len() + ENVELOPE_BYTES;
        if !open.is_empty() && (bytes + size > COMMIT_BYTES_MAX || open.len() == COMMIT_PARTS_MAX) {
            chunks.push(std::mem::take(&mut open));
            bytes = 0;
        }
        bytes += size;
        open.push(part);
    }
    chunks.push(open);
    chunks
}
