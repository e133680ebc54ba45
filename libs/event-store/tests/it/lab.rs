use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

const LAB: &str = env!("CARGO_BIN_EXE_store-lab");

/// Runs `store-lab` to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    Command::new(LAB).args(args).output().unwrap()
}

/// A writer and what it has said.
pub(crate) struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
    pub acks: Vec<String>,
}

impl Writer {
    pub(crate) fn start(dir: &Path, seed: u64, more: &[&str]) -> Writer {
        let mut command = Command::new(LAB);
        command.arg("write").arg(dir).arg(seed.to_string()).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Writer { child, lines, acks: Vec::new() }
    }

    /// The next line; `None` once the writer is gone. A line cut off says nothing.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        let line = line.strip_suffix('\n')?.to_owned();
        if line.starts_with("ack ") {
            self.acks.push(line.clone());
        }
        Some(line)
    }

    /// Reads on until a line says this; fails the test if the writer ends before.
    pub(crate) fn expect_line(&mut self, expected: &str) {
        loop {
            let line = self.line().expect("the writer ended by itself");
            if line == expected {
                return;
            }
        }
    }

    /// SIGKILL; then hears out what it had said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.end().0
    }

    /// Hears it out and waits for its end.
    pub(crate) fn end(mut self) -> (Vec<String>, ExitStatus) {
        while self.line().is_some() {}
        let status = self.child.wait().unwrap();
        (self.acks, status)
    }
}

/// A directory for a store, the list of what was acknowledged in it, and room for copies.
pub(crate) struct Site {
    root: tempfile::TempDir,
    /// Each once, however often a repeat was acknowledged.
    pub acks: BTreeSet<String>,
    checks: usize,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site { root: tempfile::tempdir().unwrap(), acks: BTreeSet::new(), checks: 0 }
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("store")
    }

    /// The list of what was acknowledged, as of the last check.
    pub(crate) fn acks_file(&self) -> String {
        self.root.path().join("acks").to_str().unwrap().to_owned()
    }

    /// Recovers, looks for everything acknowledged, verifies a copy.
    pub(crate) fn check(&mut self, context: &str) {
        self.checks += 1;
        let acks = self.acks_file();
        let mut file = std::fs::File::create(&acks).unwrap();
        for ack in &self.acks {
            writeln!(file, "{ack}").unwrap();
        }
        let dir = self.dir();
        let checked = run(&["check", dir.to_str().unwrap(), &acks]);
        assert!(checked.status.success(), "{context}: {checked:?}");
        let copy = self.root.path().join(format!("copy-{}", self.checks));
        let verified = run(&["verify", dir.to_str().unwrap(), copy.to_str().unwrap()]);
        assert!(verified.status.success(), "{context}: {verified:?}");
        std::fs::remove_dir_all(copy).unwrap();
    }
}
