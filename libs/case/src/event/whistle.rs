//! Blowing the whistle (吹哨): calling departments to a problem a street cannot solve alone. Not about exposing misconduct.

use registry::SettledBy;
use registry::ids::{OrgId, RegistryVersion, WhistleKind};
use serde::{Deserialize, Serialize};

use super::parts::{By, Measure, Meeting, NewObligation, Party};
use crate::ids::{ObligationNo, RequestNo, WhistleNo};
use crate::sealed::Sealed;
use crate::time::At;

/// The lead asked its street to blow a whistle (申请吹哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleRequested {
    /// Who asked.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// For which duty.
    pub obligation: ObligationNo,
    /// Why it cannot be done alone.
    pub words: Sealed,
}

/// The street declined to blow (不予吹哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleRequestDeclined {
    /// Who declined.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// A whistle was blown (吹哨). Policy says which steps lie between this and being active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleBlown {
    /// Who blew.
    pub by: By,
    /// Its number in the case.
    pub whistle: WhistleNo,
    /// The kind, a key of the policies.
    pub kind: WhistleKind,
    /// The organisation that calls: community, street, centre or lead.
    pub caller: OrgId,
    /// What it is for.
    pub purpose: Sealed,
    /// What was tried alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tried: Option<Sealed>,
    /// When and where to meet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meeting: Option<Meeting>,
    /// Those called.
    pub parties: Vec<Party>,
    /// When the whistle counts as done.
    pub settled_by: SettledBy,
    /// Whether it waits for approval (审哨).
    pub needs_approval: bool,
    /// Whether the centre settles lead and co first (分哨).
    pub needs_triage: bool,
    /// Whether it is to be confirmed or struck afterwards (应急哨).
    pub confirmed_afterwards: bool,
    /// The request it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestNo>,
    /// The registry it was decided by.
    pub registry_version: RegistryVersion,
}

/// The street approved the whistle (审哨通过).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleApproved {
    /// Who approved.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
}

/// The centre settled who leads and who joins (分哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleTriaged {
    /// Who settled it.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// Those called, as settled.
    pub parties: Vec<Party>,
}

/// The whistle is active: everyone called has a duty (哨声生效).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleActivated {
    /// Who took the step that made it so.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// The duties, one a party.
    pub obligations: Vec<NewObligation>,
}

/// One more was called while the whistle is active (增加应哨单位).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistlePartyAdded {
    /// Who called.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// The duty.
    pub obligation: NewObligation,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The lead of an active whistle changed (变更牵头单位).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleLeadChanged {
    /// Who changed it.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// Led before; joins now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<ObligationNo>,
    /// Leads now.
    pub to: ObligationNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The whistle went back to whoever blew it, with advice (退哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleHandedBack {
    /// Who handed it back.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// What to do instead.
    pub advice: Sealed,
}

/// Whoever blew it took it back before it was active (撤哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleWithdrawn {
    /// Who took it back.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// Those called may go: it is done (销哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleStoodDown {
    /// Who stood it down.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// An emergency whistle was confirmed afterwards (应急哨补批).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleConfirmed {
    /// Who confirmed.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
}

/// The whistle should not have been blown (无效哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleInvalidated {
    /// Who says so.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The centre rated the whistle itself (哨声评价).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhistleRated {
    /// Who rated it.
    pub by: By,
    /// Which whistle.
    pub whistle: WhistleNo,
    /// 1 (should not have been blown) to 5 (exactly right).
    pub score: u8,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// Those who met agreed what will be done, and by whom (联合方案).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointPlanAgreed {
    /// Who recorded it.
    pub by: By,
    /// Of which whistle, if of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whistle: Option<WhistleNo>,
    /// Organisations at the table.
    pub attendees: Vec<OrgId>,
    /// Measures, added to those agreed before.
    pub measures: Vec<Measure>,
    /// The plan in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The form of a deliberation (议事形式).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeliberationForm {
    /// 联席会议
    JointConference,
    /// 民主议事会
    ResidentsCouncil,
    /// 听证会
    Hearing,
    /// 入户征求意见
    DoorToDoor,
    /// 其他
    Other,
}

/// One round of talking it through was held (议事). One case took twelve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliberationRoundHeld {
    /// Who recorded it.
    pub by: By,
    /// Counts from 1 through the case.
    pub round: u32,
    /// The form.
    pub form: DeliberationForm,
    /// Organisations present.
    pub attendees: Vec<OrgId>,
    /// Residents and others present.
    pub others: u32,
    /// What came of it.
    pub result: Sealed,
    /// Whether it settled the question.
    pub agreed: bool,
    /// The next round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<At>,
}
