//! Plans to commands. Each command's id derives from source, record and piece: sent again it is answered again, and nothing more.

use std::collections::BTreeMap;

use case::ids::derived_uuid;
use tonic::{Code, Status};
use wire::pb::whistle::case::v1::{self as shared, CommandReceipt, NewCase};
use wire::pb::whistle::intake::v1::import_history_request::Piece as Sent;
use wire::pb::whistle::intake::v1::intake_service_client::IntakeServiceClient;
use wire::pb::whistle::intake::v1::{
    ImportHistoryRequest, ImportedClosing, ImportedCompletion, ImportedNote, ImportedObligation,
    RaiseCaseRequest,
};

use super::findings::{Finding, Kind};
use super::map::Datum;
use super::plan::{Piece, Plan, Point, What};
use super::report::Report;
use super::retry::retried;
use crate::client::{self, Client, Wire};
use crate::exit::Failure;

/// Tag of derived command ids. Changing it would import everything anew.
const TAG: &str = "whistle import 1";

/// Sends plans to a server.
#[derive(Clone)]
pub(super) struct Sender {
    source: String,
    client: Client,
    intake: IntakeServiceClient<Wire>,
}

/// One record while its history is sent.
struct Sending<'a> {
    plan: &'a Plan,
    report: Report,
    case_id: String,
    /// Numbers of the duties made, by the key of their piece.
    made: BTreeMap<&'a str, u32>,
}

impl Sender {
    pub(super) fn new(source: &str, client: Client) -> Self {
        let intake = IntakeServiceClient::new(client.channel());
        Self { source: source.to_owned(), client, intake }
    }

    /// Sends one record; what is refused is reported, what makes every further call vain ends the import.
    pub(super) async fn record(&self, plan: &Plan) -> Result<Report, Status> {
        let mut report = Report::default();
        let request =
            RaiseCaseRequest { command_id: self.command_id(plan, "raise"), new_case: Some(new_case(plan)) };
        let answer = retried(async || {
            let call = self.client.call(request.clone());
            Ok(self.intake.clone().raise_case(call).await?.into_inner().receipt.unwrap_or_default())
        });
        let receipt = match sorted(answer.await)? {
            Ok(receipt) => receipt,
            Err(refused) => {
                report.findings.push(not_taken(plan, &refused));
                return Ok(report);
            }
        };
        report.describe(plan);
        report.cases += 1;
        if receipt.repeated {
            report.cases_existing += 1;
        } else {
            report.cases_new += 1;
            report.commits += 1;
        }
        let mut sending = Sending { plan, report, case_id: receipt.case_id, made: BTreeMap::new() };
        for piece in &plan.pieces {
            self.piece(&mut sending, piece).await?;
        }
        Ok(sending.report)
    }

    async fn piece<'a>(&self, sending: &mut Sending<'a>, piece: &'a Piece) -> Result<(), Status> {
        let sent = match &piece.what {
            What::Note { finding } => note(piece, finding.unwrap_or_default()),
            What::Order { org, external_ref } => Sent::Obligation(ImportedObligation {
                org_id: org.to_string(),
                external_ref: external_ref.clone().unwrap_or_default(),
                task: piece.text.clone(),
            }),
            What::Done { order } => match sending.made.get(order.as_str()) {
                Some(no) => {
                    Sent::Completed(ImportedCompletion { obligation_no: *no, result: piece.text.clone() })
                }
                None => {
                    sending.find(
                        piece,
                        Kind::OrderNotTaken,
                        "closes an order that was refused; kept as a note".to_owned(),
                    );
                    return self.instead(sending, piece, "closes an order that could not be imported").await;
                }
            },
            What::Closed => Sent::Closed(ImportedClosing {}),
        };
        match self.history(sending, piece, &piece.key, sent).await? {
            Ok(receipt) => {
                sending.count(&piece.what, &receipt);
                let no = receipt.made.and_then(|made| made.obligation_nos.first().copied());
                sending.made.extend(no.map(|no| (piece.key.as_str(), no)));
                Ok(())
            }
            Err(refused) if reason(&refused) == "COMMAND_ID_REUSED" => {
                let why = "says something else than when it was imported; what was imported stays";
                sending.find(piece, Kind::RecordChanged, why.to_owned());
                Ok(())
            }
            Err(refused) => {
                let why = format!("refused, {}; kept as a note", told(&refused));
                sending.find(piece, Kind::PieceRefused, why);
                self.instead(sending, piece, "could not be imported as what it was").await
            }
        }
    }

    /// The piece as a note, where it could not be what it was.
    async fn instead(
        &self,
        sending: &mut Sending<'_>,
        piece: &Piece,
        finding: &'static str,
    ) -> Result<(), Status> {
        let key = format!("{}/instead", piece.key);
        match self.history(sending, piece, &key, note(piece, finding)).await? {
            Ok(receipt) => sending.count(&What::Note { finding: None }, &receipt),
            Err(refused) => {
                let why = format!("refused as a note too, {}", told(&refused));
                sending.find(piece, Kind::PieceRefused, why);
            }
        }
        Ok(())
    }

    async fn history(
        &self,
        sending: &Sending<'_>,
        piece: &Piece,
        key: &str,
        sent: Sent,
    ) -> Result<Result<CommandReceipt, Status>, Status> {
        let request = ImportHistoryRequest {
            command_id: self.command_id(sending.plan, key),
            case_id: sending.case_id.clone(),
            expected_version: None,
            occurred_time: Some(wire::timestamp(piece.at)),
            piece: Some(sent),
        };
        let answer = retried(async || {
            let call = self.client.call(request.clone());
            Ok(self.intake.clone().import_history(call).await?.into_inner().receipt.unwrap_or_default())
        });
        sorted(answer.await)
    }

    fn command_id(&self, plan: &Plan, key: &str) -> String {
        let parts = [self.source.as_bytes(), plan.id.as_bytes(), key.as_bytes()];
        derived_uuid(TAG, &parts).to_string()
    }
}

