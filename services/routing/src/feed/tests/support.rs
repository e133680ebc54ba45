//! A district whose departments read their feeds.

use case::event::Event;
use case::event::parts::{By, Channel, Part, Party, Profile, Reporter, ReporterKind};
use case::event::whistle::WhistleStoodDown;
use case::ids::{CaseId, KeyId, ObligationNo, WhistleNo};
use case::intake::Raise;
use case::routing::{Blow, Command};
use case::rules::PlaceGiven;
use case::sealed::Sealed;
use case::time::At;
use registry::ids::{OrgId, WhistleKind};
use service_kit::shutdown::Shutdown;
use test_kit::{TestServer, World};
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::RoutesBuilder;
use tonic::transport::Channel as Connection;
use tonic::{Request, Status, Streaming};
use uuid::Uuid;
use wire::pb::whistle::routing::v1::feed_message::Message;
use wire::pb::whistle::routing::v1::feed_service_client::FeedServiceClient;
use wire::pb::whistle::routing::v1::subscribe_request::Start;
use wire::pb::whistle::routing::v1::{FeedMessage, SubscribeRequest};

use crate::feed::Feed;
use crate::feed::stream::Item;

pub(super) const TRAFFIC: &str = "p-handler-traffic";
pub(super) const ENFORCEMENT: &str = "p-handler-enforcement";
pub(super) const HOUSING: &str = "p-handler-housing";
pub(super) const STREET: &str = "p-subdistrict_leader-street-a";

/// What the reporter said, in every case here.
pub(super) const WORDS: &str = "8号楼前又有人占车位";

pub(super) struct District {
    pub world: World,
    pub feed: Feed,
    pub server: TestServer,
    pub shutdown: Shutdown,
}

impl District {
    pub(super) async fn start() -> Self {
        Self::over(World::start().await).await
    }

    /// The feed alone is new: on its own shutdown, as after a restart of its role.
    pub(super) async fn over(world: World) -> Self {
        let shutdown = Shutdown::new();
        let feed = Feed::start(world.desk.clone(), &world.dir("routing"), &shutdown).await.unwrap();
        let mut routes = RoutesBuilder::default();
        feed.add_to(&mut routes);
        let server = TestServer::start(routes.routes(), &shutdown).await;
        Self { world, feed, server, shutdown }
    }

    pub(super) async fn client(&self) -> FeedServiceClient<Connection> {
        FeedServiceClient::new(self.server.channel().await)
    }

    pub(super) async fn subscribe(
        &self,
        person: &str,
        request: SubscribeRequest,
    ) -> Result<Streaming<FeedMessage>, Status> {
        let answer = self.client().await.subscribe(as_person(person, request)).await;
        answer.map(tonic::Response::into_inner)
    }

    /// Everything there is after a token, or from the beginning.
    pub(super) async fn read(&self, person: &str, token: Option<&str>) -> Vec<FeedMessage> {
        let start = token.map(|token| Start::ResumeToken(token.to_owned()));
        self.read_as(person, SubscribeRequest { start, ..SubscribeRequest::default() }).await
    }

    pub(super) async fn read_as(&self, person: &str, request: SubscribeRequest) -> Vec<FeedMessage> {
        // Where the ledger stands now has to be in the index, or caught up would come too early.
        let head = self.world.desk.ledger.head().position;
        self.feed.view().wait_for(head, test_kit::DEADLINE).await.unwrap();
        let mut stream = self.subscribe(person, request).await.unwrap();
        let mut read = Vec::new();
        loop {
            let message = next(&mut stream).await;
            if matches!(message.message, Some(Message::CaughtUp(_))) {
                return read;
            }
            read.push(message);
        }
    }

    pub(super) async fn words(&self, case: CaseId, key: &KeyId, field: &str, text: &str) -> Sealed {
        self.world.desk.vault.seal(case, key, field, text).await.unwrap()
    }

    pub(super) async fn commit(&self, case: CaseId, events: Vec<Event>) {
        self.world.decide("p-dispatcher", case, |_, _, _, _| Ok(events.clone())).await.unwrap();
    }

