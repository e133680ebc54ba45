//! One reader's stream: walks the index from where the reader is, waits when there is nothing, waits for the reader when it is slow.
//!
//! Nothing is buffered for a reader beyond one bounded channel. Whoever does not read keeps its place in the index and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use case::ids::{CaseId, ObligationNo};
use futures_util::future::join_all;
use ledger::Position;
use projection::{Behind, View};
use registry::ids::{OrgId, RegistryVersion};
use service_kit::principals::AuthError;
use service_kit::shutdown::Shutdown;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{OwnedPermit, Sender};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::Failure;
use wire::pb::whistle::routing::v1 as pb;
use wire::pb::whistle::routing::v1::feed_message::Message;

use super::Timing;
use super::index::{self, Latest};
use super::message::Messages;
use super::scope::Scope;
use super::seats::Seat;
use super::seen;

/// What one message of the stream is.
pub(super) type Item = Result<pb::FeedMessage, Status>;

/// Messages of one feed that are made at a time.
const MADE_TOGETHER: usize = 32;
/// How long the index may take to come to where the ledger is, before a snapshot.
const SNAPSHOT_WAIT: Duration = Duration::from_secs(10);
/// How long a reader may take over the last words of its stream.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A reader's place.
pub(super) struct Stream {
    pub messages: Messages,
    /// What the reader came with, to be judged by again.
    pub metadata: MetadataMap,
    pub request: pb::SubscribeRequest,
    /// The registry it was judged by.
    pub judged_by: RegistryVersion,
    pub view: View,
    pub latest: Latest,
    pub shutdown: Shutdown,
    pub timing: Timing,
    pub tx: Sender<Item>,
    pub cursor: u64,
    /// Whether a snapshot is to be sent, or not all of it was.
    pub snapshot: bool,
    /// Whose duties the snapshot shows, while it is being sent.
    pub holders: Option<BTreeSet<OrgId>>,
    pub check_at: Instant,
    pub bookmark_at: Instant,
    /// Held for as long as the stream is open.
    pub seat: Seat,
}

/// Why a stream ends.
enum End {
    /// Nobody reads any more.
    Gone,
    /// The reader's token was taken back.
    Revoked,
    /// By a newer registry the reader is somebody else, or hears of something else.
    Moved,
    /// The server stops.
    Stopping,
    Failed(Status),
}

/// Whether a message went out; if not, it is to be read and made again.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Yes,
    /// Its reader fell behind.
    Behind,
    /// Another registry is in force than when it was made.
    Outdated,
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl From<projection::ReadError> for End {
    fn from(error: projection::ReadError) -> Self {
        tracing::error!(%error, "the feed's index cannot be read");
        Self::Failed(Failure::Unavailable.into())
    }
}

impl From<Behind> for End {
    fn from(error: Behind) -> Self {
        tracing::error!(%error, "the feed's index does not follow");
        Self::Failed(Failure::Unavailable.into())
    }
}

impl Stream {
    /// Feeds the reader until one of the two is gone.
    pub(super) async fn run(mut self) {
        let Err(end) = self.feed().await;
        let status = match end {
            End::Gone => return,
            End::Revoked => AuthError::Unknown.into(),
            End::Moved | End::Stopping => {
                // A snapshot that is not whole has nowhere to go on from.
                if !self.snapshot {
                    let bookmark = self.bookmark();
                    self.last(Ok(bookmark)).await;
                }
                Failure::Unavailable.into()
            }
            End::Failed(status) => status,
        };
        self.last(Err(status)).await;
        tracing::debug!(principal = self.seat.principal(), "a feed ended");
    }

    async fn last(&self, item: Item) {
        if timeout(LAST_WORDS, self.tx.send(item)).await.is_err() {
            tracing::debug!("the reader of a feed did not take its last words");
        }
    }

