use std::time::Duration;

use service_kit::shutdown::Shutdown;
use tonic::service::Routes;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::{DEADLINE, TestServer, bearer, temp_dir, temp_vault, wait_for, wait_until};

#[tokio::test]
async fn waiting_ends_when_the_condition_holds() {
    let mut looks = 0;
    wait_until("three looks", DEADLINE, || {
        looks += 1;
        looks == 3
    })
    .await;
    assert_eq!(looks, 3);
    assert_eq!(wait_for("a value", DEADLINE, async || Some(7)).await, 7);
}

#[tokio::test]
async fn waiting_in_vain_fails_and_says_for_what() {
    let mut waiting = tokio::task::JoinSet::new();
    waiting.spawn(wait_until("the sea to dry", Duration::from_millis(20), || false));
    let panic = waiting.join_next().await.unwrap().unwrap_err().into_panic();
    assert!(panic.downcast_ref::<String>().unwrap().contains("the sea to dry"));
}

#[tokio::test]
async fn a_server_is_reached_and_stops() {
    let server = TestServer::start(Routes::default(), &Shutdown::new()).await;
    assert_ne!(server.address().port(), 0);
    let mut client = HealthClient::new(server.channel().await);
    client.check(HealthCheckRequest { service: String::new() }).await.unwrap();
    drop(client);
    server.stop().await;
}

#[test]
fn a_vault_and_its_directory_go_together() {
    let vault = temp_vault("huancui", jiff::Timestamp::UNIX_EPOCH);
    let path = vault.path().to_owned();
    assert!(path.join("vault.key").exists());
    assert_eq!(vault.vault().secrets().unwrap().search_token("井盖").len(), 10);
    drop(vault);
    assert!(!path.exists());
    assert!(temp_dir().path().is_dir());
}

#[test]
fn a_token_becomes_metadata() {
    assert_eq!(bearer("abc").to_str().unwrap(), "Bearer abc");
}
