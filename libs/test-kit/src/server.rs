//! gRPC servers in the test's own process, on ports that the system picks.

use std::net::SocketAddr;

use serde::Deserialize;
use service_kit::server::{Error, Offer, Settings, serve};
use service_kit::shutdown::{self, Drained, Shutdown};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Routes;
use tonic::transport::Channel;

use crate::wait::{DEADLINE, done};

/// The settings a server has unless somebody changes them.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ServerSettings {
    /// Of the server.
    pub server: Settings,
    /// Of its end.
    pub shutdown: shutdown::Settings,
}

/// The default settings of servers and their end.
///
/// # Panics
/// When the embedded defaults do not read.
#[must_use]
pub fn settings() -> ServerSettings {
    let tables: toml::Table = done("reading the defaults", service_kit::DEFAULTS.parse());
    done("reading the defaults", toml::Value::Table(tables).try_into())
}

/// A listener on a free port of the loopback address, and that address.
///
/// # Panics
/// When there is none.
pub async fn listener() -> (TcpListener, SocketAddr) {
    let listener = done("binding a port", TcpListener::bind("127.0.0.1:0").await);
    let address = done("asking for the port", listener.local_addr());
    (listener, address)
}

/// The value of `authorization` metadata for a token.
///
/// # Panics
/// When the token is not ASCII.
#[must_use]
pub fn bearer(token: &str) -> MetadataValue<Ascii> {
    done("writing a token", format!("Bearer {token}").parse())
}

/// A server that runs until [`TestServer::stop`], or until the test's runtime ends.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), Error>>,
}

impl TestServer {
    /// Serves the routes, with default settings and without descriptors. Tasks of the services run on the same `shutdown`.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start(routes: Routes, shutdown: &Shutdown) -> Self {
        let (listener, address) = listener().await;
        let (kit, stop) = (settings(), shutdown.clone());
        let task = shutdown.spawn("test server", async move {
            let offer = Offer { routes, names: &[], descriptor: &[] };
            serve(listener, offer, &kit.server, &kit.shutdown, &stop).await
        });
        Self { address, shutdown: shutdown.clone(), task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection to it.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub async fn channel(&self) -> Channel {
        let endpoint = done("reading an address", Channel::from_shared(format!("http://{}", self.address)));
        done("connecting", endpoint.connect().await)
    }

    /// Begins the shutdown and waits for everything on it.
    ///
    /// # Panics
    /// When the server ended with an error, or a task panicked or did not end.
    pub async fn stop(self) {
        let drained: Drained = self.shutdown.drain(DEADLINE).await;
        assert!(drained.is_clean(), "{drained:?}");
        done("serving", done("joining the server", self.task.await));
    }
}
