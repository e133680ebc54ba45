//! What routing decides: who has to do what, and whether they did. Dispatching, whistles, duties.

mod calling;
mod dispatch;
mod duty;
mod meeting;
mod rating;
mod whistle;

use registry::ids::{OrgId, PersonId, WhistleKind};

pub use self::dispatch::dispatch_automatically;
pub use self::whistle::{OwnMatter, raise_and_blow};
use crate::actor::Actor;
use crate::clocks;
use crate::event::Event;
use crate::event::parts::{Evidence, GeoPoint, Ground, Meeting, Party};
use crate::event::whistle::DeliberationForm;
use crate::ids::{MeasureNo, ObligationNo, RequestNo, WhistleNo};
use crate::refusal::Refusal;
use crate::rules::{Rules, in_sight};
use crate::sealed::Sealed;
use crate::state::Case;
use crate::time::At;

/// A whistle to be blown (吹哨).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blow {
    /// The kind, a key of the policies.
    pub kind: WhistleKind,
    /// What it is for.
    pub purpose: Sealed,
    /// What was tried alone.
    pub tried: Option<Sealed>,
    /// When and where to meet.
    pub meeting: Option<Meeting>,
    /// Those called; at least one.
    pub parties: Vec<Party>,
    /// The lead's request it answers.
    pub request: Option<RequestNo>,
}

/// A measure to be agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMeasure {
    /// What will be done.
    pub text: Sealed,
    /// Whose duty it belongs to.
    pub responsible: ObligationNo,
    /// Whether completing waits for it.
    pub mandatory: bool,
    /// By when.
    pub due_at: Option<At>,
}

/// A command of routing on a case that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a command lives once, on its way to its decision")]
pub enum Command {
    /// Dispatches to a lead and those who join (派遣); by the matrix when no lead is named.
    Dispatch {
        /// The lead.
        lead: Option<OrgId>,
        /// Those who join.
        co: Vec<OrgId>,
        /// What is asked.
        task: Option<Sealed>,
    },
    /// Calls further organisations in (加派).
    CallCoHandlers {
        /// Whom; each with its task.
        parties: Vec<Party>,
        /// Duties that must be settled before theirs begin.
        after: Vec<ObligationNo>,
        /// Why.
        words: Option<Sealed>,
    },
    /// Assigns a duty inward (二次派遣).
    Assign {
        /// Which duty.
        obligation: ObligationNo,
        /// To which section, community or organisation below.
        org: OrgId,
        /// To which person.
        person: Option<PersonId>,
        /// What is asked.
        task: Option<Sealed>,
    },
    /// Signs for a duty (签收).
    SignFor {
        /// Which.
        obligation: ObligationNo,
    },
    /// Tells that the reporter was spoken to (联系).
    RecordContact {
        /// For which duty.
        obligation: ObligationNo,
        /// When.
        contacted_at: At,
        /// With whom and how.
        who_and_how: Sealed,
    },
    /// Sets the organisation's own work-order number (单位工单号).
    SetExternalRef {
        /// Of which duty.
        obligation: ObligationNo,
        /// The number.
        external_ref: String,
    },
    /// Blows a whistle (吹哨).
    Blow(Blow),
    /// Approves it (审哨).
    ApproveWhistle {
        /// Which.
        whistle: WhistleNo,
    },
    /// Settles lead and co (分哨).
    TriageWhistle {
        /// Which.
        whistle: WhistleNo,
        /// Those called, as settled.
        parties: Vec<Party>,
    },
    /// Hands it back with advice (退哨).
    HandBackWhistle {
        /// Which.
        whistle: WhistleNo,
        /// What to do instead.
        advice: Sealed,
    },
    /// Takes it back before it is active (撤哨).
    WithdrawWhistle {
        /// Which.
        whistle: WhistleNo,
        /// Why.
        words: Option<Sealed>,
    },
    /// Calls one more (增加应哨单位).
    AddParty {
        /// To which whistle.
        whistle: WhistleNo,
        /// Whom.
        party: Party,
        /// Why.
        words: Option<Sealed>,
    },
    /// Changes the lead (变更牵头单位).
    ChangeLead {
        /// Of which whistle.
        whistle: WhistleNo,
        /// The duty that leads from here on.
        to: ObligationNo,
        /// Why.
        words: Option<Sealed>,
    },
    /// Stands it down (销哨).
    StandDownWhistle {
        /// Which.
        whistle: WhistleNo,
        /// What came of it.
        words: Option<Sealed>,
    },
    /// Confirms an emergency whistle afterwards, or strikes it (补批、无效哨).
    ConfirmWhistle {
        /// Which.
        whistle: WhistleNo,
        /// Whether it was right to blow.
        confirmed: bool,
        /// Why not.
        words: Option<Sealed>,
    },
    /// Rates the whistle itself (哨声评价).
    RateWhistle {
        /// Which.
        whistle: WhistleNo,
        /// 1 to 5.
        score: u8,
        /// Why.
        words: Option<Sealed>,
    },
    /// Shows a code that proves presence (到场码).
    IssuePresenceCode {
        /// For which whistle.
        whistle: WhistleNo,
        /// Keyed digest of case and code, hexadecimal, made by whoever holds the key (`wire::Seal::code`).
        code_mac: String,
    },
    /// Reports in (报到).
    ReportIn {
        /// For which duty.
        obligation: ObligationNo,
        /// When, as told.
        reported_at: At,
        /// Keyed digest of case and the code shown on site, made the same way.
        code_mac: Option<String>,
        /// Where they stand.
        point: Option<GeoPoint>,
    },
    /// Says a whistle does not concern them (异议).
    RaiseObjection {
        /// Which duty.
        obligation: ObligationNo,
        /// Why.
        ground: Ground,
    },
    /// Decides an objection (异议裁定).
    DecideObjection {
        /// Which.
        request: RequestNo,
        /// Whether it is upheld.
        uphold: bool,
        /// Why not.
        words: Option<Sealed>,
    },
    /// Records the plan of those who met (联合方案).
    RecordJointPlan {
        /// Of which whistle.
        whistle: Option<WhistleNo>,
        /// Organisations at the table.
        attendees: Vec<OrgId>,
        /// What will be done.
        measures: Vec<PlannedMeasure>,
        /// The plan in words.
        words: Option<Sealed>,
    },
    /// Records a round of deliberation (议事).
    RecordDeliberation {
        /// The form.
        form: DeliberationForm,
        /// Organisations present.
        attendees: Vec<OrgId>,
        /// Others present.
        others: u32,
        /// What came of it.
        result: Sealed,
        /// Whether it settled the question.
        agreed: bool,
        /// The next round.
        next_at: Option<At>,
    },
    /// Strikes a measure off (销号).
    StrikeOff {
        /// Which.
        measure: MeasureNo,
        /// What shows it.
        evidence: Vec<Evidence>,
        /// What was done.
        note: Option<Sealed>,
    },
    /// Says the part is done (办结反馈).
    Complete {
        /// Which duty.
        obligation: ObligationNo,
        /// What was done.
        result: Sealed,
        /// What shows it.
        evidence: Vec<Evidence>,
    },
    /// Confirms a part done (验收).
    Confirm {
        /// Which duty.
        obligation: ObligationNo,
    },
    /// Refuses it (验收不通过).
    RefuseCompletion {
        /// Which duty.
        obligation: ObligationNo,
        /// What is missing.
        words: Sealed,
    },
    /// Rates how an organisation answered (评哨).
    RateResponse {
        /// Which duty.
        obligation: ObligationNo,
        /// 1 to 5.
        score: u8,
        /// Why.
        words: Option<Sealed>,
    },
}

