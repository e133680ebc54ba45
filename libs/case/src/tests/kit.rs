//! given – when – then over the registry's sample district.

use std::sync::OnceLock;

use jiff::SignedDuration;
use registry::ids::{OrgId, PersonId, ReasonCode, RegistryVersion, SourceId};
use registry::{ClockKind, Content, Mode, Registry};

use super::invariants;
use crate::actor::Actor;
use crate::escalation::{Timer, fire, timers};
use crate::event::parts::{Evidence, EvidenceKind, Ground, Part, Party, Subject};
use crate::event::{Event, Recorded};
use crate::flow::Status;
use crate::ids::{CaseId, KeyId, ObligationNo};
use crate::intake::Raise;
use crate::refusal::{Refusal, StateReason};
use crate::routing::OwnMatter;
use crate::rules::Rules;
use crate::sealed::{SealAlgorithm, Sealed};
use crate::state::{Case, ClockState, Obligation, ObligationState};
use crate::time::At;
use crate::{clocks, closure, import, intake, routing};

/// What somebody does to the case.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one at a time, in a test")]
pub(super) enum Act {
    Raise(Raise),
    Own(OwnMatter),
    Intake(intake::Command),
    Routing(routing::Command),
    Closure(closure::Command),
    Import(import::Command),
    /// Dispatching by the matrix, by nobody.
    Automatic,
    /// Something that a later command will bring about, as it would be recorded.
    Event(Event),
}

macro_rules! acts {
    ($($variant:ident($of:ty),)*) => {$(
        impl From<$of> for Act {
            fn from(act: $of) -> Self {
                Self::$variant(act)
            }
        }
    )*};
}

acts! {
    Raise(Raise),
    Own(OwnMatter),
    Intake(intake::Command),
    Routing(routing::Command),
    Closure(closure::Command),
    Import(import::Command),
}

pub(super) fn sample() -> &'static Registry {
    static SAMPLE: OnceLock<Registry> = OnceLock::new();
    SAMPLE.get_or_init(|| changed(|_| {}))
}

/// The sample with something changed, built for the life of the test process.
pub(super) fn changed(change: impl FnOnce(&mut Content)) -> Registry {
    let mut content = registry::sample::content();
    change(&mut content);
    Registry::build(RegistryVersion(1), content).unwrap()
}

/// A case, the log it comes from, and what came of the last act.
pub(super) struct Story {
    pub(super) registry: &'static Registry,
    pub(super) mode: Mode,
    pub(super) now: At,
    pub(super) case: Case,
    pub(super) log: Vec<Recorded>,
    pub(super) last: Result<Vec<Event>, Refusal>,
}

impl Story {
    /// Nothing has happened. It is Monday 2 March 2026, nine o'clock.
    pub(super) fn begins() -> Self {
        Self {
            registry: sample(),
            mode: Mode::Normal,
            now: local("2026-03-02T09:00"),
            case: Case::new(CaseId::derived("test", &[b"case"])),
            log: Vec::new(),
            last: Ok(Vec::new()),
        }
    }

    pub(super) fn under(mut self, registry: Registry) -> Self {
        self.registry = Box::leak(Box::new(registry));
        self
    }

    /// Goes on to a wall-clock time of the district.
    pub(super) fn at(mut self, text: &str) -> Self {
        let then = local(text);
        assert!(then >= self.now, "{text} is past");
        self.now = then;
        self
    }

