use std::fs;
use std::path::Path;

use futures_util::stream;
use test_kit::temp_dir;
use tokio::sync::oneshot;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::*;

const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a photo of building 8";

fn announced(content: &[u8], media_type: &str) -> Metadata {
    Metadata {
        sha256: hex(digest::digest(&digest::SHA256, content).as_ref()),
        media_type: media_type.to_owned(),
        size_bytes: content.len() as u64,
    }
}

fn chunks(content: &[u8], chunk_bytes: usize) -> impl Stream<Item = Result<Bytes, Status>> + Send {
    let chunks: Vec<_> = content.chunks(chunk_bytes).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    stream::iter(chunks)
}

/// Contents and parts of some; not the locks beside them.
fn files_under(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = |path: PathBuf| match path {
        dir if dir.is_dir() => files_under(&dir),
        file => usize::from(!file.ends_with("lock")),
    };
    entries.map(files).sum()
}

/// A content that comes in two halves: tells when the first is stored, and goes on when it is told to.
fn halved(
    content: &'static [u8],
) -> (impl Stream<Item = Result<Bytes, Status>> + Send, oneshot::Receiver<()>, oneshot::Sender<()>) {
    let ((stored, is_stored), (go_on, may_go_on)) = (oneshot::channel(), oneshot::channel::<()>());
    let (first, second) = content.split_at(content.len() / 2);
    let second = stream::once(async move {
        stored.send(()).unwrap();
        may_go_on.await.unwrap();
        Ok(Bytes::from_static(second))
    });
    (stream::iter([Ok(Bytes::from_static(first))]).chain(second), is_stored, go_on)
}

async fn read(store: &EvidenceStore, sha256: &str) -> Result<Vec<u8>, Status> {
    let chunks: Vec<_> = store.get("p-1", sha256).await?.unwrap().into_chunks().collect().await;
    let chunks = chunks.into_iter().collect::<Result<Vec<Bytes>, Status>>()?;
    assert!(chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK_BYTES));
    Ok(chunks.concat())
}

async fn refused(store: &EvidenceStore, metadata: &Metadata, content: &[u8]) -> Vec<String> {
    match store.put("p-1", metadata, chunks(content, 7)).await.unwrap_err() {
        PutError::Invalid(violations) => violations.into_iter().map(|violation| violation.field).collect(),
        other @ (PutError::TooLarge(_) | PutError::Busy | PutError::Cut(_) | PutError::Io(_)) => {
            panic!("{other:?}")
        }
    }
}

#[tokio::test]
async fn what_is_put_is_read_back_in_chunks() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let mut content = JPEG.to_vec();
    content.resize(200_000, 7);
    let metadata = announced(&content, "image/jpeg");
    assert!(!store.exists(&metadata.sha256));
    let put = store.put("p-1", &metadata, chunks(&content, 50_000)).await.unwrap();
    assert_eq!(put, Put { stored: metadata.clone(), repeated: false });
    assert!(store.exists(&metadata.sha256));
    assert_eq!(read(&store, &metadata.sha256).await.unwrap(), content);
    assert_eq!(store.get("p-1", &metadata.sha256).await.unwrap().unwrap().metadata, metadata);
    let reopened = EvidenceStore::open(dir.path()).unwrap();
    assert_eq!(read(&reopened, &metadata.sha256).await.unwrap(), content);
}

#[tokio::test]
async fn each_type_is_told_by_its_first_bytes() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let kinds: [(&[u8], &str); 4] = [
        (JPEG, "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n and more", "image/png"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7 and more", "application/pdf"),
    ];
    for (content, media_type) in kinds {
        let put = store.put("p-1", &announced(content, media_type), chunks(content, 3)).await.unwrap();
        assert_eq!(put.stored.media_type, media_type);
    }
    assert_eq!(
        refused(&store, &announced(b"<svg onload=x>", "image/png"), b"<svg onload=x>").await,
        ["metadata.media_type"]
    );
    let other = announced(b"\x89PNG\r\n\x1a\n other", "image/jpeg");
    assert_eq!(refused(&store, &other, b"\x89PNG\r\n\x1a\n other").await, ["metadata.media_type"]);
}

#[tokio::test]
async fn putting_again_changes_nothing_and_reads_nothing() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let metadata = announced(JPEG, "image/jpeg");
    store.put("p-1", &metadata, chunks(JPEG, 5)).await.unwrap();
    let unread = stream::once(async { panic!("read again") });
    assert!(store.put("p-1", &metadata, unread).await.unwrap().repeated);
    let wrong = Metadata { media_type: "image/png".to_owned(), size_bytes: 3, ..metadata };
    assert_eq!(refused(&store, &wrong, JPEG).await, ["metadata.size_bytes", "metadata.media_type"]);
    assert_eq!(files_under(dir.path()), 1);
}

