use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, ConnectError, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::all::chain;
use crate::exit::{Exit, Failure};
use crate::lang::Text;
use crate::roles::Role;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Nobody answers where a process should be.
pub(super) const NOT_REACHED: &str = "NOT_REACHED";

/// A connection to a district: to the one process that plays all roles, or to one or several processes a role. Calls find the role
/// that offers them by their path, and take its copies in turn.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<Roles>);

#[derive(Debug)]
struct Roles {
    /// Of all roles, or of whatever no role's name stands before.
    any: Line,
    each: Vec<(Role, Line)>,
    /// Calls made, for taking copies in turn.
    turn: AtomicUsize,
}

/// A connection to one process, and which role is at which address where it plays one alone.
#[derive(Debug, Clone)]
struct Line {
    channel: Channel,
    role: Option<(Role, String)>,
}

impl From<Channel> for Wire {
    fn from(channel: Channel) -> Self {
        Self::new(Line { channel, role: None }, Vec::new())
    }
}

impl Wire {
    /// Connects to `HOST:PORT` or `http://HOST:PORT`, or to `ROLE=HOST:PORT,ROLE=HOST:PORT,…`, where a role may be named several
    /// times: once for each copy. One role may be away while the others are called, so each is connected to by its first call.
    ///
    /// # Errors
    /// [`Failure`] when an address does not read, or nobody answers where all roles should.
    pub(crate) async fn connect(server: &str) -> Result<Self, Failure> {
        let mut any = None;
        let mut each = Vec::new();
        for part in server.split(',') {
            match part.split_once('=') {
                None => any = Some(Line { channel: connect(part).await?, role: None }),
                Some((name, address)) => {
                    let role = Role::ALL.into_iter().find(|role| role.name() == name);
                    let role = role.ok_or_else(|| bad_address(part, "names no role"))?;
                    let (address, endpoint) = endpoint(address)?;
                    let line = Line { channel: endpoint.connect_lazy(), role: Some((role, address)) };
                    any.get_or_insert_with(|| line.clone());
                    each.push((role, line));
                }
            }
        }
        let any = any.ok_or_else(|| bad_address(server, "is empty"))?;
        Ok(Self::new(any, each))
    }

    fn new(any: Line, each: Vec<(Role, Line)>) -> Self {
        Self(Arc::new(Roles { any, each, turn: AtomicUsize::new(0) }))
    }

    fn line_for(&self, path: &str) -> &Line {
        let service = path.split('/').nth(1).unwrap_or_default();
        let copies = || self.0.each.iter().filter(|(role, _)| role.services().contains(&service));
        let count = copies().count();
        if count == 0 {
            return &self.0.any;
        }
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed) % count;
        copies().nth(turn).map_or(&self.0.any, |(_, line)| line)
    }
}

impl Service<http::Request<Body>> for Wire {
    type Response = http::Response<Body>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // Which channel has to be ready shows with the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Line { mut channel, role } = self.line_for(request.uri().path()).clone();
        Box::pin(async move {
            let answered = async {
                std::future::poll_fn(|context| Service::poll_ready(&mut channel, context)).await?;
                channel.call(request).await
            };
            answered.await.map_err(|error: tonic::transport::Error| match role {
                Some((role, address)) if is_unconnected(&error) => not_reached(role, &address, &error).into(),
                Some(_) | None => error.into(),
            })
        })
    }
}

/// Whether nobody was connected to, rather than a connection broken.
fn is_unconnected(error: &tonic::transport::Error) -> bool {
    let mut links = std::iter::successors(Some(error as &dyn Error), |link| (**link).source());
    links.any(|link| link.is::<ConnectError>())
}

fn not_reached(role: Role, address: &str, error: &tonic::transport::Error) -> Status {
    let facts = [("role", role.name().to_owned()), ("address", address.to_owned()), ("cause", chain(error))];
    let facts: HashMap<_, _> = facts.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect();
    let mut details = ErrorDetails::with_error_info(NOT_REACHED, "whistle", facts);
    details.set_localized_message("zh-CN", format!("连不上角色 {}", role.name()));
    let message = format!("the role {} is not reached", role.name());
    Status::with_error_details(Code::Unavailable, message, details)
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

fn endpoint(server: &str) -> Result<(String, Endpoint), Failure> {
    let address = if server.contains("://") { server.to_owned() } else { format!("http://{server}") };
    let endpoint =
        Endpoint::from_shared(address.clone()).map_err(|error| bad_address(&address, &error.to_string()))?;
    Ok((address, endpoint.connect_timeout(CONNECT_TIMEOUT)))
}

async fn connect(server: &str) -> Result<Channel, Failure> {
    let (address, endpoint) = endpoint(server)?;
    let channel = endpoint.connect().await;
    channel.map_err(|error| {
        Failure::new(
            Exit::Unavailable,
            NOT_REACHED,
            Text::new("连不上服务器", "the server is not reached"),
            Text::new(
                "先运行 whistle serve 或 whistle demo --serve,或用 --server 指定地址",
                "run whistle serve or whistle demo --serve first, or name another with --server",
            ),
        )
        .with([format!("{address}: {}", chain(&error))])
    })
}
