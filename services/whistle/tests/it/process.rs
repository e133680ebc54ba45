//! Running the binary.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The binary, with nothing of the environment that would be a setting or an option.
pub(crate) fn whistle() -> Command {
    clean(Command::new(env!("CARGO_BIN_EXE_whistle")))
}

fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WHISTLE_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    whistle().args(arguments).output().unwrap()
}

/// Runs it and reads the one JSON value it prints.
pub(crate) fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What it said on standard error.
pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Raises a case about rubbish at a crossing, as a grid worker.
pub(crate) fn raise(server: &str, token: &str, command_id: &str) -> Value {
    let said = ["--matter", "exposed-garbage", "--area", "371002001001001", "--text", "前进街路口垃圾堆积"];
    let sent = ["--command-id", command_id, "-o", "json", "--server", server, "--token", token];
    json(&[["raise"].as_slice(), &said, &sent].concat())
}

/// The status line and the body of a page; none while nobody answers there.
pub(crate) fn page(address: &str, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.lines().next()?.to_owned(), body.to_owned()))
}

/// The same of somebody who answers.
pub(crate) fn get(address: &str, path: &str) -> (String, String) {
    page(address, path).unwrap_or_else(|| panic!("{address}{path} does not answer"))
}

/// The path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Files that a server of [`Server::start_with_few_files`] may have open to begin with.
pub(crate) const FEW_FILES: u64 = 256;

/// A server in a process of its own, killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// Where operators look, when it was told to show them anything.
    pub ops: Option<String>,
    told: Option<std::thread::JoinHandle<String>>,
}

impl Server {
    /// Starts a command that serves and waits until it says where.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::spawned(whistle().args(arguments).stderr(Stdio::null()))
    }

    /// The same with everything it says about traces, which [`Server::terminate_and_tell`] gives.
    pub(crate) fn start_traced(arguments: &[&str]) -> Self {
        let mut command = whistle();
        command.env("WHISTLE_TELEMETRY__FILTER", "info,whistle::trace=debug");
        Self::spawned(command.args(arguments).stderr(Stdio::piped()))
    }

    /// The same where only a few files may be open until it asks for more, as many as it likes.
    pub(crate) fn start_with_few_files(arguments: &[&str]) -> Self {
        let mut command = clean(Command::new("sh"));
        let few = format!("ulimit -Sn {FEW_FILES} && exec \"$0\" \"$@\"");
        command.args(["-c", &few, env!("CARGO_BIN_EXE_whistle")]).args(arguments);
        Self::spawned(command.stderr(Stdio::null()))
    }

    /// How many files it may have open, and how many it may ask for; none is as many as the system has.
    pub(crate) fn files_max(&self) -> [Option<u64>; 2] {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap();
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let mut numbers = files.split_whitespace().map(|number| number.parse().ok());
        [numbers.next().unwrap(), numbers.next().unwrap()]
    }

    fn spawned(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let told = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut told = String::new();
                stderr.read_to_string(&mut told).unwrap();
                told
            })
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut ops = None;
        let line = lines.find_map(|line| {
            let line = line.unwrap();
            ops = ops.take().or_else(|| line.strip_prefix("ops on http://").map(str::to_owned));
            line.strip_prefix("listening on ").map(str::to_owned)
        });
        let address = line.expect("it ended before it listened");
        // The pipe is read on, so that the server never writes into a full or closed one.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address, ops, told }
    }

    /// Asks it to end and gives the JSON lines it wrote.
    pub(crate) fn terminate_and_tell(mut self) -> Vec<Value> {
        let told = self.told.take().expect("started to be read");
        assert_eq!(self.terminate(), Some(0));
        told.join().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Kills it, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end and gives its exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, which is all that is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