impl Sending<'_> {
    fn count(&mut self, what: &What, receipt: &CommandReceipt) {
        self.report.count(what);
        self.report.commits += u64::from(!receipt.repeated);
    }

    fn find(&mut self, piece: &Piece, kind: Kind, why: String) {
        let (record, path) = (self.plan.id.clone(), piece.path.clone());
        self.report.findings.push(Finding { record, path, kind, why });
    }
}

/// Refusals of this very command apart from what would refuse every other as well.
fn sorted(answer: Result<CommandReceipt, Status>) -> Result<Result<CommandReceipt, Status>, Status> {
    match answer {
        Ok(receipt) => Ok(Ok(receipt)),
        Err(status) => match status.code() {
            Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists => Ok(Err(status)),
            // NOT_FOUND of a case that was just made means that the token does not see it, nor any other.
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::NotFound
            | Code::PermissionDenied
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
            | Code::Unauthenticated => Err(status),
        },
    }
}

/// The stable reason of a refusal; its code's name when there is none.
fn reason(status: &Status) -> String {
    client::reason(status).unwrap_or_else(|| format!("{:?}", status.code()))
}

/// A refusal in one line: reason, sentence, every field named.
fn told(refused: &Status) -> String {
    let facts = Failure::from(refused.clone()).details;
    let sentence = format!("{}: {}", reason(refused), refused.message());
    std::iter::once(sentence).chain(facts).collect::<Vec<_>>().join("; ")
}

fn not_taken(plan: &Plan, refused: &Status) -> Finding {
    let (kind, why) = if reason(refused) == "COMMAND_ID_REUSED" {
        let why =
            "says something else than when it was imported; the case stays as it was, nothing was added";
        (Kind::RecordChanged, why.to_owned())
    } else {
        (Kind::RecordRefused, format!("{}; not taken", told(refused)))
    };
    Finding { record: plan.id.clone(), path: String::new(), kind, why }
}

fn note(piece: &Piece, finding: &str) -> Sent {
    Sent::Note(ImportedNote {
        label: piece.label.clone(),
        text: piece.text.clone(),
        finding: finding.to_owned(),
    })
}

fn new_case(plan: &Plan) -> NewCase {
    let case = &plan.case;
    NewCase {
        profile: shared::Profile::Imported.into(),
        channel: shared::Channel::Import.into(),
        text: case.text.clone(),
        place: Some(shared::Place {
            area_code: case.area.clone().unwrap_or_default(),
            point: case.point.map(point),
            note: case.address.clone(),
            ..shared::Place::default()
        }),
        matter_id: case.matter.as_ref().map(ToString::to_string).unwrap_or_default(),
        demand_class: case.class.clone().unwrap_or_default(),
        ticket: Some(shared::Ticket { number: plan.id.clone(), revision: 1 }),
        source_fields_json: case.source_fields.clone(),
        occurred_time: Some(wire::timestamp(case.occurred)),
        ..NewCase::default()
    }
}

fn point(point: Point) -> shared::Point {
    let datum = match point.datum {
        Datum::Wgs84 => shared::Datum::Wgs84,
        Datum::Cgcs2000 => shared::Datum::Cgcs2000,
        Datum::Gcj02 => shared::Datum::Gcj02,
        Datum::Bd09 => shared::Datum::Bd09,
    };
    shared::Point { latitude: point.lat, longitude: point.lon, datum: datum.into(), accuracy_m: None }
}