/// Decides a command of routing.
///
/// # Errors
/// [`Refusal`], with nothing changed.
pub fn decide(
    case: &Case,
    command: &Command,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<Vec<Event>, Refusal> {
    in_sight(case, actor, rules)?;
    let desk = Desk { case, actor, rules, now };
    let events = match command {
        Command::Dispatch { lead, co, task } => desk.dispatch(lead.as_ref(), co, task.as_ref()),
        Command::CallCoHandlers { parties, after, words } => {
            desk.call_co_handlers(parties, after, words.as_ref())
        }
        Command::Assign { obligation, org, person, task } => {
            desk.assign(*obligation, org, person.as_ref(), task.as_ref())
        }
        Command::SignFor { obligation } => desk.sign_for(*obligation),
        Command::RecordContact { obligation, contacted_at, who_and_how } => {
            desk.record_contact(*obligation, *contacted_at, who_and_how)
        }
        Command::SetExternalRef { obligation, external_ref } => {
            desk.set_external_ref(*obligation, external_ref)
        }
        Command::Blow(blow) => desk.blow(blow),
        Command::ApproveWhistle { whistle } => desk.approve(*whistle),
        Command::TriageWhistle { whistle, parties } => desk.triage(*whistle, parties),
        Command::HandBackWhistle { whistle, advice } => desk.hand_back(*whistle, advice),
        Command::WithdrawWhistle { whistle, words } => desk.withdraw(*whistle, words.as_ref()),
        Command::AddParty { whistle, party, words } => desk.add_party(*whistle, party, words.as_ref()),
        Command::ChangeLead { whistle, to, words } => desk.change_lead(*whistle, *to, words.as_ref()),
        Command::StandDownWhistle { whistle, words } => desk.stand_down(*whistle, words.as_ref()),
        Command::ConfirmWhistle { whistle, confirmed, words } => {
            desk.confirm_whistle(*whistle, *confirmed, words.as_ref())
        }
        Command::RateWhistle { whistle, score, words } => desk.rate_whistle(*whistle, *score, words.as_ref()),
        Command::IssuePresenceCode { whistle, code_mac } => desk.issue_presence_code(*whistle, code_mac),
        Command::ReportIn { obligation, reported_at, code_mac, point } => {
            desk.report_in(*obligation, *reported_at, code_mac.as_deref(), *point)
        }
        Command::RaiseObjection { obligation, ground } => desk.raise_objection(*obligation, ground),
        Command::DecideObjection { request, uphold, words } => {
            desk.decide_objection(*request, *uphold, words.as_ref())
        }
        Command::RecordJointPlan { whistle, attendees, measures, words } => {
            desk.record_joint_plan(*whistle, attendees, measures, words.as_ref())
        }
        Command::RecordDeliberation { form, attendees, others, result, agreed, next_at } => {
            desk.record_deliberation(*form, attendees, *others, result, *agreed, *next_at)
        }
        Command::StrikeOff { measure, evidence, note } => desk.strike_off(*measure, evidence, note.as_ref()),
        Command::Complete { obligation, result, evidence } => desk.complete(*obligation, result, evidence),
        Command::Confirm { obligation } => desk.confirm(*obligation),
        Command::RefuseCompletion { obligation, words } => desk.refuse_completion(*obligation, words),
        Command::RateResponse { obligation, score, words } => {
            desk.rate_response(*obligation, *score, words.as_ref())
        }
    }?;
    Ok(clocks::with_clocks(case, events, rules, now))
}

/// What every decision of routing looks at.
struct Desk<'a> {
    case: &'a Case,
    actor: &'a Actor,
    rules: &'a Rules<'a>,
    now: At,
}

type Decision = Result<Vec<Event>, Refusal>;
