//! Who asks, and what they may see.

use registry::Registry;
use registry::ids::{AreaCode, OrgId, PersonId, PostId, Role, SourceId};

use crate::event::parts::By;
use crate::refusal::Refusal;
use crate::state::Case;

/// Whoever gives a command: authenticated outside, judged here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person, when it is one.
    pub person: Option<PersonId>,
    /// The system, when it is one.
    pub source: Option<SourceId>,
    /// The post held.
    pub post: Option<PostId>,
    /// The organisation acted for.
    pub org: Option<OrgId>,
    /// The area answered for; none means the whole district.
    pub area: Option<AreaCode>,
    /// What they may act as.
    pub roles: Vec<Role>,
}

impl Actor {
    /// Whether one of the roles is theirs.
    #[must_use]
    pub fn is_any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    /// Signs as the first of these roles that is theirs.
    ///
    /// # Errors
    /// [`Refusal::RoleMissing`] when none is.
    pub fn sign(&self, roles: &[Role]) -> Result<By, Refusal> {
        let role = roles.iter().copied().find(|role| self.roles.contains(role));
        let role = role.ok_or_else(|| Refusal::RoleMissing { needed: roles.to_vec() })?;
        match (&self.person, &self.source) {
            (Some(person), _) => Ok(By::Person {
                person: person.clone(),
                post: self.post.clone(),
                org: self.org.clone(),
                role,
            }),
            (None, Some(source)) => Ok(By::System { source: source.clone(), org: self.org.clone() }),
            (None, None) => Err(Refusal::RoleMissing { needed: roles.to_vec() }),
        }
    }

    /// Whether they act for the organisation: their own or one below it, in a role that does.
    #[must_use]
    pub fn acts_for(&self, org: &OrgId, registry: &Registry) -> bool {
        let below = |own: &OrgId| own == org || registry.is_same_or_above(own, org);
        self.acts_for_its_org() && self.org.as_ref().is_some_and(below)
    }

    /// Whether they act for their organisation at all: a resident or an auditor belongs to one without speaking for it.
    #[must_use]
    pub fn acts_for_its_org(&self) -> bool {
        self.is_any(&ACT_FOR_ORG)
    }
}

/// Roles that act for the organisation they belong to.
pub(crate) const ACT_FOR_ORG: [Role; 9] = [
    Role::Handler,
    Role::OrgDispatcher,
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
    Role::CommunityOfficer,
    Role::GridWorker,
    Role::DistrictCentre,
    Role::Dispatcher,
    Role::SourceSystem,
];

/// Roles that see every case of their area, which is the whole district when they have none.
const DISTRICT_WIDE: [Role; 9] = [
    Role::CallTaker,
    Role::Receptionist,
    Role::DutyLeader,
    Role::Dispatcher,
    Role::CallerBack,
    Role::Supervisor,
    Role::DistrictCentre,
    Role::Auditor,
    Role::Inspector,
];

/// Roles that see the cases of the area they answer for.
const LOCAL: [Role; 5] = [
    Role::GridWorker,
    Role::LaneSteward,
    Role::CommunityOfficer,
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
];

/// Whether a case lies in somebody's sight. Denied by default.
#[must_use]
pub fn sees(actor: &Actor, case: &Case, registry: &Registry) -> bool {
    let in_area = |unplaced: bool| match (&actor.area, case.area()) {
        (None, _) => true,
        (Some(area), Some(place)) => area.contains(place) || place.contains(area),
        (Some(_), None) => unplaced,
    };
    let raised_it = match &case.raised_by {
        By::Person { person, .. } => actor.person.as_ref() == Some(person),
        By::System { source, .. } => actor.source.as_ref() == Some(source),
        By::Automatic { .. } => false,
    };
    let reported_it = actor.person.is_some() && case.reporters.iter().any(|r| r.person == actor.person);
    let from_their_source = match (&actor.source, &case.ticket) {
        (Some(source), Some(ticket)) => ticket.source == *source,
        _ => false,
    };
    let has_duty = case
        .obligations
        .iter()
        .any(|obligation| !obligation.state.is_gone() && actor.acts_for(&obligation.org, registry));
    let called = case.whistles.iter().any(|whistle| actor.acts_for(&whistle.caller, registry));
    let verifies = actor.person.is_some() && case.inspector == actor.person;
    raised_it
        || reported_it
        || from_their_source
        || verifies
        || has_duty
        || called
        || (actor.is_any(&DISTRICT_WIDE) && in_area(true))
        || (actor.is_any(&LOCAL) && actor.area.is_some() && in_area(false))
}

/// Whether somebody is complained of in this case, themselves or as part of an organisation, or stands above one who is (被反映对象).
#[must_use]
pub fn is_accused(actor: &Actor, case: &Case, registry: &Registry) -> bool {
    let by_org = |org: &OrgId| {
        case.about
            .iter()
            .any(|about| registry.is_same_or_above(org, about) || registry.is_same_or_above(about, org))
    };
    let persons_org =
        |person: &PersonId| registry.posts_of(person).map(|post| post.org.clone()).collect::<Vec<_>>();
    let above_person = case.about_persons.iter().any(|about| {
        actor.person.as_ref() == Some(about)
            || persons_org(about)
                .iter()
                .any(|org| actor.org.as_ref().is_some_and(|own| registry.is_same_or_above(own, org)))
    });
    actor.org.as_ref().is_some_and(by_org) || above_person
}
