//! What intake decides: taking a case, sorting it, and the ways out before anybody works on it.

mod exit;
mod family;
mod privacy;
mod raise;
mod sort;
mod source;

use registry::Grade;
use registry::ids::{MatterId, PersonId, ReasonCode};

pub use self::exit::Exit;
pub use self::family::{close_split, merge, split};
pub(crate) use self::privacy::is_neutral;
pub(crate) use self::raise::raised;
pub use self::raise::{Raise, raise};
pub(crate) use self::sort::filed;
pub use self::source::{Revision, revise};
use crate::actor::Actor;
use crate::clocks;
use crate::event::Event;
use crate::event::parts::{Defect, Evidence, Ground};
use crate::ids::{KeyId, RequestNo};
use crate::refusal::Refusal;
use crate::rules::{PlaceGiven, Rules, in_sight};
use crate::sealed::Sealed;
use crate::state::Case;
use crate::time::At;

/// A command of intake on a case that exists. Raising, merging and splitting touch other streams and are functions of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Settles defects (分类).
    Triage {
        /// The matter, when it was missing or wrong.
        matter: Option<MatterId>,
        /// The place, when it was missing or wrong.
        place: Option<PlaceGiven>,
        /// Defects that somebody looked at and lets pass.
        dismissed: Vec<Defect>,
    },
    /// Asks a named inspector to look on site (发核实).
    RequestVerification {
        /// Who shall look.
        inspector: PersonId,
        /// What to look for.
        note: Option<Sealed>,
    },
    /// Tells what the inspector saw (核实).
    Verify {
        /// Whether the problem is there.
        genuine: bool,
        /// What was found.
        finding: Option<Sealed>,
        /// What shows it.
        evidence: Vec<Evidence>,
    },
    /// Accepts (受理).
    Accept,
    /// Refuses, with a reply to the citizen (不予受理).
    Reject {
        /// A code of the catalogue `reject`.
        reason: ReasonCode,
        /// What the citizen is told.
        reply: Sealed,
    },
    /// Takes a refused case up after all (申诉).
    AppealRejection {
        /// Why.
        words: Option<Sealed>,
    },
    /// Answers at once, which ends the case (直接答复).
    AnswerDirectly {
        /// The answer.
        reply: Sealed,
    },
    /// Fixed on the spot (自处理).
    SelfHandle {
        /// Photos before and after.
        evidence: Vec<Evidence>,
        /// What was done.
        note: Option<Sealed>,
    },
    /// Looks at a self-handling (自处理审核).
    AuditSelfHandled {
        /// Whether it holds.
        passed: bool,
        /// Why not.
        note: Option<Sealed>,
    },
    /// Files (立案).
    File {
        /// The matter; the one the case has when none is given.
        matter: Option<MatterId>,
        /// The grade; the matter's own when none is given.
        grade: Option<Grade>,
        /// The place, when it is to be corrected.
        place: Option<PlaceGiven>,
    },
    /// Takes the case back (撤单).
    Withdraw {
        /// Why.
        words: Option<Sealed>,
    },
    /// Asks for an exit that two persons must want.
    RequestExit {
        /// Which exit.
        exit: Exit,
        /// Why.
        ground: Ground,
    },
    /// Decides on it, as the second person.
    DecideExit {
        /// The request.
        request: RequestNo,
        /// Whether it is granted.
        grant: bool,
        /// Why not.
        words: Option<Sealed>,
    },
    /// Writes a note (备注).
    AddNote {
        /// What.
        text: Sealed,
        /// Whether the reporter may read it.
        public: bool,
    },
    /// Adds photos or papers (补充材料).
    AttachEvidence {
        /// What.
        evidence: Vec<Evidence>,
    },
    /// Asks to see a reporter's contact (查看联系方式).
    RevealContact {
        /// Whose.
        key_id: KeyId,
        /// A code of the catalogue `reveal`.
        purpose: ReasonCode,
    },
    /// Asks to see a confidential contact (申请解密查看).
    RequestBreakGlass {
        /// Whose.
        key_id: KeyId,
        /// A code of the catalogue `reveal`.
        purpose: ReasonCode,
    },
    /// Decides on it, as the second person.
    DecideBreakGlass {
        /// The request.
        request: RequestNo,
        /// Whether it is granted.
        grant: bool,
    },
}

/// Decides a command of intake.
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
    let events = match command {
        Command::Triage { matter, place, dismissed } => {
            sort::triage(case, matter.as_ref(), place.as_ref(), dismissed, actor, rules)
        }
        Command::RequestVerification { inspector, note } => {
            sort::request_verification(case, inspector, note.as_ref(), actor, rules)
        }
        Command::Verify { genuine, finding, evidence } => {
            sort::verify(case, *genuine, finding.as_ref(), evidence, actor, rules)
        }
        Command::Accept => sort::accept(case, actor),
        Command::Reject { reason, reply } => sort::reject(case, reason, reply, actor, rules),
        Command::AppealRejection { words } => sort::appeal(case, words.as_ref(), actor),
        Command::AnswerDirectly { reply } => sort::answer(case, reply, actor),
        Command::SelfHandle { evidence, note } => {
            sort::self_handle(case, evidence, note.as_ref(), actor, rules)
        }
        Command::AuditSelfHandled { passed, note } => sort::audit(case, *passed, note.as_ref(), actor),
        Command::File { matter, grade, place } => {
            sort::file(case, matter.as_ref(), *grade, place.as_ref(), actor, rules)
        }
        Command::Withdraw { words } => exit::withdraw(case, words.as_ref(), actor),
        Command::RequestExit { exit, ground } => exit::request(case, *exit, ground, actor, rules),
        Command::DecideExit { request, grant, words } => {
            exit::decide(case, *request, *grant, words.as_ref(), actor)
        }
        Command::AddNote { text, public } => sort::note(case, text, *public, actor, rules),
        Command::AttachEvidence { evidence } => sort::attach(case, evidence, actor, rules),
        Command::RevealContact { key_id, purpose } => {
            privacy::reveal(case, key_id, purpose, actor, rules, now)
        }
        Command::RequestBreakGlass { key_id, purpose } => {
            privacy::request_break_glass(case, key_id, purpose, actor, rules)
        }
        Command::DecideBreakGlass { request, grant } => {
            privacy::decide_break_glass(case, *request, *grant, actor, rules, now)
        }
    }?;
    Ok(clocks::with_clocks(case, events, rules, now))
}
