//! Who has to do what, and whether they did: duties from dispatch to rating, and the requests about them.

use jiff::civil::Date;
use registry::ids::{OrgId, PersonId, ReasonCode, RegistryVersion};
use serde::{Deserialize, Serialize};

use super::parts::{Basis, By, Evidence, GeoPoint, Ground, NewObligation, Presence};
use crate::ids::{ClockNo, MeasureNo, ObligationNo, RequestNo, WhistleNo};
use crate::sealed::Sealed;
use crate::time::At;

/// Duties were made for a lead and those who join (派遣).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseDispatched {
    /// Who dispatched it.
    pub by: By,
    /// One lead, any number joining.
    pub obligations: Vec<NewObligation>,
    /// What decided it.
    pub basis: Basis,
    /// The registry it was decided by.
    pub registry_version: RegistryVersion,
}

/// Further organisations were called in (加派).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationsAdded {
    /// Who called them.
    pub by: By,
    /// Their duties.
    pub obligations: Vec<NewObligation>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// An organisation assigned its duty inward, to a section, community or person (二次派遣).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationAssigned {
    /// Who assigned it.
    pub by: By,
    /// The child duty; its `parent` is the duty assigned from.
    pub obligation: NewObligation,
}

/// A duty went to another person or section of the same organisation (改派).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationReassigned {
    /// Who moved it.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
    /// Who holds it now.
    pub org: OrgId,
    /// The person inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
}

/// The holder took the order (签收).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedFor {
    /// Who signed; automatic when time ran out and the clock signed in the holder's stead.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
    /// Whether the clock signed.
    pub automatic: bool,
}

/// The reporter was spoken to (联系群众).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReporterContacted {
    /// Who spoke to them.
    pub by: By,
    /// For which duty.
    pub obligation: ObligationNo,
    /// When.
    pub contacted_at: At,
    /// With whom and how.
    pub who_and_how: Sealed,
}

/// The organisation's own number for its work order was set (单位工单号).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalRefSet {
    /// Who set it.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
    /// The number, at most 64 bytes.
    pub external_ref: String,
}

/// The holder says it is not theirs (申请退单). The clock keeps running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRequested {
    /// Who asked.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// Which duty.
    pub obligation: ObligationNo,
    /// Why.
    pub ground: Ground,
    /// Who should have it instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<OrgId>,
}

/// The return was upheld (同意退单): the dispatch was wrong, the case is dispatched again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnUpheld {
    /// Who decided.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// The duty that ends.
    pub obligation: ObligationNo,
}

/// The return was refused (退单驳回); repeated, it counts as shirking (推诿).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnRefused {
    /// Who decided.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// The duty that stays.
    pub obligation: ObligationNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The centre settled who is responsible, bindingly (会商裁定).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseArbitrated {
    /// Who settled it.
    pub by: By,
    /// The duties it makes.
    pub obligations: Vec<NewObligation>,
    /// Duties that end by it.
    pub released: Vec<ObligationNo>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// A duty was called off by whoever made it (撤回任务).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationWithdrawn {
    /// Who called it off.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// A short-lived code that proves presence was shown at the meeting (到场码).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceCodeIssued {
    /// Who showed it.
    pub by: By,
    /// For which whistle.
    pub whistle: WhistleNo,
    /// Keyed digest of case and code, hexadecimal. Keyed, because six digits are soon guessed from a plain digest.
    pub code_mac: String,
    /// Until when it counts.
    pub valid_until: At,
}

/// Somebody called showed up (报到). Late is still reported in; the clock says late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedIn {
    /// Who showed up; their post stands in it.
    pub by: By,
    /// For which duty.
    pub obligation: ObligationNo,
    /// When they say they did.
    pub reported_at: At,
    /// How presence was shown.
    pub presence: Presence,
    /// Where they stood, when told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point: Option<GeoPoint>,
}

/// Somebody called says the whistle does not concern them (异议).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectionRaised {
    /// Who objects.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// Which duty.
    pub obligation: ObligationNo,
    /// Why.
    pub ground: Ground,
}

