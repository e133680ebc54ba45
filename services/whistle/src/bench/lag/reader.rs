//! The department that reads its feed.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tonic::{Status, Streaming};
use wire::pb::whistle::routing::v1 as routing;
use wire::pb::whistle::routing::v1::feed_service_client::FeedServiceClient;
use wire::pb::whistle::routing::v1::subscribe_request::Start;

use super::matching;
use crate::bench::district::District;
use crate::client::{Client, Wire};
use crate::exit::Failure;

/// Longer behind than this is no measurement any more.
const BEHIND_MAX: Duration = Duration::from_secs(60);
/// How often a quiet feed says how far it is.
const BOOKMARK_EVERY: SignedDuration = SignedDuration::from_secs(1);

/// A feed being read.
pub(super) struct Reader {
    /// The one task; it ends with this.
    task: JoinSet<Result<Read, Status>>,
    until: watch::Sender<Option<u64>>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Read {
    /// When what came.
    pub at: matching::Arrivals,
    /// One of the messages.
    pub sample: Option<routing::FeedMessage>,
}

impl Reader {
    /// Subscribes to what happens from now on.
    ///
    /// # Errors
    /// When the feed is refused.
    pub(super) async fn subscribe(channel: &Wire, district: &District) -> Result<Self, Failure> {
        let client = Client::on(channel.clone(), Some(&district.tokens.handler))?;
        let mut feed = FeedServiceClient::new(channel.clone());
        let asked = routing::GetFeedPositionRequest::default();
        let head = feed.get_feed_position(client.call(asked)).await?.into_inner().head_token;
        let request = routing::SubscribeRequest {
            org_ids: vec![district.lead.to_string()],
            start: Some(Start::ResumeToken(head)),
            bookmark_interval: Some(wire::view::duration(BOOKMARK_EVERY)),
            ..routing::SubscribeRequest::default()
        };
        let messages = feed.subscribe(client.stream(request)).await?.into_inner();
        let (until, told) = watch::channel(None);
        let mut task = JoinSet::new();
        task.spawn(read(messages, told));
        Ok(Self { task, until })
    }

    /// Reads on to a position and gives what came.
    ///
    /// # Errors
    /// When the feed breaks off, or does not come there in a minute.
    pub(super) async fn until(self, position: u64) -> Result<Read, Failure> {
        let Self { mut task, until } = self;
        until.send_replace(Some(position));
        let Ok(Some(read)) = timeout(BEHIND_MAX, task.join_next()).await else {
            return Err(Failure::internal(format!("the feed does not come to position {position}")));
        };
        Ok(read.map_err(Failure::internal)??)
    }
}

/// Reads until a position that is told later; ends when nobody will tell any more.
async fn read(
    mut messages: Streaming<routing::FeedMessage>,
    mut until: watch::Receiver<Option<u64>>,
) -> Result<Read, Status> {
    let mut read = Read::default();
    let mut reached = 0;
    loop {
        tokio::select! {
            biased;
            message = messages.message() => {
                let arrived = Instant::now();
                let message = message?.ok_or_else(|| Status::unavailable("the feed ended"))?;
                reached = position(&message.position_token).unwrap_or(reached);
                read.note(message, reached, arrived);
            }
            told = until.changed() => {
                if told.is_err() {
                    return Ok(read);
                }
            }
        }
        if until.borrow().is_some_and(|until| reached >= until) {
            return Ok(read);
        }
    }
}

impl Read {
    fn note(&mut self, message: routing::FeedMessage, position: u64, arrived: Instant) {
        if let (Some(_), Some(case)) = (&message.event, &message.case) {
            self.at.entry(case.case_id.clone()).or_default().push((position, arrived));
            self.sample = Some(message);
        }
    }
}

/// The position a token tells; good for comparing tokens of one ledger.
pub(super) fn position(token: &str) -> Option<u64> {
    token.rsplit('.').next()?.parse().ok()
}
