//! A district running in this process: all roles in one, or six of them over NATS.

use desk::Desk;
use service_kit::shutdown::Drained;

use crate::all::AllInOne;
use crate::client::Wire;
use crate::exit::Failure;
use crate::serve::not_started;
use crate::split::Six;

/// The two topologies.
pub(crate) enum Running {
    /// All roles share a ledger, a vault and a port.
    AllInOne(Box<AllInOne>),
    /// Every role has connections of its own to NATS.
    Six(Six),
}

impl Running {
    /// What whoever sees everything works with.
    pub(crate) fn desk(&self) -> &Desk {
        match self {
            Self::AllInOne(all) => &all.desk,
            Self::Six(six) => &six.desk,
        }
    }

    /// Where it is, as `--server` takes it.
    pub(crate) fn server(&self) -> String {
        match self {
            Self::AllInOne(all) => format!("http://{}", all.address),
            Self::Six(six) => six.server(),
        }
    }

    /// A connection to it.
    ///
    /// # Errors
    /// When nobody answers there.
    pub(crate) async fn wire(&self) -> Result<Wire, Failure> {
        Wire::connect(&self.server()).await
    }

    /// Lets everybody end.
    ///
    /// # Errors
    /// When a role ended by itself, or did not end.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        let drained: Drained = match self {
            Self::AllInOne(all) => all.stop().await,
            Self::Six(six) => six.stop().await.map_err(not_started)?,
        };
        Failure::unless_clean(&drained)
    }
}
