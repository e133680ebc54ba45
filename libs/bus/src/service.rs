//! Serving: a NATS micro service with bounded endpoints.

pub(crate) mod worker;

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use async_nats::service::{EndpointBuilder, Service as Micro, ServiceExt};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::{Bus, Subject, subject};

use worker::Worker;

/// Code of "too much waiting already, not taken", understood by [`Bus::request`]. Handlers cannot give it.
pub(crate) const BUSY: u16 = 65_001;

/// Code of "the handler panicked over it", understood by [`Bus::request`]. Handlers cannot give it.
pub(crate) const BROKE_DOWN: u16 = 65_000;

/// A request that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The bytes.
    pub payload: Bytes,
    /// The asker's trace context, unchecked but for its length and characters.
    pub trace: Option<String>,
}

/// The error answer of a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The service's own code, below 64,999, which stands for an answer that is larger than NATS takes.
    pub code: u16,
    /// Words for it, without anything personal: cut to 1 KiB, control characters removed.
    pub reason: String,
}

type Handler = Arc<dyn Fn(Asked) -> BoxFuture<'static, Result<Bytes, Refused>> + Send + Sync>;

/// One subject that a service answers on.
#[derive(Clone)]
pub struct Endpoint {
    name: String,
    subject: Subject,
    at_once: usize,
    handler: Handler,
}

impl Endpoint {
    /// An endpoint that works on up to `at_once` requests at a time (at least one) and lets some more wait.
    pub fn new<F, Answer>(name: impl Into<String>, subject: Subject, at_once: usize, handler: F) -> Endpoint
    where
        F: Fn(Asked) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<Bytes, Refused>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |asked| Box::pin(handler(asked)));
        Endpoint { name: name.into(), subject, at_once: at_once.max(1), handler }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("name", &self.name)
            .field("subject", &self.subject)
            .field("at_once", &self.at_once)
            .finish_non_exhaustive()
    }
}

/// A micro service. Copies of one name share the work: each request goes to one of them.
#[derive(Debug, Clone)]
pub struct Service {
    /// Name in `$SRV.PING` and the like, and of the queue group: letters, digits, `_` and `-`.
    pub name: String,
    /// Version in semver form.
    pub version: String,
    /// One line for people.
    pub description: String,
    /// What it answers on; names are unique.
    pub endpoints: Vec<Endpoint>,
}

/// Why a service does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ServeError {
    /// The bus is closed.
    #[error("the connection to nats is closed")]
    Closed,
    /// The connection took nothing within the request timeout, since the server reads nothing.
    #[error("the connection to nats takes nothing")]
    Stuck,
    /// The name, the version or an endpoint's name is not as it must be.
    #[error("service {0}")]
    Malformed(String),
}

/// A running service; ends when dropped.
#[derive(Debug)]
pub struct Serving {
    tasks: TaskTracker,
    stop: DropGuard,
    _bus: Bus,
}

impl Serving {
    /// Takes no more requests and waits for those under way, a few seconds at most.
    pub async fn stop(self) {
        drop(self.stop);
        self.tasks.wait().await;
    }
}

impl Bus {
    /// Serves until the result is dropped. While the server is away the service waits for it, and it survives
    /// reconnections.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve(&self, service: Service) -> Result<Serving, ServeError> {
        service.check()?;
        let inner = &self.inner;
        if inner.stop.is_cancelled() {
            return Err(ServeError::Closed);
        }
        let stop = inner.stop.child_token();
        // Whatever was set up when this fails half way ends with the guard.
        let serving =
            Serving { tasks: TaskTracker::new(), stop: stop.clone().drop_guard(), _bus: self.clone() };
        let setting_up = self.set_up(service, &serving.tasks, &stop);
        match tokio::time::timeout(inner.handover, setting_up).await {
            Ok(done) => done?,
            Err(_) => return Err(ServeError::Stuck),
        }
        serving.tasks.close();
        let tasks = serving.tasks.clone();
        inner.tasks.spawn(async move { tasks.wait().await });
        Ok(serving)
    }

    async fn set_up(
        &self,
        service: Service,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), ServeError> {
        let client = &self.inner.client;
        let builder = client.service_builder().description(&service.description).queue_group(&service.name);
        let verbs = Verbs(Some(builder.start(&service.name, &service.version).await.map_err(malformed)?));
        for endpoint in service.endpoints {
            let Some(builder) = verbs.endpoint_builder() else { break };
            let builder = builder.name(&endpoint.name);
            let requests = builder.add(endpoint.subject.as_str()).await.map_err(malformed)?;
            let worker = Worker::new(&service.name, endpoint, client.clone(), self.inner.handover);
            tasks.spawn(worker.run(requests, stop.clone()));
        }
        let stop = stop.clone();
        tasks.spawn(async move {
            stop.cancelled().await;
            drop(verbs);
        });
        Ok(())
    }
}

/// Answers `$SRV` questions until dropped; left to itself that would go on for ever.
struct Verbs(Option<Micro>);

impl Verbs {
    fn endpoint_builder(&self) -> Option<EndpointBuilder> {
        self.0.as_ref().map(Micro::endpoint_builder)
    }
}

impl Drop for Verbs {
    fn drop(&mut self) {
        if let Some(micro) = self.0.take() {
            // It has nothing to wait for.
            micro.stop().now_or_never();
        }
    }
}

fn malformed(error: async_nats::Error) -> ServeError {
    ServeError::Malformed(error.to_string())
}

impl Service {
    fn check(&self) -> Result<(), ServeError> {
        let mut names = HashSet::new();
        for name in self.endpoints.iter().map(|endpoint| &endpoint.name).chain([&self.name]) {
            subject::check_token(0, name)
                .map_err(|_| ServeError::Malformed(format!("has a faulty name: {name:?}")))?;
        }
        match self.endpoints.iter().find(|endpoint| !names.insert(&endpoint.name)) {
            Some(endpoint) => Err(ServeError::Malformed(format!("has two endpoints {}", endpoint.name))),
            None => Ok(()),
        }
    }
}