    async fn feed(&mut self) -> Result<std::convert::Infallible, End> {
        if self.snapshot {
            self.send_snapshot().await?;
        }
        self.move_to(self.cursor);
        let orgs: Arc<[OrgId]> = self.messages.scope.orgs.clone().into();
        let mut caught_up = false;
        loop {
            let view = self.view.clone();
            let read = index::page(&view, Arc::clone(&orgs), self.cursor);
            let page = self.guarded(read).await??;
            let sent = self.send_rows(page.rows, caught_up).await?;
            if sent != Sent::Yes {
                caught_up &= sent != Sent::Behind;
                continue;
            }
            self.move_to(self.cursor.max(page.covered));
            if page.more {
                continue;
            }
            if !caught_up {
                let message = self.messages.plain(self.cursor, Message::CaughtUp(pb::CaughtUp {}));
                if self.send(message, self.judged_by).await? != Sent::Yes {
                    continue;
                }
            }
            // Whoever fell behind over a bookmark is to be told that it has caught up.
            caught_up = self.wait(&orgs).await? != Sent::Behind;
        }
    }

    /// Sends rows, and moves on with each that went out. Of a reader that had everything before, it is told how long that took.
    async fn send_rows(&mut self, rows: Vec<super::row::EventRow>, is_live: bool) -> Result<Sent, End> {
        let mut rows = rows.into_iter();
        loop {
            // A message asks the ledger and the vault, which may be a way to another process each: some go together.
            let some: Vec<_> = rows.by_ref().take(MADE_TOGETHER).collect();
            if some.is_empty() {
                return Ok(Sent::Yes);
            }
            let made_by = self.judged_by;
            let places: Vec<_> = some.iter().map(|row| (row.position, row.recorded_at)).collect();
            let made = join_all(some.into_iter().map(|row| self.messages.event(row))).await;
            for ((position, recorded_at), message) in places.into_iter().zip(made) {
                if let Some(message) = message? {
                    let sent = self.send(message, made_by).await?;
                    if sent != Sent::Yes {
                        return Ok(sent);
                    }
                    if is_live {
                        seen::delivered(recorded_at, self.messages.desk.clock.now());
                    }
                }
                self.move_to(position);
            }
        }
    }

    fn move_to(&mut self, position: u64) {
        self.cursor = position;
        self.seat.is_at(position);
    }

    /// Waits until there may be something for the reader; says meanwhile that there is nothing.
    async fn wait(&mut self, orgs: &[OrgId]) -> Result<Sent, End> {
        loop {
            let view = self.view.clone();
            let changed = view.changed_since(Position(self.cursor));
            match self.guarded(timeout_at(self.bookmark_at, changed)).await? {
                Ok(moved) => {
                    let position = moved?;
                    if self.latest.is_after(orgs, self.cursor) {
                        return Ok(Sent::Yes);
                    }
                    self.move_to(self.cursor.max(position.get()));
                }
                Err(_quiet) => {
                    let bookmark = self.bookmark();
                    if self.send(bookmark, self.judged_by).await? == Sent::Behind {
                        return Ok(Sent::Behind);
                    }
                }
            }
        }
    }

    fn bookmark(&self) -> pb::FeedMessage {
        let server_time = Some(wire::timestamp(self.messages.desk.clock.now()));
        self.messages.plain(self.cursor, Message::Bookmark(pb::Bookmark { server_time }))
    }

    /// Sends one message, made for the reader as it was judged by a registry. A reader that does not take it in time is told once it
    /// reads again, and is read for again from where it is: nothing waits in memory for it.
    async fn send(&mut self, message: pb::FeedMessage, made_by: RegistryVersion) -> Result<Sent, End> {
        self.bookmark_at = Instant::now() + self.messages.scope.bookmark_every;
        let room = match self.tx.clone().try_reserve_owned() {
            Ok(room) => room,
            Err(TrySendError::Closed(_)) => return Err(End::Gone),
            Err(TrySendError::Full(tx)) => {
                let Ok(room) = self.guarded(timeout(self.timing.slow_after, tx.reserve_owned())).await?
                else {
                    drop(message);
                    return self.tell_behind().await;
                };
                room.map_err(|_closed| End::Gone)?
            }
        };
        self.judge()?;
        if self.judged_by != made_by {
            return Ok(Sent::Outdated);
        }
        room.send(Ok(message));
        seen::sent();
        Ok(Sent::Yes)
    }

    /// Tells a reader that it is behind, once it reads again.
    async fn tell_behind(&mut self) -> Result<Sent, End> {
        let room = self.room().await?;
        let behind = self.messages.desk.ledger.head().position.get().saturating_sub(self.cursor);
        let told = self.messages.plain(self.cursor, Message::FellBehind(pb::FellBehind { behind }));
        room.send(Ok(told));
        Ok(Sent::Behind)
    }

