//! What is reported in a benchmark, and who does what about it: taken from the sample district.

use registry::ids::{AreaCode, MatterId, OrgId, RegistryVersion, Role};
use registry::{Content, MatrixQuery, Mode, OrgKind, Registry};

use crate::exit::Failure;
use crate::sandbox::Sandbox;

/// A problem that one organisation alone answers for, and the tokens of those who bring it to its end.
#[derive(Debug, Clone)]
pub(super) struct District {
    /// The matter.
    pub matter: MatterId,
    /// The grid.
    pub area: AreaCode,
    /// The organisation, whose feed tells of it.
    pub lead: OrgId,
    /// Who does what.
    pub tokens: Tokens,
}

/// A token for each step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    pub grid_worker: String,
    pub receptionist: String,
    pub duty_leader: String,
    pub dispatcher: String,
    pub handler: String,
    pub inspector: String,
    pub caller_back: String,
}

impl Tokens {
    /// One token for everything: whoever has it must have every role.
    pub(super) fn one(token: &str) -> Self {
        let token = token.to_owned();
        Self {
            grid_worker: token.clone(),
            receptionist: token.clone(),
            duty_leader: token.clone(),
            dispatcher: token.clone(),
            handler: token.clone(),
            inspector: token.clone(),
            caller_back: token,
        }
    }
}

impl District {
    /// The first matter and grid of a registry for which the matrix names one organisation that has somebody to act for it.
    pub(super) fn of(content: &Content, sandbox: &Sandbox) -> Result<Self, Failure> {
        let registry = Registry::build(RegistryVersion(1), content.clone())
            .map_err(|findings| Failure::internal(format!("the sample has {} findings", findings.len())))?;
        let grids = content.posts.iter().filter(|post| post.roles.contains(&Role::GridWorker));
        let grids: Vec<&AreaCode> = grids.filter_map(|post| post.area.as_ref()).collect();
        let pairs =
            content.matters.iter().flat_map(|matter| grids.iter().map(move |grid| (&matter.id, *grid)));
        for (matter, area) in pairs {
            let Some(lead) = alone(&registry, matter, area) else { continue };
            if let Some(tokens) = tokens(sandbox, &lead) {
                return Ok(Self { matter: matter.clone(), area: area.clone(), lead, tokens });
            }
        }
        Err(Failure::internal("the sample has no matter that one organisation answers for alone"))
    }
}

/// The organisation that answers for it without others, when it is none of those near by.
fn alone(registry: &Registry, matter: &MatterId, area: &AreaCode) -> Option<OrgId> {
    let query = MatrixQuery {
        matter: Some(matter),
        area: Some(area),
        compound: None,
        ownership: None,
        mode: Mode::Normal,
    };
    let answer = registry.responsible(&query);
    let department = registry.org(&answer.lead).is_some_and(|org| org.kind == OrgKind::Department);
    (department && answer.co.is_empty() && !answer.fallback).then_some(answer.lead)
}

fn tokens(sandbox: &Sandbox, lead: &OrgId) -> Option<Tokens> {
    let with = |role: Role| sandbox.with_role(role).map(|seat| seat.token.clone());
    Some(Tokens {
        grid_worker: with(Role::GridWorker)?,
        receptionist: with(Role::Receptionist)?,
        duty_leader: with(Role::DutyLeader)?,
        dispatcher: with(Role::Dispatcher)?,
        handler: sandbox.handler(lead.as_str())?.token.clone(),
        inspector: with(Role::Inspector)?,
        caller_back: with(Role::CallerBack)?,
    })
}
