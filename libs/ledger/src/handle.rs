use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use case::event::Recorded;
use case::ids::CaseId;
use case::state::Case;
use event_store::{Head, OpenError, Position, Store, StoredCommit, StreamPage, Version};
use registry::ids::{AreaCode, JurisdictionId};

use crate::backend::Backend;
use crate::cache::{Cases, Commits};
use crate::commit::{Commit, Envelope, case_stream, decode_event};
use crate::errors::LedgerError;
use crate::follow::Follow;
use crate::locks::{Locked, Locks};
use crate::number::{self, Number};
use crate::remote::{Introduced, Link, Remote};

/// A page of a stream, in bytes as stored.
const STREAM_PAGE_BYTES: usize = 256 * 1024;
/// Most events one call of [`Ledger::history`] gives.
const HISTORY_MAX: usize = 10_000;

/// A district's log as cases and events. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) locks: Locks,
    turns: Locks,
    pub(crate) cases: Cases,
    commits: Commits,
    info: LedgerInfo,
}

/// Whose ledger it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerInfo {
    /// The jurisdiction; the ledger's id as well.
    pub jurisdiction: JurisdictionId,
    /// Its six-digit code; of a longer one the district's part is used.
    pub code: AreaCode,
}

/// What may be chosen about a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Cases kept in memory, some 2 to 20 KiB each.
    pub cases_max: NonZeroUsize,
    /// The log's page cache, in bytes as stored, 1 MiB to 1 TiB; memory used is a multiple. For [`Ledger::open`] only.
    pub log_cache_bytes: u64,
    /// Commits that may wait; one more is answered `Busy`. 1 to 65,536. For [`Ledger::open`] only.
    pub queue_max: usize,
}

impl Options {
    /// 8,192 cases: a district's open ones. 64 MiB of pages, 4,096 commits waiting.
    pub const DEFAULT: Self = Self {
        cases_max: match NonZeroUsize::new(8192) {
            Some(max) => max,
            None => NonZeroUsize::MIN,
        },
        log_cache_bytes: 64 * 1024 * 1024,
        queue_max: 4096,
    };
}

/// How far a stream is folded.
#[derive(Clone, Copy)]
enum Until {
    End,
    Version(u64),
    Position(Position),
}

impl Until {
    fn reached(self, version: u64, position: u64) -> bool {
        match self {
            Self::End => false,
            Self::Version(last) => version > last,
            Self::Position(last) => position > last.get(),
        }
    }
}

impl Ledger {
    /// Over a log that is open in this process.
    #[must_use]
    pub fn local(store: Store, info: LedgerInfo) -> Self {
        Self::local_with(store, info, Options::DEFAULT)
    }

    /// [`Ledger::local`] with options.
    #[must_use]
    pub fn local_with(store: Store, info: LedgerInfo, options: Options) -> Self {
        Self::with(Backend::local(store), info, options)
    }

