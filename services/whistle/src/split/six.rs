use std::path::Path;

use desk::Desk;
use registry::Content;
use service_kit::clock::Clock;
use service_kit::principals::Principals;
use service_kit::shutdown::{Drained, Shutdown};
use tokio::net::TcpListener;

use super::{Alone, Log};
use crate::all::{Settings, StartError};
use crate::roles::Role;

/// All six roles in this process, each with a connection of its own and nothing shared but NATS and the clock: what a
/// demonstration and tests step through time.
pub(crate) struct Six {
    /// What the board works with: it sees everything.
    pub desk: Desk,
    log: Log,
    roles: Vec<Alone>,
}

impl Six {
    /// Starts the ledger in `data` and the other roles below it, at the NATS server of the settings.
    ///
    /// # Errors
    /// [`StartError`]
    pub(crate) async fn start(
        data: &Path,
        clock: &Clock,
        principals: &Principals,
        first: Content,
        settings: &Settings,
    ) -> Result<Self, StartError> {
        let io = |error| StartError::Directory(data.to_owned(), error);
        let jurisdiction = first.jurisdiction.id.clone();
        let log = super::log::Options {
            data: data.to_owned(),
            clock: clock.clone(),
            first: Some(first),
            settings: settings.clone(),
        };
        let log = Log::start(log, &Shutdown::new()).await?;
        let key = data.join("vault.key");
        if !key.exists() {
            vault::new_key_file(&key)?;
        }
        let mut roles = Vec::with_capacity(Role::ALL.len());
        for role in Role::ALL {
            let options = super::Options {
                role,
                data: data.join("roles").join(role.name()),
                jurisdiction: jurisdiction.clone(),
                vault_key: (role != Role::Escalation).then(|| key.clone()),
                evidence: None,
                clock: clock.clone(),
                principals: principals.clone(),
                settings: settings.clone(),
            };
            let listener = TcpListener::bind("127.0.0.1:0").await.map_err(io)?;
            roles.push(Box::pin(Alone::start(options, listener, &Shutdown::new())).await?);
        }
        let board = roles.iter().find(|role: &&Alone| role.role == Role::Board);
        let desk = board.map(|board| board.desk.clone());
        let desk = desk.ok_or_else(|| StartError::Role("no board was started".to_owned()))?;
        Ok(Self { desk, log, roles })
    }

    /// Where they are, as `--server` takes it.
    pub(crate) fn server(&self) -> String {
        let roles = self.roles.iter().map(|role| format!("{}={}", role.role.name(), role.address));
        roles.collect::<Vec<_>>().join(",")
    }

    /// Ends everybody, the ledger last.
    ///
    /// # Errors
    /// Why the ledger ended, when that was not by being asked.
    pub(crate) async fn stop(self) -> Result<Drained, StartError> {
        let mut drained = Drained { stuck: Vec::new(), panicked: Vec::new(), failed: Vec::new() };
        for role in self.roles {
            let one = role.stop().await;
            drained.stuck.extend(one.stuck);
            drained.panicked.extend(one.panicked);
            drained.failed.extend(one.failed);
        }
        let last = self.log.stop().await?;
        drained.stuck.extend(last.stuck);
        drained.panicked.extend(last.panicked);
        drained.failed.extend(last.failed);
        Ok(drained)
    }
}
