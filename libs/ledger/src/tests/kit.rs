//! The same ledger, reached in the ways there are.

use std::sync::Arc;

use bus::Bus;
use event_store::Store;
use nats_child::NatsChild;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::support::{info, store};
use crate::remote::host::MESSAGE_MIN;
use crate::{Host, Ledger, LedgerError, NoRiders, Options};

/// How long a request to a server of our own may take; a machine that stands must not fail a test.
pub(crate) const DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// How long one may take that is meant to be given up.
const QUICK: std::time::Duration = std::time::Duration::from_millis(500);

/// A log, and a way to make handles on it.
pub(crate) struct Kit {
    pub(crate) store: Store,
    way: Way,
    _dir: TempDir,
}

enum Way {
    Local,
    Nats { nats: Box<NatsChild>, _serving: DropGuard },
}

impl Kit {
    pub(crate) async fn local() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { store: store(dir.path()), way: Way::Local, _dir: dir }
    }

    /// The log is served to a nats-server, and every handle has a connection of its own.
    pub(crate) async fn nats() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let nats = NatsChild::start().unwrap();
        let stop = CancellationToken::new();
        let serving = serve(&store, &nats, &stop).await;
        Handle::current().spawn(serving);
        let serving = stop.drop_guard();
        Self { store, way: Way::Nats { nats: Box::new(nats), _serving: serving }, _dir: dir }
    }

    /// A handle that shares nothing with the others but the log.
    pub(crate) async fn ledger(&self) -> Ledger {
        self.with(Options::DEFAULT).await
    }

    pub(crate) async fn with(&self, options: Options) -> Ledger {
        match &self.way {
            Way::Local => Ledger::local_with(self.store.clone(), info(), options),
            Way::Nats { nats, .. } => over(nats, options).await.unwrap(),
        }
    }
}

impl Kit {
    /// The server it runs over; there is none for a log in this process.
    pub(crate) fn nats_child(&self) -> &NatsChild {
        match &self.way {
            Way::Nats { nats, .. } => nats,
            Way::Local => panic!("no NATS"),
        }
    }

    pub(crate) fn nats_child_mut(&mut self) -> &mut NatsChild {
        match &mut self.way {
            Way::Nats { nats, .. } => nats,
            Way::Local => panic!("no NATS"),
        }
    }

    /// A handle that does not wait long for an answer.
    pub(crate) async fn quick_ledger(&self) -> Ledger {
        let bus = connect(self.nats_child()).await;
        Ledger::remote(&bus, &info().jurisdiction, QUICK, Options::DEFAULT).await.unwrap()
    }
}

pub(crate) async fn connect(nats: &NatsChild) -> Bus {
    let bus = Bus::connect(&bus::Settings::local(nats.url()), "ledger-test").await.unwrap();
    bus.connected().await;
    bus
}

pub(crate) async fn over(nats: &NatsChild, options: Options) -> Result<Ledger, LedgerError> {
    Ledger::remote(&connect(nats).await, &info().jurisdiction, DEADLINE, options).await
}

/// Serves a log; the future ends when told to stop.
pub(crate) async fn serve(
    store: &Store,
    nats: &NatsChild,
    stop: &CancellationToken,
) -> impl Future<Output = Result<(), crate::HostError>> + Send + use<> {
    let bus = connect(nats).await;
    assert!(bus.payload_max() >= MESSAGE_MIN);
    let local = Ledger::local(store.clone(), info());
    let host = Host::new(&local, Arc::new(NoRiders), super::support::times(0)).unwrap();
    let stop = stop.clone();
    async move { host.serve(&bus, Vec::new(), &stop).await }
}

/// Runs each scenario against the log in this process and against one behind a nats-server.
macro_rules! in_every_way {
    ($($scenario:ident),+ $(,)?) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                Box::pin(super::$scenario($crate::tests::kit::Kit::local().await)).await;
            })+
        }
        mod nats {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $scenario() {
                Box::pin(super::$scenario($crate::tests::kit::Kit::nats().await)).await;
            })+
        }
    };
}
pub(crate) use in_every_way;
