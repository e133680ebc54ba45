//! Photos and papers, stored under the hash of their content.
//!
//! A file is whole or not there: it is written beside, hashed on the way, synced, and only then given its name. What was cut off
//! leaves nothing. The name is the content's hash, so putting the same again changes nothing, and what is read is checked against it.
//! Several processes may have one store open: each has a directory of its own for what is not whole yet.

mod incoming;
mod media;
mod own_dir;
mod places;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use case::refusal::Violation;
use futures_util::{Stream, StreamExt as _, stream};
use projection::OpenError;
use ring::digest;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tonic::Status;
use wire::Failure;

use self::incoming::Incoming;
pub use self::media::MediaType;
use self::own_dir::OwnDir;
use self::places::{Place, Places};

/// Largest piece of evidence, in bytes: a photo of a current phone as it is, a scanned paper of some pages.
pub const EVIDENCE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Uploads at one time; each holds a file and a buffer.
const UPLOADS_MAX: usize = 64;
/// Of them, uploads of one principal: a phone that sends all photos of a visit at once.
const UPLOADS_EACH_MAX: usize = 8;
/// Contents read at one time; each holds a file for as long as its reader takes.
const READS_MAX: usize = 256;
/// Of them, contents read by one principal: all pictures of a case on one screen.
const READS_EACH_MAX: usize = 32;
/// Where uploads lie until they are whole.
const INCOMING: &str = "incoming";

/// What a content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Media type, such as `image/jpeg`.
    pub media_type: String,
    /// Size in bytes, 1 to [`EVIDENCE_BYTES_MAX`].
    pub size_bytes: u64,
}

/// What was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    /// As stored.
    pub stored: Metadata,
    /// Whether it was there before.
    pub repeated: bool,
}

/// Why a content was not stored. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// Size, hash or type are malformed, or not as announced.
    #[error("the content has {} violations", .0.len())]
    Invalid(Vec<Violation>),
    /// Larger than a piece of evidence may be.
    #[error("the content has {0} bytes or more")]
    TooLarge(u64),
    /// Too many uploads at one time, of all or of this principal; come back later.
    #[error("too many uploads at one time")]
    Busy,
    /// The caller's stream broke off.
    #[error("the upload broke off")]
    Cut(#[source] Box<Status>),
    /// The disk refuses.
    #[error("the content cannot be written")]
    Io(#[from] io::Error),
}

impl From<PutError> for Status {
    fn from(error: PutError) -> Self {
        match error {
            PutError::Invalid(violations) => Failure::Invalid(violations).into(),
            PutError::TooLarge(actual) => {
                Failure::TooLarge { what: "evidence", limit: EVIDENCE_BYTES_MAX, actual }.into()
            }
            PutError::Busy => Failure::Busy.into(),
            PutError::Cut(status) => *status,
            PutError::Io(error) => {
                tracing::error!(%error, "evidence cannot be written");
                Failure::Unavailable.into()
            }
        }
    }
}

/// The store. Clones are cheap and share it.
#[derive(Debug, Clone)]
pub struct EvidenceStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    uploads: Arc<Places>,
    reads: Arc<Places>,
    own: Arc<OwnDir>,
}

impl EvidenceStore {
    /// Opens the store in `dir`/evidence and removes what interrupted uploads left. Others may have it open.
    ///
    /// # Errors
    /// [`OpenError::Io`]
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let dir = dir.join("evidence");
        let fail = |action| {
            let path = dir.clone();
            move |source| OpenError::Io { action, path, source }
        };
        let own = OwnDir::take(&dir.join(INCOMING)).map_err(fail("make room for uploads in"))?;
        incoming::sync_dir(&dir).map_err(fail("sync"))?;
        let uploads = Places::new(UPLOADS_MAX, UPLOADS_EACH_MAX);
        let reads = Places::new(READS_MAX, READS_EACH_MAX);
        let own = Arc::new(own);
        Ok(Self { inner: Arc::new(Inner { dir, uploads, reads, own }) })
    }

    /// Stores a content for the principal `who`; it is durable when this returns. One that is there already is not read again.
    ///
    /// # Errors
    /// [`PutError`]; then nothing of it is kept.
    pub async fn put(
        &self,
        who: &str,
        metadata: &Metadata,
        content: impl Stream<Item = Result<Bytes, Status>> + Send,
    ) -> Result<Put, PutError> {
        check(metadata)?;
        if let Some(there) = self.open_content(&metadata.sha256).await? {
            let stored = as_announced(metadata, there.metadata)?;
            // Another upload may have given it its name just now, and not have synced that yet.
            let path = self.path_of(&stored.sha256);
            let synced = tokio::task::spawn_blocking(move || incoming::sync_names(&path));
            synced.await.map_err(io::Error::other)??;
            return Ok(Put { stored, repeated: true });
        }
        let _place = self.inner.uploads.take(who).ok_or(PutError::Busy)?;
        let mut incoming = Incoming::create(Arc::clone(&self.inner.own), metadata.size_bytes).await?;
        let mut content = std::pin::pin!(content);
        while let Some(chunk) = content.next().await {
            incoming.write(&chunk.map_err(|status| PutError::Cut(Box::new(status)))?).await?;
        }
        let (found, whole) = incoming.finish().await?;
        let stored = as_announced(metadata, found)?;
        whole.place(self.path_of(&stored.sha256)).await?;
        Ok(Put { stored, repeated: false })
    }

    /// A content, to be read once by the principal `who`; none when it was never put, or the hash is none.
    ///
    /// # Errors
    /// UNAVAILABLE when the disk refuses; BUSY while too many are read, by all or by this principal.
    pub async fn get(&self, who: &str, sha256: &str) -> Result<Option<Content>, Status> {
        if !is_hash(sha256) {
            return Ok(None);
        }
        let place = self.inner.reads.take(who).ok_or(Failure::Busy)?;
        let opened = self.open_content(sha256).await.map_err(|error| Status::from(PutError::Io(error)))?;
        Ok(opened.map(|Opened { metadata, head, file }| Content { metadata, head, file, place }))
    }

    /// Whether a content is there.
    #[must_use]
    pub fn exists(&self, sha256: &str) -> bool {
        is_hash(sha256) && self.path_of(sha256).is_file()
    }

    fn path_of(&self, sha256: &str) -> PathBuf {
        let shard = |range| sha256.get(range).unwrap_or_default();
        self.inner.dir.join(shard(0..2)).join(shard(2..4)).join(sha256)
    }

    async fn open_content(&self, sha256: &str) -> io::Result<Option<Opened>> {
        let mut file = match File::open(self.path_of(sha256)).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut head = BytesMut::with_capacity(media::HEAD_BYTES);
        while head.len() < media::HEAD_BYTES && file.read_buf(&mut head).await? > 0 {}
        let media_type = MediaType::sniff(&head).map_or("application/octet-stream", MediaType::name);
        let metadata = Metadata {
            sha256: sha256.to_owned(),
            media_type: media_type.to_owned(),
            size_bytes: file.metadata().await?.len(),
        };
        Ok(Some(Opened { metadata, head: head.freeze(), file }))
    }
}

