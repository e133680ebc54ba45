use std::sync::Arc;

use case::Actor;
use service_kit::principals::Principal;
use service_kit::trace::{TRACEPARENT, TraceContext};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::Desk;

/// Somebody whose token was good.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who, as the token file says.
    pub principal: Arc<Principal>,
    /// Who, as the domain sees it.
    pub actor: Actor,
}

impl Desk {
    /// Who calls.
    ///
    /// # Errors
    /// UNAUTHENTICATED, with a reason, when the token is missing, malformed or nobody's.
    pub fn caller(&self, metadata: &MetadataMap) -> Result<Caller, Status> {
        let principal = self.principals.authenticate(metadata)?;
        let registry = self.registry.current();
        let posts = principal.person.as_ref().and_then(|person| {
            let registry = registry.as_ref()?;
            let own = |post: &&registry::Post| principal.org.as_ref().is_none_or(|org| post.org == *org);
            registry.posts_of(person).find(own).cloned()
        });
        let actor = Actor {
            person: principal.person.clone(),
            source: principal.source.clone(),
            org: principal.org.clone().or_else(|| posts.as_ref().map(|post| post.org.clone())),
            area: principal.area.clone().or_else(|| posts.as_ref().and_then(|post| post.area.clone())),
            post: posts.map(|post| post.id),
            roles: principal.roles.clone(),
        };
        Ok(Caller { principal, actor })
    }
}

/// The trace context of a call, when it carries one: behind the server's own layer always, and that is the server's span.
#[must_use]
pub fn traceparent(metadata: &MetadataMap) -> Option<String> {
    let value = metadata.get(TRACEPARENT)?.to_str().ok()?;
    TraceContext::parse(value).map(|context| context.text())
}
