//! From the first word to the filing, and every way out before it: what intake decides.

use registry::Grade;
use registry::ids::{MatterId, OrgId, PersonId, ReasonCode, RegistryVersion};
use serde::{Deserialize, Serialize};

use super::parts::{
    By, Channel, Classification, Defect, DemandKind, Evidence, Ground, Place, Profile, Reporter, Ticket,
};
use crate::ids::{CaseId, KeyId, RequestNo};
use crate::sealed::Sealed;
use crate::time::At;

/// A case was made (已上报). With defects it waits in UNTRIAGED, without it stands in RAISED.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRaised {
    /// Who raised it.
    pub by: By,
    /// The way it takes.
    pub profile: Profile,
    /// How it came in.
    pub channel: Channel,
    /// Who stands behind it; several when one call names several.
    pub reporters: Vec<Reporter>,
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Sealed>,
    /// Where the problem is.
    pub place: Place,
    /// What is handled, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matter: Option<MatterId>,
    /// What the reporter wants, when known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demand: Option<DemandKind>,
    /// The source's own class of the demand, as it spelt it, at most 64 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demand_class: Option<String>,
    /// The source's ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// The source's own deadline; stands beside ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_due_at: Option<At>,
    /// Fields of the source that have no place here, kept sealed as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_fields: Option<Sealed>,
    /// Organisations complained of: they and those above them never see the reporter.
    pub about: Vec<OrgId>,
    /// Persons complained of: neither they nor those above them see the reporter.
    pub about_persons: Vec<PersonId>,
    /// Photos and papers known by content; they may arrive later.
    pub evidence: Vec<Evidence>,
    /// What was missing or wrong.
    pub defects: Vec<Defect>,
    /// Whether the reporter asked to stay unknown to whoever handles it (保密).
    pub confidential: bool,
    /// The case this one was split from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_from: Option<CaseId>,
    /// An ended case this one takes up again, beyond its reopening window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<CaseId>,
    /// The registry the decision was made under.
    pub registry_version: RegistryVersion,
}

/// Defects were settled (分类). The case goes on once none is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseTriaged {
    /// Who settled them.
    pub by: By,
    /// Class and grade afterwards.
    pub classification: Classification,
    /// Place afterwards.
    pub place: Place,
    /// Defects that remain.
    pub remaining: Vec<Defect>,
    /// The registry it was judged by.
    pub registry_version: RegistryVersion,
}

/// A named inspector was asked to look on site before filing (核实).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationRequested {
    /// Who asked.
    pub by: By,
    /// Who shall look.
    pub inspector: PersonId,
    /// What to look for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
}

/// The inspector looked (已核实). Genuine or not, the receptionist decides what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseVerified {
    /// Who looked.
    pub by: By,
    /// Whether the problem is there.
    pub genuine: bool,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<Sealed>,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// The case was accepted (受理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseAccepted {
    /// Who accepted it.
    pub by: By,
}

/// The case was refused (不予受理), with the reply the citizen gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRejected {
    /// Who refused it.
    pub by: By,
    /// A code of the catalogue `reject`.
    pub reason: ReasonCode,
    /// What the citizen is told.
    pub reply: Sealed,
}

/// The refusal was appealed, and the case accepted after all (申诉受理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionAppealed {
    /// Who took the appeal up.
    pub by: By,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// A question was answered at once, which ends the case (直接答复).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseAnswered {
    /// Who answered.
    pub by: By,
    /// The answer.
    pub reply: Sealed,
}

/// The finder fixed it on the spot (自处理).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfHandled {
    /// Who fixed it.
    pub by: By,
    /// Photos before and after.
    pub evidence: Vec<Evidence>,
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
}

/// The self-handling was looked at (自处理审核): passed ends the case, failed sends it the ordinary way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfHandlingAudited {
    /// Who looked.
    pub by: By,
    /// Whether it holds.
    pub passed: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
}

/// The case meets its filing condition (立案): class, grade and place stand for the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseFiled {
    /// Who filed it.
    pub by: By,
    /// What is handled.
    pub matter: MatterId,
    /// How urgent.
    pub grade: Grade,
    /// Where.
    pub place: Place,
    /// The registry whose filing condition was met.
    pub registry_version: RegistryVersion,
}

/// Class or grade were corrected (改分类). The clock moves only when asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reclassified {
    /// Who corrected them.
    pub by: By,
    /// Before.
    pub from: Classification,
    /// After.
    pub to: Classification,
    /// Whether the clocks are to be rebased.
    pub rebase: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The place was corrected (改地点).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceMoved {
    /// Who corrected it.
    pub by: By,
    /// Before.
    pub from: Place,
    /// After.
    pub to: Place,
}

/// The source sent a later word on its ticket (来件更正). Late revisions are kept and never shown over a higher one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRevised {
    /// The system that spoke.
    pub by: By,
    /// Its ticket, with the revision this is.
    pub ticket: Ticket,
    /// The text of that revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Sealed>,
    /// Fields without a place here, sealed as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_fields: Option<Sealed>,
}

/// The source set or moved its own deadline (来源时限).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalDueSet {
    /// The system that set it.
    pub by: By,
    /// The deadline.
    pub due_at: At,
}

/// Photos or papers were added (补充材料).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceAttached {
    /// Who added them.
    pub by: By,
    /// What.
    pub evidence: Vec<Evidence>,
}

