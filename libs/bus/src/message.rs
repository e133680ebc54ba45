//! A message and the headers it carries.

use async_nats::HeaderMap;
use bytes::Bytes;

/// Most bytes of a trace context; the W3C form has 55. A longer one is left out.
pub const TRACE_BYTES_MAX: usize = 128;

const TRACE_HEADER: &str = "traceparent";

/// Something that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The bytes.
    pub payload: Bytes,
    /// The sender's trace context, unchecked but for its length and characters.
    pub trace: Option<String>,
}

/// Whether it can stand in a header: visible ASCII, and not too long.
fn is_trace(text: &str) -> bool {
    !text.is_empty() && text.len() <= TRACE_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Headers for an outgoing message. What is no trace context is left out rather than sent broken.
pub(crate) fn headers(trace: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(trace) = trace.filter(|trace| is_trace(trace)) {
        headers.insert(TRACE_HEADER, trace);
    }
    headers
}

/// The trace context of an incoming message.
pub(crate) fn trace(headers: Option<&HeaderMap>) -> Option<String> {
    let value = headers?.get(TRACE_HEADER)?.as_str();
    is_trace(value).then(|| value.to_owned())
}