    pub(super) fn rules(&self) -> Rules<'static> {
        Rules { registry: self.registry, mode: self.mode }
    }

    /// Somebody acts; what comes of it is recorded and kept for `then` and `refused`.
    pub(super) fn when(mut self, who: &str, act: impl Into<Act>) -> Self {
        let act = act.into();
        let decided = decide(&self.case, &act, &actor(who, self.registry), &self.rules(), self.now);
        self.last = decided.clone();
        if let Ok(events) = decided {
            self.record(events);
        }
        self
    }

    /// The same, and it must be accepted.
    pub(super) fn given(self, who: &str, act: impl Into<Act>) -> Self {
        let story = self.when(who, act);
        if let Err(refusal) = &story.last {
            panic!("given {who}, refused: {refusal:?} in {:?}", story.case.status);
        }
        story
    }

    /// Records an event as it is, with the clock events that follow.
    pub(super) fn happened(self, event: impl Into<Event>) -> Self {
        self.given("p-operator", Act::Event(event.into()))
    }

    pub(super) fn record(&mut self, events: Vec<Event>) {
        let (before, new) = (self.case.clone(), events.len());
        for event in events {
            let version = self.case.version + 1;
            let recorded =
                Recorded { position: version, version, recorded_at: self.now, occurred_at: self.now, event };
            self.case.evolve(&recorded);
            self.log.push(recorded);
        }
        invariants::check(before, &self.case, &self.log, new, &self.rules(), self.now);
    }

    /// Fires what is due, in order, until nothing is.
    pub(super) fn timers_fire(mut self) -> Self {
        let mut all = Vec::new();
        while let Some(timer) = timers(&self.case, &self.rules()).into_iter().find(|t| t.at <= self.now) {
            let events = fire(&self.case, &timer, &self.rules(), self.now).unwrap();
            all.extend(events.clone());
            self.record(events);
            assert!(all.len() < 10_000, "timers never end");
        }
        self.last = Ok(all);
        self
    }

    pub(super) fn timer(mut self, timer: &Timer) -> Self {
        let fired = fire(&self.case, timer, &self.rules(), self.now);
        self.last = fired.clone();
        if let Ok(events) = fired {
            self.record(events);
        }
        self
    }

    /// The names of the last act's events, in order.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.last.as_ref().unwrap().iter().map(Event::event_type).collect()
    }

    #[track_caller]
    pub(super) fn then(self, names: &str) -> Self {
        assert_eq!(self.names().join(" "), names);
        self
    }

    /// The events but those of clocks.
    #[track_caller]
    pub(super) fn then_besides_clocks(self, names: &str) -> Self {
        let own: Vec<_> = self.names().into_iter().filter(|name| !name.starts_with("Clock")).collect();
        assert_eq!(own.join(" "), names);
        self
    }

    #[track_caller]
    pub(super) fn stands(self, status: Status) -> Self {
        assert_eq!(self.case.status, status);
        self
    }

    #[track_caller]
    pub(super) fn refused(self, refusal: &Refusal) -> Self {
        assert_eq!(self.last.as_ref().unwrap_err(), refusal);
        self
    }

    /// Refused because a part of the case does not allow it.
    #[track_caller]
    pub(super) fn forbidden(self, part: &str, why: StateReason) -> Self {
        self.refused(&Refusal::StateForbids { part: part.to_owned(), why })
    }

    #[track_caller]
    pub(super) fn status_forbids(self) -> Self {
        let refusal = self.last.as_ref().unwrap_err();
        assert!(
            matches!(refusal, Refusal::StatusForbids { status, .. } if *status == self.case.status),
            "{refusal:?}"
        );
        self
    }

    #[track_caller]
    pub(super) fn role_missing(self) -> Self {
        let refusal = self.last.as_ref().unwrap_err();
        assert!(matches!(refusal, Refusal::RoleMissing { .. }), "{refusal:?}");
        self
    }

    /// Refused as malformed, naming these fields and codes, all at once.
    #[track_caller]
    pub(super) fn invalid(self, expected: &[(&str, &str)]) -> Self {
        let Err(Refusal::Invalid(violations)) = &self.last else { panic!("{:?}", self.last) };
        let found: Vec<_> = violations.iter().map(|v| (v.field.as_str(), v.code)).collect();
        assert_eq!(found, expected);
        self
    }

    #[track_caller]
    pub(super) fn limited(self, expected: &str) -> Self {
        assert!(
            matches!(&self.last, Err(Refusal::Limit { name, .. }) if *name == expected),
            "{:?}",
            self.last
        );
        self
    }

    #[track_caller]
    pub(super) fn unregistered(self, expected: &str) -> Self {
        assert!(
            matches!(&self.last, Err(Refusal::Unregistered { code, .. }) if code == expected),
            "{:?}",
            self.last
        );
        self
    }

    /// The last clock of a kind on a subject.
    #[track_caller]
    pub(super) fn clock(&self, kind: ClockKind, subject: Subject) -> &ClockState {
        let mut clocks = self.case.clocks.iter().rev();
        clocks.find(|c| c.kind == kind && c.subject == subject).unwrap_or_else(|| panic!("no clock {kind:?}"))
    }

    pub(super) fn duty(&self, no: u32) -> &Obligation {
        self.case.obligation(ObligationNo(no)).unwrap()
    }

    #[track_caller]
    pub(super) fn duty_is(self, no: u32, state: ObligationState) -> Self {
        assert_eq!(self.duty(no).state, state, "duty {no}");
        self
    }

    pub(super) fn open_clocks(&self) -> Vec<(ClockKind, Subject)> {
        self.case.clocks.iter().filter(|c| c.is_open()).map(|c| (c.kind, c.subject)).collect()
    }
}

