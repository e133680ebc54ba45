//! A small district in one process: ledger, vault, published registry, a clock stepped by hand, and everybody's token.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use case::event::Event;
use case::event::parts::By;
use case::ids::{CaseId, derived_uuid};
use case::state::Case;
use case::time::At;
use case::{Actor, Refusal, Rules};
use desk::{Caller, Desk};
use jiff::Timestamp;
use ledger::registry_stream::{RegistryView, publish};
use ledger::{CommandContext, Done, ExecuteError, Ledger, LedgerInfo, Options};
use registry::Content;
use registry::ids::{JurisdictionId, Role};
use service_kit::clock::{Clock, Manual};
use service_kit::principals::{Principal, Principals};
use service_kit::shutdown::Shutdown;
use tempfile::TempDir;
use tonic::metadata::MetadataMap;
use vault::Vault;

use crate::files::temp_dir;
use crate::wait::{DEADLINE, done, wait_for};

/// A Monday morning in a working week, in Shanghai.
const START: &str = "2025-09-01T08:00:00+08:00";

/// The district. Its tokens are the people's ids: `Bearer p-receptionist`.
#[derive(Debug)]
pub struct World {
    /// What services get.
    pub desk: Desk,
    /// The clock's hand.
    pub clock: Manual,
    /// Ends everything that was started here.
    pub shutdown: Shutdown,
    commands: std::sync::atomic::AtomicU64,
    files: PathBuf,
    // Last, so that the files go after everything that has them open.
    _dir: Option<TempDir>,
}

impl World {
    /// A world with the registry's sample published.
    ///
    /// # Panics
    /// When any part cannot be made.
    pub async fn start() -> Self {
        Self::with(registry::sample::content()).await
    }

    /// A world with another registry.
    ///
    /// # Panics
    /// When any part cannot be made.
    pub async fn with(content: Content) -> Self {
        let dir = temp_dir();
        let files = dir.path().to_owned();
        Self::open(content, files, Some(dir)).await
    }

    /// The sample's world in a directory that outlives it: what a killed process left is found again.
    ///
    /// # Panics
    /// When any part cannot be made.
    pub async fn at(files: &Path) -> Self {
        Self::open(registry::sample::content(), files.to_owned(), None).await
    }

    /// The sample's world after a restart, before which the log's index of one case was damaged: its events lie there as they were,
    /// and the case cannot be read any more. Whatever else has the ledger open must have ended; the clock begins anew.
    ///
    /// # Panics
    /// When the log stays open, or has nothing of the case.
    pub async fn restarted_with_damaged(self, case: CaseId) -> Self {
        let Self { desk, shutdown, commands, files, _dir: dir, .. } = self;
        shutdown.drain(DEADLINE).await;
        desk.ledger.close().await;
        drop(desk);
        damage(&files.join("ledger").join("sled"), case).await;
        let again = Self::open(registry::sample::content(), files, dir).await;
        Self { commands, ..again }
    }

    async fn open(content: Content, files: PathBuf, dir: Option<TempDir>) -> Self {
        let start: Timestamp = done("reading the start", START.parse());
        let (clock, manual) = Clock::manual(start);
        let jurisdiction: JurisdictionId = content.jurisdiction.id.clone();
        let info = LedgerInfo { jurisdiction, code: content.jurisdiction.code.clone() };
        let ledger = done("opening the ledger", Ledger::open(&files.join("ledger"), info, Options::DEFAULT));
        let now = clock.clone();
        let vault_dir = files.join("vault");
        let vault =
            done("opening the vault", Vault::open(&vault_dir, ledger.id(), Arc::new(move || now.now())));
        let principals = done("listing principals", Principals::fixed(people(&content)));
        let context = Desk::automatic("test", derived_uuid("publish", &[]));
        let by = By::Automatic { rule: None };
        done("publishing", publish(&ledger, &context, &by, clock.now(), content, None).await);
        let (registry, follow) = done("reading the registry", RegistryView::start(&ledger).await);
        let shutdown = Shutdown::new();
        let ending = shutdown.clone();
        shutdown.spawn("registry", async move {
            tokio::select! {
                _outcome = follow => {}
                () = ending.started() => {}
            }
        });
        let desk = Desk { ledger, vault, registry, clock, principals };
        Self { desk, clock: manual, shutdown, commands: 0.into(), files, _dir: dir }
    }

