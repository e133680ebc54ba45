//! Another log under the same name: refused, by whatever it is first heard of.

use std::sync::Arc;

use event_store::Store;

use super::{Followed, host, serve, serve_host, serve_since};
use crate::remote::Link;
use crate::remote::sim::Sim;
use crate::tests::support::{at, case, command, info, raise_or_note, step, store};
use crate::{CommandContext, ExecuteError, Host, Ledger, LedgerError, Position};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_chain_under_the_same_name_expect_refusal() {
    let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mine, other) = (store(dir.path()), store(other_dir.path()));
    let Followed { sim, serving, ledger, mut follow } = Followed::begin(&mine).await;
    step(&ledger, 1, case(1)).await;
    follow.next().await.unwrap();

    serving.abort();
    let elsewhere = Ledger::local(other.clone(), info());
    for id in 7..9 {
        step(&elsewhere, id, case(2)).await;
    }
    let serving = serve(&sim, &other);
    assert!(matches!(follow.next().await, Err(LedgerError::Alien(_))));
    let raising = CommandContext { makes_cases: true, ..command(9) };
    let late = ledger.execute(&raising, at(0), &[case(3)], |cases| Ok(raise_or_note(cases))).await;
    assert_eq!(late.unwrap_err(), ExecuteError::Away, "nothing is committed to it");
    let alien = |error: &LedgerError| matches!(error, LedgerError::Alien(_));
    assert!(ledger.read_case(case(2)).await.is_err_and(|error| alien(&error)), "nothing is read from it");
    let repeated = ledger.execute(&command(1), at(0), &[case(9)], |_| Ok(vec![Vec::new()])).await;
    assert!(matches!(&repeated, Err(ExecuteError::Ledger(error)) if alien(error)), "{repeated:?}");
    assert!(ledger.trouble().is_some(), "and an operator is told");
    assert_eq!(other.head().position, Position(2));
    serving.abort();
}

/// A log of three events that was followed to its end, and a copy of it that ends at the first.
struct Shortened {
    followed: Followed,
    older: Store,
    _dirs: [tempfile::TempDir; 2],
}

impl Shortened {
    async fn begin() -> Self {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [mine, older] = [store(dirs[0].path()), store(dirs[1].path())];
        let mut followed = Followed::begin(&mine).await;
        for id in 1..4 {
            step(&followed.ledger, id, case(1)).await;
            followed.follow.next().await.unwrap();
        }
        step(&Ledger::local(older.clone(), info()), 1, case(1)).await;
        followed.serving.abort();
        Self { followed, older, _dirs: dirs }
    }

    async fn expect_refusal(mut self) {
        assert!(matches!(self.followed.follow.next().await, Err(LedgerError::Alien(_))));
        let raising = CommandContext { makes_cases: true, ..command(9) };
        let ledger = &self.followed.ledger;
        let late = ledger.execute(&raising, at(0), &[case(3)], |cases| Ok(raise_or_note(cases))).await;
        assert_eq!(late.unwrap_err(), ExecuteError::Away);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_end_expect_refusal() {
    let shortened = Shortened::begin().await;
    let serving = serve_since(&shortened.followed.sim, &shortened.older, 1);
    shortened.expect_refusal().await;
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_end_expect_refusal_also_when_its_machine_is_behind_in_time() {
    let shortened = Shortened::begin().await;
    let serving = serve_since(&shortened.followed.sim, &shortened.older, -1);
    shortened.expect_refusal().await;
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_end_is_refused_by_the_first_frame_that_is_heard_of_it() {
    let shortened = Shortened::begin().await;
    let (sim, older) = (&shortened.followed.sim, &shortened.older);
    // Nobody hears how far it is when it begins, and whoever asks is not answered.
    let core = Arc::clone(host(older, 1).core());
    let before = older.head();
    step(&Ledger::local(older.clone(), info()), 2, case(1)).await;
    let told = older.read_log(before.position, usize::MAX).unwrap().commits;
    core.tell_commits(&Link::Sim(sim.clone()), &told).await;
    shortened.expect_refusal().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_log_that_lost_its_end_says_it_stored_was_not_stored() {
    let Shortened { followed, older, _dirs } = Shortened::begin().await;
    // It publishes nothing, so that its answer is the first that is heard of it.
    followed.sim.host(Some(Arc::clone(host(&older, 1).core())));
    let raising = CommandContext { makes_cases: true, ..command(9) };
    let ledger = &followed.ledger;
    let raised = ledger.execute(&raising, at(0), &[case(3)], |cases| Ok(raise_or_note(cases))).await;
    // A machine that stands still may have asked it meanwhile, and refused it by that.
    assert!(matches!(raised, Err(ExecuteError::Unavailable | ExecuteError::Away)), "{raised:?}");
    assert!(matches!(ledger.read_case(case(3)).await, Err(LedgerError::Alien(_))), "and an operator is told");
}

/// A follower of the first epoch, and the same log that goes on as the second; who heard one takes nothing of the other.
struct Epochs {
    store: Store,
    second: Host,
    sim: Sim,
    ledger: Ledger,
    follow: crate::Follow,
    _dir: tempfile::TempDir,
}

impl Epochs {
    async fn begin() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path());
        let Followed { sim, serving, ledger, mut follow } = Followed::begin(&store).await;
        step(&ledger, 1, case(1)).await;
        follow.next().await.unwrap();
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        sim.host(None);
        let second = host(&store, 1).as_epoch(2);
        Self { store, second, sim, ledger, follow, _dir: dir }
    }

    async fn goes_on(&self) {
        step(&Ledger::local(self.store.clone(), info()), 2, case(1)).await;
    }

    async fn expect_refusal(mut self) {
        let followed = self.follow.next().await;
        let Err(LedgerError::Alien(reason)) = followed else { panic!("followed into it: {followed:?}") };
        assert_eq!(reason, "it is of epoch 2, followed was epoch 1");
        assert_eq!(self.ledger.trouble(), Some(reason), "and an operator is told");
        let head = self.store.head();
        let raising = CommandContext { makes_cases: true, ..command(9) };
        let late = self.ledger.execute(&raising, at(0), &[case(3)], |cases| Ok(raise_or_note(cases))).await;
        assert_eq!(late.unwrap_err(), ExecuteError::Away, "nothing is committed to it");
        assert_eq!(self.store.head(), head);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_epoch_is_refused_when_its_frames_are_heard() {
    let epochs = Epochs::begin().await;
    let serving = serve_host(&epochs.sim, &epochs.second);
    epochs.goes_on().await;
    epochs.expect_refusal().await;
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_epoch_is_refused_when_it_is_silent_and_asked() {
    let epochs = Epochs::begin().await;
    epochs.goes_on().await;
    epochs.sim.host(Some(Arc::clone(epochs.second.core())));
    epochs.expect_refusal().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_epoch_has_no_word_on_where_the_log_ends() {
    let epochs = Epochs::begin().await;
    epochs.sim.host(Some(Arc::clone(epochs.second.core())));
    let told = epochs.ledger.ask_head().await;
    assert!(matches!(told, Err(LedgerError::Alien(_))), "{told:?}");
    epochs.expect_refusal().await;
}
