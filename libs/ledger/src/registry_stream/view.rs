use std::sync::Arc;

use registry::ids::{AreaCode, RegistryVersion};
use registry::{Mode, Registry};
use tokio::sync::watch;

use crate::errors::LedgerError;
use crate::follow::Follow;
use crate::handle::Ledger;
use crate::registry_stream::fold::{Modes, RegistryFold};
use crate::registry_stream::stream;

/// The registry in force and the modes, for whoever decides. Clones are cheap and see the same.
#[derive(Debug, Clone)]
pub struct RegistryView {
    state: watch::Receiver<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    registry: Option<Arc<Registry>>,
    modes: Modes,
}

/// The future that keeps the view current has ended, so the version will not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the registry is not followed any more")]
pub struct RegistryGone;

impl RegistryView {
    /// Reads the registry as it is now, and gives the future that keeps the view current. It ends with an error only: when
    /// the ledger stops, or has what this program cannot use. The caller spawns it, and drops it to end it.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub async fn start(
        ledger: &Ledger,
    ) -> Result<(Self, impl Future<Output = Result<(), LedgerError>> + Send + use<>), LedgerError> {
        // The position first: what comes between is folded once and passed over the second time.
        let follow = ledger.follow(ledger.head().position)?;
        let fold = RegistryFold::load(ledger, None).await?;
        let (sender, state) = watch::channel(State::of(&fold));
        Ok((Self { state }, run(fold, follow, sender)))
    }

    /// The registry in force; none before the first was published.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Registry>> {
        self.state.borrow().registry.clone()
    }

    /// The mode an area is in; ordinary before it was ever switched.
    #[must_use]
    pub fn mode_of(&self, area: &AreaCode) -> Mode {
        self.state.borrow().modes.of(area)
    }

    /// All modes, for a decision that asks more than once.
    #[must_use]
    pub fn modes(&self) -> Modes {
        self.state.borrow().modes.clone()
    }

    /// Waits until this version, or a later one, is in force here.
    ///
    /// # Errors
    /// [`RegistryGone`]
    pub async fn wait(&self, version: RegistryVersion) -> Result<Arc<Registry>, RegistryGone> {
        let mut state = self.state.clone();
        let there =
            |state: &State| state.registry.as_ref().is_some_and(|registry| registry.version() >= version);
        let state = state.wait_for(there).await.map_err(|_gone| RegistryGone)?;
        state.registry.clone().ok_or(RegistryGone)
    }

    /// Waits until another version than this one is in force here, or areas are in other modes than these.
    ///
    /// # Errors
    /// [`RegistryGone`]
    pub async fn changed_from(
        &self,
        version: Option<RegistryVersion>,
        modes: &Modes,
    ) -> Result<(), RegistryGone> {
        let mut state = self.state.clone();
        let other = |state: &State| {
            state.registry.as_ref().map(|registry| registry.version()) != version || state.modes != *modes
        };
        state.wait_for(other).await.map(|_state| ()).map_err(|_gone| RegistryGone)
    }
}

impl State {
    fn of(fold: &RegistryFold) -> Self {
        Self { registry: fold.current().map(Arc::clone), modes: fold.modes().clone() }
    }
}

async fn run(
    mut fold: RegistryFold,
    mut follow: Follow,
    sender: watch::Sender<State>,
) -> Result<(), LedgerError> {
    let stream = stream();
    loop {
        let commit = follow.next_on(&stream).await?;
        for entry in commit.entries.iter().filter(|entry| entry.stream == stream) {
            fold.apply(&entry.recorded);
        }
        fold = fold.settled().await?;
        sender.send_replace(State::of(&fold));
        if let Some(registry) = fold.current() {
            tracing::debug!(version = registry.version().0, "registry stream folded");
        }
    }
}
