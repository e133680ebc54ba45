//! The codec of every service, and the statuses of what never reached one.
//!
//! What does not decode is the caller's mistake, which tonic calls `INTERNAL`; what is too large is no matter of ranges, as tonic has
//! it. Both get the codes and details of this API.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use prost::Message;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::NamedService;
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::failure::Failure;

/// Protobuf over gRPC, where undecodable bytes are `INVALID_ARGUMENT` with reason `UNDECODABLE`.
///
/// Generated clients use it as well, and see an answer that does not decode under the same code.
#[derive(Debug, Clone)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = Half<T>;
    type Decoder = Half<U>;

    fn encoder(&mut self) -> Half<T> {
        Half(PhantomData)
    }

    fn decoder(&mut self) -> Half<U> {
        Half(PhantomData)
    }
}

/// One direction of a [`Codec`].
#[derive(Debug, Clone)]
pub struct Half<T>(PhantomData<T>);

/// Buffers as large as an ordinary command or receipt: one is made in each direction of every call. It grows with a message that
/// is larger; what is ready of a stream is sent once it is 32 KiB.
fn buffers() -> BufferSettings {
    BufferSettings::new(1024, 32 * 1024)
}

impl<T: Message> Encoder for Half<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, item: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(item.encoded_len());
        // The buffer grows, so there is always room.
        item.encode(buffer).map_err(|_full| Failure::Internal.into())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

impl<U: Message + Default> Decoder for Half<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buffer).map(Some).map_err(|error| Failure::Undecodable { detail: error.to_string() }.into())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

/// Gives a status that tonic made by itself the code and details of this API. Every other status, and every one that has details,
/// stays as it is.
///
/// For handlers of streams, whose inbound errors come from tonic. Unary calls go through [`Explain`].
#[must_use]
pub fn explain(status: Status) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    let (code, message) = (status.code(), status.message());
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| message.starts_with(beginning));
    if code == Code::OutOfRange && begins(&["Error, decoded message length too large"]) {
        let (actual, limit) = sizes(message);
        return Failure::TooLarge { what: "message", limit, actual }.into();
    }
    if code == Code::ResourceExhausted && begins(&["Error decompressing: size limit"]) {
        let (limit, _) = sizes(message);
        return Failure::TooLarge { what: "message", limit, actual: 0 }.into();
    }
    if code == Code::Internal && begins(UNREADABLE) {
        return Failure::Undecodable { detail: message.to_owned() }.into();
    }
    status
}

/// How tonic begins to speak of a request that is no sequence of messages.
const UNREADABLE: &[&str] = &[
    "Missing request message",
    "Unexpected EOF decoding stream",
    "Error decompressing",
    "protocol error: received message",
];

/// The first two whole numbers of tonic's message; 0 where there is none.
fn sizes(message: &str) -> (u64, u64) {
    let mut numbers = message.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Puts [`explain`] around a service, or as a layer around all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExplainLayer;

impl<S> Layer<S> for ExplainLayer {
    type Service = Explain<S>;

    fn layer(&self, service: S) -> Explain<S> {
        Explain(service)
    }
}

/// A service whose statuses of tonic's own making go through [`explain`].
#[derive(Debug, Clone)]
pub struct Explain<S>(pub S);

impl<S: NamedService> NamedService for Explain<S> {
    const NAME: &'static str = S::NAME;
}

impl<S, R, B> Service<R> for Explain<S>
where
    S: Service<R, Response = http::Response<B>>,
    S::Future: Send + 'static,
    B: Default + Send + 'static,
{
    type Response = http::Response<B>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<B>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move { answer.await.map(explained) })
    }
}

/// tonic leaves the status it answers with beside the headers it makes of it.
fn explained<B: Default>(response: http::Response<B>) -> http::Response<B> {
    match response.extensions().get::<Status>() {
        Some(status) if status.details().is_empty() => explain(status.clone()).into_http(),
        _ => response,
    }
}
