use std::collections::BTreeMap;
use std::sync::Arc;

use case::event::district::{ModeSwitched, RegistryPartStaged, RegistryPublished};
use case::event::{District, Event, Recorded};
use event_store::{Position, Version};
use registry::ids::AreaCode;
use registry::{Content, Finding, Mode, PARTS_MAX, Part, Registry};

use crate::commit::decode_event;
use crate::errors::LedgerError;
use crate::handle::Ledger;
use crate::registry_stream::stream;

/// A page of the stream, in bytes as stored.
const PAGE_BYTES: usize = 1024 * 1024;

/// Which areas are in which mode (平急). Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes(Arc<BTreeMap<AreaCode, Mode>>);

impl Modes {
    /// Emergency when the area or one it lies in is in emergency.
    #[must_use]
    pub fn of(&self, area: &AreaCode) -> Mode {
        let emergency =
            |(switched, mode): (&AreaCode, &Mode)| *mode == Mode::Emergency && switched.contains(area);
        if self.0.iter().any(emergency) { Mode::Emergency } else { Mode::Normal }
    }
}

/// The registry's stream folded: what is staged, what is in force.
///
/// Publications are put together only by [`RegistryFold::settle`], so that reading a long history builds one registry.
#[derive(Debug, Default)]
pub struct RegistryFold {
    version: u64,
    staged: BTreeMap<String, BTreeMap<u32, RegistryPartStaged>>,
    published: Option<(RegistryPublished, Vec<RegistryPartStaged>)>,
    settled: Option<(String, Arc<Registry>)>,
    modes: Modes,
}

impl RegistryFold {
    /// Reads the stream, as far as the ledger's position when given, else to its end.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub async fn load(ledger: &Ledger, until: Option<Position>) -> Result<Self, LedgerError> {
        let mut fold = Self::default();
        fold.read_on(ledger, until).await?;
        fold.settled().await
    }

    /// Takes in what the stream has by now, without settling.
    pub(crate) async fn read_on(
        &mut self,
        ledger: &Ledger,
        until: Option<Position>,
    ) -> Result<(), LedgerError> {
        let name = stream().name();
        loop {
            let after = Version(self.version);
            let page = ledger.inner.backend.read_stream(&name, after, PAGE_BYTES).await?;
            for found in &page.events {
                if until.is_some_and(|until| found.event.position > until) {
                    return Ok(());
                }
                self.apply(&decode_event(&found.event, &found.commit)?);
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    /// [`RegistryFold::settle`] off the async threads.
    pub(crate) async fn settled(mut self) -> Result<Self, LedgerError> {
        if self.published.is_none() {
            return Ok(self);
        }
        let settle = tokio::task::spawn_blocking(move || self.settle().map(|_| self));
        settle.await.map_err(|error| LedgerError::Storage(error.to_string()))?
    }

    /// Takes in one event of the stream; one it has already is passed over.
    pub fn apply(&mut self, recorded: &Recorded) {
        if recorded.version <= self.version {
            return;
        }
        self.version = recorded.version;
        let Event::District(event) = &recorded.event else { return };
        match event {
            District::RegistryPartStaged(part) => {
                let parts = self.staged.entry(part.digest.clone()).or_default();
                // More than any registry may have would be refused when it is published.
                if parts.len() < PARTS_MAX {
                    parts.insert(part.index, part.clone());
                }
            }
            District::RegistryPublished(published) => {
                let parts = self.staged.remove(&published.digest).unwrap_or_default();
                self.published = Some((published.clone(), parts.into_values().collect()));
            }
            District::ModeSwitched(ModeSwitched { area, mode, .. }) => {
                Arc::make_mut(&mut self.modes.0).insert(area.clone(), *mode);
            }
            District::EpochOpened(_) | District::InspectionDrawn(_) => {}
        }
    }

    /// Puts the last publication together, if there is one since the last time. Tells whether there was. Takes
    /// milliseconds for a district: call it off the async threads.
    ///
    /// # Errors
    /// [`LedgerError::Registry`] when it does not come together; the one before stays in force here, and whoever needs the
    /// new one must stop.
    pub fn settle(&mut self) -> Result<bool, LedgerError> {
        let Some((published, parts)) = self.published.take() else { return Ok(false) };
        let registry = build(&published, &parts)?;
        self.settled = Some((published.digest, Arc::new(registry)));
        Ok(true)
    }

    /// The registry in force, as of the last settling.
    #[must_use]
    pub fn current(&self) -> Option<&Arc<Registry>> {
        self.settled.as_ref().map(|(_, registry)| registry)
    }

    /// Who is in which mode.
    #[must_use]
    pub fn modes(&self) -> &Modes {
        &self.modes
    }

    /// The stream's version as far as folded.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Digest of the content in force.
    pub(crate) fn digest(&self) -> Option<&str> {
        self.settled.as_ref().map(|(digest, _)| digest.as_str())
    }

    /// Whether a part lies ready.
    pub(crate) fn has_staged(&self, digest: &str, index: u32) -> bool {
        self.staged.get(digest).is_some_and(|parts| parts.contains_key(&index))
    }
}

fn build(published: &RegistryPublished, staged: &[RegistryPartStaged]) -> Result<Registry, LedgerError> {
    let version = published.version.0;
    let refuse = |detail: String| LedgerError::Registry { version, detail };
    let whole = staged.len() == published.parts as usize
        && staged.iter().zip(0..).all(|(part, index)| part.index == index && part.of == published.parts);
    if !whole {
        return Err(refuse("parts are missing".to_owned()));
    }
    let content = Content::from_parts(&unstage(staged)).map_err(|error| refuse(error.to_string()))?;
    if content.digest() != published.digest {
        return Err(refuse("its content is not what was published".to_owned()));
    }
    Registry::build(published.version, content).map_err(|findings| refuse(first_of(&findings)))
}

fn first_of(findings: &[Finding]) -> String {
    findings.first().map_or_else(String::new, ToString::to_string)
}

/// Staged parts count through the whole registry, parts as the registry cuts them through their section.
fn unstage(staged: &[RegistryPartStaged]) -> Vec<Part> {
    let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
    for part in staged {
        *sizes.entry(&part.section).or_default() += 1;
    }
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    let unstage = |part: &RegistryPartStaged, index: u32| Part {
        name: part.section.clone(),
        index,
        of: sizes.get(part.section.as_str()).copied().unwrap_or_default(),
        json: part.items.to_string(),
    };
    let mut parts = Vec::with_capacity(staged.len());
    for part in staged {
        let index = seen.entry(&part.section).or_default();
        parts.push(unstage(part, *index));
        *index += 1;
    }
    parts
}