#[tokio::test]
async fn another_hash_or_size_than_announced_keeps_nothing() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let other = announced(b"\xff\xd8\xff something else", "image/jpeg");
    let wrong_hash = Metadata { size_bytes: JPEG.len() as u64, ..other };
    assert_eq!(refused(&store, &wrong_hash, JPEG).await, ["metadata.sha256"]);
    let shorter = Metadata { size_bytes: 4, ..announced(JPEG, "image/jpeg") };
    assert_eq!(refused(&store, &shorter, JPEG).await, ["metadata.size_bytes"]);
    let longer = Metadata { size_bytes: 4000, ..announced(JPEG, "image/jpeg") };
    assert_eq!(refused(&store, &longer, JPEG).await, ["metadata.size_bytes"]);
    assert_eq!(files_under(dir.path()), 0);
}

#[tokio::test]
async fn every_fault_of_the_metadata_is_named_at_once() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let metadata =
        Metadata { sha256: "../../etc/passwd".to_owned(), media_type: "text/html".to_owned(), size_bytes: 0 };
    let fields = refused(&store, &metadata, JPEG).await;
    assert_eq!(fields, ["metadata.sha256", "metadata.media_type", "metadata.size_bytes"]);
    assert!(store.get("p-1", "../../etc/passwd").await.unwrap().is_none());
    assert!(!store.exists("../../etc/passwd"));
    assert!(store.get("p-1", &"0".repeat(64)).await.unwrap().is_none());
}

#[tokio::test]
async fn oversize_is_cut_off_whether_announced_or_not() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let honest = Metadata { size_bytes: EVIDENCE_BYTES_MAX + 1, ..announced(JPEG, "image/jpeg") };
    let unread = stream::once(async { panic!("read although too large") });
    let error = store.put("p-1", &honest, unread).await.unwrap_err();
    assert!(matches!(error, PutError::TooLarge(_)));
    assert_eq!(Status::from(error).code(), Code::ResourceExhausted);
    let lying = Metadata { size_bytes: EVIDENCE_BYTES_MAX, ..announced(JPEG, "image/jpeg") };
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0xff; 65_536])));
    assert!(matches!(store.put("p-1", &lying, endless).await.unwrap_err(), PutError::TooLarge(_)));
    assert_eq!(files_under(dir.path()), 0);
}

#[tokio::test]
async fn a_cut_upload_leaves_nothing() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let metadata = announced(JPEG, "image/jpeg");
    let cut = stream::iter([Ok(Bytes::from_static(&JPEG[..5])), Err(Status::cancelled("gone"))]);
    assert!(matches!(store.put("p-1", &metadata, cut).await.unwrap_err(), PutError::Cut(_)));
    assert_eq!(files_under(dir.path()), 0);

    // Dropped in the middle, as when a connection breaks.
    let stuck = stream::once(async { Ok(Bytes::from_static(&JPEG[..5])) }).chain(stream::pending());
    let mut put = Box::pin(store.put("p-1", &metadata, stuck));
    tokio::select! {
        biased;
        _ = &mut put => panic!("the upload never ends"),
        () = test_kit::wait_until("the upload to begin", test_kit::DEADLINE, || files_under(dir.path()) == 1) => {}
    }
    drop(put);
    test_kit::wait_until("it to be cleared", test_kit::DEADLINE, || files_under(dir.path()) == 0).await;
}

#[tokio::test]
async fn stores_in_one_directory_do_not_touch_each_others_uploads() {
    const OTHER: &[u8] = b"\xff\xd8\xff\xe0 a photo of another case";
    let dir = temp_dir();
    let (metadata, other_metadata) = (announced(JPEG, "image/jpeg"), announced(OTHER, "image/jpeg"));
    let (content, is_stored, go_on) = halved(JPEG);
    let (other_content, other_is_stored, other_go_on) = halved(OTHER);
    let store = EvidenceStore::open(dir.path()).unwrap();
    let (put, (other, other_put)) = tokio::join!(store.put("p-1", &metadata, content), async {
        is_stored.await.unwrap();
        let other = EvidenceStore::open(dir.path()).unwrap();
        let mut put = Box::pin(other.put("p-1", &other_metadata, other_content));
        tokio::select! {
            biased;
            early = &mut put => panic!("half of the other is not all: {early:?}"),
            stored = other_is_stored => stored.unwrap(),
        }
        go_on.send(()).unwrap();
        test_kit::wait_until("the first to be there", test_kit::DEADLINE, || other.exists(&metadata.sha256))
            .await;
        other_go_on.send(()).unwrap();
        let put = put.await;
        (other, put)
    });
    assert_eq!(put.unwrap(), Put { stored: metadata.clone(), repeated: false });
    assert_eq!(other_put.unwrap(), Put { stored: other_metadata.clone(), repeated: false });
    assert_eq!(read(&other, &metadata.sha256).await.unwrap(), JPEG);
    assert_eq!(read(&store, &other_metadata.sha256).await.unwrap(), OTHER);
    assert_eq!(files_under(dir.path()), 2);
}

