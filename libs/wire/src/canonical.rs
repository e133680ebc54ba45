//! What a request is, apart from the attempt: the bytes its MAC is over.

use crate::request::Request;

/// Version of the canonical form. A new form is a new version, so that a retry over an upgrade is never mistaken for another body.
pub const CANONICAL_VERSION: u8 = 1;

/// The canonical form of a request: version, length and name of the RPC, and the message encoded anew in field order.
///
/// `expected_version` is left out: it says when a command may be done, not what it does. Whoever rereads and retries under the same
/// id with the version now seen means the same command, and gets the first success instead of `COMMAND_ID_REUSED`. Encoding anew
/// also drops unknown fields and the freedoms of the wire format, so that two client libraries cannot differ.
#[must_use]
pub fn canonical<R: Request>(rpc: &str, request: &R) -> Vec<u8> {
    let request = request.unconditional();
    let name = u32::try_from(rpc.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = Vec::with_capacity(1 + name.len() + rpc.len() + request.encoded_len());
    bytes.push(CANONICAL_VERSION);
    bytes.extend_from_slice(&name);
    bytes.extend_from_slice(rpc.as_bytes());
    // A vector is never full.
    request.encode(&mut bytes).unwrap_or_default();
    bytes
}
