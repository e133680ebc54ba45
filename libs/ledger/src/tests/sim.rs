//! The protocol over a network that loses, repeats, reorders and delays.

mod other_logs;

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
