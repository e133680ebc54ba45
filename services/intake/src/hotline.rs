//! The hotline's exchange: another system pushes its tickets and hears what becomes of them.
//!
//! A ticket that decodes is always taken. What is missing or wrong becomes a listed defect; what has no place here, or had to be
//! mended, is kept sealed as it came. Each revision of a ticket happens once, under an id that derives from it, so a source may push
//! the same again as often as it likes.

mod body;
mod exchange;
mod index;
mod receipt;
mod server;
mod take;
#[cfg(test)]
mod tests;
mod text;
mod understand;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use case::Refusal;
use desk::Desk;
use futures_util::{Stream, StreamExt as _};
use projection::{OpenError, Options, View};
use registry::ids::Role;
use service_kit::shutdown::Shutdown;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status, Streaming};
use wire::Failure;
use wire::pb::whistle::intake::v1 as pb;
use wire::pb::whistle::intake::v1::to_source::Message as Answer;

use self::exchange::{Exchange, Item};
use self::index::Index;
use self::server::{Heard, Sent, Server};

/// Largest message read off the wire, in bytes: above the largest body, so that one that is too large still gets its receipt.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// Messages that may wait for one source.
const CHANNEL_MESSAGES: usize = 64;
/// Exchanges open at one time: a district has a handful of sources.
const EXCHANGES_MAX: usize = 256;

/// How patient the exchange is.
#[derive(Debug, Clone, Copy)]
struct Timing {
    /// How long nothing may be told before the source is told where it stands, however much else happens.
    bookmark_every: Duration,
    /// How often it is asked whether a source's token still holds.
    check_every: Duration,
}

impl Timing {
    const DEFAULT: Self =
        Self { bookmark_every: Duration::from_secs(30), check_every: Duration::from_secs(3) };
}

/// The exchange. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Hotline {
    desk: Desk,
    view: View,
    shutdown: Shutdown,
    seats: Arc<Semaphore>,
    timing: Timing,
}

impl Hotline {
    /// Opens the outcomes' index in `dir`; it ends with the shutdown.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn start(desk: Desk, dir: &Path, shutdown: &Shutdown) -> Result<Self, OpenError> {
        let stop = shutdown.token().clone();
        let (view, run) = projection::start(dir, Index, desk.ledger.clone(), Options::DEFAULT, stop).await?;
        let ending = shutdown.clone();
        shutdown.spawn("hotline index", async move {
            if let Err(error) = run.await {
                tracing::error!(%error, "the outcomes cannot follow the ledger");
                ending.fail("hotline");
            }
        });
        let seats = Arc::new(Semaphore::new(EXCHANGES_MAX));
        Ok(Self { desk, view, shutdown: shutdown.clone(), seats, timing: Timing::DEFAULT })
    }

    /// How the index stands, for health and for those who wait for it.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Adds the API.
    pub fn add_to(&self, routes: &mut RoutesBuilder) {
        routes.add_service(Server(self.clone()));
    }

    /// Begins an exchange.
    fn exchange(&self, request: Request<Streaming<Heard>>) -> Result<Response<Sent>, Status> {
        let (tx, rx) = mpsc::channel(CHANNEL_MESSAGES);
        let exchange = self.seated(request.metadata(), tx)?;
        let inbound = request.into_inner().map(|heard| heard.map_err(wire::explain));
        self.shutdown.spawn("hotline", exchange.run(inbound));
        Ok(Response::new(counted(ReceiverStream::new(rx))))
    }

    /// The exchange of a source that may have one, and a seat for it.
    fn seated(&self, metadata: &MetadataMap, tx: mpsc::Sender<Item>) -> Result<Exchange, Status> {
        let caller = self.desk.caller(metadata)?;
        let source = caller.principal.source.clone().filter(|_| caller.principal.has(Role::SourceSystem));
        let missing =
            || Status::from(Failure::Refused(Refusal::RoleMissing { needed: vec![Role::SourceSystem] }));
        let source = source.ok_or_else(missing)?;
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        let seat = seat.map_err(|_full| Status::from(Failure::Busy))?;
        Ok(Exchange {
            desk: self.desk.clone(),
            caller,
            source,
            view: self.view.clone(),
            shutdown: self.shutdown.clone(),
            timing: self.timing,
            tx,
            seat: Arc::new(seat),
        })
    }
}

/// Counts what goes out, and says up to where the source was answered.
fn counted(items: impl Stream<Item = Item> + Send + 'static) -> Sent {
    let (mut seq, mut ack) = (0_u64, 0_u64);
    Box::pin(items.map(move |item| {
        let message = item?;
        seq = seq.saturating_add(1);
        if let Answer::Receipt(receipt) = &message {
            ack = ack.max(receipt.seq);
        }
        Ok(pb::ToSource { seq, ack, message: Some(message) })
    }))
}
