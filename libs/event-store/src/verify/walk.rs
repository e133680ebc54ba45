use std::sync::Arc;

use crate::commit::{StoredCommit, StoredEvent};
use crate::errors::ReadError;
use crate::ids::{Position, Version};
use crate::keys;
use crate::log::{Log, Scan, decode};
use crate::store::Head;

use super::{FindingKind, Report, report_head};

/// One walk over a log.
pub(super) struct Walk<'a> {
    log: &'a Log,
    report: &'a mut Report,
    marked: Option<Head>,
    before: Option<Arc<StoredCommit>>,
    /// The commit before the next one could not be read, so the next has nothing to follow.
    torn: bool,
    met_mark: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(log: &'a Log, report: &'a mut Report, marked: Option<Head>) -> Walk<'a> {
        let met_mark = marked.is_none_or(|head| head.position == Position::ZERO);
        Walk { log, report, marked, before: None, torn: false, met_mark }
    }

    pub(super) fn run(mut self) -> Result<(), ReadError> {
        let mut scan = Scan::new(self.log, Position::ZERO);
        while let Some((first, raw)) = scan.next_raw()? {
            match decode(first, raw) {
                Ok(commit) => self.commit(commit)?,
                Err(error) => {
                    self.report.find(FindingKind::Commit, Some(first.0), error.to_string());
                    self.torn = true;
                }
            }
        }
        self.count_keys()?;
        self.end();
        Ok(())
    }

    fn commit(&mut self, commit: Arc<StoredCommit>) -> Result<(), ReadError> {
        let at = Some(commit.first.0);
        if !self.torn
            && let Err(error) = commit.check_follows(self.before.as_deref())
        {
            self.report.find(FindingKind::Chain, at, error.to_string());
        }
        if self.report.ledger.as_ref() != Some(&commit.ledger) {
            self.report.find(FindingKind::Chain, at, format!("it is of ledger {:?}", commit.ledger));
        }
        for (index, event) in (0_u16..).zip(&commit.events) {
            self.event(&commit, index, event)?;
        }
        let key = keys::command(&commit.principal, commit.command_id);
        if self.log.command(&key)? != Some(commit.first) {
            self.report.find(FindingKind::Command, at, "its command key is missing or names another commit");
        }
        if let Some(marked) = self.marked
            && commit.last() == marked.position
        {
            self.met_mark = true;
            if commit.chain_hash != marked.chain {
                self.report.find(FindingKind::Watermark, at, "the chain hash at the watermark is another");
            }
        }
        self.report.commits += 1;
        self.report.events += commit.events.len() as u64;
        self.torn = false;
        self.before = Some(commit);
        Ok(())
    }

    /// The index leads to the event, and to its predecessor in the stream further up in the log. Together with the
    /// number of index entries at the end this makes every stream gapless without remembering any.
    fn event(&mut self, commit: &StoredCommit, index: u16, event: &StoredEvent) -> Result<(), ReadError> {
        let here = (commit.first, index);
        if self.indexed(event, event.version)? != Some(here) {
            let detail = format!("version {} of {} is not indexed here", event.version, event.stream);
            self.report.find(FindingKind::Stream, Some(commit.first.0), detail);
        }
        let before = Version(event.version.0.saturating_sub(1));
        if before != Version::NONE && self.indexed(event, before)?.is_none_or(|place| place >= here) {
            let detail =
                format!("version {before} of {} does not lie before {}", event.stream, event.version);
            self.report.find(FindingKind::Stream, Some(commit.first.0), detail);
        }
        Ok(())
    }

    fn indexed(&self, event: &StoredEvent, version: Version) -> Result<Option<(Position, u16)>, ReadError> {
        let value = self.log.get(&keys::stream(&event.stream, version))?;
        Ok(value.and_then(|value| keys::parse_event(&value)))
    }

    fn count_keys(&mut self) -> Result<(), ReadError> {
        let (mut commands, mut events, mut others) = (0_u64, 0_u64, 0_u64);
        let db = &self.log.db;
        let around = db.range(..[keys::COMMIT].as_slice()).chain(db.range(keys::COMMITS_END.as_slice()..));
        for pair in around {
            let (key, _) = pair.map_err(|error| ReadError::engine(&error))?;
            match key.first() {
                Some(&keys::COMMAND) => commands += 1,
                Some(&keys::STREAM) => events += 1,
                Some(_) | None => others += 1,
            }
        }
        let counts = [
            (FindingKind::Command, "command keys", commands, self.report.commits),
            (FindingKind::Stream, "stream index entries", events, self.report.events),
            (FindingKind::Files, "unknown keys", others, 0),
        ];
        for (kind, what, actual, expected) in counts {
            if actual != expected {
                self.report.find(kind, None, format!("there are {actual} {what}, expected were {expected}"));
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        let head = self.before.as_deref().map_or(Head::EMPTY, Head::of);
        self.report.head = report_head(&head);
        let Some(marked) = self.marked else { return };
        if head.position < marked.position {
            let detail = format!(
                "events {} to {} were acknowledged and are gone",
                head.position.next(),
                marked.position
            );
            self.report.find(FindingKind::Watermark, Some(head.position.0), detail);
        } else if !self.met_mark {
            self.report.find(
                FindingKind::Watermark,
                Some(marked.position.0),
                "no commit ends at the watermark",
            );
        }
    }
}
