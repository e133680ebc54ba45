//! The exchange as a gRPC service. The generated one ends a stream with the first message that does not decode; here that is
//! heard as such, so that it can be answered like any other.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf as _;
use futures_util::Stream;
use tonic::body::Body;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Request, Response, Status, Streaming};
use wire::codec::Half;
use wire::pb::whistle::intake::v1 as pb;
use wire::pb::whistle::intake::v1::hotline_service_server::SERVICE_NAME;

use super::{Hotline, MESSAGE_BYTES_MAX, body};

/// The only method.
const EXCHANGE: &str = "/whistle.intake.v1.HotlineService/Exchange";
/// Where a message counts itself.
const SEQ: u64 = 1;
/// Where a message is a hello.
const HELLO: u64 = 3;

/// One message of a source.
#[derive(Debug)]
pub(super) enum Heard {
    Said(pb::FromSource),
    Undecodable(Undecodable),
}

/// A message that does not decode, as far as it can be read.
#[derive(Debug)]
pub(super) struct Undecodable {
    /// 0 when it cannot be read.
    pub seq: u64,
    /// Whether it was to open the exchange.
    pub hello: bool,
    pub why: Box<Status>,
}

/// What the source is sent.
pub(super) type Sent = Pin<Box<dyn Stream<Item = Result<pb::ToSource, Status>> + Send>>;

/// Serves the exchange.
#[derive(Clone)]
pub(super) struct Server(pub Hotline);

impl NamedService for Server {
    const NAME: &'static str = SERVICE_NAME;
}

impl Service<http::Request<Body>> for Server {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let exchanging = Exchanging(self.0.clone());
        Box::pin(async move {
            if request.uri().path() != EXCHANGE {
                return Ok(Status::unimplemented("").into_http());
            }
            let mut grpc = Grpc::new(Hearing::default())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(desk::RESPONSE_BYTES_MAX);
            Ok(grpc.streaming(exchanging, request).await)
        })
    }
}

struct Exchanging(Hotline);

impl StreamingService<Heard> for Exchanging {
    type Response = pb::ToSource;
    type ResponseStream = Sent;
    type Future = BoxFuture<Response<Sent>, Status>;

    fn call(&mut self, request: Request<Streaming<Heard>>) -> Self::Future {
        let answer = self.0.exchange(request);
        Box::pin(async move { answer })
    }
}

/// The codec of all services, which here hears what it cannot decode.
#[derive(Default)]
struct Hearing(wire::codec::Codec<pb::ToSource, pb::FromSource>);

impl Codec for Hearing {
    type Encode = pb::ToSource;
    type Decode = Heard;
    type Encoder = Half<pb::ToSource>;
    type Decoder = Ear;

    fn encoder(&mut self) -> Self::Encoder {
        self.0.encoder()
    }

    fn decoder(&mut self) -> Ear {
        Ear(self.0.decoder())
    }
}

struct Ear(Half<pb::FromSource>);

impl Decoder for Ear {
    type Item = Heard;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Heard>, Status> {
        // Read before, as decoding takes it away; a few fields, and nothing is copied.
        let seq = body::last_varint(buffer.chunk(), SEQ).unwrap_or_default();
        let hello = body::has_field(buffer.chunk(), HELLO);
        match self.0.decode(buffer) {
            Ok(said) => Ok(said.map(Heard::Said)),
            Err(why) => {
                // The next message begins behind what is left of this one.
                buffer.advance(buffer.remaining());
                Ok(Some(Heard::Undecodable(Undecodable { seq, hello, why: Box::new(why) })))
            }
        }
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}
