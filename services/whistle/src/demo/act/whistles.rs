//! Whistles, and what those who met agreed.

use super::{
    Act, Answer, Answered, Blow, Deliberation, NewCase, Party, Plan, RoutingServiceClient, Text, Voice,
    routing, shared,
};

impl Voice<'_> {
    pub(super) async fn raise_and_blow(&self, case: &NewCase, matter: &str, whistle: &Blow) -> Answered {
        call!(
            self,
            RoutingServiceClient,
            raise_and_blow,
            routing::RaiseAndBlowRequest {
                command_id: self.id(),
                new_case: Some(self.new_case(case)),
                matter_id: matter.to_owned(),
                grade: 0,
                kind: whistle.kind.clone(),
                purpose: self.text(&whistle.purpose),
                tried: self.words(whistle.tried.as_ref()),
                meeting: self.meeting(whistle),
                parties: self.parties(&whistle.parties),
            }
        )
    }

    pub(super) async fn blow(&self, whistle: &Blow) -> Answered {
        call!(
            self,
            RoutingServiceClient,
            blow_whistle,
            routing::BlowWhistleRequest {
                command_id: self.id(),
                case_id: self.case(),
                kind: whistle.kind.clone(),
                purpose: self.text(&whistle.purpose),
                tried: self.words(whistle.tried.as_ref()),
                meeting: self.meeting(whistle),
                parties: self.parties(&whistle.parties),
                ..Default::default()
            }
        )
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only acts of this kind come here; the rest has its own arm above"
    )]
    pub(super) async fn about_whistle(&self, act: &Act) -> Answered {
        let (command_id, case_id, whistle_no) = (self.id(), self.case(), self.telling.whistle_no);
        match act {
            Act::ApproveWhistle => call!(self, RoutingServiceClient, approve_whistle, {
                routing::ApproveWhistleRequest { command_id, case_id, whistle_no, expected_version: None }
            }),
            Act::TriageWhistle { parties } => call!(self, RoutingServiceClient, triage_whistle, {
                let parties = self.parties(parties);
                routing::TriageWhistleRequest {
                    command_id,
                    case_id,
                    whistle_no,
                    parties,
                    expected_version: None,
                }
            }),
            Act::StandDown { words } => call!(self, RoutingServiceClient, stand_down_whistle, {
                let words = self.words(words.as_ref());
                routing::StandDownWhistleRequest {
                    command_id,
                    case_id,
                    whistle_no,
                    words,
                    expected_version: None,
                }
            }),
            Act::RateWhistle { score, words } => call!(self, RoutingServiceClient, rate_whistle, {
                let (score, words) = (*score, self.words(words.as_ref()));
                routing::RateWhistleRequest {
                    command_id,
                    case_id,
                    whistle_no,
                    score,
                    words,
                    expected_version: None,
                }
            }),
            Act::PresenceCode => {
                let request = routing::IssuePresenceCodeRequest {
                    command_id,
                    case_id,
                    whistle_no,
                    expected_version: None,
                };
                let mut service = RoutingServiceClient::new(self.client.channel());
                let answer = service.issue_presence_code(self.client.call(request)).await?.into_inner();
                Ok(Answer { receipt: answer.receipt, code: Some(answer.code) })
            }
            _ => Ok(Answer::default()),
        }
    }

    pub(super) async fn call_co(&self, parties: &[Party], words: Option<&Text>) -> Answered {
        call!(
            self,
            RoutingServiceClient,
            call_co_handlers,
            routing::CallCoHandlersRequest {
                command_id: self.id(),
                case_id: self.case(),
                parties: self.parties(parties),
                words: self.words(words),
                ..Default::default()
            }
        )
    }

    pub(super) async fn plan(&self, plan: &Plan) -> Answered {
        let mut measures = Vec::with_capacity(plan.measures.len());
        for measure in &plan.measures {
            measures.push(routing::PlannedMeasure {
                text: self.text(&measure.text),
                responsible_obligation_no: self.duty(&measure.duty).await?,
                mandatory: measure.mandatory,
                due_time: measure.due.map(|due| wire::timestamp(self.instant(due))),
            });
        }
        call!(
            self,
            RoutingServiceClient,
            record_joint_plan,
            routing::RecordJointPlanRequest {
                command_id: self.id(),
                case_id: self.case(),
                whistle_no: if plan.whistle { self.telling.whistle_no } else { 0 },
                attendee_org_ids: plan.attendees.clone(),
                measures,
                words: self.words(plan.words.as_ref()),
                ..Default::default()
            }
        )
    }

    pub(super) async fn deliberate(&self, round: &Deliberation) -> Answered {
        call!(
            self,
            RoutingServiceClient,
            record_deliberation,
            routing::RecordDeliberationRequest {
                command_id: self.id(),
                case_id: self.case(),
                form: value!(shared::DeliberationForm, "DELIBERATION_FORM_", round.form),
                attendee_org_ids: round.attendees.clone(),
                others: round.others,
                result: self.text(&round.result),
                agreed: round.agreed,
                next_time: round.next.map(|next| wire::timestamp(self.instant(next))),
                ..Default::default()
            }
        )
    }
}