    /// A directory for a service's files.
    #[must_use]
    pub fn dir(&self, name: &str) -> PathBuf {
        let path = self.files.join(name);
        done("making a directory", std::fs::create_dir_all(&path));
        path
    }

    /// Somebody of the sample, as the domain sees them.
    ///
    /// # Panics
    /// When there is nobody of that id.
    #[must_use]
    pub fn actor(&self, person: &str) -> Actor {
        let mut metadata = MetadataMap::new();
        let token = done("writing a token", format!("Bearer {person}").parse());
        metadata.insert("authorization", token);
        let caller: Caller = done(person, self.desk.caller(&metadata));
        caller.actor
    }

    /// A command id nobody has used.
    #[must_use]
    pub fn command_id(&self) -> uuid::Uuid {
        let number = self.commands.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        derived_uuid("test/command", &[&number.to_be_bytes()])
    }

    /// Decides on one case as somebody, and commits.
    ///
    /// # Errors
    /// [`ExecuteError`]
    pub async fn decide<F>(&self, person: &str, case: CaseId, decide: F) -> Result<Done, ExecuteError>
    where
        F: Fn(&Case, &Actor, &Rules<'_>, At) -> Result<Vec<Event>, Refusal> + Send + Sync,
    {
        let actor = self.actor(person);
        let context = CommandContext::new(person, self.command_id(), [0; 32]);
        let registry = done("reading the registry", self.desk.published());
        let now = self.desk.clock.now();
        self.desk
            .ledger
            .execute(&context, now, &[case], |cases| {
                let Some(case) = cases.first() else { return Ok(Vec::new()) };
                let mode = case.area().map(|area| self.desk.registry.mode_of(area)).unwrap_or_default();
                Ok(vec![decide(case, &actor, &Rules { registry: &registry, mode }, At::new(now))?])
            })
            .await
    }
}

/// Overwrites where the log's index says that the events of a case are.
async fn damage(engine: &Path, case: CaseId) {
    let config = sled::Config::new().path(engine).flush_every_ms(None);
    // The engine's threads hold its lock for a moment after it was closed.
    let db = wait_for("the log to be free", DEADLINE, async || config.open().ok()).await;
    let stream = case.stream();
    let of_case =
        |key: &[u8]| key.starts_with(b"s") && key.windows(stream.len()).any(|part| part == stream.as_bytes());
    let keys: Vec<_> = db.iter().keys().filter_map(Result::ok).filter(|key| of_case(key)).collect();
    assert!(!keys.is_empty(), "the log has nothing of {case}");
    for key in keys {
        done("damaging the log", db.insert(key, b"damaged"));
    }
    done("damaging the log", db.flush());
}

/// Everybody of the registry, each with the roles of their posts, and one source system.
fn people(content: &Content) -> Vec<(String, Principal)> {
    let mut people = Vec::new();
    for person in &content.people {
        let held = || content.posts.iter().filter(|post| person.posts.contains(&post.id));
        let roles = held().flat_map(|post| post.roles.iter().copied());
        let roles: BTreeSet<Role> = roles.filter(|role| *role != Role::SourceSystem).collect();
        if roles.is_empty() {
            continue;
        }
        let id = person.id.as_str().to_owned();
        let principal = Principal {
            id: id.clone(),
            person: Some(person.id.clone()),
            source: None,
            org: held().next().map(|post| post.org.clone()),
            area: held().find_map(|post| post.area.clone()),
            roles: roles.into_iter().collect(),
        };
        people.push((id, principal));
    }
    for source in &content.jurisdiction.sources {
        let id = source.id.as_str().to_owned();
        let principal = Principal {
            id: id.clone(),
            person: None,
            source: Some(source.id.clone()),
            org: Some(source.org.clone()),
            area: None,
            roles: vec![Role::SourceSystem],
        };
        people.push((id, principal));
    }
    people
}
