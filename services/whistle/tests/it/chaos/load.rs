//! Clients that bring cases to their end and take no for no answer.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

use crate::district::District;
use crate::process::{text, told, whistle};

/// At one time.
const CLIENTS: usize = 4;
/// Commands of a case from raised to closed; one of them may be overtaken, and is not acknowledged then.
const COMMANDS: usize = 9;
/// Commands after which the last case of each client is left: signed for, with its clocks running and nothing to be done by itself.
const LEFT_AT: usize = 5;
/// Longer than a client insists.
const PATIENCE: Duration = Duration::from_secs(150);

/// The clients, at work.
pub(super) struct Load {
    child: Option<Child>,
    lines: Receiver<String>,
    told: Vec<String>,
}

impl Load {
    /// Starts clients that will be acknowledged at least so many commands.
    pub(super) fn start(district: &District, acknowledgements: usize) -> Self {
        let cases = acknowledgements.div_ceil(CLIENTS * (COMMANDS - 1));
        let commands = (cases * COMMANDS + LEFT_AT).to_string();
        let path = district.path().join("acks");
        let versions = district.path().join("acks.versions");
        // A pipe: each acknowledgement is told as it is written down.
        assert!(Command::new("mkfifo").arg(&versions).status().unwrap().success());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(File::open(versions).unwrap()).lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        let (clients, server) = (CLIENTS.to_string(), district.server());
        let mut command = whistle();
        command.args(["bench", "lifecycle", "--insist", "--json", "--rounds", "1", "--clients", &clients]);
        command.args(["--commands", &commands, "--acks", text(&path), "--connect", &server]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child: Some(child), lines, told: Vec::new() }
    }

    /// How many acknowledgements were seen.
    pub(super) fn acknowledged(&self) -> usize {
        self.told.len()
    }

    /// Waits for so many acknowledgements more.
    pub(super) fn wait_for(&mut self, more: usize) {
        for _ in 0..more {
            assert!(self.next(), "the load ended after {} acknowledgements", self.told.len());
        }
    }

    /// The next acknowledgement; none when the load has ended.
    fn next(&mut self) -> bool {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => self.told.push(line),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => {
                let mut child = self.child.take().unwrap();
                child.kill().unwrap();
                let output = child.wait_with_output().unwrap();
                panic!("nothing acknowledged for {PATIENCE:?}: {}", told(&output));
            }
        }
        true
    }

    /// Waits for the end, which no client comes to by a failure, and gives which cases came to which versions.
    pub(super) fn end(mut self) -> BTreeSet<(String, u64)> {
        while self.next() {}
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        let figures: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(figures["errors"], 0, "{figures}");
        let acknowledged: BTreeSet<(String, u64)> = self.told.iter().map(|line| ack(line)).collect();
        assert_eq!(acknowledged.len(), self.told.len(), "two commands came to the same version");
        println!("chaos: {} acknowledged, {} commands", acknowledged.len(), figures["ops"]);
        acknowledged
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already, which is all that is wanted.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// `ID VERSION STATUS`
fn ack(line: &str) -> (String, u64) {
    let mut parts = line.split(' ');
    let (id, version) = (parts.next().unwrap(), parts.next().unwrap());
    (id.to_owned(), version.parse().unwrap())
}
