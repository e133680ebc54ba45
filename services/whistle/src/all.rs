//! All roles in one process, as a library call: what `serve`, `demo` and `rebuild` run.

mod directory;
pub(crate) mod sweep;
mod tick;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use case::event::parts::By;
use case::ids::derived_uuid;
use desk::Desk;
use ledger::registry_stream::{RegistryView, publish};
use ledger::{CommandContext, Ledger, LedgerInfo};
use registry::Content;
use serde::Deserialize;
use service_kit::clock::Clock;
use service_kit::ops::{self, Check};
use service_kit::principals::Principals;
use service_kit::server::{self, Offer};
use service_kit::shutdown::{self, Drained, Shutdown};
use service_kit::{clock, telemetry};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::service::RoutesBuilder;
use vault::Vault;

pub(crate) use self::directory::{Directory, Lock};
pub(crate) use self::sweep::{Rows, keep_swept};
pub(crate) use self::tick::{keep_tick, last_tick};
use crate::roles::{Place, Role};

/// Settings of the process; the units and bounds are in the defaults of `service-kit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Of the clock.
    pub clock: clock::Settings,
    /// Of what operators see.
    pub ops: ops::Settings,
    /// Of the server.
    pub server: server::Settings,
    /// Of the end.
    pub shutdown: shutdown::Settings,
    /// Of the log lines.
    pub telemetry: telemetry::Settings,
    /// Of NATS; not used by all roles in one process.
    pub bus: bus::Settings,
}

