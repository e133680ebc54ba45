//! What holders of duties do, and what their callers say to it.

use super::{Act, Answer, Answered, RoutingServiceClient, Text, Voice, routing, shared};

/// Stands in a story for the code that was shown last.
const SHOWN: &str = "SHOWN";

impl Voice<'_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only acts of this kind come here; the rest has its own arm above"
    )]
    pub(super) async fn about_duty(&self, act: &Act, obligation_no: u32) -> Answered {
        let (command_id, case_id, expected_version) = (self.id(), self.case(), None);
        match act {
            Act::SignFor { .. } => call!(self, RoutingServiceClient, sign_for, {
                routing::SignForRequest { command_id, case_id, expected_version, obligation_no }
            }),
            Act::Contact { words, .. } => self.contact(words, obligation_no).await,
            Act::ReportIn { code, .. } => self.report_in(code, obligation_no).await,
            Act::Complete { words, .. } => call!(self, RoutingServiceClient, complete, {
                let (result, evidence) = (self.text(words), Vec::new());
                routing::CompleteRequest {
                    command_id,
                    case_id,
                    expected_version,
                    obligation_no,
                    result,
                    evidence,
                }
            }),
            Act::Confirm { .. } => call!(self, RoutingServiceClient, confirm, {
                routing::ConfirmRequest { command_id, case_id, expected_version, obligation_no }
            }),
            Act::RateResponse { score, words, .. } => call!(self, RoutingServiceClient, rate_response, {
                let (score, words) = (*score, self.words(words.as_ref()));
                routing::RateResponseRequest {
                    command_id,
                    case_id,
                    expected_version,
                    obligation_no,
                    score,
                    words,
                }
            }),
            Act::RefuseCompletion { words, .. } => call!(self, RoutingServiceClient, refuse_completion, {
                let words = self.text(words);
                routing::RefuseCompletionRequest {
                    command_id,
                    case_id,
                    expected_version,
                    obligation_no,
                    words,
                }
            }),
            Act::ExternalRef { number, .. } => call!(self, RoutingServiceClient, set_external_ref, {
                let external_ref = number.clone();
                routing::SetExternalRefRequest {
                    command_id,
                    case_id,
                    expected_version,
                    obligation_no,
                    external_ref,
                }
            }),
            Act::Object { reason, words, .. } => self.object(reason, words, obligation_no).await,
            Act::Assign { org, person, task, .. } => {
                self.assign(org, person.as_deref(), task.as_ref(), obligation_no).await
            }
            _ => Ok(Answer::default()),
        }
    }

    async fn contact(&self, words: &Text, obligation_no: u32) -> Answered {
        call!(
            self,
            RoutingServiceClient,
            record_contact,
            routing::RecordContactRequest {
                command_id: self.id(),
                case_id: self.case(),
                obligation_no,
                contacted_time: Some(wire::timestamp(self.now())),
                who_and_how: self.text(words),
                ..Default::default()
            }
        )
    }

    async fn report_in(&self, code: &str, obligation_no: u32) -> Answered {
        let presence_code = if code == SHOWN { self.telling.code.clone() } else { code.to_owned() };
        call!(
            self,
            RoutingServiceClient,
            report_in,
            routing::ReportInRequest {
                command_id: self.id(),
                case_id: self.case(),
                obligation_no,
                reported_time: Some(wire::timestamp(self.now())),
                presence_code,
                ..Default::default()
            }
        )
    }

    async fn object(&self, reason: &str, words: &Text, obligation_no: u32) -> Answered {
        let ground =
            shared::Ground { code: reason.to_owned(), words: self.text(words), evidence: Vec::new() };
        call!(
            self,
            RoutingServiceClient,
            raise_objection,
            routing::RaiseObjectionRequest {
                command_id: self.id(),
                case_id: self.case(),
                obligation_no,
                ground: Some(ground),
                ..Default::default()
            }
        )
    }

    pub(super) async fn decide_objection(&self, uphold: bool, words: Option<&Text>) -> Answered {
        call!(
            self,
            RoutingServiceClient,
            decide_objection,
            routing::DecideObjectionRequest {
                command_id: self.id(),
                case_id: self.case(),
                request_no: self.telling.request_no,
                uphold: Some(uphold),
                words: self.words(words),
                ..Default::default()
            }
        )
    }

    async fn assign(
        &self,
        org: &str,
        person: Option<&str>,
        task: Option<&Text>,
        obligation_no: u32,
    ) -> Answered {
        let seat = person.and_then(|post| self.district.sandbox.holder(post));
        call!(
            self,
            RoutingServiceClient,
            assign_obligation,
            routing::AssignObligationRequest {
                command_id: self.id(),
                case_id: self.case(),
                obligation_no,
                org_id: org.to_owned(),
                person_id: seat.map(|seat| seat.person.to_string()).unwrap_or_default(),
                task: self.words(task),
                ..Default::default()
            }
        )
    }

    pub(super) async fn strike_off(&self, measure: u32, words: Option<&Text>, photos: &[String]) -> Answered {
        let evidence = self.photos(photos).await?;
        call!(
            self,
            RoutingServiceClient,
            strike_off,
            routing::StrikeOffRequest {
                command_id: self.id(),
                case_id: self.case(),
                measure_no: measure,
                evidence,
                note: self.words(words),
                ..Default::default()
            }
        )
    }
}
