//! The gRPC server on a listener that somebody else bound: limits, health, reflection, an orderly end.

mod admission;
mod calls;
mod limits;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tonic_reflection::server::Builder as Reflection;

use crate::config::{Fault, outside};
use crate::shutdown::{self, Shutdown};
use admission::Admission;
use calls::CallsLayer;
use limits::LimitsLayer;

/// Settings; the units and bounds are in `config.default.toml`. How large a message may be is set per service, where its
/// messages are known.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Silence after which a peer is asked whether it is there.
    pub keepalive_interval_ms: u32,
    /// How long its answer may take.
    pub keepalive_timeout_ms: u32,
    /// How long a new connection may stay silent.
    pub first_byte_timeout_ms: u32,
    /// Connections at one time.
    pub connections_max: u32,
    /// Connections at one time from one address.
    pub connections_per_address_max: u32,
    /// Calls open at one time on one connection.
    pub streams_per_connection_max: u32,
    /// Calls worked on at one time for one connection.
    pub requests_per_connection_max: u32,
    /// Header bytes of one call.
    pub header_bytes_max: u32,
    /// How long a call may take until its answer begins.
    pub request_timeout_ms: u32,
    /// The same for a call that uploads a stream and is answered after its end.
    pub upload_timeout_ms: u32,
    /// How long such a call may send nothing while more of it is waited for.
    pub upload_idle_timeout_ms: u32,
    /// Age at which a connection is asked to come again; calls under way on it go on.
    pub connection_age_max_seconds: u32,
    /// How long such a connection may take to end; then it is cut.
    pub connection_age_grace_seconds: u32,
}

impl Settings {
    /// What is outside its bounds.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        outside(&[
            ("server.keepalive_interval_ms", self.keepalive_interval_ms.into(), 1000..=600_000),
            ("server.keepalive_timeout_ms", self.keepalive_timeout_ms.into(), 100..=60_000),
            ("server.first_byte_timeout_ms", self.first_byte_timeout_ms.into(), 100..=60_000),
            ("server.connections_max", self.connections_max.into(), 1..=100_000),
            ("server.connections_per_address_max", self.connections_per_address_max.into(), 1..=100_000),
            ("server.streams_per_connection_max", self.streams_per_connection_max.into(), 1..=10_000),
            ("server.requests_per_connection_max", self.requests_per_connection_max.into(), 1..=10_000),
            ("server.header_bytes_max", self.header_bytes_max.into(), 1024..=65_536),
            ("server.request_timeout_ms", self.request_timeout_ms.into(), 100..=600_000),
            ("server.upload_timeout_ms", self.upload_timeout_ms.into(), 100..=3_600_000),
            ("server.upload_idle_timeout_ms", self.upload_idle_timeout_ms.into(), 100..=600_000),
            ("server.connection_age_max_seconds", self.connection_age_max_seconds.into(), 60..=86_400),
            ("server.connection_age_grace_seconds", self.connection_age_grace_seconds.into(), 1..=3600),
        ])
    }
}

/// Why a server ended badly.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are no descriptor set: a fault of the build.
    #[error("descriptor set does not read")]
    Descriptor(#[from] tonic_reflection::server::Error),
    /// The listener has no address.
    #[error("listener is unusable")]
    Listener(#[source] std::io::Error),
    /// The transport gave up.
    #[error("server ended")]
    Transport(#[from] tonic::transport::Error),
}

/// What is served.
#[derive(Debug, Clone)]
pub struct Offer<'a> {
    /// The services, with their own message limits set.
    pub routes: Routes,
    /// Their full names (`whistle.intake.v1.IntakeService`), for the health service.
    pub names: &'a [&'a str],
    /// Their encoded `FileDescriptorSet`, for reflection.
    pub descriptor: &'a [u8],
}

/// Serves until the shutdown begins: says NOT_SERVING, goes on for the lame duck time, stops accepting, then lets open calls
/// end within the grace. Long streams end by themselves when they see the shutdown; what is still open then is cut.
///
/// # Errors
/// [`Error`]. A cut connection is no error.
pub async fn serve(
    listener: TcpListener,
    offer: Offer<'_>,
    settings: &Settings,
    ending: &shutdown::Settings,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let address: SocketAddr = listener.local_addr().map_err(Error::Listener)?;
    let (health, health_service) = tonic_health::server::health_reporter();
    report(&health, offer.names, ServingStatus::Serving).await;
    let reflection = || {
        let health_descriptor = tonic_health::pb::FILE_DESCRIPTOR_SET;
        Reflection::configure()
            .register_encoded_file_descriptor_set(offer.descriptor)
            .register_encoded_file_descriptor_set(health_descriptor)
    };
    let routes = offer
        .routes
        .clone()
        .add_service(health_service)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);

    let admission = Arc::new(Admission::new(settings));
    let incoming = TcpListenerStream::new(listener).filter_map(move |accepted| match accepted {
        Ok(stream) => admission.admit(stream).map(Ok),
        Err(error) => Some(Err(error)),
    });
    let stop_accepting = async {
        shutdown.started().await;
        report(&health, offer.names, ServingStatus::NotServing).await;
        tokio::time::sleep(ending.lame_duck()).await;
    };
    let cut = async {
        shutdown.started().await;
        tokio::time::sleep(ending.lame_duck() + ending.grace()).await;
    };
    tracing::info!(%address, "serving gRPC");
    // What tonic says by itself, such as of a message over its limit, gets the codes and details of this API, and is counted so.
    let mut transport = transport(settings)
        .layer(CallsLayer::new())
        .layer(LimitsLayer::new(settings))
        .layer(wire::codec::ExplainLayer);
    tokio::select! {
        ended = transport.add_routes(routes).serve_with_incoming_shutdown(incoming, stop_accepting) => ended?,
        () = cut => tracing::warn!(%address, "calls were still open after the grace and are cut"),
    }
    tracing::info!(%address, "stopped serving gRPC");
    Ok(())
}

async fn report(health: &HealthReporter, names: &[&str], status: ServingStatus) {
    for name in names.iter().chain([&""]) {
        health.set_service_status(name, status).await;
    }
}

fn transport(settings: &Settings) -> Server {
    let ms = |value: u32| Duration::from_millis(value.into());
    Server::builder()
        .http2_keepalive_interval(Some(ms(settings.keepalive_interval_ms)))
        .http2_keepalive_timeout(Some(ms(settings.keepalive_timeout_ms)))
        .max_concurrent_streams(settings.streams_per_connection_max)
        .http2_max_header_list_size(settings.header_bytes_max)
        // With a grace of its own tonic asks nobody to come again: it cuts. Admission ends what is left after the grace.
        .max_connection_age(Duration::from_secs(settings.connection_age_max_seconds.into()))
}
