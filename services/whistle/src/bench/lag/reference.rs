//! The reference: a bare tonic stream of the same messages, from a channel or, of one role a process, from a subscription of NATS.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bus::Subscription;
use service_kit::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use wire::pb::whistle::routing::v1 as routing;
use wire::pb::whistle::routing::v1::feed_service_client::FeedServiceClient;
use wire::pb::whistle::routing::v1::feed_service_server::{FeedService, FeedServiceServer};

use crate::bench::GRACE;
use crate::bench::hop::{self, Publisher};
use crate::bench::load::url;
use crate::bench::stats::{Latencies, Round};
use crate::client::Wire;
use crate::exit::Failure;

/// Messages waiting for the stream.
const WAITING_MAX: usize = 1_024;
/// How long the last messages may take.
const BEHIND_MAX: Duration = Duration::from_secs(60);
/// Instead of a message's number: there is none after it.
const END: u64 = u64::MAX;

type Item = Result<routing::FeedMessage, Status>;

/// What is streamed.
pub(super) struct Stream {
    /// The message, again and again.
    pub sample: routing::FeedMessage,
    /// Messages a second.
    pub per_s: f64,
    /// How long.
    pub time: Duration,
}

/// Where messages are put for the stream.
enum Source {
    Channel(mpsc::Sender<Item>, Box<routing::FeedMessage>),
    Nats(Publisher),
}

impl Stream {
    /// Sends numbered messages and takes the time each was on its way.
    ///
    /// # Errors
    /// When the stream cannot be served, or does not come to its end.
    pub(super) async fn measure(self, nats: Option<String>) -> Result<Round, Failure> {
        let shutdown = Shutdown::new();
        let (tx, rx) = mpsc::channel(WAITING_MAX);
        let address = serve(rx, &shutdown).await.map_err(Failure::internal)?;
        let source = match nats {
            None => Source::Channel(tx, Box::new(self.sample)),
            Some(nats) => {
                let (publisher, subscription) = Publisher::start(&nats).await?;
                shutdown.spawn("reference relay", relay(subscription, tx, self.sample));
                Source::Nats(publisher)
            }
        };
        let mut feed = FeedServiceClient::new(Wire::connect(&url(address)).await?);
        let mut messages = feed.subscribe(routing::SubscribeRequest::default()).await?.into_inner();
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut arrived = Vec::new();
            while let Some(message) = messages.message().await? {
                arrived.push((message.position_token.parse::<usize>().ok(), Instant::now()));
            }
            Ok::<_, Status>(arrived)
        });
        let began = Instant::now();
        let sent = source.send(self.per_s, self.time).await?;
        let busy = began.elapsed();
        let arrived = timeout(BEHIND_MAX, reading.join_next()).await.map_err(Failure::internal)?;
        let arrived = arrived.ok_or_else(|| Failure::internal("nobody read the reference"))?;
        let mut latencies = Latencies::new().map_err(Failure::internal)?;
        for (number, at) in arrived.map_err(Failure::internal)?? {
            if let Some(sent) = number.and_then(|number| sent.get(number)) {
                latencies.record(at.duration_since(*sent));
            }
        }
        shutdown.drain(GRACE).await;
        Ok(Round::of(&latencies, busy, Duration::ZERO))
    }
}

impl Source {
    /// Sends at a rate, for a time, and gives when each was sent.
    async fn send(self, per_s: f64, time: Duration) -> Result<Vec<Instant>, Failure> {
        let mut turns = interval(Duration::from_secs_f64(1.0 / per_s));
        let began = Instant::now();
        let mut sent = Vec::new();
        while began.elapsed() < time {
            turns.tick().await;
            let number = u64::try_from(sent.len()).unwrap_or(END);
            sent.push(Instant::now());
            self.put(number).await?;
        }
        if let Self::Nats(publisher) = self {
            publisher.send(END).await?;
        }
        Ok(sent)
    }

    async fn put(&self, number: u64) -> Result<(), Failure> {
        match self {
            Self::Channel(tx, sample) => {
                tx.send(Ok(numbered(sample, number))).await.map_err(Failure::internal)
            }
            Self::Nats(publisher) => publisher.send(number).await,
        }
    }
}

fn numbered(sample: &routing::FeedMessage, number: u64) -> routing::FeedMessage {
    routing::FeedMessage { position_token: number.to_string(), ..sample.clone() }
}

async fn relay(mut subscription: Subscription, tx: mpsc::Sender<Item>, sample: routing::FeedMessage) {
    while let Some(message) = subscription.next().await {
        let number = hop::number(&message.payload).filter(|number| *number != END);
        let Some(number) = number else { return };
        if tx.send(Ok(numbered(&sample, number))).await.is_err() {
            return;
        }
    }
}

/// A feed that gives what comes out of a channel to the first who subscribes.
struct Bare(Mutex<Option<mpsc::Receiver<Item>>>);

#[tonic::async_trait]
impl FeedService for Bare {
    type SubscribeStream = ReceiverStream<Item>;

    async fn subscribe(
        &self,
        _request: Request<routing::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let messages = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let messages = messages.ok_or_else(|| Status::resource_exhausted("somebody reads already"))?;
        Ok(Response::new(ReceiverStream::new(messages)))
    }

    async fn acknowledge(
        &self,
        _request: Request<routing::AcknowledgeRequest>,
    ) -> Result<Response<routing::AcknowledgeResponse>, Status> {
        Err(Status::unimplemented("the reference knows no such call"))
    }

    async fn get_feed_position(
        &self,
        _request: Request<routing::GetFeedPositionRequest>,
    ) -> Result<Response<routing::GetFeedPositionResponse>, Status> {
        Err(Status::unimplemented("the reference knows no such call"))
    }
}

async fn serve(messages: mpsc::Receiver<Item>, shutdown: &Shutdown) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let stop = shutdown.clone();
    shutdown.spawn("reference stream", async move {
        let server = Server::builder().add_service(FeedServiceServer::new(Bare(Mutex::new(Some(messages)))));
        if let Err(error) =
            server.serve_with_incoming_shutdown(incoming, async move { stop.started().await }).await
        {
            tracing::error!(%error, "the reference ended badly");
        }
    });
    Ok(address)
}
