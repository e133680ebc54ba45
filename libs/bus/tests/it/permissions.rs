//! Users, passwords and what they may do.

use std::time::Duration;

use bus::{Bus, RequestError, Settings, State};
use nats_child::NatsChild;

use crate::world::{Files, PATIENCE, bytes, is_away, serve_echo, soon, subject, until};

/// The board may ask the echo service, and nothing else.
const CONFIG: &str = r#"
authorization {
  users = [
    { user: "ledger", password: "lp" }
    {
      user: "board", password: "s3cret-of-board",
      permissions: { publish: ["test.echo"], subscribe: ["_INBOX_board.>", "test.log"] }
    }
  ]
}
"#;

fn settings(server: &NatsChild, files: &Files, user: &str, password: &str) -> Settings {
    let file = files.write(&format!("{user}.password"), password);
    Settings {
        user: user.to_owned(),
        password_file: file.to_string_lossy().into_owned(),
        ..Settings::local(server.url())
    }
}

async fn connected(settings: &Settings) -> Bus {
    let bus = Bus::connect(settings, "test").await.unwrap();
    soon(bus.connected()).await;
    bus
}

#[tokio::test]
async fn what_a_user_may_not_do_is_told() {
    let files = Files::new();
    let server = files.server(CONFIG);
    let ledger = connected(&settings(&server, &files, "ledger", "lp")).await;
    // White space around a password in a file is not meant.
    let board = connected(&settings(&server, &files, "board", " s3cret-of-board\n")).await;
    let _serving = serve_echo(&ledger).await;
    let echo = subject(&["test", "echo"]);
    assert_eq!(ledger.request(&echo, bytes("?"), None, PATIENCE).await, Ok(bytes("|?")));
    // The answer comes under the board's own prefix, the only one it may listen to.
    assert_eq!(board.request(&echo, bytes("?"), None, PATIENCE).await, Ok(bytes("|?")));
    assert_eq!(board.refusals().borrow().count, 0);

    let mut refusals = board.refusals();
    board.publish(&subject(&["test", "log"]), bytes("?"), None).await.unwrap();
    let refused = soon(refusals.wait_for(|refusals| refusals.count == 1)).await.unwrap().clone();
    assert!(refused.last.contains("Permissions Violation for Publish to \"test.log\""), "{refused:?}");

    let mut subscription = board.subscribe(&subject(&["test", "secret"])).await.unwrap();
    let refused = soon(refusals.wait_for(|refusals| refusals.count == 2)).await.unwrap().clone();
    assert!(refused.last.contains("Subscription to \"test.secret\""), "{refused:?}");
    ledger.publish(&subject(&["test", "secret"]), bytes("?"), None).await.unwrap();
    ledger.close().await;

    // Neither ended the connection, and nothing was heard. The server may still hand a request to the one that has left.
    let brief = Duration::from_millis(50);
    soon(async {
        while board.request(&echo, bytes("?"), None, brief).await != Err(RequestError::NobodyListens) {}
    })
    .await;
    board.close().await;
    assert_eq!(soon(subscription.next()).await, None);
}

#[tokio::test]
async fn a_prefix_that_is_not_ones_own_gets_no_answers() {
    let files = Files::new();
    let server = files.server(CONFIG);
    let settings = Settings {
        inbox_prefix: "_INBOX_ledger".to_owned(),
        ..settings(&server, &files, "board", "s3cret-of-board")
    };
    let board = connected(&settings).await;
    let refused = soon(board.refusals().wait_for(|refusals| refusals.count > 0)).await.unwrap().clone();
    assert!(refused.last.contains("Subscription to \"_INBOX_ledger."), "{refused:?}");
}

#[tokio::test]
async fn a_user_may_show_a_key_in_place_of_a_password() {
    let (files, pair) = (Files::new(), nkeys::KeyPair::new_user());
    let server =
        files.server(&format!(r#"authorization {{ users = [ {{ nkey: "{}" }} ] }}"#, pair.public_key()));
    let with_seed = |pair: &nkeys::KeyPair| {
        let seed = files.write("seed", &format!("{}\n", pair.seed().unwrap()));
        Settings { nkey_seed_file: seed.to_string_lossy().into_owned(), ..Settings::local(server.url()) }
    };
    assert!(connected(&with_seed(&pair)).await.is_connected());
    let stranger = Bus::connect(&with_seed(&nkeys::KeyPair::new_user()), "test").await.unwrap();
    until(&stranger, is_away).await;
    assert!(stranger.refusals().borrow().count > 0);
}

#[tokio::test]
async fn a_wrong_password_is_away_with_a_reason_and_no_hot_loop() {
    let files = Files::new();
    let server = files.server(CONFIG);
    let bus = Bus::connect(&settings(&server, &files, "board", "guess-of-board"), "test").await.unwrap();
    let State::Away { reason, .. } = until(&bus, is_away).await else { panic!("not away") };
    assert!(reason.contains("authorization violation"), "{reason}");
    assert!(!reason.contains("guess-of-board"), "{reason}");
    let log = subject(&["test", "log"]);
    assert_eq!(bus.request(&log, bytes("?"), None, PATIENCE).await, Err(RequestError::Away));

    // Four more attempts take at least half of 100 + 200 + 400 + 800 ms of pauses, however fast the server refuses.
    let from = tokio::time::Instant::now();
    let first = bus.refusals().borrow().count;
    soon(bus.refusals().wait_for(|refusals| refusals.count >= first + 4)).await.unwrap();
    assert!(from.elapsed() >= Duration::from_millis(700), "{:?}", from.elapsed());
    soon(bus.close()).await;
}

#[tokio::test]
async fn what_an_operator_must_mend_is_an_error_at_once() {
    let files = Files::new();
    let path = |name: &str, text: &str| files.write(name, text).to_string_lossy().into_owned();
    let local = || Settings::local("nats://127.0.0.1:9");
    let user = |password_file: String| Settings { user: "board".into(), password_file, ..local() };
    for (what, settings) in [
        ("no password file", user("/nowhere/at/all".into())),
        ("an empty password", user(path("empty", " \n"))),
        ("a user without password", user(String::new())),
        ("a password in the url", Settings::local("nats://board:guess@127.0.0.1:9")),
        ("a url of another kind", Settings::local("http://127.0.0.1:9")),
        ("no url", Settings::local("")),
        ("no credentials", Settings { credentials_file: path("a.creds", "nothing"), ..local() }),
        ("no seed", Settings { nkey_seed_file: path("seed", "SUnothing"), ..local() }),
        ("no certificate", Settings { tls_ca_file: path("ca.pem", "nothing"), ..local() }),
        ("a wildcard as a user", Settings { password_file: path("p", "p"), user: "*".into(), ..local() }),
        ("no time", Settings { request_timeout_ms: 0, ..local() }),
    ] {
        let fault = Bus::connect(&settings, "test").await.expect_err(what);
        assert!(!fault.to_string().contains("guess"), "{fault}");
    }
}