    fn with(backend: Backend, info: LedgerInfo, options: Options) -> Self {
        let inner = Inner {
            backend,
            locks: Locks::new(),
            turns: Locks::new(),
            cases: Cases::new(options.cases_max),
            commits: Commits::new(),
            info,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Over the log of a jurisdiction that another process serves on NATS. Waits until it answers and is not of an older
    /// program, however long that takes: drop the future to stop waiting. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`LedgerError::Alien`] when another ledger answers; [`LedgerError::OtherVersion`] when it is of a newer program;
    /// [`LedgerError::Protocol`] when it is not understood, or the jurisdiction's id cannot be part of a subject.
    pub async fn remote(
        bus: &Bus,
        jurisdiction: &JurisdictionId,
        deadline: Duration,
        options: Options,
    ) -> Result<Self, LedgerError> {
        let jurisdiction_id = jurisdiction.as_str().to_owned();
        let link = Link::Nats { bus: bus.clone(), jurisdiction: jurisdiction_id, deadline };
        Self::over(link, jurisdiction, options).await
    }

    pub(crate) async fn over(
        link: Link,
        jurisdiction: &JurisdictionId,
        options: Options,
    ) -> Result<Self, LedgerError> {
        let Introduced { code, remote } = Remote::meet(link, jurisdiction.as_str()).await?;
        let code = AreaCode::new(&code).map_err(|error| LedgerError::Protocol(error.to_string()))?;
        let info = LedgerInfo { jurisdiction: jurisdiction.clone(), code };
        Ok(Self::with(Backend::Remote(remote), info, options))
    }

    /// Opens the log in `dir`, creating it when there is none. Blocks: recovery reads the files. One process at a time.
    ///
    /// # Errors
    /// [`OpenError`]; nothing is served from a log that cannot be trusted.
    pub fn open(dir: &Path, info: LedgerInfo, options: Options) -> Result<Self, OpenError> {
        let store = event_store::Options {
            ledger: info.jurisdiction.as_str().to_owned(),
            cache_bytes: options.log_cache_bytes,
            queue_max: options.queue_max,
        };
        Ok(Self::local_with(Store::open(dir, &store)?, info, options))
    }

    /// Takes no more commits and works off what is queued. Followers deliver what is durable and then say `Stopped`; the
    /// files stay open until the last handle and follower is dropped.
    pub async fn close(&self) {
        self.inner.backend.close().await;
    }

    /// Whose ledger it is.
    #[must_use]
    pub fn info(&self) -> &LedgerInfo {
        &self.inner.info
    }

    /// The ledger's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.inner.info.jurisdiction.as_str()
    }

    /// How far the log is known here to be durable; one in another process may be further already.
    #[must_use]
    pub fn head(&self) -> Head {
        self.inner.backend.head()
    }

    /// How far the log is durable, by its own word.
    ///
    /// # Errors
    /// [`LedgerError::Away`] and what else keeps a log in another process from answering.
    pub async fn ask_head(&self) -> Result<Head, LedgerError> {
        self.inner.backend.ask_head().await
    }

    /// Waits until nobody else of this process has a turn at these cases: for whoever keeps something elsewhere that goes with a
    /// commit, from looking at the cases until both are done. Commands are executed meanwhile as ever. All cases at once: a
    /// second turn beside a first may wait for itself.
    pub async fn turn(&self, cases: &[CaseId]) -> Locked<'_> {
        self.inner.turns.lock(cases).await
    }