/// A file of the store, its first bytes read.
struct Opened {
    metadata: Metadata,
    head: Bytes,
    file: File,
}

/// A stored content.
#[derive(Debug)]
pub struct Content {
    /// What it is.
    pub metadata: Metadata,
    head: Bytes,
    file: File,
    place: Place,
}

impl Content {
    /// The bytes, in chunks of at most 64 KiB. Ends with DATA_LOSS when they are not what was put.
    pub fn into_chunks(self) -> impl Stream<Item = Result<Bytes, Status>> + Send {
        let state = Reading {
            file: self.file,
            head: Some(self.head),
            hash: digest::Context::new(&digest::SHA256),
            sha256: self.metadata.sha256,
            _place: self.place,
        };
        stream::try_unfold(state, Reading::next)
    }
}

struct Reading {
    file: File,
    head: Option<Bytes>,
    hash: digest::Context,
    sha256: String,
    /// Held as long as the file is.
    _place: Place,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Status> {
        let chunk = match self.head.take().filter(|head| !head.is_empty()) {
            Some(head) => head,
            None => {
                let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
                let read = self.file.read_buf(&mut chunk).await;
                read.map_err(|error| Status::from(PutError::Io(error)))?;
                chunk.freeze()
            }
        };
        if !chunk.is_empty() {
            self.hash.update(&chunk);
            return Ok(Some((chunk, self)));
        }
        if hex(self.hash.finish().as_ref()) == self.sha256 {
            return Ok(None);
        }
        tracing::error!(sha256 = self.sha256, "evidence is not what was put");
        Err(Failure::DataLoss.into())
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |value: u8| DIGITS.get(usize::from(value & 15)).copied().unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn check(metadata: &Metadata) -> Result<(), PutError> {
    let mut violations = Vec::new();
    if !is_hash(&metadata.sha256) {
        let expected = "64 lower-case hexadecimal digits";
        violations.push(Violation::new("metadata.sha256", "MALFORMED", expected));
    }
    if !MediaType::ALL.iter().any(|known| known.name() == metadata.media_type) {
        let expected = MediaType::ALL.map(MediaType::name).join(", ");
        violations.push(Violation::new("metadata.media_type", "UNKNOWN", format!("one of {expected}")));
    }
    if metadata.size_bytes == 0 {
        violations.push(Violation::new("metadata.size_bytes", "REQUIRED", "at least 1"));
    }
    if !violations.is_empty() {
        return Err(PutError::Invalid(violations));
    }
    if metadata.size_bytes > EVIDENCE_BYTES_MAX {
        return Err(PutError::TooLarge(metadata.size_bytes));
    }
    Ok(())
}

/// What came, when it is what was announced.
fn as_announced(announced: &Metadata, found: Metadata) -> Result<Metadata, PutError> {
    let mut violations = Vec::new();
    let mut differs = |field: &str, is: String| {
        violations.push(Violation::new(
            format!("metadata.{field}"),
            "MISMATCH",
            format!("the content has {is}"),
        ));
    };
    if found.size_bytes != announced.size_bytes {
        differs("size_bytes", found.size_bytes.to_string());
    }
    if found.sha256 != announced.sha256 {
        differs("sha256", found.sha256.clone());
    }
    if found.media_type != announced.media_type {
        differs("media_type", found.media_type.clone());
    }
    if violations.is_empty() { Ok(found) } else { Err(PutError::Invalid(violations)) }
}
