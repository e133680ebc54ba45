//! A district of our own with a process a role, on free ports, in a directory that goes afterwards; and its reference, in processes
//! as well.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use registry::Content;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::reference::Part;
use crate::exit::{Exit, Failure};
use crate::lang::Text;
use crate::roles::Role;
use crate::sandbox::Sandbox;
use crate::seeds::HUANCUI;

/// How long a process may take until it serves.
const START_MAX: Duration = Duration::from_secs(60);
/// How long a process may take to end once it is asked.
const STOP_MAX: Duration = Duration::from_secs(15);
/// Bytes shown of what a process said that ended by itself.
const SAID_BYTES_MAX: usize = 2_000;

/// The roles' processes, the ledger's first; or the reference's, the echo first. Whatever runs is killed when dropped.
pub(super) struct Processes {
    processes: Vec<Process>,
    /// After them, so that it goes when they are gone.
    _dir: TempDir,
}

struct Process {
    role: &'static str,
    /// None of the ledger, which nobody calls.
    address: Option<String>,
    child: Child,
    /// Takes what else it prints.
    _rest: JoinSet<()>,
}

/// What all of them are started with.
struct Setting<'a> {
    dir: &'a Path,
    nats: &'a str,
    jurisdiction: &'a str,
}

impl Processes {
    /// Starts the ledger, then the others, and waits until they serve.
    ///
    /// # Errors
    /// When a file cannot be written, or a process ends or is silent instead of serving.
    pub(super) async fn start(content: &Content, sandbox: &Sandbox, nats: &str) -> Result<Self, Failure> {
        let dir = tempfile::tempdir().map_err(|error| Failure::io(&std::env::temp_dir(), &error))?;
        let registry = dir.path().join("registry");
        std::fs::create_dir(&registry).map_err(|error| Failure::io(&registry, &error))?;
        HUANCUI.write_to(&registry)?;
        let principals = dir.path().join("principals.toml");
        std::fs::write(&principals, sandbox.file()).map_err(|error| Failure::io(&principals, &error))?;
        vault::new_key_file(&dir.path().join("vault.key")).map_err(Failure::internal)?;
        let jurisdiction = content.jurisdiction.id.to_string();
        let setting = Setting { dir: dir.path(), nats, jurisdiction: &jurisdiction };
        let mut processes = vec![setting.ledger()?.serves().await?];
        // All at once: each waits for the others no more than it must.
        let roles = Role::ALL.into_iter().map(|role| setting.role(role));
        for starting in roles.collect::<Result<Vec<_>, _>>()? {
            processes.push(starting.serves().await?);
        }
        Ok(Self { processes, _dir: dir })
    }

    /// Starts the reference's parts one after the other, each when the one before serves.
    ///
    /// # Errors
    /// As [`Processes::start`].
    pub(super) async fn reference(nats: &str) -> Result<Self, Failure> {
        let dir = tempfile::tempdir().map_err(|error| Failure::io(&std::env::temp_dir(), &error))?;
        let mut processes = Vec::new();
        for part in [Part::Echo, Part::Server] {
            let mut command = this_program()?;
            command.args(["bench-reference", part.name(), "--nats", nats]);
            processes.push(Starting::spawn(command, part.name(), dir.path())?.serves().await?);
        }
        Ok(Self { processes, _dir: dir })
    }

    /// Where to call the only one that can be called.
    pub(super) fn address(&self) -> Option<String> {
        self.processes.iter().find_map(|process| process.address.clone())
    }

    /// Where to call, as `--server` takes it.
    pub(super) fn server(&self) -> String {
        let addressed =
            self.processes.iter().filter_map(|process| Some((process.role, process.address.as_ref()?)));
        addressed.map(|(role, address)| format!("{role}={address}")).collect::<Vec<_>>().join(",")
    }