    /// Why the log cannot be relied on now: not heard of, or another answers in its place. None while all is well.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.inner.backend.trouble()
    }

    /// A case as it is now; of version 0 when it was never raised.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub async fn read_case(&self, id: CaseId) -> Result<Arc<Case>, LedgerError> {
        let stream = case_stream(id);
        let cached = self.inner.cases.get(id);
        let (case, page) = match cached {
            Some(case) => {
                let tail = self.inner.backend.read_tail(&stream, Version(case.version)).await?;
                (case, tail)
            }
            None => {
                let page = self.inner.backend.read_stream(&stream, Version::NONE, STREAM_PAGE_BYTES).await?;
                (Arc::new(Case::new(id)), page)
            }
        };
        let read = self.fold(case, page, Until::End).await?;
        if read.exists() {
            self.inner.cases.put(&read);
        }
        Ok(read)
    }

    /// Whether a case was ever raised. One seen here before is not asked for again.
    ///
    /// # Errors
    /// [`LedgerError`]
    pub async fn has_case(&self, id: CaseId) -> Result<bool, LedgerError> {
        Ok(self.inner.cases.get(id).is_some() || self.read_case(id).await?.exists())
    }

    /// A case as it was at a version; 0 is before it was raised.
    ///
    /// # Errors
    /// [`LedgerError::FutureVersion`] when it has not come to that version; [`LedgerError`] otherwise.
    pub async fn read_case_at(&self, id: CaseId, version: u64) -> Result<Case, LedgerError> {
        let start = self.inner.cases.get(id).filter(|case| case.version <= version);
        let start = start.unwrap_or_else(|| Arc::new(Case::new(id)));
        let case = self.fold_from(start, Until::Version(version)).await?;
        if case.version < version {
            let stream = id.stream();
            return Err(LedgerError::FutureVersion { stream, version, head: case.version });
        }
        Ok(Arc::unwrap_or_clone(case))
    }

    /// The case at exactly this version when it is at hand: what a command of this process just made of it.
    #[must_use]
    pub fn case_at_hand(&self, id: CaseId, version: u64) -> Option<Arc<Case>> {
        self.inner.cases.at(id, version)
    }

    /// A case as it was when the ledger stood at a position.
    pub(crate) async fn read_case_as_of(
        &self,
        id: CaseId,
        position: Position,
    ) -> Result<Arc<Case>, LedgerError> {
        self.fold_from(Arc::new(Case::new(id)), Until::Position(position)).await
    }

    async fn fold_from(&self, case: Arc<Case>, until: Until) -> Result<Arc<Case>, LedgerError> {
        if matches!(until, Until::Version(last) if case.version >= last) {
            return Ok(case);
        }
        let after = Version(case.version);
        let page = self.inner.backend.read_stream(&case_stream(case.id), after, STREAM_PAGE_BYTES).await?;
        self.fold(case, page, until).await
    }

    async fn fold(
        &self,
        mut case: Arc<Case>,
        mut page: StreamPage,
        until: Until,
    ) -> Result<Arc<Case>, LedgerError> {
        loop {
            for found in &page.events {
                if until.reached(found.event.version.get(), found.event.position.get()) {
                    return Ok(case);
                }
                Arc::make_mut(&mut case).evolve(&decode_event(&found.event, &found.commit)?);
            }
            if !page.more {
                return Ok(case);
            }
            let after = Version(case.version);
            page = self.inner.backend.read_stream(&case_stream(case.id), after, STREAM_PAGE_BYTES).await?;
        }
    }

    /// What happened to a case after a version, with who, when and under which command; at most 10,000 events, for more
    /// ask on from the last version given.
    ///
    /// # Errors
    /// [`LedgerError::FutureVersion`] when the case has not come to that version; [`LedgerError`] otherwise.
    pub async fn history(
        &self,
        id: CaseId,
        after_version: u64,
        max: usize,
    ) -> Result<Vec<(Recorded, Envelope)>, LedgerError> {
        let stream = case_stream(id);
        let max = max.min(HISTORY_MAX);
        let mut history = Vec::new();
        let mut after = Version(after_version);
        loop {
            let page = self.inner.backend.read_stream(&stream, after, STREAM_PAGE_BYTES).await?;
            for found in page.events.iter().take(max.saturating_sub(history.len())) {
                let recorded = decode_event(&found.event, &found.commit)?;
                after = found.event.version;
                history.push((recorded, Envelope::of(&found.commit)));
            }
            if !page.more || history.len() >= max {
                return Ok(history);
            }
        }
    }

    /// Whole commits that end after a position, about `bytes_max` bytes as stored (at most 4 MiB, at least one commit).
    ///
    /// # Errors
    /// [`LedgerError::Future`] when the ledger is not that far; [`LedgerError`] otherwise.
    pub async fn read_log(&self, after: Position, bytes_max: usize) -> Result<Vec<Arc<Commit>>, LedgerError> {
        let commits = self.inner.backend.read_log(after, bytes_max).await?;
        commits.iter().map(|stored| self.decode(stored)).collect()
    }

    /// Follows the ledger after a position: history, then live. A position within a commit begins with that commit.
    ///
    /// # Errors
    /// [`LedgerError::Future`] when the ledger is not that far; one in another process says so at the first commit asked for.
    pub fn follow(&self, after: Position) -> Result<Follow, LedgerError> {
        let following = self.inner.backend.follow(after)?;
        Ok(Follow::new(self.clone(), following))
    }

    /// The number people know a case by (案件编号); none before it is raised.
    ///
    /// # Errors
    /// [`LedgerError`], as the epoch of a ledger that was repaired is read from the log.
    pub async fn number(&self, case: &Case) -> Result<Option<String>, LedgerError> {
        if !case.exists() {
            return Ok(None);
        }
        let epoch = if self.head().epoch == 1 {
            1
        } else {
            let raised = self.history(case.id, 0, 1).await?;
            raised.first().map_or(1, |(_, envelope)| envelope.epoch)
        };
        let number = Number {
            date: number::date(case.raised_at.instant()),
            code: self.inner.info.code.clone(),
            position: Position(case.raised_position),
            epoch,
        };
        Ok(Some(number.to_string()))
    }

    /// The decoded form of a stored commit, shared with whoever else asks for it around the same time.
    pub(crate) fn decode(&self, stored: &StoredCommit) -> Result<Arc<Commit>, LedgerError> {
        // Another log may have given the same place to something else.
        let known = self.inner.commits.get(stored.first);
        if let Some(commit) = known.filter(|commit| commit.chain == stored.chain_hash) {
            return Ok(commit);
        }
        let commit = Arc::new(Commit::decode(stored)?);
        self.inner.commits.put(&commit);
        Ok(commit)
    }

    /// Keeps a commit that was just made for those who follow.
    pub(crate) fn keep(&self, commit: &Arc<Commit>) {
        self.inner.commits.put(commit);
    }
}
