//! Trace context as W3C has it: which trace a piece of work belongs to, and which piece of it led here.
//!
//! It comes in gRPC metadata, is kept in the header of each commit, and goes out in the headers of messages between processes,
//! so that one case's way through all of them is one trace.

#[cfg(test)]
mod tests;

use std::fmt::{self, Write as _};

use ring::rand::{SecureRandom as _, SystemRandom};
use tracing::Span;

/// The name of the metadata and of the message header that carries it.
pub const TRACEPARENT: &str = "traceparent";
/// The target of the lines and spans that make up a trace: `info,whistle::trace=debug` as telemetry filter shows them all.
pub const TARGET: &str = "whistle::trace";

/// Version, trace, span and flags with the hyphens between them.
const TEXT_BYTES: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;
/// The one flag there is in version 00.
const SAMPLED: u8 = 1;

/// One span of one trace. Neither id is ever all zeroes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The same for all work that one call led to.
    pub trace_id: [u8; 16],
    /// This piece of work.
    pub span_id: [u8; 8],
    /// Whether whoever began it records it. Ours are written down by the telemetry filter, whatever this says.
    pub sampled: bool,
}

impl TraceContext {
    /// Begins a trace.
    #[expect(
        clippy::new_without_default,
        reason = "every one is another; a default would be one and the same"
    )]
    #[must_use]
    pub fn new() -> Self {
        let mut ids = [0; 24];
        fill(&mut ids);
        let (mut trace_id, mut span_id) = ([0; 16], [0; 8]);
        let (first, last) = ids.split_at(trace_id.len());
        trace_id.copy_from_slice(first);
        span_id.copy_from_slice(last);
        Self { trace_id: never_zero(trace_id), span_id: never_zero(span_id), sampled: true }
    }

    /// A piece of work that this one led to: the same trace, another span.
    #[must_use]
    pub fn child(&self) -> Self {
        let mut span_id = [0; 8];
        fill(&mut span_id);
        Self { span_id: never_zero(span_id), ..*self }
    }

    /// Reads what [`fmt::Display`] writes: version 00 in lower case and nothing after it. What is not that is nothing: whoever
    /// gets it begins a trace.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT_BYTES {
            return None;
        }
        let mut parts = text.split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let [flags] = hex(flags)?;
        let (trace_id, span_id) = (hex(trace)?, hex(span)?);
        let is_one = version == "00" && parts.next().is_none() && trace_id != [0; 16] && span_id != [0; 8];
        is_one.then_some(Self { trace_id, span_id, sampled: flags & SAMPLED != 0 })
    }

    /// What [`fmt::Display`] writes.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(TEXT_BYTES);
        // Writing into a text cannot fail.
        write!(text, "{self}").unwrap_or_default();
        text
    }

    /// The trace's id as it is written in lines.
    #[must_use]
    pub fn trace(&self) -> Hex<16> {
        Hex(self.trace_id)
    }

    /// The span's id as it is written in lines.
    #[must_use]
    pub fn span(&self) -> Hex<8> {
        Hex(self.span_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("00-")?;
        self.trace().fmt(f)?;
        f.write_str("-")?;
        self.span().fmt(f)?;
        f.write_str(if self.sampled { "-01" } else { "-00" })
    }
}

/// The span of work that nobody called for: of one reactor, in the trace of the commit that led to it when that is known.
#[must_use]
pub fn automatic(name: &'static str, led_here: Option<TraceContext>, own: Option<TraceContext>) -> Span {
    tracing::info_span!(
        target: TARGET,
        "automatic",
        name,
        trace_id = own.map(|own| tracing::field::display(own.trace())),
        span_id = own.map(|own| tracing::field::display(own.span())),
        parent_span_id = led_here.map(|parent| tracing::field::display(parent.span())),
    )
}

/// Bytes that write themselves in lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>([u8; N]);

impl<const N: usize> Hex<N> {
    /// Two digits for each byte.
    #[must_use]
    pub fn digits(&self) -> [[u8; 2]; N] {
        self.0.map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // At once: every call is written this way several times. Digits are text.
        f.write_str(str::from_utf8(self.digits().as_flattened()).unwrap_or_default())
    }
}

/// The digit of a number below 16.
fn digit(number: u8) -> u8 {
    if number < 10 { b'0' + number } else { b'a' - 10 + number }
}

/// Exactly `N` bytes of lower-case digits.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// A machine without randomness gives the one id that is not all zeroes: work goes on, its traces run together.
fn fill(bytes: &mut [u8]) {
    if SystemRandom::new().fill(bytes).is_err() {
        tracing::warn!("no randomness for the id of a trace");
    }
}

fn never_zero<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    if bytes == [0; N]
        && let Some(last) = bytes.last_mut()
    {
        *last = 1;
    }
    bytes
}