    /// Asks all to end, the ledger last, and kills who does not.
    pub(super) async fn stop(mut self) {
        let (ledger, roles) = self.processes.split_at_mut(1);
        for part in [roles, ledger] {
            part.iter().for_each(Process::ask_to_end);
            for process in part {
                if timeout(STOP_MAX, process.child.wait()).await.is_err() {
                    tracing::warn!(role = process.role, "does not end; killed");
                    process.child.kill().await.unwrap_or_default();
                }
            }
        }
    }
}

impl Process {
    fn ask_to_end(&self) {
        // One that has ended has no id, and one that ends just now is no trouble.
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        id.map_or(Ok(()), |id| kill_process(id, Signal::TERM)).unwrap_or_default();
    }
}

impl Setting<'_> {
    fn ledger(&self) -> Result<Starting, Failure> {
        let mut command = self.command("ledger")?;
        command.arg("--registry").arg(self.dir.join("registry"));
        Starting::spawn(command, "ledger", self.dir)
    }

    fn role(&self, role: Role) -> Result<Starting, Failure> {
        let mut command = self.command(role.name())?;
        command.args(["--jurisdiction", self.jurisdiction, "--listen", "127.0.0.1:0", "--principals"]);
        command.arg(self.dir.join("principals.toml"));
        if role != Role::Escalation {
            command.arg("--vault-key").arg(self.dir.join("vault.key"));
        }
        Starting::spawn(command, role.name(), self.dir)
    }

    fn command(&self, role: &str) -> Result<Command, Failure> {
        let mut command = this_program()?;
        command.args(["serve", role, "--nats", self.nats, "--data"]).arg(self.dir.join(role));
        Ok(command)
    }
}

/// This program, under built-in settings, as of a server in this process.
fn this_program() -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe().map_err(Failure::internal)?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WHISTLE_") {
            command.env_remove(name);
        }
    }
    command.env("WHISTLE_TELEMETRY__FILTER", "warn");
    Ok(command)
}

/// A process that does not serve yet.
struct Starting {
    role: &'static str,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: PathBuf,
}

impl Starting {
    fn spawn(mut command: Command, role: &'static str, dir: &Path) -> Result<Self, Failure> {
        let said = dir.join(format!("{role}.log"));
        let file = File::create(&said).map_err(|error| Failure::io(&said, &error))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(file).kill_on_drop(true);
        let mut child = command.spawn().map_err(Failure::internal)?;
        let out = child.stdout.take().ok_or_else(|| Failure::internal("a process without its output"))?;
        Ok(Self { role, child, lines: BufReader::new(out).lines(), said })
    }

    async fn serves(mut self) -> Result<Process, Failure> {
        let line = timeout(START_MAX, self.line()).await;
        let Some(line) = line.ok().flatten() else { return Err(self.does_not_serve()) };
        let address = line.strip_prefix("listening on http://").map(str::to_owned);
        let Self { role, child, mut lines, .. } = self;
        // Read on, so that it never writes into a full or closed pipe.
        let mut rest = JoinSet::new();
        rest.spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Process { role, address, child, _rest: rest })
    }

    /// The line that says that it serves; none when it ended before.
    async fn line(&mut self) -> Option<String> {
        while let Ok(Some(line)) = self.lines.next_line().await {
            if line.starts_with("listening on ") || line.starts_with("serving ") {
                return Some(line);
            }
        }
        None
    }

    fn does_not_serve(&self) -> Failure {
        let said = std::fs::read_to_string(&self.said).unwrap_or_default();
        let last = said.len().saturating_sub(SAID_BYTES_MAX);
        let last = (last..=said.len()).find_map(|from| said.get(from..)).unwrap_or_default();
        Failure::new(
            Exit::Internal,
            "ROLE_NOT_STARTED",
            Text::new("一个角色的进程没有启动起来", "the process of a role does not come to serve"),
            Text::new("看它最后说了什么", "see what it said last"),
        )
        .with([format!("{}: {}", self.role, last.trim())])
    }
}
