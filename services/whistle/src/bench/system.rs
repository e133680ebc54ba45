//! What is measured: a server that runs already, or one of our own in either topology.

use std::sync::Arc;
use std::time::Duration;

use nats_child::{NatsChild, Options};
use registry::Content;
use service_kit::clock::Clock;
use service_kit::shutdown::Shutdown;

use super::acks::Acks;
use super::args::{Args, Topology};
use super::caller::Script;
use super::district::District;
use super::load::{self, Load, Until};
use super::own::Own;
use super::processes::Processes;
use super::{bare, folds};
use crate::client::Wire;
use crate::exit::{Exit, Failure};
use crate::lang::Text;
use crate::sandbox::Sandbox;

/// Commands of one whole case.
const WHOLE_CASE: u64 = 9;

/// A district under measurement. Whatever was started for it ends with it.
pub(super) struct System {
    address: String,
    started: Started,
    /// After the processes that use it, so that it ends last.
    nats: Option<NatsChild>,
}

/// The reference, running.
pub(super) struct Beside {
    /// Where to call.
    pub address: String,
    processes: Option<Processes>,
}

impl Beside {
    /// Ends its processes, if it has any.
    pub(super) async fn stop(self) {
        if let Some(processes) = self.processes {
            processes.stop().await;
        }
    }
}

enum Started {
    /// Somebody else did.
    Nothing,
    InProcess(Own),
    Processes(Processes),
}

impl System {
    /// Starts what the arguments ask for.
    ///
    /// # Errors
    /// When nats-server, a directory or a port is not to be had, or a role does not start.
    pub(super) async fn start(args: &Args, content: Content, sandbox: &Sandbox) -> Result<Self, Failure> {
        let nats = match args.topology {
            Topology::All => None,
            Topology::Split => Some(nats().await?),
        };
        if let Some(address) = &args.connect {
            return Ok(Self { address: address.clone(), started: Started::Nothing, nats });
        }
        let (address, started) = match &nats {
            None => {
                let own = Own::start(content, sandbox).await?;
                (load::url(own.all.address), Started::InProcess(own))
            }
            Some(nats) => {
                let processes = Processes::start(&content, sandbox, &nats.url()).await?;
                (processes.server(), Started::Processes(processes))
            }
        };
        Ok(Self { address, started, nats })
    }

    /// Where to call, as `--server` takes it.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Where the nats-server is, of one role a process.
    pub(super) fn nats(&self) -> Option<String> {
        self.nats.as_ref().map(NatsChild::url)
    }

    /// Starts the reference the way ours runs: in this process until the shutdown, or of one role a process in processes of its own.
    ///
    /// # Errors
    /// When a port is not to be had, or a process does not start.
    pub(super) async fn reference(&self, shutdown: &Shutdown) -> Result<Beside, Failure> {
        match self.nats() {
            None => {
                let address = bare::serve(shutdown, None).await.map_err(Failure::internal)?;
                Ok(Beside { address: load::url(address), processes: None })
            }
            Some(nats) => {
                let processes = Processes::reference(&nats).await?;
                let address =
                    processes.address().ok_or_else(|| Failure::internal("a server without address"))?;
                Ok(Beside { address, processes: Some(processes) })
            }
        }
    }

    /// Brings one case to its end in processes just started, so that all of them are there and follow before anything is measured.
    ///
    /// # Errors
    /// When a role refuses its part or does not come to follow.
    pub(super) async fn warm(&self, channels: &[Wire], district: &Arc<District>) -> Result<(), Failure> {
        let (Started::Processes(_), Some(channel)) = (&self.started, channels.first()) else { return Ok(()) };
        let load = Load {
            script: Script::Lifecycle,
            until: Until::Commands(WHOLE_CASE),
            district: Arc::clone(district),
            now: Clock::system(Duration::from_secs(60)).now(),
            insist: true,
        };
        let loaded = load.put(std::slice::from_ref(channel), &Arc::new(Acks::none())).await?;
        if let Some(first) = loaded.failures.into_iter().next() {
            return Err(first.into());
        }
        folds::caught_up(channel, &district.tokens.receptionist, &loaded.last, false).await.map(drop)
    }

    /// Ends what was started, in order.
    pub(super) async fn stop(self) {
        let Self { started, nats, .. } = self;
        match started {
            Started::Nothing => {}
            Started::InProcess(own) => drop(own.stop().await),
            Started::Processes(processes) => processes.stop().await,
        }
        drop(nats);
    }
}

/// A nats-server with the environment that `deploy/split` gives it, for ours and for the reference.
async fn nats() -> Result<NatsChild, Failure> {
    let options = Options { env: vec![("GOGC".to_owned(), "800".to_owned())], ..Options::default() };
    let start = || NatsChild::start_with(options);
    let started = tokio::task::spawn_blocking(start).await.map_err(Failure::internal)?;
    started.map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            "NO_NATS",
            Text::new("启动不了 nats-server", "nats-server does not start"),
            Text::new(
                "安装 nats-server(如 apt-get install nats-server),或用 WHISTLE_NATS_SERVER 指出它在哪里",
                "install nats-server (as with apt-get install nats-server), or name it with WHISTLE_NATS_SERVER",
            ),
        )
        .with([crate::all::chain(&error)])
    })
}
