//! From "it is done" to "it is over": disposing, checking, calling back, closing, reopening.

use registry::ids::ReasonCode;
use serde::{Deserialize, Serialize};

use super::parts::{By, Evidence, NewObligation, Outcome, Satisfaction};
use crate::ids::{KeyId, ObligationNo};
use crate::sealed::Sealed;
use crate::time::At;

/// Who bears the cost (费用承担).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CostBearer {
    /// 公共部分由政府负责
    Government,
    /// 遗留问题由产权单位负责
    TitleHolder,
    /// 专有部分由业主承担
    Owner,
    /// 物业
    Property,
}

/// The lead says the problem is handled (办结、处置反馈), with the four things a reply must say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDisposed {
    /// Who says so.
    pub by: By,
    /// The lead's duty.
    pub obligation: ObligationNo,
    /// When it was taken up (受理时间).
    pub taken_up_at: At,
    /// Who was spoken to (与谁沟通).
    pub spoken_to: Sealed,
    /// What was done (解决措施).
    pub measures: Sealed,
    /// By when it is or will be solved (解决时限).
    pub solved_by_at: At,
    /// What may be published (公开答复内容).
    pub public_reply: Sealed,
    /// Who bears the cost, where that is a question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_bearer: Option<CostBearer>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// An inspector of no disposing organisation found it done (核查通过).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPassed {
    /// Who looked.
    pub by: By,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
}

/// The inspector found it not done (核查不通过): back to the lead as rework (返工).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckFailed {
    /// Who looked.
    pub by: By,
    /// What is missing.
    pub words: Sealed,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// A reporter was called back, or it was tried (回访).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledBack {
    /// Who called.
    pub by: By,
    /// Whom.
    pub reporter: KeyId,
    /// Whether they were reached.
    pub contacted: bool,
    /// Whether they say it is solved; told only when reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solved: Option<bool>,
    /// How content they are; told only when reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfied: Option<Satisfaction>,
    /// What they said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
    /// Whether the work goes on for it (返工).
    pub rework: bool,
}

/// No call-back is owed (免回访), as the catalogue allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBackExempted {
    /// Who exempted it.
    pub by: By,
    /// A code of the catalogue `callback-exemption`.
    pub reason: ReasonCode,
}

/// The case is closed (结案). Closed is not solved: the outcome says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseClosed {
    /// Who closed it.
    pub by: By,
    /// How it ended.
    pub outcome: Outcome,
    /// What the reporter is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<Sealed>,
}

/// What reopened a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReopenCause {
    /// 诉求人
    Reporter,
    /// 回访
    CallBack,
    /// 检查
    Inspection,
    /// 来源系统
    Source,
    /// 虚假回复
    FalseReply,
}

/// The case is open again (重新办理): the lead's duty is made anew, or it is accepted again if it never had one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseReopened {
    /// Who reopened it.
    pub by: By,
    /// What reopened it.
    pub cause: ReopenCause,
    /// The lead's new duty; none when there never was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obligation: Option<NewObligation>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}
