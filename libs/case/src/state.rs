//! A case as its events have made it.

mod clock;
mod obligation;
mod request;
mod whistle;

use std::collections::BTreeSet;

use jiff::civil::Date;
use registry::Grade;
use registry::ids::{AreaCode, CompoundId, MatterId, OrgId, PersonId};

pub use self::clock::{ClockPhase, ClockState};
pub use self::obligation::{Obligation, ObligationState};
pub use self::request::{Request, RequestKind};
pub use self::whistle::{MeasureState, WhistlePhase, WhistleState};
use crate::event::parts::{
    By, Channel, Defect, DemandKind, Outcome, Place, Profile, Reporter, Satisfaction, Ticket,
};
use crate::flow::Status;
use crate::ids::{CaseId, ClockNo, KeyId, ObligationNo, RequestNo, WhistleNo};
use crate::sealed::Sealed;
use crate::time::At;

/// A case: what all its events so far amount to. Changed by [`Case::evolve`] and by nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Which case.
    pub id: CaseId,
    /// Version of the last event; 0 before there is any.
    pub version: u64,
    /// Position of the event that raised it; the display number derives from it.
    pub raised_position: u64,
    /// Main status.
    pub status: Status,
    /// Since when it has stood there.
    pub status_since: At,
    /// Where it stood before it was suspended or merged.
    pub status_before: Option<Status>,
    /// When it was written down.
    pub raised_at: At,
    /// When it happened.
    pub occurred_at: At,
    /// When it was filed, last. A return or a resumption does not file it again.
    pub filed_at: Option<At>,
    /// When it was reopened, last.
    pub reopened_at: Option<At>,
    /// When it ended, last.
    pub ended_at: Option<At>,
    /// Last event.
    pub changed_at: At,
    /// Who raised it.
    pub raised_by: By,
    /// The way it takes.
    pub profile: Profile,
    /// How it came in.
    pub channel: Channel,
    /// Who stands behind it.
    pub reporters: Vec<Reporter>,
    /// What was said.
    pub text: Option<Sealed>,
    /// Where.
    pub place: Place,
    /// 事项
    pub matter: Option<MatterId>,
    /// 紧急程度; set at filing.
    pub grade: Option<Grade>,
    /// What the reporter wants.
    pub demand: Option<DemandKind>,
    /// Its own ticket, at the highest revision seen.
    pub ticket: Option<Ticket>,
    /// Revisions of its ticket that were told, in whatever order.
    pub revisions: BTreeSet<u32>,
    /// Tickets of cases merged into this one.
    pub linked_tickets: Vec<Ticket>,
    /// The source's own deadline.
    pub external_due_at: Option<At>,
    /// Organisations complained of.
    pub about: Vec<OrgId>,
    /// Persons complained of.
    pub about_persons: Vec<PersonId>,
    /// Whether the reporter is to stay unknown.
    pub confidential: bool,
    /// Open defects.
    pub defects: Vec<Defect>,
    /// The case it was split from.
    pub split_from: Option<CaseId>,
    /// The cases it was split into.
    pub children: Vec<CaseId>,
    /// The case it follows.
    pub merged_into: Option<CaseId>,
    /// The cases that follow it.
    pub followers: Vec<CaseId>,
    /// An ended case it takes up again.
    pub follows: Option<CaseId>,
    /// Who was asked to verify.
    pub inspector: Option<PersonId>,
    /// What the verification said.
    pub genuine: Option<bool>,
    /// When it was verified, last.
    pub verified_at: Option<At>,
    /// When a suspension is to be looked at again; none unless it is suspended.
    pub review_on: Option<Date>,
    /// When it was suspended or last reviewed; none unless it is suspended.
    pub reviewed_at: Option<At>,
    /// Duties; number N stands at N − 1.
    pub obligations: Vec<Obligation>,
    /// The duty that disposes of the case.
    pub lead: Option<ObligationNo>,
    /// Whistles; number N stands at N − 1.
    pub whistles: Vec<WhistleState>,
    /// Measures; number N stands at N − 1.
    pub measures: Vec<MeasureState>,
    /// Rounds of deliberation held.
    pub rounds: u32,
    /// Requests; number N stands at N − 1.
    pub requests: Vec<Request>,
    /// Clocks; number N stands at N − 1.
    pub clocks: Vec<ClockState>,
    /// The lead's last disposal.
    pub disposal: Option<Disposal>,
    /// Call-backs since the last disposal.
    pub callbacks: Vec<CallBackState>,
    /// Whether no call-back is owed.
    pub callback_exempt: bool,
    /// Since when no call-back is owed.
    pub callback_exempt_at: Option<At>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Returns upheld.
    pub returns: u32,
    /// Failed checks and call-backs (返工).
    pub reworks: u32,
    /// How often it was reopened.
    pub reopenings: u32,
    /// Whether it counts in no rate.
    pub excluded: bool,
    /// Keys destroyed.
    pub destroyed_keys: BTreeSet<KeyId>,
    /// Notes written.
    pub notes: u32,
    /// Pieces of evidence attached to the case itself.
    pub evidence: u32,
}

