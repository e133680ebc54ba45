//! A host, a server, and roles.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, RequestError, Service, Serving, Settings, Subject};
use case::ids::{CaseId, KeyId};
use jiff::Timestamp;
use nats_child::NatsChild;
use tokio::sync::watch;
use uuid::Uuid;
use vault::{Contact, Error, Host, Opened, Vault, new_key_file};

pub(crate) const JURISDICTION: &str = "huancui";
pub(crate) const FIELD: &str = "CaseRaised.text";
pub(crate) const WORDS: &str = "前进街8号楼下又为停车吵起来了";
pub(crate) const NAME: &str = "刘女士";
pub(crate) const PHONE: &str = "13800006310";
/// A machine that stands must not fail a test.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A host that serves, and the one key file everybody but it has.
pub(crate) struct Served {
    pub(crate) nats: NatsChild,
    pub(crate) host: Host,
    /// The host's.
    pub(crate) clock: Arc<watch::Sender<Timestamp>>,
    pub(crate) key_file: PathBuf,
    pub(crate) dir: tempfile::TempDir,
    serving: Option<Serving>,
}

pub(crate) async fn connect(nats: &NatsChild) -> Bus {
    let bus = Bus::connect(&Settings::local(nats.url()), "vault-test").await.unwrap();
    bus.connected().await;
    bus
}

impl Served {
    pub(crate) async fn start() -> Self {
        let mut served = Self::silent();
        served.serve().await;
        served
    }

    /// A host that does not serve yet.
    pub(crate) fn silent() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key_file = dir.path().join("whistle.key");
        new_key_file(&key_file).unwrap();
        let clock = Arc::new(watch::Sender::new(at(0)));
        let hand = Arc::clone(&clock);
        let now = Arc::new(move || *hand.borrow());
        let host = Host::open(&dir.path().join("rows"), JURISDICTION, now).unwrap();
        Self { nats: NatsChild::start().unwrap(), host, clock, key_file, dir, serving: None }
    }

    pub(crate) async fn serve(&mut self) {
        let service = Service {
            name: "whistle-ledger".to_owned(),
            version: "1.0.0".to_owned(),
            description: "keeps the rows".to_owned(),
            endpoints: self.host.endpoints(JURISDICTION).unwrap(),
        };
        self.serving = Some(connect(&self.nats).await.serve(service).await.unwrap());
        self.until(|answer| matches!(answer, RequestError::Refused { code: 400, .. })).await;
    }

    pub(crate) async fn stop_serving(&mut self) {
        self.serving.take().unwrap().stop().await;
        self.until(|answer| *answer == RequestError::NobodyListens).await;
    }

    /// Until the server, which hears of a service in its own time, has nothing else to say to a question that is none.
    async fn until(&self, wanted: impl Fn(&RequestError) -> bool) {
        let bus = connect(&self.nats).await;
        let keys = Subject::new(["whistle", JURISDICTION, "vault", "keys"]).unwrap();
        let ask = || bus.request(&keys, bytes::Bytes::new(), None, Duration::from_millis(200));
        let asking = async { while !wanted(&ask().await.unwrap_err()) {} };
        tokio::time::timeout(LONG, asking).await.unwrap();
    }

    /// A role with a connection of its own.
    pub(crate) async fn role(&self) -> Vault {
        self.role_with(&self.key_file).await.unwrap()
    }

    pub(crate) async fn role_with(&self, key_file: &Path) -> Result<Vault, Error> {
        let bus = connect(&self.nats).await;
        Vault::remote(&bus, JURISDICTION, key_file, LONG, Arc::new(|| at(0))).await
    }
}

pub(crate) fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

pub(crate) fn case(number: u128) -> CaseId {
    CaseId(Uuid::from_u128(number))
}

pub(crate) fn reporter() -> KeyId {
    KeyId::reporter(1)
}

pub(crate) fn contact() -> Contact {
    Contact { name: Some(NAME.to_owned()), phone: Some(PHONE.to_owned()) }
}

pub(crate) fn text(words: &str) -> Opened {
    Opened::Text(words.to_owned())
}
