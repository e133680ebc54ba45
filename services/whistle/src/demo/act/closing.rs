//! Disposing, checking, calling back, closing.

use super::{Answer, Answered, CallBack, ClosureServiceClient, Disposal, Text, Voice, closure, shared};

/// The reporter who is called back: the first of a case.
const FIRST_REPORTER: &str = "reporter-1";

impl Voice<'_> {
    pub(super) async fn dispose(&self, disposal: &Disposal) -> Answered {
        let bearer = disposal.cost_bearer.as_deref();
        call!(
            self,
            ClosureServiceClient,
            dispose_case,
            closure::DisposeCaseRequest {
                command_id: self.id(),
                case_id: self.case(),
                taken_up_time: Some(wire::timestamp(self.instant(disposal.taken_up))),
                spoken_to: self.text(&disposal.spoken_to),
                measures: self.text(&disposal.measures),
                solved_by_time: Some(wire::timestamp(self.instant(disposal.solved_by))),
                public_reply: self.text(&disposal.reply),
                cost_bearer: bearer.map_or(0, |name| value!(shared::CostBearer, "COST_BEARER_", name)),
                ..Default::default()
            }
        )
    }

    pub(super) async fn check(
        &self,
        passed: bool,
        words: Option<&Text>,
        photos: Option<&[String]>,
    ) -> Answered {
        let evidence = self.photos(photos.unwrap_or_default()).await?;
        call!(
            self,
            ClosureServiceClient,
            check_case,
            closure::CheckCaseRequest {
                command_id: self.id(),
                case_id: self.case(),
                passed: Some(passed),
                words: self.words(words),
                evidence,
                ..Default::default()
            }
        )
    }

    pub(super) async fn call_back(&self, call: &CallBack) -> Answered {
        let satisfied = call.satisfied.as_deref();
        call!(
            self,
            ClosureServiceClient,
            call_back,
            closure::CallBackRequest {
                command_id: self.id(),
                case_id: self.case(),
                reporter_key_id: FIRST_REPORTER.to_owned(),
                contacted: call.contacted,
                solved: call.solved,
                satisfied: satisfied.map_or(0, |name| value!(shared::Satisfaction, "SATISFACTION_", name)),
                words: self.words(call.words.as_ref()),
                ..Default::default()
            }
        )
    }

    pub(super) async fn close(&self, outcome: &str, reply: Option<&Text>) -> Answered {
        call!(
            self,
            ClosureServiceClient,
            close_case,
            closure::CloseCaseRequest {
                command_id: self.id(),
                case_id: self.case(),
                outcome: value!(shared::Outcome, "OUTCOME_", outcome),
                reply: self.words(reply),
                ..Default::default()
            }
        )
    }
}
