//! Reads of the sled tree. Knows nothing of durability: callers bound it by the durable head.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::commit::StoredCommit;
use crate::errors::ReadError;
use crate::frame::stated_len;
use crate::ids::{Position, StreamName, Version};
use crate::keys;

/// The tree with everything in it.
#[derive(Clone)]
pub(crate) struct Log {
    pub db: sled::Db,
}

impl Log {
    /// The commit that begins at `first`.
    pub(crate) fn commit_at(&self, first: Position) -> Result<Option<Arc<StoredCommit>>, ReadError> {
        let Some(start) = self.get(&keys::chunk(first, 0))? else { return Ok(None) };
        let length = stated_len(&start).map_err(|error| ReadError::frame(first, &error))?;
        let mut raw = BytesMut::with_capacity(length);
        raw.extend_from_slice(&start);
        let mut chunk = 0_u16;
        while raw.len() < length {
            chunk = chunk.saturating_add(1);
            let Some(more) = self.get(&keys::chunk(first, chunk))? else {
                return Err(ReadError::damaged(first, format!("chunk {chunk} is missing")));
            };
            raw.extend_from_slice(&more);
        }
        decode(first, raw.freeze()).map(Some)
    }

    /// The first commit of those that end after `after`, if there is one.
    fn first_commit_after(&self, after: Position) -> Result<Option<Position>, ReadError> {
        let next = keys::chunk(after.next(), 0);
        if self.get(&next)?.is_some() {
            return Ok(Some(after.next()));
        }
        // `after` lies within a commit, or positions jumped with an epoch, or the log ends here.
        if let Some((first, _)) = self.chunk_before(&next)?
            && let Some(commit) = self.commit_at(first)?
            && commit.last() > after
        {
            return Ok(Some(first));
        }
        match self.db.range(next.as_slice()..keys::COMMITS_END.as_slice()).next() {
            None => Ok(None),
            Some(pair) => {
                let (key, _) = pair.map_err(|error| ReadError::engine(&error))?;
                let (first, _) = keys::parse_chunk(&key).ok_or_else(|| malformed_key(after))?;
                Ok(Some(first))
            }
        }
    }

    fn chunk_before(&self, key: &[u8]) -> Result<Option<(Position, u16)>, ReadError> {
        let found = self.db.get_lt(key).map_err(|error| ReadError::engine(&error))?;
        let Some((key, _)) = found else { return Ok(None) };
        Ok(keys::parse_chunk(&key))
    }

    /// The last commit in the tree, durable or not.
    pub(crate) fn last_commit(&self) -> Result<Option<Arc<StoredCommit>>, ReadError> {
        match self.chunk_before(&keys::COMMITS_END)? {
            None => Ok(None),
            Some((first, _)) => {
                let commit = self.commit_at(first)?;
                commit.map(Some).ok_or_else(|| ReadError::damaged(first, "chunk 0 is missing"))
            }
        }
    }

    /// Whole commits that end after `after`, none that ends after `until`, until `bytes_max` is reached; at least one
    /// if there is one.
    pub(crate) fn commits(
        &self,
        after: Position,
        until: Position,
        bytes_max: usize,
    ) -> Result<Vec<Arc<StoredCommit>>, ReadError> {
        let mut commits = Vec::new();
        let mut bytes = 0;
        let Some(first) = self.first_commit_after(after)? else { return Ok(commits) };
        let mut scan = Scan::new(self, first);
        while (commits.is_empty() || bytes < bytes_max)
            && let Some((first, raw)) = scan.next_raw()?
            && first <= until
        {
            let commit = decode(first, raw)?;
            if commit.last() > until {
                break;
            }
            bytes += commit.raw().len();
            if bytes > bytes_max && !commits.is_empty() {
                break;
            }
            commits.push(commit);
        }
        Ok(commits)
    }

    /// Version of a stream in the tree, durable or not.
    pub(crate) fn stream_version(&self, stream: &StreamName) -> Result<Version, ReadError> {
        Ok(self.stream_end(stream)?.map_or(Version::NONE, |(version, _)| version))
    }

    /// Whether a stream in the tree is at this version.
    pub(crate) fn is_stream_at(&self, stream: &StreamName, version: Version) -> Result<bool, ReadError> {
        let has = |version| Ok(self.get(&keys::stream(stream, version))?.is_some());
        Ok(!has(version.next())? && (version == Version::NONE || has(version)?))
    }

    /// Version of a stream, and the first position of the commit that made it.
    pub(crate) fn stream_end(&self, stream: &StreamName) -> Result<Option<(Version, Position)>, ReadError> {
        let last = self.db.scan_prefix(keys::stream_prefix(stream)).next_back();
        let Some(pair) = last else { return Ok(None) };
        let (key, value) = pair.map_err(|error| ReadError::engine(&error))?;
        let version = keys::parse_version(&key).ok_or_else(|| malformed_key(Position::ZERO))?;
        let (first, _) = keys::parse_event(&value).ok_or_else(|| malformed_key(Position::ZERO))?;
        Ok(Some((version, first)))
    }

    /// First position of the commit of a command.
    pub(crate) fn command(&self, key: &[u8]) -> Result<Option<Position>, ReadError> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        keys::parse_first(&value).map(Some).ok_or_else(|| malformed_key(Position::ZERO))
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, ReadError> {
        self.db.get(key).map_err(|error| ReadError::engine(&error))
    }
}

/// Decodes a commit and checks that it lies where it says.
pub(crate) fn decode(first: Position, raw: Bytes) -> Result<Arc<StoredCommit>, ReadError> {
    let commit = StoredCommit::decode(raw).map_err(|error| ReadError::frame(first, &error))?;
    if commit.first != first {
        return Err(ReadError::damaged(first, format!("it says that it begins at {}", commit.first)));
    }
    Ok(Arc::new(commit))
}

pub(crate) fn malformed_key(at: Position) -> ReadError {
    ReadError::damaged(at, "an index entry is malformed")
}

/// Walks the commits' chunks in order and joins them.
pub(crate) struct Scan {
    chunks: sled::Iter,
    ahead: Option<(Position, sled::IVec)>,
}

impl Scan {
    pub(crate) fn new(log: &Log, first: Position) -> Scan {
        let start = keys::chunk(first, 0);
        Scan { chunks: log.db.range(start.as_slice()..keys::COMMITS_END.as_slice()), ahead: None }
    }

    fn next_chunk(&mut self) -> Result<Option<(Position, sled::IVec)>, ReadError> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        let Some(pair) = self.chunks.next() else { return Ok(None) };
        let (key, value) = pair.map_err(|error| ReadError::engine(&error))?;
        let (first, _) = keys::parse_chunk(&key).ok_or_else(|| malformed_key(Position::ZERO))?;
        Ok(Some((first, value)))
    }

    /// All chunks under the next first position, joined. Whether they are whole, decoding tells.
    pub(crate) fn next_raw(&mut self) -> Result<Option<(Position, Bytes)>, ReadError> {
        let Some((first, start)) = self.next_chunk()? else { return Ok(None) };
        let mut raw = BytesMut::from(start.as_ref());
        while let Some((of, more)) = self.next_chunk()? {
            if of != first {
                self.ahead = Some((of, more));
                break;
            }
            raw.extend_from_slice(&more);
        }
        Ok(Some((first, raw.freeze())))
    }
}
