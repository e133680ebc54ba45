//! The child process.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tempfile::TempDir;

use crate::{Error, program};

/// A server listens within 50 ms on an idle machine; a loaded one with two cores took seconds.
const START_SECONDS_MAX: u64 = 30;

/// How often the file with the port is looked for. The server offers nothing to wait on: it writes that file once it
/// listens, and says so nowhere else than in log text that differs between versions.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Lines of the server's log kept for error messages.
const LOG_LINES_MAX: usize = 20;

/// How the server is started. The address and port are never taken from the configuration.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A configuration file, for users, permissions, limits and TLS.
    pub config: Option<PathBuf>,
    /// Further arguments of the command line.
    pub args: Vec<String>,
    /// Variables of its environment, beside those of this process: a configuration may name them.
    pub env: Vec<(String, String)>,
}

type Log = Arc<Mutex<VecDeque<String>>>;

/// A nats-server that listens on 127.0.0.1 and ends with this value.
#[derive(Debug)]
pub struct NatsChild {
    program: PathBuf,
    options: Options,
    dir: TempDir,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    log: Log,
    /// Disconnected once the server has closed its standard error, which it does by ending.
    ended: Receiver<()>,
    reader: Option<JoinHandle<()>>,
}

impl NatsChild {
    /// Starts a server without users on a port it picks itself, and waits until it listens.
    ///
    /// # Errors
    /// [`Error::Missing`] and [`Error::NotAFile`] if there is no program, the others if it does not start.
    pub fn start() -> Result<NatsChild, Error> {
        NatsChild::start_with(Options::default())
    }

    /// As [`NatsChild::start`], with a configuration.
    ///
    /// # Errors
    /// As [`NatsChild::start`]; a faulty configuration is [`Error::Ended`] with the server's own words.
    pub fn start_with(options: Options) -> Result<NatsChild, Error> {
        let program = program::locate()?;
        let dir = tempfile::tempdir().map_err(io("make a directory"))?;
        let mut running = Running::spawn(&program, &options, dir.path(), None)?;
        let port = running.wait_until_listening(dir.path())?;
        Ok(NatsChild { program, options, dir, port, running: Some(running) })
    }

    /// Address of the server, `nats://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port, the same after a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Process id, none between [`NatsChild::kill`] and [`NatsChild::restart`].
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.child.id())
    }

    /// Directory of this server's own, gone with it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The last lines the server wrote since its latest start.
    pub fn log(&self) -> String {
        self.running.as_ref().map(Running::log_text).unwrap_or_default()
    }

    /// Ends the server at once (SIGKILL) and waits until it is gone. Nothing happens if it does not run.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Starts the server again on the port it had.
    ///
    /// # Errors
    /// [`Error::State`] while it runs, [`Error::Ended`] if somebody else has the port by now.
    pub fn restart(&mut self) -> Result<(), Error> {
        if self.running.is_some() {
            return Err(Error::State("is running already"));
        }
        let mut running = Running::spawn(&self.program, &self.options, self.dir.path(), Some(self.port))?;
        running.wait_until_listening(self.dir.path())?;
        self.running = Some(running);
        Ok(())
    }

    /// Stops the server in its tracks (SIGSTOP), and comes back once it stands still: connections stay open and are not
    /// answered.
    ///
    /// # Errors
    /// [`Error::State`] if it does not run.
    pub fn pause(&self) -> Result<(), Error> {
        let pid = self.signal(Signal::STOP)?;
        // The signal takes its time to reach every thread. An end of the process is left for `wait` to collect.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        retry_on_intr(|| waitid(WaitId::Pid(pid), stopped)).map_err(no_signal)?;
        Ok(())
    }

    /// Lets a paused server go on (SIGCONT).
    ///
    /// # Errors
    /// [`Error::State`] if it does not run.
    pub fn resume(&self) -> Result<(), Error> {
        self.signal(Signal::CONT).map(|_| ())
    }

    fn signal(&self, signal: Signal) -> Result<Pid, Error> {
        let running = self.running.as_ref().ok_or(Error::State("does not run"))?;
        let pid = Pid::from_child(&running.child);
        kill_process(pid, signal).map_err(no_signal)?;
        Ok(pid)
    }
}

fn no_signal(errno: rustix::io::Errno) -> Error {
    Error::Io { what: "pause nats-server or let it go on", source: errno.into() }
}

impl Running {
    fn spawn(program: &Path, options: &Options, dir: &Path, port: Option<u16>) -> Result<Running, Error> {
        let mut command = Command::new(program);
        let port = port.map_or_else(|| "-1".to_owned(), |port| port.to_string());
        command.args(["--addr", "127.0.0.1", "--port", &port, "--ports_file_dir"]).arg(dir);
        if let Some(config) = &options.config {
            command.arg("--config").arg(config);
        }
        command.args(&options.args).envs(options.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(io("start nats-server"))?;
        let log = Log::default();
        let (still_there, ended) = sync_channel(0);
        let reader = child.stderr.take().map(|stderr| {
            let log = log.clone();
            std::thread::spawn(move || {
                keep_last_lines(stderr, &log);
                drop(still_there);
            })
        });
        Ok(Running { child, log, ended, reader })
    }

    fn wait_until_listening(&mut self, dir: &Path) -> Result<u16, Error> {
        let looks_max = Duration::from_secs(START_SECONDS_MAX).as_millis() / LOOK_EVERY.as_millis();
        let ending = format!("_{}.ports", self.child.id());
        for _ in 0..looks_max {
            if let Some(port) = listening_port(dir, &ending)? {
                return Ok(port);
            }
            match self.ended.recv_timeout(LOOK_EVERY) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Ended { log: self.log_text() });
                }
            }
        }
        Err(Error::Silent { seconds: START_SECONDS_MAX, log: self.log_text() })
    }

    fn log_text(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only if the server has ended by itself, which is what is wanted; SIGKILL also ends a paused one.
        self.child.kill().ok();
        self.child.wait().ok();
        if let Some(reader) = self.reader.take() {
            reader.join().ok();
        }
    }
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Error {
    move |source| Error::Io { what, source }
}

fn keep_last_lines(stderr: ChildStderr, log: &Log) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let mut lines = log.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LOG_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// The client port from the file whose name ends with the process id; none while it is absent or half written.
fn listening_port(dir: &Path, ending: &str) -> Result<Option<u16>, Error> {
    for entry in std::fs::read_dir(dir).map_err(io("list the server's directory"))? {
        let path = entry.map_err(io("list the server's directory"))?.path();
        if !path.to_string_lossy().ends_with(ending) {
            continue;
        }
        let text = std::fs::read_to_string(path).map_err(io("read the file with the port"))?;
        return Ok(port_in(&text));
    }
    Ok(None)
}

pub(crate) fn port_in(ports_file: &str) -> Option<u16> {
    let ports: serde_json::Value = serde_json::from_str(ports_file).ok()?;
    let url = ports.get("nats")?.get(0)?.as_str()?;
    url.rsplit_once(':')?.1.parse().ok()
}
