//! What somebody is to do now: for every case the next steps, each with whose they are.
//!
//! Wider than in whose hands a case is: whoever joins has its own duty to sign for while the lead holds the case.

mod duty;
mod words;

use case::Case;
use case::event::parts::{By, Profile, Subject};
use case::flow::Status;
use case::ids::{ClockNo, KeyId, ObligationNo, RequestNo, WhistleNo};
use case::state::{Request, RequestKind, WhistlePhase, WhistleState};
use case::time::At;
use case::{Actor, actor};
use registry::ids::{OrgId, PersonId, Role};
use registry::{ClockKind, Registry};

pub(crate) use words::Command;

/// Roles that act for an organisation holding a duty.
const HOLDERS: [Role; 8] = [
    Role::Handler,
    Role::OrgDispatcher,
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
    Role::CommunityOfficer,
    Role::DistrictCentre,
    Role::Dispatcher,
    Role::SourceSystem,
];

/// Roles that answer for an organisation that called.
const CALLERS: [Role; 5] = [
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
    Role::CommunityOfficer,
    Role::DistrictCentre,
    Role::Dispatcher,
];

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    /// By which command.
    pub(crate) command: Command,
    /// Whose: `p:` a person, `o:` an organisation, `r:` a role, anywhere or `@` an organisation.
    pub(crate) keys: Vec<String>,
    /// About which duty.
    pub(crate) obligation: Option<ObligationNo>,
    /// About which whistle.
    pub(crate) whistle: Option<WhistleNo>,
    /// About which request.
    pub(crate) request: Option<RequestNo>,
    /// The clock that runs for it.
    pub(crate) clock: Option<ClockNo>,
    /// When its holder was reminded.
    pub(crate) reminded_at: Option<At>,
}

impl Task {
    fn new(command: Command, keys: Vec<String>) -> Self {
        Self { command, keys, obligation: None, whistle: None, request: None, clock: None, reminded_at: None }
    }
}

fn anywhere(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role_key(*role, None)).collect()
}

fn within(org: &OrgId, roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role_key(*role, Some(org))).collect()
}

fn role_key(role: Role, org: Option<&OrgId>) -> String {
    let name = serde_json::to_value(role).unwrap_or_default();
    let name = name.as_str().unwrap_or_default().to_owned();
    match org {
        Some(org) => format!("r:{name}@{org}"),
        None => format!("r:{name}"),
    }
}

fn person_key(person: &PersonId) -> String {
    format!("p:{person}")
}

/// The keys of tasks that are an actor's.
pub(crate) fn keys_of(actor: &Actor) -> Vec<String> {
    let mut keys: Vec<String> = actor.person.iter().map(person_key).collect();
    for role in &actor.roles {
        keys.push(role_key(*role, None));
        keys.extend(actor.org.as_ref().map(|org| role_key(*role, Some(org))));
    }
    if actor.is_any(&HOLDERS) {
        keys.extend(actor.org.as_ref().map(|org| format!("o:{org}")));
    }
    keys
}

/// The tasks of a case, in a fixed order.
pub(crate) fn of_case(case: &Case, registry: &Registry) -> Vec<Task> {
    if case.status.is_ended() || !case.exists() {
        return Vec::new();
    }
    let mut tasks: Vec<Task> = Vec::new();
    tasks.extend(of_status(case));
    for whistle in case.whistles.iter().filter(|whistle| whistle.phase.is_open()) {
        tasks.extend(of_whistle(case, whistle, registry));
    }
    let open = case.requests.iter().filter(|request| case.is_pending(request));
    tasks.extend(open.filter_map(|request| of_request(case, request)));
    if case.status != Status::Suspended {
        for obligation in &case.obligations {
            tasks.extend(duty::of_obligation(case, obligation, registry));
        }
    }
    tasks
}

