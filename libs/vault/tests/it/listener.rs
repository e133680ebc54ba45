//! Whoever listens to everything.

use nats_child::NatsChild;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A bare connection that is subscribed to every subject there is.
pub(crate) struct Listener {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Listener {
    pub(crate) async fn start(nats: &NatsChild) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", nats.port())).await.unwrap();
        let mut listener = Self { stream, heard: Vec::new() };
        listener.say("CONNECT {\"verbose\":false}\r\nSUB > 1\r\nPING\r\n").await;
        listener.hear_until(b"PONG").await;
        listener
    }

    async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    async fn hear_until(&mut self, wanted: &[u8]) {
        while !holds(&self.heard, wanted) {
            let read = self.stream.read_buf(&mut self.heard).await.unwrap();
            assert!(read > 0, "the server ended");
        }
    }

    /// Everything that was said up to now.
    pub(crate) async fn all(&mut self) -> &[u8] {
        self.say("PUB the.end 0\r\n\r\n").await;
        self.hear_until(b"MSG the.end").await;
        &self.heard
    }
}

pub(crate) fn holds(bytes: &[u8], part: &[u8]) -> bool {
    count(bytes, part) > 0
}

pub(crate) fn count(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).filter(|window| *window == part).count()
}
