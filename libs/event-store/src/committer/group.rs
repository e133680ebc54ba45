use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use crate::commit::{Committed, NewCommit, StoredCommit, Unchanged};
use crate::errors::{CommitError, ReadError};
use crate::frame::{Assigned, to_micros};
use crate::ids::{Expected, StreamName, Version};
use crate::keys;
use crate::limits::CHUNK_BYTES;
use crate::queue::{Job, Reply};
use crate::store::{Head, Shared};

type Answer = Result<Committed, CommitError>;

/// Commits judged one after the other as if each were already in the log.
pub(super) struct Group<'a> {
    shared: &'a Shared,
    head: Head,
    versions: HashMap<StreamName, Version>,
    commands: HashMap<(String, Uuid), Arc<StoredCommit>>,
    batch: sled::Batch,
    staged: Vec<Arc<StoredCommit>>,
    answers: Vec<(Reply, Answer)>,
}

/// What a group has come to. Refusals too are answered only once the group is durable: they may rest on it.
pub(super) struct Judged {
    pub batch: sled::Batch,
    pub staged: Vec<Arc<StoredCommit>>,
    pub answers: Vec<(Reply, Answer)>,
    pub head: Head,
}

impl<'a> Group<'a> {
    pub(super) fn new(shared: &'a Shared, head: Head) -> Group<'a> {
        Group {
            shared,
            head,
            versions: HashMap::new(),
            commands: HashMap::new(),
            batch: sled::Batch::default(),
            staged: Vec::new(),
            answers: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Judged {
        Judged { batch: self.batch, staged: self.staged, answers: self.answers, head: self.head }
    }

    pub(super) fn judge(&mut self, job: Job) -> Result<(), ReadError> {
        let answer = self.answer(&job.commit)?;
        self.answers.push((job.reply, answer));
        Ok(())
    }

    /// The outer error ends the store, the inner one answers the caller.
    fn answer(&mut self, new: &NewCommit) -> Result<Answer, ReadError> {
        if let Some(commit) = self.known(new)? {
            let same = commit.request_mac == new.request_mac;
            return Ok(if same {
                Ok(Committed { commit, repeated: true })
            } else {
                Err(CommitError::CommandIdReused)
            });
        }
        let mut firsts = Vec::with_capacity(new.appends.len());
        for append in &new.appends {
            match self.version_as(&append.stream, append.expected)? {
                Ok(actual) => firsts.push(actual.next()),
                Err(conflict) => return Ok(Err(conflict)),
            }
        }
        for Unchanged { stream, version } in &new.unchanged {
            if let Err(conflict) = self.version_as(stream, Expected::Exactly(*version))? {
                return Ok(Err(conflict));
            }
        }
        let commit = self.stage(new, firsts)?;
        Ok(Ok(Committed { commit, repeated: false }))
    }

    /// The commit this command made before, in this group or in the log.
    fn known(&self, new: &NewCommit) -> Result<Option<Arc<StoredCommit>>, ReadError> {
        if let Some(commit) = self.commands.get(&(new.principal.clone(), new.command_id)) {
            return Ok(Some(Arc::clone(commit)));
        }
        let log = &self.shared.log;
        let Some(first) = log.command(&keys::command(&new.principal, new.command_id))? else {
            return Ok(None);
        };
        let commit = log.commit_at(first)?;
        commit
            .map(Some)
            .ok_or_else(|| ReadError::damaged(first, "a command key names a commit that is missing"))
    }

    /// The version of a stream, if it is as expected.
    fn version_as(
        &self,
        stream: &StreamName,
        expected: Expected,
    ) -> Result<Result<Version, CommitError>, ReadError> {
        let actual = self.version(stream, expected)?;
        let conflict = || CommitError::Conflict { stream: stream.clone(), expected, actual };
        Ok(if expected.is_met_by(actual) { Ok(actual) } else { Err(conflict()) })
    }

    fn version(&self, stream: &StreamName, expected: Expected) -> Result<Version, ReadError> {
        let log = &self.shared.log;
        if let Some(version) = self.versions.get(stream) {
            return Ok(*version);
        }
        // Nearly always it is as expected, and that is looked up quicker than which it is.
        match expected.version() {
            Some(expected) if log.is_stream_at(stream, expected)? => Ok(expected),
            Some(_) | None => log.stream_version(stream),
        }
    }

    fn stage(&mut self, new: &NewCommit, versions: Vec<Version>) -> Result<Arc<StoredCommit>, ReadError> {
        let first = self.head.position.next();
        let assigned = Assigned {
            epoch: self.head.epoch,
            first,
            previous: self.head.chain,
            recorded_at: to_micros(new.recorded_at).max(self.head.recorded_at),
            versions,
        };
        // Read back before it is written: what is answered is what the log will say.
        let commit = StoredCommit::assemble(new, &self.shared.ledger, &assigned);
        let commit = Arc::new(commit.map_err(|error| ReadError::frame(first, &error))?);
        self.put(&commit);
        self.head = Head {
            epoch: commit.epoch,
            position: commit.last(),
            chain: commit.chain_hash,
            recorded_at: commit.recorded_at,
        };
        for event in &commit.events {
            self.versions.insert(event.stream.clone(), event.version);
        }
        self.commands.insert((commit.principal.clone(), commit.command_id), Arc::clone(&commit));
        self.staged.push(Arc::clone(&commit));
        Ok(commit)
    }

    fn put(&mut self, commit: &StoredCommit) {
        for (chunk, bytes) in (0_u16..).zip(commit.raw().chunks(CHUNK_BYTES)) {
            self.batch.insert(keys::chunk(commit.first, chunk).as_slice(), bytes);
        }
        for (index, event) in (0_u16..).zip(&commit.events) {
            let value = keys::event_value(commit.first, index);
            self.batch.insert(keys::stream(&event.stream, event.version), value.as_slice());
        }
        let command = keys::command(&commit.principal, commit.command_id);
        self.batch.insert(command, keys::first_value(commit.first).as_slice());
    }
}
