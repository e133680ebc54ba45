//! NATS spoken by hand, line by line: what one user may do shows exactly, wildcards included.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// Nothing waits for it that goes well.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of one user.
pub(crate) struct Line {
    stream: BufReader<TcpStream>,
    /// Number of the latest subscription.
    subscription: usize,
}

impl Line {
    /// Connects to `nats://HOST:PORT`, if the server lets the user in.
    pub(crate) fn connect(url: &str, user: &str, password: &str) -> Result<Self, String> {
        let stream = TcpStream::connect(url.strip_prefix("nats://").unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut line = Self { stream: BufReader::new(stream), subscription: 0 };
        assert!(line.read().starts_with("INFO "));
        let who = json!({ "user": user, "pass": password, "verbose": false, "pedantic": false });
        match line.refusal(&format!("CONNECT {who}")) {
            None => Ok(line),
            Some(refusal) => Err(refusal),
        }
    }

    /// Whether the user may publish there.
    pub(crate) fn may_publish(&mut self, subject: &str) -> bool {
        self.may(&format!("PUB {subject} 0\r\n"), "Publish")
    }

    /// Whether the user may listen there.
    pub(crate) fn may_subscribe(&mut self, subject: &str) -> bool {
        self.subscription += 1;
        let subscription = self.subscription;
        let may = self.may(&format!("SUB {subject} {subscription}"), "Subscription");
        if may {
            assert_eq!(self.refusal(&format!("UNSUB {subscription}")), None);
        }
        may
    }

    /// Asks, and gives the first answers.
    pub(crate) fn ask(&mut self, subject: &str, inbox: &str, answers: usize) -> Vec<Value> {
        self.send(&format!("SUB {inbox} ask\r\nPUB {subject} {inbox} 0\r\n"));
        let answers = (0..answers).map(|_| serde_json::from_slice(&self.message()).unwrap()).collect();
        self.send("UNSUB ask");
        answers
    }

    fn may(&mut self, command: &str, what: &str) -> bool {
        match self.refusal(command) {
            None => true,
            Some(refusal) => {
                assert!(refusal.contains(&format!("Permissions Violation for {what}")), "{refusal}");
                false
            }
        }
    }

    /// What the server says against a command. It works in order: with the pong everything is said.
    fn refusal(&mut self, command: &str) -> Option<String> {
        self.send(&format!("{command}\r\nPING"));
        let mut refusal = None;
        loop {
            match self.read() {
                line if line.starts_with("-ERR") => {
                    // The connection ends with this one, and no pong comes.
                    if line.contains("Authorization Violation") {
                        return Some(line);
                    }
                    refusal = Some(line);
                }
                line if line == "PONG" => return refusal,
                line if line == "PING" => self.send("PONG"),
                line => panic!("not expected: {line}"),
            }
        }
    }

    /// The payload of the next message, without its headers.
    fn message(&mut self) -> Vec<u8> {
        loop {
            let line = self.read();
            let Some(rest) = line.strip_prefix("MSG ") else {
                assert!(line == "PING" || line.starts_with("INFO "), "not expected: {line}");
                if line == "PING" {
                    self.send("PONG");
                }
                continue;
            };
            let length: usize = rest.rsplit(' ').next().unwrap().parse().unwrap();
            let mut payload = vec![0; length + 2];
            self.stream.read_exact(&mut payload).unwrap();
            payload.truncate(length);
            return payload;
        }
    }

    fn send(&mut self, command: &str) {
        write!(self.stream.get_mut(), "{command}\r\n").unwrap();
    }

    fn read(&mut self) -> String {
        let mut line = String::new();
        assert!(self.stream.read_line(&mut line).unwrap() > 0, "the server hung up");
        line.trim_end().to_owned()
    }
}
