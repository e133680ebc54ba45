//! One source's stream: tickets in, receipts and outcomes out.
//!
//! Receipts keep the order of what they answer, outcomes the order of the ledger; both go through one bounded channel. Whoever does
//! not read is not read from either; what was begun for it is brought to its end all the same.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use case::ids::CaseId;
use desk::{Caller, Desk, of_ledger, of_vault, token};
use futures_util::{Stream, StreamExt as _, stream};
use ledger::Position;
use projection::View;
use registry::Lang;
use registry::ids::SourceId;
use service_kit::principals::AuthError;
use service_kit::shutdown::Shutdown;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tonic::Status;
use vault::Opened;
use wire::Failure;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::intake::v1 as pb;
use wire::pb::whistle::intake::v1::from_source::Message as Said;
use wire::pb::whistle::intake::v1::to_source::Message as Answer;

use super::Timing;
use super::index::{self, OutcomeRow};
use super::receipt::{Frame, Reason};
use super::server::Heard;
use super::take::Taking;

/// Tickets of one stream worked on at one time; they share the ledger's syncs.
const IN_FLIGHT: usize = 64;
/// How long a source may take over the last words of its stream.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What one message of the stream is, before it is counted.
pub(super) type Item = Result<Answer, Status>;

/// What a source says.
pub(super) trait Inbound: Stream<Item = Result<Heard, Status>> + Send + Unpin {}

impl<S: Stream<Item = Result<Heard, Status>> + Send + Unpin> Inbound for S {}

/// A source's stream.
pub(super) struct Exchange {
    pub desk: Desk,
    pub caller: Caller,
    pub source: SourceId,
    pub view: View,
    pub shutdown: Shutdown,
    pub timing: Timing,
    pub tx: Sender<Item>,
    /// Given back once the stream and everything begun on it have ended.
    pub seat: Arc<OwnedSemaphorePermit>,
}

/// Why a stream ends.
enum End {
    /// The source ended its half and has its receipts, or is gone.
    Done,
    Failed(Status),
}

impl From<Status> for End {
    fn from(status: Status) -> Self {
        Self::Failed(status)
    }
}

impl Exchange {
    /// Exchanges until one of the two is gone.
    pub(super) async fn run(self, mut inbound: impl Inbound) {
        let end = tokio::select! {
            biased;
            () = self.tx.closed() => End::Done,
            () = self.shutdown.started() => End::Failed(Failure::Unavailable.into()),
            () = self.revoked() => End::Failed(AuthError::Unknown.into()),
            end = self.exchange(&mut inbound) => end,
        };
        let End::Failed(status) = end else { return };
        if timeout(LAST_WORDS, self.tx.send(Err(status))).await.is_err() {
            tracing::debug!("a source did not take the last words of its exchange");
        }
    }

    /// Returns once the token is taken back.
    async fn revoked(&self) {
        while self.desk.principals.still_knows(&self.caller.principal) {
            sleep(self.timing.check_every).await;
        }
    }

    async fn exchange(&self, inbound: &mut impl Inbound) -> End {
        let first = match inbound.next().await {
            Some(Ok(first)) => first,
            None => return End::Done,
            Some(Err(status)) => return End::Failed(status),
        };
        let (cursor, first) = match first {
            Heard::Said(pb::FromSource { message: Some(Said::Hello(hello)), .. }) => {
                match self.resumed(&hello).await {
                    Ok(cursor) => (cursor, None),
                    Err(status) => return End::Failed(status),
                }
            }
            // Nor does its token, so there is nowhere to go on.
            Heard::Undecodable(unread) if unread.hello => return End::Failed(*unread.why),
            first @ (Heard::Said(_) | Heard::Undecodable(_)) => (0, Some(first)),
        };
        tokio::select! {
            end = self.receipts(first, inbound) => end,
            Err(end) = self.outcomes(cursor) => end,
        }
    }

    async fn resumed(&self, hello: &pb::SourceHello) -> Result<u64, Status> {
        if hello.resume_token.is_empty() {
            return Ok(0);
        }
        Ok(token::decode(&self.desk.ledger, &hello.resume_token).await?.get())
    }

    /// Answers everything the source says, in its order.
    async fn receipts(&self, first: Option<Heard>, inbound: &mut impl Inbound) -> End {
        let taking =
            Taking { desk: self.desk.clone(), caller: self.caller.clone(), source: self.source.clone() };
        let heard = stream::iter(first.map(Ok)).chain(inbound);
        let answers = heard.map(|heard| {
            let begun = heard.map(|heard| self.begin(taking.clone(), heard));
            async move { begun?.await.map_err(|_panicked| Status::from(Failure::Internal)) }
        });
        let mut answers = std::pin::pin!(answers.buffered(IN_FLIGHT));
        while let Some(receipt) = answers.next().await {
            match receipt {
                Ok(receipt) => {
                    if let Err(end) = self.tell(Answer::Receipt(receipt)).await {
                        return end;
                    }
                }
                Err(status) => return End::Failed(status),
            }
        }
        End::Done
    }