/// What must be chosen to start.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where everything is kept.
    pub data: PathBuf,
    /// What time it is.
    pub clock: Clock,
    /// Who may call.
    pub principals: Principals,
    /// Published when nothing is published yet.
    pub first: Option<Content>,
    /// Settings.
    pub settings: Settings,
}

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// Nothing says whose ledger it is.
    #[error("{0} holds no ledger yet and no registry was given")]
    NoRegistry(PathBuf),
    /// The directory cannot be used.
    #[error("{0}: {1}")]
    Directory(PathBuf, std::io::Error),
    /// The registry given is another district's.
    #[error("the directory is of {found}, the registry given of {given}")]
    OtherDistrict {
        /// Whose directory it is.
        found: String,
        /// Whose registry was given.
        given: String,
    },
    /// The log does not open.
    #[error(transparent)]
    Log(#[from] event_store::OpenError),
    /// The vault does not open.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The log cannot be read.
    #[error(transparent)]
    Ledger(#[from] ledger::LedgerError),
    /// The registry was not published.
    #[error(transparent)]
    Publish(#[from] ledger::registry_stream::PublishError),
    /// The registry published was not seen.
    #[error(transparent)]
    Gone(#[from] ledger::registry_stream::RegistryGone),
    /// NATS cannot be used as it is set.
    #[error(transparent)]
    Bus(#[from] bus::ConnectError),
    /// The log cannot be served over NATS.
    #[error(transparent)]
    Served(#[from] ledgerd::Error),
    /// What is wrong with how a role over NATS is set.
    #[error("{0}")]
    Role(String),
    /// A service did not start.
    #[error("{0} did not start: {1}")]
    Service(&'static str, String),
}

/// All roles, running.
pub(crate) struct AllInOne {
    /// Where it listens.
    pub address: SocketAddr,
    /// What the services work with.
    pub desk: Desk,
    /// Whether they are ready.
    pub checks: Vec<Check>,
    shutdown: Shutdown,
    server: JoinHandle<Result<(), server::Error>>,
    grace: Duration,
    _lock: Lock,
}

impl AllInOne {
    /// Opens everything in the data directory and serves it on the listener, until the shutdown begins.
    ///
    /// # Errors
    /// [`StartError`]
    pub(crate) async fn start(
        options: Options,
        listener: TcpListener,
        shutdown: &Shutdown,
    ) -> Result<Self, StartError> {
        let io = |error| StartError::Directory(options.data.clone(), error);
        let directory = Directory::new(&options.data);
        let lock = directory.lock().map_err(io)?;
        let address = listener.local_addr().map_err(io)?;
        let info = whose(&directory, options.first.as_ref())?;
        let desk = open(&directory, &info, &options, shutdown).await?;
        publish_first(&desk.ledger, &desk.registry, &desk.clock, options.first.as_ref()).await?;
        let Settings { server, shutdown: ending, ops, .. } = options.settings;
        let (routes, checks) = services(&desk, &directory, ops.follower_lag_max_events, shutdown).await?;
        let stop = shutdown.clone();
        let serving = async move {
            let names: Vec<_> = Role::ALL.iter().flat_map(|role| role.services()).copied().collect();
            let offer = Offer { routes: routes.routes(), names: &names, descriptor: wire::DESCRIPTOR };
            server::serve(listener, offer, &server, &ending, &stop).await
        };
        let server = shutdown.spawn("server", serving);
        keep_swept(Rows::Vault(desk.vault.clone()), &desk.ledger, &desk.clock, shutdown);
        let (shutdown, grace) = (shutdown.clone(), ending.grace());
        Ok(Self { address, desk, checks, shutdown, server, grace, _lock: lock })
    }

    /// Begins the shutdown, lets everybody end, and closes the log last.
    pub(crate) async fn stop(self) -> Drained {
        let drained = self.shutdown.drain(self.grace).await;
        joined(self.server).await;
        self.desk.ledger.close().await;
        drained
    }
}

/// Waits for a server that was told to end.
pub(crate) async fn joined(server: JoinHandle<Result<(), server::Error>>) {
    match server.await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
        Err(error) => tracing::error!(%error, "the server was not to be joined"),
    }
}

/// Whose ledger the directory holds; written down the first time.
///
/// # Errors
/// [`StartError::OtherDistrict`], [`StartError::NoRegistry`], [`StartError::Directory`].
pub(crate) fn whose(directory: &Directory, first: Option<&Content>) -> Result<LedgerInfo, StartError> {
    let io = |error| StartError::Directory(directory.path().to_owned(), error);
    let given = first.map(|content| LedgerInfo {
        jurisdiction: content.jurisdiction.id.clone(),
        code: content.jurisdiction.code.clone(),
    });
    match (directory.info().map_err(io)?, given) {
        (Some(found), Some(given)) if found != given => Err(StartError::OtherDistrict {
            found: found.jurisdiction.to_string(),
            given: given.jurisdiction.to_string(),
        }),
        (Some(found), _) => Ok(found),
        (None, Some(given)) => {
            directory.write_info(&given).map_err(io)?;
            Ok(given)
        }
        (None, None) => Err(StartError::NoRegistry(directory.path().to_owned())),
    }
}

async fn open(
    directory: &Directory,
    info: &LedgerInfo,
    options: &Options,
    shutdown: &Shutdown,
) -> Result<Desk, StartError> {
    for dir in [directory.ledger(), directory.vault(), directory.projections(), directory.evidence()] {
        std::fs::create_dir_all(&dir).map_err(|error| StartError::Directory(dir, error))?;
    }
    let (ledger_dir, vault_dir) = (directory.ledger(), directory.vault());
    let (clock, district, info) = (options.clock.clone(), info.jurisdiction.to_string(), info.clone());
    // Both recover from disk, which takes as long as there is to recover.
    let opened = tokio::task::spawn_blocking(move || -> Result<(Ledger, Vault), StartError> {
        let now = Arc::new(move || clock.now());
        let ledger = Ledger::open(&ledger_dir, info, ledger::Options::DEFAULT)?;
        Ok((ledger, Vault::open(&vault_dir, &district, now)?))
    });
    let (ledger, vault) =
        opened.await.map_err(|error| StartError::Service("ledger", error.to_string()))??;
    let registry = watch_registry(&ledger, shutdown).await?;
    let (clock, principals) = (options.clock.clone(), options.principals.clone());
    Ok(Desk { ledger, vault, registry, clock, principals })
}

/// The registry in force, kept current until the shutdown.
///
/// # Errors
/// [`ledger::LedgerError`]
pub(crate) async fn watch_registry(
    ledger: &Ledger,
    shutdown: &Shutdown,
) -> Result<RegistryView, ledger::LedgerError> {
    let (registry, follow) = RegistryView::start(ledger).await?;
    let ending = shutdown.clone();
    shutdown.spawn("registry-view", async move {
        tokio::select! {
            () = ending.started() => {}
            ended = follow => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the registry can no longer be followed");
                    ending.fail("registry");
                }
            }
        }
    });
    Ok(registry)
}

/// Publishes the registry given when none is in force; what is in force already is changed by `registry publish` alone.
///
/// # Errors
/// [`StartError::Publish`] and [`StartError::Gone`].
pub(crate) async fn publish_first(
    ledger: &Ledger,
    registry: &RegistryView,
    clock: &Clock,
    first: Option<&Content>,
) -> Result<(), StartError> {
    let Some(content) = first.filter(|_| registry.current().is_none()) else { return Ok(()) };
    let digest = content.digest();
    let command = derived_uuid("first-registry", &[digest.as_bytes()]);
    let context = CommandContext::new("whistle-start", command, [0; 32]);
    let by = By::Automatic { rule: None };
    let note = Some("first publication".to_owned());
    let published = publish(ledger, &context, &by, clock.now(), content.clone(), note).await?;
    registry.wait(published.version()).await?;
    tracing::info!(version = published.version().0, "registry published");
    Ok(())
}

async fn services(
    desk: &Desk,
    directory: &Directory,
    lag_events_max: u64,
    shutdown: &Shutdown,
) -> Result<(RoutesBuilder, Vec<Check>), StartError> {
    let (mut routes, mut checks) = (RoutesBuilder::default(), Vec::new());
    for role in Role::ALL {
        let place =
            Place { dir: directory.projection(role.name()), evidence: directory.evidence(), lag_events_max };
        checks.extend(Box::pin(role.start(desk, &place, &mut routes, shutdown)).await?);
    }
    Ok((routes, checks))
}

/// An error with everything that led to it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The settings in force: the embedded defaults, a file, the environment.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn settings(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Settings, service_kit::config::Faults> {
    let settings: Settings = service_kit::config::load(service_kit::DEFAULTS, file, environment, &[])?;
    let mut faults = settings.clock.faults();
    faults.extend(settings.ops.faults());
    faults.extend(settings.server.faults());
    faults.extend(settings.shutdown.faults());
    let of_bus = settings.bus.faults().into_iter();
    faults.extend(of_bus.map(|(key, what)| service_kit::config::Fault::new(format!("bus.{key}"), what)));
    service_kit::config::Faults::check(faults)?;
    Ok(settings)
}
