//! deploy/split/nats.conf at the real server: each user may do what its role needs, and nothing more.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bus::{Bus, Endpoint, RequestError, Service, Serving, Settings, Subject};
use bytes::Bytes;
use nats_child::{NatsChild, Options};
use tempfile::TempDir;

use crate::nats_line::Line;

const LEDGER: &str = "ledger";
const DECIDING: [&str; 5] = ["intake", "routing", "escalation", "closure", "board"];
/// Those who have the key of the vault.
const SEALING: [&str; 4] = ["intake", "routing", "closure", "board"];
const ROLES: [&str; 6] = [LEDGER, "intake", "routing", "escalation", "closure", "board"];
const USERS: [&str; 7] = [LEDGER, "intake", "routing", "escalation", "closure", "board", "operator"];
const NOBODY: [&str; 0] = [];

const PATIENCE: Duration = Duration::from_secs(30);

/// A server with the configuration, and the users' passwords.
struct World {
    server: NatsChild,
    files: TempDir,
}

fn password(user: &str) -> String {
    format!("the-password-of-{user}")
}

impl World {
    fn new() -> Self {
        let config = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../deploy/split/nats.conf");
        let variable = |user: &str| format!("WHISTLE_NATS_{}_PASSWORD", user.to_uppercase());
        let env = USERS.iter().map(|user| (variable(user), password(user))).collect();
        let server = NatsChild::start_with(Options { config: Some(config), env, ..Options::default() });
        Self { server: server.unwrap(), files: tempfile::tempdir().unwrap() }
    }

    fn line(&self, user: &str) -> Line {
        Line::connect(&self.server.url(), user, &password(user)).unwrap()
    }

    /// The user's connection as the roles make it.
    async fn bus(&self, user: &str) -> Bus {
        let password_file = self.files.path().join(user);
        std::fs::write(&password_file, password(user)).unwrap();
        let settings = Settings {
            user: user.to_owned(),
            password_file: password_file.to_str().unwrap().to_owned(),
            ..Settings::local(self.server.url())
        };
        let bus = Bus::connect(&settings, user).await.unwrap();
        soon(bus.connected()).await;
        bus
    }
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("did not happen in time")
}

fn subject(text: &str) -> Subject {
    Subject::new(text.split('.')).unwrap()
}

