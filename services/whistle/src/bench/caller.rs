//! One client: which command comes next, and sending it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tonic::{Code, Status};
use wire::pb::whistle::case::v1::{self as shared, CommandReceipt, NewCase};
use wire::pb::whistle::closure::v1::closure_service_client::ClosureServiceClient;
use wire::pb::whistle::closure::v1::{
    CallBackRequest, CheckCaseRequest, CloseCaseRequest, DisposeCaseRequest,
};
use wire::pb::whistle::intake::v1::intake_service_client::IntakeServiceClient;
use wire::pb::whistle::intake::v1::{AcceptCaseRequest, FileCaseRequest, RaiseCaseRequest};
use wire::pb::whistle::routing::v1::routing_service_client::RoutingServiceClient;
use wire::pb::whistle::routing::v1::{DispatchCaseRequest, SignForRequest};

use super::district::{District, Tokens};
use crate::client::{Client, Wire, is_passing, new_command_id};
use crate::exit::Failure;

/// What a grid worker says; about as long as such reports are.
const WORDS: &str = "楼前车位被长期占用,堆放杂物,居民出入不便,多次劝说无效,请协调处理。";

/// What the clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// Grid workers raise cases, one after the other.
    Raise,
    /// Cases go from being raised to being closed.
    Lifecycle,
}

/// A step of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Raise,
    Accept,
    File,
    Dispatch,
    SignFor,
    Dispose,
    Check,
    CallBack,
    Close,
}

impl Step {
    fn next(self, script: Script) -> Self {
        match (script, self) {
            (Script::Raise, _) | (Script::Lifecycle, Self::Close) => Self::Raise,
            (Script::Lifecycle, Self::Raise) => Self::Accept,
            (Script::Lifecycle, Self::Accept) => Self::File,
            (Script::Lifecycle, Self::File) => Self::Dispatch,
            (Script::Lifecycle, Self::Dispatch) => Self::SignFor,
            (Script::Lifecycle, Self::SignFor) => Self::Dispose,
            (Script::Lifecycle, Self::Dispose) => Self::Check,
            (Script::Lifecycle, Self::Check) => Self::CallBack,
            (Script::Lifecycle, Self::CallBack) => Self::Close,
        }
    }
}

/// Between two tries of one that insists.
const PAUSE: Duration = Duration::from_millis(50);
/// After that long even one that insists takes no for an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// The clients of those who take part, over one connection.
struct Seats {
    grid_worker: Client,
    receptionist: Client,
    duty_leader: Client,
    dispatcher: Client,
    handler: Client,
    inspector: Client,
    caller_back: Client,
}

impl Seats {
    fn on(channel: &Wire, tokens: &Tokens) -> Result<Self, Failure> {
        let seat = |token: &str| Client::on(channel.clone(), Some(token));
        Ok(Self {
            grid_worker: seat(&tokens.grid_worker)?,
            receptionist: seat(&tokens.receptionist)?,
            duty_leader: seat(&tokens.duty_leader)?,
            dispatcher: seat(&tokens.dispatcher)?,
            handler: seat(&tokens.handler)?,
            inspector: seat(&tokens.inspector)?,
            caller_back: seat(&tokens.caller_back)?,
        })
    }
}

/// One client at work.
pub(super) struct Caller {
    script: Script,
    step: Step,
    case_id: String,
    new_case: NewCase,
    told_at: Timestamp,
    /// Whether it asks again until it is answered.
    insists: bool,
    seats: Seats,
    intake: IntakeServiceClient<Wire>,
    routing: RoutingServiceClient<Wire>,
    closure: ClosureServiceClient<Wire>,
}

/// What came of a command.
pub(super) enum Answer {
    /// It is durable; `first` when it made the case.
    Acknowledged { receipt: Box<CommandReceipt>, first: bool },
    /// Whistle itself had been faster, which is an answer too.
    Overtaken,
}

impl Caller {
    /// A client.
    pub(super) fn new(
        script: Script,
        channel: &Wire,
        district: &District,
        now: Timestamp,
        insists: bool,
    ) -> Result<Self, Failure> {
        Ok(Self {
            insists,
            script,
            step: Step::Raise,
            case_id: String::new(),
            new_case: new_case(script, district),
            told_at: now,
            seats: Seats::on(channel, &district.tokens)?,
            intake: IntakeServiceClient::new(channel.clone()),
            routing: RoutingServiceClient::new(channel.clone()),
            closure: ClosureServiceClient::new(channel.clone()),
        })
    }

    /// Sends the next command and waits for its answer.
    pub(super) async fn next(&mut self) -> Result<Answer, Status> {
        let command_id = new_command_id();
        let step = self.step;
        let began = Instant::now();
        let answer = loop {
            match self.send(step, command_id.clone()).await {
                Err(status) if self.insists && is_passing(&status) && began.elapsed() < PATIENCE => {
                    tokio::time::sleep(PAUSE).await;
                }
                answer => break answer,
            }
        };
        self.step = step.next(self.script);
        match answer {
            Ok(receipt) => {
                let receipt = receipt.unwrap_or_default();
                if step == Step::Raise {
                    self.case_id.clone_from(&receipt.case_id);
                }
                Ok(Answer::Acknowledged { receipt: Box::new(receipt), first: step == Step::Raise })
            }
            // What is filed is dispatched by the matrix without anybody asking; both ways make the same duty.
            Err(status) if step == Step::Dispatch && status.code() == Code::FailedPrecondition => {
                Ok(Answer::Overtaken)
            }
            Err(status) => Err(status),
        }
    }

