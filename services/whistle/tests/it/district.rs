//! A district over NATS: a nats-server of its own, a process a role, everything in one directory.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nats_child::NatsChild;
use tempfile::TempDir;

use crate::process::{page, run, text, told, whistle};

/// The roles with a port, in the order they are started.
pub(crate) const ROLES: [&str; 5] = ["intake", "routing", "escalation", "closure", "board"];
/// Looks at a page of a process; each is a connection of its own, so this is far longer than anything takes.
const LOOKS_MAX: usize = 200_000;

/// The system, running.
pub(crate) struct District {
    /// Its nats-server.
    pub(crate) nats: NatsChild,
    /// Its processes, the ledger first.
    pub(crate) processes: Vec<Process>,
    dir: TempDir,
}

/// One process of it.
pub(crate) struct Process {
    /// `ledger`, or one of [`ROLES`].
    pub(crate) role: &'static str,
    /// Where it listens; empty for the ledger.
    pub(crate) address: String,
    /// Where operators look.
    pub(crate) ops: String,
    /// Its data directory.
    pub(crate) data: PathBuf,
    /// What it says, JSON a line.
    pub(crate) log: PathBuf,
    /// Gone once it was killed.
    child: Option<Child>,
}

impl District {
    /// Starts everything, with so many copies of each deciding role, and waits until all of it is ready.
    pub(crate) fn start(copies: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let seeds = seeds();
        let sandbox = run(&["token", "sandbox", text(&seeds)]);
        assert!(sandbox.status.success(), "{}", told(&sandbox));
        std::fs::write(dir.path().join("principals.toml"), sandbox.stdout).unwrap();
        let key = run(&["vault-key", "new", text(&dir.path().join("vault.key"))]);
        assert!(key.status.success(), "{}", told(&key));
        let nats = NatsChild::start().unwrap();
        let mut district = Self { nats, processes: Vec::new(), dir };
        district.add("ledger", 0);
        for copy in 0..copies {
            for role in ROLES {
                district.add(role, copy);
            }
        }
        district.settle();
        district
    }

    /// The directory everything is in.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where to call, as `--server` takes it.
    pub(crate) fn server(&self) -> String {
        let callable = self.processes.iter().filter(|process| !process.address.is_empty());
        callable.map(|process| format!("{}={}", process.role, process.address)).collect::<Vec<_>>().join(",")
    }

    /// Kills one, as a power cut would.
    pub(crate) fn kill(&mut self, index: usize) {
        let mut child = self.processes[index].child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts one again that was killed, where it was before.
    pub(crate) fn start_again(&mut self, index: usize) {
        let Process { role, data, log, address, ops, .. } = &self.processes[index];
        let listen = if address.is_empty() { "127.0.0.1:0" } else { address };
        let process = self.spawn(role, data.clone(), log.clone(), listen, ops);
        self.processes[index] = process;
    }

    /// Waits until every process says that it is ready.
    pub(crate) fn settle(&self) {
        for process in &self.processes {
            process.wait_ready();
        }
    }

    /// Asks everybody to end, the ledger last, and sees that they do so in order.
    pub(crate) fn stop(mut self) -> (TempDir, Vec<(&'static str, PathBuf)>) {
        for process in self.processes.iter_mut().rev() {
            let mut child = process.child.take().expect("it runs");
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(0), "{}: {}", process.role, process.said());
        }
        let places = self.processes.iter().map(|process| (process.role, process.data.clone())).collect();
        let Self { dir, .. } = self;
        (dir, places)
    }

    fn add(&mut self, role: &'static str, copy: usize) {
        let data = self.path().join(format!("{role}-{copy}"));
        let log = self.path().join(format!("{role}-{copy}.log"));
        let process = self.spawn(role, data, log, "127.0.0.1:0", "127.0.0.1:0");
        self.processes.push(process);
    }

    fn spawn(&self, role: &'static str, data: PathBuf, log: PathBuf, listen: &str, ops: &str) -> Process {
        let mut command = whistle();
        command.args(["serve", role, "--data", text(&data), "--nats", &self.nats.url(), "--ops", ops]);
        let (principals, key) = (self.path().join("principals.toml"), self.path().join("vault.key"));
        if role == "ledger" {
            command.args(["--registry", text(&seeds())]);
        } else {
            command.args(["--jurisdiction", "huancui", "--listen", listen]);
            command.args(["--principals", text(&principals)]);
        }
        if !["ledger", "escalation"].contains(&role) {
            command.args(["--vault-key", text(&key)]);
        }
        if role == "intake" {
            command.args(["--evidence", text(&self.path().join("evidence"))]);
        }
        command.env("WHISTLE_TELEMETRY__FILTER", "info,async_nats=off,whistle::trace=debug");
        Process::spawn(&mut command, role, data, log)
    }
}

impl Process {
    /// Starts a command that serves a role and waits until it says where.
    pub(crate) fn spawn(command: &mut Command, role: &'static str, data: PathBuf, log: PathBuf) -> Self {
        let said = File::options().create(true).append(true).open(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(said).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut ops, mut address) = (String::new(), None);
        for line in lines.by_ref() {
            let line = line.unwrap();
            if let Some(at) = line.strip_prefix("ops on http://") {
                at.clone_into(&mut ops);
            }
            if let Some(at) = line.strip_prefix("listening on http://") {
                address = Some(at.to_owned());
            } else if line.starts_with("serving ") {
                address = Some(String::new());
            }
            if address.is_some() {
                break;
            }
        }
        // The pipe is read on, so that it never writes into a full or closed one.
        std::thread::spawn(move || lines.for_each(drop));
        let mut process = Self { role, address: String::new(), ops, data, log, child: Some(child) };
        process.address = address.unwrap_or_else(|| panic!("{role} ended at once: {}", process.said()));
        process
    }

    /// A page for operators: its status line and its body; none while the process is away.
    pub(crate) fn page(&self, path: &str) -> Option<(String, String)> {
        page(&self.ops, path)
    }

    /// Whether it says that it is ready, and what it says.
    pub(crate) fn ready(&self) -> (bool, String) {
        let (status, body) = self.page("/readyz").unwrap_or_default();
        (status.ends_with(" 200 OK"), body)
    }

    /// Waits until it says that it is ready.
    pub(crate) fn wait_ready(&self) {
        self.wait("ready", |process| process.ready().0);
    }

    /// Waits until something holds of it.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let held = (0..LOOKS_MAX).any(|_| holds(self));
        assert!(held, "{} never was {what}: {:?}\n{}", self.role, self.ready(), self.said());
    }

    /// The value of a metric whose line begins like this.
    pub(crate) fn metric(&self, begins: &str) -> Option<f64> {
        let (_, body) = self.page("/metrics")?;
        let line = body.lines().find(|line| line.starts_with(begins))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// The values of a metric under all its labels; none while the process is away.
    pub(crate) fn metrics(&self, name: &str) -> Vec<f64> {
        let (_, body) = self.page("/metrics").unwrap_or_default();
        let lines = body.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect()
    }

    /// Everything it said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already, which is all that is wanted.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../seeds/huancui")
}
