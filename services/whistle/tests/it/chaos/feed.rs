//! A reader of the feed that goes on where it was, at whichever copy answers.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tonic::{Code, Request, Status, Streaming};
use wire::pb::whistle::routing::v1::feed_message::Message;
use wire::pb::whistle::routing::v1::feed_service_client::FeedServiceClient;
use wire::pb::whistle::routing::v1::subscribe_request::Start;
use wire::pb::whistle::routing::v1::{FeedMessage, SubscribeRequest};

use crate::district::District;

/// The whole district: everybody is below it.
const ORG: &str = "huancui";
/// May read any organisation's.
const BEARER: &str = "Bearer sandbox-centre-officer-1";
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);
/// Longer than a message takes that is on its way.
const PATIENCE: Duration = Duration::from_secs(60);

/// The reader, reading.
pub(super) struct Reader {
    kept: Receiver<FeedMessage>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<u64>,
}

impl Reader {
    pub(super) fn start(district: &District) -> Self {
        let (sender, kept) = channel();
        let (stop, stopped) = oneshot::channel();
        let addresses = addresses(district);
        let thread =
            std::thread::spawn(move || Runtime::new().unwrap().block_on(follow(addresses, sender, stopped)));
        Self { kept, stop, thread }
    }

    /// Sees that it hears what every copy says from the beginning, and ends it.
    pub(super) fn heard_everything(self, district: &District) {
        let runtime = Runtime::new().unwrap();
        let mut copies = addresses(district).into_iter().map(|address| runtime.block_on(read(&address)));
        let whole = copies.next().unwrap();
        assert!(!whole.is_empty(), "nobody has anything to do");
        for copy in copies {
            same(&copy, &whole);
        }
        let heard: Vec<FeedMessage> =
            whole.iter().map_while(|_| self.kept.recv_timeout(PATIENCE).ok()).collect();
        same(&heard, &whole);
        self.stop.send(()).unwrap();
        let breaks = self.thread.join().unwrap();
        assert_eq!(self.kept.try_iter().count(), 0, "it heard more than there is");
        println!("chaos: {} messages of the feed, {breaks} breaks", whole.len());
    }
}

/// Token and event of each message first, which is easier to look at; then everything.
fn same(found: &[FeedMessage], wanted: &[FeedMessage]) {
    let short = |messages: &[FeedMessage]| -> Vec<(String, String)> {
        let event = |message: &FeedMessage| message.event.clone().unwrap().event_id;
        messages.iter().map(|message| (message.position_token.clone(), event(message))).collect()
    };
    assert_eq!(short(found), short(wanted));
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found, wanted);
    }
}

fn addresses(district: &District) -> Vec<String> {
    let routing = district.processes.iter().filter(|process| process.role == "routing");
    routing.map(|process| format!("http://{}", process.address)).collect()
}

/// Reads until stopped, and gives how often the stream broke.
async fn follow(
    addresses: Vec<String>,
    kept: Sender<FeedMessage>,
    mut stopped: oneshot::Receiver<()>,
) -> u64 {
    let mut last = None;
    let mut breaks = 0;
    for address in addresses.iter().cycle() {
        let end = tokio::select! {
            _ = &mut stopped => return breaks,
            end = follow_one(address, &mut last, &kept) => end,
        };
        if let Err(status) = end {
            assert!(is_passing(&status), "after {last:?}: {status:?}");
        }
        breaks += 1;
        tokio::time::sleep(PAUSE).await;
    }
    breaks
}

async fn follow_one(
    address: &str,
    last: &mut Option<String>,
    kept: &Sender<FeedMessage>,
) -> Result<(), Status> {
    let mut messages = subscribe(address, last.clone()).await?;
    while let Some(message) = messages.message().await? {
        if !message.position_token.is_empty() {
            *last = Some(message.position_token.clone());
        }
        if message.event.is_some() {
            kept.send(message).unwrap();
        }
    }
    Ok(())
}

/// Everything there is.
async fn read(address: &str) -> Vec<FeedMessage> {
    let mut messages = subscribe(address, None).await.unwrap();
    let mut read = Vec::new();
    while let Some(message) = messages.message().await.unwrap() {
        if matches!(message.message, Some(Message::CaughtUp(_))) {
            return read;
        }
        read.extend(Some(message).filter(|message| message.event.is_some()));
    }
    panic!("{address}: the feed ended before it was caught up");
}

async fn subscribe(address: &str, after: Option<String>) -> Result<Streaming<FeedMessage>, Status> {
    let channel = FeedServiceClient::connect(address.to_owned()).await;
    let mut feed = channel.map_err(|error| Status::from_error(Box::new(error)))?;
    let start = after.map(Start::ResumeToken);
    let request = SubscribeRequest { org_ids: vec![ORG.to_owned()], start, ..SubscribeRequest::default() };
    let mut request = Request::new(request);
    request.metadata_mut().insert("authorization", BEARER.parse().unwrap());
    Ok(feed.subscribe(request).await?.into_inner())
}

/// The copy is away or stops; or the connection broke, which comes with a source.
fn is_passing(status: &Status) -> bool {
    status.code() == Code::Unavailable || std::error::Error::source(status).is_some()
}
