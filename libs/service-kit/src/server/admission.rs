//! Which connections are let in: tonic has no limit of its own on their number, and none on their silence; and once they are old it either asks or cuts.

use std::collections::HashMap;
use std::future::Future as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tonic::transport::server::Connected;

use super::Settings;
use super::limits::Places;

/// Counts the open connections.
#[derive(Debug)]
pub(super) struct Admission {
    open: Mutex<Open>,
    total_max: u32,
    per_address_max: u32,
    first_byte_timeout: Duration,
    /// From the beginning of a connection to its end, at the latest.
    lifetime: Duration,
    requests_max: u32,
}

#[derive(Debug, Default)]
struct Open {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

impl Admission {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            open: Mutex::default(),
            total_max: settings.connections_max,
            per_address_max: settings.connections_per_address_max,
            first_byte_timeout: Duration::from_millis(settings.first_byte_timeout_ms.into()),
            lifetime: lifetime(settings),
            requests_max: settings.requests_per_connection_max,
        }
    }

    /// The connection, counted; none when there are too many, and then it is closed at once rather than kept waiting.
    pub(super) fn admit(self: &Arc<Self>, stream: TcpStream) -> Option<Admitted> {
        // A peer that is gone already counts as nobody; reading will tell.
        let address = stream.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let place = self.enter(address)?;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection keeps its delay");
        }
        Some(Admitted {
            stream,
            silence: Some(Box::pin(tokio::time::sleep(self.first_byte_timeout))),
            end: Box::pin(tokio::time::sleep(self.lifetime)),
            requests: Places::new(self.requests_max),
            _place: place,
        })
    }

    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let here = open.by_address.get(&address).copied().unwrap_or_default();
        if open.total >= self.total_max || here >= self.per_address_max {
            tracing::warn!(
                open = open.total,
                from_this_address = here,
                "too many connections, one is turned away"
            );
            return None;
        }
        open.total += 1;
        open.by_address.insert(address, here + 1);
        Some(Place { admission: Arc::clone(self), address })
    }
}

/// The age at which a connection is asked to come again, and what it may take to end after that.
fn lifetime(settings: &Settings) -> Duration {
    let seconds = [settings.connection_age_max_seconds, settings.connection_age_grace_seconds];
    seconds.map(|seconds| Duration::from_secs(seconds.into())).iter().sum()
}

/// One connection's place in the counts, given back when dropped.
#[derive(Debug)]
struct Place {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.total = open.total.saturating_sub(1);
        let here = open.by_address.get(&self.address).copied().unwrap_or_default();
        if here > 1 {
            open.by_address.insert(self.address, here - 1);
        } else {
            open.by_address.remove(&self.address);
        }
    }
}

/// A connection that was let in; closed when its first byte does not come in time, and when it is too old, whatever it is at.
#[derive(Debug)]
pub(super) struct Admitted {
    stream: TcpStream,
    silence: Option<Pin<Box<Sleep>>>,
    end: Pin<Box<Sleep>>,
    requests: Places,
    _place: Place,
}

impl Connected for Admitted {
    type ConnectInfo = Places;

    /// Goes with every request of the connection.
    fn connect_info(&self) -> Places {
        self.requests.clone()
    }
}

impl Admitted {
    /// An error once the connection must have ended.
    fn unless_over(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.end.as_mut().poll(cx).is_ready() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Admitted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.unless_over(cx)?;
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.silence = None;
        } else if let Some(silence) = &mut self.silence {
            ready!(silence.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Admitted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.unless_over(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unless_over(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.unless_over(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
