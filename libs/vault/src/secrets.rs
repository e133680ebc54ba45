//! The constant secrets of a ledger and what is made with them.

use case::ids::CaseId;
use registry::ids::SourceId;
use ring::hmac;

use crate::crypt::joined;
use crate::error::Error;

const REQUEST: &str = "request-mac-key";
/// Never rotated: a ticket that comes again in ten years must find its case.
const TICKET: &str = "ticket-key";
const SEARCH: &str = "search-key";

pub(crate) const NAMES: [&str; 3] = [REQUEST, TICKET, SEARCH];

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Characters of a search token: 50 bits, so that among a million bigrams two share a token with a chance below 1 in 2,000.
const TOKEN_CHARS: usize = 10;

pub(crate) struct Secrets {
    request: hmac::Key,
    ticket: hmac::Key,
    search: hmac::Key,
}

impl Secrets {
    /// From the unwrapped bytes of each name.
    pub(crate) fn read(get: impl Fn(&str) -> Result<Vec<u8>, Error>) -> Result<Self, Error> {
        let key = |name| get(name).map(|bytes| hmac::Key::new(hmac::HMAC_SHA256, &bytes));
        Ok(Self { request: key(REQUEST)?, ticket: key(TICKET)?, search: key(SEARCH)? })
    }

    pub(crate) fn request_mac(&self, canonical: &[u8]) -> [u8; 32] {
        first_bytes(&hmac::sign(&self.request, canonical))
    }

    pub(crate) fn case_id_for_ticket(&self, source: &SourceId, ticket: &str) -> CaseId {
        let tag = hmac::sign(&self.ticket, &joined(&[source.as_str().as_bytes(), ticket.as_bytes()]));
        CaseId(uuid::Builder::from_custom_bytes(first_bytes(&tag)).into_uuid())
    }

    pub(crate) fn search_token(&self, bigram: &str) -> String {
        let bits = u64::from_be_bytes(first_bytes(&hmac::sign(&self.search, bigram.as_bytes())));
        let digit = |index: usize| BASE32.get(usize::try_from(bits >> (5 * index) & 31).unwrap_or(0));
        (0..TOKEN_CHARS).filter_map(digit).map(|byte| char::from(*byte)).collect()
    }
}

fn first_bytes<const N: usize>(tag: &hmac::Tag) -> [u8; N] {
    let mut bytes = [0; N];
    for (to, from) in bytes.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    bytes
}
