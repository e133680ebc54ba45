use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::transport::{Channel, Endpoint};

use crate::exit::{Exit, Failure};
use crate::lang::Text;
use crate::roles::Role;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a district: to the one process that plays all roles, or to one or several processes a role. Calls find the role
/// that offers them by their path, and take its copies in turn.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<Roles>);

#[derive(Debug)]
struct Roles {
    /// Of all roles, or of whatever no role's name stands before.
    any: Channel,
    each: Vec<(Role, Channel)>,
    /// Calls made, for taking copies in turn.
    turn: AtomicUsize,
}

impl From<Channel> for Wire {
    fn from(any: Channel) -> Self {
        Self(Arc::new(Roles { any, each: Vec::new(), turn: AtomicUsize::new(0) }))
    }
}

impl Wire {
    /// Connects to `HOST:PORT` or `http://HOST:PORT`, or to `ROLE=HOST:PORT,ROLE=HOST:PORT,…`, where a role may be named several
    /// times: once for each copy.
    ///
    /// # Errors
    /// [`Failure`] when an address does not read or nobody answers there.
    pub(crate) async fn connect(server: &str) -> Result<Self, Failure> {
        let mut any = None;
        let mut each = Vec::new();
        for part in server.split(',') {
            match part.split_once('=') {
                None => any = Some(connect(part).await?),
                Some((name, address)) => {
                    let role = Role::ALL.into_iter().find(|role| role.name() == name);
                    let role = role.ok_or_else(|| bad_address(part, "names no role"))?;
                    let channel = connect(address).await?;
                    any.get_or_insert_with(|| channel.clone());
                    each.push((role, channel));
                }
            }
        }
        let any = any.ok_or_else(|| bad_address(server, "is empty"))?;
        Ok(Self(Arc::new(Roles { any, each, turn: AtomicUsize::new(0) })))
    }

    fn channel_for(&self, path: &str) -> &Channel {
        let service = path.split('/').nth(1).unwrap_or_default();
        let copies = || self.0.each.iter().filter(|(role, _)| role.services().contains(&service));
        let count = copies().count();
        if count == 0 {
            return &self.0.any;
        }
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed) % count;
        copies().nth(turn).map_or(&self.0.any, |(_, channel)| channel)
    }
}

impl Service<http::Request<Body>> for Wire {
    type Response = http::Response<Body>;
    type Error = tonic::transport::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // Which channel has to be ready shows with the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let mut channel = self.channel_for(request.uri().path()).clone();
        Box::pin(async move {
            std::future::poll_fn(|context| Service::poll_ready(&mut channel, context)).await?;
            channel.call(request).await
        })
    }
}

fn bad_address(address: &str, why: &str) -> Failure {
    Failure::new(
        Exit::Usage,
        "BAD_ADDRESS",
        Text::new("服务器地址不对", "the server's address does not read"),
        Text::new(
            "写成 http://主机:端口,或 角色=主机:端口,角色=主机:端口",
            "write it as http://HOST:PORT, or ROLE=HOST:PORT,ROLE=HOST:PORT",
        ),
    )
    .with([format!("{address}: {why}")])
}

async fn connect(server: &str) -> Result<Channel, Failure> {
    let address = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let endpoint =
        Endpoint::from_shared(address.clone()).map_err(|error| bad_address(&address, &error.to_string()))?;
    let channel = endpoint.connect_timeout(CONNECT_TIMEOUT).connect().await;
    channel.map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            "NOT_REACHED",
            Text::new("连不上服务器", "the server is not reached"),
            Text::new(
                "先运行 whistle serve 或 whistle demo --serve,或用 --server 指定地址",
                "run whistle serve or whistle demo --serve first, or name another with --server",
            ),
        )
        .with([format!("{address}: {}", crate::all::chain(&error))])
    })
}