/// The lead's word that the problem is handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposal {
    /// Which duty.
    pub obligation: ObligationNo,
    /// The organisation that disposed.
    pub org: OrgId,
    /// When.
    pub at: At,
    /// What may be published.
    pub public_reply: Sealed,
}

/// One call back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBackState {
    /// Whom.
    pub reporter: KeyId,
    /// When.
    pub at: At,
    /// Whether they were reached.
    pub contacted: bool,
    /// Whether it is solved, they say.
    pub solved: Option<bool>,
    /// How content.
    pub satisfied: Option<Satisfaction>,
}

impl Case {
    /// A case nothing has happened to yet.
    #[must_use]
    pub fn new(id: CaseId) -> Self {
        let never = At::new(jiff::Timestamp::UNIX_EPOCH);
        Self {
            id,
            version: 0,
            raised_position: 0,
            status: Status::Untriaged,
            status_since: never,
            status_before: None,
            raised_at: never,
            occurred_at: never,
            filed_at: None,
            reopened_at: None,
            ended_at: None,
            changed_at: never,
            raised_by: By::Automatic { rule: None },
            profile: Profile::Public,
            channel: Channel::Hotline,
            reporters: Vec::new(),
            text: None,
            place: Place::default(),
            matter: None,
            grade: None,
            demand: None,
            ticket: None,
            revisions: BTreeSet::new(),
            linked_tickets: Vec::new(),
            external_due_at: None,
            about: Vec::new(),
            about_persons: Vec::new(),
            confidential: false,
            defects: Vec::new(),
            split_from: None,
            children: Vec::new(),
            merged_into: None,
            followers: Vec::new(),
            follows: None,
            inspector: None,
            genuine: None,
            verified_at: None,
            review_on: None,
            reviewed_at: None,
            obligations: Vec::new(),
            lead: None,
            whistles: Vec::new(),
            measures: Vec::new(),
            rounds: 0,
            requests: Vec::new(),
            clocks: Vec::new(),
            disposal: None,
            callbacks: Vec::new(),
            callback_exempt: false,
            callback_exempt_at: None,
            outcome: None,
            returns: 0,
            reworks: 0,
            reopenings: 0,
            excluded: false,
            destroyed_keys: BTreeSet::new(),
            notes: 0,
            evidence: 0,
        }
    }

    /// Whether it was ever raised.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.version > 0
    }

    /// The duty of that number.
    #[must_use]
    pub fn obligation(&self, no: ObligationNo) -> Option<&Obligation> {
        self.obligations.iter().find(|obligation| obligation.no == no)
    }

    /// The whistle of that number.
    #[must_use]
    pub fn whistle(&self, no: WhistleNo) -> Option<&WhistleState> {
        self.whistles.iter().find(|whistle| whistle.no == no)
    }

    /// The clock of that number.
    #[must_use]
    pub fn clock(&self, no: ClockNo) -> Option<&ClockState> {
        self.clocks.iter().find(|clock| clock.no == no)
    }

    /// The request of that number.
    #[must_use]
    pub fn request(&self, no: RequestNo) -> Option<&Request> {
        self.requests.iter().find(|request| request.no == no)
    }

    /// Keys the texts of the case are sealed under: the case file's and each reporter's, also those destroyed since.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        let of_reporters = self.reporters.iter().map(|reporter| reporter.key_id.clone());
        std::iter::once(KeyId::case_file()).chain(of_reporters)
    }

    /// The duty that disposes of the case.
    #[must_use]
    pub fn lead(&self) -> Option<&Obligation> {
        self.lead.and_then(|no| self.obligation(no))
    }

    /// Whether a request still waits for a decision that could change anything.
    #[must_use]
    pub fn is_pending(&self, request: &Request) -> bool {
        let duty_open = |no: ObligationNo| self.obligation(no).is_some_and(Obligation::is_open);
        request.is_open()
            && match &request.kind {
                RequestKind::Return(no) | RequestKind::Objection(no) | RequestKind::Whistle(no) => {
                    duty_open(*no)
                }
                RequestKind::Extension(clock, _) => self.clock(*clock).is_some_and(ClockState::is_open),
                RequestKind::Suspension
                | RequestKind::Void
                | RequestKind::Termination
                | RequestKind::ForceClose
                | RequestKind::Exclusion
                | RequestKind::BreakGlass(_)
                | RequestKind::Erasure(_)
                | RequestKind::RatingAppeal(_)
                | RequestKind::Supervision(..) => true,
            }
    }

    /// Measures a duty answers for.
    pub fn measures_of(&self, no: ObligationNo) -> impl Iterator<Item = &MeasureState> {
        self.measures.iter().filter(move |measure| measure.responsible == no)
    }

    /// Whether everything a duty waits for is settled.
    #[must_use]
    pub fn may_begin(&self, obligation: &Obligation) -> bool {
        obligation.after.iter().all(|no| self.obligation(*no).is_none_or(Obligation::is_settled))
    }

    /// The area the case lies in, as far as known.
    #[must_use]
    pub fn area(&self) -> Option<&AreaCode> {
        self.place.area.as_ref()
    }

    /// The compound the case lies in, as far as known.
    #[must_use]
    pub fn compound(&self) -> Option<&CompoundId> {
        self.place.compound.as_ref()
    }
}
