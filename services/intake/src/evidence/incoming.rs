//! An upload until it has its name.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use ring::digest;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::own_dir::OwnDir;
use super::{EVIDENCE_BYTES_MAX, MediaType, Metadata, PutError, hex, media};

/// A file that goes away when dropped, unless it was given its name.
pub(super) struct Incoming {
    part: Part,
    file: File,
    hash: digest::Context,
    head: Vec<u8>,
    size_bytes: u64,
    announced_bytes: u64,
}

/// Content that is whole, on disk and synced.
pub(super) struct Whole(Part);

/// A file in a directory of ours, which stays ours as long as this is there: nobody else puts a file under its name meanwhile.
struct Part {
    path: Option<PathBuf>,
    _own: Arc<OwnDir>,
}

impl Part {
    /// Under its new name it stays.
    fn rename(mut self, to: &Path) -> io::Result<()> {
        if let Some(from) = &self.path {
            fs::rename(from, to)?;
        }
        self.path.take();
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = fs::remove_file(&path)
        {
            tracing::warn!(%error, "an interrupted upload stays until the next start");
        }
    }
}

impl Incoming {
    pub(super) async fn create(own: Arc<OwnDir>, announced_bytes: u64) -> io::Result<Self> {
        // File and guard come into being together: whoever stops waiting drops both, and leaves nothing.
        let made = tokio::task::spawn_blocking(move || {
            let path = own.next_path();
            let file = fs::File::options().write(true).create_new(true).open(&path)?;
            Ok::<_, io::Error>((Part { path: Some(path), _own: own }, file))
        });
        let (part, file) = made.await.map_err(io::Error::other)??;
        Ok(Self {
            part,
            file: File::from_std(file),
            hash: digest::Context::new(&digest::SHA256),
            head: Vec::with_capacity(media::HEAD_BYTES),
            size_bytes: 0,
            announced_bytes,
        })
    }

    /// Takes the next bytes. What is longer than announced is cut off at once.
    pub(super) async fn write(&mut self, chunk: &[u8]) -> Result<(), PutError> {
        self.size_bytes = self.size_bytes.saturating_add(chunk.len() as u64);
        if self.size_bytes > EVIDENCE_BYTES_MAX {
            return Err(PutError::TooLarge(self.size_bytes));
        }
        if self.size_bytes > self.announced_bytes {
            let more =
                case::refusal::Violation::new("metadata.size_bytes", "MISMATCH", "the content has more");
            return Err(PutError::Invalid(vec![more]));
        }
        let missing = media::HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend(chunk.iter().take(missing));
        self.hash.update(chunk);
        self.file.write_all(chunk).await?;
        Ok(())
    }

    /// What came, once it is on disk.
    pub(super) async fn finish(mut self) -> io::Result<(Metadata, Whole)> {
        self.file.flush().await?;
        self.file.sync_all().await?;
        let media_type = MediaType::sniff(&self.head).map_or("application/octet-stream", MediaType::name);
        let found = Metadata {
            sha256: hex(self.hash.finish().as_ref()),
            media_type: media_type.to_owned(),
            size_bytes: self.size_bytes,
        };
        Ok((found, Whole(self.part)))
    }
}

impl Whole {
    /// Gives the file its name, durably.
    pub(super) async fn place(self, to: PathBuf) -> io::Result<()> {
        let work = tokio::task::spawn_blocking(move || {
            if let Some(shard) = to.parent() {
                fs::create_dir_all(shard)?;
            }
            self.0.rename(&to)?;
            sync_names(&to)
        });
        work.await.map_err(io::Error::other)?
    }
}

/// Makes durable that a content has its name. The folders on the way may be new, so each that holds one is synced.
pub(super) fn sync_names(to: &Path) -> io::Result<()> {
    to.ancestors().skip(1).take(3).try_for_each(sync_dir)
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    fs::File::open(dir)?.sync_all()
}