/// The objection was upheld (异议成立): released from the duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectionUpheld {
    /// Who decided.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// The duty released.
    pub obligation: ObligationNo,
}

/// The objection was overruled (异议不成立): the duty stands, its clock never stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectionOverruled {
    /// Who decided.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// The duty that stands.
    pub obligation: ObligationNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// A measure was struck off the list, with what shows it (销号).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasureStruckOff {
    /// Who struck it off.
    pub by: By,
    /// Which measure.
    pub measure: MeasureNo,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// What was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Sealed>,
}

/// The holder says its part is done (办结反馈).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationCompleted {
    /// Who says so.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
    /// What was done.
    pub result: Sealed,
    /// What shows it.
    pub evidence: Vec<Evidence>,
}

/// Whoever called is satisfied with the part done (验收).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObligationConfirmed {
    /// Who is.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
}

/// The part is not done yet (验收不通过): the duty goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionRefused {
    /// Who says so.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
    /// What is missing.
    pub words: Sealed,
}

/// The street rated how an organisation answered its whistle (评哨).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseRated {
    /// Who rated it.
    pub by: By,
    /// Which duty.
    pub obligation: ObligationNo,
    /// 1 (worst) to 5 (best).
    pub score: u8,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The rated organisation appealed (评价申诉).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingAppealed {
    /// Who appealed.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// The duty rated.
    pub obligation: ObligationNo,
    /// Why.
    pub ground: Ground,
}

/// The appeal was decided (申诉裁定): the score as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingAppealDecided {
    /// Who decided.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// The duty rated.
    pub obligation: ObligationNo,
    /// The score afterwards; none when the rating was struck.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
}

/// The holder asked for more time (申请延期).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionRequested {
    /// Who asked.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// Which clock.
    pub clock: ClockNo,
    /// The due instant asked for.
    pub due_at: At,
    /// Why.
    pub ground: Ground,
}

/// More time was given (同意延期). The clock is rebased in the same commit; its first due instant is kept for the statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionGranted {
    /// Who gave it.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// Which clock.
    pub clock: ClockNo,
    /// Due afterwards.
    pub due_at: At,
}

/// No more time (延期驳回).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtensionRefused {
    /// Who refused it.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The holder asked to stop the clock on a ground (申请挂账).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspensionRequested {
    /// Who asked.
    pub by: By,
    /// The request's number in the case.
    pub request: RequestNo,
    /// Seasonal, engineering, historical, or waiting for a conference.
    pub ground: Ground,
    /// When it is to be looked at again.
    pub review_on: Date,
    /// What is done in the meantime.
    pub interim_measure: Sealed,
    /// What the citizen was told.
    pub told_citizen: Sealed,
}

/// The case's clocks stand still, in the list of open problems (挂账). Never a form of closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseSuspended {
    /// Who decided.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// A code of the catalogue `suspension`.
    pub reason: ReasonCode,
    /// When it is to be looked at again.
    pub review_on: Date,
}

/// The suspension was refused (挂账驳回).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspensionRefused {
    /// Who refused it.
    pub by: By,
    /// The request decided on.
    pub request: RequestNo,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// A suspended case was looked at again and stays so (挂账复核).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuspensionReviewed {
    /// Who looked.
    pub by: By,
    /// The next look.
    pub review_on: Date,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The clocks run again (挂账恢复).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseResumed {
    /// Who resumed it.
    pub by: By,
}

/// An overseer ordered an answer by a date (督办).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisionOrdered {
    /// Who ordered it.
    pub by: By,
    /// The order's number among the case's requests.
    pub request: RequestNo,
    /// To whom; the lead when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obligation: Option<ObligationNo>,
    /// Answer by.
    pub reply_due_at: At,
    /// What is ordered; a ladder step orders without words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Sealed>,
}

/// The order was answered (督办回复).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisionReplied {
    /// Who answered.
    pub by: By,
    /// The order answered.
    pub request: RequestNo,
    /// The answer.
    pub words: Sealed,
}

/// The holder was reminded (催办): top of its list. Moves no clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminded {
    /// Who reminded.
    pub by: By,
    /// About which duty; about the whole case when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obligation: Option<ObligationNo>,
}
