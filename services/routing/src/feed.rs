//! The departments' feed: what they have to do, as it happens, with nothing left out and nothing twice.
//!
//! An index says which organisation hears of which event; each reader walks along it at its own pace. A token is a position of the
//! ledger, and one event is at most one message, so resuming at a token gives exactly what follows it.

mod acks;
mod damaged;
mod fold;
mod index;
mod kinds;
mod message;
mod opener;
mod row;
mod scope;
mod seats;
mod seen;
mod stream;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use case::Refusal;
use case::refusal::Violation;
use case::time::At;
use desk::{Caller, Desk, token};
use ledger::Position;
use projection::{OpenError, Options, View};
use service_kit::shutdown::Shutdown;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status};
use wire::Failure;
use wire::pb::whistle::routing::v1 as pb;
use wire::pb::whistle::routing::v1::feed_service_server::{FeedService, FeedServiceServer};
use wire::pb::whistle::routing::v1::subscribe_request::Start;

use self::acks::{Ack, AckError, Acks};
use self::index::{Index, Latest};
use self::message::Messages;
use self::scope::Scope;
use self::seats::Seats;
use self::stream::{Item, Stream};

/// Between two transactions of the index while many write: departments hear of a commit that much later then.
const PAUSE: Duration = Duration::from_millis(2);
/// Messages that may wait for one reader.
const CHANNEL_MESSAGES: usize = 32;

/// How patient the feed is.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// After so long without reading, a reader is behind.
    slow_after: Duration,
    /// How often it is asked whether a reader's token and post still hold.
    check_every: Duration,
}

impl Timing {
    const DEFAULT: Self = Self { slow_after: Duration::from_secs(2), check_every: Duration::from_secs(3) };
}

/// The feed. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Feed {
    desk: Desk,
    view: View,
    latest: Latest,
    acks: Acks,
    seats: Seats,
    shutdown: Shutdown,
    timing: Timing,
}

impl Feed {
    /// Opens the index and the acknowledgements in `dir`; both end with the shutdown.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(desk: Desk, dir: &Path, shutdown: &Shutdown) -> Result<Self, OpenError> {
        let index = Index::default();
        let latest = index.latest.clone();
        let stop = shutdown.token().clone();
        let options = Options { pause: PAUSE, ..Options::DEFAULT };
        let (view, run) = projection::start(dir, index, desk.ledger.clone(), options, stop).await?;
        let acks = Acks::open(dir)?;
        let ending = shutdown.clone();
        shutdown.spawn("feed index", async move {
            if let Err(error) = run.await {
                tracing::error!(%error, "the feed's index cannot follow the ledger");
                ending.fail("feed");
            }
        });
        let (seats, shutdown, timing) = (Seats::default(), shutdown.clone(), Timing::DEFAULT);
        let (looking, ending) = (seen::keep(desk.clone(), seats.clone()), shutdown.clone());
        shutdown.spawn("feed gauges", async move {
            tokio::select! {
                () = looking => {}
                () = ending.started() => {}
            }
        });
        Ok(Self { desk, view, latest, acks, seats, shutdown, timing })
    }

    /// How the index stands, for health and for those who wait for it.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Adds the API.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        let server = FeedServiceServer::new(self.clone())
            .max_decoding_message_size(desk::REQUEST_BYTES_MAX)
            .max_encoding_message_size(desk::RESPONSE_BYTES_MAX);
        routes.add_service(server);
    }

    async fn start_of(&self, request: &pb::SubscribeRequest, caller: &Caller) -> Result<u64, Status> {
        let resumed = async |text: &str| token::decode(&self.desk.ledger, text).await.map(Position::get);
        match &request.start {
            Some(Start::ResumeToken(text)) => Ok(resumed(text).await?),
            Some(Start::FromAcknowledged(true)) => match self.acknowledged(caller, &request.feed_name).await?
            {
                Some(ack) => Ok(resumed(&ack.token).await?),
                None => Ok(0),
            },
            Some(Start::SendSnapshot(_) | Start::FromAcknowledged(false)) | None => Ok(0),
        }
    }

    async fn acknowledged(&self, caller: &Caller, feed: &str) -> Result<Option<Ack>, Status> {
        self.acks.find(caller.principal.id.clone(), feed.to_owned()).await.map_err(of_ack)
    }
}

