use case::refusal::Violation;
use ledger::registry_stream::{self, PublishError};
use ledger::{CommandContext, CommitError, ExecuteError};
use registry::ids::Role;
use registry::{Content, Finding, Severity};
use tonic::{Request, Status};
use wire::pb::whistle::registry::v1 as pb;
use wire::{Failure, Request as _, canonical, parse_command_id};

use super::{CONTENT_BYTES_MAX, RegistryApi, finding};

/// Longest note, in characters.
const NOTE_CHARS_MAX: usize = 1_000;

impl RegistryApi {
    pub(super) async fn publish(
        &self,
        request: Request<pb::PublishRegistryRequest>,
    ) -> Result<pb::PublishRegistryResponse, Status> {
        let caller = self.desk.caller(request.metadata())?;
        let by = caller.actor.sign(&[Role::Registrar]).map_err(Failure::Refused)?;
        let request = request.into_inner();
        let (command_id, content) = read(&request)?;
        let mac = self.desk.secrets()?.request_mac(&canonical(pb::PublishRegistryRequest::RPC, &request));
        let context = CommandContext::new(caller.principal.id.clone(), command_id, mac);
        let note = (!request.note.is_empty()).then_some(request.note);
        let (ledger, now) = (&self.desk.ledger, self.desk.clock.now());
        let published = registry_stream::publish(ledger, &context, &by, now, content, note).await;
        let registry = published.map_err(failure)?;
        // Whoever asks this process next is answered by it.
        let followed = self.desk.registry.wait(registry.version()).await;
        followed.map_err(|_gone| Failure::Unavailable)?;
        Ok(pb::PublishRegistryResponse {
            version: registry.version().0,
            warnings: registry.warnings().iter().map(finding).collect(),
            position_token: desk::token::encode(ledger, ledger.head().position),
        })
    }
}

fn read(request: &pb::PublishRegistryRequest) -> Result<(uuid::Uuid, Content), Status> {
    if request.content_json.len() > CONTENT_BYTES_MAX {
        let (limit, actual) = (CONTENT_BYTES_MAX as u64, request.content_json.len() as u64);
        return Err(Failure::TooLarge { what: "content_json", limit, actual }.into());
    }
    let command_id = parse_command_id(&request.command_id);
    let content: Result<Content, _> = serde_json::from_slice(&request.content_json);
    let mut violations = Vec::new();
    if let Err(error) = &content {
        violations.push(Violation::new("content_json", "MALFORMED", error.to_string()));
    }
    if request.note.chars().count() > NOTE_CHARS_MAX {
        violations.push(Violation::new("note", "TOO_LONG", format!("at most {NOTE_CHARS_MAX} characters")));
    }
    match (command_id, content) {
        (Ok(command_id), Ok(content)) if violations.is_empty() => Ok((command_id, content)),
        (command_id, _) => {
            violations.extend(command_id.err().into_iter().flatten());
            Err(Failure::Invalid(violations).into())
        }
    }
}

fn failure(error: PublishError) -> Status {
    match error {
        PublishError::Findings(findings) => Failure::Invalid(findings.iter().map(violation).collect()).into(),
        PublishError::Parts(error) => {
            Failure::Invalid(vec![Violation::new("content_json", "OUT_OF_RANGE", error.to_string())]).into()
        }
        PublishError::Commit(error) => commit(error),
        PublishError::Ledger(error) => desk::of_ledger(&error).into(),
    }
}

fn commit(error: CommitError) -> Status {
    desk::of_execute(ExecuteError::from(error)).into()
}

fn violation(finding: &Finding) -> Violation {
    let code = match finding.severity {
        Severity::Error => "REGISTRY_ERROR",
        Severity::Warning => "REGISTRY_WARNING",
    };
    let path = format!("content_json.{}", finding.path);
    Violation::new(path, code, format!("{}; {}", finding.problem, finding.advice))
}
