use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use ledger::{Ledger, LedgerInfo};
use registry::Content;
use service_kit::clock::Clock;
use service_kit::ops::{Check, Ready};
use service_kit::shutdown::{Drained, Shutdown};
use tokio::task::JoinHandle;
use vault::Host;

use crate::all::{
    Directory, Lock, Rows, Settings, StartError, chain, keep_swept, publish_first, watch_registry, whose,
};

/// What must be chosen to start the ledger role.
#[derive(Debug)]
pub(crate) struct Options {
    /// Where the log and the vault's rows are.
    pub data: PathBuf,
    /// What time it is.
    pub clock: Clock,
    /// Published when nothing is published yet.
    pub first: Option<Content>,
    /// Settings.
    pub settings: Settings,
}

/// The ledger role, running.
pub(crate) struct Log {
    /// The log, as open in this process.
    pub ledger: Ledger,
    /// Whether it is ready.
    pub checks: Vec<Check>,
    shutdown: Shutdown,
    serving: JoinHandle<Result<(), ledgerd::Error>>,
    grace: Duration,
    bus: Bus,
    _lock: Lock,
}

impl Log {
    /// Opens the log and the vault's rows and serves them over NATS until the shutdown begins.
    ///
    /// # Errors
    /// [`StartError`]
    pub(crate) async fn start(options: Options, shutdown: &Shutdown) -> Result<Self, StartError> {
        let io = |error| StartError::Directory(options.data.clone(), error);
        let directory = Directory::new(&options.data);
        let lock = directory.lock().map_err(io)?;
        let info = whose(&directory, options.first.as_ref())?;
        let bus = Bus::connect(&options.settings.bus, "whistle-ledger").await?;
        let (ledger, vault) = open(&directory, info, options.clock.clone()).await?;
        let registry = watch_registry(&ledger, shutdown).await?;
        publish_first(&ledger, &registry, &options.clock, options.first.as_ref()).await?;
        let leap_max = options.settings.clock.leap_max();
        let role = ledgerd::Role::new(&ledger, vault.clone(), &options.clock, leap_max)?;
        keep_swept(Rows::Host(vault), &ledger, &options.clock, shutdown);
        let serving = {
            let (role, bus, ending) = (role.clone(), bus.clone(), shutdown.clone());
            shutdown.spawn("ledger", async move {
                let ended = role.serve(&bus, &ending).await;
                if let Err(error) = &ended {
                    tracing::error!(error = chain(error), "the ledger is not served any more");
                    ending.fail("ledger");
                }
                ended
            })
        };
        let (shutdown, grace) = (shutdown.clone(), options.settings.shutdown.grace());
        let connected = bus.clone();
        let nats = Box::new(move || {
            if connected.is_connected() { Ready::Yes } else { Ready::No("NATS is away".to_owned()) }
        });
        let served = Box::new(move || {
            if role.is_served() { Ready::Yes } else { Ready::No("the ledger is not served yet".to_owned()) }
        });
        let checks: Vec<Check> = vec![("nats", nats), ("ledger", served)];
        Ok(Self { ledger, checks, shutdown, serving, grace, bus, _lock: lock })
    }

    /// Begins the shutdown, lets everybody end, and closes the log last.
    ///
    /// # Errors
    /// Why the role ended, when that was not by being asked.
    pub(crate) async fn stop(self) -> Result<Drained, StartError> {
        let drained = self.shutdown.drain(self.grace).await;
        let ended = self.serving.await;
        self.ledger.close().await;
        self.bus.close().await;
        match ended {
            Ok(Ok(())) => Ok(drained),
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(StartError::Role(error.to_string())),
        }
    }
}

async fn open(directory: &Directory, info: LedgerInfo, clock: Clock) -> Result<(Ledger, Host), StartError> {
    for dir in [directory.ledger(), directory.vault()] {
        std::fs::create_dir_all(&dir).map_err(|error| StartError::Directory(dir, error))?;
    }
    let (ledger_dir, vault_dir) = (directory.ledger(), directory.vault());
    // Both recover from disk, which takes as long as there is to recover.
    let opened = tokio::task::spawn_blocking(move || -> Result<(Ledger, Host), StartError> {
        let district = info.jurisdiction.to_string();
        let ledger = Ledger::open(&ledger_dir, info, ledger::Options::DEFAULT)?;
        Ok((ledger, Host::open(&vault_dir, &district, Arc::new(move || clock.now()))?))
    });
    opened.await.map_err(|error| StartError::Service("ledger", error.to_string()))?
}
