//! A board whose rows of the vault lie with a host.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, RequestError, Serving, Settings, Subject, Subscription};
use nats_child::NatsChild;
use projection::{Options, checksum, rebuild};
use tokio::task::JoinSet;
use tonic::Code;
use vault::{Host, Vault};
use wire::pb::whistle::board::v1 as pb;

use super::district::{District, GRID_A1, by};
use super::rows::varied;
use crate::Board;
use crate::fold::BoardFold;

/// A copy of the district's rows with a host that serves them, until told not to.
struct Elsewhere {
    nats: NatsChild,
    host: Host,
    serving: Option<Serving>,
}

impl Elsewhere {
    async fn start(district: &District) -> Self {
        let (desk, dir) = (&district.world.desk, district.world.dir("copied-rows"));
        desk.vault.backup_to(&dir.join("vault.sqlite")).await.unwrap();
        let clock = desk.clock.clone();
        let host = Host::open(&dir, desk.ledger.id(), Arc::new(move || clock.now())).unwrap();
        let mut elsewhere = Self { nats: NatsChild::start().unwrap(), host, serving: None };
        elsewhere.serve(desk.ledger.id()).await;
        elsewhere
    }

    async fn bus(&self) -> Bus {
        let bus = Bus::connect(&Settings::local(self.nats.url()), "board-test").await.unwrap();
        bus.connected().await;
        bus
    }

    async fn serve(&mut self, jurisdiction: &str) {
        let service = bus::Service {
            name: "whistle-ledger".to_owned(),
            version: "1.0.0".to_owned(),
            description: "keeps the rows".to_owned(),
            endpoints: self.host.endpoints(jurisdiction).unwrap(),
        };
        let bus = self.bus().await;
        self.serving = Some(bus.serve(service).await.unwrap());
        settled(&bus).await;
    }

    async fn stop_serving(&mut self, jurisdiction: &str) {
        self.serving.take().unwrap().stop().await;
        let bus = self.bus().await;
        let keys = Subject::new(["whistle", jurisdiction, "vault", "keys"]).unwrap();
        let ask = || bus.request(&keys, bytes::Bytes::new(), None, Duration::from_millis(200));
        let asking = async { while ask().await != Err(RequestError::NobodyListens) {} };
        tokio::time::timeout(test_kit::DEADLINE, asking).await.unwrap();
    }

    async fn vault(&self, district: &District, deadline: Duration) -> Vault {
        let (key, clock) = (district.world.dir("vault").join("vault.key"), district.world.desk.clock.clone());
        let (bus, ledger) = (self.bus().await, district.world.desk.ledger.id());
        Vault::remote(&bus, ledger, &key, deadline, Arc::new(move || clock.now())).await.unwrap()
    }

    /// Hears every question for keys.
    async fn questions(&self, district: &District) -> Subscription {
        let tokens = ["whistle", district.world.desk.ledger.id(), "vault", "keys"];
        let bus = self.bus().await;
        let questions = bus.subscribe(&Subject::new(tokens).unwrap()).await.unwrap();
        settled(&bus).await;
        questions
    }
}

/// The server knows what was subscribed on this connection once it has answered something sent after it.
async fn settled(bus: &Bus) {
    let nobody = Subject::new(["nobody"]).unwrap();
    bus.request(&nobody, bytes::Bytes::new(), None, test_kit::DEADLINE).await.unwrap_err();
}

async fn folded(district: &District) -> String {
    let ledger = &district.world.desk.ledger;
    district.board.view().wait_for(ledger.head().position, test_kit::DEADLINE).await.unwrap();
    district.board.view().read(checksum).await.unwrap()
}

fn sum(dir: &std::path::Path) -> String {
    checksum(&rusqlite::Connection::open(dir.join("board.sqlite")).unwrap()).unwrap()
}

