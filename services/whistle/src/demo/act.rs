//! What a story says, as calls of the API.

use jiff::Timestamp;
use jiff::civil::DateTime;
use tonic::Status;
use uuid::Uuid;
use wire::pb::whistle::board::v1 as board;
use wire::pb::whistle::board::v1::board_service_client::BoardServiceClient;
use wire::pb::whistle::case::v1 as shared;
use wire::pb::whistle::closure::v1 as closure;
use wire::pb::whistle::closure::v1::closure_service_client::ClosureServiceClient;
use wire::pb::whistle::intake::v1 as intake;
use wire::pb::whistle::intake::v1::intake_service_client::IntakeServiceClient;
use wire::pb::whistle::routing::v1 as routing;
use wire::pb::whistle::routing::v1::routing_service_client::RoutingServiceClient;

use super::district::District;
use super::picture;
use super::play::{Answer, Telling};
use super::story::{Act, Blow, CallBack, Deliberation, Disposal, NewCase, Party, Plan};
use crate::client::Client;
use crate::lang::{Lang, Text};

/// Somebody about to do something.
pub(super) struct Voice<'a> {
    pub district: &'a District,
    pub telling: &'a Telling,
    pub client: Client,
    pub command_id: Uuid,
    pub lang: Lang,
}

type Answered = Result<Answer, Status>;

/// Calls a method and takes the receipt out of its answer.
macro_rules! call {
    ($self:ident, $service:ident, $method:ident, $request:expr) => {{
        let request = $self.client.call($request);
        let answer = $service::new($self.client.channel()).$method(request).await?.into_inner();
        Ok(Answer { receipt: answer.receipt, code: None })
    }};
}

/// The number of a value of a wire enum by its name without the prefix; 0, which is refused, for a name there is not.
macro_rules! value {
    ($kind:ty, $prefix:literal, $name:expr) => {
        <$kind>::from_str_name(&format!("{}{}", $prefix, $name)).map_or(0, |value| value as i32)
    };
}

