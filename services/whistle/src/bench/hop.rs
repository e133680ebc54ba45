//! One hop over NATS, as the references of one role a process make it: asking an echo, or publishing to a subscriber.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Endpoint, RequestError, Service, Serving, Settings, Subject, Subscription};
use bytes::Bytes;
use tonic::Status;

use crate::exit::Failure;

/// Bytes sent: about as many as the commit of a raised case has.
const ASKED_BYTES: usize = 1_024;
/// Bytes answered: about as many as a commit is answered with.
const ANSWERED: &[u8] = &[b'a'; 64];
/// Requests the echo works on at a time, more than there are clients.
const AT_ONCE: usize = 1_024;
/// Longer than this no answer takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// What is asked; until dropped.
#[derive(Debug)]
pub(super) struct Echo {
    _serving: Serving,
}

impl Echo {
    /// Begins to answer at a NATS server.
    ///
    /// # Errors
    /// When a connection cannot be made.
    pub(super) async fn start(url: &str) -> Result<Self, Failure> {
        let subject = subject("echo")?;
        let bus = connect(url, "bench-echo").await?;
        let endpoint = Endpoint::new("echo", subject.clone(), AT_ONCE, |_asked| async {
            Ok(Bytes::from_static(ANSWERED))
        });
        let service = Service {
            name: "bench-echo".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            description: "answers whatever is asked".to_owned(),
            endpoints: vec![endpoint],
        };
        let serving = bus.serve(service).await.map_err(Failure::internal)?;
        // What this connection asks comes after its own subscription, so from here on somebody listens.
        bus.request(&subject, Bytes::new(), None, DEADLINE).await.map_err(Failure::internal)?;
        Ok(Self { _serving: serving })
    }
}

/// Asking over NATS; copies share the connection.
#[derive(Debug, Clone)]
pub(super) struct Hop(Arc<Asking>);

#[derive(Debug)]
struct Asking {
    bus: Bus,
    subject: Subject,
    asked: Bytes,
}

impl Hop {
    /// Connects to a NATS server where an [`Echo`] answers.
    ///
    /// # Errors
    /// When a connection cannot be made.
    pub(super) async fn connect(url: &str) -> Result<Self, Failure> {
        let (bus, subject) = (connect(url, "bench-reference").await?, subject("echo")?);
        Ok(Self(Arc::new(Asking { bus, subject, asked: Bytes::from(vec![b'q'; ASKED_BYTES]) })))
    }

    /// Asks and waits for the answer.
    pub(super) async fn make(&self) -> Result<(), Status> {
        let Asking { bus, subject, asked } = &*self.0;
        let answer = bus.request(subject, asked.clone(), None, DEADLINE).await;
        answer.map(drop).map_err(|error| Status::unavailable(error.to_string()))
    }
}

/// Publishing over NATS.
#[derive(Debug)]
pub(super) struct Publisher {
    bus: Bus,
    subject: Subject,
}

impl Publisher {
    /// Connects a publisher and its subscriber to a NATS server.
    ///
    /// # Errors
    /// When a connection cannot be made.
    pub(super) async fn start(url: &str) -> Result<(Self, Subscription), Failure> {
        let subject = subject("lag")?;
        let far = connect(url, "bench-subscriber").await?;
        let subscription = far.subscribe(&subject).await.map_err(Failure::internal)?;
        // Nobody is there to answer; that the server says so shows that it has the subscription, which came before.
        match far.request(&self::subject("nobody")?, Bytes::new(), None, DEADLINE).await {
            Ok(_) | Err(RequestError::NobodyListens) => {}
            Err(error) => return Err(Failure::internal(error)),
        }
        let bus = connect(url, "bench-publisher").await?;
        Ok((Self { bus, subject }, subscription))
    }

    /// Publishes a message of so many bytes that begins with a number.
    ///
    /// # Errors
    /// When the connection does not take it.
    pub(super) async fn send(&self, number: u64) -> Result<(), Failure> {
        let mut payload = vec![b'm'; ASKED_BYTES];
        payload.splice(..8, number.to_be_bytes());
        self.bus.publish(&self.subject, payload.into(), None).await.map_err(Failure::internal)
    }
}

/// The number a published message begins with.
pub(super) fn number(payload: &[u8]) -> Option<u64> {
    payload.first_chunk().copied().map(u64::from_be_bytes)
}

fn subject(what: &str) -> Result<Subject, Failure> {
    Subject::new(["whistle-bench", what]).map_err(Failure::internal)
}

async fn connect(url: &str, name: &str) -> Result<Bus, Failure> {
    let bus = Bus::connect(&Settings::local(url), name).await.map_err(Failure::internal)?;
    bus.connected().await;
    Ok(bus)
}