    async fn send(&mut self, step: Step, command_id: String) -> Result<Option<CommandReceipt>, Status> {
        let case_id = self.case_id.clone();
        match step {
            Step::Raise => self.raise(command_id).await,
            Step::Accept => {
                let request = AcceptCaseRequest { command_id, case_id, expected_version: None };
                let call = self.seats.receptionist.call(request);
                Ok(self.intake.accept_case(call).await?.into_inner().receipt)
            }
            Step::File => {
                let request = FileCaseRequest { command_id, case_id, ..FileCaseRequest::default() };
                let call = self.seats.duty_leader.call(request);
                Ok(self.intake.file_case(call).await?.into_inner().receipt)
            }
            Step::Dispatch => {
                let request = DispatchCaseRequest { command_id, case_id, ..DispatchCaseRequest::default() };
                let call = self.seats.dispatcher.call(request);
                Ok(self.routing.dispatch_case(call).await?.into_inner().receipt)
            }
            Step::SignFor => {
                let request =
                    SignForRequest { command_id, case_id, obligation_no: 1, expected_version: None };
                let call = self.seats.handler.call(request);
                Ok(self.routing.sign_for(call).await?.into_inner().receipt)
            }
            Step::Dispose | Step::Check | Step::CallBack | Step::Close => {
                self.end(step, command_id, case_id).await
            }
        }
    }

    async fn raise(&mut self, command_id: String) -> Result<Option<CommandReceipt>, Status> {
        let seat = match self.script {
            Script::Raise => &self.seats.grid_worker,
            Script::Lifecycle => &self.seats.receptionist,
        };
        let request = RaiseCaseRequest { command_id, new_case: Some(self.new_case.clone()) };
        Ok(self.intake.raise_case(seat.call(request)).await?.into_inner().receipt)
    }

    async fn end(
        &mut self,
        step: Step,
        command_id: String,
        case_id: String,
    ) -> Result<Option<CommandReceipt>, Status> {
        match step {
            Step::Dispose => {
                let request = DisposeCaseRequest {
                    command_id,
                    case_id,
                    taken_up_time: Some(wire::timestamp(self.told_at)),
                    spoken_to: "来电人".to_owned(),
                    measures: "现场清理,设置隔离桩".to_owned(),
                    solved_by_time: Some(wire::timestamp(self.told_at)),
                    public_reply: "已清理并加强巡查。".to_owned(),
                    ..DisposeCaseRequest::default()
                };
                let call = self.seats.handler.call(request);
                Ok(self.closure.dispose_case(call).await?.into_inner().receipt)
            }
            Step::Check => {
                let request = CheckCaseRequest {
                    command_id,
                    case_id,
                    passed: Some(true),
                    ..CheckCaseRequest::default()
                };
                let call = self.seats.inspector.call(request);
                Ok(self.closure.check_case(call).await?.into_inner().receipt)
            }
            Step::CallBack => {
                let call = self.seats.caller_back.call(call_back(command_id, case_id));
                Ok(self.closure.call_back(call).await?.into_inner().receipt)
            }
            Step::Raise | Step::Accept | Step::File | Step::Dispatch | Step::SignFor | Step::Close => {
                let outcome = shared::Outcome::Solved.into();
                let request =
                    CloseCaseRequest { command_id, case_id, outcome, ..CloseCaseRequest::default() };
                let call = self.seats.duty_leader.call(request);
                Ok(self.closure.close_case(call).await?.into_inner().receipt)
            }
        }
    }
}

fn call_back(command_id: String, case_id: String) -> CallBackRequest {
    CallBackRequest {
        command_id,
        case_id,
        reporter_key_id: "reporter-1".to_owned(),
        contacted: true,
        solved: Some(true),
        satisfied: shared::Satisfaction::Satisfied.into(),
        words: "解决了,谢谢".to_owned(),
        ..CallBackRequest::default()
    }
}

fn new_case(script: Script, district: &District) -> NewCase {
    let caller = shared::Reporter {
        kind: shared::ReporterKind::Resident.into(),
        name: "示例".to_owned(),
        phone: "13800000000".to_owned(),
        ..shared::Reporter::default()
    };
    let (profile, channel, reporters) = match script {
        Script::Raise => (shared::Profile::GridWorker, shared::Channel::FieldApp, Vec::new()),
        Script::Lifecycle => (shared::Profile::Hotline, shared::Channel::Hotline, vec![caller]),
    };
    NewCase {
        profile: profile.into(),
        channel: channel.into(),
        reporters,
        text: WORDS.to_owned(),
        place: Some(shared::Place { area_code: district.area.to_string(), ..shared::Place::default() }),
        matter_id: district.matter.to_string(),
        ..NewCase::default()
    }
}
