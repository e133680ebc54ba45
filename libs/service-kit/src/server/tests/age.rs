//! Connections that have become old.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::{Instant, timeout};
use tonic::Streaming;
use tonic_health::pb::HealthCheckResponse;

use super::*;

/// A machine that stands must not fail a test.
const DEADLINE: Duration = Duration::from_secs(60);

/// An address before the server's that counts the connections made to it.
async fn counted(server: SocketAddr, shutdown: &Shutdown) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let (made, spawner) = (Arc::clone(&count), shutdown.clone());
    shutdown.spawn("counting", async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            made.fetch_add(1, Ordering::Relaxed);
            let mut server = TcpStream::connect(server).await.unwrap();
            spawner.spawn("counted", async move {
                tokio::io::copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (address, count)
}

/// A stream that goes on for as long as the server does.
async fn watch(client: &mut HealthClient<Channel>) -> Streaming<HealthCheckResponse> {
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = client.watch(request).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    watch
}

#[tokio::test]
async fn who_has_an_old_connection_makes_another_and_ends_its_calls_on_the_old_one() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    (kit.server.connection_age_max_seconds, kit.server.connection_age_grace_seconds) = (1, 3600);
    kit.shutdown = shutdown::Settings { lame_duck_ms: 60_000, grace_ms: 0 };
    let (address, _server) = start(kit, &shutdown).await;
    let (address, connections) = counted(address, &shutdown).await;
    let mut client = HealthClient::new(channel(address).await);
    let mut watch = watch(&mut client).await;
    assert_eq!(connections.load(Ordering::Relaxed), 1);
    let another = async {
        while connections.load(Ordering::Relaxed) == 1 {
            // A call that meets the end of the old connection is told so.
            health(&mut client, "").await.ok();
        }
    };
    timeout(DEADLINE, another).await.unwrap();
    assert_eq!(health(&mut client, "").await, Ok(ServingStatus::Serving));
    shutdown.start();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
}

#[tokio::test]
async fn a_stream_that_never_ends_is_cut_when_its_connection_is_too_old() {
    let shutdown = Shutdown::new();
    let mut kit = kit();
    (kit.server.connection_age_max_seconds, kit.server.connection_age_grace_seconds) = (1, 1);
    let (address, _server) = start(kit, &shutdown).await;
    let began = Instant::now();
    let mut watch = watch(&mut HealthClient::new(channel(address).await)).await;
    let cut = timeout(DEADLINE, watch.message()).await.unwrap();
    assert!(cut.is_err() && began.elapsed() >= Duration::from_secs(2), "{cut:?}");
    shutdown.start();
}
