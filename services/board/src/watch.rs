//! Changes of cases as they happen. Level-triggered: rows are read again by their last change, so a slow reader gets what is,
//! not what was, and nothing has to be kept for it but where it stands.

use std::collections::HashSet;
use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use case::Case;
use case::ids::CaseId;
use ledger::{LedgerError, Position};
use rusqlite::types::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::Failure;
use wire::pb::whistle::board::v1 as pb;

use crate::Board;
use crate::filter::may_ask;
use crate::query::{self, Changed};
use crate::reads::{Asker, Numbered, case_id, checked, of_behind};
use crate::sight::Clause;

/// Updates that wait for a slow reader; then rows are not read until it reads.
const UPDATES_WAITING: usize = 16;
/// Rows read at once.
const ROWS: usize = 64;
/// How long nothing may be told before the reader is told where it stands, however much else changes.
pub(crate) const BOOKMARK_AFTER: Duration = Duration::from_secs(30);
/// How often it is asked whether a reader may still read, while there is nothing for it or it takes nothing.
pub(crate) const CHECK_AFTER: Duration = Duration::from_secs(3);
/// How long a reader may take over why its watch ends.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Cases remembered as shown, to tell when one leaves. Beyond them every case in sight that does not fit is told as having left.
const SHOWN_MAX: usize = 10_000;

type Update = Result<pb::CaseUpdate, Status>;
type Updates = ReceiverStream<Update>;
type Room = mpsc::OwnedPermit<Update>;

/// One reader.
struct Watcher {
    board: Board,
    metadata: MetadataMap,
    watched: Watched,
    after: Position,
    shown: Shown,
    bookmark_at: Instant,
    updates: mpsc::Sender<Update>,
}

/// What is watched, as it was asked for: what that means may be another with time, and with who the caller is by then.
enum Watched {
    Case(CaseId),
    Filter(Box<pb::CaseFilter>),
}

/// A case as the caller finds it.
enum Found {
    Case(Numbered),
    /// In sight by its row; the log's own words of it cannot be read any more.
    Damaged,
    OutOfSight,
}

/// The reader is gone, or was told why it ends.
struct Ended;

/// Which cases the reader knows of.
struct Shown {
    cases: HashSet<CaseId>,
    /// It may know of others: it resumed, or there were too many.
    others: bool,
}

impl Shown {
    fn add(&mut self, case: CaseId) {
        if self.cases.len() < SHOWN_MAX {
            self.cases.insert(case);
        } else {
            self.others = true;
        }
    }
}

impl Board {
    pub(crate) async fn watch(
        &self,
        metadata: &MetadataMap,
        asked: pb::WatchCasesRequest,
    ) -> Result<Updates, Status> {
        let asker = self.asker(metadata)?;
        let watched = self.watched(&asker, &asked).await?;
        let resumes = !asked.after.is_empty();
        let after = if resumes {
            desk::token::decode(&self.desk.ledger, &asked.after).await?
        } else {
            self.view.position()
        };
        let permit = self.watchers.clone().try_acquire_owned().map_err(|_full| Failure::Busy)?;
        let (updates, receiver) = mpsc::channel(UPDATES_WAITING);
        let mut shown = Shown { cases: HashSet::new(), others: resumes };
        if let Watched::Case(id) = &watched {
            // It was in sight just now, and whoever asks for it knows of it.
            shown.add(*id);
        }
        let (board, metadata) = (self.clone(), metadata.clone());
        let bookmark_at = Instant::now() + self.bookmark_after;
        let watcher = Watcher { board, metadata, watched, after, shown, bookmark_at, updates };
        self.shutdown.spawn("watch cases", async move {
            let _permit = permit;
            watcher.run().await;
        });
        Ok(ReceiverStream::new(receiver))
    }

