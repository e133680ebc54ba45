//! Messages that no type of ours would say, byte by byte.

use tonic::client::Grpc;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status, Streaming};
use wire::pb::whistle::intake::v1::ToSource;

use super::support::District;

/// Bytes as they are, one way.
#[derive(Default)]
struct Raw(wire::codec::Codec<ToSource, ToSource>);

struct RawHalf;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ToSource;
    type Encoder = RawHalf;
    type Decoder = wire::codec::Half<ToSource>;

    fn encoder(&mut self) -> RawHalf {
        RawHalf
    }

    fn decoder(&mut self) -> Self::Decoder {
        self.0.decoder()
    }
}

impl Encoder for RawHalf {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put_slice(buffer, &item);
        Ok(())
    }
}

/// A field of bytes, at most 127 of them.
pub(super) fn raw(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut raw = vec![field << 3 | 2, u8::try_from(bytes.len()).unwrap()];
    raw.extend(bytes);
    raw
}

/// A first revision that says no more than its number.
pub(super) fn raw_ticket(seq: u8, number: &[u8], content_type: &[u8]) -> Vec<u8> {
    let ticket = [raw(1, number), raw(3, content_type), raw(4, b"{}")].concat();
    [vec![1 << 3, seq], raw(4, &ticket)].concat()
}

/// Says all of it, and gives what is answered.
pub(super) async fn raw_line(district: &District, said: Vec<Vec<u8>>) -> Result<Streaming<ToSource>, Status> {
    let mut client = Grpc::new(district.server.channel().await);
    client.ready().await.unwrap();
    let mut request = Request::new(futures_util::stream::iter(said));
    request.metadata_mut().insert("authorization", test_kit::bearer("hotline"));
    let path = PathAndQuery::from_static("/whistle.intake.v1.HotlineService/Exchange");
    Ok(client.streaming(request, path, Raw::default()).await?.into_inner())
}