impl Voice<'_> {
    /// Does it.
    ///
    /// # Errors
    /// The status it was refused with.
    pub(super) async fn act(&self, act: &Act, duty: Option<&str>) -> Answered {
        match act {
            Act::Raise { case } => self.raise(case).await,
            Act::RaiseAndBlow { case, matter, whistle } => self.raise_and_blow(case, matter, whistle).await,
            Act::RequestVerification { inspector, words } => {
                self.request_verification(inspector, words.as_ref()).await
            }
            Act::Verify { genuine, words, photos } => {
                self.verify(*genuine, words.as_ref(), photos.as_deref()).await
            }
            Act::Accept => call!(
                self,
                IntakeServiceClient,
                accept_case,
                intake::AcceptCaseRequest {
                    command_id: self.id(),
                    case_id: self.case(),
                    ..Default::default()
                }
            ),
            Act::File { grade } => self.file(grade.as_deref()).await,
            Act::Await { .. } => Ok(Answer::default()),
            Act::Blow { whistle } => self.blow(whistle).await,
            Act::ApproveWhistle
            | Act::TriageWhistle { .. }
            | Act::StandDown { .. }
            | Act::RateWhistle { .. }
            | Act::PresenceCode => self.about_whistle(act).await,
            Act::SignFor { .. }
            | Act::Contact { .. }
            | Act::ReportIn { .. }
            | Act::Complete { .. }
            | Act::Confirm { .. }
            | Act::RateResponse { .. }
            | Act::RefuseCompletion { .. }
            | Act::ExternalRef { .. }
            | Act::Object { .. }
            | Act::Assign { .. } => self.about_duty(act, self.duty(duty.unwrap_or_default()).await?).await,
            Act::DecideObjection { uphold, words } => self.decide_objection(*uphold, words.as_ref()).await,
            Act::CallCo { parties, words } => self.call_co(parties, words.as_ref()).await,
            Act::JointPlan(plan) => self.plan(plan).await,
            Act::Deliberate(round) => self.deliberate(round).await,
            Act::StrikeOff { measure, words, photos } => {
                self.strike_off(*measure, words.as_ref(), photos).await
            }
            Act::Dispose(disposal) => self.dispose(disposal).await,
            Act::Check { passed, words, photos } => {
                self.check(*passed, words.as_ref(), photos.as_deref()).await
            }
            Act::CallBack(call) => self.call_back(call).await,
            Act::Close { outcome, reply } => self.close(outcome, reply.as_ref()).await,
        }
    }

    fn id(&self) -> String {
        self.command_id.to_string()
    }

    fn case(&self) -> String {
        self.telling.case.map(|case| case.to_string()).unwrap_or_default()
    }

    fn text(&self, text: &Text) -> String {
        text.get(self.lang).to_owned()
    }

    fn words(&self, text: Option<&Text>) -> String {
        text.map(|text| self.text(text)).unwrap_or_default()
    }

    fn now(&self) -> Timestamp {
        self.district.running.desk().clock.now()
    }

    fn instant(&self, at: DateTime) -> Timestamp {
        // A time the calendar does not have was refused when the stories were put in order.
        self.district.instant(at).unwrap_or_else(|_| self.now())
    }

    /// The number of the latest duty an organisation holds, as the board shows it.
    async fn duty(&self, org: &str) -> Result<u32, Status> {
        let request = board::GetCaseRequest {
            case_id: self.case(),
            at_least: self.telling.at_least.clone(),
            ..Default::default()
        };
        let mut reader = BoardServiceClient::new(self.client.channel());
        let answer = reader.get_case(self.client.call(request)).await?.into_inner();
        let duties = answer.case.map(|case| case.obligations).unwrap_or_default();
        let of = |duty: &&board::ObligationView| duty.org.as_ref().is_some_and(|own| own.id == org);
        let gone = [
            shared::ObligationState::Returned,
            shared::ObligationState::Released,
            shared::ObligationState::Withdrawn,
        ];
        let found = duties.iter().rev().filter(|duty| !gone.contains(&duty.state())).find(of);
        found
            .map(|duty| duty.obligation_no)
            .ok_or_else(|| Status::internal(format!("{org} has no duty here")))
    }

    /// Draws and stores the pictures, and names them.
    async fn photos(&self, kinds: &[String]) -> Result<Vec<shared::Evidence>, Status> {
        let mut evidence = Vec::with_capacity(kinds.len());
        for kind in kinds {
            let bytes = picture::draw(&format!("{}/{}/{kind}", self.telling.story.id, self.command_id));
            let (sha256, size_bytes) = (picture::sha256(&bytes), bytes.len() as u64);
            let media_type = "image/png".to_owned();
            let metadata = intake::EvidenceMetadata {
                sha256: sha256.clone(),
                media_type: media_type.clone(),
                size_bytes,
            };
            let parts = [
                intake::put_evidence_request::Part::Metadata(metadata),
                intake::put_evidence_request::Part::Chunk(bytes),
            ];
            let parts = parts.map(|part| intake::PutEvidenceRequest { part: Some(part) });
            let stream = self.client.call(tokio_stream::iter(parts));
            IntakeServiceClient::new(self.client.channel()).put_evidence(stream).await?;
            let shows = value!(shared::EvidenceKind, "EVIDENCE_KIND_", kind);
            evidence.push(shared::Evidence { sha256, media_type, size_bytes, shows });
        }
        Ok(evidence)
    }

    fn place(compound: Option<&String>, building: Option<&String>) -> shared::Place {
        shared::Place {
            compound_id: compound.cloned().unwrap_or_default(),
            building_id: building.cloned().unwrap_or_default(),
            ..Default::default()
        }
    }

    fn new_case(&self, case: &NewCase) -> shared::NewCase {
        let reporters = case.reporters.iter().map(|reporter| shared::Reporter {
            kind: value!(shared::ReporterKind, "REPORTER_KIND_", reporter.kind),
            person_id: reporter
                .account
                .as_deref()
                .and_then(|post| self.district.sandbox.holder(post))
                .map(|seat| seat.person.to_string())
                .unwrap_or_default(),
            name: reporter.name.clone().unwrap_or_default(),
            phone: reporter.phone.clone().unwrap_or_default(),
        });
        shared::NewCase {
            profile: value!(shared::Profile, "PROFILE_", case.profile),
            channel: value!(shared::Channel, "CHANNEL_", case.channel),
            reporters: reporters.collect(),
            text: self.text(&case.text),
            place: Some(Self::place(case.place.compound.as_ref(), case.place.building.as_ref())),
            matter_id: case.matter.clone().unwrap_or_default(),
            demand: case
                .demand
                .as_ref()
                .map_or(0, |demand| value!(shared::DemandKind, "DEMAND_KIND_", demand)),
            ..Default::default()
        }
    }

    fn parties(&self, parties: &[Party]) -> Vec<shared::Party> {
        let party = |party: &Party| shared::Party {
            org_id: party.org.clone(),
            part: value!(shared::Part, "PART_", party.part),
            mandatory: party.mandatory,
            task: self.words(party.task.as_ref()),
        };
        parties.iter().map(party).collect()
    }

    fn meeting(&self, whistle: &Blow) -> Option<shared::Meeting> {
        let meeting = whistle.meeting.as_ref()?;
        Some(shared::Meeting {
            time: Some(wire::timestamp(self.instant(meeting.at))),
            place: Some(Self::place(meeting.compound.as_ref(), meeting.building.as_ref())),
        })
    }
}

mod closing;
mod duties;
mod taking;
mod whistles;
