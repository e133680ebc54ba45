//! The protocol over a network that loses, repeats, reorders and delays.

use std::sync::Arc;
use std::time::Duration;

use event_store::Store;
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};

use super::support::{at, case, command, info, raise_or_note, step, store, times};
use crate::remote::Link;
use crate::remote::sim::{Faults, Sim};
use crate::{CommandContext, Commit, ExecuteError, Host, Ledger, LedgerError, NoRiders, Options, Position};

const ROUGH: Faults = Faults { lost: 60, twice: 60, late: 200 };
const CALM: Faults = Faults { lost: 0, twice: 0, late: 0 };
/// Seeds run; `WHISTLE_SIM_SEEDS=n` runs n of them, `WHISTLE_SIM_SEED=s` that one.
const SEEDS: u64 = 6;
const WRITERS: u128 = 3;
const COMMANDS: u128 = 25;
/// How long a seed may take on a machine that stands.
const PATIENCE: Duration = Duration::from_secs(120);

fn seeds() -> Vec<u64> {
    #[expect(clippy::disallowed_methods, reason = "how many, and which, is for whoever runs the test")]
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("WHISTLE_SIM_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("WHISTLE_SIM_SEEDS").unwrap_or(SEEDS)).collect(),
    }
}

fn serve(sim: &Sim, store: &Store) -> JoinHandle<()> {
    serve_since(sim, store, 0)
}

fn serve_since(sim: &Sim, store: &Store, second: i64) -> JoinHandle<()> {
    serve_host(sim, &host(store, second))
}

fn host(store: &Store, second: i64) -> Host {
    Host::new(&Ledger::local(store.clone(), info()), Arc::new(NoRiders), times(second)).unwrap()
}

fn serve_host(sim: &Sim, host: &Host) -> JoinHandle<()> {
    sim.host(Some(Arc::clone(host.core())));
    let link = Link::Sim(sim.clone());
    let core = Arc::clone(host.core());
    Handle::current().spawn(async move { core.publish(&link).await.unwrap() })
}

async fn distant(sim: &Sim) -> Ledger {
    Ledger::over(Link::Sim(sim.clone()), &info().jurisdiction, Options::DEFAULT).await.unwrap()
}

/// A log that is served over a calm network, and one who follows it from its beginning.
struct Followed {
    sim: Sim,
    serving: JoinHandle<()>,
    ledger: Ledger,
    follow: crate::Follow,
}

impl Followed {
    async fn begin(store: &Store) -> Self {
        let sim = Sim::new(1, CALM);
        let serving = serve(&sim, store);
        let ledger = distant(&sim).await;
        let follow = ledger.follow(Position::ZERO).unwrap();
        Self { sim, serving, ledger, follow }
    }
}