pub(super) fn decide(
    case: &Case,
    act: &Act,
    actor: &Actor,
    rules: &Rules<'_>,
    now: At,
) -> Result<Vec<Event>, Refusal> {
    match act {
        Act::Raise(command) => intake::raise(case, command, actor, rules, now),
        Act::Own(command) => routing::raise_and_blow(case, command, actor, rules, now),
        Act::Intake(command) => intake::decide(case, command, actor, rules, now),
        Act::Routing(command) => routing::decide(case, command, actor, rules, now),
        Act::Closure(command) => closure::decide(case, command, actor, rules, now),
        Act::Import(command) => import::decide(case, command, actor, rules),
        Act::Automatic => routing::dispatch_automatically(case, rules, now),
        Act::Event(event) => Ok(clocks::with_clocks(case, vec![event.clone()], rules, now)),
    }
}

/// A person of the registry with all their posts give, or the system of that name.
pub(super) fn actor(who: &str, registry: &Registry) -> Actor {
    let Some(person) = PersonId::new(who).ok().filter(|id| registry.person(id).is_some()) else {
        let source = SourceId::new(who).unwrap();
        let org = registry.source(&source).map(|source| source.org.clone()).or(Some(org_id(who)));
        let roles = vec![registry::ids::Role::SourceSystem];
        return Actor { person: None, source: Some(source), post: None, org, area: None, roles };
    };
    let post = registry.posts_of(&person).next().unwrap();
    Actor {
        post: Some(post.id.clone()),
        org: Some(post.org.clone()),
        area: post.area.clone(),
        roles: registry.posts_of(&person).flat_map(|post| post.roles.clone()).collect(),
        person: Some(person),
        source: None,
    }
}

/// A wall-clock time of the sample district.
pub(super) fn local(text: &str) -> At {
    At::new(format!("{text}:00+08:00").parse().unwrap())
}

pub(super) fn minutes(at: At, minutes: i64) -> At {
    At::new(at.instant().checked_add(SignedDuration::from_mins(minutes)).unwrap())
}

pub(super) fn sealed(words: &str) -> Sealed {
    Sealed {
        alg: SealAlgorithm::Chacha20Poly1305,
        key_id: KeyId::case_file(),
        nonce: vec![0; 12],
        ciphertext: words.as_bytes().to_vec(),
    }
}

pub(super) fn org_id(text: &str) -> OrgId {
    OrgId::new(text).unwrap()
}

pub(super) fn reason(text: &str) -> ReasonCode {
    ReasonCode::new(text).unwrap()
}

pub(super) fn ground(code: &str) -> Ground {
    Ground { code: reason(code), words: Some(sealed("why")), evidence: Vec::new() }
}

pub(super) fn photo(shows: EvidenceKind) -> Evidence {
    let sha256 = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9".to_owned();
    Evidence { sha256, media_type: "image/jpeg".to_owned(), bytes: 1_024, shows }
}

pub(super) fn party(org: &str, part: Part) -> Party {
    Party { org: org_id(org), part, mandatory: true, task: None }
}

pub(super) fn duty(no: u32) -> Subject {
    Subject::Obligation(ObligationNo(no))
}