    pub(super) async fn route(&self, person: &str, case: CaseId, command: Command) {
        let decide = |state: &case::Case, actor: &case::Actor, rules: &case::Rules<'_>, now| {
            case::routing::decide(state, &command, actor, rules, now)
        };
        self.world.decide(person, case, decide).await.unwrap();
    }

    /// A case of the hotline, filed.
    pub(super) async fn filed(&self, number: u128, about: &[&str]) -> CaseId {
        let id = CaseId(Uuid::from_u128(number));
        let key = KeyId::reporter(1);
        let text = self.words(id, &key, "text", WORDS).await;
        let now = At::new(self.world.desk.clock.now());
        let raise = Raise {
            profile: Profile::Hotline,
            channel: Channel::Hotline,
            reporters: vec![Reporter {
                key_id: key,
                kind: ReporterKind::Resident,
                person: None,
                contactable: true,
            }],
            text: Some(text),
            place: PlaceGiven { area: Some("999900001001001".to_owned()), ..PlaceGiven::default() },
            matter: Some("parking".to_owned()),
            demand: None,
            demand_class: None,
            ticket: None,
            external_due_at: None,
            source_fields: None,
            about: about.iter().map(|org| org_id(org)).collect(),
            about_persons: Vec::new(),
            evidence: Vec::new(),
            defects: Vec::new(),
            confidential: false,
            split_from: None,
            follows: None,
            occurred_at: now,
        };
        let made = |state: &case::Case, actor: &case::Actor, rules: &case::Rules<'_>, now| {
            case::intake::raise(state, &raise, actor, rules, now)
        };
        self.world.decide("p-call_taker", id, made).await.unwrap();
        let file = case::intake::Command::File { matter: None, grade: None, place: None };
        for (person, command) in [("p-receptionist", case::intake::Command::Accept), ("p-duty_leader", file)]
        {
            let decide = |state: &case::Case, actor: &case::Actor, rules: &case::Rules<'_>, now| {
                case::intake::decide(state, &command, actor, rules, now)
            };
            self.world.decide(person, id, decide).await.unwrap();
        }
        id
    }

    /// A case that traffic leads and enforcement joins.
    pub(super) async fn dispatched(&self, number: u128) -> CaseId {
        let id = self.filed(number, &[]).await;
        self.dispatch(id, "traffic", &["enforcement"]).await;
        id
    }

    pub(super) async fn dispatch(&self, id: CaseId, lead: &str, co: &[&str]) {
        let task = self.words(id, &KeyId::case_file(), "task", "清理占用的车位").await;
        let co = co.iter().map(|org| org_id(org)).collect();
        let command = Command::Dispatch { lead: Some(org_id(lead)), co, task: Some(task) };
        self.route("p-dispatcher", id, command).await;
    }

    pub(super) async fn sign(&self, person: &str, id: CaseId, no: u32) {
        self.route(person, id, Command::SignFor { obligation: ObligationNo(no) }).await;
    }

    pub(super) async fn stand_down(&self, id: CaseId) {
        let (by, whistle) = (By::Automatic { rule: None }, WhistleNo(1));
        self.commit(id, vec![WhistleStoodDown { by, whistle, words: None }.into()]).await;
    }

    /// The street calls housing and the paired unit.
    pub(super) async fn whistle(&self, id: CaseId) {
        let purpose = self.words(id, &KeyId::case_file(), "purpose", "一起看现场").await;
        let party = |org: &str, part| Party { org: org_id(org), part, mandatory: true, task: None };
        let command = Command::Blow(Blow {
            kind: WhistleKind::new("ROUTINE").unwrap(),
            purpose,
            tried: None,
            meeting: None,
            parties: vec![party("housing", Part::Lead), party("unit-a", Part::Co)],
            request: None,
        });
        self.route(STREET, id, command).await;
    }
}

pub(super) fn org_id(org: &str) -> OrgId {
    OrgId::new(org).unwrap()
}

pub(super) fn as_person<T>(person: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", test_kit::bearer(person));
    request
}

pub(super) async fn next(stream: &mut Streaming<FeedMessage>) -> FeedMessage {
    let next = tokio::time::timeout(test_kit::DEADLINE, stream.next()).await;
    next.expect("a message comes").expect("the stream goes on").unwrap()
}

/// Thirty-two messages wait for a reader: the next one has to.
pub(super) async fn full(stream: &ReceiverStream<Item>) {
    test_kit::wait_until("a full channel", test_kit::DEADLINE, || stream.as_ref().len() == 32).await;
}

pub(super) fn snapshot() -> SubscribeRequest {
    SubscribeRequest { start: Some(Start::SendSnapshot(true)), ..SubscribeRequest::default() }
}

/// What a message says: its kind, and for an event its type.
pub(super) fn told(message: &FeedMessage) -> String {
    let kind = match message.message.as_ref().unwrap() {
        Message::DutyAssigned(_) => "assigned",
        Message::DutyChanged(_) => "changed",
        Message::LeftYourScope(_) => "left",
        Message::WhistleCalled(_) => "whistle",
        Message::PlanAgreed(_) => "plan",
        Message::MeasureStruckOff(_) => "struck off",
        Message::ClockWarned(_) => "warned",
        Message::ClockBreached(_) => "breached",
        Message::Reminder(_) => "reminder",
        Message::CaseProgress(_) => "progress",
        Message::SnapshotEntry(_) => "entry",
        Message::SnapshotEnd(_) => "snapshot end",
        Message::Bookmark(_) => "bookmark",
        Message::FellBehind(_) => "fell behind",
        Message::CaughtUp(_) => "caught up",
    };
    match &message.event {
        Some(event) => format!("{kind} {}", event.event_type),
        None => kind.to_owned(),
    }
}

pub(super) fn all_told(messages: &[FeedMessage]) -> Vec<String> {
    messages.iter().map(told).collect()
}
