use event_store::Position;

use super::{Meaning, meaning};
use crate::Ledger;
use crate::tests::support::{case, info, step, store};

#[tokio::test]
async fn commits_of_another_epoch_are_of_another_log_though_their_chain_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let before = store.head();
    let ledger = Ledger::local(store.clone(), info());
    for id in 1..3 {
        step(&ledger, id, case(id)).await;
    }
    let told = store.read_log(Position::ZERO, usize::MAX).unwrap().commits;
    assert_eq!(meaning(&before, 1, &told), Meaning::Next);
    assert_eq!(meaning(&before, 2, &told), Meaning::Alien("a commit is of epoch 1".to_owned()));
    let after_a_gap = &told[1..];
    assert_eq!(meaning(&before, 1, after_a_gap), Meaning::Gap);
    assert_eq!(meaning(&before, 2, after_a_gap), Meaning::Alien("a commit is of epoch 1".to_owned()));
}