    /// What is watched: a case in sight, or a filter that reads and may be asked.
    async fn watched(&self, asker: &Asker, asked: &pb::WatchCasesRequest) -> Result<Watched, Status> {
        if asked.case_id.is_empty() {
            let watched = Watched::Filter(Box::new(asked.filter.clone().unwrap_or_default()));
            self.fits(asker, &watched)?;
            return Ok(watched);
        }
        let mut violations = Vec::new();
        let id = case_id(&asked.case_id, &mut violations);
        checked(violations)?;
        let id = id.ok_or(Failure::Internal)?;
        self.case_for(asker, id).await?;
        Ok(Watched::Case(id))
    }

    /// Which cases that is, for who asks and when.
    fn fits(&self, asker: &Asker, watched: &Watched) -> Result<Clause, Status> {
        let filter = match watched {
            Watched::Case(id) => {
                return Ok(Clause::new("c.case_id = ?", vec![Value::Blob(id.0.as_bytes().to_vec())]));
            }
            Watched::Filter(filter) => filter,
        };
        let mut violations = Vec::new();
        let filter = self.reader(asker)?.read(filter, &mut violations);
        checked(violations)?;
        may_ask(&filter, &asker.actor).map_err(Failure::Refused)?;
        Ok(filter.clause)
    }
}

impl Watcher {
    /// Until the reader goes, the role stops, or something cannot be read.
    async fn run(mut self) {
        let (shutdown, closed) = (self.board.shutdown.clone(), self.updates.clone());
        tokio::select! {
            Err(Ended) = self.serve() => {}
            () = closed.closed() => {}
            () = shutdown.started() => {
                // Whoever can still read is told to come again; nobody waits for those who cannot.
                drop(closed.try_send(Err(Failure::Unavailable.into())));
            }
        }
    }

    /// Tells what changed; and where the reader stands, once it was told everything and whenever nothing was told for a while.
    async fn serve(&mut self) -> Result<Infallible, Ended> {
        while self.tell_some().await? {}
        self.bookmark().await?;
        loop {
            self.wait().await?;
            while self.tell_some().await? {}
        }
    }

    /// Tells of cases changed since, and gives whether there are more.
    async fn tell_some(&mut self) -> Result<bool, Ended> {
        let (rows, read_for, position) = match self.rows().await {
            Ok(read) => read,
            Err(status) => return self.end(status).await,
        };
        let more = rows.len() > ROWS;
        for row in rows.iter().take(ROWS) {
            // Room first: what is told is as it is once the reader takes it, and to whom it is told is as it is then.
            let room = self.room().await?;
            let asker = match self.board.asker(&self.metadata) {
                Ok(asker) => asker,
                Err(status) => return self.end(status).await,
            };
            if !asker.is_still(&read_for) {
                return Ok(true);
            }
            let update = match self.update(&asker, row).await {
                Ok(update) => update,
                Err(status) => return self.end(status).await,
            };
            self.after = position_of(row);
            if let Some(update) = update {
                self.send(room, update);
            }
        }
        if !more {
            self.after = self.after.max(position);
        }
        // Asked here and not by waiting alone: where something changes all the time, there is never a wait.
        if Instant::now() >= self.bookmark_at {
            self.bookmark().await?;
        }
        Ok(more)
    }

    /// Rows changed since, by the sight the caller has now and by what the filter means now.
    async fn rows(&self) -> Result<(Vec<Changed>, Asker, Position), Status> {
        let asker = self.board.asker(&self.metadata)?;
        let (seen, fits) = (asker.seen(), self.board.fits(&asker, &self.watched)?);
        let after = i64::try_from(self.after.get()).unwrap_or(i64::MAX);
        let (rows, position) =
            self.board.ask(move |db| query::changed(db, after, &seen, &fits, ROWS)).await?;
        Ok((rows, asker, position))
    }

