//! Changes of cases as they happen. Level-triggered: rows are read again by their last change, so a slow reader gets what is,
//! not what was, and nothing has to be kept for it but where it stands.

use std::collections::HashSet;
use std::time::Duration;

use case::Case;
use case::ids::CaseId;
use ledger::Position;
use rusqlite::types::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::metadata::MetadataMap;
use wire::Failure;
use wire::pb::whistle::board::v1 as pb;

use crate::Board;
use crate::filter::may_ask;
use crate::query::{self, Changed};
use crate::reads::{Asker, case_id, checked, of_behind};
use crate::sight::{self, Clause};

/// Updates that wait for a slow reader; then rows are not read until it reads.
const UPDATES_WAITING: usize = 16;
/// Rows read at once.
const ROWS: usize = 64;
/// How long nothing may change before the reader is told where it stands.
const BOOKMARK_AFTER: Duration = Duration::from_secs(30);
/// Cases remembered as shown, to tell when one leaves. Beyond them every case in sight that does not fit is told as having left.
const SHOWN_MAX: usize = 10_000;

type Updates = ReceiverStream<Result<pb::CaseUpdate, Status>>;

/// One reader.
struct Watcher {
    board: Board,
    metadata: MetadataMap,
    fits: Clause,
    after: Position,
    shown: Shown,
    updates: mpsc::Sender<Result<pb::CaseUpdate, Status>>,
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
        let fits = self.watched(&asker, &asked).await?;
        let resumes = !asked.after.is_empty();
        let after = if resumes {
            desk::token::decode(&self.desk.ledger, &asked.after).await?
        } else {
            self.view.position()
        };
        let permit = self.watchers.clone().try_acquire_owned().map_err(|_full| Failure::Busy)?;
        let (updates, receiver) = mpsc::channel(UPDATES_WAITING);
        let shown = Shown { cases: HashSet::new(), others: resumes };
        let (board, metadata) = (self.clone(), metadata.clone());
        let watcher = Watcher { board, metadata, fits, after, shown, updates };
        self.shutdown.spawn("watch cases", async move {
            let _permit = permit;
            watcher.run().await;
        });
        Ok(ReceiverStream::new(receiver))
    }

    /// What is watched: a case in sight, or a filter.
    async fn watched(&self, asker: &Asker, asked: &pb::WatchCasesRequest) -> Result<Clause, Status> {
        let mut violations = Vec::new();
        if asked.case_id.is_empty() {
            let filter = asked.filter.clone().unwrap_or_default();
            let filter = self.reader(asker)?.read(&filter, &mut violations);
            checked(violations)?;
            may_ask(&filter, &asker.actor).map_err(Failure::Refused)?;
            return Ok(filter.clause);
        }
        let id = case_id(&asked.case_id, &mut violations);
        checked(violations)?;
        let id = id.ok_or(Failure::Internal)?;
        self.case_for(asker, id).await?;
        Ok(Clause::new("c.case_id = ?", vec![Value::Blob(id.0.as_bytes().to_vec())]))
    }
}

impl Watcher {
    /// Until the reader goes, the role stops, or something cannot be read.
    async fn run(mut self) {
        let (shutdown, closed) = (self.board.shutdown.clone(), self.updates.clone());
        let served = async {
            let mut bookmark = true;
            loop {
                if let Err(Ended) = self.catch_up(bookmark).await {
                    return;
                }
                match self.wait().await {
                    Ok(moved) => bookmark = !moved,
                    Err(Ended) => return,
                }
            }
        };
        tokio::select! {
            () = served => {}
            () = closed.closed() => {}
            () = shutdown.started() => {
                // Whoever can still read is told to come again; nobody waits for those who cannot.
                drop(closed.try_send(Err(Failure::Unavailable.into())));
            }
        }
    }

    /// Sends everything changed up to now; a bookmark too when asked for, or when what changed was nothing to tell.
    async fn catch_up(&mut self, bookmark: bool) -> Result<(), Ended> {
        loop {
            let (rows, asker, position) = match self.rows().await {
                Ok(read) => read,
                Err(status) => return self.end(status).await,
            };
            let full = rows.len() > ROWS;
            for row in rows.iter().take(ROWS) {
                let update = match self.update(&asker, row).await {
                    Ok(update) => update,
                    Err(status) => return self.end(status).await,
                };
                self.after = position_of(row);
                if let Some(update) = update {
                    self.send(Ok(update)).await?;
                }
            }
            if !full {
                self.after = self.after.max(position);
                break;
            }
        }
        if bookmark {
            let position_token = self.board.token(self.after);
            let kind = pb::UpdateKind::Bookmark.into();
            self.send(Ok(pb::CaseUpdate { kind, case: None, position_token })).await?;
        }
        Ok(())
    }

    /// Rows changed since, by the sight the caller has now.
    async fn rows(&self) -> Result<(Vec<Changed>, Asker, Position), Status> {
        let asker = self.board.asker(&self.metadata)?;
        let (seen, fits) = (sight::sees(&asker.actor, &asker.registry), self.fits.clone());
        let after = i64::try_from(self.after.get()).unwrap_or(i64::MAX);
        let (rows, position) =
            self.board.ask(move |db| query::changed(db, after, &seen, &fits, ROWS)).await?;
        Ok((rows, asker, position))
    }

    /// What to tell of a changed case, if anything.
    async fn update(&mut self, asker: &Asker, row: &Changed) -> Result<Option<pb::CaseUpdate>, Status> {
        let id = row.found.case;
        let seen = if row.seen { self.board.case_if_seen(asker, id).await? } else { None };
        let position_token = self.board.token(position_of(row));
        let Some((case, number)) = seen else {
            // A case the reader was never shown is not even named.
            return Ok(self.shown.cases.remove(&id).then(|| left_sight(id, position_token)));
        };
        let kind = if row.fits {
            self.shown.add(id);
            pb::UpdateKind::Changed
        } else if self.shown.cases.remove(&id) || self.shown.others {
            pb::UpdateKind::LeftFilter
        } else {
            return Ok(None);
        };
        let summary = self.summary(asker, &case, number).await?;
        Ok(Some(pb::CaseUpdate { kind: kind.into(), case: Some(summary), position_token }))
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

    /// Waits for a change; false when there was none for a while.
    async fn wait(&self) -> Result<bool, Ended> {
        match tokio::time::timeout(BOOKMARK_AFTER, self.board.view.changed_since(self.after)).await {
            Ok(Ok(_moved)) => Ok(true),
            Ok(Err(behind)) => self.end(of_behind(&behind)).await.map(|()| false),
            Err(_quiet) => Ok(false),
        }
    }

    async fn send(&self, update: Result<pb::CaseUpdate, Status>) -> Result<(), Ended> {
        self.updates.send(update).await.map_err(|_gone| Ended)
    }

    /// Tells why it ends.
    async fn end(&self, status: Status) -> Result<(), Ended> {
        self.send(Err(status)).await?;
        Err(Ended)
    }
}

fn position_of(row: &Changed) -> Position {
    Position(u64::try_from(row.found.position).unwrap_or(0))
}

fn left_sight(id: CaseId, position_token: String) -> pb::CaseUpdate {
    let case = pb::CaseSummary { case_id: id.to_string(), ..pb::CaseSummary::default() };
    pb::CaseUpdate { kind: pb::UpdateKind::LeftYourScope.into(), case: Some(case), position_token }
}