/// The step of the case itself, by the post whose step it is.
fn of_status(case: &Case) -> Option<Task> {
    let task = |command, roles: &[Role], kind| {
        Some(Task { clock: clock(case, Subject::Case, kind), ..Task::new(command, anywhere(roles)) })
    };
    let whistled = case.whistles.iter().any(|whistle| whistle.phase.is_open());
    match case.status {
        Status::Untriaged => task(Command::TriageCase, &[Role::Receptionist], ClockKind::Triage),
        Status::Raised if case::flow::allows(case.profile, Status::Raised, Status::Accepted) => {
            task(Command::AcceptCase, &[Role::Receptionist], ClockKind::Accept)
        }
        Status::Raised if case::flow::allows(case.profile, Status::Raised, Status::Verifying) => {
            task(Command::RequestVerification, &[Role::Receptionist], ClockKind::Accept)
        }
        Status::Raised => task(Command::FileCase, &[Role::DutyLeader], ClockKind::Accept),
        Status::Verifying => verifying(case),
        Status::Accepted if case.profile == Profile::Consult => {
            task(Command::AnswerDirectly, &[Role::Receptionist, Role::CallTaker], ClockKind::File)
        }
        Status::Accepted => task(Command::FileCase, &[Role::DutyLeader], ClockKind::File),
        Status::SelfHandled => task(Command::AuditSelfHandled, &[Role::Receptionist], ClockKind::File),
        Status::Filed if case.profile == Profile::WhistleOnly && !whistled => blow_again(case),
        Status::Filed if !whistled => task(Command::DispatchCase, &[Role::Dispatcher], ClockKind::Dispatch),
        Status::Disposed => task(Command::CheckCase, &[Role::Inspector], ClockKind::Check),
        Status::Checked if callback_owed(case) => {
            task(Command::CallBack, &[Role::CallerBack], ClockKind::CallBack)
        }
        Status::Checked => {
            task(Command::CloseCase, &[Role::DutyLeader, Role::CallerBack], ClockKind::CallBack)
        }
        Status::Filed
        | Status::Dispatched
        | Status::InProgress
        | Status::Suspended
        | Status::Closed
        | Status::Rejected
        | Status::Merged
        | Status::Split
        | Status::Withdrawn
        | Status::Voided
        | Status::Terminated
        | Status::ForceClosed => None,
    }
}

/// A matter of one's own is not dispatched: whoever whistled for it, and got the whistle back, whistles again.
fn blow_again(case: &Case) -> Option<Task> {
    let whistle = case.whistles.last()?;
    match &whistle.blown_by {
        By::Person { role, .. } => Some(Task::new(Command::BlowWhistle, within(&whistle.caller, &[*role]))),
        By::System { .. } | By::Automatic { .. } => None,
    }
}

fn verifying(case: &Case) -> Option<Task> {
    let clock = clock(case, Subject::Case, ClockKind::Verify);
    let task = match (case.genuine, &case.inspector) {
        (None, Some(inspector)) => Task::new(Command::VerifyCase, vec![person_key(inspector)]),
        (None, None) => Task::new(Command::VerifyCase, anywhere(&[Role::Inspector])),
        (Some(true), _) => Task::new(Command::AcceptCase, anywhere(&[Role::Receptionist])),
        (Some(false), _) => Task::new(Command::RejectCase, anywhere(&[Role::Receptionist])),
    };
    Some(Task { clock, ..task })
}

/// Whether a reporter who can be called was not reached yet. How many tries are enough is the policies' to say; until they are made
/// somebody has to try.
fn callback_owed(case: &Case) -> bool {
    let reached = |key: &KeyId| case.callbacks.iter().any(|call| call.reporter == *key && call.contacted);
    let mut callable = case.reporters.iter().filter(|reporter| reporter.contactable);
    !case.callback_exempt && callable.any(|reporter| !reached(&reporter.key_id))
}

fn of_whistle(case: &Case, whistle: &WhistleState, registry: &Registry) -> Option<Task> {
    let about = |task: Task, kind: Option<ClockKind>| {
        let clock = kind.and_then(|kind| clock(case, Subject::Whistle(whistle.no), kind));
        Some(Task { whistle: Some(whistle.no), clock, ..task })
    };
    match whistle.phase {
        WhistlePhase::Drafted if whistle.needs_approval => {
            let area = registry.org(&whistle.caller).and_then(|org| org.area.as_ref());
            let street =
                area.and_then(|area| registry.subdistrict_of(area)).unwrap_or(registry.district_centre());
            let policy = registry.whistle_kind(&whistle.kind);
            let approve = policy.map(|policy| within(street, &policy.approve)).unwrap_or_default();
            let task = Task::new(Command::ApproveWhistle, approve);
            about(task, Some(ClockKind::WhistleApproval))
        }
        WhistlePhase::Drafted | WhistlePhase::Approved => {
            let task = Task::new(Command::TriageWhistle, anywhere(&[Role::DistrictCentre]));
            about(task, Some(ClockKind::WhistleTriage))
        }
        WhistlePhase::Active if whistle.confirmed_afterwards && !whistle.confirmed => {
            let roles = [Role::SubdistrictLeader, Role::DutyLeader, Role::DistrictCentre];
            about(Task::new(Command::ConfirmWhistle, anywhere(&roles)), None)
        }
        WhistlePhase::Active if is_settled(case, whistle) => {
            about(Task::new(Command::StandDownWhistle, within(&whistle.caller, &CALLERS)), None)
        }
        WhistlePhase::Active
        | WhistlePhase::Triaged
        | WhistlePhase::StoodDown
        | WhistlePhase::Withdrawn
        | WhistlePhase::HandedBack
        | WhistlePhase::Invalid => None,
    }
}

