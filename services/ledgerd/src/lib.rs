//! The ledger role: the one process that has the log and the vault's rows open, and serves both over NATS.
//!
//! Belongs here: putting the two together, so that what comes with a commit is durable before it. Does not belong: the log
//! (`event-store`), how it is served and followed (`ledger`), what the rows are (`vault`). No key: this process can open no
//! sealed text.

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use ledger::{Host, HostError, Kept, Ledger, Rider, RiderFault, Riders, Times};
use service_kit::clock::Clock;
use service_kit::shutdown::Shutdown;
use vault::RiderRefused;

/// Why the role does not serve, or not any longer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log cannot be served, or the vault's rows beside it.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Keeps the rows that come with a commit.
struct VaultRows(vault::Host);

impl Riders for VaultRows {
    fn keep<'a>(&'a self, riders: Vec<&'a Rider>) -> Kept<'a> {
        Box::pin(async move {
            let riders: Vec<&[u8]> = riders.into_iter().map(|rider| rider.0.as_slice()).collect();
            let kept = self.0.ensure_riders(&riders).await;
            kept.into_iter().map(|kept| kept.map_err(fault)).collect()
        })
    }
}

fn fault(refused: RiderRefused) -> RiderFault {
    match refused {
        RiderRefused::Exists | RiderRefused::Destroyed => RiderFault::Refused,
        RiderRefused::Malformed => {
            tracing::warn!("rows that came with a commit do not decode");
            RiderFault::Refused
        }
        RiderRefused::Failed(error) => {
            tracing::error!(%error, "rows that came with a commit were not kept");
            RiderFault::Failed
        }
    }
}

/// The role, before and while it serves. Copies are cheap.
#[derive(Debug, Clone)]
pub struct Role {
    ledger: String,
    host: Host,
    vault: vault::Host,
}

impl Role {
    /// Puts the log and the rows together. `ahead_max` is by how much another machine's clock may be ahead of this one's.
    ///
    /// # Errors
    /// [`Error`] when the log is not open in this process.
    pub fn new(
        ledger: &Ledger,
        vault: vault::Host,
        clock: &Clock,
        ahead_max: Duration,
    ) -> Result<Self, Error> {
        let clock = clock.clone();
        let times = Times::new(move || clock.now(), ahead_max);
        let host = Host::new(ledger, Arc::new(VaultRows(vault.clone())), times)?;
        Ok(Self { ledger: ledger.id().to_owned(), host, vault })
    }

    /// Serves the ledger and the vault's rows until the shutdown begins. Waits for NATS as long as it takes.
    ///
    /// # Errors
    /// [`Error`]; then the role must end.
    pub async fn serve(&self, bus: &Bus, shutdown: &Shutdown) -> Result<(), Error> {
        let rows = self.vault.endpoints(&self.ledger).map_err(|error| HostError::Bus(error.to_string()))?;
        Ok(self.host.serve(bus, rows, shutdown.token()).await?)
    }

    /// Whether requests are taken: NATS was reached, and nobody else serves this ledger.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.host.is_served()
    }
}
