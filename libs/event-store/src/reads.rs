//! Reads of what is durable, page by page.

use std::sync::Arc;

use uuid::Uuid;

use crate::commit::{StoredCommit, StoredEvent};
use crate::errors::ReadError;
use crate::ids::{Position, StreamName, Version};
use crate::keys;
use crate::limits::PAGE_BYTES_MAX;
use crate::log::malformed_key;
use crate::store::Shared;

/// Whole commits in order.
#[derive(Debug, Clone)]
pub struct LogPage {
    /// Those that end after the position asked for; empty only when there are none.
    pub commits: Vec<Arc<StoredCommit>>,
    /// The durable head when the page was read.
    pub head: Position,
    /// Whether the ledger goes on behind this page.
    pub more: bool,
}

/// Events of one stream in order.
#[derive(Debug, Clone)]
pub struct StreamPage {
    /// Those after the version asked for; empty only when there are none.
    pub events: Vec<StreamEvent>,
    /// The stream's durable version when the page was read; [`Version::NONE`] if it has no events.
    pub head: Version,
    /// Whether the stream goes on behind this page.
    pub more: bool,
}

/// One event together with the commit it came in.
#[derive(Debug, Clone)]
pub struct StreamEvent {
    /// Who, when and why.
    pub commit: Arc<StoredCommit>,
    /// What; shares the commit's memory.
    pub event: StoredEvent,
}

impl Shared {
    pub(crate) fn read_log(&self, after: Position, bytes_max: usize) -> Result<LogPage, ReadError> {
        let head = self.check_not_future(after)?.position;
        let commits = if after == head {
            Vec::new()
        } else {
            self.log.commits(after, head, bytes_max.min(PAGE_BYTES_MAX))?
        };
        let end = commits.last().map_or(after, |commit| commit.last());
        if commits.is_empty() && after < head {
            return Err(ReadError::damaged(after.next(), "nothing is stored here"));
        }
        Ok(LogPage { commits, head, more: end < head })
    }

    pub(crate) fn read_stream(
        &self,
        stream: &StreamName,
        after: Version,
        bytes_max: usize,
    ) -> Result<StreamPage, ReadError> {
        let durable = self.head().position;
        let head = self.durable_version(stream, durable)?;
        if after > head {
            return Err(ReadError::FutureVersion { stream: stream.clone(), after, head });
        }
        let bytes_max = bytes_max.min(PAGE_BYTES_MAX);
        let mut events: Vec<StreamEvent> = Vec::new();
        let mut bytes = 0;
        let mut version = after;
        while version < head {
            let (first, index) = self.locate(stream, version.next())?;
            let commit = match events.last() {
                Some(last) if last.commit.first == first => Arc::clone(&last.commit),
                Some(_) | None => {
                    let commit = self.log.commit_at(first)?;
                    let commit = commit.ok_or_else(|| ReadError::damaged(first, "the commit is missing"))?;
                    bytes += commit.raw().len();
                    commit
                }
            };
            if bytes > bytes_max && !events.is_empty() {
                break;
            }
            version = version.next();
            let found = commit.events.get(index);
            let Some(event) = found.filter(|event| event.version == version && event.stream == *stream)
            else {
                return Err(ReadError::damaged(first, format!("it lacks version {version} of {stream}")));
            };
            let event = event.clone();
            events.push(StreamEvent { commit, event });
        }
        Ok(StreamPage { events, head, more: version < head })
    }

    fn locate(&self, stream: &StreamName, version: Version) -> Result<(Position, usize), ReadError> {
        let value = self.log.get(&keys::stream(stream, version))?;
        let value = value.ok_or_else(|| {
            ReadError::damaged(Position::ZERO, format!("version {version} of {stream} is missing"))
        })?;
        let (first, index) = keys::parse_event(&value).ok_or_else(|| malformed_key(Position::ZERO))?;
        Ok((first, index.into()))
    }

    /// The stream's version as far as it is durable: what a group in flight added is skipped.
    fn durable_version(&self, stream: &StreamName, durable: Position) -> Result<Version, ReadError> {
        for pair in self.log.db.scan_prefix(keys::stream_prefix(stream)).rev() {
            let (key, value) = pair.map_err(|error| ReadError::engine(&error))?;
            let (first, _) = keys::parse_event(&value).ok_or_else(|| malformed_key(Position::ZERO))?;
            if first <= durable {
                return keys::parse_version(&key).ok_or_else(|| malformed_key(first));
            }
        }
        Ok(Version::NONE)
    }

    pub(crate) fn find_command(
        &self,
        principal: &str,
        command_id: Uuid,
    ) -> Result<Option<Arc<StoredCommit>>, ReadError> {
        let head = self.head();
        let Some(first) = self.log.command(&keys::command(principal, command_id))? else {
            return Ok(None);
        };
        if first > head.position {
            return Ok(None);
        }
        let commit = self.log.commit_at(first)?;
        commit
            .map(Some)
            .ok_or_else(|| ReadError::damaged(first, "a command key names a commit that is missing"))
    }
}