    /// A place among what waits for the reader, however long that takes.
    async fn room(&mut self) -> Result<OwnedPermit<Item>, End> {
        let room = self.guarded(self.tx.clone().reserve_owned()).await?;
        room.map_err(|_closed| End::Gone)
    }

    /// Everything there is now, from a position noted before: what happens meanwhile comes after it.
    async fn send_snapshot(&mut self) -> Result<(), End> {
        let holders = self.holders()?;
        self.holders = Some(holders.clone());
        let head = self.messages.desk.ledger.head().position;
        let view = self.view.clone();
        self.guarded(view.wait_for(head, SNAPSHOT_WAIT)).await??;
        let noted = self.view.position().get();
        let mut entries = 0;
        for org in holders {
            let mut after = None;
            loop {
                let read = index::duties(&view, org.clone(), after);
                let duties = self.guarded(read).await??;
                let Some(last) = duties.last().copied() else { break };
                for (case, no) in duties {
                    entries += u64::from(self.send_entry(&org, case, no).await?);
                }
                after = Some(last);
            }
        }
        let room = self.room().await?;
        self.judge()?;
        let end = self.messages.plain(noted, Message::SnapshotEnd(pb::SnapshotEnd { entries }));
        room.send(Ok(end));
        seen::sent();
        self.move_to(noted);
        (self.snapshot, self.holders) = (false, None);
        Ok(())
    }

    /// Sends a duty as it is once the reader has room for it; gives whether there was something to send.
    async fn send_entry(&mut self, org: &OrgId, case: CaseId, no: ObligationNo) -> Result<bool, End> {
        let room = self.room().await?;
        loop {
            let made_by = self.judged_by;
            let entry = self.messages.snapshot_entry(org, case, no).await?;
            self.judge()?;
            if self.judged_by != made_by {
                continue;
            }
            let Some(entry) = entry else { return Ok(false) };
            room.send(Ok(entry));
            seen::sent();
            return Ok(true);
        }
    }

    /// The organisations of the scope with all below them, as the tree stands now.
    fn holders(&self) -> Result<BTreeSet<OrgId>, End> {
        let registry = self.messages.desk.published()?;
        let roots = &self.messages.scope.orgs;
        let below = |org: &OrgId| roots.iter().any(|root| registry.is_same_or_above(root, org));
        let known = registry.content().orgs.iter().map(|org| &org.id).filter(|org| below(org));
        Ok(known.chain(roots).cloned().collect())
    }

    /// Waits for something unless the stream is to end first.
    async fn guarded<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let mut work = std::pin::pin!(work);
        let tx = self.tx.clone();
        loop {
            tokio::select! {
                biased;
                () = tx.closed() => return Err(End::Gone),
                () = self.shutdown.started() => return Err(End::Stopping),
                () = sleep_until(self.check_at) => {
                    self.check_at = Instant::now() + self.timing.check_every;
                    self.check_token()?;
                    self.judge()?;
                }
                done = &mut work => return Ok(done),
            }
        }
    }

    /// Whether the reader's token is still its own, with the same rights.
    fn check_token(&self) -> Result<(), End> {
        let Messages { desk, caller, .. } = &self.messages;
        match desk.principals.authenticate(&self.metadata) {
            Ok(principal) if principal == caller.principal => Ok(()),
            Ok(_) | Err(_) => Err(End::Revoked),
        }
    }

    /// Judges the reader as at its beginning once another registry is in force, which says who holds which post and who is below
    /// whom. A stream keeps to what it began with, so one that would be told otherwise now ends, and its reader comes again.
    fn judge(&mut self) -> Result<(), End> {
        let Messages { desk, caller, scope } = &self.messages;
        let registry = desk.published()?;
        if registry.version() == self.judged_by {
            return Ok(());
        }
        let now = desk.caller(&self.metadata)?;
        if now.actor != caller.actor || Scope::of(&self.request, &now, &registry)? != *scope {
            return Err(End::Moved);
        }
        // A snapshot is of one tree: what has gone from it may be shown no more, and what has come was not.
        if self.holders.is_some() && self.holders != Some(self.holders()?) {
            return Err(End::Moved);
        }
        self.judged_by = registry.version();
        Ok(())
    }
}