/// A note was written (备注). A note never moves a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteAdded {
    /// Who wrote it.
    pub by: By,
    /// What.
    pub text: Sealed,
    /// Whether the reporter may read it.
    pub public: bool,
}

/// A note of another system's history (来源记录). Its time is the envelope's `occurred_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceNoteRecorded {
    /// The system it comes from.
    pub by: By,
    /// The source's own name for what it is, at most 64 bytes.
    pub label: String,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Sealed>,
    /// What could not be fitted, in the importer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
}

/// The case follows another (合并办理). Committed together with [`ReporterLinked`] on the parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseMerged {
    /// Who merged it.
    pub by: By,
    /// The case it follows.
    pub into: CaseId,
}

/// Reporters of a merged case are owed a reply of their own (关联诉求人). Their keys stay in their own case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReporterLinked {
    /// Who merged it.
    pub by: By,
    /// The case that follows this one.
    pub from: CaseId,
    /// How many reporters it brings.
    pub reporters: u32,
    /// Its tickets.
    pub tickets: Vec<Ticket>,
}

/// A merged case goes its own way again (取消合并).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseUnmerged {
    /// Who parted them.
    pub by: By,
    /// The case it followed.
    pub from: CaseId,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The parent's side of [`CaseUnmerged`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReporterUnlinked {
    /// Who parted them.
    pub by: By,
    /// The case that no longer follows.
    pub from: CaseId,
}

/// One ticket with several demands became several cases (拆分). Each child says the same in its `CaseRaised`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSplit {
    /// Who split it.
    pub by: By,
    /// The children, at least two.
    pub children: Vec<CaseId>,
}

/// The reporter or the source took it back (撤单).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseWithdrawn {
    /// Who took it back.
    pub by: By,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

macro_rules! two_person {
    ($($(#[$asked_doc:meta])* $asked:ident, $(#[$done_doc:meta])* $done:ident, $(#[$refused_doc:meta])* $refused:ident;)*) => {$(
        $(#[$asked_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $asked {
            /// The first person.
            pub by: By,
            /// The request's number in the case.
            pub request: RequestNo,
            /// Why, and what proves it.
            pub ground: Ground,
        }

        $(#[$done_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $done {
            /// The second person; never the first.
            pub by: By,
            /// The request decided on.
            pub request: RequestNo,
        }

        $(#[$refused_doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $refused {
            /// Who refused it.
            pub by: By,
            /// The request decided on.
            pub request: RequestNo,
            /// Why not.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub words: Option<Sealed>,
        }
    )*};
}

two_person! {
    /// Somebody asked to void the case (申请作废).
    VoidRequested,
    /// The case was voided (作废): out of the statistics.
    CaseVoided,
    /// The voiding was refused.
    VoidRefused;
    /// Somebody asked to end the handling (申请终止办理).
    TerminationRequested,
    /// Handling was ended without a solution (终止办理).
    CaseTerminated,
    /// Ending it was refused.
    TerminationRefused;
    /// Somebody asked to close by force (申请强制结案).
    ForceCloseRequested,
    /// The case was closed by force (强制结案): flagged in the statistics.
    CaseForceClosed,
    /// Closing by force was refused.
    ForceCloseRefused;
    /// Somebody asked to leave the case out of the rates (申请剔除).
    ExclusionRequested,
    /// The case counts in no rate (剔除), and is counted as such.
    CaseExcluded,
    /// Leaving it out was refused.
    ExclusionRefused;
}

/// The reporter is to stay unknown to whoever handles it (保密).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfidentialityMarked {
    /// Who marked it.
    pub by: By,
    /// Organisations complained of, as now known.
    pub about: Vec<OrgId>,
    /// Persons complained of, as now known.
    pub about_persons: Vec<PersonId>,
}

/// The mark was taken off again, by the reporter's own wish (解除保密).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfidentialityLifted {
    /// Who took it off.
    pub by: By,
}

/// Somebody asked to see a confidential contact (申请解密查看).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassRequested {
    /// Who wants to see it.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// Whose contact.
    pub key_id: KeyId,
    /// A code of the catalogue `reveal`.
    pub purpose: ReasonCode,
}

/// A second person allowed it (批准查看).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassApproved {
    /// The second person; never the first.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// Until when the contact may be seen.
    pub valid_until: At,
}

/// A second person refused it (拒绝查看).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlassRefused {
    /// Who refused it.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
}

/// A reporter's contact was shown to somebody (查看联系方式). Written before it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRevealed {
    /// Who saw it.
    pub by: By,
    /// Whose contact.
    pub key_id: KeyId,
    /// A code of the catalogue `reveal`.
    pub purpose: ReasonCode,
    /// The break-glass request that allowed it, on a confidential case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestNo>,
}

/// Somebody asked that what is personal be erased (申请删除个人信息).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRequested {
    /// Who asked.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// Whose key.
    pub key_id: KeyId,
    /// A code of the catalogue `erasure`.
    pub reason: ReasonCode,
}

/// The erasure was refused, or waits until keeping is no longer required (不予删除).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRefused {
    /// Who refused it.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// A code of the catalogue `erasure`.
    pub reason: ReasonCode,
}

/// A data subject's key is destroyed (销毁密钥): sealed text of that subject can no longer be read, every proof still holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDestroyed {
    /// Who decided it.
    pub by: By,
    /// The request decided on, when there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestNo>,
    /// The key.
    pub key_id: KeyId,
}