    /// Begins one answer, as a task of its own: it may hold cases, and must go on whether or not the source takes what comes before it.
    fn begin(&self, taking: Taking, heard: Heard) -> JoinHandle<pb::TicketReceipt> {
        let seat = Arc::clone(&self.seat);
        self.shutdown.spawn("hotline message", async move {
            let receipt = answer(&taking, heard).await;
            drop(seat);
            receipt
        })
    }

    /// Tells what becomes of the source's tickets, and up to where that is all whenever nothing was told for a while. Ends only
    /// when it cannot go on.
    async fn outcomes(&self, mut cursor: u64) -> Result<Infallible, End> {
        let mut bookmark_at = self.bookmark_at();
        loop {
            let page = index::page(&self.view, self.source.clone(), cursor).await.map_err(|error| {
                tracing::error!(%error, "the outcomes cannot be read");
                Status::from(Failure::Unavailable)
            })?;
            for row in page.rows {
                self.tell(Answer::Outcome(self.outcome(row).await?)).await?;
                bookmark_at = self.bookmark_at();
            }
            cursor = cursor.max(page.covered);
            // Asked here and not by waiting alone: where something happens all the time, there is never a wait.
            if Instant::now() >= bookmark_at {
                let resume_token = token::encode(&self.desk.ledger, Position(cursor));
                self.tell(Answer::Bookmark(pb::SourceBookmark { resume_token })).await?;
                bookmark_at = self.bookmark_at();
            }
            if page.more {
                continue;
            }
            match timeout_at(bookmark_at, self.view.changed_since(Position(cursor))).await {
                Ok(Ok(_)) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "the outcomes do not follow");
                    return Err(Status::from(Failure::Unavailable).into());
                }
            }
        }
    }

    fn bookmark_at(&self) -> Instant {
        Instant::now() + self.timing.bookmark_every
    }

    async fn tell(&self, answer: Answer) -> Result<(), End> {
        self.tx.send(Ok(answer)).await.map_err(|_gone| End::Done)
    }

    async fn outcome(&self, row: OutcomeRow) -> Result<pb::TicketOutcome, Status> {
        let unreadable = |error| Status::from(of_ledger(&error));
        let case = self.desk.ledger.read_case(row.case).await.map_err(unreadable)?;
        let number = self.desk.ledger.number(&case).await.map_err(unreadable)?;
        let registry = self.desk.published()?;
        let public_reply = match &row.reply {
            Some((field, sealed)) => self.opened(row.case, field, sealed).await?,
            None => String::new(),
        };
        let lead = row.lead.as_ref().map(|lead| registry.org_name(lead, Lang::Zh).to_owned());
        Ok(pb::TicketOutcome {
            resume_token: token::encode(&self.desk.ledger, Position(row.position)),
            ticket_numbers: row.tickets.get(&self.source).cloned().unwrap_or_default(),
            case_id: row.case.to_string(),
            case_number: number.unwrap_or_default(),
            event_id: row.event_id.to_string(),
            from_status: status(&row.from),
            status: status(&row.to),
            ended: row.ended,
            outcome: row.outcome.as_ref().map_or(0, |outcome| {
                shared::Outcome::from_str_name(&format!("OUTCOME_{outcome}")).map_or(0, Into::into)
            }),
            public_reply,
            solved: row.solved,
            satisfaction: row.satisfaction.as_ref().map_or(0, |how| {
                shared::Satisfaction::from_str_name(&format!("SATISFACTION_{how}")).map_or(0, Into::into)
            }),
            lead_org_name: lead.unwrap_or_default(),
            recorded_time: Some(wire::timestamp(row.recorded_at)),
        })
    }

    async fn opened(
        &self,
        case: CaseId,
        field: &str,
        sealed: &case::sealed::Sealed,
    ) -> Result<String, Status> {
        match self.desk.vault.open_text(case, field, sealed).await {
            Ok(Opened::Text(text)) => Ok(text),
            Ok(Opened::Erased) => Ok("[已删除 / erased]".to_owned()),
            Ok(Opened::Lost) => Ok("[密钥缺失 / key missing]".to_owned()),
            Err(error) => Err(of_vault(&error)),
        }
    }
}

fn status(name: &str) -> i32 {
    shared::CaseStatus::from_str_name(&format!("CASE_STATUS_{name}")).map_or(0, Into::into)
}

async fn answer(taking: &Taking, heard: Heard) -> pb::TicketReceipt {
    let said = match heard {
        Heard::Said(said) => said,
        Heard::Undecodable(unread) => {
            return Frame::other(unread.seq, String::new()).refused(Reason::Undecodable);
        }
    };
    let seq = said.seq;
    let later = |number: String| Frame::other(seq, number).refused(Reason::NotSupportedYet);
    match said.message {
        Some(Said::Ticket(ticket)) => taking.take(seq, ticket).await,
        Some(Said::Reminder(said)) => later(said.ticket_number),
        Some(Said::Withdrawal(said)) => later(said.ticket_number),
        Some(Said::Reopening(said)) => later(said.ticket_number),
        Some(Said::Decision(said)) => later(said.ticket_number),
        Some(Said::ExternalDue(said)) => later(said.ticket_number),
        Some(Said::Hello(_)) => Frame::other(seq, String::new()).refused(Reason::HelloNotFirst),
        None => Frame::other(seq, String::new()).refused(Reason::EmptyMessage),
    }
}
