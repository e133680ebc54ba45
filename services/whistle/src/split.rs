//! One role a process, over NATS: what `serve ROLE` runs.

mod log;
mod six;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Endpoint, Service, Serving, Subject};
use bytes::Bytes;
use desk::Desk;
use ledger::{Ledger, LedgerError};
use registry::ids::JurisdictionId;
use service_kit::clock::Clock;
use service_kit::ops::{Ask, Check, Ready};
use service_kit::principals::Principals;
use service_kit::server::{self, Offer};
use service_kit::shutdown::{Drained, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::service::RoutesBuilder;
use vault::Vault;

pub(crate) use self::log::{Log, Options as LogOptions};
pub(crate) use self::six::Six;
use crate::all::{Directory, Lock, Settings, StartError, joined, watch_registry};
use crate::roles::{Place, Role};

/// Between two tries of something that needs the ledger role.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// What must be chosen to start a deciding role.
#[derive(Debug)]
pub(crate) struct Options {
    /// Which one.
    pub role: Role,
    /// Where its projections are.
    pub data: PathBuf,
    /// Whose ledger it works on.
    pub jurisdiction: JurisdictionId,
    /// The key of the vault; none for a role that opens and seals nothing.
    pub vault_key: Option<PathBuf>,
    /// Where photos are; copies of one role on one machine share it. None means in the data directory.
    pub evidence: Option<PathBuf>,
    /// What time it is.
    pub clock: Clock,
    /// Who may call.
    pub principals: Principals,
    /// Settings.
    pub settings: Settings,
}

/// A deciding role, running.
pub(crate) struct Alone {
    /// Which one.
    pub role: Role,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it works with.
    pub desk: Desk,
    /// Whether it is ready.
    pub checks: Vec<Check>,
    shutdown: Shutdown,
    server: JoinHandle<Result<(), server::Error>>,
    grace: Duration,
    serving: Serving,
    bus: Bus,
    _lock: Lock,
}

impl Alone {
    /// Connects, waits for the ledger role as long as it takes, and serves on the listener until the shutdown begins.
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
        let name = format!("whistle-{}", options.role.name());
        let bus = Bus::connect(&options.settings.bus, &name).await?;
        let desk = open(&options, &bus, shutdown).await?;
        let mut routes = RoutesBuilder::default();
        let place = Place {
            dir: directory.projection(options.role.name()),
            evidence: options.evidence.clone().unwrap_or_else(|| directory.evidence()),
            lag_events_max: options.settings.ops.follower_lag_max_events,
        };
        let mut checks = Box::pin(options.role.start(&desk, &place, &mut routes, shutdown)).await?;
        checks.push(("ledger", followed(desk.ledger.clone())));
        let serving = register(&bus, &desk, options.role).await?;
        let Settings { server, shutdown: ending, .. } = options.settings;
        let (stop, names) = (shutdown.clone(), options.role.services());
        let serve = async move {
            let offer = Offer { routes: routes.routes(), names, descriptor: wire::DESCRIPTOR };
            server::serve(listener, offer, &server, &ending, &stop).await
        };
        let server = shutdown.spawn("server", serve);
        let (shutdown, grace) = (shutdown.clone(), ending.grace());
        let role = options.role;
        Ok(Self { role, address, desk, checks, shutdown, server, grace, serving, bus, _lock: lock })
    }

    /// Begins the shutdown, lets everybody end, and leaves NATS last.
    pub(crate) async fn stop(self) -> Drained {
        drop(self.serving);
        let drained = self.shutdown.drain(self.grace).await;
        joined(self.server).await;
        self.desk.ledger.close().await;
        self.bus.close().await;
        drained
    }
}

async fn open(options: &Options, bus: &Bus, shutdown: &Shutdown) -> Result<Desk, StartError> {
    let deadline = options.settings.bus.request_timeout();
    let cases = ledger::Options::DEFAULT;
    let ledger = Ledger::remote(bus, &options.jurisdiction, deadline, cases).await?;
    let vault = open_vault(options, bus).await?;
    let registry = loop {
        match watch_registry(&ledger, shutdown).await {
            Err(LedgerError::Away) => tokio::time::sleep(TRY_AGAIN).await,
            done => break done?,
        }
    };
    let (clock, principals) = (options.clock.clone(), options.principals.clone());
    Ok(Desk { ledger, vault, registry, clock, principals })
}

async fn open_vault(options: &Options, bus: &Bus) -> Result<Vault, StartError> {
    let Some(key_file) = &options.vault_key else {
        return match options.role {
            Role::Escalation => Ok(Vault::none()),
            Role::Intake | Role::Routing | Role::Closure | Role::Board => Err(StartError::Role(format!(
                "{} seals or opens texts: give --vault-key",
                options.role.name()
            ))),
        };
    };
    let deadline = options.settings.bus.request_timeout();
    loop {
        let clock = options.clock.clone();
        let now = Arc::new(move || clock.now());
        match Vault::remote(bus, options.jurisdiction.as_str(), key_file, deadline, now).await {
            Err(vault::Error::Away) => tokio::time::sleep(TRY_AGAIN).await,
            done => return Ok(done?),
        }
    }
}

/// Shows the role among the services of NATS. Its one endpoint tells how it stands, from whichever copy answers.
async fn register(bus: &Bus, desk: &Desk, role: Role) -> Result<Serving, StartError> {
    let subject = Subject::new(["whistle", desk.ledger.id(), role.name(), "status"]);
    let subject = subject.map_err(|error| StartError::Role(error.to_string()))?;
    let ledger = desk.ledger.clone();
    let status = move |_asked| {
        let (position, trouble) = (ledger.head().position.get(), ledger.trouble());
        let told = serde_json::json!({ "role": role.name(), "position": position, "trouble": trouble });
        async move { Ok(Bytes::from(told.to_string())) }
    };
    let service = Service {
        name: format!("whistle-{}", role.name()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: format!("the {} role of {}", role.name(), desk.ledger.id()),
        endpoints: vec![Endpoint::new("status", subject, 1, status)],
    };
    bus.serve(service).await.map_err(|error| StartError::Role(error.to_string()))
}

/// Ready while the ledger is heard of, and is the one it was.
fn followed(ledger: Ledger) -> Ask {
    Box::new(move || ledger.trouble().map_or(Ready::Yes, Ready::No))
}
