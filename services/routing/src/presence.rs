//! The two commands of routing that do more than decide: making a code, and raising before blowing.

use case::event::{Dispatch, Event};
use case::ids::{CaseId, WhistleNo};
use case::routing::{Command, decide, raise_and_blow};
use tonic::{Request, Status};
use uuid::Uuid;
use wire::Failure;
use wire::pb::whistle::case::v1::CommandReceipt;
use wire::pb::whistle::routing::v1 as pb;

use crate::Routing;

/// A code has that many digits: enough for the minutes it counts, few enough to read off a screen.
const CODE_DIGITS: u32 = 6;

impl Routing {
    /// Makes the code, keeps its digest, and answers the code to whoever shows it on site.
    pub(crate) async fn issue_presence_code(
        &self,
        request: Request<pb::IssuePresenceCodeRequest>,
    ) -> Result<pb::IssuePresenceCodeResponse, Status> {
        let mut prepared = self.desk.prepare(request).await?;
        let case = prepared.envelope.case_id;
        let Command::IssuePresenceCode { whistle, code_mac } = &mut prepared.command else {
            return Err(Failure::Internal.into());
        };
        let code = self.code(case, *whistle, prepared.envelope.command_id)?;
        *code_mac = self.desk.code_mac(case, &code)?;
        let done = self.desk.decide_one(&prepared, case, decide).await?;
        let issued = done.commit.iter().flat_map(|commit| commit.of_case(case)).find_map(|recorded| {
            if let Event::Dispatch(Dispatch::PresenceCodeIssued(issued)) = &recorded.event {
                Some(wire::timestamp(issued.valid_until))
            } else {
                None
            }
        });
        let receipt = self.desk.receipt_of(&done, 0).await?;
        Ok(pb::IssuePresenceCodeResponse { receipt: Some(receipt), code, valid_until_time: issued })
    }

    /// Follows from the command, so that a repeat answers the same code; nobody without the vault's key can tell it.
    fn code(&self, case: CaseId, whistle: WhistleNo, command: Uuid) -> Result<String, Status> {
        let seed = format!("presence code of {case}/{whistle}/{command}");
        let mac = self.desk.secrets()?.request_mac(seed.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = mac;
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 10_u64.pow(CODE_DIGITS);
        Ok(format!("{number:0width$}", width = CODE_DIGITS as usize))
    }

    /// Raises, files and blows at once: a street's own matter.
    pub(crate) async fn raise_and_blow(
        &self,
        request: Request<pb::RaiseAndBlowRequest>,
    ) -> Result<CommandReceipt, Status> {
        let done = self.desk.make(request, |_| {}, raise_and_blow).await?;
        self.desk.receipt_of(&done, 0).await
    }
}
