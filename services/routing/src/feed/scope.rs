//! Whose feed somebody may read, and what of it they asked for.

use std::time::Duration;

use case::Refusal;
use case::refusal::Violation;
use desk::Caller;
use registry::Registry;
use registry::ids::{MatterId, OrgId, Role};
use tonic::Status;
use wire::Failure;
use wire::pb::whistle::routing::v1::SubscribeRequest;

use super::row::{DutyRow, EventRow};

/// Roles that read for their own organisation and those below it.
const OWN: [Role; 5] = [
    Role::Handler,
    Role::OrgDispatcher,
    Role::CommunityOfficer,
    Role::SubdistrictOfficer,
    Role::SubdistrictLeader,
];
/// Roles that read for any organisation.
const ANY: [Role; 5] =
    [Role::Dispatcher, Role::DutyLeader, Role::DistrictCentre, Role::Supervisor, Role::Auditor];
/// Organisations one stream may ask for.
const ORGS_MAX: usize = 100;
/// Longest name of a feed, work-order number and matter, in bytes.
const TEXT_BYTES_MAX: usize = 64;
/// How often a quiet feed says so, unless the reader says otherwise.
const BOOKMARK_EVERY: Duration = Duration::from_secs(30);
const BOOKMARK_SECONDS: std::ops::RangeInclusive<i64> = 1..=3600;

/// What a reader hears of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scope {
    /// With everybody below them.
    pub orgs: Vec<OrgId>,
    pub external_ref: Option<String>,
    pub matter: Option<MatterId>,
    pub bookmark_every: Duration,
}

impl Scope {
    /// What a request asks for.
    ///
    /// # Errors
    /// PERMISSION_DENIED without a role that reads feeds; INVALID_ARGUMENT with every violation. An organisation that is not
    /// the caller's is not told from one that does not exist.
    pub(super) fn of(
        request: &SubscribeRequest,
        caller: &Caller,
        registry: &Registry,
    ) -> Result<Self, Status> {
        may_read(caller)?;
        let mut violations = Vec::new();
        let orgs = orgs(request, caller, registry, &mut violations);
        feed_name(&request.feed_name, &mut violations);
        if request.external_ref.len() > TEXT_BYTES_MAX {
            violations.push(Violation::new("external_ref", "TOO_LONG", "at most 64 bytes"));
        }
        let matter = MatterId::new(request.matter_id.as_str()).ok();
        if matter.is_none() && !request.matter_id.is_empty() {
            violations.push(Violation::new("matter_id", "MALFORMED", "an id of a matter"));
        }
        let bookmark_every = bookmark_every(request, &mut violations);
        if !violations.is_empty() {
            return Err(Failure::Invalid(violations).into());
        }
        let external_ref = Some(request.external_ref.clone()).filter(|text| !text.is_empty());
        Ok(Self { orgs, external_ref, matter, bookmark_every })
    }

    fn has(&self, line: &[OrgId]) -> bool {
        line.iter().any(|org| self.orgs.contains(org))
    }

    /// What of an event this reader hears; none when nothing, or when the filter says so.
    pub(super) fn see<'a>(&self, row: &'a EventRow) -> Option<Vec<Seen<'a>>> {
        let seen = |duty: &'a DutyRow| {
            let (held, holds) = (self.has(&duty.held_before), self.has(&duty.held_after));
            let own = held || holds;
            let r#move = match (duty.touched, held, holds) {
                (true, false, true) => Move::Assigned,
                (_, true, false) => Move::Left,
                (true, _, _) => Move::Changed,
                (false, _, _) => Move::None,
            };
            (own || self.has(&duty.watched_by)).then_some(Seen { duty, own, r#move })
        };
        let mut duties: Vec<Seen<'a>> = row.duties.iter().filter_map(seen).collect();
        if self.matter.is_some() && self.matter != row.about.matter {
            return None;
        }
        if let Some(wanted) = &self.external_ref {
            duties.retain(|seen| seen.duty.external_ref.as_ref() == Some(wanted));
        } else if self.has(&row.told) {
            return Some(duties);
        }
        (!duties.is_empty()).then_some(duties)
    }
}

/// A duty as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen<'a> {
    pub duty: &'a DutyRow,
    /// Whether it is or was the reader's own.
    pub own: bool,
    pub r#move: Move,
}

/// What became of a duty for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    None,
    Assigned,
    Changed,
    Left,
}

/// Whether somebody reads feeds at all.
///
/// # Errors
/// PERMISSION_DENIED
pub(super) fn may_read(caller: &Caller) -> Result<(), Status> {
    if caller.actor.is_any(&OWN) || caller.actor.is_any(&ANY) {
        return Ok(());
    }
    let needed = OWN.into_iter().chain(ANY).collect();
    Err(Failure::Refused(Refusal::RoleMissing { needed }).into())
}

/// Checks the name a reader gives its reading.
pub(super) fn feed_name(name: &str, violations: &mut Vec<Violation>) {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if name.len() > TEXT_BYTES_MAX || !name.bytes().all(allowed) {
        violations.push(Violation::new("feed_name", "MALFORMED", "at most 64 of a-z, 0-9, '-' and '_'"));
    }
}

fn orgs(
    request: &SubscribeRequest,
    caller: &Caller,
    registry: &Registry,
    violations: &mut Vec<Violation>,
) -> Vec<OrgId> {
    if request.org_ids.len() > ORGS_MAX {
        violations.push(Violation::new("org_ids", "TOO_MANY", "at most 100"));
        return Vec::new();
    }
    if request.org_ids.is_empty() {
        if caller.actor.org.is_none() {
            violations.push(Violation::new("org_ids", "REQUIRED", "the token names no organisation"));
        }
        return caller.actor.org.iter().cloned().collect();
    }
    let mut orgs = Vec::new();
    for (index, given) in request.org_ids.iter().enumerate() {
        let known = OrgId::new(given.as_str()).ok().filter(|org| registry.org(org).is_some());
        let any = caller.actor.is_any(&ANY);
        match known.filter(|org| any || caller.actor.acts_for(org, registry)) {
            Some(org) => orgs.push(org),
            None => {
                let expected = "the caller's own organisation or one below it";
                violations.push(Violation::new(format!("org_ids[{index}]"), "UNKNOWN", expected));
            }
        }
    }
    orgs
}

fn bookmark_every(request: &SubscribeRequest, violations: &mut Vec<Violation>) -> Duration {
    let Some(given) = &request.bookmark_interval else { return BOOKMARK_EVERY };
    if !BOOKMARK_SECONDS.contains(&given.seconds) || given.nanos < 0 {
        violations.push(Violation::new("bookmark_interval", "OUT_OF_RANGE", "1 second to 1 hour"));
    }
    Duration::from_secs(u64::try_from(given.seconds).unwrap_or_default())
}