#[tokio::test]
async fn the_fold_asks_once_for_a_batch_and_makes_the_same_rows() {
    let district = District::start().await;
    varied(&district).await;
    let elsewhere = Elsewhere::start(&district).await;
    let vault = elsewhere.vault(&district, test_kit::DEADLINE).await;
    let mut questions = elsewhere.questions(&district).await;
    let (dir, ledger) = (district.world.dir("rebuilt"), district.world.desk.ledger.clone());
    rebuild(&dir, BoardFold::new(vault.clone()), ledger, Options::DEFAULT, |_| {}).await.unwrap();
    assert_eq!(sum(&dir), folded(&district).await);
    // The last question of all is this one.
    let last = case::ids::CaseId::derived("test", &[b"last"]);
    vault.keyring([(last, case::ids::KeyId::case_file())]).await.unwrap();
    let mut heard = 1;
    while !holds(&questions.next().await.unwrap().payload, last.0.as_bytes()) {
        heard += 1;
    }
    assert_eq!(heard, 2, "one for all commits there were");
}

#[tokio::test]
async fn of_a_case_raised_in_the_batch_no_key_is_asked_for_that_it_does_not_have() {
    let district = District::start().await;
    let id = case::ids::CaseId::derived("test", &[b"nobody"]);
    let mut raise = district.told(id, GRID_A1, "").await;
    raise.reporters = Vec::new();
    raise.text = Some(district.seal(id, &case::ids::KeyId::case_file(), "text", "井盖丢失").await);
    district.raise_as("p-grid_worker", id, raise).await;
    district.accept(id).await;
    let elsewhere = Elsewhere::start(&district).await;
    let vault = elsewhere.vault(&district, test_kit::DEADLINE).await;
    let mut questions = elsewhere.questions(&district).await;
    let (dir, ledger) = (district.world.dir("rebuilt"), district.world.desk.ledger.clone());
    rebuild(&dir, BoardFold::new(vault), ledger, Options::DEFAULT, |_| {}).await.unwrap();
    let question = questions.next().await.unwrap().payload;
    assert!(holds(&question, id.0.as_bytes()) && holds(&question, b"case"));
    assert!(!holds(&question, b"reporter"));
    assert_eq!(sum(&dir), folded(&district).await);
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn the_fold_waits_for_a_host_that_is_away() {
    let district = District::start().await;
    varied(&district).await;
    let mut elsewhere = Elsewhere::start(&district).await;
    let vault = elsewhere.vault(&district, Duration::from_millis(300)).await;
    elsewhere.stop_serving(district.world.desk.ledger.id()).await;
    let mut questions = elsewhere.questions(&district).await;
    let (dir, ledger) = (district.world.dir("rebuilt"), district.world.desk.ledger.clone());
    let mut rebuilding = JoinSet::new();
    let fold = BoardFold::new(vault);
    let into = dir.clone();
    rebuilding.spawn(async move { rebuild(&into, fold, ledger, Options::DEFAULT, |_| {}).await });
    // Asked, had no answer, asked again.
    for _ in 0..2 {
        questions.next().await.unwrap();
    }
    elsewhere.serve(district.world.desk.ledger.id()).await;
    rebuilding.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(sum(&dir), folded(&district).await);
}

#[tokio::test]
async fn a_caller_is_shown_the_same_and_nothing_while_the_host_is_away() {
    let district = District::start().await;
    let cases = varied(&district).await;
    let mut elsewhere = Elsewhere::start(&district).await;
    let vault = elsewhere.vault(&district, test_kit::DEADLINE).await;
    let desk = desk::Desk { vault, ..district.world.desk.clone() };
    let board = Board::start(desk, &district.world.dir("other"), &district.world.shutdown).await.unwrap();
    let at_least = district.now();
    for person in ["p-receptionist", "p-dispatcher", "p-handler-enforcement", "p-handler-traffic"] {
        let listed = pb::ListCasesRequest { at_least: at_least.clone(), ..pb::ListCasesRequest::default() };
        let here = district.board.list_cases(&by(person), listed.clone()).await.unwrap();
        assert_eq!(board.list_cases(&by(person), listed).await.unwrap(), here);
        for case in &cases {
            let (case_id, at_least) = (case.to_string(), at_least.clone());
            let asked = pb::GetTimelineRequest { case_id, at_least, ..pb::GetTimelineRequest::default() };
            let here = district.board.get_timeline(&by(person), asked.clone()).await.ok();
            assert_eq!(board.get_timeline(&by(person), asked).await.ok(), here);
        }
    }
    elsewhere.stop_serving(district.world.desk.ledger.id()).await;
    let case_id = cases[0].to_string();
    let asked = pb::GetCaseRequest { case_id, ..pb::GetCaseRequest::default() };
    let refused = board.get_case(&by("p-receptionist"), asked).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}
