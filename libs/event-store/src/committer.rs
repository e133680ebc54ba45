//! The one writer: judges commits in groups, makes a group durable with one sync, then shows and answers it.

mod group;
mod seen;

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::time::Instant;

use crate::errors::ReadError;
use crate::options::{Seams, SyncPoint};
use crate::queue::Job;
use crate::store::{Head, Shared};
use crate::watermark::Watermark;
use group::{Group, Judged};

pub(crate) struct Committer {
    pub shared: Arc<Shared>,
    pub seams: Seams,
    /// A second descriptor of sled's `db` file. sled's own flush is no fsync on Linux.
    pub data: File,
    pub watermark: Watermark,
    pub head: Head,
}

/// Why the committer cannot go on.
#[derive(Debug, thiserror::Error)]
enum Fatal {
    #[error("reading before a commit failed: {0}")]
    Read(#[from] ReadError),
    #[error("writing a commit failed: {0}")]
    Write(#[from] sled::Error),
    #[error("syncing a commit failed: {0}")]
    Sync(#[from] io::Error),
}

impl Committer {
    /// Works until the queue is closed and drained, or a failure ends it.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let fail_stop = Arc::clone(&self.seams.fail_stop);
        let outcome = catch_unwind(AssertUnwindSafe(move || self.work()));
        let reason = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(fatal)) => Some(fatal.to_string()),
            Err(_) => Some("the committer panicked".to_owned()),
        };
        // First nothing more is taken, then the process is told: no answer can slip between.
        shared.queue.abandon();
        if let Some(reason) = reason {
            fail_stop(&reason);
        }
        shared.stop();
    }

    fn work(&mut self) -> Result<(), Fatal> {
        seen::position(self.head.position);
        let mut last = 0;
        while let Some(jobs) = self.shared.queue.take_group(last) {
            last = jobs.len();
            self.commit_group(jobs)?;
        }
        Ok(())
    }

    fn commit_group(&mut self, jobs: Vec<Job>) -> Result<(), Fatal> {
        let mut group = Group::new(&self.shared, self.head);
        for job in jobs {
            group.judge(job)?;
        }
        let Judged { batch, staged, answers, head } = group.finish();
        let began = Instant::now();
        let is_durable = !staged.is_empty();
        if is_durable {
            self.shared.log.db.apply_batch(batch)?;
            self.shared.log.db.flush()?;
            self.sync(&head)?;
            self.head = head;
            self.shared.publish(head, &staged);
        }
        let took = began.elapsed();
        for (reply, answer) in answers {
            // Whoever asked may be gone; the commit stands.
            drop(reply.send(answer));
        }
        // Counted when everybody has their answer.
        if is_durable {
            seen::group(&staged, head.position, took);
        }
        seen::queue(self.shared.queue.len());
        Ok(())
    }

    fn sync(&mut self, head: &Head) -> io::Result<()> {
        self.seams.before(SyncPoint::Data)?;
        self.data.sync_data()?;
        self.seams.before(SyncPoint::WatermarkWrite)?;
        self.watermark.write(head)?;
        self.seams.before(SyncPoint::WatermarkSync)?;
        self.watermark.sync()?;
        self.seams.before(SyncPoint::Durable)
    }
}