#[tokio::test]
async fn what_a_killed_process_left_is_cleared_by_the_next_start() {
    let dir = temp_dir();
    let incoming = dir.path().join("evidence/incoming");
    let store = EvidenceStore::open(dir.path()).unwrap();
    // Of one with a lock, of one killed before it made one, and of a store that kept all uploads in one place.
    fs::create_dir_all(incoming.join("1")).unwrap();
    fs::create_dir_all(incoming.join("2")).unwrap();
    fs::write(incoming.join("1/lock"), b"").unwrap();
    for left in ["1/0.part", "1/17.part", "2/0.part", "0.part"] {
        fs::write(incoming.join(left), b"half").unwrap();
    }
    let next = EvidenceStore::open(dir.path()).unwrap();
    assert_eq!(files_under(dir.path()), 0);
    let metadata = announced(JPEG, "image/jpeg");
    assert!(!next.put("p-1", &metadata, chunks(JPEG, 5)).await.unwrap().repeated);
    assert!(store.put("p-1", &metadata, chunks(JPEG, 5)).await.unwrap().repeated);
    // A directory is used again once its store is gone.
    drop((store, next));
    let _again = EvidenceStore::open(dir.path()).unwrap();
    assert_eq!(fs::read_dir(&incoming).unwrap().count(), 3);
}

#[tokio::test]
async fn rotten_content_is_told_and_not_passed_off() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let metadata = announced(JPEG, "image/jpeg");
    store.put("p-1", &metadata, chunks(JPEG, 5)).await.unwrap();
    let mut rotten = JPEG.to_vec();
    *rotten.last_mut().unwrap() ^= 1;
    fs::write(store.path_of(&metadata.sha256), rotten).unwrap();
    assert_eq!(read(&store, &metadata.sha256).await.unwrap_err().code(), Code::DataLoss);
}

/// An upload that has begun and never ends.
async fn stalled(store: &EvidenceStore, who: &str, content: &'static [u8]) -> Result<(), PutError> {
    let metadata = announced(content, "image/jpeg");
    let (begun, has_begun) = oneshot::channel();
    let (store, who) = (store.clone(), who.to_owned());
    let begins = stream::once(async move {
        begun.send(()).unwrap();
        Ok(Bytes::from_static(&content[..1]))
    });
    let put = async move { store.put(&who, &metadata, begins.chain(stream::pending())).await };
    let mut put = tokio::runtime::Handle::current().spawn(put);
    tokio::select! {
        biased;
        Ok(()) = has_begun => Ok(()),
        put = &mut put => put.unwrap().map(|_| ()),
    }
}

#[tokio::test]
async fn one_who_stalls_all_its_uploads_keeps_nobody_else_from_putting() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let mut begun = 0;
    let refused = loop {
        match stalled(&store, "p-slow", JPEG).await {
            Ok(()) => begun += 1,
            Err(error) => break error,
        }
    };
    assert!(begun > 0 && matches!(refused, PutError::Busy), "{refused:?}");
    assert!(Status::from(refused).get_error_details().retry_info().is_some());
    let metadata = announced(JPEG, "image/jpeg");
    store.put("p-other", &metadata, chunks(JPEG, 5)).await.expect("there is room for others");
}

#[test]
fn a_place_is_free_again_once_it_is_left() {
    let places = Places::new(3, 2);
    let mine: Vec<_> = (0..2).map(|_| places.take("p-1").unwrap()).collect();
    assert!(places.take("p-1").is_none(), "has all that one may have");
    let other = places.take("p-2").unwrap();
    assert!(places.take("p-3").is_none(), "all are taken");
    drop(other);
    let third = places.take("p-3").unwrap();
    drop((mine, third));
    assert!(places.take("p-1").is_some() && places.taken().is_empty());
}

#[tokio::test]
async fn one_who_does_not_read_on_keeps_nobody_else_from_reading() {
    let dir = temp_dir();
    let store = EvidenceStore::open(dir.path()).unwrap();
    let metadata = announced(JPEG, "image/jpeg");
    store.put("p-1", &metadata, chunks(JPEG, 5)).await.unwrap();
    let mut unread = Vec::new();
    for _ in 0..READS_EACH_MAX {
        unread.push(store.get("p-1", &metadata.sha256).await.unwrap().unwrap().into_chunks());
    }
    let refused = store.get("p-1", &metadata.sha256).await.expect_err("each of them holds a file");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.get_error_details().retry_info().is_some());
    assert!(store.get("p-2", &metadata.sha256).await.unwrap().is_some());
    // Whoever reads to the end, or goes, has room again.
    unread.pop();
    assert_eq!(read(&store, &metadata.sha256).await.unwrap(), JPEG);
    assert_eq!(read(&store, &metadata.sha256).await.unwrap(), JPEG);
}