fn of_ack(error: AckError) -> Status {
    match error {
        AckError::TooManyNames => {
            Failure::Refused(Refusal::Limit { name: "feed_names_max", limit: AckError::NAMES_MAX }).into()
        }
        AckError::Sql(_) | AckError::GoingDown => {
            tracing::error!(%error, "acknowledgements cannot be kept");
            Failure::Unavailable.into()
        }
    }
}

/// Whoever acknowledges reads feeds, and names them as they should be named.
fn check_name(caller: &Caller, feed: &str) -> Result<(), Status> {
    scope::may_read(caller)?;
    let mut violations: Vec<Violation> = Vec::new();
    scope::feed_name(feed, &mut violations);
    if violations.is_empty() { Ok(()) } else { Err(Failure::Invalid(violations).into()) }
}

#[tonic::async_trait]
impl FeedService for Feed {
    type SubscribeStream = ReceiverStream<Item>;

    async fn subscribe(
        &self,
        request: Request<pb::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        // The registry first: one that comes between the two is newer than what the reader counts as judged by.
        let registry = self.desk.published();
        let (metadata, _, request) = request.into_parts();
        let caller = self.desk.caller(&metadata)?;
        let registry = registry?;
        let scope = Scope::of(&request, &caller, &registry)?;
        let cursor = self.start_of(&request, &caller).await?;
        let seat = self.seats.take(&caller.principal.id).ok_or_else(|| Status::from(Failure::Busy))?;
        let (tx, rx) = mpsc::channel(CHANNEL_MESSAGES);
        let snapshot = matches!(request.start, Some(Start::SendSnapshot(true)));
        let stream = Stream {
            check_at: Instant::now() + self.timing.check_every,
            bookmark_at: Instant::now() + scope.bookmark_every,
            messages: Messages { desk: self.desk.clone(), caller, scope },
            metadata,
            request,
            judged_by: registry.version(),
            view: self.view.clone(),
            latest: self.latest.clone(),
            shutdown: self.shutdown.clone(),
            timing: self.timing,
            tx,
            cursor,
            snapshot,
            holders: None,
            seat,
        };
        self.shutdown.spawn("feed", stream.run());
        Ok(Response::new(ReceiverStream::new(rx)))
    }

    async fn acknowledge(
        &self,
        request: Request<pb::AcknowledgeRequest>,
    ) -> Result<Response<pb::AcknowledgeResponse>, Status> {
        let caller = self.desk.caller(request.metadata())?;
        let request = request.into_inner();
        check_name(&caller, &request.feed_name)?;
        let position = token::decode(&self.desk.ledger, &request.position_token).await?.get();
        let epoch = self.desk.ledger.head().epoch;
        let at = At::new(self.desk.clock.now());
        let ack = Ack { epoch, position, token: request.position_token, at };
        let stands = self.acks.keep(caller.principal.id.clone(), request.feed_name, ack).await;
        let position_token = stands.map_err(of_ack)?.token;
        Ok(Response::new(pb::AcknowledgeResponse { position_token }))
    }

    async fn get_feed_position(
        &self,
        request: Request<pb::GetFeedPositionRequest>,
    ) -> Result<Response<pb::GetFeedPositionResponse>, Status> {
        let caller = self.desk.caller(request.metadata())?;
        let request = request.into_inner();
        check_name(&caller, &request.feed_name)?;
        let ack = self.acknowledged(&caller, &request.feed_name).await?;
        let token = |position| token::encode(&self.desk.ledger, position);
        Ok(Response::new(pb::GetFeedPositionResponse {
            acknowledged_time: ack.as_ref().map(|ack| wire::timestamp(ack.at)),
            acknowledged_token: ack.map(|ack| ack.token).unwrap_or_default(),
            oldest_token: token(Position(0)),
            head_token: token(self.view.position()),
        }))
    }
}