/// Subjects, and who may publish there.
fn publishing() -> Vec<(&'static str, &'static [&'static str])> {
    let operator: &[&str] = &["operator"];
    vec![
        ("whistle.huancui.log", &[LEDGER]),
        ("whistle.huancui.log.more", &NOBODY),
        ("whistle.huancui.ledger.commit", &DECIDING),
        ("whistle.huancui.ledger.stream", &DECIDING),
        ("whistle.huancui.ledger.log", &DECIDING),
        ("whistle.huancui.ledger.find", &DECIDING),
        ("whistle.huancui.ledger.status", &ROLES),
        ("whistle.huancui.vault.secrets", &SEALING),
        ("whistle.huancui.vault.keys", &SEALING),
        ("whistle.huancui.vault.ensure", &["intake", "routing", "closure"]),
        ("whistle.huancui.vault.contact", &["intake"]),
        // No role destroys a key over NATS yet.
        ("whistle.huancui.vault.destroy", &NOBODY),
        ("whistle.huancui.intake.status", operator),
        ("whistle.huancui.routing.status", operator),
        ("whistle.huancui.escalation.status", operator),
        ("whistle.huancui.closure.status", operator),
        ("whistle.huancui.board.status", operator),
        ("$SRV.PING", operator),
        ("$SRV.INFO.whistle-intake", operator),
        ("$SRV.STATS.whistle-intake.abc", operator),
        ("$SYS.REQ.SERVER.PING", &NOBODY),
        // An answer goes to an inbox only when it was asked for.
        ("_INBOX_intake.abc.1", &NOBODY),
        ("_INBOX_ledger.abc.1", &NOBODY),
        ("anything", &NOBODY),
    ]
}

/// Subjects, and who may listen there.
fn listening() -> Vec<(String, Vec<&'static str>)> {
    let own = |text: &str, users: &[&'static str]| (text.to_owned(), users.to_vec());
    let mut table = vec![
        own("whistle.huancui.log", &ROLES),
        own("whistle.*.log", &ROLES),
        own("whistle.huancui.ledger.commit", &[LEDGER]),
        own("whistle.huancui.ledger.commit whistle-ledger", &[LEDGER]),
        own("whistle.huancui.ledger.status", &[LEDGER]),
        own("whistle.huancui.vault.keys", &[LEDGER]),
        own("whistle.huancui.*", &NOBODY),
        own("whistle.>", &NOBODY),
        own(">", &NOBODY),
        own("$SRV.PING", &ROLES),
        own("$SRV.>", &NOBODY),
        own("$SYS.>", &NOBODY),
        own("_INBOX.>", &NOBODY),
        own("_INBOX.abc.*", &NOBODY),
    ];
    for role in ROLES {
        for verb in ["PING", "INFO", "STATS"] {
            table.push((format!("$SRV.{verb}.whistle-{role}"), vec![role]));
            table.push((format!("$SRV.{verb}.whistle-{role}.abc"), vec![role]));
        }
    }
    for role in DECIDING {
        table.push((format!("whistle.huancui.{role}.status"), vec![role]));
        table.push((format!("whistle.huancui.{role}.other"), Vec::new()));
    }
    for user in USERS {
        table.push((format!("_INBOX_{user}.abc.*"), vec![user]));
        table.push((format!("_INBOX_{user}.>"), vec![user]));
    }
    table
}

#[test]
fn each_user_may_do_what_the_table_says_and_nothing_else() {
    let world = World::new();
    let mut wrong = Vec::new();
    for user in USERS {
        let mut line = world.line(user);
        for (subject, allowed) in publishing() {
            if line.may_publish(subject) != allowed.contains(&user) {
                wrong.push(format!("{user} publishing on {subject}"));
            }
        }
        for (subject, allowed) in listening() {
            if line.may_subscribe(&subject) != allowed.contains(&user) {
                wrong.push(format!("{user} listening on {subject}"));
            }
        }
    }
    assert!(wrong.is_empty(), "not as the table says: {wrong:#?}");
}

#[test]
fn nobody_is_let_in_without_a_password_of_their_own() {
    let world = World::new();
    for (user, password) in [("", ""), ("intake", ""), ("intake", &password("ledger")), ("nobody", "none")] {
        let refused = Line::connect(&world.server.url(), user, password).err();
        assert!(refused.is_some_and(|refusal| refusal.contains("Authorization Violation")), "{user}");
    }
}

async fn echo(asked: bus::Asked) -> Result<Bytes, bus::Refused> {
    Ok(asked.payload)
}

/// Serves these subjects under the role's name, as the roles do.
async fn serve(bus: &Bus, role: &str, subjects: &[&str]) -> Serving {
    let endpoint = |text: &&str| Endpoint::new(text.replace('.', "-"), subject(text), 1, echo);
    let service = Service {
        name: format!("whistle-{role}"),
        version: "1.2.3".to_owned(),
        description: "echoes".to_owned(),
        endpoints: subjects.iter().map(endpoint).collect(),
    };
    bus.serve(service).await.unwrap()
}

#[tokio::test]
async fn every_role_does_its_work_without_being_refused() {
    let world = World::new();
    let ledger = world.bus(LEDGER).await;
    let asked =
        ["commit", "stream", "log", "find", "status"].map(|op| format!("whistle.huancui.ledger.{op}"));
    let rows = "whistle.huancui.vault.keys";
    let served: Vec<&str> = asked.iter().map(String::as_str).chain([rows]).collect();
    let mut serving = vec![serve(&ledger, LEDGER, &served).await];
    let status = subject("whistle.huancui.ledger.status");
    assert_eq!(soon(ledger.request(&status, Bytes::new(), None, PATIENCE)).await, Ok(Bytes::new()));
    let mut buses = Vec::new();
    let mut listeners = Vec::new();
    let log = subject("whistle.huancui.log");
    for role in DECIDING {
        let bus = world.bus(role).await;
        serving.push(serve(&bus, role, &[&format!("whistle.huancui.{role}.status")]).await);
        listeners.push(bus.subscribe(&log).await.unwrap());
        for asked in served.iter().filter(|asked| **asked != rows || SEALING.contains(&role)) {
            let question = Bytes::from(role);
            let answer = soon(bus.request(&subject(asked), question.clone(), None, PATIENCE)).await;
            assert_eq!(answer, Ok(question), "{role} asking {asked}");
        }
        buses.push(bus);
    }
    ledger.publish(&log, Bytes::from("a frame"), None).await.unwrap();
    for listener in &mut listeners {
        assert_eq!(soon(listener.next()).await.unwrap().payload, "a frame");
    }
    let operator = tokio::task::spawn_blocking(move || ask_who_is_there(&world));
    let mut names = operator.await.unwrap();
    names.sort();
    assert_eq!(
        names,
        [
            "whistle-board",
            "whistle-closure",
            "whistle-escalation",
            "whistle-intake",
            "whistle-ledger",
            "whistle-routing"
        ]
    );
    for bus in buses.iter().chain([&ledger]) {
        assert_eq!(*bus.refusals().borrow(), bus::Refusals::default(), "{bus:?}");
    }
}

fn ask_who_is_there(world: &World) -> Vec<String> {
    let mut operator = world.line("operator");
    let pings = operator.ask("$SRV.PING", "_INBOX_operator.ping", ROLES.len());
    for role in ROLES {
        for verb in ["INFO", "STATS"] {
            let told =
                operator.ask(&format!("$SRV.{verb}.whistle-{role}"), &format!("_INBOX_operator.{verb}"), 1);
            assert_eq!(told[0]["name"], format!("whistle-{role}"));
        }
    }
    pings.iter().map(|ping| ping["name"].as_str().unwrap().to_owned()).collect()
}

/// Waits for the refusal of this number, and gives what the server said.
async fn refusal(bus: &Bus, count: u64) -> String {
    let mut refusals = bus.refusals();
    let refusals = soon(refusals.wait_for(|refusals| refusals.count >= count)).await.unwrap().clone();
    assert_eq!(refusals.count, count, "{refusals:?}");
    refusals.last
}

#[tokio::test]
async fn a_forged_frame_is_refused_and_reaches_nobody() {
    let world = World::new();
    let (ledger, board) = (world.bus(LEDGER).await, world.bus("board").await);
    let log = subject("whistle.huancui.log");
    let mut heard = board.subscribe(&log).await.unwrap();
    for role in DECIDING {
        let forger = world.bus(role).await;
        forger.publish(&log, Bytes::from("forged"), None).await.unwrap();
        let said = refusal(&forger, 1).await;
        assert!(said.contains("Publish to \"whistle.huancui.log\""), "{said}");
    }
    ledger.publish(&log, Bytes::from("genuine"), None).await.unwrap();
    assert_eq!(soon(heard.next()).await.unwrap().payload, "genuine");
}

#[tokio::test]
async fn escalation_is_refused_the_rows_of_the_vault() {
    let world = World::new();
    let (ledger, intake) = (world.bus(LEDGER).await, world.bus("intake").await);
    let escalation = world.bus("escalation").await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let keys = subject("whistle.huancui.vault.keys");
    let endpoint = Endpoint::new("keys", keys.clone(), 1, move |asked| {
        counted.fetch_add(1, Ordering::Relaxed);
        echo(asked)
    });
    let (name, version) = ("whistle-ledger".to_owned(), "1.2.3".to_owned());
    let service = Service { name, version, description: "rows".to_owned(), endpoints: vec![endpoint] };
    let _serving = ledger.serve(service).await.unwrap();
    // The server learns a little later that somebody listens, and until then says that nobody does.
    soon(async {
        while let Err(error) = intake.request(&keys, Bytes::new(), None, PATIENCE).await {
            assert_eq!(error, RequestError::NobodyListens);
        }
    })
    .await;
    tokio::select! {
        answer = escalation.request(&keys, Bytes::new(), None, PATIENCE) => panic!("{answer:?}"),
        said = refusal(&escalation, 1) => {
            assert!(said.contains("Publish to \"whistle.huancui.vault.keys\""), "{said}");
        }
    }
    assert!(soon(intake.request(&keys, Bytes::new(), None, PATIENCE)).await.is_ok());
    assert_eq!(asked.load(Ordering::Relaxed), 2, "only intake's two were heard");
}

#[tokio::test]
async fn answers_to_others_are_not_overheard() {
    let world = World::new();
    let board = world.bus("board").await;
    board.subscribe(&subject("_INBOX_intake.abc")).await.unwrap();
    let said = refusal(&board, 1).await;
    assert!(said.contains("Subscription to \"_INBOX_intake.abc\""), "{said}");
}
