//! A district, its hotline's line to it, and what happens to a case meanwhile.

use std::str::FromStr as _;

use case::event::Event;
use case::ids::CaseId;
use case::sealed::Sealed;
use case::state::Case;
use serde_json::Value;
use service_kit::shutdown::Shutdown;
use test_kit::{TestServer, World};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::RoutesBuilder;
use tonic::{Request, Status, Streaming};
use uuid::Uuid;
use vault::Opened;
use wire::pb::whistle::intake::v1::from_source::Message as Said;
use wire::pb::whistle::intake::v1::hotline_service_client::HotlineServiceClient;
use wire::pb::whistle::intake::v1::to_source::Message as Answer;
use wire::pb::whistle::intake::v1::{
    FromSource, ReceiptResult, SourceHello, SourceTicket, TicketOutcome, TicketReceipt, ToSource,
};

use crate::hotline::Hotline;

pub(super) struct District {
    pub world: World,
    pub hotline: Hotline,
    pub server: TestServer,
    pub shutdown: Shutdown,
}

impl District {
    pub(super) async fn start() -> Self {
        Self::over(World::start().await).await
    }

    /// The hotline alone is new, as after a restart of its role.
    pub(super) async fn over(world: World) -> Self {
        let shutdown = Shutdown::new();
        let hotline = Hotline::start(world.desk.clone(), &world.dir("intake"), &shutdown).await.unwrap();
        let mut routes = RoutesBuilder::default();
        hotline.add_to(&mut routes);
        let server = TestServer::start(routes.routes(), &shutdown).await;
        Self { world, hotline, server, shutdown }
    }

    pub(super) async fn line(&self, source: &str) -> Result<Line, Status> {
        let mut client =
            HotlineServiceClient::new(self.server.channel().await).max_encoding_message_size(4 << 20);
        let (tx, rx) = mpsc::channel(1024);
        let mut request = Request::new(ReceiverStream::new(rx));
        request.metadata_mut().insert("authorization", test_kit::bearer(source));
        let inbound = client.exchange(request).await?.into_inner();
        Ok(Line { tx, inbound, seq: 0 })
    }

    /// A line that says where to go on.
    pub(super) async fn resumed(&self, source: &str, token: &str) -> Line {
        let mut line = self.line(source).await.unwrap();
        line.say(Said::Hello(SourceHello { resume_token: token.to_owned() })).await;
        line
    }

    /// Everything that became of the source's tickets after a token.
    pub(super) async fn outcomes(&self, source: &str, token: &str, count: usize) -> Vec<TicketOutcome> {
        let mut line = self.resumed(source, token).await;
        let mut outcomes = Vec::new();
        while outcomes.len() < count {
            outcomes.push(line.outcome().await);
        }
        outcomes
    }

    pub(super) async fn case(&self, receipt: &TicketReceipt) -> std::sync::Arc<Case> {
        let id = CaseId(Uuid::from_str(&receipt.case_id).unwrap());
        self.world.desk.ledger.read_case(id).await.unwrap()
    }

    pub(super) async fn opened(&self, case: &Case, field: &str, sealed: Option<&Sealed>) -> String {
        match self.world.desk.vault.open_text(case.id, field, sealed.unwrap()).await.unwrap() {
            Opened::Text(text) => text,
            unread @ (Opened::Erased | Opened::Lost) => panic!("{unread:?}"),
        }
    }

    pub(super) async fn events(&self, id: CaseId) -> Vec<Event> {
        let history = self.world.desk.ledger.history(id, 0, 1000).await.unwrap();
        history.into_iter().map(|(recorded, _)| recorded.event).collect()
    }

    pub(super) async fn commit(&self, id: CaseId, events: Vec<Event>) {
        self.world.decide("p-dispatcher", id, |_, _, _, _| Ok(events.clone())).await.unwrap();
    }

    pub(super) async fn sealed(&self, id: CaseId, field: &str, text: &str) -> Sealed {
        self.world.desk.vault.seal(id, &case::ids::KeyId::case_file(), field, text).await.unwrap()
    }
}

/// One stream as its source sees it.
pub(super) struct Line {
    tx: mpsc::Sender<FromSource>,
    inbound: Streaming<ToSource>,
    seq: u64,
}

impl Line {
    pub(super) async fn say(&mut self, message: Said) {
        self.seq += 1;
        self.tx.send(FromSource { seq: self.seq, ack: 0, message: Some(message) }).await.unwrap();
    }

    pub(super) async fn next(&mut self) -> Result<ToSource, Status> {
        let next = tokio::time::timeout(test_kit::DEADLINE, self.inbound.next()).await;
        next.expect("something comes").expect("the stream goes on")
    }

    pub(super) async fn receipt(&mut self) -> TicketReceipt {
        loop {
            let message = self.next().await.unwrap();
            if let Some(Answer::Receipt(receipt)) = message.message {
                assert_eq!((receipt.seq, message.ack), (self.seq, self.seq));
                return receipt;
            }
        }
    }

    pub(super) async fn outcome(&mut self) -> TicketOutcome {
        loop {
            if let Some(Answer::Outcome(outcome)) = self.next().await.unwrap().message {
                return outcome;
            }
        }
    }

    pub(super) async fn push(&mut self, ticket: SourceTicket) -> TicketReceipt {
        self.say(Said::Ticket(ticket)).await;
        self.receipt().await
    }

    /// No more from the source; what is owed still comes.
    pub(super) async fn rest(self) -> Vec<ToSource> {
        drop(self.tx);
        let rest: Vec<_> = self.inbound.collect().await;
        rest.into_iter().collect::<Result<_, _>>().unwrap()
    }

    pub(super) fn hang_up(self) {
        drop(self);
    }
}

pub(super) fn ticket(number: &str, revision: u32, body: impl Into<Vec<u8>>) -> SourceTicket {
    SourceTicket {
        number: number.to_owned(),
        revision,
        content_type: "application/json".to_owned(),
        body: body.into(),
    }
}

pub(super) fn json_ticket(number: &str, revision: u32, body: &Value) -> SourceTicket {
    ticket(number, revision, body.to_string())
}

/// A ticket with nothing missing and nothing wrong.
pub(super) fn good(content: &str) -> Value {
    serde_json::json!({
        "title": "占车位",
        "content": content,
        "caller": { "name": "王女士", "phone": "13800000001" },
        "class": "车位被占",
        "area": "999900001001001",
        "address": "8号楼前",
        "occurred_time": "2025-09-01 07:50:00",
    })
}

pub(super) fn is(receipt: &TicketReceipt, result: ReceiptResult) {
    assert_eq!(receipt.result(), result, "{receipt:?}");
}