/// Whether every duty of the whistle that anything waits for is settled.
fn is_settled(case: &Case, whistle: &WhistleState) -> bool {
    let called =
        case.obligations.iter().filter(|duty| duty.whistle == Some(whistle.no) && duty.parent.is_none());
    called.filter(|duty| duty.mandatory).all(case::state::Obligation::is_settled)
}

fn of_request(case: &Case, request: &Request) -> Option<Task> {
    let subject = Subject::Request(request.no);
    let open = |clock: &&case::state::ClockState| clock.subject == subject && clock.is_open();
    let clock = case.clocks.iter().find(open).map(|clock| clock.no);
    let (command, keys, obligation) = match &request.kind {
        RequestKind::Objection(no) => {
            (Command::DecideObjection, anywhere(&[Role::DistrictCentre]), Some(*no))
        }
        RequestKind::Void | RequestKind::Termination | RequestKind::ForceClose | RequestKind::Exclusion => {
            (Command::DecideExit, anywhere(&[Role::DutyLeader, Role::DistrictCentre, Role::Supervisor]), None)
        }
        RequestKind::BreakGlass(_) => {
            let roles = [Role::DutyLeader, Role::DistrictCentre, Role::Supervisor];
            (Command::DecideBreakGlass, anywhere(&roles), None)
        }
        // No command decides these yet; they are shown with the case.
        RequestKind::Return(_)
        | RequestKind::Extension(..)
        | RequestKind::Suspension
        | RequestKind::Erasure(_)
        | RequestKind::RatingAppeal(_)
        | RequestKind::Whistle(_)
        | RequestKind::Supervision(..) => return None,
    };
    Some(Task { request: Some(request.no), obligation, clock, ..Task::new(command, keys) })
}

/// The open clock of a kind about a subject.
fn clock(case: &Case, subject: Subject, kind: ClockKind) -> Option<ClockNo> {
    let fits =
        |clock: &&case::state::ClockState| clock.is_open() && clock.subject == subject && clock.kind == kind;
    case.clocks.iter().find(fits).map(|clock| clock.no)
}

/// Whether somebody whose post fits may do it: not who disposed checks or calls back, not who asked decides.
pub(crate) fn may_do(actor: &Actor, case: &Case, task: &Task, registry: &Registry) -> bool {
    let related = |org: &OrgId| {
        actor
            .org
            .as_ref()
            .is_some_and(|own| registry.is_same_or_above(own, org) || registry.is_same_or_above(org, own))
    };
    match task.command {
        Command::CheckCase => !case.disposal.as_ref().is_some_and(|disposal| related(&disposal.org)),
        Command::CallBack => !case.obligations.iter().any(|duty| related(&duty.org)),
        Command::ApproveWhistle | Command::ConfirmWhistle => {
            let blown_by =
                task.whistle.and_then(|no| case.whistle(no)).and_then(|found| found.blown_by.person());
            blown_by.is_none() || blown_by != actor.person.as_ref()
        }
        Command::DecideBreakGlass => {
            !actor::is_accused(actor, case, registry) && asked_by_another(actor, case, task)
        }
        Command::DecideExit | Command::DecideObjection => asked_by_another(actor, case, task),
        Command::TriageCase
        | Command::AcceptCase
        | Command::RejectCase
        | Command::RequestVerification
        | Command::VerifyCase
        | Command::AnswerDirectly
        | Command::FileCase
        | Command::AuditSelfHandled
        | Command::DispatchCase
        | Command::BlowWhistle
        | Command::CloseCase
        | Command::TriageWhistle
        | Command::StandDownWhistle
        | Command::SignFor
        | Command::RecordContact
        | Command::ReportIn
        | Command::StrikeOff
        | Command::Complete
        | Command::DisposeCase
        | Command::Confirm => true,
    }
}

fn asked_by_another(actor: &Actor, case: &Case, task: &Task) -> bool {
    let asked_by = task.request.and_then(|no| case.request(no)).and_then(|request| request.by.person());
    asked_by.is_none() || asked_by != actor.person.as_ref()
}
