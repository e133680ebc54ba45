use std::time::Duration;

use super::{Drained, Shutdown};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn drain_waits_for_tasks_that_watch_the_token() {
    let shutdown = Shutdown::new();
    let watcher = shutdown.clone();
    let task = shutdown.spawn("watcher", async move {
        watcher.started().await;
        7
    });
    assert!(!shutdown.is_started());
    assert!(shutdown.drain(LONG).await.is_clean());
    assert_eq!(task.await.unwrap(), 7);
}

#[tokio::test]
async fn drain_names_the_tasks_that_do_not_end() {
    let shutdown = Shutdown::new();
    shutdown.spawn("deaf", std::future::pending::<()>());
    shutdown.spawn("quick", async {}).await.unwrap();
    let drained = shutdown.drain(Duration::from_millis(1)).await;
    assert_eq!(drained, Drained { stuck: vec!["deaf"], panicked: vec![], failed: vec![] });
}

#[tokio::test]
async fn a_panic_in_a_task_shuts_everything_down() {
    let shutdown = Shutdown::new();
    shutdown.spawn("broken", async { panic!("on purpose") });
    shutdown.started().await;
    let drained = shutdown.drain(LONG).await;
    assert_eq!(drained, Drained { stuck: vec![], panicked: vec!["broken"], failed: vec![] });
}

#[tokio::test]
async fn blocking_work_is_waited_for() {
    let shutdown = Shutdown::new();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let work = shutdown.spawn_blocking("work", move || wait.recv().is_ok());
    assert_eq!(shutdown.drain(Duration::from_millis(1)).await.stuck, vec!["work"]);
    go.send(()).unwrap();
    assert!(shutdown.drain(LONG).await.is_clean());
    assert!(work.await.unwrap());
}

#[tokio::test]
async fn a_signal_starts_the_shutdown() {
    let shutdown = Shutdown::new();
    shutdown.listen_to_signals().unwrap();
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TERM).unwrap();
    shutdown.started().await;
    assert!(shutdown.drain(LONG).await.is_clean());
}
