mod age;
mod calls;
mod limits;

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};
use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as OlderClient;

use super::{Error, Offer, Settings, serve};
use crate::shutdown::{self, Shutdown};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kit {
    #[serde(rename = "clock")]
    _clock: toml::Table,
    #[serde(rename = "bus")]
    _bus: toml::Table,
    #[serde(rename = "ops")]
    _ops: toml::Table,
    server: Settings,
    shutdown: shutdown::Settings,
    #[serde(rename = "telemetry")]
    _telemetry: toml::Table,
}

fn kit() -> Kit {
    toml::from_str(crate::DEFAULTS).unwrap()
}

const NAME: &str = "whistle.intake.v1.IntakeService";

async fn start(kit: Kit, shutdown: &Shutdown) -> (SocketAddr, JoinHandle<Result<(), Error>>) {
    start_with(kit, Routes::default(), shutdown).await
}

async fn start_with(
    kit: Kit,
    routes: Routes,
    shutdown: &Shutdown,
) -> (SocketAddr, JoinHandle<Result<(), Error>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = shutdown.clone();
    let server = shutdown.spawn("server", async move {
        let offer = Offer { routes, names: &[NAME], descriptor: &[] };
        serve(listener, offer, &kit.server, &kit.shutdown, &stop).await
    });
    (address, server)
}

async fn channel(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

async fn health(client: &mut HealthClient<Channel>, service: &str) -> Result<ServingStatus, tonic::Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    client.check(request).await.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

#[tokio::test]
async fn health_tells_of_each_service_and_of_the_whole() {
    let shutdown = Shutdown::new();
    let (address, server) = start(kit(), &shutdown).await;
    let mut client = HealthClient::new(channel(address).await);
    assert_eq!(health(&mut client, "").await, Ok(ServingStatus::Serving));
    assert_eq!(health(&mut client, NAME).await, Ok(ServingStatus::Serving));
    assert_eq!(health(&mut client, "whistle.Other").await, Err(tonic::Code::NotFound));
    shutdown.start();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lame_duck_says_so_and_still_answers() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    kit.shutdown = shutdown::Settings { lame_duck_ms: 60_000, grace_ms: 0 };
    let (address, _server) = start(kit, &shutdown).await;
    let mut client = HealthClient::new(channel(address).await);
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = client.watch(request).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    shutdown.start();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(health(&mut client, NAME).await, Ok(ServingStatus::NotServing));
}

#[tokio::test]
async fn a_stream_that_never_ends_is_cut_after_the_grace() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    kit.shutdown = shutdown::Settings { lame_duck_ms: 0, grace_ms: 50 };
    let (address, server) = start(kit, &shutdown).await;
    let mut client = HealthClient::new(channel(address).await);
    let request = HealthCheckRequest { service: String::new() };
    let _watch = client.watch(request).await.unwrap();
    shutdown.start();
    server.await.unwrap().unwrap();
}

fn list_services() -> ServerReflectionRequest {
    ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    }
}

fn listed(answer: ServerReflectionResponse) -> Vec<String> {
    match answer.message_response {
        Some(MessageResponse::ListServicesResponse(list)) => {
            list.service.into_iter().map(|s| s.name).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reflection_answers_both_generations_of_tools() {
    let shutdown = Shutdown::new();
    let (address, _server) = start(kit(), &shutdown).await;
    let mut client = ServerReflectionClient::new(channel(address).await);
    let mut answers =
        client.server_reflection_info(tokio_stream::iter([list_services()])).await.unwrap().into_inner();
    let names = listed(answers.message().await.unwrap().unwrap());
    assert!(names.iter().any(|name| name == "grpc.health.v1.Health"), "{names:?}");

    let mut older = OlderClient::new(channel(address).await);
    let none = tokio_stream::iter(Vec::new());
    assert!(older.server_reflection_info(none).await.is_ok());
    shutdown.start();
}

#[tokio::test]
async fn a_descriptor_that_does_not_read_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let offer = Offer { routes: Routes::default(), names: &[], descriptor: b"\xff\xff" };
    let kit = kit();
    let ended = serve(listener, offer, &kit.server, &kit.shutdown, &Shutdown::new()).await;
    assert!(matches!(ended, Err(Error::Descriptor(_))));
}

/// Whether the server closes this connection rather than keeping it.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut bytes)).await.is_ok()
}

#[tokio::test]
async fn connections_above_the_limit_are_turned_away_and_places_come_free() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    kit.server.connections_per_address_max = 1;
    let (address, _server) = start(kit, &shutdown).await;
    let mut client = HealthClient::new(channel(address).await);
    assert_eq!(health(&mut client, "").await, Ok(ServingStatus::Serving));
    assert!(is_closed(&mut TcpStream::connect(address).await.unwrap()).await);
    drop(client);
    // The place comes free when the server has seen the end of the first connection.
    let served = async {
        loop {
            let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
            if let Ok(channel) = endpoint.connect().await
                && health(&mut HealthClient::new(channel), "").await.is_ok()
            {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), served).await.unwrap();
    shutdown.start();
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    kit.server.first_byte_timeout_ms = 100;
    let (address, _server) = start(kit, &shutdown).await;
    assert!(is_closed(&mut TcpStream::connect(address).await.unwrap()).await);
    shutdown.start();
}

#[tokio::test]
async fn a_connection_that_spoke_is_kept() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    kit.server.first_byte_timeout_ms = 100;
    let (address, _server) = start(kit, &shutdown).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut client = HealthClient::new(channel(address).await);
    assert!(is_closed(&mut silent).await, "the silent one ends after the limit");
    assert_eq!(health(&mut client, "").await, Ok(ServingStatus::Serving));
    silent.shutdown().await.unwrap_or_default();
    shutdown.start();
}