    /// What to tell of a changed case, if anything.
    async fn update(&mut self, asker: &Asker, row: &Changed) -> Result<Option<pb::CaseUpdate>, Status> {
        let id = row.found.case;
        let found = if row.seen { self.find(asker, id).await? } else { Found::OutOfSight };
        let position_token = self.board.token(position_of(row));
        if matches!(found, Found::OutOfSight) {
            // A case the reader was never shown is not even named.
            return Ok(self.shown.cases.remove(&id).then(|| left_sight(id, position_token)));
        }
        let kind = if row.fits {
            self.shown.add(id);
            pb::UpdateKind::Changed
        } else if self.shown.cases.remove(&id) || self.shown.others {
            pb::UpdateKind::LeftFilter
        } else {
            return Ok(None);
        };
        let summary = match found {
            Found::Case((case, number)) => self.summary(asker, &case, number).await?,
            Found::Damaged | Found::OutOfSight => only_id(id),
        };
        Ok(Some(pb::CaseUpdate { kind: kind.into(), case: Some(summary), position_token }))
    }

    async fn find(&self, asker: &Asker, id: CaseId) -> Result<Found, Status> {
        match self.board.read_if_seen(asker, id).await {
            Ok(Some(numbered)) => Ok(Found::Case(numbered)),
            Ok(None) => Ok(Found::OutOfSight),
            // One case is no reason to tell nothing of the others.
            Err(error @ LedgerError::Damaged { .. }) => {
                tracing::error!(case = %id, %error, "a case is damaged");
                Ok(Found::Damaged)
            }
            Err(error) => Err(desk::of_ledger(&error).into()),
        }
    }

    async fn summary(
        &self,
        asker: &Asker,
        case: &std::sync::Arc<Case>,
        number: String,
    ) -> Result<pb::CaseSummary, Status> {
        let summaries = self.board.summaries(asker, vec![(case.clone(), number)]).await?;
        summaries.into_iter().next().ok_or_else(|| Failure::Internal.into())
    }

    /// Waits for a change, at most until the reader is to be told where it stands.
    async fn wait(&self) -> Result<(), Ended> {
        let changed = timeout_at(self.bookmark_at, self.board.view.changed_since(self.after));
        match self.guarded(changed).await? {
            Ok(Ok(_)) | Err(_) => Ok(()),
            Ok(Err(behind)) => self.end(of_behind(&behind)).await,
        }
    }

    async fn bookmark(&mut self) -> Result<(), Ended> {
        let room = self.room().await?;
        let position_token = self.board.token(self.after);
        let kind = pb::UpdateKind::Bookmark.into();
        self.send(room, pb::CaseUpdate { kind, case: None, position_token });
        Ok(())
    }

    /// A place among what waits for the reader.
    async fn room(&self) -> Result<Room, Ended> {
        self.guarded(self.updates.clone().reserve_owned()).await?.map_err(|_gone| Ended)
    }

    fn send(&mut self, room: Room, update: pb::CaseUpdate) {
        room.send(Ok(update));
        self.bookmark_at = Instant::now() + self.board.bookmark_after;
    }

    /// Waits for something for as long as the caller may ask.
    async fn guarded<T>(&self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout(self.board.check_after, &mut work).await {
                return Ok(done);
            }
            if let Err(status) = self.board.asker(&self.metadata) {
                return self.end(status).await;
            }
        }
    }

    /// Tells why it ends, unless the reader takes nothing.
    async fn end<T>(&self, status: Status) -> Result<T, Ended> {
        if timeout(LAST_WORDS, self.updates.send(Err(status))).await.is_err() {
            tracing::debug!("the reader of a watch did not take why it ended");
        }
        Err(Ended)
    }
}

fn position_of(row: &Changed) -> Position {
    Position(u64::try_from(row.found.position).unwrap_or(0))
}

fn left_sight(id: CaseId, position_token: String) -> pb::CaseUpdate {
    pb::CaseUpdate { kind: pb::UpdateKind::LeftYourScope.into(), case: Some(only_id(id)), position_token }
}

fn only_id(id: CaseId) -> pb::CaseSummary {
    pb::CaseSummary { case_id: id.to_string(), ..pb::CaseSummary::default() }
}