/// What a caller does: asks again with the same id until there is an answer.
async fn insist(ledger: &Ledger, id: u128, number: u128) {
    loop {
        match ledger.execute(&command(id), at(0), &[case(number)], |cases| Ok(raise_or_note(cases))).await {
            Ok(_) => return,
            Err(
                ExecuteError::Away
                | ExecuteError::Unavailable
                | ExecuteError::Conflict { .. }
                | ExecuteError::Ledger(LedgerError::Away),
            ) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn followed(ledger: Ledger, until: usize) -> Vec<Arc<Commit>> {
    let mut follow = ledger.follow(Position::ZERO).unwrap();
    let mut commits = Vec::new();
    while commits.len() < until {
        commits.push(follow.next().await.unwrap());
    }
    assert!(follow.next().now_or_never().is_none(), "there is no more");
    commits
}

async fn run(seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let sim = Sim::new(seed, ROUGH);
    let mut serving = serve(&sim, &store);
    let all = usize::try_from(WRITERS * COMMANDS).unwrap();
    let mut followers = JoinSet::new();
    for _ in 0..2 {
        followers.spawn(followed(distant(&sim).await, all));
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let ledger = distant(&sim).await;
        writers.spawn(async move {
            for n in 0..COMMANDS {
                insist(&ledger, 1000 * (writer + 1) + n, n % 4).await;
            }
        });
    }
    // While they write the cable is cut and the ledger's process replaced, some times each.
    for turn in 0..6_u64 {
        tokio::time::sleep(Duration::from_millis(20 + 7 * (turn + seed) % 40)).await;
        sim.up(turn % 2 == 1);
        if turn % 3 == 2 {
            serving.abort();
            sim.host(None);
            serving = serve(&sim, &store);
        }
    }
    sim.up(true);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    let stored = store.read_log(Position::ZERO, usize::MAX).unwrap().commits;
    assert_eq!(stored.len(), all, "every command happened once");
    while let Some(commits) = followers.join_next().await {
        let commits = commits.unwrap();
        assert!(commits.iter().map(|commit| commit.chain).eq(stored.iter().map(|commit| commit.chain_hash)));
    }
    assert!(sim.wrong() > 0, "the network did what it is for");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_reordered_whatever_the_network_does() {
    for seed in seeds() {
        println!("seed {seed}: WHISTLE_SIM_SEED={seed} runs it again");
        tokio::time::timeout(PATIENCE, run(seed)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_does_not_decode_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let Followed { sim, serving, ledger, mut follow } = Followed::begin(&store).await;
    for garbage in [&b""[..], b"\x01", b"\x02later", b"\x01\x00\xff\xff\xff\xff\xff", &[0xff; 300]] {
        sim.publish(&bytes::Bytes::from_static(Box::leak(garbage.to_vec().into_boxed_slice())));
    }
    step(&ledger, 1, case(1)).await;
    assert_eq!(follow.next().await.unwrap().first, Position(1));
    assert_eq!(ledger.trouble(), None);
    serving.abort();
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_cable_is_told_at_once_and_mended_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let Followed { sim, serving, ledger, mut follow } = Followed::begin(&store).await;
    step(&ledger, 1, case(1)).await;
    follow.next().await.unwrap();
    sim.up(false);
    let cut = ledger.execute(&command(2), at(0), &[case(1)], |cases| Ok(raise_or_note(cases))).await;
    assert_eq!(cut.unwrap_err(), ExecuteError::Away);
    assert!(ledger.trouble().is_some());
    // Others go on where the log is.
    let at_host = Ledger::local(store, info());
    for id in 3..6 {
        step(&at_host, id, case(1)).await;
    }
    assert!(follow.next().now_or_never().is_none());
    sim.up(true);
    for position in 2..=4 {
        assert_eq!(follow.next().await.unwrap().first, Position(position));
    }
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
async fn whoever_gave_up_before_it_was_sent_takes_no_place_and_does_not_happen() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let Followed { sim, serving, ledger, .. } = Followed::begin(&store).await;
    let raise = |id: u128| {
        let (ledger, context) = (ledger.clone(), CommandContext { makes_cases: true, ..command(id) });
        async move { ledger.execute(&context, at(0), &[case(id)], |cases| Ok(raise_or_note(cases))).await }
    };
    sim.hold(true);
    let mut waiting = JoinSet::new();
    // As many messages as are under way at a time.
    for id in 1..3 {
        waiting.spawn(raise(id));
        sim.held(usize::try_from(id).unwrap()).await;
    }
    for id in 3..40 {
        assert!(raise(id).now_or_never().is_none());
    }
    waiting.spawn(raise(50));
    sim.hold(false);
    while let Some(done) = waiting.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(store.head().position, Position(3), "nobody else's");
    serving.abort();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_could_not_be_given_leaves_the_outcome_open() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let Followed { sim, serving, ledger, .. } = Followed::begin(&store).await;
    let raise = async |id: u128| {
        let context = CommandContext { makes_cases: true, ..command(id) };
        ledger.execute(&context, at(0), &[case(id)], |cases| Ok(raise_or_note(cases))).await
    };
    // The work is done, and the answer is larger than nats-server takes.
    sim.answer_in_vain(Some(64_999));
    assert_eq!(raise(1).await.unwrap_err(), ExecuteError::Unavailable);
    assert_eq!(store.head().position, Position(1));
    sim.answer_in_vain(None);
    assert!(raise(1).await.unwrap().repeated);
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_kept_does_not_stand_in_for_another_at_its_place() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [mine, other] = [store(dirs[0].path()), store(dirs[1].path())];
    let ledger = Ledger::local(mine, info());
    step(&ledger, 1, case(1)).await;
    step(&Ledger::local(other.clone(), info()), 2, case(2)).await;
    let stored = other.read_log(Position::ZERO, usize::MAX).unwrap().commits;
    let decoded = ledger.decode(&stored[0]).unwrap();
    assert_eq!((decoded.chain, decoded.cases()), (stored[0].chain_hash, vec![case(2)]));
}
